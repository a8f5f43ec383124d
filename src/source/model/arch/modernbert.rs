//! ModernBERT (Warner et al. 2024, arXiv:2412.13663), as `transformers`' `ModernBertModel` computes it:
//! norms before each part, rotary positions, local attention in most layers, gated linear units.

use candle_core::{D, Device, Result, Tensor};

use super::activation::Activation;
use super::attention::Attention;
use super::embeddings::look_up;
use super::kernel::rotary::speeds;
use super::keys::Keys;
use super::layers::{LayerNorm, Linear};
use super::{
    Architecture, Encoder, HeadTransform, Mode, Precision, differentiable, packed, prefix_in,
};
use crate::source::model::batch::{Batch, MASKED};
use crate::source::model::device::device_failed;
use crate::source::model::weights::Weights;

const PREFIX: &str = "model.";

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "modernbert",
    doc: "ModernBERT (Warner et al. 2024): long sequences by rotary positions and local attention.",
    prefix: PREFIX,
    token_classifier: "ModernBertForTokenClassification",
    load: |config, weights| Ok(Box::new(ModernBert::load(&Keys::parse(config)?, weights)?)),
};

/// The keys of `config.json` that change the computation.
pub(super) struct Config {
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    activation: Activation,
    epsilon: f64,
    norm_has_bias: bool,
    attention_has_bias: bool,
    inner_has_bias: bool,
    /// Whether each layer attends to all positions; empty where `global_every` says.
    is_global: Vec<bool>,
    /// Every which layer attends to all positions, from the first on.
    global_every: usize,
    pub(super) global_theta: f64,
    pub(super) local_theta: f64,
    /// How far a layer of local attention sees, to each side.
    pub(super) reach: usize,
    positions: usize,
    embedding_dropout: f64,
    attention_dropout: f64,
    inner_dropout: f64,
    head_dropout: f64,
    head_transform: HeadTransform,
}

pub(super) struct ModernBert {
    pub(super) config: Config,
    pub(super) words: Tensor,
    pub(super) norm: LayerNorm,
    pub(super) layers: Vec<Layer>,
    pub(super) final_norm: LayerNorm,
}

pub(super) struct Layer {
    /// Absent in the first layer.
    pub(super) attention_norm: Option<LayerNorm>,
    /// Queries, keys and values, one after another.
    pub(super) attention: Linear,
    pub(super) attended: Linear,
    pub(super) inner_norm: LayerNorm,
    /// What goes through the activation, and what that is multiplied with.
    pub(super) widen: Linear,
    pub(super) narrow: Linear,
    pub(super) is_global: bool,
}

impl Config {
    fn read(keys: &Keys) -> crate::Result<Self> {
        keys.check_encoder()?;
        keys.only("rope_scaling", &[])?;
        let epsilon = keys.number("norm_eps", 1e-5)?;
        let norm_has_bias = keys.flag("norm_bias", false)?;
        // Since its version 5 `transformers` writes one table of two kinds of layers.
        let rotary = keys.table("rope_parameters")?;
        let theta = |kind: &str, key: &str, default: f64| {
            let table = rotary.table(kind)?;
            table.only("rope_type", &["default".into()])?;
            table.number("rope_theta", keys.number(key, default)?)
        };
        let config = Self {
            hidden: keys.size("hidden_size", 768)?,
            heads: keys.size("num_attention_heads", 12)?,
            inner: keys.size("intermediate_size", 1152)?,
            activation: keys.activation("hidden_activation", Activation::Gelu)?,
            epsilon,
            norm_has_bias,
            attention_has_bias: keys.flag("attention_bias", false)?,
            inner_has_bias: keys.flag("mlp_bias", false)?,
            is_global: global_layers(keys)?,
            global_every: keys.size("global_attn_every_n_layers", 3)?,
            global_theta: theta("full_attention", "global_rope_theta", 160_000.0)?,
            local_theta: theta("sliding_attention", "local_rope_theta", 10_000.0)?,
            reach: keys.size("local_attention", 128)? / 2,
            positions: keys.size("max_position_embeddings", 8192)?,
            embedding_dropout: keys.rate("embedding_dropout", 0.0)?,
            attention_dropout: keys.rate("attention_dropout", 0.0)?,
            inner_dropout: keys.rate("mlp_dropout", 0.0)?,
            head_dropout: keys.rate("classifier_dropout", 0.0)?,
            head_transform: HeadTransform {
                activation: keys.activation("classifier_activation", Activation::Gelu)?,
                dense_has_bias: keys.flag("classifier_bias", false)?,
                norm_has_bias,
                epsilon,
            },
        };
        let hidden = ("hidden_size", config.hidden);
        let width = keys.head_width(hidden, ("num_attention_heads", config.heads))?;
        if !width.is_multiple_of(2) {
            let expected = "such that every head has an even width";
            return Err(keys.wrong("num_attention_heads", expected));
        }
        Ok(config)
    }

