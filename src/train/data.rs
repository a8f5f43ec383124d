//! Corpora as they are read, and what a system makes of them to learn from.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::recipe::CorpusRecipe;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentStream, Inputs};
use crate::resource::in_hex;
use crate::text::{Document, Span, segment};

/// A corpus, read: what its recipe says has been done to its gold.
#[derive(Clone)]
pub struct Corpus {
    /// What to call it.
    pub name: String,
    /// Its documents, each with gold.
    pub documents: Vec<Document>,
    /// The labels it annotates; `None` where these are all.
    pub annotates: Option<BTreeSet<String>>,
    /// How often each of its sentences is seen in an epoch, on average.
    pub weight: f64,
    /// How many documents were left out because they cannot be read.
    pub damaged: usize,
}

impl Corpus {
    /// Reads a corpus whose paths are relative to `base`.
    ///
    /// # Errors
    /// Where a file is missing or wrong, or there is no document.
    pub fn read(recipe: &CorpusRecipe, base: &Path) -> Result<Self> {
        let here = |error: Error| error.at(recipe.place.clone());
        let inputs = Inputs::expand(&recipe.paths(base), recipe.format);
        if let Some(error) = Error::several(inputs.errors) {
            return Err(here(error));
        }
        let names = recipe.label_names();
        let mut documents = Vec::new();
        let mut wrong = Vec::new();
        for document in DocumentStream::new(inputs.files, recipe.read_options()?) {
            match document {
                Ok(mut document) => {
                    names.rename(&mut document);
                    document.join_tokens(&recipe.join_tokens);
                    if recipe.removes_any() {
                        document.remove_words(|word| recipe.removes(word));
                    }
                    if recipe.widen_to_words {
                        document.widen_to_words();
                    }
                    documents.push(document);
                }
                // What a service withholds is not damaged, and training without it would be another training.
                Err(error) if error.kind() == ErrorKind::Remote => return Err(here(error)),
                Err(error) => wrong.push(error),
            }
        }
        let damaged = wrong.len();
        if recipe.skip_damaged {
            wrong.iter().for_each(|error| tracing::warn!("left out: {error}"));
        } else if let Some(error) = Error::several(wrong) {
            return Err(error);
        }
        let corpus = Self {
            name: recipe.name(),
            documents,
            annotates: recipe.labels.clone(),
            weight: recipe.weight,
            damaged,
        };
        if corpus.documents.iter().all(|document| document.text.trim().is_empty()) {
            let message = format!("the corpus '{}' holds no text", corpus.name);
            return Err(here(Error::new(ErrorKind::Document, message)));
        }
        if let Some(annotates) = &corpus.annotates
            && let Some((label, id)) = corpus.stranger(|label| annotates.contains(label))
        {
            let known: Vec<&str> = annotates.iter().map(String::as_str).collect();
            let message = format!(
                "document {id} has an entity of label '{label}', which is not in 'labels', those that the \
                 corpus annotates"
            );
            let help =
                format!("they are: {}; `map` and `drop` change what gold says", known.join(", "));
            return Err(here(Error::new(ErrorKind::Document, message).with_help(help)));
        }
        Ok(corpus)
    }

    /// An entity with a label that `is_known` does not know, and its document.
    fn stranger(&self, is_known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        self.documents.iter().find_map(|document| {
            let mut gold = document.gold.iter().flatten();
            let one = gold.find(|annotation| !is_known(&annotation.label))?;
            Some((one.label.as_str(), document.id.as_str()))
        })
    }

    /// Looks whether every label of its gold is one of the model's.
    ///
    /// # Errors
    /// Where one is not, or `labels` of its recipe names another.
    pub fn check_labels(&self, labels: &[String], recipe: &CorpusRecipe) -> Result<()> {
        let known: Vec<&str> = labels.iter().map(String::as_str).collect();
        let unknown = |label: &str, of: String| {
            let error = Error::unknown("label", label, &known);
            let help = error.help_text().unwrap_or_default().to_owned();
            let message = format!("{} of {of}", error.message());
            Error::new(ErrorKind::Document, message)
                .with_help(format!("{help}; `map` and `drop` change what gold says"))
                .at(recipe.place.clone())
        };
        if let Some((label, id)) = self.stranger(|label| known.contains(&label)) {
            return Err(unknown(label, format!("document {id}")));
        }
        let annotated = self.annotates.iter().flatten();
        match annotated.map(String::as_str).find(|label| !known.contains(label)) {
            Some(label) => Err(unknown(label, "the corpus's 'labels'".to_owned())),
            None => Ok(()),
        }
    }

    /// How many entities of each label it has.
    pub fn entities(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for annotation in self.documents.iter().flat_map(|d| d.gold.iter().flatten()) {
            *counts.entry(annotation.label.as_str()).or_default() += 1;
        }
        counts
    }
}

/// Sentences that are not learnt from, each by its words in lower case.
#[derive(Debug, Clone, Default)]
pub struct Excluded(HashSet<String>);

