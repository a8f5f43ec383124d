//! Words inside hashtags: `#PrayForParis`, `#NYCflood`, `#prayforparis`. It parts a hashtag into words;
//! which of them are names is asked of the gazetteer as of any text.
//!
//! Capitals, digits and `_` part words wherever they stand. A part that is no word is parted further
//! where *all* of it can be read as names of the gazetteer and common words, so that `#comparison` holds
//! no `Paris`.

use std::ops::Range;

use super::index::Cursor;
use super::trie::follow;
use crate::text::{CommonWords, FoldOptions, Folded, Span, fold};

/// Names of fewer characters are not looked for where no capitals part them.
const SHORTEST_NAME: usize = 4;

/// Common words of fewer characters are taken for words only where they are among [`SHORT_WORDS`].
const SHORTEST_WORD: usize = 3;

/// Short words that hashtags are made of, but do not end with (`comparis|on`).
const SHORT_WORDS: &[&str] = &[
    "at", "be", "by", "do", "go", "he", "i", "in", "is", "it", "me", "my", "no", "of", "on", "or",
    "so", "to", "up", "us", "we",
];

/// Parts of more bytes are left whole.
const LONGEST_PART: usize = 80;

/// Parts that would fall into more words are left whole.
const MOST_WORDS: usize = 8;

/// What is proposed where a hashtag holds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hashtags {
    /// The name inside: `Paris` of `#PrayForParis`.
    Inside,
    /// The hashtag with its mark, for corpora that label tokens.
    Whole,
}

/// A hashtag and the words in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashtag {
    /// Where it stands, with its mark.
    pub(super) span: Span,
    /// Its words, in order.
    pub(super) words: Vec<Span>,
}

impl Hashtag {
    /// Its words as a text, parted by spaces.
    pub(super) fn text(&self, text: &str) -> String {
        let words: Vec<&str> = self.words.iter().filter_map(|word| word.slice(text)).collect();
        words.join(" ")
    }

    /// Where a span of [`Hashtag::text`] stands in the document's text.
    pub(super) fn original(&self, span: Span) -> Option<Span> {
        let mut at = 0;
        let mut start = None;
        for word in &self.words {
            let end = at + word.end - word.start;
            if (at..end).contains(&span.start) {
                start = Some(word.start + span.start - at);
            }
            if span.end <= end {
                return Some(Span::new(start?, word.start + span.end.checked_sub(at)?));
            }
            at = end + 1;
        }
        None
    }
}

/// What words there are: the surfaces of a gazetteer and common words.
pub(super) struct Lexicon<'a> {
    /// Before the first byte of all surfaces, of each gazetteer.
    pub(super) names: Vec<Cursor<'a>>,
    /// The words that occur whatever the topic.
    pub(super) common: &'a CommonWords,
}

/// The hashtags of a text, parted into words.
pub(super) fn find(text: &str, lexicon: &Lexicon<'_>) -> Vec<Hashtag> {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut hashtags = Vec::new();
    let mut end = 0;
    for (at, mark) in text.match_indices(['#', '＃']) {
        let before = text.get(..at).unwrap_or("");
        if at < end || before.ends_with(is_inside) {
            continue;
        }
        let start = at + mark.len();
        let rest = text.get(start..).unwrap_or("");
        end = start + rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
        let body = text.get(start..end).unwrap_or("");
        if body.contains(char::is_alphabetic) {
            let words = lexicon.part(body);
            let words = words.iter().map(|w| Span::new(start + w.start, start + w.end)).collect();
            hashtags.push(Hashtag { span: Span::new(at, end), words });
        }
    }
    hashtags
}

impl<'a> Lexicon<'a> {
    /// The words of a hashtag's body.
    fn part(&self, body: &str) -> Vec<Range<usize>> {
        let mut words = Vec::new();
        for part in self.by_capitals(body) {
            match body.get(part.clone()).and_then(|text| self.by_words(text)) {
                Some(inside) => {
                    words.extend(
                        inside.into_iter().map(|w| part.start + w.start..part.start + w.end),
                    );
                }
                None => words.push(part),
            }
        }
        words
    }

