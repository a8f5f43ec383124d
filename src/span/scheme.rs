//! Tag schemes: entities over tokens as one tag a token (`B-PER I-PER O`), and back. Which bytes a
//! token covers is not known here.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::Label;
use crate::error::{Error, Result};

/// An entity over tokens: a range of token numbers, and its type.
pub type TaggedRange = (Range<usize>, Label);

/// How tags mark where an entity begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TagScheme {
    /// `B-` first token, `I-` the others (IOB2).
    #[default]
    Bio,
    /// As BIO, `E-` last token, `S-` single token.
    Bioes,
    /// As BIO, `L-` last token, `U-` single token.
    Bilou,
    /// `I-` on every token; two touching entities of one label become one.
    Io,
}

impl TagScheme {
    /// All schemes.
    pub const ALL: [TagScheme; 4] = [Self::Bio, Self::Bioes, Self::Bilou, Self::Io];

    /// The names of all schemes, as users type them.
    pub const NAMES: &[&str] = &["bio", "bioes", "bilou", "io"];

    /// The tags of `tokens` tokens. Entities are given in order; one that is empty, reaches past
    /// the last token or shares a token with an earlier one is left out.
    pub fn encode(self, entities: &[TaggedRange], tokens: usize) -> Vec<String> {
        let mut tags = vec!["O".to_owned(); tokens];
        for (range, label) in entities {
            let free = tags.get(range.clone()).is_some_and(|t| t.iter().all(|tag| tag == "O"));
            if !free {
                continue;
            }
            for token in range.clone() {
                let prefix = self.prefix(token == range.start, token + 1 == range.end);
                tags[token] = format!("{prefix}-{label}");
            }
        }
        tags
    }

    fn prefix(self, first: bool, last: bool) -> char {
        match (self, first, last) {
            (Self::Io, ..) => 'I',
            (Self::Bioes, true, true) => 'S',
            (Self::Bilou, true, true) => 'U',
            (Self::Bioes, false, true) => 'E',
            (Self::Bilou, false, true) => 'L',
            (_, true, _) => 'B',
            (_, false, _) => 'I',
        }
    }

    /// The scheme that `tags` seem to be written in; `None` where nothing is tagged. Malformed tags
    /// do not matter, and for [`decode`] neither does the scheme.
    pub fn detect<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut seen = None;
        for tag in tags {
            match tag.chars().next() {
                Some('U' | 'L') => return Some(Self::Bilou),
                Some('E' | 'S') => return Some(Self::Bioes),
                Some('B') => seen = Some(Self::Bio),
                Some('I') => seen = seen.or(Some(Self::Io)),
                _ => {}
            }
        }
        seen
    }
}

impl fmt::Display for TagScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bio => "bio",
            Self::Bioes => "bioes",
            Self::Bilou => "bilou",
            Self::Io => "io",
        })
    }
}

impl FromStr for TagScheme {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.to_string() == name);
        known.ok_or_else(|| Error::unknown("tag scheme", name, Self::NAMES))
    }
}

/// Whether `tag` looks like a tag of one of the schemes: `O`, or a prefix letter, alone or followed
/// by `-` and a label.
pub fn is_tag(tag: &str) -> bool {
    let mut chars = tag.chars();
    match (chars.next(), chars.next()) {
        (Some('O'), None) => true,
        (Some(first), second) => "BIESUL".contains(first) && matches!(second, None | Some('-')),
        _ => false,
    }
}

/// Where a tag has the letter of its scheme: `B-PER` or `PER-B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LetterPlace {
    /// At the beginning.
    #[default]
    First,
    /// At the end; seqeval calls it `suffix`.
    Last,
}

impl LetterPlace {
    /// The letter and the rest of a tag; `None` where the tag is empty.
    pub(crate) fn split(self, tag: &str) -> Option<(char, &str)> {
        let mut chars = tag.chars();
        let letter = match self {
            Self::First => chars.next(),
            Self::Last => chars.next_back(),
        };
        Some((letter?, chars.as_str()))
    }

