//! What kept findings are found again by: the document, and all that the source was made of.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::VERSION;
use crate::error::Result;
use crate::resource::Files;
use crate::text::Document;

/// The first bytes of the SHA-256 of a document's text and given tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::pipeline) struct DocumentKey(pub(super) [u8; 16]);

impl DocumentKey {
    pub(in crate::pipeline) fn of(document: &Document) -> Self {
        let mut hash = Sha256::new();
        hash.update(document.text.as_bytes());
        for token in document.tokens.iter().flatten() {
            // No text holds this byte, so that the tokens cannot be taken for one.
            hash.update([0xff]);
            hash.update((token.span.start as u64).to_le_bytes());
            hash.update((token.span.end as u64).to_le_bytes());
        }
        if document.tokens.is_some() {
            hash.update([0xfe]);
        }
        Self(first(hash))
    }
}

/// The first bytes of the SHA-256 of all that a source was made of: its section of the engine file, the
/// files it read (models, tokenizers, gazetteers, rules), and this program's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct SourceKey([u8; 16]);

impl SourceKey {
    /// The key of a source that is `written` so and read `names` of `files`.
    ///
    /// # Errors
    /// Where a file cannot be read any more.
    pub(in crate::pipeline) fn of(written: &str, files: &Files, names: &[String]) -> Result<Self> {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(&VERSION.to_le_bytes());
        add(written.as_bytes());
        for name in names {
            add(name.as_bytes());
            if files.exists(name) {
                add(&files.map(name)?);
            }
        }
        Ok(Self(first(hash)))
    }

    /// The folder of the source `name` in the store at `root`.
    pub(super) fn folder(self, root: &Path, name: &str) -> std::path::PathBuf {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        root.join(format!("{plain}-{self}"))
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn first(hash: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| digest[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Span, Token};

    #[test]
    fn text_and_tokens_decide_and_ids_do_not() {
        let key = |d: &Document| DocumentKey::of(d);
        let plain = Document::new("a", "New York");
        assert_eq!(key(&plain), key(&Document::new("b", "New York")));
        assert_ne!(key(&plain), key(&Document::new("a", "New  York")));
        let words = Document::from_words("a", ["New", "York"]);
        assert_ne!(key(&plain), key(&words));
        let mut one = words.clone();
        one.tokens = Some(vec![Token { span: Span::new(0, 8), line: String::new() }]);
        assert_ne!(key(&words), key(&one));
        let none = Document { tokens: Some(vec![]), ..plain.clone() };
        assert_ne!(key(&plain), key(&none));
    }
}
