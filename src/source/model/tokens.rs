//! Words become sub-words: the model's own tokenizer, asked in two ways. Given or segmented words
//! keep their edges; running text can also be cut the way `transformers`' pipeline cuts it.

use std::borrow::Cow;
use std::ops::Range;

use tokenizers::{AddedToken, Encoding, Tokenizer};

use super::known_words::KnownWords;
use super::tokenizer_config::TokenizerConfig;
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
    /// Where the sub-word that labels each word stands in `pieces`.
    firsts: Vec<usize>,
}

impl AsRef<[Span]> for Unit {
    fn as_ref(&self) -> &[Span] {
        &self.words
    }
}

impl Unit {
    /// The sub-words of word `word`; at least one.
    pub fn pieces(&self, word: usize) -> &[u32] {
        let end = self.starts.get(word + 1).copied().unwrap_or(self.pieces.len());
        &self.pieces[self.starts[word]..end]
    }

    /// Which of the sub-words of word `word` labels it: the first, but for those that stand for nothing
    /// in the text and came before it.
    pub fn first(&self, word: usize) -> usize {
        self.firsts[word] - self.starts[word]
    }

    /// Adds a word of these sub-words, at least one, that number `first` of them labels.
    fn push(&mut self, word: Span, pieces: &[u32], first: usize) {
        self.starts.push(self.pieces.len());
        self.firsts.push(self.pieces.len() + first);
        self.words.push(word);
        self.pieces.extend_from_slice(pieces);
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
    /// Whether given words are handed over with a space before them.
    spaces_words: bool,
    /// The sub-words of given words that were cut before.
    known_words: KnownWords,
}

impl SubWords {
    /// A tokenizer from the bytes of `tokenizer.json` and, where the folder has one, what stands in
    /// `tokenizer_config.json`; `place` names the first.
    ///
    /// Truncation and padding that the file asks for are switched off: nothing is ever dropped.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn load(bytes: &[u8], config: Option<&TokenizerConfig>, place: &str) -> Result<Self> {
        Self::adapted(bytes, config, place, |_| ())
    }

    /// [`SubWords::load`], where `adapt` changes the tokenizer before anything is asked of it.
    ///
    /// # Errors
    /// As [`SubWords::load`].
    pub fn adapted(
        bytes: &[u8],
        config: Option<&TokenizerConfig>,
        place: &str,
        adapt: impl FnOnce(&mut Tokenizer),
    ) -> Result<Self> {
        let damaged = |e: String| {
            Error::new(ErrorKind::Model, format!("damaged tokenizer: {e}"))
                .at(Location::file(place))
        };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| damaged(e.to_string()))?;
        tokenizer.with_truncation(None).map_err(|e| damaged(e.to_string()))?;
        tokenizer.with_padding(None);
        if let Some(config) = config {
            config.apply(&mut tokenizer).map_err(|e| damaged(e.to_string()))?;
        }
        adapt(&mut tokenizer);
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
        let id = |token: &str| tokenizer.token_to_id(token);
        let declared = model.unk_token.as_deref().and_then(id).or(model.unk_id);
        let configured = || config.and_then(TokenizerConfig::unknown).and_then(id);
        Ok(Self {
            before: before.to_vec(),
            after,
            pad: ["[PAD]", "<pad>"].into_iter().find_map(id).unwrap_or(0),
            unknown: declared.or_else(configured),
            marks_continuation: model.continuing_subword_prefix.is_some_and(|p| !p.is_empty()),
            spaces_words: config.is_some_and(|config| config.spaces_words(&tokenizer)),
            known_words: KnownWords::default(),
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
        let (ids, places) = self.encode_words(&slices)?;
        let mut unit = Unit::default();
        for (word, pieces) in words.into_iter().zip(places) {
            match &ids[pieces] {
                [] => unit.push(word, &[self.unknown()], 0),
                pieces => unit.push(word, pieces, 0),
            }
        }
        Ok(unit)
    }

    /// The sub-words of given words, cut as `transformers` cuts them (`is_split_into_words`), one after another,
    /// and where among them those of each word are: nowhere, where the tokenizer makes nothing of it.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn encode_words(&self, words: &[&str]) -> Result<(Vec<u32>, Vec<Range<usize>>)> {
        let space = if self.spaces_words { " " } else { "" };
        // The tokenizer cuts given words each for itself.
        self.known_words.pieces(words, |word, pieces| {
            let word = vec![format!("{space}{word}")];
            let encoding = self.tokenizer.encode(word, false).map_err(|e| failed(&e))?;
            pieces.extend_from_slice(encoding.get_ids());
            Ok(())
        })
    }

