//! A search that comes back: whatever the pattern and the text, it ends in bounded time, with a
//! match, without one, or saying which limit it ran into. What is searched for is `compile`'s
//! business.
//!
//! Oniguruma counts how often a match that begins at one place backtracks, and stops there. That
//! bounds neither a search over many places nor work without backtracking, so a text is searched
//! piece by piece: [`PIECE`] bytes at once under a low limit, and where that is exceeded, place by
//! place under the user's. Between these steps the clock is read. A match sees no further than
//! [`REACH`] bytes behind its piece, which keeps the work linear in the text.

use std::ops::Range;
use std::time::{Duration, Instant};

use onig::{MatchParam, Regex, Region, SearchOptions};

use crate::text::Span;

/// How far behind its beginning a match sees, in bytes.
pub(crate) const BEHIND: usize = 1 << 10;

/// The longest match, with what it looks at after its end, in bytes.
pub(crate) const REACH: usize = 1 << 10;

/// The bytes searched at once under the low limit.
const PIECE: usize = 1 << 12;

/// Fewer bytes than this are not worth a search over many places.
const FEW: usize = 16;

/// The low limit on backtracking.
const LOW_RETRIES: u32 = 1_000;

/// How many choices one match may keep open (about 50 bytes each).
const OPEN_CHOICES: u32 = 1 << 20;

/// The time a rule has for a document, and what it has besides for every byte of it.
const TIME: Duration = Duration::from_millis(500);
const NANOSECONDS_A_BYTE: u64 = 1_000;

/// Why a search was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// A match that begins at one place backtracked more often than the limit.
    Retries(u32),
    /// The rule used up its time.
    Time(Duration),
    /// Oniguruma failed; its message.
    Failed(String),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Retries(limit) => write!(f, "it backtracks more than {limit} times at one place"),
            Self::Time(time) => write!(f, "it takes more than {:.1} s", time.as_secs_f64()),
            Self::Failed(message) => write!(f, "{message}"),
        }
    }
}

/// The time that one rule has for one document.
#[derive(Debug)]
pub(crate) struct Budget {
    retries: u32,
    time: Duration,
    begun: Instant,
}

impl Budget {
    /// The budget for a document of so many bytes, with the user's limit on backtracking.
    pub(crate) fn new(retries: u32, bytes: usize) -> Self {
        let time = TIME + Duration::from_nanos(NANOSECONDS_A_BYTE.saturating_mul(bytes as u64));
        Self { retries, time, begun: Instant::now() }
    }

    fn check(&self) -> Result<(), Exceeded> {
        if self.begun.elapsed() > self.time { Err(Exceeded::Time(self.time)) } else { Ok(()) }
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
            self.budget.check()?;
            let (found, end) = if at < self.careful || place.end - at <= FEW {
                (self.place(at)?, ceil(self.text, at + 1))
            } else {
                let end = ceil(self.text, place.end.min(at.saturating_add(PIECE)));
                match self.piece(at, end) {
                    Ok(found) => (found, end),
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

    /// The first match that begins in `start..end`, under the low limit.
    fn piece(&mut self, start: usize, end: usize) -> Result<Option<Span>, Exceeded> {
        let slice = self.slice(start, end);
        let retries = self.budget.retries.min(LOW_RETRIES);
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let from = start - self.origin;
        let region = Some(&mut self.region);
        // Oniguruma lets no match end behind the range in which it may begin.
        let found = self.regex.search_with_param(
            slice,
            from,
            slice.len(),
            options,
            region,
            params(retries),
        );
        match found {
            Ok(Some(begin)) if self.origin + begin < end => Ok(self.group(0)),
            Ok(_) => Ok(None),
            Err(error) => Err(exceeded(&error, retries)),
        }
    }

    /// The match that begins at `at`, under the user's limit.
    fn place(&mut self, at: usize) -> Result<Option<Span>, Exceeded> {
        let slice = self.slice(at, at);
        let retries = self.budget.retries;
        let options = SearchOptions::SEARCH_OPTION_NONE;
        let from = at - self.origin;
        let region = Some(&mut self.region);
        match self.regex.match_with_param(slice, from, options, region, params(retries)) {
            Ok(Some(_)) => Ok(self.group(0)),
            Ok(None) => Ok(None),
            Err(error) => Err(exceeded(&error, retries)),
        }
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
    budget.check()?;
    let first = floor(text, at.saturating_sub(BEHIND));
    let last = ceil(text, at.saturating_add(REACH));
    let slice = text.get(first..last).unwrap_or("");
    let options = SearchOptions::SEARCH_OPTION_NONE;
    regex
        .match_with_param(slice, at - first, options, None, params(budget.retries))
        .map(|length| length.is_some())
        .map_err(|error| exceeded(&error, budget.retries))
}

/// Whether `regex` matches anywhere in `text`, which must be short, beginning at `from` or later.
pub(crate) fn matches_in(
    regex: &Regex,
    text: &str,
    from: usize,
    budget: &Budget,
) -> Result<bool, Exceeded> {
    budget.check()?;
    let retries = budget.retries.min(LOW_RETRIES);
    let options = SearchOptions::SEARCH_OPTION_NONE;
    regex
        .search_with_param(text, from, text.len(), options, None, params(retries))
        .map(|place| place.is_some())
        .map_err(|error| exceeded(&error, retries))
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
    budget.check()?;
    let options = SearchOptions::SEARCH_OPTION_NONE;
    let (retries, found) = if anchored {
        let retries = budget.retries;
        (retries, regex.match_with_param(text, from, options, Some(region), params(retries)))
    } else {
        let retries = budget.retries.min(LOW_RETRIES);
        let to = text.len();
        let params = params(retries);
        (retries, regex.search_with_param(text, from, to, options, Some(region), params))
    };
    found.map(|place| place.is_some()).map_err(|error| exceeded(&error, retries))
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
    fn exponential_patterns_are_given_up_in_time() {
        for bytes in [10_000, 1_000_000] {
            let text = stretches(bytes);
            for pattern in [
                "(a+)+[bc]",
                "(a+)+b",
                "(a|a)*[bc]d",
                "(a*)*[bc]d",
                "(?:(?>a)?)+[bc]d",
                "(?:a|aa)+c?$",
            ] {
                let begun = Instant::now();
                let got = spans(pattern, &text);
                let time = begun.elapsed();
                assert!(time < Duration::from_secs(4), "{pattern} on {bytes}: {time:?} {got:?}");
            }
            assert!(matches!(spans("(a+)+b", &text), Err(Exceeded::Retries(_))));
        }
    }

    #[test]
    fn quadratic_patterns_end_in_time() {
        let text = "a".repeat(999_999) + "b";
        for pattern in ["a+[bc]d", "(?>a+)[bc]d", "(?=.*[bc]d)a", "a*a*a*[bc]"] {
            let begun = Instant::now();
            let got = spans(pattern, &text);
            let time = begun.elapsed();
            assert!(time < Duration::from_secs(4), "{pattern}: {time:?} {got:?}");
        }
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
            let pieces = spans(pattern, &text).unwrap();
            prop_assert_eq!(pieces, whole);
        }
    }
}
