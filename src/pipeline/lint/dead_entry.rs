//! The lint `dead-entry`.

use std::collections::BTreeMap;

use super::entries::{Example, Gazetteers, Group, Of, Side};
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::source::gazetteer::survey::Never;
use crate::span::Label;

pub(super) const LINT: Lint = Lint {
    name: "dead-entry",
    doc: "An entry that its own source never lets match: its label is not among `labels`, it is shorter than \
          `min-length`, among `stop`, or no spelling or casing of it fits; or its score, at its highest, is \
          under a threshold that no pass before may lift it over. Several for one reason are one finding. \
          What `context` asks for can stand somewhere, so it is not judged.",
    level: Level::Note,
    find,
};

/// Why an entry comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Never(Never),
    /// The label, and the pass that drops it, by number.
    Score(Label, usize),
}

fn find(engine: &Engine, findings: &mut Findings) {
    let gazetteers = Gazetteers::of(engine);
    let mut groups: BTreeMap<(usize, Reason), Group> = BTreeMap::new();
    for (number, (name, source)) in gazetteers.sources().enumerate() {
        let mut floors: BTreeMap<&Label, Option<(f32, usize)>> = BTreeMap::new();
        source.each_judged(|gazetteer, entry, never| {
            let label = entry.label();
            let floor = floors.entry(label).or_insert_with(|| {
                let (floor, step) = engine.floor(name, label)?;
                let number = engine.steps.iter().position(|known| std::ptr::eq(known, step))?;
                Some((floor, number))
            });
            let too_low = floor.filter(|(floor, _)| source.highest_score(entry) < *floor);
            let reason = match (never, too_low) {
                (Some(never), _) => Reason::Never(never),
                (None, Some((_, step))) => Reason::Score(label.clone(), step),
                (None, None) => return,
            };
            groups.entry((number, reason)).or_default().add(|| Example {
                surface: entry.surface().to_owned(),
                side: Side { holder: (number, gazetteer), label: label.clone() },
                other: None,
                detail: label.to_string(),
            });
        });
    }
    let sources: Vec<_> = gazetteers.sources().collect();
    let advice = "remove what is not meant, or change the option; nothing needs to be done where the option \
                  is there to leave such entries out";
    gazetteers.report(&groups, findings, advice, |(number, reason), of| {
        let (name, source) = sources[*number];
        let why = match reason {
            Reason::Never(Never::Label) => "the label is not among its 'labels'".to_owned(),
            Reason::Never(Never::Short) => {
                format!("fewer characters than min-length = {}", source.min_length())
            }
            Reason::Never(Never::Stop) => "it is a stop entry".to_owned(),
            Reason::Never(Never::Spelling) => "no spelling of it fits 'ignore'".to_owned(),
            Reason::Never(Never::Casing) => "no casing of it fits 'case'".to_owned(),
            Reason::Score(label, step) => {
                let step = &engine.steps[*step];
                let floor = step.pass.least_score(name, label).unwrap_or_default();
                let kind = step.kind.name;
                format!(
                    "the score is under the threshold {floor} of the pass '{kind}' ({})",
                    step.place
                )
            }
        };
        Some(match of {
            Of::Entry(entry) => format!(
                "the entry '{}' ({}) of source '{name}' never matches: {why}",
                entry.surface, entry.detail
            ),
            Of::Group(group) => {
                format!(
                    "{} entries of source '{name}' never match: {why}: {}",
                    group.count,
                    group.shown()
                )
            }
        })
    });
}
