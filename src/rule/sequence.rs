//! Where do entities stand in the order that a sequence says, with what it says between them?
//!
//! All ways to fill the slots are found, whatever overlaps. A piece between two entities must match
//! exactly what stands between them; one before the first must end where that begins, and of several
//! such matches the one that begins first counts; one after the last must begin where that ends.
//! Look-around sees the text: 1 KiB behind a piece, and ahead of it [`AHEAD`] characters where an entity
//! follows, else 1 KiB.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use onig::{Regex, Region};

use super::compile::group_names;
use super::context::{bad_pattern, left_of};
use super::limit::{BEHIND, Budget, Exceeded, REACH, Search, capture, ceil, floor, matches_at};
use super::prefilter::Places;
use super::slots::{self, CLOSES, OPENS, Slot};
use crate::error::Error;
use crate::span::Candidate;
use crate::text::Span;

/// How many characters of the entity and the text after it a piece sees that stands before it.
const AHEAD: usize = 64;

/// So many combinations of entities are tried for a rule in a document.
const MAX_STEPS: usize = 1_000_000;

/// A sequence that can be matched.
#[derive(Debug)]
pub(super) struct Matcher {
    pub(super) slots: Vec<Slot>,
    pieces: Vec<Piece>,
}

/// What stands before, between or after entities.
#[derive(Debug)]
struct Piece {
    pattern: String,
    regex: Regex,
    groups: Vec<(String, Vec<usize>)>,
    /// The piece as it ends right before an entity, by how many characters there are to see.
    ending: Vec<OnceLock<Option<Regex>>>,
}

/// A way to fill a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    /// From the beginning of the first piece to the end of the last.
    pub whole: Span,
    /// The candidates in the slots, by number.
    pub slots: Vec<usize>,
    /// What the groups matched.
    pub groups: BTreeMap<String, Span>,
}

/// Candidates, and which of them may fill which slot.
pub(super) struct Field<'f> {
    pub text: &'f str,
    /// In the order of output.
    pub candidates: &'f [Candidate],
    /// Whether the candidate of this number may fill the slot of this number.
    pub fits: &'f dyn Fn(usize, usize) -> Result<bool, Exceeded>,
    pub budget: &'f Budget,
}

impl Matcher {
    /// A matcher for a sequence.
    ///
    /// # Errors
    /// What Oniguruma says is wrong with a piece.
    pub(super) fn build(sequence: slots::Sequence) -> Result<Self, Error> {
        let pieces = sequence.pieces.into_iter().map(Piece::build).collect::<Result<_, _>>()?;
        Ok(Self { slots: sequence.slots, pieces })
    }

    /// The pattern, where there is no slot in it.
    pub(super) fn text_pattern(&self) -> Option<&str> {
        self.slots.is_empty().then(|| self.pieces[0].pattern.as_str())
    }

    /// The names of the groups in its pieces.
    pub(super) fn group_names(&self) -> impl Iterator<Item = &str> {
        let names = self.pieces.iter().flat_map(|piece| &piece.groups);
        names.map(|(name, _)| {
            let name = name.strip_prefix(OPENS).unwrap_or(name);
            name.strip_prefix(CLOSES).unwrap_or(name)
        })
    }

    /// Adds all ways to fill the sequence to `out`; where it has no slots, all matches, which begin at
    /// `places`.
    ///
    /// # Errors
    /// Where a limit is exceeded; what was found before stays in `out`.
    pub(super) fn find(
        &self,
        field: &Field<'_>,
        places: &Places,
        out: &mut Vec<Filled>,
    ) -> Result<(), Exceeded> {
        if self.slots.is_empty() {
            return self.find_text(field, places, out);
        }
        let mut way = Way { field, matcher: self, steps: 0, open: BTreeMap::new(), out };
        for first in 0..field.candidates.len() {
            if !way.fits(0, first)? {
                continue;
            }
            let mut groups = Vec::new();
            let start = field.candidates[first].span.start;
            if let Some(begin) = self.pieces[0].before(field, start, &mut groups)? {
                way.follow(begin, &mut vec![first], &groups)?;
            }
        }
        Ok(())
    }