    /// [`is_tag`] of a tag that has its letter here.
    pub fn is_tag(self, tag: &str) -> bool {
        match (self, self.split(tag)) {
            (Self::First, _) => is_tag(tag),
            (Self::Last, Some((letter, ""))) => is_tag(letter.encode_utf8(&mut [0; 4])),
            (Self::Last, Some((letter, rest))) => "BIESUL".contains(letter) && rest.ends_with('-'),
            (Self::Last, None) => false,
        }
    }

    /// The tag with its letter at the beginning.
    fn turned(self, tag: &str) -> Cow<'_, str> {
        match (self, self.split(tag)) {
            (Self::Last, Some((letter, rest))) => {
                format!("{letter}-{}", rest.strip_suffix('-').unwrap_or(rest)).into()
            }
            _ => tag.into(),
        }
    }
}

/// [`decode`] of tags that have their letter at `place`.
pub fn decode_at(place: LetterPlace, tags: &[&str]) -> Vec<TaggedRange> {
    let turned: Vec<Cow<'_, str>> = tags.iter().map(|tag| place.turned(tag)).collect();
    decode(&turned.iter().map(|tag| &**tag).collect::<Vec<_>>())
}

/// What a tag says of its token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Begin,
    Inside,
    End,
    Single,
}

/// A tag's part and label. `U` and `L` read as `S` and `E`; a tag without a label has the label `_`;
/// what begins with no prefix letter is outside.
fn parse(tag: &str) -> (Part, &str) {
    let mut chars = tag.chars();
    let part = match chars.next() {
        Some('B') => Part::Begin,
        Some('I') => Part::Inside,
        Some('E' | 'L') => Part::End,
        Some('S' | 'U') => Part::Single,
        _ => return (Part::Outside, "_"),
    };
    let rest = chars.as_str();
    let label = rest.split_once('-').map_or(rest, |(_, label)| label);
    (part, if label.is_empty() { "_" } else { label })
}

