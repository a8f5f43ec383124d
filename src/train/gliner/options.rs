//! What `[model.options]` of a recipe may say of a GLiNER model.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::error::Result;
use crate::source::model::ModelConfig;
use crate::source::model::gliner::SpanMode;
use crate::train::recipe::{LastLayer, Recipe};

/// `[model.options]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Options {
    /// By label, how the model is asked for it, where not by its name.
    pub(super) prompts: BTreeMap<String, String>,
    /// How much what is there counts, and what is not there by what is left to 1; both as they are where it is
    /// not given.
    pub(super) alpha: Option<f64>,
    /// The share of what `masking` names that is learnt from, drawn anew in every step.
    pub(super) negatives: f64,
    /// What may be passed over.
    pub(super) masking: Masking,
    /// Where it is given, texts are asked for labels by lot: those that they have something of, and for each of their
    /// entities at most so many that others of the batch have.
    pub(super) negative_labels: Option<usize>,
    /// How many labels by lot there are at most; 25 where it is not given.
    pub(super) most_labels: Option<usize>,
    /// Of a new model, the width of words and labels; 512 where it is not given.
    pub(super) hidden_size: Option<usize>,
    /// Of a new model, how many words an entity has at most; 12 where it is not given.
    pub(super) max_width: Option<usize>,
    /// Of a new model, how many layers its LSTM has; 1 where it is not given, and 0 for none.
    pub(super) rnn_layers: Option<usize>,
    /// Of a new model, how it scores; spans by two layers where it is not given.
    #[serde(deserialize_with = "span_mode")]
    pub(super) span_mode: Option<SpanMode>,
}

/// A span mode by the name that `gliner_config.json` has for it.
fn span_mode<'d, D: Deserializer<'d>>(from: D) -> std::result::Result<Option<SpanMode>, D::Error> {
    let name = String::deserialize(from)?;
    let known = SpanMode::ALL.into_iter().find(|mode| mode.name() == name);
    let names = SpanMode::ALL.map(SpanMode::name).join(", ");
    let unknown =
        || D::Error::custom(format!("unknown span-mode '{name}', expected one of {names}"));
    known.ok_or_else(unknown).map(Some)
}

/// What may be passed over, so that what is not there does not outweigh what is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Masking {
    /// Nothing.
    None,
    /// Every pair of span and label that is not there.
    #[default]
    Global,
    /// The pairs of labels that a text has nothing of.
    Label,
    /// The pairs of spans that have no label.
    Span,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prompts: BTreeMap::new(),
            alpha: None,
            negatives: 1.0,
            masking: Masking::default(),
            negative_labels: None,
            most_labels: None,
            hidden_size: None,
            max_width: None,
            rnn_layers: None,
            span_mode: None,
        }
    }
}

impl Options {
    /// The options of a recipe, which must ask for nothing that a GLiNER model has not.
    ///
    /// # Errors
    /// Where it does, or a value is wrong.
    pub(super) fn read(recipe: &Recipe) -> Result<Self> {
        let options: Self = recipe.options()?;
        let unheeded = [
            (recipe.model.label_all, "model.label-all", "'label-all'"),
            (recipe.model.last_layer == LastLayer::New, "model.last-layer", "'last-layer' \"new\""),
            (!recipe.loss.class_weights.is_empty(), "loss.class-weights", "'class-weights'"),
        ];
        if let Some((_, place, what)) = unheeded.iter().find(|(is_asked, ..)| *is_asked) {
            let message = format!("a GLiNER model is trained without {what}");
            return Err(recipe.wrong(place, message));
        }
        if options.most_labels == Some(0) {
            return Err(
                recipe.wrong("model.options.most-labels", "most-labels is 0, expected 1 or more")
            );
        }
        if options.most_labels.is_some() && options.negative_labels.is_none() {
            let message = "'most-labels' is of labels by lot, and there is no 'negative-labels'";
            return Err(recipe.wrong("model.options.most-labels", message));
        }
        let shares = [("alpha", options.alpha.unwrap_or(0.0)), ("negatives", options.negatives)];
        match shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, share)) => {
                let message = format!("{name} is {share}, expected 0 to 1");
                Err(recipe.wrong(&format!("model.options.{name}"), message))
            }
            None => Ok(options),
        }
    }
}

/// How a model that the recipe trains on these labels is asked for them: the options of the folder `folder`.
///
/// # Errors
/// As [`Options::read`].
pub(in crate::train) fn model_config(
    recipe: &Recipe,
    folder: &str,
    labels: &[String],
) -> Result<ModelConfig> {
    Ok(ModelConfig {
        labels: Some(labels.to_vec()),
        prompts: Options::read(recipe)?.prompts,
        max_length: recipe.model.max_length,
        ..ModelConfig::of_folder(folder)
    })
}
