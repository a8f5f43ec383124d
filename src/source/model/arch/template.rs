//! A bag of words: the embedding of each sub-word, whatever stands beside it.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{Architecture, Encoder, Mode};
use crate::error::{Error, ErrorKind};
use crate::source::model::batch::Batch;
use crate::source::model::weights::Weights;

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "bag-of-words",
    doc: "Embeddings alone (a baseline without a paper).",
    prefix: "",
    token_classifier: "BagOfWordsForTokenClassification",
    load: |config, weights| Ok(Box::new(BagOfWords::load(config, weights)?)),
};

/// The keys of `config.json` that change the computation.
#[derive(Debug, Clone, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
}

struct BagOfWords {
    config: Config,
    words: Tensor,
}

impl BagOfWords {
    fn load(config: &str, weights: &Weights) -> crate::Result<Self> {
        let config: Config = serde_json::from_str(config)
            .map_err(|e| Error::new(ErrorKind::Model, format!("not a model configuration: {e}")))?;
        let words =
            weights.tensor("embeddings.weight", &[config.vocab_size, config.hidden_size])?;
        Ok(Self { config, words })
    }
}

impl Encoder for BagOfWords {
    /// Both modes are the same here: looking up an embedding is differentiable.
    fn encode_layers(
        &self,
        batch: &Batch,
        _: Mode<'_>,
        each: &mut dyn FnMut(&Tensor),
    ) -> Result<Tensor> {
        let (rows, length) = batch.ids.dims2()?;
        let words = self.words.index_select(&batch.ids.flatten_all()?, 0)?;
        let words = words.reshape((rows, length, self.config.hidden_size))?;
        each(&words);
        Ok(words)
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden_size
    }

    fn max_length(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Files;
    use candle_core::Device;

    #[test]
    fn a_sub_word_becomes_its_embedding() {
        let folder = tempfile::tempdir().unwrap();
        let words = Tensor::new(&[[0f32, 1.0], [2.0, 3.0]], &Device::Cpu).unwrap();
        let tensors = std::collections::HashMap::from([("embeddings.weight", words)]);
        candle_core::safetensors::save(&tensors, folder.path().join("model.safetensors")).unwrap();
        let files = Files::Folder(folder.path().to_owned());
        let weights = Weights::load(&files, ".", &Device::Cpu).unwrap();
        let encoder =
            (ARCHITECTURE.load)(r#"{"vocab_size": 2, "hidden_size": 2}"#, &weights).unwrap();
        let batch = Batch::new(&[vec![1, 0]], 0, &Device::Cpu).unwrap();
        let hidden = encoder.encode(&batch, Mode::Inference).unwrap();
        assert_eq!(hidden.to_vec3::<f32>().unwrap(), [[[2.0, 3.0], [0.0, 1.0]]]);
        assert_eq!(hidden.dims()[2], encoder.hidden_size());
        assert!((ARCHITECTURE.load)("{}", &weights).is_err());
    }
}
