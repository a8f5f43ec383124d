//! Documents that say the same are tagged once: those of a batch, and those that came before, as far as memory
//! goes. What is found depends on nothing of a document but its text and tokens.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use super::run::Tagged;
use crate::cache::{Cache, CacheUse, Sorted};
use crate::error::Result;
use crate::span::Entity;
use crate::text::Document;

/// The bytes that remembered documents may take.
const BYTES: usize = 64 << 20;

/// A thread copies what is kept of at least so many documents, which takes it longer than to be woken.
const KEPT_AT_ONCE: usize = 128;

/// What says all of a document, its entities, and how many bytes they take.
type Kept = (Box<[u8]>, Arc<[Entity]>, usize);

/// The entities of documents that were tagged.
#[derive(Debug)]
pub(super) struct Remembered(Cache<Box<[u8]>, Arc<[Entity]>>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Cache::new(BYTES))
    }
}

impl Remembered {
    /// How often it was asked for a document, and knew it.
    pub(super) fn usage(&self) -> CacheUse {
        self.0.usage()
    }

    /// What `tag` finds in the documents, which is asked about those that differ and are not known. A document
    /// that failed, or about which there are warnings, is not remembered: they name it.
    pub(super) fn tag(
        &self,
        documents: &[Document],
        tag: impl Fn(&[&Document]) -> Vec<Result<Tagged>>,
    ) -> Vec<Result<Tagged>> {
        if !self.0.is_on() {
            return tag(&documents.iter().collect::<Vec<_>>());
        }
        let keys: Vec<Cow<'_, [u8]>> = documents.iter().map(key).collect();
        let questions: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let Sorted { known, asked, repeated, hashes } = self.0.sort(&questions);
        let remembered = |entities: Arc<[Entity]>| {
            Ok(Tagged { entities: entities.to_vec(), warnings: Vec::new() })
        };
        let mut results: Vec<Option<Result<Tagged>>> =
            known.into_iter().map(|entities| entities.map(remembered)).collect();
        let distinct: Vec<&Document> = asked.iter().map(|number| &documents[*number]).collect();
        let tagged = tag(&distinct);
        let to_keep = |(number, tagged): (&usize, &Result<Tagged>)| {
            let entities = lasting(tagged)?;
            let bytes = keys[*number].len() + entities.iter().map(bytes_of).sum::<usize>();
            Some((Box::from(&*keys[*number]), Arc::from(entities), bytes))
        };
        let to_keep = asked.par_iter().zip(&tagged).with_min_len(KEPT_AT_ONCE).map(to_keep);
        let kept: Vec<Option<Kept>> = to_keep.collect();
        for ((number, tagged), kept) in asked.into_iter().zip(tagged).zip(kept) {
            if let Some((key, entities, bytes)) = kept {
                self.0.put(hashes[number], key, entities, bytes);
            }
            results[number] = Some(tagged);
        }
        let mut again = Vec::new();
        for (number, earlier) in repeated {
            match results[earlier].as_ref().and_then(lasting) {
                Some(entities) => {
                    let tagged = Tagged { entities: entities.to_vec(), warnings: Vec::new() };
                    results[number] = Some(Ok(tagged));
                    self.0.count_as_known();
                }
                None => again.push(number),
            }
        }
        if !again.is_empty() {
            let documents: Vec<&Document> =
                again.iter().map(|number| &documents[*number]).collect();
            for (number, tagged) in again.into_iter().zip(tag(&documents)) {
                results[number] = Some(tagged);
            }
        }
        let result = |result: Option<Result<Tagged>>| result.expect("every document was tagged");
        results.into_iter().map(result).collect()
    }
}

/// The entities of what another document of the same text would become.
fn lasting(tagged: &Result<Tagged>) -> Option<&[Entity]> {
    let tagged = tagged.as_ref().ok()?;
    tagged.warnings.is_empty().then_some(&*tagged.entities)
}

/// All of a document that decides what is found: its text, and its tokens where it has some.
fn key(document: &Document) -> Cow<'_, [u8]> {
    let text = document.text.as_bytes();
    let Some(tokens) = &document.tokens else { return text.into() };
    let mut key = Vec::with_capacity(text.len() + 1 + 16 * tokens.len());
    key.extend_from_slice(text);
    // No text holds this byte, so that the tokens cannot be taken for one.
    key.push(0xff);
    for token in tokens {
        key.extend_from_slice(&(token.span.start as u64).to_le_bytes());
        key.extend_from_slice(&(token.span.end as u64).to_le_bytes());
    }
    key.into()
}

/// What an entity takes in memory, about.
fn bytes_of(entity: &Entity) -> usize {
    let origins =
        entity.origins.len() + entity.overruled.iter().map(|o| o.origins.len()).sum::<usize>();
    // Details of origins are shared by clones, and may be held by nobody else.
    size_of::<Entity>() + 96 * entity.overruled.len() + 80 * origins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::span::{Origin, Span};
    use std::sync::Mutex;

    /// Tags each document as a whole, and notes which it was asked about. `bad` fails, `odd` has a warning.
    fn tagger(asked: &Mutex<Vec<String>>) -> impl Fn(&[&Document]) -> Vec<Result<Tagged>> {
        let problem = |document: &Document| Error::new(ErrorKind::Document, document.id.clone());
        move |documents| {
            let tag = |document: &&Document| {
                asked.lock().unwrap().push(document.id.clone());
                if document.text == "bad" {
                    return Err(problem(document));
                }
                let entity = Entity {
                    span: Span::new(0, document.text.len()),
                    label: "X".into(),
                    score: 0.5,
                    origins: vec![Origin::new(&"s".into(), document.text.as_str())],
                    overruled: Vec::new(),
                };
                let warnings =
                    if document.text == "odd" { vec![problem(document)] } else { vec![] };
                Ok(Tagged { entities: vec![entity], warnings })
            };
            documents.iter().map(tag).collect()
        }
    }

    fn shown(results: &[Result<Tagged>]) -> Vec<String> {
        let show = |result: &Result<Tagged>| match result {
            Ok(tagged) => format!("{:?}", tagged),
            Err(error) => error.to_string(),
        };
        results.iter().map(show).collect()
    }

    #[test]
    fn each_text_is_tagged_once_and_problems_name_their_document() {
        let asked = Mutex::new(Vec::new());
        let tag = tagger(&asked);
        let document = |(id, text): (usize, &str)| Document::new(id.to_string(), text);
        let mut batches: Vec<Vec<Document>> =
            [&["a", "b", "a", "bad", "bad", "odd", "odd"][..], &["b", "c", "odd", "a"], &[]]
                .iter()
                .map(|texts| texts.iter().copied().enumerate().map(document).collect())
                .collect();
        batches[1].push(Document::from_words("tokens", ["a"]));
        let remembered = Remembered::default();
        let mut questions = Vec::new();
        for batch in &batches {
            let with = remembered.tag(batch, &tag);
            questions.push(std::mem::take(&mut *asked.lock().unwrap()).join(" "));
            let without = tag(&batch.iter().collect::<Vec<_>>());
            asked.lock().unwrap().clear();
            assert_eq!(shown(&with), shown(&without));
        }
        assert_eq!(questions, ["0 1 3 5 4 6", "1 2 tokens", ""]);
        assert_eq!(remembered.usage(), CacheUse { asked: 12, known: 3 });
    }
}
