//! Does a rule still have something to do when those before it have run? Judged by the cases that it
//! brings along, and so by no more than they show.

use super::apply::Run;
use super::{PassContext, Rules, Trace};
use crate::rule::action::Deed;
use crate::rule::entity::EntityRule;
use crate::rule::marked::Marked;
use crate::text::Document;

impl Rules {
    /// The first rule before rule `number` that alone leaves it nothing to do: in none of the cases
    /// where it changes something by itself does it change anything after that one. One that says the same
    /// does not count: it is a duplicate.
    pub(crate) fn shadow_of(&self, number: usize) -> Option<usize> {
        let texts: Vec<Marked> = self.rules[number]
            .written
            .rule
            .cases
            .iter()
            .filter_map(|case| Marked::parse(&case.get_ref().text).ok())
            .filter(|given| self.changes(given, None, number))
            .collect();
        if texts.is_empty() {
            return None;
        }
        let content = |number: usize| &self.rules[number].written.content;
        let shadows = |first: &usize| {
            content(*first) != content(number)
                && texts.iter().all(|given| !self.changes(given, Some(*first), number))
        };
        (0..number).find(shadows)
    }

    /// Whether the rule keeps what no later rule could drop.
    pub(crate) fn keeps_in_vain(&self, number: usize) -> bool {
        // What comes again runs after everything.
        let after = if self.repeat > 1 { 0 } else { number };
        let drops = |later: &EntityRule| later.deed == Deed::Drop;
        self.rules[number].deed == Deed::Keep && !self.rules[after..].iter().any(drops)
    }

    /// Whether rule `number` changes something of `given`, where `first` has run before.
    fn changes(&self, given: &Marked, first: Option<usize>, number: usize) -> bool {
        let document = Document::new("case", given.text.clone());
        let candidates = given.candidates();
        let context = PassContext::new(&document, &[], &candidates);
        let mut run = Run::new(self, &context, candidates.clone(), false);
        if let Some(first) = first {
            run.round(first..first + 1, &mut Trace::off());
        }
        let (kept, before) = (run.kept(), run.candidates().to_vec());
        let changed = run.round(number..number + 1, &mut Trace::off());
        changed || run.kept() != kept || run.candidates() != before
    }
}