    /// Parts a body at underscores, before and after digits, and where capitals begin a word.
    ///
    /// Where lower case follows several capitals, the last of them begins the word (`USOpen`), unless
    /// only what follows it is a word (`NYCflood`).
    fn by_capitals(&self, body: &str) -> Vec<Range<usize>> {
        let chars: Vec<(usize, char)> = body.char_indices().collect();
        let end_of = |index: usize| chars.get(index).map_or(body.len(), |&(at, _)| at);
        let mut cuts = Vec::new();
        for (index, pair) in chars.windows(2).enumerate() {
            let ((_, before), (at, c)) = (pair[0], pair[1]);
            let changes = before.is_numeric() != c.is_numeric()
                || (before == '_') != (c == '_')
                || before.is_lowercase() && c.is_uppercase();
            if changes {
                cuts.push(at);
            } else if before.is_uppercase() && c.is_lowercase() {
                let is_run = index > 0 && chars[index - 1].1.is_uppercase();
                if is_run {
                    let word = chars[index + 1..].iter().take_while(|(_, c)| c.is_lowercase());
                    let end = end_of(index + 1 + word.count());
                    let (capital, rest) = (body.get(chars[index].0..end), body.get(at..end));
                    let begins_after = !capital.is_some_and(|w| self.is_readable(w))
                        && rest.is_some_and(|w| self.is_readable(w));
                    cuts.push(if begins_after { at } else { chars[index].0 });
                }
            }
        }
        cuts.push(body.len());
        let mut start = 0;
        let mut parts = Vec::new();
        for cut in cuts {
            if body.get(start..cut).is_some_and(|part| part.contains(char::is_alphanumeric)) {
                parts.push(start..cut);
            }
            start = start.max(cut);
        }
        parts
    }

    /// Whether a part is a word or can be read as words.
    fn is_readable(&self, part: &str) -> bool {
        let folded = fold(part, FoldOptions::ALL);
        self.is_word(folded.text()) || self.best(&folded).is_some()
    }

    fn is_word(&self, folded: &str) -> bool {
        let is_name =
            |name: &Cursor<'a>| follow(*name, folded).is_some_and(|end| end.number().is_some());
        self.common.contains(folded) || self.names.iter().any(is_name)
    }

    /// The words that make up a part, if it is no word itself and all of it can be read.
    fn by_words(&self, part: &str) -> Option<Vec<Range<usize>>> {
        let folded = fold(part, FoldOptions::ALL);
        if self.is_word(folded.text()) {
            return None;
        }
        let mut start = 0;
        let mut words = Vec::new();
        for cut in self.best(&folded)? {
            let word = folded.span(start..cut)?;
            words.push(word.start..word.end);
            start = cut;
        }
        words.is_sorted_by(|a, b| a.end <= b.start).then_some(words)
    }

    /// Where the words of a folded part end: as few words as possible, of those the fewest names, of
    /// those the longest first word.
    fn best(&self, folded: &Folded) -> Option<Vec<usize>> {
        let text = folded.text();
        if text.len() > LONGEST_PART || !text.chars().all(char::is_alphabetic) {
            return None;
        }
        let mut best: Vec<Option<Reading>> = vec![None; text.len() + 1];
        best[text.len()] = Some(Reading::default());
        for start in (0..text.len()).rev().filter(|&at| text.is_char_boundary(at)) {
            let mut here: Option<Reading> = None;
            for (cuts, is_name) in self.words_at(text, start) {
                let end = cuts.last().copied().unwrap_or(start);
                let Some(rest) = &best[end] else { continue };
                let reading = rest.after(cuts, is_name);
                if here.as_ref().is_none_or(|here| reading.cost() < here.cost()) {
                    here = Some(reading);
                }
            }
            best[start] = here;
        }
        let best = best.swap_remove(0)?;
        (best.words <= MOST_WORDS).then_some(best.cuts)
    }

    /// The words that a folded text may have at `start`, longest first: where each ends (a name of
    /// several words: where each of them ends), and whether it is a name.
    fn words_at(&self, text: &str, start: usize) -> Vec<(Vec<usize>, bool)> {
        let mut words = Vec::new();
        for end in (start + 1..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            let word = text.get(start..end).unwrap_or("");
            let is_common = match word.chars().count() {
                ..SHORTEST_WORD => end < text.len() && SHORT_WORDS.binary_search(&word).is_ok(),
                _ => self.common.contains(word),
            };
            if is_common {
                words.push((vec![end], false));
            }
        }
        for name in &self.names {
            names_from(*name, text, start, &mut vec![start], &mut words);
        }
        words.sort_unstable_by(|(a, a_name), (b, b_name)| {
            (b.last(), a_name, a).cmp(&(a.last(), b_name, b))
        });
        words
    }
}

