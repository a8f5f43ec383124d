//! The lint `duplicate-entry`.

use std::collections::BTreeMap;

use super::entries::{Example, Gazetteers, Group, Holder, Of, Side};
use super::facts::some_of;
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::source::gazetteer::EntryRef;
use crate::span::Label;

pub(super) const LINT: Lint = Lint {
    name: "duplicate-entry",
    doc: "An entry that two gazetteers have, with the same surface, label, id and attributes, or that is \
          written twice in one source. Several of two gazetteers and one label are one finding. Lines are \
          known of TSV and of the engine file, not of compiled files.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let gazetteers = Gazetteers::of(engine);
    let mut groups: BTreeMap<(Holder, Holder, Label), Group> = BTreeMap::new();
    gazetteers.each_surface(|_, held| {
        for (number, one) in held.iter().enumerate() {
            let holder = (one.source, one.gazetteer);
            let first = held[..number].iter().find(|other| {
                (other.source, other.gazetteer) != holder && is_same(other.entry, one.entry)
            });
            let Some(first) = first else { continue };
            let other = (first.source, first.gazetteer);
            let key = (holder, other, one.entry.label().clone());
            groups.entry(key).or_default().add(|| Example {
                surface: one.entry.surface().to_owned(),
                side: Side::of(one),
                other: Some(Side::of(first)),
                detail: String::new(),
            });
        }
    });
    let advice = "keep it in one of them: what two sources say counts twice in the merge";
    gazetteers.report(&groups, findings, advice, |(holder, other, label), of| {
        let (here, there) = (gazetteers.name(*holder), gazetteers.name(*other));
        Some(match of {
            Of::Entry(entry) => {
                format!("the entry '{}' ({label}) of {here} is in {there} too", entry.surface)
            }
            Of::Group(group) => {
                let (count, shown) = (group.count, group.shown());
                format!("{count} entries ({label}) of {here} are in {there} too: {shown}")
            }
        })
    });
    for (name, source) in gazetteers.sources() {
        let repeated = source.repeated();
        const SINGLY: usize = 20;
        for one in repeated.iter().take(SINGLY) {
            let message = format!(
                "the entry '{}' ({}) of source '{name}' is written twice",
                one.entry.surface, one.entry.label
            );
            findings.add(one.place.clone(), message, "remove one of them", [one.first.clone()]);
        }
        if let Some(next) = repeated.get(SINGLY) {
            let more = repeated.len() - SINGLY;
            let names = repeated[SINGLY..].iter().map(|one| one.entry.surface.as_str());
            let names = some_of(names, more);
            let message =
                format!("{more} more entries of source '{name}' are written twice: {names}");
            findings.add(next.place.clone(), message, "remove them", [next.first.clone()]);
        }
    }
}

/// Whether two entries of one surface say the same, but for their weight.
fn is_same(a: EntryRef<'_>, b: EntryRef<'_>) -> bool {
    a.surface() == b.surface()
        && a.label() == b.label()
        && a.id() == b.id()
        && a.attributes().eq(b.attributes())
        && a.weight() == b.weight()
}
