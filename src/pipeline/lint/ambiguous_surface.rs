//! The lint `ambiguous-surface`.

use std::collections::BTreeMap;

use super::entries::{Example, Gazetteers, Group, Of, Side};
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::source::gazetteer::survey::Held;
use crate::span::Label;

pub(super) const LINT: Lint = Lint {
    name: "ambiguous-surface",
    doc: "How many surfaces different gazetteers have with two labels, and three of them: one finding for \
          each pair of labels. Names mean several things, so nothing is wrong with that; it says where the \
          merge must choose.",
    level: Level::Note,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let gazetteers = Gazetteers::of(engine);
    let mut groups: BTreeMap<(Label, Label), Group> = BTreeMap::new();
    gazetteers.each_surface(|_, held| {
        let mut of_label: BTreeMap<&Label, Vec<&Held<'_>>> = BTreeMap::new();
        for one in held {
            of_label.entry(one.entry.label()).or_default().push(one);
        }
        let labels: Vec<(&Label, Vec<&Held<'_>>)> = of_label.into_iter().collect();
        for (number, (label, ones)) in labels.iter().enumerate() {
            for (other_label, others) in &labels[..number] {
                let holder = |one: &Held<'_>| (one.source, one.gazetteer);
                let pair = ones.iter().find_map(|one| {
                    Some((one, others.iter().find(|other| holder(other) != holder(one))?))
                });
                let Some((one, other)) = pair else { continue };
                let key = ((*other_label).clone(), (*label).clone());
                groups.entry(key).or_default().add(|| Example {
                    surface: one.entry.surface().to_owned(),
                    side: Side::of(one),
                    other: Some(Side::of(other)),
                    detail: String::new(),
                });
            }
        }
    });
    let advice = match engine.choice() {
        Some(step) => format!(
            "nothing needs to be done: the pass '{}' ({}) chooses by what the passes before it say",
            step.kind.name, step.place
        ),
        None => "add a pass that chooses, such as 'optimal': without one all labels are given"
            .to_owned(),
    };
    gazetteers.report(&groups, findings, &advice, |(first, second), of| match of {
        Of::Entry(_) => None,
        Of::Group(group) => {
            let surfaces = if group.count == 1 { "1 surface is" } else { "surfaces are" };
            let count = if group.count == 1 { String::new() } else { format!("{} ", group.count) };
            let shown = group.shown();
            Some(format!(
                "{count}{surfaces} {first} in one gazetteer and {second} in another: {shown}"
            ))
        }
    });
}