/// The entities that `tags` mark, in order, of any scheme, however malformed.
///
/// An entity goes on over a token that says inside or end, of the same label, after one that says
/// begin or inside; everything else that is not outside begins a new one. So `I-X` begins an entity
/// after `O`, after an end and after another label. This is the default mode of the Python package
/// seqeval 1.2.2 (`get_entities`), which follows the `conlleval` script; tags whose first letter is
/// no prefix (`X-PER`), which seqeval warns about, are outside here.
pub fn decode(tags: &[&str]) -> Vec<TaggedRange> {
    let mut entities: Vec<TaggedRange> = Vec::new();
    let mut before = (Part::Outside, "_");
    for (token, tag) in tags.iter().enumerate() {
        let (part, label) = parse(tag);
        let goes_on = matches!(part, Part::Inside | Part::End)
            && matches!(before.0, Part::Begin | Part::Inside)
            && before.1 == label;
        match entities.last_mut().filter(|_| goes_on) {
            Some((range, _)) => range.end = token + 1,
            None if part != Part::Outside => {
                entities.push((token..token + 1, Label::new(label)));
            }
            None => {}
        }
        before = (part, label);
    }
    entities
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(scheme: TagScheme, entities: &[(Range<usize>, &str)], tokens: usize) -> String {
        let entities: Vec<_> = entities.iter().map(|(r, l)| (r.clone(), Label::new(l))).collect();
        scheme.encode(&entities, tokens).join(" ")
    }

    #[test]
    fn each_scheme_writes_its_own_letters() {
        let entities = [(0..3, "PER"), (3..4, "LOC"), (5..7, "ORG")];
        let expected = [
            "B-PER I-PER I-PER B-LOC O B-ORG I-ORG",
            "B-PER I-PER E-PER S-LOC O B-ORG E-ORG",
            "B-PER I-PER L-PER U-LOC O B-ORG L-ORG",
            "I-PER I-PER I-PER I-LOC O I-ORG I-ORG",
        ];
        for (scheme, expected) in TagScheme::ALL.into_iter().zip(expected) {
            assert_eq!(encoded(scheme, &entities, 7), expected);
        }
    }

    #[test]
    fn the_first_of_overlapping_entities_is_written() {
        let entities = [(0..2, "A"), (1..3, "B"), (3..3, "C"), (3..9, "D"), (2..3, "E")];
        assert_eq!(encoded(TagScheme::Bio, &entities, 4), "B-A I-A B-E O");
    }

    #[test]
    fn schemes_are_recognised() {
        let detect = |tags: &str| TagScheme::detect(tags.split(' '));
        assert_eq!(detect("O B-X I-X B-X"), Some(TagScheme::Bio));
        assert_eq!(detect("O I-X I-X"), Some(TagScheme::Io));
        assert_eq!(detect("B-X E-X"), Some(TagScheme::Bioes));
        assert_eq!(detect("B-X L-X"), Some(TagScheme::Bilou));
        assert_eq!(detect("O O"), None);
        assert_eq!("bilou".parse::<TagScheme>().unwrap(), TagScheme::Bilou);
        let error = "boi".parse::<TagScheme>().unwrap_err();
        assert_eq!(error.to_string(), "unknown tag scheme 'boi'");
    }

    #[test]
    fn tags_are_told_from_words() {
        assert!(["O", "B-X", "I-a-b", "S", "L-X"].iter().all(|t| is_tag(t)));
        assert!(!["", "-", "Of", "stephen", "NNP", "BX", "o"].iter().any(|t| is_tag(t)));
    }

    #[test]
    fn malformed_tags_are_repaired_as_seqeval_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/parity/seqeval_repair.json");
        let fixture = std::fs::read_to_string(path).unwrap();
        let fixture: serde_json::Value = serde_json::from_str(&fixture).unwrap();
        let sequences = fixture["sequences"].as_array().unwrap();
        assert!(sequences.len() >= 100);
        for sequence in sequences {
            let tags: Vec<&str> = sequence["tags"].as_str().unwrap().split(' ').collect();
            let found: Vec<_> = decode(&tags)
                .iter()
                .map(|(r, l)| serde_json::json!([l.as_str(), r.start, r.end]))
                .collect();
            // Where tags say U and L, seqeval was also asked with S and E in their place.
            let expected = sequence.get("renamed").unwrap_or(&sequence["entities"]);
            assert_eq!(&serde_json::Value::from(found), expected, "{tags:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            steps in proptest::collection::vec((0usize..3, 1usize..4, 0usize..3), 0..12),
        ) {
            let labels = ["PER", "B-I", "X"];
            let (mut at, mut entities) = (0, Vec::<TaggedRange>::new());
            for (gap, length, label) in steps {
                let start = at + gap;
                at = start + length;
                entities.push((start..at, Label::new(labels[label])));
            }
            for scheme in TagScheme::ALL {
                let touch = entities.windows(2).any(|w| w[0].0.end == w[1].0.start && w[0].1 == w[1].1);
                if scheme == TagScheme::Io && touch {
                    continue;
                }
                let tags = scheme.encode(&entities, at + 1);
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                prop_assert_eq!(&decode(&tags), &entities);
                prop_assert!(tags.iter().all(|t| is_tag(t)));
            }
        }

        #[test]
        fn any_tags_give_ordered_disjoint_entities(tags in proptest::collection::vec("\\PC{0,4}|[BIESULO](-[XY])?", 0..20)) {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            let mut end = 0;
            for (range, _) in decode(&tags) {
                prop_assert!(range.start >= end && range.start < range.end && range.end <= tags.len());
                end = range.end;
            }
        }
    }
}