impl Excluded {
    /// The sentences of these corpora.
    pub fn of(corpora: &[Corpus]) -> Self {
        let documents = corpora.iter().flat_map(|corpus| &corpus.documents);
        Self(documents.flat_map(|d| sentences(d).into_iter().map(|s| Self::key(d, &s))).collect())
    }

    /// Whether a stretch of these words of a document is one of them.
    pub fn holds(&self, document: &Document, words: &[Span]) -> bool {
        !self.0.is_empty() && self.0.contains(&Self::key(document, words))
    }

    /// Whether a sentence of a document is one of them.
    pub fn holds_part_of(&self, document: &Document) -> bool {
        !self.0.is_empty() && sentences(document).iter().any(|words| self.holds(document, words))
    }

    fn key(document: &Document, words: &[Span]) -> String {
        let words = words.iter().filter_map(|word| word.slice(&document.text));
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    }
}

/// The words of each sentence of a document; given tokens are one sentence.
fn sentences(document: &Document) -> Vec<Vec<Span>> {
    if let Some(tokens) = document.token_spans() {
        return vec![tokens];
    }
    let words = |sentence: Span| {
        let words = segment::words(sentence.slice(&document.text).unwrap_or_default());
        let shifted =
            words.into_iter().map(|w| Span::new(w.start + sentence.start, w.end + sentence.start));
        shifted.collect()
    };
    segment::sentences(&document.text).into_iter().map(words).collect()
}

/// Something to learn from: a sentence, or a window of a longer one, as a system sees it.
pub trait Example {
    /// How many sub-words are computed for it: what batches are sorted and filled by.
    fn length(&self) -> usize;

    /// Feeds everything that is learnt from it into a fingerprint.
    fn fingerprint(&self, hash: &mut Sha256);
}

/// The examples of one corpus.
#[derive(Debug)]
pub struct Examples<E> {
    /// What to call it.
    pub name: String,
    /// The examples, in the order of the corpus.
    pub examples: Vec<E>,
    /// How often each is seen in an epoch, on average.
    pub weight: f64,
    /// How many entities are taught otherwise than gold says, because they cut a word, go over the end of
    /// a sentence or share a word with one before them.
    pub misfits: usize,
    /// How many sentences were left out because they are excluded.
    pub excluded: usize,
}

impl<E> Examples<E> {
    /// None so far, of a corpus.
    pub fn new(corpus: &Corpus) -> Self {
        Self {
            name: corpus.name.clone(),
            examples: Vec::new(),
            weight: corpus.weight,
            misfits: 0,
            excluded: 0,
        }
    }
}

/// Feeds a list of numbers into a fingerprint.
pub fn hash_numbers(hash: &mut Sha256, numbers: &[u32]) {
    hash.update((numbers.len() as u64).to_le_bytes());
    numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
}

/// A fingerprint of what is learnt from: two runs with the same learn the same. `model` says what of the
/// model matters to it.
pub fn fingerprint<E: Example>(corpora: &[Examples<E>], model: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(model);
    for corpus in corpora {
        hash.update(format!("{} {}", corpus.examples.len(), corpus.weight));
        corpus.examples.iter().for_each(|example| example.fingerprint(&mut hash));
    }
    in_hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::TomlFile;
    use crate::train::Recipe;

    const TWEETS: &str = r##"{"tweet_id": "1", "text": "Help #Rome now", "location_mentions": [{"text": "Rome", "type": "City", "start_offset": 6, "end_offset": 10}]}
{"tweet_id": "2", "text": "Too short", "location_mentions": [{"text": "Rome", "type": "City", "start_offset": 6, "end_offset": 40}]}
"##;

    fn read(more: &str) -> Result<Corpus> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tweets.jsonl"), TWEETS).unwrap();
        let text = format!(
            "[[data.train]]\npath = \"tweets.jsonl\"\nformat = \"idrisi\"\n{more}\n[model]\nstart = \"a\"\n\
             [output]\nfolder = \"b\"\n"
        );
        let recipe = Recipe::parse(&TomlFile::new("recipe.toml", &text)).unwrap();
        Corpus::read(&recipe.train[0], folder.path())
    }

    #[test]
    fn documents_that_cannot_be_read_are_an_error_or_left_out() {
        let error = read("").err().unwrap().to_string();
        assert!(
            error.contains("tweets.jsonl:2") && error.contains("'end_offset' is 40"),
            "{error}"
        );
        let corpus = read("skip-damaged = true").unwrap();
        assert_eq!((corpus.documents.len(), corpus.damaged), (1, 1));
    }

    #[test]
    fn entities_that_cut_a_word_are_widened_where_that_is_asked() {
        let entity = |more: &str| {
            let corpus = read(&format!("skip-damaged = true\n{more}")).unwrap();
            let gold = corpus.documents[0].gold.clone().unwrap();
            gold[0].span.slice(&corpus.documents[0].text).unwrap().to_owned()
        };
        assert_eq!(entity(""), "Rome");
        assert_eq!(entity("widen-to-words = true"), "#Rome");
    }
}