    fn find_text(
        &self,
        field: &Field<'_>,
        places: &Places,
        out: &mut Vec<Filled>,
    ) -> Result<(), Exceeded> {
        let piece = &self.pieces[0];
        let mut search = Search::new(&piece.regex, field.text, places, field.budget);
        let mut at = 0;
        while let Some(whole) = search.next(at)? {
            at = whole.end.max(ceil(field.text, whole.start + 1));
            if whole.is_empty() {
                continue;
            }
            let mut groups = Vec::new();
            piece.collect(|number| search.group(number), &mut groups);
            out.push(Filled { whole, slots: Vec::new(), groups: joined(&groups) });
        }
        Ok(())
    }
}

/// A name and what it stands for; a name may come more than once.
type Groups = Vec<(String, Span)>;

/// The first of each name; the two marks of a group become the group.
fn joined(groups: &Groups) -> BTreeMap<String, Span> {
    let mut joined = BTreeMap::new();
    for (name, span) in groups {
        if let Some(name) = name.strip_prefix(OPENS) {
            let close = format!("{CLOSES}{name}");
            let end = groups.iter().find(|(other, end)| *other == close && end.end >= span.start);
            if let Some((_, end)) = end {
                joined.entry(name.to_owned()).or_insert(Span::new(span.start, end.end));
            }
        } else if !name.starts_with(CLOSES) {
            joined.entry(name.clone()).or_insert(*span);
        }
    }
    joined
}

impl Piece {
    fn build(pattern: String) -> Result<Self, Error> {
        let regex = Regex::new(&pattern).map_err(|error| bad_pattern(&error))?;
        let groups = group_names(&regex);
        let ending = (0..=AHEAD).map(|_| OnceLock::new()).collect();
        Ok(Self { pattern, regex, groups, ending })
    }

    /// The piece as it ends where `seen` characters are left.
    fn ending(&self, seen: usize) -> Option<&Regex> {
        let made = self.ending.get(seen)?.get_or_init(|| {
            let pattern = &self.pattern;
            let whole = |end| Regex::new(&format!("(?:{pattern}{end})(?=[\\s\\S]{{{seen}}}\\z)"));
            // In the extended syntax a comment may end the piece; a line break ends that.
            whole("").or_else(|_| whole("\n")).ok()
        });
        made.as_ref()
    }

    /// The text up to so many characters past the byte `at`, and how many there are.
    fn ahead(text: &str, at: usize) -> (usize, usize) {
        let rest = text.get(at..).unwrap_or("").chars().take(AHEAD);
        rest.fold((at, 0), |(end, count), c| (end + c.len_utf8(), count + 1))
    }

    /// Adds the groups of a match to `groups`.
    fn collect(&self, group: impl Fn(usize) -> Option<Span>, groups: &mut Groups) {
        for (name, numbers) in &self.groups {
            if let Some(span) = numbers.iter().find_map(|number| group(*number)) {
                groups.push((name.clone(), span));
            }
        }
    }

    fn collect_region(&self, region: &Region, origin: usize, groups: &mut Groups) {
        let group = |number| {
            let (start, end) = region.pos(number)?;
            (start <= end).then(|| Span::new(origin + start, origin + end))
        };
        self.collect(group, groups);
    }

    /// Where the piece begins that ends at `end`, the first such place.
    fn before(
        &self,
        field: &Field<'_>,
        end: usize,
        groups: &mut Groups,
    ) -> Result<Option<usize>, Exceeded> {
        if self.pattern.is_empty() {
            return Ok(Some(end));
        }
        let (before, from) = left_of(field.text, end);
        let origin = end - before.len();
        let (last, seen) = Self::ahead(field.text, end);
        let Some(regex) = self.ending(seen) else { return Ok(None) };
        let slice = field.text.get(origin..last).unwrap_or("");
        let mut region = Region::new();
        if !capture(regex, slice, from, false, field.budget, &mut region)? {
            return Ok(None);
        }
        self.collect_region(&region, origin, groups);
        Ok(region.pos(0).map(|(start, _)| origin + start))
    }

