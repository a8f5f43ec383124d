//! A search that comes back: whatever the pattern and the text, it ends in bounded time, with a
//! match, without one, or saying which limit it ran into. What is searched for is `compile`'s
//! business.
//!
//! Oniguruma counts how often a match that begins at one place backtracks, and stops there. That
//! bounds no search over many places, so every match is first tried with few retries, which in all
//! are no more than the text has bytes, times that limit. Where they do not do, it is tried again with
//! more, and those are paid for out of the [`Budget`] of rule and document: a pattern runs out of it at
//! the same place on every machine. Work without backtracking is not counted; against that, and as a
//! last resort, the clock is read.
//!
//! A match sees no further than [`BEHIND`] bytes behind its beginning, and no further ahead than
//! [`REACH`] bytes, which keeps the work linear in the text.

use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, Instant};

use onig::{MatchParam, Regex, Region, SearchOptions};

use crate::text::Span;

/// How far behind its beginning a match sees, in bytes.
pub(crate) const BEHIND: usize = 1 << 10;

/// The longest match, with what it looks at after its end, in bytes.
pub(crate) const REACH: usize = 1 << 10;

/// The bytes searched at once under the lowest limit.
const PIECE: usize = 1 << 12;

/// Fewer bytes than this are not worth a search over many places.
const FEW: usize = 16;

/// The retries that cost nothing, and how many times more each further try has.
const FREE_RETRIES: u32 = 100;
const STEP: u32 = 4;

/// How often a context may backtrack at one place.
const CONTEXT_RETRIES: u32 = 2_000;

/// The retries that a rule has for a document, and what it has besides for every byte of it.
const RETRIES: u64 = 5_000_000;
const RETRIES_A_BYTE: u64 = 20;

/// How many choices one match may keep open (about 50 bytes each).
const OPEN_CHOICES: u32 = 1 << 20;

/// The time a rule has for a document, and what it has besides for every byte of it.
const TIME: Duration = Duration::from_secs(5);
const NANOSECONDS_A_BYTE: u64 = 5_000;

/// The clock is read once in so many tries.
const TRIES_A_LOOK: u32 = 64;

/// Why a search was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// A match that begins at one place backtracked more often than the limit.
    Retries(u32),
    /// The rule backtracked more often in all than it may in a document of this length.
    AllRetries(u64),
    /// The rule used up its time.
    Time(Duration),
    /// Oniguruma failed; its message.
    Failed(String),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Retries(limit) => write!(f, "it backtracks more than {limit} times at one place"),
            Self::AllRetries(limit) => {
                write!(f, "it backtracks more than {limit} times in the document")
            }
            Self::Time(time) => write!(f, "it takes more than {:.1} s", time.as_secs_f64()),
            Self::Failed(message) => write!(f, "{message}"),
        }
    }
}

/// What one rule has for one document.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The user's limit on backtracking at one place.
    retries: u32,
    /// The retries that may be used in all, and those that are left.
    all: u64,
    left: Cell<u64>,
    time: Duration,
    begun: Cell<Option<Instant>>,
    tries: Cell<u32>,
}

impl Budget {
    /// The budget for a document of so many bytes, with the user's limit on backtracking.
    pub(crate) fn new(retries: u32, bytes: usize) -> Self {
        let time = TIME + Duration::from_nanos(NANOSECONDS_A_BYTE.saturating_mul(bytes as u64));
        let all = RETRIES.saturating_add(RETRIES_A_BYTE.saturating_mul(bytes as u64));
        let (left, begun, tries) = (Cell::new(all), Cell::new(None), Cell::new(0));
        Self { retries, all, left, time, begun, tries }
    }

    /// Counts a try, and looks at the clock now and then.
    fn check(&self) -> Result<(), Exceeded> {
        let tries = self.tries.get();
        self.tries.set((tries + 1) % TRIES_A_LOOK);
        if tries + 1 < TRIES_A_LOOK {
            return Ok(());
        }
        match self.begun.get() {
            None => self.begun.set(Some(Instant::now())),
            Some(begun) if begun.elapsed() > self.time => return Err(Exceeded::Time(self.time)),
            Some(_) => {}
        }
        Ok(())
    }

    /// Pays for that many retries.
    fn pay(&self, retries: u64) -> Result<(), Exceeded> {
        let left = self.left.get().checked_sub(retries).ok_or(Exceeded::AllRetries(self.all))?;
        self.left.set(left);
        Ok(())
    }

    /// What `attempt` gives within the fewest retries that do, up to `most`; each of them stands for
    /// the retries of `places` places.
    fn climb<T>(
        &self,
        most: u32,
        places: usize,
        mut attempt: impl FnMut(u32) -> Result<T, onig::Error>,
    ) -> Result<T, Exceeded> {
        self.check()?;
        let mut retries = FREE_RETRIES.min(most);
        loop {
            match attempt(retries).map_err(|error| exceeded(&error, retries)) {
                Err(Exceeded::Retries(_)) if retries < most => {
                    retries = retries.saturating_mul(STEP).min(most);
                    self.pay(u64::from(retries).saturating_mul(places as u64))?;
                }
                outcome => return outcome,
            }
        }
    }
}

