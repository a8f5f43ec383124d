//! The patterns of all cues, and what they say about one candidate after another. Each is asked once about what
//! it sees, and only where a sieve of all patterns lets it pass.

use super::super::PassContext;
use super::super::pattern::{Pattern, View, Where};
use crate::rule::sieve::{Place, Sieve};
use crate::span::Span;

const WHERE: [Where; 4] = [Where::Left, Where::Right, Where::Inside, Where::Sentence];

/// A pattern: where it must match, and which of those it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(usize, usize);

/// Patterns, each once, by where they must match.
#[derive(Debug, Default)]
pub(super) struct Patterns([Group; 4]);

/// The patterns with one place.
#[derive(Debug, Default)]
struct Group {
    patterns: Vec<Pattern>,
    /// `None` where looking is no dearer than sifting.
    sieve: Option<Sieve>,
}

impl Patterns {
    /// Adds a pattern; its number.
    pub(super) fn add(&mut self, pattern: Pattern) -> Number {
        let place = WHERE.iter().position(|place| *place == pattern.place());
        let place = place.expect("all places are listed");
        let known = &mut self.0[place].patterns;
        let number = known.iter().position(|known| known.key() == pattern.key());
        let number = number.unwrap_or_else(|| {
            known.push(pattern);
            known.len() - 1
        });
        Number(place, number)
    }

    /// Builds the sieves, after all patterns have been added.
    pub(super) fn finish(&mut self) {
        for (place, group) in WHERE.iter().zip(&mut self.0) {
            let place = match place {
                Where::Left => Place::Ending,
                Where::Right => Place::Beginning,
                Where::Inside => Place::Anywhere,
                // Few patterns look at a sentence, and it is long.
                Where::Sentence => continue,
            };
            let written = group.patterns.iter().map(Pattern::written);
            group.sieve = Some(Sieve::new(written, place));
        }
    }
}

/// What the patterns say about the candidate at hand.
pub(super) struct Asked<'a> {
    patterns: &'a Patterns,
    context: &'a PassContext<'a>,
    span: Span,
    groups: [Answers; 4],
}

/// What the patterns of a group say.
#[derive(Default)]
struct Answers {
    /// Whether `view` is that of the candidate at hand.
    is_current: bool,
    view: Option<View>,
    /// For each pattern that the sieve lets pass, the byte of what is seen at which a match begins at the earliest.
    passes: Vec<Option<usize>>,
    /// What each pattern said about the view, where it was asked.
    said: Vec<Option<bool>>,
}

impl<'a> Asked<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(patterns: &'a Patterns, context: &'a PassContext<'a>) -> Self {
        Self { patterns, context, span: Span::new(0, 0), groups: Default::default() }
    }

    /// Turns to a candidate. Those with the edges of the one before see what it saw.
    pub(super) fn turn_to(&mut self, span: Span) {
        self.span = span;
        self.groups.iter_mut().for_each(|answers| answers.is_current = false);
    }

    /// Where the candidate at hand stands.
    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// Whether a pattern holds.
    pub(super) fn holds(&mut self, Number(place, number): Number) -> bool {
        let (context, span) = (self.context, self.span);
        let text = &context.document.text;
        let (group, answers) = (&self.patterns.0[place], &mut self.groups[place]);
        if !answers.is_current {
            let sentence = || context.segments().sentence_of(span);
            answers.look(group, text, WHERE[place].view(text, span, sentence));
        }
        let Some(first) = answers.passes[number] else { return false };
        let pattern = &group.patterns[number];
        let view = answers.view.expect("it has been looked at");
        let view = View { from: view.seen.start + first, ..view };
        *answers.said[number]
            .get_or_insert_with(|| context.recall(pattern, span, || pattern.matches(text, view)))
    }
}

impl Answers {
    /// Looks at what is seen of a candidate.
    fn look(&mut self, group: &Group, text: &str, view: View) {
        self.is_current = true;
        if self.view == Some(view) {
            return;
        }
        self.view = Some(view);
        self.said.clear();
        self.said.resize(group.patterns.len(), None);
        match &group.sieve {
            Some(sieve) => {
                let seen = view.seen.slice(text).unwrap_or("");
                sieve.sift(seen, view.from - view.seen.start, &mut self.passes);
            }
            None => {
                self.passes.clear();
                self.passes.resize(group.patterns.len(), Some(view.from - view.seen.start));
            }
        }
    }
}
