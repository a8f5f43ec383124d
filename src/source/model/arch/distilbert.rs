//! DistilBERT (Sanh et al. 2019, arXiv:1910.01108), as `transformers`' `DistilBertModel` computes it:
//! BERT without token types, under other names.

use super::activation::Activation;
use super::bert::Bert;
use super::block::{Block, Names, Shape};
use super::embeddings::{Embeddings, Sizes};
use super::keys::Keys;
use super::layers::LayerNorm;
use super::{Architecture, prefix_in};
use crate::source::model::weights::Weights;

const PREFIX: &str = "distilbert.";

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "distilbert",
    doc: "DistilBERT (Sanh et al. 2019): BERT with half the layers.",
    prefix: PREFIX,
    token_classifier: "DistilBertForTokenClassification",
    load: |config, weights| Ok(Box::new(load(&Keys::parse(config)?, weights)?)),
};

const NAMES: Names = Names {
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    attended: "attention.out_lin",
    attended_norm: "sa_layer_norm",
    widen: "ffn.lin1",
    narrow: "ffn.lin2",
    output_norm: "output_layer_norm",
};

/// No key says it.
const EPSILON: f64 = 1e-12;

fn load(keys: &Keys, weights: &Weights) -> crate::Result<Bert> {
    keys.check_encoder()?;
    let dropout = keys.rate("dropout", 0.1)?;
    let shape = Shape {
        hidden: keys.size("dim", 768)?,
        heads: keys.size("n_heads", 12)?,
        inner: keys.size("hidden_dim", 3072)?,
        activation: keys.activation("activation", Activation::Gelu)?,
        epsilon: EPSILON,
        dropout,
        attention_dropout: keys.rate("attention_dropout", 0.1)?,
    };
    keys.head_width(("dim", shape.hidden), ("n_heads", shape.heads))?;
    let sizes = Sizes {
        width: shape.hidden,
        words: keys.size("vocab_size", 30522)?,
        positions: keys.size("max_position_embeddings", 512)?,
        types: 0,
    };
    let prefix = prefix_in(weights, PREFIX, "embeddings.word_embeddings.weight");
    let name = format!("{prefix}embeddings");
    let layers = keys.size("n_layers", 6)?;
    let bert = Bert {
        embeddings: Embeddings::load(weights, &name, &sizes)?,
        norm: LayerNorm::load(weights, &format!("{name}.LayerNorm"), shape.hidden, EPSILON)?,
        blocks: (0..layers)
            .map(|i| {
                let name = format!("{prefix}transformer.layer.{i}");
                Block::load(weights, &name, &NAMES, &shape)
            })
            .collect::<crate::Result<_>>()?,
        project: None,
        on_device: None,
        positions: sizes.positions,
        padding: None,
        head_dropout: shape.dropout,
        shape,
    };
    bert.laid_out(weights)
}