    fn norm(&self, weights: &Weights, name: &str) -> crate::Result<LayerNorm> {
        LayerNorm::load_with(weights, name, self.hidden, self.epsilon, self.norm_has_bias)
    }
}

/// Whether each layer attends to all positions, as `layer_types` lists it; empty where it is absent.
fn global_layers(keys: &Keys) -> crate::Result<Vec<bool>> {
    const KINDS: [&str; 2] = ["full_attention", "sliding_attention"];
    let count = keys.size("num_hidden_layers", 22)?;
    let kinds = keys.words("layer_types")?;
    let is_known = kinds.iter().all(|kind| KINDS.contains(&kind.as_str()));
    if !kinds.is_empty() && (kinds.len() != count || !is_known) {
        let expected = format!("{} for each of {count} layers", KINDS.join(" or "));
        return Err(keys.wrong("layer_types", &expected));
    }
    Ok(kinds.iter().map(|kind| kind == KINDS[0]).collect())
}

impl ModernBert {
    fn load(keys: &Keys, weights: &Weights) -> crate::Result<Self> {
        let config = Config::read(keys)?;
        let prefix = prefix_in(weights, PREFIX, "embeddings.tok_embeddings.weight");
        let words = [keys.size("vocab_size", 50_368)?, config.hidden];
        let layers = (0..keys.size("num_hidden_layers", 22)?).map(|number| {
            Layer::load(weights, &format!("{prefix}layers.{number}"), number, &config)
        });
        let mut model = Self {
            words: weights.tensor(&format!("{prefix}embeddings.tok_embeddings.weight"), &words)?,
            norm: config.norm(weights, &format!("{prefix}embeddings.norm"))?,
            layers: layers.collect::<crate::Result<_>>()?,
            final_norm: config.norm(weights, &format!("{prefix}final_norm"))?,
            config,
        };
        if weights.are_final() && model.is_packed() {
            let mut linears = model.layers.iter_mut().flat_map(Layer::linears);
            linears.try_for_each(Linear::lay_out).map_err(device_failed)?;
        }
        Ok(model)
    }

    /// Whether there are passes without padding for what the model does, where it does it.
    fn is_packed(&self) -> bool {
        self.config.activation == Activation::Gelu
            && differentiable::runs_here(&self.norm.weight)
            && self.layers.iter().all(|layer| layer.attention.precision.half().is_none())
    }
}

impl Encoder for ModernBert {
    fn encode(&self, batch: &Batch, mode: Mode<'_>) -> Result<Tensor> {
        match mode {
            Mode::Inference if self.is_packed() && packed::is_plain(batch) => {
                packed::modernbert::encode(self, batch)
            }
            _ => self.encode_layers(batch, mode, &mut |_| {}),
        }
    }

    fn encode_layers(
        &self,
        batch: &Batch,
        mode: Mode<'_>,
        each: &mut dyn FnMut(&Tensor),
    ) -> Result<Tensor> {
        let (_, length) = batch.ids.dims2()?;
        let device = batch.ids.device();
        let config = &self.config;
        let width = config.hidden / config.heads;
        let global = Positions {
            turn: Rotation::new(length, width, config.global_theta, device)?,
            mask: batch.mask.clone(),
        };
        let local = Positions {
            turn: Rotation::new(length, width, config.local_theta, device)?,
            mask: within_reach(length, config.reach, batch.mask.as_ref(), device)?,
        };
        let x = self.norm.forward(&look_up(&self.words, &batch.ids)?, mode)?;
        let mut x = mode.dropout(&x, config.embedding_dropout)?;
        each(&x);
        for layer in &self.layers {
            let positions = if layer.is_global { &global } else { &local };
            x = layer.forward(&x, positions, config, mode)?;
            each(&x);
        }
        self.final_norm.forward(&x, mode)
    }

    fn ends_in_norm(&self) -> bool {
        true
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden
    }

    fn max_length(&self) -> usize {
        usize::MAX
    }

    fn usual_length(&self) -> usize {
        self.config.positions
    }

    fn is_same_in_any_batch(&self) -> bool {
        self.is_packed()
    }

    fn precision(&self) -> Precision {
        self.layers.first().map_or(Precision::F32, |layer| layer.attention.computes_in())
    }

    fn head_dropout(&self) -> f64 {
        self.config.head_dropout
    }

    fn head_transform(&self) -> Option<HeadTransform> {
        Some(self.config.head_transform)
    }
}

