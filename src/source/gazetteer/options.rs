//! The options of a gazetteer: as documented, and as an engine file writes them. What is made of them
//! is `config`'s work.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::casing::Case;
use super::fuzzy::Fuzzy;
use super::hashtag::Hashtags;
use super::inline::InlineEntry;
use super::matcher::MatchKind;
use super::spelling::Difference;
use crate::resource::OptionDoc;

/// The options as shown to users; `Options` is what is read.
pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "files",
        value: "list of paths and globs",
        doc: "TSV files (surface, label, then optional id, weight 0 to 1, key=value attributes) and \
              files of `spanloom gazetteer build`.",
    },
    OptionDoc {
        name: "entries",
        value: "list of [surface, label, id, weight, attributes]",
        doc: "Entries written here, the last three parts optional: `[[\"Paris\", \"LOC\"]]`.",
    },
    OptionDoc {
        name: "entry",
        value: "tables",
        doc: "Entries with a key for everything they may say: [[source.entry]].",
    },
    OptionDoc {
        name: "entry.surface",
        value: "string",
        doc: "The name as it is properly written.",
    },
    OptionDoc { name: "entry.label", value: "label", doc: "What it is." },
    OptionDoc {
        name: "entry.id",
        value: "string",
        doc: "What an origin calls it; its surface where none is written.",
    },
    OptionDoc {
        name: "entry.weight",
        value: "number 0 to 1, 1.0",
        doc: "How sure one may be of it.",
    },
    OptionDoc {
        name: "entry.case",
        value: "exact | smart | fold",
        doc: "As `case`, for this entry.",
    },
    OptionDoc {
        name: "entry.abbreviations",
        value: "list of strings",
        doc: "Short forms, matched in their own casing only; their origin names the entry. In files \
              the attribute `abbreviations=U.S.A.|USA`.",
    },
    OptionDoc {
        name: "entry.attributes",
        value: "table of strings",
        doc: "Anything else that is to be kept with it.",
    },
    OptionDoc {
        name: "entry.context",
        value: "table of near, not-near, left, not-left, right, not-right, words",
        doc: "What must, or must not, be near a match: lists of words (folded) and /patterns/ (in \
              Oniguruma's Ruby syntax), of which one is enough; all that are written must hold. `near` \
              looks at both sides, `left` and `right` at one, as far as `words` words (5). In files \
              attributes: `context.near=Hilton|Ms.|/Jacks?on/;context.words=3`.",
    },
    OptionDoc {
        name: "case",
        value: "exact | smart | fold, \"smart\"",
        doc: "Which casing matches: that of the entry; what the casing says (a lower-case common \
              word is no city); any. The attribute `case` of an entry goes before it.",
    },
    OptionDoc {
        name: "common-words",
        value: "list of paths and globs",
        doc: "Lists of lower-case words, one a line, that `smart` takes for names only where their \
              casing speaks for it; a single one that begins a sentence scores half. Without any, \
              lower-case text matches only entries without capitals.",
    },
    OptionDoc {
        name: "match",
        value: "longest | all | n-best, \"longest\"",
        doc: "Of overlapping matches the leftmost longest whose casing and context fit, or all, with \
              the best entry of each label at a place; or the leftmost longest with the `n` best \
              entries whatever their labels. Of equal scores the lowest label, then id, is better.",
    },
    OptionDoc {
        name: "n",
        value: "number, 3",
        doc: "How many entries a place has at most with `match = \"n-best\"`.",
    },
    OptionDoc {
        name: "ignore",
        value: "list of accents, width, apostrophes, hyphens, white-space, hyphen-space, missing-apostrophe; the first five",
        doc: "Differences that do not count: accents; full and half width; which apostrophe, which \
              hyphen, how much white space is written; a hyphen for a space (`Stratford upon Avon`, \
              `Stratford-upon-Avon`); an apostrophe inside a word that is missing on either side \
              (`OBrien`, `O'Brien`). A possessive `'s` or `'` after a name is never part of a match.",
    },
    OptionDoc {
        name: "fuzzy",
        value: "true | table of min-letters, prefix-length, transpositions, factor; false",
        doc: "Forgives typographical errors: one in names of at least as many letters as the first \
              number of `min-letters` says, two from the second ([5, 9]). The first `prefix-length` \
              characters (1) must be right; swapped neighbours are one error unless `transpositions` \
              is false; only letters, spaces, hyphens and apostrophes may be wrong. Every error \
              multiplies the score by `factor` (0.8). Common words and what reads like an entry are no \
              misspellings.",
    },
    OptionDoc {
        name: "hashtags",
        value: "inside | whole",
        doc: "Looks for names inside hashtags, parted by capitals, digits and `_`, or where all of the \
              hashtag is common words and names: proposes the name (`Paris` of `#PrayForParis`), or the \
              hashtag with its mark. A name inside a given token is not proposed.",
    },
    OptionDoc {
        name: "stop",
        value: "list of strings",
        doc: "Surfaces that are never matched, whatever their casing and accents.",
    },
    OptionDoc {
        name: "stop-files",
        value: "list of paths and globs",
        doc: "Lists of such surfaces, one a line; `#` begins a comment line.",
    },
    OptionDoc {
        name: "score",
        value: "number 0 to 1, 1.0",
        doc: "The score of a mention is this times the weight of its entry.",
    },
    OptionDoc {
        name: "labels",
        value: "list of labels",
        doc: "Only entries of these labels are taken; all where it is not written.",
    },
    OptionDoc {
        name: "min-length",
        value: "number, 2",
        doc: "Entries whose folded surface has fewer characters do not count.",
    },
];

/// What a section of an engine file says, besides its `[[source.entry]]` tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Options {
    #[serde(default)]
    pub(super) files: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) entries: Vec<Spanned<InlineEntry>>,
    #[serde(default)]
    pub(super) case: Case,
    #[serde(default)]
    pub(super) common_words: Vec<Spanned<String>>,
    #[serde(default, rename = "match")]
    pub(super) matches: MatchKind,
    pub(super) n: Option<Spanned<usize>>,
    pub(super) ignore: Option<Vec<Difference>>,
    pub(super) fuzzy: Option<Spanned<FuzzyOption>>,
    pub(super) hashtags: Option<Hashtags>,
    #[serde(default)]
    pub(super) stop: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) stop_files: Vec<Spanned<String>>,
    pub(super) score: Option<Spanned<f32>>,
    pub(super) labels: Option<Vec<Spanned<String>>>,
    #[serde(default = "default_min_length")]
    pub(super) min_length: usize,
}

fn default_min_length() -> usize {
    2
}

/// `true`, `false` or a table.
#[derive(Debug, Clone)]
pub(super) struct FuzzyOption(pub(super) Option<Fuzzy>);

impl<'de> Deserialize<'de> for FuzzyOption {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = FuzzyOption;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a table")
            }

            fn visit_bool<E>(self, is_on: bool) -> Result<FuzzyOption, E> {
                Ok(FuzzyOption(is_on.then(Fuzzy::default)))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<FuzzyOption, A::Error> {
                let fuzzy = Fuzzy::deserialize(MapAccessDeserializer::new(table))?;
                match fuzzy.problem() {
                    Some(problem) => Err(A::Error::custom(problem)),
                    None => Ok(FuzzyOption(Some(fuzzy))),
                }
            }
        }
        value.deserialize_any(Value)
    }
}
