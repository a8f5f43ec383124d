//! Why something is or is not an entity, in one clause: what `tag --watch` says beside a change.

use super::text::{Page, origins};
use crate::error::Result;
use crate::pipeline::{End, Engine};
use crate::span::{Label, Span};
use crate::text::Document;

/// Why `span` is `label` in the document, or is not: the step that decided and its reason, else who
/// proposed it, else why nobody did.
///
/// # Errors
/// As [`Engine::why_not`].
pub(in crate::cli) fn because(
    engine: &Engine,
    document: &Document,
    span: Span,
    label: &Label,
) -> Result<String> {
    let answer = engine.why_not(document, span, Some(label))?;
    let page = Page::new(engine, document, &answer.explanation);
    if answer.entity.is_some() {
        let stories = answer.explanation.stories();
        let won = stories.iter().find(|story| {
            let is_it = story.last.span == span && story.last.label == *label;
            is_it && matches!(story.end, End::Won(_))
        });
        return Ok(won.map_or_else(String::new, |story| {
            let told = answer.explanation.decided(story).map(|_| format!("; {}", page.why(story)));
            format!("proposed by {}{}", origins(&story.last), told.unwrap_or_default())
        }));
    }
    if let Some(removed) = answer.removed.first() {
        return Ok(page.why(&removed.story));
    }
    // The source that came closest is the one that names what came close.
    let refusals = || answer.silent.iter().flat_map(|s| s.refusals.iter().map(move |r| (s, r)));
    let closest = refusals().find(|(_, r)| r.detail.is_some()).or_else(|| refusals().next());
    Ok(closest.map_or_else(
        || "no source proposes it".to_owned(),
        |(silent, refusal)| format!("{}: {}", silent.source, refusal.reason),
    ))
}