impl Layer {
    fn load(weights: &Weights, name: &str, number: usize, config: &Config) -> crate::Result<Self> {
        let (hidden, inner) = (config.hidden, config.inner);
        let linear = |part: &str, inputs, outputs, has_bias| {
            Linear::load_with(weights, &format!("{name}.{part}"), inputs, outputs, has_bias)
        };
        let norm = |part: &str| config.norm(weights, &format!("{name}.{part}"));
        let mut narrow = linear("mlp.Wo", inner, hidden, config.inner_has_bias)?;
        // What comes from a gate has single numbers that are far larger than all others (Sun et al. 2024,
        // arXiv:2402.17762): narrow numbers on the scale of those would leave little of the others.
        if narrow.precision.narrow().is_some() {
            narrow.precision = Precision::F32;
        }
        Ok(Self {
            attention_norm: (number > 0).then(|| norm("attn_norm")).transpose()?,
            attention: linear("attn.Wqkv", hidden, 3 * hidden, config.attention_has_bias)?,
            attended: linear("attn.Wo", hidden, hidden, config.attention_has_bias)?,
            inner_norm: norm("mlp_norm")?,
            widen: linear("mlp.Wi", hidden, 2 * inner, config.inner_has_bias)?,
            narrow,
            is_global: match config.is_global.get(number) {
                Some(is_global) => *is_global,
                None => number.is_multiple_of(config.global_every),
            },
        })
    }

    /// Its linear layers.
    fn linears(&mut self) -> [&mut Linear; 4] {
        let Self { attention, attended, widen, narrow, .. } = self;
        [attention, attended, widen, narrow]
    }

    fn forward(
        &self,
        x: &Tensor,
        positions: &Positions,
        config: &Config,
        mode: Mode<'_>,
    ) -> Result<Tensor> {
        let (rows, length, hidden) = x.dims3()?;
        let width = hidden / config.heads;
        let normal = match &self.attention_norm {
            Some(norm) => norm.forward(x, mode)?,
            None => x.clone(),
        };
        let all = self.attention.forward(&normal)?;
        let all = all.reshape((rows, length, 3, config.heads, width))?;
        let part = |number| all.narrow(2, number, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let attention = Attention {
            query: positions.turn.apply(&part(0)?)?,
            key: positions.turn.apply(&part(1)?)?,
            value: part(2)?,
            precision: self.attention.precision,
        };
        let rate = config.attention_dropout;
        let context = attention.context(width, None, positions.mask.as_ref(), rate, mode)?;
        let x = (x + mode.dropout(&self.attended.forward(&context)?, rate)?)?;
        let wide = self.widen.forward(&self.inner_norm.forward(&x, mode)?)?;
        let half = |number| wide.narrow(D::Minus1, number * config.inner, config.inner);
        let gated = config.activation.forward(&half(0)?.contiguous()?, mode)?.mul(&half(1)?)?;
        let gated = mode.dropout(&gated, config.inner_dropout)?;
        x + self.narrow.forward(&gated)?
    }
}

/// What a layer knows of positions.
struct Positions {
    turn: Rotation,
    /// Added to the scores: broadcasts to `(rows, heads, length, length)`.
    mask: Option<Tensor>,
}

/// Rotary positions (see [`speeds`]).
struct Rotation {
    /// Both of shape `(length, width)`.
    cosine: Tensor,
    sine: Tensor,
}

impl Rotation {
    fn new(length: usize, width: usize, theta: f64, device: &Device) -> Result<Self> {
        let speeds: Vec<f32> = speeds(width, theta).chain(speeds(width, theta)).collect();
        let positions: Vec<f32> = (0..length).map(|position| position as f32).collect();
        let positions = Tensor::from_vec(positions, (length, 1), device)?;
        let angles = positions.broadcast_mul(&Tensor::from_vec(speeds, (1, width), device)?)?;
        Ok(Self { cosine: angles.cos()?, sine: angles.sin()? })
    }

    /// Turns `x` of shape `(rows, heads, length, width)`.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let half = x.dim(D::Minus1)? / 2;
        let (first, second) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
        let crossed = Tensor::cat(&[&second.neg()?, &first], D::Minus1)?;
        x.broadcast_mul(&self.cosine)? + crossed.broadcast_mul(&self.sine)?
    }
}

/// `mask`, and nothing further away than `reach`; `None` where nothing is masked.
fn within_reach(
    length: usize,
    reach: usize,
    mask: Option<&Tensor>,
    device: &Device,
) -> Result<Option<Tensor>> {
    if length <= reach + 1 {
        return Ok(mask.cloned());
    }
    let pairs = (0..length).flat_map(|i| (0..length).map(move |j| (i, j)));
    let far = pairs.map(|(i, j)| if i.abs_diff(j) <= reach { 0.0 } else { MASKED });
    let window = Tensor::from_vec(far.collect::<Vec<f32>>(), (1, 1, length, length), device)?;
    // The minimum and not the sum: two masks together would be infinite.
    mask.map_or(Ok(window.clone()), |mask| window.broadcast_minimum(mask)).map(Some)
}
