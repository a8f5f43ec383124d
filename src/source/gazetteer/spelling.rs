//! Which differences between a text and a surface do not count. The index is folded of all of them;
//! those that count after all are compared here, on the originals.

use unicode_normalization::UnicodeNormalization;

use super::casing::Spelling;
use super::fuzzy::{Fuzzy, distance};
use super::variants::{Variants, bare};
use crate::text::{FoldOptions, fold};

/// A difference that an engine file may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Accents, and letters such as `ø` and `æ`.
    Accents,
    /// Full and half width.
    Width,
    /// The kind of an apostrophe or quote.
    Apostrophes,
    /// The kind of a hyphen or dash.
    Hyphens,
    /// How much white space, and which; soft hyphens.
    WhiteSpace,
    /// A hyphen for a space.
    HyphenSpace,
    /// An apostrophe that is not there.
    MissingApostrophe,
}

impl Difference {
    /// The differences that the index is folded of: they do not count unless something else is said.
    pub const FOLDED: [Self; 5] =
        [Self::Accents, Self::Width, Self::Apostrophes, Self::Hyphens, Self::WhiteSpace];
}

/// Which differences do not count, besides casing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpellingOptions {
    /// The folding that a match and its surface must have in common, if it is not all of it.
    strict: Option<FoldOptions>,
    /// Which spellings stand for each other.
    pub(super) variants: Variants,
}

impl SpellingOptions {
    /// The options by which these differences, and no others, do not count.
    pub fn ignoring(differences: &[Difference]) -> Self {
        let has = |difference| differences.contains(&difference);
        let fold = FoldOptions {
            case: true,
            accents: has(Difference::Accents),
            width: has(Difference::Width),
            apostrophes: has(Difference::Apostrophes),
            hyphens: has(Difference::Hyphens),
            white_space: has(Difference::WhiteSpace),
        };
        let variants = Variants {
            hyphen_space: has(Difference::HyphenSpace),
            apostrophe: has(Difference::MissingApostrophe),
        };
        Self { strict: Some(fold).filter(|fold| *fold != FoldOptions::ALL), variants }
    }

    /// Whether a text that reads like a surface when everything is folded may stand for it.
    pub(super) fn allows(
        &self,
        matched: &str,
        surface: &str,
        spelling: Spelling,
        fuzzy: Option<&Fuzzy>,
    ) -> bool {
        let Some(strict) = self.strict.filter(|_| matched != surface) else { return true };
        // However an accent is encoded, it is the same.
        let composed = |text: &str| fold(&text.nfc().collect::<String>(), strict).into_text();
        let (matched, surface) = (composed(matched), composed(surface));
        match spelling {
            Spelling::Same => matched.trim() == surface.trim(),
            Spelling::Variant => bare(&matched) == bare(&surface),
            Spelling::Misspelt(errors) => {
                let transpositions = fuzzy.is_none_or(|fuzzy| fuzzy.transpositions);
                distance(&matched, &surface, transpositions).is_some_and(|d| d <= errors)
            }
        }
    }
}