    /// The sub-words of the stretch `span` of running text, cut into words as `transformers`'
    /// token-classification pipeline cuts them (`aggregation_strategy="first"`): where the
    /// vocabulary marks continuations, a sub-word continues the word before it if it is not as long,
    /// in code points, as the text it stands for; else if no white space stands before it. An unknown
    /// sub-word continues none.
    ///
    /// Other than there, two sub-words of one character are in one word; any white space ends a word,
    /// not only a space; and a sub-word that stands for white space alone (`▁`) is no word, but labels
    /// the one that it belongs to.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn of_text(&self, text: &str, span: Span) -> Result<Unit> {
        let stretch = span.slice(text).unwrap_or("");
        let encoding = self.encode_text(stretch)?;
        let mut unit = Unit::default();
        // The sub-words since the last one that stands for something, and whose they are.
        let mut waiting: Vec<u32> = Vec::new();
        let mut owner = None;
        let mut waiting_from = 0;
        for (i, &id) in encoding.get_ids().iter().enumerate() {
            let (start, end) = encoding.get_offsets()[i];
            let place = trimmed(stretch, Span::new(start, end));
            let here = encoding.get_word_ids()[i];
            if here != owner {
                (owner, waiting_from) = (here, waiting.len());
            }
            waiting.push(id);
            if place.is_empty() {
                continue;
            }
            let is_inside = Some(id) != self.unknown
                && if self.marks_continuation {
                    let written = place.slice(stretch).unwrap_or("").chars().count();
                    encoding.get_tokens()[i].chars().count() != written
                } else {
                    let before = stretch.get(..place.start).and_then(|s| s.chars().next_back());
                    before.is_some_and(|c| !c.is_whitespace())
                };
            let place = Span::new(span.start + place.start, span.start + place.end);
            match unit.words.last_mut() {
                // The second sub-word of a character cannot begin a word of its own.
                Some(word) if is_inside || place.start < word.end => {
                    word.end = word.end.max(place.end);
                    unit.pieces.append(&mut waiting);
                }
                _ => {
                    unit.push(place, &waiting, waiting_from);
                    waiting.clear();
                }
            }
            waiting_from = 0;
        }
        if !unit.words.is_empty() {
            unit.pieces.append(&mut waiting);
        }
        Ok(unit)
    }

    /// What the tokenizer makes of running text, without special tokens; its offsets are bytes.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub(super) fn encode_text(&self, text: &str) -> Result<Encoding> {
        self.tokenizer.encode(text, false).map_err(|e| failed(&e))
    }

    /// How many sub-words there are, special and added ones included.
    pub(crate) fn count(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The id of the sub-word `token`.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// Takes those of these special tokens into the vocabulary that are not in it, in their order, each with
    /// the next free id.
    pub(crate) fn add_special(&mut self, tokens: &[&str]) -> Result<()> {
        let tokens = tokens.iter().map(|token| AddedToken::from((*token).to_owned(), true));
        self.known_words = KnownWords::default();
        self.tokenizer.add_special_tokens(tokens).map(|_| ()).map_err(|e| failed(&e))
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
    unk_id: Option<u32>,
    #[serde(default)]
    continuing_subword_prefix: Option<Cow<'static, str>>,
}

/// `span` without white space at its edges.
fn trimmed(text: &str, span: Span) -> Span {
    let slice = span.slice(text).unwrap_or("");
    let start = span.start + slice.len() - slice.trim_start().len();
    Span::new(start.min(span.end), (span.start + slice.trim_end().len()).max(start.min(span.end)))
}

fn failed(error: &tokenizers::Error) -> Error {
    Error::new(ErrorKind::Model, format!("the tokenizer failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Files;
    use crate::source::model::vocabulary::tokenizer_json;
    use crate::text::segment;

    /// All words of a text at once, as `transformers` hands them over.
    fn at_once(sub_words: &SubWords, words: &[&str]) -> (Vec<u32>, Vec<Range<usize>>) {
        let space = if sub_words.spaces_words { " " } else { "" };
        let spaced: Vec<String> = words.iter().map(|word| format!("{space}{word}")).collect();
        let encoding = sub_words.tokenizer.encode(spaced, false).unwrap();
        let owners = encoding.get_word_ids();
        let owned = |number: usize| owners.iter().filter(move |o| **o == Some(number as u32));
        let before = |number: usize| (0..number).map(|n| owned(n).count()).sum();
        let places = (0..words.len()).map(|n| before(n)..before(n + 1)).collect();
        (encoding.get_ids().to_vec(), places)
    }

    #[test]
    fn words_cut_each_for_itself_and_remembered_are_as_words_cut_at_once() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/architectures");
        let files = Files::Folder(data.into());
        let texts: Vec<String> =
            serde_json::from_str(&files.read_text("texts.json").unwrap()).unwrap();
        for folder in ["bert", "roberta", "xlm-roberta", "camembert", "deberta-v3", "modernbert"] {
            let (bytes, place) = tokenizer_json(&files, folder).unwrap();
            let config = TokenizerConfig::of_folder(&files, folder).unwrap();
            let sub_words = SubWords::load(&bytes, config.as_ref(), &place).unwrap();
            let mut compared = 0;
            for text in texts.iter().chain(&texts) {
                let words = segment::words(text);
                let mut words: Vec<&str> = words.iter().map(|w| w.slice(text).unwrap()).collect();
                words.extend(["[SEP]", "</s>", "\u{ad}", " a", ""]);
                let cut = sub_words.encode_words(&words).unwrap();
                assert_eq!(cut, at_once(&sub_words, &words), "{folder}: {text}");
                compared += words.len();
            }
            assert!(compared > 1000, "{compared}");
        }
    }
}
