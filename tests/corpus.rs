//! The optional data folder: real corpora that are not part of the repository. Tests that need one
//! skip with a message where it is absent.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use spanloom::Document;
use spanloom::io;

/// A file of the data folder (`SPANLOOM_DATA`, default `../shared/data`), or `None` with a message.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn data_file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SPANLOOM_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no {} (set SPANLOOM_DATA)", path.display());
    None
}

/// The sentences of a CoNLL file of the data folder, given tokens and all.
pub(crate) fn sentences(name: &str) -> Option<Vec<Document>> {
    let path = data_file(name)?;
    let inputs = io::Inputs::expand(&[path], io::format("conll").ok());
    let stream = io::DocumentStream::new(inputs.files, io::ReadOptions::default());
    Some(
        stream
            .map(|document| document.expect("the corpus is well formed"))
            .filter(|document| document.tokens.as_ref().is_some_and(|t| !t.is_empty()))
            .collect(),
    )
}

/// The raw text of a sentence: its `# text = ` comment, else its tokens joined by spaces.
pub(crate) fn raw_text(document: &Document) -> &str {
    let comment = document.comments.iter().find_map(|c| c.strip_prefix("# text = "));
    comment.unwrap_or(&document.text)
}

/// The first 16 hex digits of the SHA-256 of a text.
pub(crate) fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