    /// Whether the piece is exactly what stands from `start` to `end`.
    fn between(
        &self,
        field: &Field<'_>,
        start: usize,
        end: usize,
        groups: &mut Groups,
    ) -> Result<bool, Exceeded> {
        if self.pattern.is_empty() {
            return Ok(start == end);
        }
        let origin = floor(field.text, start.saturating_sub(BEHIND));
        let (last, seen) = Self::ahead(field.text, end);
        let Some(regex) = self.ending(seen) else { return Ok(false) };
        let slice = field.text.get(origin..last).unwrap_or("");
        let mut region = Region::new();
        if !capture(regex, slice, start - origin, true, field.budget, &mut region)? {
            return Ok(false);
        }
        self.collect_region(&region, origin, groups);
        Ok(true)
    }

    /// Where the piece ends that begins at `start`.
    fn after(
        &self,
        field: &Field<'_>,
        start: usize,
        groups: &mut Groups,
    ) -> Result<Option<usize>, Exceeded> {
        if self.pattern.is_empty() {
            return Ok(Some(start));
        }
        let origin = floor(field.text, start.saturating_sub(BEHIND));
        let last = ceil(field.text, start.saturating_add(REACH));
        let slice = field.text.get(origin..last).unwrap_or("");
        let mut region = Region::new();
        if !capture(&self.regex, slice, start - origin, true, field.budget, &mut region)? {
            return Ok(None);
        }
        self.collect_region(&region, origin, groups);
        Ok(region.pos(0).map(|(_, end)| origin + end))
    }
}

/// The search for all ways to fill a sequence.
struct Way<'w> {
    field: &'w Field<'w>,
    matcher: &'w Matcher,
    steps: usize,
    /// Whether the piece of this number matches at all at this byte.
    open: BTreeMap<(usize, usize), bool>,
    out: &'w mut Vec<Filled>,
}

impl Way<'_> {
    fn fits(&mut self, slot: usize, candidate: usize) -> Result<bool, Exceeded> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let message = format!("it tries more than {MAX_STEPS} combinations of entities");
            return Err(Exceeded::Failed(message));
        }
        (self.field.fits)(slot, candidate)
    }

    /// Fills the slots after those that are filled.
    fn follow(
        &mut self,
        begin: usize,
        filled: &mut Vec<usize>,
        groups: &Groups,
    ) -> Result<(), Exceeded> {
        let number = filled.len();
        let piece = &self.matcher.pieces[number];
        let last = *filled.last().expect("the first slot is filled");
        let end = self.field.candidates[last].span.end;
        if number == self.matcher.slots.len() {
            let mut groups = groups.clone();
            if let Some(end) = piece.after(self.field, end, &mut groups)? {
                let whole = Span::new(begin, end);
                self.out.push(Filled { whole, slots: filled.clone(), groups: joined(&groups) });
            }
            return Ok(());
        }
        if !self.opens(number, end)? {
            return Ok(());
        }
        let candidates = self.field.candidates;
        let first = candidates.partition_point(|c| c.span.start < end);
        for (next, candidate) in candidates.iter().enumerate().skip(first) {
            let start = candidate.span.start;
            let reach = if piece.pattern.is_empty() { 0 } else { REACH };
            if start - end > reach {
                break;
            }
            let mut groups = groups.clone();
            if self.fits(number, next)? && piece.between(self.field, end, start, &mut groups)? {
                filled.push(next);
                self.follow(begin, filled, &groups)?;
                filled.pop();
            }
        }
        Ok(())
    }

    /// Whether the piece matches at all from the byte `at` on, which costs less to find out than where
    /// it may end.
    fn opens(&mut self, piece: usize, at: usize) -> Result<bool, Exceeded> {
        let regex = &self.matcher.pieces[piece].regex;
        if let Some(known) = self.open.get(&(piece, at)) {
            return Ok(*known);
        }
        let opens = matches_at(regex, self.field.text, at, self.field.budget)?;
        self.open.insert((piece, at), opens);
        Ok(opens)
    }
}