/// Repeated search for one pattern in one text.
pub(crate) struct Search<'t> {
    regex: &'t Regex,
    text: &'t str,
    budget: &'t Budget,
    /// The places that are not passed yet.
    places: &'t [Range<usize>],
    region: Region,
    /// Where the slice begins that the groups are counted from.
    origin: usize,
    /// Up to here, the low limit is known to be too low.
    careful: usize,
}

impl<'t> Search<'t> {
    /// A search for matches that begin at one of `places`, which are in order and begin on char
    /// boundaries.
    pub(crate) fn new(
        regex: &'t Regex,
        text: &'t str,
        places: &'t [Range<usize>],
        budget: &'t Budget,
    ) -> Self {
        Self { regex, text, budget, places, region: Region::new(), origin: 0, careful: 0 }
    }

    /// The first match that begins at or after `from`, which must not be less than the last time.
    ///
    /// A match longer than [`REACH`] is passed over as far as it is seen; what is left of it is text
    /// like any other.
    pub(crate) fn next(&mut self, from: usize) -> Result<Option<Span>, Exceeded> {
        let mut at = from;
        while let Some(place) = self.places.first() {
            at = at.max(place.start);
            if at >= place.end.min(self.text.len()) {
                self.places = self.places.get(1..).unwrap_or(&[]);
                continue;
            }
            let (found, end) = if at < self.careful || place.end - at <= FEW {
                (self.place(at)?, ceil(self.text, at + 1))
            } else {
                self.budget.check()?;
                let end = ceil(self.text, place.end.min(at.saturating_add(PIECE)));
                match self.piece(at, end) {
                    // What it matches must not depend on where the piece ends.
                    Ok(Some(begin)) => (self.place(begin)?, ceil(self.text, begin + 1)),
                    Ok(None) => (None, end),
                    Err(Exceeded::Retries(_)) => {
                        self.careful = end;
                        continue;
                    }
                    Err(exceeded) => return Err(exceeded),
                }
            };
            match found {
                Some(span) if span.len() > REACH => at = span.end,
                Some(span) => return Ok(Some(span)),
                None => at = end,
            }
        }
        Ok(None)
    }

    /// The text around `start..end` that a match which begins there sees.
    fn slice(&mut self, start: usize, end: usize) -> &'t str {
        self.origin = floor(self.text, start.saturating_sub(BEHIND));
        // One character more than a match may be long: a longer match shows as such.
        let last = ceil(self.text, end.saturating_add(REACH + 1));
        self.text.get(self.origin..last).unwrap_or("")
    }

    /// Where the first match that begins in `start..end` is tried, under the lowest limit.
    fn piece(&mut self, start: usize, end: usize) -> Result<Option<usize>, Exceeded> {
        let slice = self.slice(start, end);
        let retries = self.budget.retries.min(FREE_RETRIES);
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let from = start - self.origin;
        let params = params(retries);
        // Oniguruma lets no match end behind the range in which it may begin.
        let found = self.regex.search_with_param(slice, from, slice.len(), options, None, params);
        match found {
            Ok(begin) => Ok(begin.map(|begin| self.origin + begin).filter(|begin| *begin < end)),
            Err(error) => Err(exceeded(&error, retries)),
        }
    }

    /// The match that begins at `at`, under the user's limit.
    fn place(&mut self, at: usize) -> Result<Option<Span>, Exceeded> {
        let slice = self.slice(at, at);
        let from = at - self.origin;
        let (regex, region) = (self.regex, &mut self.region);
        let found = self.budget.climb(self.budget.retries, 1, |retries| {
            let options = SearchOptions::SEARCH_OPTION_NONE;
            regex.match_with_param(slice, from, options, Some(&mut *region), params(retries))
        })?;
        Ok(found.and_then(|_| self.group(0)))
    }

    /// Where the group of this number stands in the match last found, if it took part.
    pub(crate) fn group(&self, number: usize) -> Option<Span> {
        let (start, end) = self.region.pos(number)?;
        (start <= end).then(|| Span::new(self.origin + start, self.origin + end))
    }
}

/// Whether `regex` matches right at the byte `at` of `text`.
pub(crate) fn matches_at(
    regex: &Regex,
    text: &str,
    at: usize,
    budget: &Budget,
) -> Result<bool, Exceeded> {
    let first = floor(text, at.saturating_sub(BEHIND));
    let last = ceil(text, at.saturating_add(REACH));
    let slice = text.get(first..last).unwrap_or("");
    let found = budget.climb(budget.retries, 1, |retries| {
        let options = SearchOptions::SEARCH_OPTION_NONE;
        regex.match_with_param(slice, at - first, options, None, params(retries))
    })?;
    Ok(found.is_some())
}

/// Whether `regex` matches anywhere in `text`, which must be short, beginning at `from` or later.
pub(crate) fn matches_in(
    regex: &Regex,
    text: &str,
    from: usize,
    budget: &Budget,
) -> Result<bool, Exceeded> {
    let found = budget.climb(budget.retries.min(CONTEXT_RETRIES), text.len(), |retries| {
        let options = SearchOptions::SEARCH_OPTION_NONE;
        regex.search_with_param(text, from, text.len(), options, None, params(retries))
    })?;
    Ok(found.is_some())
}

