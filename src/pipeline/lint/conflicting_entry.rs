//! The lint `conflicting-entry`.

use super::entries::{Gazetteers, Of};
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::source::gazetteer::EntryRef;

pub(super) const LINT: Lint = Lint {
    name: "conflicting-entry",
    doc: "A name of one label that two gazetteers, or two entries of one, weigh differently, unless their ids \
          or attributes say that they stand for two things. Within a source the higher weight counts, between sources the \
          merge has the say. Several of two gazetteers and one label are one finding.",
    level: Level::Warn,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let gazetteers = Gazetteers::of(engine);
    let groups = gazetteers.twins(
        |first, one| is_weighed_differently(first.entry, one.entry),
        |first, one| format!("{} and {}", one.entry.weight(), first.entry.weight()),
    );
    let advice =
        "give them one weight, or ids or attributes that differ where they stand for two things";
    gazetteers.report(&groups, findings, advice, |(holder, other, label), of| {
        let here = gazetteers.name(*holder);
        let whose = match holder == other {
            true => format!("two weights in {here}"),
            false => format!("one weight in {here} and another in {}", gazetteers.name(*other)),
        };
        Some(match of {
            Of::Entry(entry) => {
                format!("'{}' ({label}) has {whose}: {}", entry.surface, entry.detail)
            }
            Of::Group(group) => {
                format!("{} names ({label}) have {whose}: {}", group.count, group.shown())
            }
        })
    });
}

/// Whether two entries of one surface are the same name of the same thing, as far as one can tell, of
/// different weight.
fn is_weighed_differently(a: EntryRef<'_>, b: EntryRef<'_>) -> bool {
    let are_two_things = a.id().zip(b.id()).is_some_and(|(a, b)| a != b)
        || a.attributes().any(|(key, value)| b.attribute(key).is_some_and(|other| other != value));
    a.surface() == b.surface()
        && a.label() == b.label()
        && a.weight() != b.weight()
        && !are_two_things
}
