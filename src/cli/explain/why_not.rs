//! The answer to `--why-not` for people.

use anstyle::AnsiColor;

use super::text::{Page, style};
use crate::cli::print::on_one_line;
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::pipeline::why_not::{Removed, WhyNot};
use crate::pipeline::{End, Engine};
use crate::span::{Entity, Label};
use crate::text::Document;

/// The answer, with ANSI styles.
pub(super) fn render(engine: &Engine, document: &Document, answer: &WhyNot) -> String {
    let page = Page::new(engine, document, &answer.explanation);
    let asked = answer.label.as_ref().map_or_else(|| "an entity".to_owned(), Label::to_string);
    let heading = page.heading(answer.span);
    let mut text = match &answer.entity {
        Some(entity) => format!("{heading}  {}\n", is_there(engine, entity)),
        None => {
            let verdict = format!("is not {asked}: {}", verdict(answer));
            format!("{heading}  {}\n", styled(&verdict, AnsiColor::Red.on_default()))
        }
    };
    if let Some(token) = answer.cut_token {
        let token = page.surface(token);
        text.push_str(&format!("  it cuts the given token '{token}', which no entity does\n"));
    }
    if !answer.removed.is_empty() {
        let mut stories = Vec::new();
        for Removed { story, beaten_by } in &answer.removed {
            for story in std::iter::once(story).chain(beaten_by) {
                if !stories.contains(story) {
                    stories.push(story.clone());
                }
            }
        }
        text.push_str(&page.stories(&stories).render(2));
    }
    text.push_str(&silent(engine, answer));
    for opinion in page.opinions(answer.span) {
        text.push_str(&format!("  {}\n", styled(&opinion, FAINT)));
    }
    if !answer.instead.is_empty() {
        let there: Vec<String> = answer
            .instead
            .iter()
            .map(|e| format!("'{}' {} ({:.2})", page.surface(e.span), e.label, e.score))
            .collect();
        let lead = if answer.entity.is_some() { "also there" } else { "there instead" };
        text.push_str(&format!("  {lead}: {}\n", there.join(", ")));
    }
    if !answer.disabled.is_empty() && answer.entity.is_none() {
        let list = format!("switched off and not asked: {}", answer.disabled.join(", "));
        text.push_str(&format!("  {}\n", styled(&list, FAINT)));
    }
    text.push('\n');
    text
}

fn is_there(engine: &Engine, entity: &Entity) -> String {
    let label = styled(entity.label.as_str(), style(engine, &entity.label));
    let sources = entity.sources().join(", ");
    format!("is in the output: {label} {:.2}, proposed by {sources}", entity.score)
}

/// The answer in a clause.
fn verdict(answer: &WhyNot) -> String {
    let ends = answer.removed.iter().map(|removed| &removed.story.end);
    match ends.collect::<Vec<_>>().as_slice() {
        [] => "no source proposes it".to_owned(),
        [End::Helper, ..] => "its label is never given".to_owned(),
        [End::Won(_), ..] => "it was proposed and became another".to_owned(),
        [_, ..] => "it was proposed and did not survive".to_owned(),
    }
}

/// The sources that did not propose it, each with its reasons.
fn silent(engine: &Engine, answer: &WhyNot) -> String {
    if answer.entity.is_some() || answer.silent.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["silent", "label", "closest", "why"]);
    for silent in &answer.silent {
        for refusal in &silent.refusals {
            let label = match &refusal.label {
                Some(label) => Cell::new(label.as_str(), style(engine, label)),
                None => Cell::default(),
            };
            let place = refusal.place.as_ref().map_or_else(String::new, |p| format!(" ({p})"));
            table.row([
                Cell::new(&*silent.source, STRONG),
                label,
                on_one_line(refusal.detail.as_deref().unwrap_or_default()).into(),
                format!("{}{place}", on_one_line(&refusal.reason)).into(),
            ]);
        }
    }
    table.render(2)
}
