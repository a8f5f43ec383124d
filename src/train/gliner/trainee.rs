//! The GLiNER model that is trained: what the run begins with, asked for the labels of the run, its weights as variables,
//! and the same weights as a source that judges it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, Var};
use serde_json::{Map, Value};

use super::beginning::Beginning;
use super::drawn::DrawnLabels;
use super::examples::{PromptedExample, examples};
use super::loss::PairLoss;
use super::options::{Options, model_config};
use crate::error::{Location, Result};
use crate::resource::Files;
use crate::source::Source;
use crate::source::model::batch::Batch;
use crate::source::model::gliner::{FILE, Gliner, Network, SpanMode};
use crate::source::model::weights::Weights;
use crate::source::model::{Dropout, Mode};
use crate::train::data::{Corpus, Examples, Excluded};
use crate::train::lora;
use crate::train::recipe::{LoraRecipe, Numbers, Recipe};
use crate::train::save;
use crate::train::trainee::{Trainee, check_variables};

/// A GLiNER model in training.
pub struct GlinerTrainee {
    /// The same weights, as a source.
    pub model: Gliner,
    network: Network,
    loss: PairLoss,
    /// How labels are drawn; `None` where all texts are asked for all labels.
    drawn: Option<DrawnLabels>,
    variables: BTreeMap<String, Var>,
    weights: Weights,
    start: PathBuf,
    /// How its adapters are made, where such are trained.
    lora: Option<LoraRecipe>,
    /// What `gliner_config.json` says.
    config: Map<String, Value>,
    /// The `tokenizer.json` of a new model, which knows more sub-words than that of the start folder.
    tokenizer: Option<Vec<u8>>,
}

impl Trainee for GlinerTrainee {
    type Example = PromptedExample;

    fn new(recipe: &Recipe, start: &Path, labels: &[String], device: &Device) -> Result<Self> {
        let options = Options::read(recipe)?;
        let lora = lora::merging(recipe, "a GLiNER model")?.cloned();
        let files = Files::Folder(PathBuf::new());
        let begun = Beginning::read(recipe, &options, (&files, start), device)?;
        let Beginning { config, folder, weights, is_new, new_words } = begun;
        let (tensors, place) = weights.into_parts();
        let known: Vec<String> = tensors.keys().cloned().collect();
        let settings = &folder.settings;
        let prefix = Network::encoder_prefix(settings)?;
        let weights = lora::trainable(
            recipe,
            Weights::new(tensors, place),
            // What stands before labels and text has no embedding yet that means anything.
            |name| {
                lora.is_none() || !name.starts_with(prefix) || new_words.as_deref() == Some(name)
            },
            device,
        );
        let weights = weights.map_err(|e| e.at(Location::file(&settings.place)))?;
        let network = Network::load(settings, &weights)?;
        let variables = weights.variables();
        check_variables(recipe, &known, &variables)?;
        let detached = weights.detached();
        let asked = model_config(recipe, &start.to_string_lossy(), labels)?;
        let model = Gliner::of_folder("model".into(), asked, &folder, || Ok(detached), device)?;
        let has_widths = settings.span_mode != SpanMode::TokenLevel;
        let loss = PairLoss::new(&recipe.loss, &options, has_widths);
        Ok(Self {
            drawn: DrawnLabels::new(&options, has_widths),
            tokenizer: is_new.then(|| folder.tokenizer.to_vec()),
            model,
            network,
            loss,
            variables,
            weights,
            start: start.to_path_buf(),
            lora,
            config,
        })
    }

    fn examples(
        &mut self,
        corpus: &Corpus,
        excluded: &Excluded,
    ) -> Result<Examples<PromptedExample>> {
        examples(corpus, &self.model, excluded, self.drawn.is_some())
    }

    /// Every example counts alike, as where the library sums: a loss is the sum over the pairs of a text, by
    /// the number of texts.
    fn weight(&self, _: &PromptedExample) -> f64 {
        1.0
    }

    fn loss(
        &self,
        examples: &[&PromptedExample],
        divisor: f64,
        dropout: &Dropout,
    ) -> candle_core::Result<Tensor> {
        let drawn: Vec<PromptedExample>;
        let drawn: Vec<&PromptedExample> = match &self.drawn {
            Some(labels) => {
                drawn = labels.draw(examples, &self.model, dropout);
                drawn.iter().collect()
            }
            None => examples.to_vec(),
        };
        let examples = &drawn[..];
        let ids: Vec<Vec<u32>> = examples.iter().map(|example| example.ids.clone()).collect();
        let words: Vec<Vec<u32>> = examples.iter().map(|example| example.words.clone()).collect();
        let labels: Vec<Vec<u32>> = examples.iter().map(|example| example.labels.clone()).collect();
        let batch = Batch::new(&ids, self.model.pad(), self.model.device())?;
        let logits = self.network.logits(&batch, &words, &labels, Mode::Training(dropout))?;
        self.loss.sum(&logits, examples, divisor, dropout)
    }

    fn variables(&self) -> &BTreeMap<String, Var> {
        &self.variables
    }

    fn weights(&self) -> BTreeMap<String, Tensor> {
        self.weights.taken()
    }

    fn source(&self) -> &dyn Source {
        &self.model
    }

    fn describe(&self) -> String {
        let settings = self.model.settings();
        let labels: Vec<&str> = self.model.asked().iter().map(|label| label.as_str()).collect();
        let new = if self.tokenizer.is_some() { "new " } else { "" };
        format!(
            "a {new}GLiNER model (`{}` over `{}`), trained on the labels {}",
            settings.span_mode.name(),
            settings.model_type,
            labels.join(", ")
        )
    }

    fn save(
        &self,
        folder: &Path,
        weights: &BTreeMap<String, Tensor>,
        numbers: Numbers,
    ) -> Result<()> {
        let settings = self.model.settings();
        let weights = lora::merged(self.lora.as_ref(), weights)?;
        let named = weights
            .into_iter()
            .map(|(name, tensor)| Ok((Network::name_in_folder(settings, &name)?, tensor)));
        let named: BTreeMap<String, Tensor> = named.collect::<Result<_>>()?;
        save::folder(folder, &self.start, (FILE, &self.config), &named, numbers)?;
        self.tokenizer.as_ref().map_or(Ok(()), |tokenizer| save::tokenizer(folder, tokenizer))
    }
}
