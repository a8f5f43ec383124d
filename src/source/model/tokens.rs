//! Words become sub-words: the model's own tokenizer, asked in two ways. Given or segmented words
//! keep their edges; running text can also be cut the way `transformers`' pipeline cuts it.

use std::borrow::Cow;

use tokenizers::Tokenizer;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::text::Span;

/// A stretch of words that a model reads together, with their sub-words.
#[derive(Debug, Default, Clone)]
pub struct Unit {
    /// The words, in bytes of the document.
    pub words: Vec<Span>,
    /// The sub-words of all words, without special tokens.
    pieces: Vec<u32>,
    /// Where each word's sub-words begin in `pieces`.
    starts: Vec<usize>,
}

impl Unit {
    /// The sub-words of word `word`; at least one.
    pub fn pieces(&self, word: usize) -> &[u32] {
        let end = self.starts.get(word + 1).copied().unwrap_or(self.pieces.len());
        &self.pieces[self.starts[word]..end]
    }

    fn push(&mut self, word: Span, piece: u32) {
        self.starts.push(self.pieces.len());
        self.words.push(word);
        self.pieces.push(piece);
    }
}

/// A model's tokenizer.
pub struct SubWords {
    tokenizer: Tokenizer,
    /// Special tokens before and after every sequence.
    pub before: Vec<u32>,
    /// Special tokens after every sequence.
    pub after: Vec<u32>,
    /// What padding is made of.
    pub pad: u32,
    unknown: Option<u32>,
    /// Whether sub-words that continue a word are marked (`##ing`).
    marks_continuation: bool,
}

impl SubWords {
    /// A tokenizer from the bytes of `tokenizer.json`; `place` names the file.
    ///
    /// Truncation and padding that the file asks for are switched off: nothing is ever dropped.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn load(bytes: &[u8], place: &str) -> Result<Self> {
        let damaged = |e: String| {
            Error::new(ErrorKind::Model, format!("damaged tokenizer: {e}"))
                .at(Location::file(place))
        };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| damaged(e.to_string()))?;
        tokenizer.with_truncation(None).map_err(|e| damaged(e.to_string()))?;
        tokenizer.with_padding(None);
        let special = |text: &str, special: bool| {
            tokenizer
                .encode(text, special)
                .map(|e| e.get_ids().to_vec())
                .map_err(|e| damaged(e.to_string()))
        };
        let (plain, wrapped) = (special("a", false)?, special("a", true)?);
        let at = wrapped.windows(plain.len().max(1)).position(|w| w == plain).unwrap_or(0);
        let (before, rest) = wrapped.split_at(at);
        let after = rest.get(plain.len()..).unwrap_or(&[]).to_vec();
        let model = serde_json::from_slice::<Declared>(bytes).unwrap_or_default().model;
        Ok(Self {
            before: before.to_vec(),
            after,
            pad: tokenizer.token_to_id("[PAD]").unwrap_or(0),
            unknown: model.unk_token.as_deref().and_then(|t| tokenizer.token_to_id(t)),
            marks_continuation: model.continuing_subword_prefix.is_some(),
            tokenizer,
        })
    }

    /// The sub-words of given words. A word that the tokenizer makes nothing of (a control
    /// character) is one unknown sub-word.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of_words(&self, text: &str, words: Vec<Span>) -> Result<Unit> {
        let slices: Vec<&str> = words.iter().map(|w| w.slice(text).unwrap_or("")).collect();
        let encoding = self.tokenizer.encode(slices, false).map_err(|e| failed(&e))?;
        let (ids, owners) = (encoding.get_ids(), encoding.get_word_ids());
        let mut unit = Unit::default();
        let mut next = 0;
        for (number, word) in words.into_iter().enumerate() {
            let first = next;
            while next < ids.len() && owners[next] == Some(number as u32) {
                next += 1;
            }
            unit.push(
                word,
                ids.get(first).copied().filter(|_| next > first).unwrap_or_else(|| self.unknown()),
            );
            unit.pieces.extend(ids.get(first + 1..next).unwrap_or(&[]));
        }
        Ok(unit)
    }

    /// The sub-words of the stretch `span` of running text, cut into words as `transformers`'
    /// token-classification pipeline cuts them (`aggregation_strategy="first"`): where the
    /// vocabulary marks continuations, a sub-word continues the word before it if it is not as long,
    /// in code points, as the text it stands for; else the tokenizer's own word numbers decide.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of_text(&self, text: &str, span: Span) -> Result<Unit> {
        let stretch = span.slice(text).unwrap_or("");
        let encoding = self.tokenizer.encode(stretch, false).map_err(|e| failed(&e))?;
        let mut unit = Unit::default();
        let mut owner = None;
        for i in 0..encoding.len() {
            let (start, end) = encoding.get_offsets()[i];
            let place = Span::new(span.start + start, span.start + end);
            let id = encoding.get_ids()[i];
            let continues = if self.marks_continuation {
                let written = place.slice(text).unwrap_or("").chars().count();
                Some(id) != self.unknown && encoding.get_tokens()[i].chars().count() != written
            } else {
                encoding.get_word_ids()[i] == owner
            };
            owner = encoding.get_word_ids()[i];
            match unit.words.last_mut().filter(|_| continues || place.is_empty()) {
                Some(word) => {
                    word.end = word.end.max(place.end);
                    unit.pieces.push(id);
                }
                None if place.is_empty() => {}
                None => {
                    // Two sub-words of one character: the second cannot begin a word of its own.
                    let taken = unit.words.last().map_or(0, |w| w.end);
                    if place.start < taken {
                        unit.pieces.push(id);
                    } else {
                        unit.push(place, id);
                    }
                }
            }
        }
        Ok(unit)
    }

    fn unknown(&self) -> u32 {
        self.unknown.unwrap_or(self.pad)
    }
}

/// The keys of `tokenizer.json` that the crate does not hand out.
#[derive(serde::Deserialize, Default)]
struct Declared {
    model: DeclaredModel,
}

#[derive(serde::Deserialize, Default)]
struct DeclaredModel {
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<Cow<'static, str>>,
}

fn failed(error: &tokenizers::Error) -> Error {
    Error::new(ErrorKind::Model, format!("the tokenizer failed: {error}"))
}
