//! `spanloom gazetteer diff`: which entries one gazetteer has and another has not.

use std::cmp::Ordering;
use std::fmt::Write;
use std::path::PathBuf;

use super::{grouped, inputs};
use crate::cli::print::visible;
use crate::error::Result;
use crate::source::gazetteer::import::tsv_row;
use crate::source::gazetteer::{Entry, Gazetteer};

/// Compare two gazetteers: entries that were added, removed, or changed.
///
/// An entry is the same where surface, label and id are; where its weight or attributes differ, it has
/// changed. Lines begin with `-` (only in the first), `+` (only in the second), or `<` and `>` (changed,
/// before and after).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom gazetteer diff old.fst new.fst
  spanloom gazetteer diff old.fst new.fst --limit 0

Exit codes: 0 both hold the same entries; 1 they differ, or one cannot be read.")]
pub(super) struct Args {
    /// The gazetteer as it was: compiled, or a list of any format that is known by its name.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The gazetteer as it is.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// How many differences are listed at most; all are counted.
    #[arg(long, value_name = "NUMBER", default_value = "100")]
    limit: u64,
}

/// What differs.
#[derive(Default)]
struct Differences {
    added: u64,
    removed: u64,
    changed: u64,
    limit: u64,
    listing: String,
}

/// Runs the command; gives what to print, and whether both are the same.
pub(super) fn run(args: &Args) -> Result<(String, bool)> {
    let (old, new) = (inputs::gazetteer(&args.old)?, inputs::gazetteer(&args.new)?);
    let mut differences = Differences { limit: args.limit, ..Differences::default() };
    compare(&old, &new, &mut differences);
    let Differences { added, removed, changed, limit, mut listing } = differences;
    let total = added + removed + changed;
    if total > limit && limit > 0 {
        writeln!(listing, "… and {} more", grouped(total - limit)).expect("a string takes all");
    }
    let [added, removed, changed] = [added, removed, changed].map(grouped);
    writeln!(listing, "{added} added, {removed} removed, {changed} changed")
        .expect("a string takes all");
    Ok((listing, total == 0))
}

/// Walks both in the order of their surfaces.
fn compare(old: &Gazetteer, new: &Gazetteer, differences: &mut Differences) {
    let (mut olds, mut news) = (old.surfaces().peekable(), new.surfaces().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let of_old = (order != Ordering::Greater).then(|| olds.next()).flatten();
        let of_new = (order != Ordering::Less).then(|| news.next()).flatten();
        let entries = |surface: Option<(String, crate::source::gazetteer::Entries<'_>)>| {
            surface.map_or_else(Vec::new, |(_, all)| all.map(|e| e.to_entry()).collect::<Vec<_>>())
        };
        differences.of_surface(entries(of_old), entries(of_new));
    }
}

impl Differences {
    /// Compares the entries of one surface.
    fn of_surface(&mut self, mut old: Vec<Entry>, mut new: Vec<Entry>) {
        old.retain(|entry| match new.iter().position(|other| other == entry) {
            Some(same) => {
                new.remove(same);
                false
            }
            None => true,
        });
        for before in old {
            let is_same = |after: &Entry| {
                (&after.surface, &after.label, &after.id)
                    == (&before.surface, &before.label, &before.id)
            };
            match new.iter().position(is_same) {
                Some(same) => {
                    self.list(&[("<", &before), (">", &new.remove(same))]);
                    self.changed += 1;
                }
                None => {
                    self.list(&[("-", &before)]);
                    self.removed += 1;
                }
            }
        }
        for after in new {
            self.list(&[("+", &after)]);
            self.added += 1;
        }
    }

    fn list(&mut self, lines: &[(&str, &Entry)]) {
        if self.added + self.removed + self.changed < self.limit {
            for (mark, entry) in lines {
                writeln!(self.listing, "{mark} {}", visible(&tsv_row(entry)))
                    .expect("a string takes all");
            }
        }
    }
}