/// Where `regex` first matches in `text`, which must be short, beginning at `from` or, where not
/// `anchored`, later; groups are put into `region`.
pub(crate) fn capture(
    regex: &Regex,
    text: &str,
    from: usize,
    anchored: bool,
    budget: &Budget,
    region: &mut Region,
) -> Result<bool, Exceeded> {
    let (most, places) = match anchored {
        true => (budget.retries, 1),
        false => (budget.retries.min(CONTEXT_RETRIES), text.len()),
    };
    let found = budget.climb(most, places, |retries| {
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let (params, region) = (params(retries), Some(&mut *region));
        if anchored {
            regex.match_with_param(text, from, options, region, params)
        } else {
            regex.search_with_param(text, from, text.len(), options, region, params)
        }
    })?;
    Ok(found.is_some())
}

/// The last char boundary of `text` at or before the byte `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// The first char boundary of `text` at or after the byte `at`.
pub(crate) fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(text.len())
}

fn params(retries: u32) -> MatchParam {
    let mut params = MatchParam::default();
    params.set_retry_limit_in_match(retries);
    params.set_match_stack_limit(OPEN_CHOICES);
    params
}

/// Oniguruma's codes for its limits: backtracking at one place or in a search, and open choices.
fn exceeded(error: &onig::Error, retries: u32) -> Exceeded {
    match error.code() {
        -17 | -18 | -15 => Exceeded::Retries(retries),
        _ => Exceeded::Failed(error.description().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(pattern: &str, text: &str) -> Result<Vec<Span>, Exceeded> {
        let regex = Regex::new(pattern).unwrap();
        let budget = Budget::new(1_000_000, text.len());
        let everywhere = 0..text.len();
        let mut search = Search::new(&regex, text, std::slice::from_ref(&everywhere), &budget);
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(span) = search.next(at)? {
            at = span.end.max(span.start + 1);
            found.push(span);
        }
        Ok(found)
    }

    /// About so many bytes in which a search for `[bc]` does not give up at once.
    fn stretches(bytes: usize) -> String {
        format!("{}-b ", "a".repeat(997)).repeat(bytes / 1000)
    }

    #[test]
    fn exponential_patterns_are_given_up() {
        for bytes in [10_000, 100_000] {
            let text = stretches(bytes);
            for pattern in ["(a+)+[bc]", "(a+)+b", "(a|a)*[bc]d", "(a*)*[bc]d", "(?:a|aa)+c?$"] {
                let got = spans(pattern, &text);
                assert!(matches!(got, Err(Exceeded::Retries(1_000_000))), "{pattern}: {got:?}");
            }
        }
    }

    #[test]
    fn quadratic_patterns_end_after_as_many_retries_on_every_machine() {
        let text = "a".repeat(199_999) + "b";
        for pattern in ["a+[bc]d", "(?=.*[bc]d)a", "a*a*a*[bc]"] {
            let got = spans(pattern, &text);
            let is_given_up =
                matches!(got, Err(Exceeded::AllRetries(9_000_000) | Exceeded::Retries(1_000_000)));
            // Oniguruma sees of some patterns that they cannot match, and never begins.
            assert!(is_given_up || got == Ok(Vec::new()), "{pattern}: {got:?}");
        }
        // Without backtracking, nothing is counted.
        assert_eq!(spans("(?>a+)[bc]d", &text.repeat(2)), Ok(Vec::new()));
    }

    #[test]
    fn a_match_too_long_is_passed_over() {
        let text = format!("b{}. b", "a".repeat(REACH));
        assert_eq!(spans("a+", &text).unwrap().len(), 1);
        assert_eq!(spans("ba+", &text).unwrap(), []);
        assert_eq!(spans(r"\Ab|b\z", &text).unwrap().len(), 2);
    }

    #[test]
    fn a_match_across_pieces_is_found_once() {
        for shift in 0..12 {
            let text = format!("{}naïve é naïve", "é ".repeat((PIECE - shift) / 3));
            assert_eq!(spans(r"\bnaïve\b", &text).unwrap().len(), 2);
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_show(
            pattern in prop::sample::select(vec![
                r"\b\w+\b", r"(?<=a)b+", r"^\w", r"\w$", r"(?i)straße|ss", r"a(?=b)", r"\S+\s", "[^a]",
            ]),
            text in "[abß \n.\u{0}]{0,60}",
            repeat in 1usize..600,
        ) {
            let text = text.repeat(repeat);
            let whole: Vec<Span> = Regex::new(pattern).unwrap().find_iter(&text)
                .filter(|(start, end)| start < end).map(|(s, e)| Span::new(s, e)).collect();
            prop_assume!(whole.iter().all(|span| span.len() <= REACH));
            match spans(pattern, &text) {
                Ok(pieces) => prop_assert_eq!(pieces, whole),
                // Where no space comes, each character begins a search to the end.
                Err(exceeded) => prop_assert_eq!(pattern, r"\S+\s", "{:?}", exceeded),
            }
        }
    }
}
