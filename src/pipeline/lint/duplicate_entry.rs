//! The lint `duplicate-entry`.

use super::entries::{Gazetteers, Of};
use super::facts::some_of;
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::source::gazetteer::EntryRef;
use crate::source::gazetteer::survey::Held;

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
    let is_elsewhere =
        |a: &Held<'_>, b: &Held<'_>| (a.source, a.gazetteer) != (b.source, b.gazetteer);
    let groups = gazetteers.twins(
        |first, one| is_elsewhere(first, one) && is_same(first.entry, one.entry),
        |_, _| String::new(),
    );
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