/// Adds the names that a folded text holds from `first` on, whatever spaces and hyphens they have in
/// them, given where what comes before the last of `cuts` leads.
fn names_from(
    name: Cursor<'_>,
    text: &str,
    first: usize,
    cuts: &mut Vec<usize>,
    words: &mut Vec<(Vec<usize>, bool)>,
) {
    let mut name = name;
    let start = cuts.last().copied().unwrap_or(first);
    for (at, &byte) in text.as_bytes().iter().enumerate().skip(start) {
        let Some(next) = name.step(byte) else { return };
        name = next;
        let end = at + 1;
        if !text.is_char_boundary(end) {
            continue;
        }
        let length = text.get(first..end).map_or(0, |name| name.chars().count());
        if length >= SHORTEST_NAME && name.number().is_some() {
            words.push(([cuts.get(1..).unwrap_or_default(), &[end]].concat(), true));
        }
        if end < text.len() && cuts.len() < MOST_WORDS {
            for next in [b' ', b'-'].into_iter().filter_map(|mark| name.step(mark)) {
                cuts.push(end);
                names_from(next, text, first, cuts, words);
                cuts.pop();
            }
        }
    }
}

/// How the rest of a part is read.
#[derive(Debug, Clone, Default)]
struct Reading {
    words: usize,
    names: usize,
    cuts: Vec<usize>,
}

impl Reading {
    /// This reading with one more word, or a name of several, before it.
    fn after(&self, mut cuts: Vec<usize>, is_name: bool) -> Self {
        cuts.extend_from_slice(&self.cuts);
        Self { words: self.words + 1, names: self.names + usize::from(is_name), cuts }
    }

    fn cost(&self) -> (usize, usize) {
        (self.words, self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Fst;
    use super::super::trie::built;
    use super::*;
    use proptest::prelude::*;

    fn parted(text: &str) -> Vec<String> {
        let mut names = ["paris", "nyc", "new york", "houston", "mexico city", "us", "york", "usa"];
        names.sort_unstable();
        let bytes = built(&names.map(str::to_owned));
        let names = vec![Fst::new(&bytes).unwrap().start()];
        let mut common = CommonWords::default();
        common.add("pray\nfor\nflood\nopen\nstrong\nthe\ncom\nnew\ngreat\nson\nattack\nhelp");
        let lexicon = Lexicon { names, common: &common };
        find(text, &lexicon).iter().map(|hashtag| hashtag.text(text)).collect()
    }

    #[test]
    fn hashtags_fall_into_words() {
        let cases = [
            ("#PrayForParis", "Pray For Paris"),
            ("#NYCflood", "NYC flood"),
            ("#NYCFlood", "NYC Flood"),
            ("#USOpen", "US Open"),
            ("#USAisgreat", "USA is great"),
            ("#prayforparis", "pray for paris"),
            ("#PRAYFORPARIS", "PRAY FOR PARIS"),
            ("#Prayfornewyork", "Pray for new york"),
            ("#helpMexicocity2017", "help Mexico city 2017"),
            ("#new_york_strong", "new york strong"),
            ("#newyorkstrong", "new york strong"),
            ("＃Paris2024", "Paris 2024"),
            ("#comparison", "comparison"),
            ("#parisian", "parisian"),
            ("#nycflood", "nycflood"),
            ("#Zürich", "Zürich"),
            ("#paris", "paris"),
        ];
        for (text, expected) in cases {
            assert_eq!(parted(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_no_hashtag_is_left_alone() {
        assert_eq!(parted("a#Paris #1 # #_ &#39; C#"), [""; 0]);
        assert_eq!(parted("##Paris, (#Help)"), ["Paris", "Help"]);
    }

    proptest! {
        #[test]
        fn words_lie_in_the_hashtag_in_order(text in "(#?[a-cA-C1_éßİ ]{1,6}|paris|York|new){0,6}") {
            let bytes = built(&["new york".to_owned(), "paris".to_owned()]);
            let names = vec![Fst::new(&bytes).unwrap().start()];
            let mut common = CommonWords::default();
            common.add("abc\nccc\ncab\nbbb\naé");
            for hashtag in find(&text, &Lexicon { names, common: &common }) {
                let mut at = hashtag.span.start + 1;
                for word in &hashtag.words {
                    prop_assert!(word.start >= at && word.end <= hashtag.span.end);
                    prop_assert!(word.slice(&text).is_some_and(|w| !w.is_empty()));
                    at = word.end;
                }
                let virtual_text = hashtag.text(&text);
                let whole = hashtag.original(Span::new(0, virtual_text.len()));
                prop_assert_eq!(whole.map(|s| s.end), hashtag.words.last().map(|w| w.end));
            }
        }
    }
}
