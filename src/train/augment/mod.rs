//! More to learn from: copies of sentences that are changed in ways that do not change what is right.
//! Copies are made once, before training, from a random stream of their own, so that a run stays the same.

mod casing;
mod hashtags;
mod mentions;
mod typing;

use std::path::Path;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::data::Corpus;
use super::recipe::{AugmentRecipe, Recipe};
use crate::error::Result;
use crate::text::Document;

pub use mentions::Surfaces;

/// The random stream of changes; see [`super::trainee`] for others.
const STREAM: u64 = u64::MAX - 2;

/// A way to change a sentence.
pub struct Augmentation {
    /// The key of `[augment]`.
    pub name: &'static str,
    /// How often it is done, as the recipe says.
    pub share: fn(&AugmentRecipe) -> f64,
    /// Changes a document; false where there is nothing to change.
    pub apply: fn(&mut Document, &Surfaces, &mut ChaCha8Rng) -> bool,
}

/// All ways.
pub static AUGMENTATIONS: &[Augmentation] =
    &[mentions::REPLACED, casing::LOWER, casing::UPPER, typing::ERRORS, hashtags::JOINED];

/// Adds the copies that a recipe asks for to corpora; `base` is what the paths of gazetteers are relative to.
/// Gives how many there are.
///
/// # Errors
/// Where a gazetteer is missing or damaged.
pub fn augment(recipe: &Recipe, corpora: &mut [Corpus], base: &Path) -> Result<usize> {
    let Some(asked) = &recipe.augment else { return Ok(0) };
    let surfaces = Surfaces::read(asked, corpora, base)?;
    let mut random = ChaCha8Rng::seed_from_u64(recipe.seed);
    random.set_stream(STREAM);
    let mut made = 0;
    for corpus in corpora {
        let there = corpus.documents.len();
        for augmentation in AUGMENTATIONS {
            let share = (augmentation.share)(asked);
            for number in 0..there {
                if share == 0.0 || !random.random_bool(share) {
                    continue;
                }
                let mut copy = corpus.documents[number].clone();
                if (augmentation.apply)(&mut copy, &surfaces, &mut random) {
                    corpus.documents.push(copy);
                }
            }
        }
        made += corpus.documents.len() - there;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::TomlFile;
    use crate::text::{Annotation, Span};

    fn corpus() -> Corpus {
        let words = ["in", "New", "York", "with", "Annabel", "."];
        let mut document = Document::from_words("d", words);
        let entity = |start, end, label: &str| Annotation {
            span: Span::new(start, end),
            label: label.to_owned(),
        };
        document.gold = Some(vec![entity(3, 11, "LOC"), entity(17, 24, "PER")]);
        Corpus {
            name: "c".to_owned(),
            documents: vec![document; 20],
            annotates: None,
            weight: 1.0,
            damaged: 0,
        }
    }

    fn augmented(keys: &str, base: &Path) -> Vec<Document> {
        let text = format!(
            "[[data.train]]\npath = \"a\"\n[model]\nstart = \"m\"\n[output]\nfolder = \"o\"\n[augment]\n{keys}"
        );
        let recipe = Recipe::parse(&TomlFile::new("r.toml", &text)).unwrap();
        let mut corpora = [corpus()];
        let made = augment(&recipe, &mut corpora, base).unwrap();
        let [corpus] = corpora;
        assert_eq!(made, corpus.documents.len() - 20);
        let again = &mut [self::corpus()];
        augment(&recipe, again, base).unwrap();
        assert_eq!(again[0].documents, corpus.documents, "the same seed, the same copies");
        corpus.documents[20..].to_vec()
    }

    fn gold(document: &Document) -> Vec<(&str, &str)> {
        let gold = document.gold.iter().flatten();
        gold.map(|a| (a.span.slice(&document.text).unwrap(), a.label.as_str())).collect()
    }

    #[test]
    fn mentions_are_replaced_by_others_of_the_label() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("g.tsv"), "Rio de Janeiro\tLOC\nOslo\tLOC\nAcme\tORG\n")
            .unwrap();
        let made = augmented("mentions = 1.0\ngazetteers = [\"*.tsv\"]", folder.path());
        assert_eq!(made.len(), 20);
        for document in &made {
            let gold = gold(document);
            assert!(["Rio de Janeiro", "Oslo", "New York"].contains(&gold[0].0), "{gold:?}");
            assert_eq!(gold[1], ("Annabel", "PER"), "there is no other person");
            let tokens = document.token_spans().unwrap();
            let ends = |span: Span| {
                tokens.iter().any(|t| t.start == span.start)
                    && tokens.iter().any(|t| t.end == span.end)
            };
            assert!(document.gold.iter().flatten().all(|a| ends(a.span)));
        }
        assert!(made.iter().any(|d| d.text.contains("Rio de Janeiro")));
    }

    #[test]
    fn casing_typing_and_hashtags_keep_what_is_right() {
        let base = Path::new("");
        let lower = augmented("lower-case = 0.5", base);
        assert!((4..=16).contains(&lower.len()));
        assert_eq!(gold(&lower[0]), [("new york", "LOC"), ("annabel", "PER")]);
        let upper = augmented("upper-case = 1.0", base);
        assert_eq!(gold(&upper[0])[1], ("ANNABEL", "PER"));
        let typing = augmented("typing-errors = 1.0", base);
        assert!(typing.iter().all(|d| d.text != corpus().documents[0].text && gold(d).len() == 2));
        let hashtags = augmented("hashtags = 1.0", base);
        let tagged: Vec<_> = hashtags.iter().flat_map(gold).collect();
        assert!(tagged.contains(&("#NewYork", "LOC")) && tagged.contains(&("#Annabel", "PER")));
        let tokens = |d: &Document| d.tokens.as_ref().unwrap().len();
        assert!(hashtags.iter().all(|d| tokens(d) == 5 + usize::from(!d.text.contains("#New"))));
    }
}
