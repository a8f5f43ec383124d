//! A vector for each word of a list (flair's `WordEmbeddings`). They are not trained.

use std::sync::LazyLock;

use candle_core::{Device, Result, Tensor};
use onig::Regex;

use super::{Embeddings, Place};
use crate::source::model::arch::Mode;
use crate::source::model::flair::description::WordOptions;
use crate::source::model::flair::sentence::Sentence;
use crate::source::model::flair::vectors::Vectors;

/// What a variance is increased by before it divides, as in PyTorch's `LayerNorm`.
const EPSILON: f64 = 1e-5;

/// A decimal digit of any script.
static DIGIT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\p{Nd}").expect("a pattern that is right"));

/// Word vectors.
pub(super) struct WordEmbeddings {
    vectors: Vectors,
    stable: bool,
    device: Device,
}

impl WordEmbeddings {
    /// Opens the file of vectors.
    ///
    /// # Errors
    /// Where it is missing or damaged.
    pub(super) fn load(options: &WordOptions, place: &Place<'_>) -> crate::Result<Self> {
        let vocabulary = options.vocabulary.as_ref().map(|name| place.file(name));
        let file = place.file(&options.vectors);
        let vectors = Vectors::open(place.files, &file, vocabulary.as_deref())?;
        Ok(Self { vectors, stable: options.stable, device: place.device.clone() })
    }

    /// The vector of a word: as it is written, else in lower case, else with each digit as `#`, else as `0`;
    /// that of unknown words otherwise.
    fn vector(&self, word: &str) -> crate::Result<Vec<f32>> {
        let lower = word.to_lowercase();
        let mut vector = self.vectors.get(word)?;
        if vector.is_none() {
            vector = self.vectors.get(&lower)?;
        }
        for digit in ["#", "0"] {
            if vector.is_none() && DIGIT.find(&lower).is_some() {
                vector = self.vectors.get(&DIGIT.replace_all(&lower, digit))?;
            }
        }
        let mut vector = vector.map_or_else(|| self.vectors.unknown(), Ok)?;
        if self.stable {
            normalise(&mut vector);
        }
        Ok(vector)
    }
}

/// Gives the numbers a mean of 0 and a variance of 1 (Ba et al. 2016, without weights of its own).
fn normalise(vector: &mut [f32]) {
    let count = vector.len() as f64;
    let mean = vector.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = vector.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + EPSILON).sqrt();
    vector.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
}

impl Embeddings for WordEmbeddings {
    fn width(&self) -> usize {
        self.vectors.width()
    }

    fn embed(&self, sentences: &[Sentence<'_>], _: Mode<'_>) -> Result<Tensor> {
        let words = sentences.iter().flat_map(|sentence| &sentence.words);
        let mut numbers = Vec::new();
        let mut count = 0;
        for word in words {
            numbers.extend(self.vector(word).map_err(candle_core::Error::wrap)?);
            count += 1;
        }
        Tensor::from_vec(numbers, (count, self.width()), &self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Files;

    #[test]
    fn what_is_not_known_is_looked_for_in_other_spellings() {
        let folder = tempfile::tempdir().unwrap();
        let text = "Bern 1 1\nbern 2 2\nroad-## 3 3\nmay-0000 4 4\nmay-2020 5 5\n";
        std::fs::write(folder.path().join("v.txt"), text).unwrap();
        let options = WordOptions { vectors: "v.txt".to_owned(), vocabulary: None, stable: false };
        let files = Files::Folder(folder.path().to_owned());
        let place = Place { files: &files, folder: ".", device: &Device::Cpu };
        let mut embeddings = WordEmbeddings::load(&options, &place).unwrap();
        for (word, first) in [
            ("Bern", 1.0),
            ("BERN", 2.0),
            ("Road-66", 3.0),
            ("road-٦٦", 3.0),
            ("May-2021", 4.0),
            ("MAY-2020", 5.0),
            ("Road-²²", 0.0),
            ("Road-6", 0.0),
        ] {
            assert_eq!(embeddings.vector(word).unwrap(), [first, first], "{word}");
        }
        embeddings.stable = true;
        assert_eq!(embeddings.vector("Bern").unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn normalised_numbers_have_a_variance_of_one() {
        let mut vector = [3.0, 5.0, 7.0, 9.0];
        normalise(&mut vector);
        assert!((vector[0] + 1.341_639).abs() < 1e-5, "{vector:?}");
        assert!((vector.iter().sum::<f32>()).abs() < 1e-6);
    }
}
