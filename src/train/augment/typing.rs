//! Errors of typing: a letter that is left out, twice there, or in the place of its neighbour.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Augmentation;
use crate::text::{Document, Edit, Span};

/// Shorter words are left as they are.
const SHORTEST: usize = 4;

pub(super) const ERRORS: Augmentation = Augmentation {
    name: "typing-errors",
    share: |recipe| recipe.typing_errors,
    apply: |document, _, random| {
        let words = document.words();
        let is_long = |word: &Span| {
            let text = word.slice(&document.text).unwrap_or_default();
            text.chars().count() >= SHORTEST && text.chars().all(char::is_alphabetic)
        };
        let words: Vec<Span> = words.into_iter().filter(is_long).collect();
        let Some(&word) = words.get(random.random_range(0..words.len().max(1))) else {
            return false;
        };
        let edit = error(document, word, random);
        document.edit(vec![edit]);
        true
    },
};

/// An error after the first letter of a word.
fn error(document: &Document, word: Span, random: &mut ChaCha8Rng) -> Edit {
    let text = word.slice(&document.text).unwrap_or_default();
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let number = random.random_range(1..letters.len() - 1);
    let [(start, one), (next, other)] = [letters[number], letters[number + 1]];
    let end = next + other.len_utf8();
    let changed = match random.random_range(0..3) {
        0 => other.to_string(),
        1 => format!("{one}{one}{other}"),
        _ if one != other => format!("{other}{one}"),
        _ => one.to_string(),
    };
    Edit { span: Span::new(word.start + start, word.start + end), text: changed }
}
