//! The recipe: what a user may write about a training run, read from TOML with the place of everything
//! that is wrong. Nothing is opened or built here.

mod check;
mod corpus;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::TomlFile;
use crate::source::model::Precision;
use crate::span::TagScheme;

pub use corpus::{CorpusRecipe, OneOrMore};

/// A training run, as written.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The file.
    pub file: TomlFile,
    /// Begins every random stream.
    pub seed: u64,
    /// The folder that the paths of corpora are relative to, itself relative to the recipe.
    pub data_folder: Option<PathBuf>,
    /// What is learnt from.
    pub train: Vec<CorpusRecipe>,
    /// What the model is judged by while it learns.
    pub dev: Vec<CorpusRecipe>,
    /// What is not learnt from: sentences of the training data that stand here too are left out.
    pub exclude: Vec<CorpusRecipe>,
    /// The model to begin with, and what becomes of it.
    pub model: ModelRecipe,
    /// How gradients move the weights.
    pub optimiser: OptimiserRecipe,
    /// The low-rank adapter that is trained in place of the model's own weights, where one is.
    pub lora: Option<LoraRecipe>,
    /// Copies of sentences that are changed, where there are to be some.
    pub augment: Option<AugmentRecipe>,
    /// How sentences are chosen for an expert to label, where that is asked.
    pub active: ActiveRecipe,
    /// How long, and how the rate changes.
    pub schedule: ScheduleRecipe,
    /// What makes a step.
    pub batch: BatchRecipe,
    /// What is made small.
    pub loss: LossRecipe,
    /// When and by what the model is judged.
    pub evaluation: EvaluationRecipe,
    /// How often the state of the run is kept.
    pub checkpoint: CheckpointRecipe,
    /// Where the model goes.
    pub output: OutputRecipe,
}

/// `[model]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelRecipe {
    /// The folder to begin with.
    pub start: PathBuf,
    /// The system to train, by its name (see [`crate::source::model::SYSTEMS`]); that of the start folder
    /// where it is not given.
    #[serde(default)]
    pub system: Option<String>,
    /// What a system reads besides.
    #[serde(default)]
    pub options: toml::Table,
    /// The head, as `spanloom.head` of a `config.json` says it, where it is not that of the start folder.
    #[serde(default)]
    pub head: serde_json::Map<String, serde_json::Value>,
    /// How the tags mark entities.
    #[serde(default, deserialize_with = "corpus::parsed")]
    pub scheme: TagScheme,
    /// The labels, in the order of their tags; those of the training data, sorted, where it is empty.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Where the last layer comes from.
    #[serde(default)]
    pub last_layer: LastLayer,
    /// The longest sequence in sub-words, special tokens included; the model's limit where it is not given.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// Every rate of dropout, where it is not to be that of `config.json`.
    #[serde(default)]
    pub dropout: Option<f64>,
    /// Whether every sub-word of a word is taught its tag, not only the first.
    #[serde(default)]
    pub label_all: bool,
    /// What matrix products are computed in, forward and backward; the weights and the optimiser keep 32 bits.
    #[serde(default)]
    pub precision: Precision,
}

/// Where the last layer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LastLayer {
    /// The start folder's where it has the same tags, else a new one.
    #[default]
    Auto,
    /// A new one.
    New,
    /// The start folder's, or an error.
    Keep,
}

/// An optimiser, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserName {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[default]
    Adamw,
    /// Adam (Kingma and Ba 2015); weight decay is added to the gradient.
    Adam,
    /// Stochastic gradient descent, with momentum where it is given.
    Sgd,
}

/// `[optimiser]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OptimiserRecipe {
    /// Which one.
    pub name: OptimiserName,
    /// The highest rate of learning.
    pub rate: f64,
    /// The rate of the last layer, where it has its own.
    pub head_rate: Option<f64>,
    /// Adam: how slowly the first and second moments change.
    pub betas: (f64, f64),
    /// Adam: what is added to the root of the second moment.
    pub epsilon: f64,
    /// SGD: how much of the last step goes on.
    pub momentum: f64,
    /// SGD: Nesterov's form of momentum.
    pub nesterov: bool,
    /// How much weights shrink.
    pub weight_decay: f64,
    /// Weights whose names hold one of these do not shrink.
    pub no_decay: Vec<String>,
    /// By this much a layer's rate is less than that of the layer above it: 1 for all the same.
    pub layer_decay: f64,
    /// The embeddings and so many layers above them are not trained.
    pub freeze_layers: usize,
    /// Weights whose names hold one of these are not trained.
    pub freeze: Vec<String>,
    /// The gradients' norm is cut to this; 0 for never.
    pub clip: f64,
    /// The share that an average of the weights keeps of itself after a step, where the model is to be
    /// that average (see [`super::average`]).
    pub average: Option<f64>,
}

impl Default for OptimiserRecipe {
    fn default() -> Self {
        Self {
            name: OptimiserName::default(),
            rate: 5e-5,
            head_rate: None,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.01,
            no_decay: vec!["bias".to_owned(), "LayerNorm".to_owned()],
            layer_decay: 1.0,
            freeze_layers: 0,
            freeze: Vec::new(),
            clip: 1.0,
            average: None,
        }
    }
}

/// `[lora]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LoraRecipe {
    /// The rank of what is added to a weight.
    pub rank: usize,
    /// What is added is multiplied by this over the rank.
    pub alpha: f64,
    /// The linear layers that get an adapter, by the ends of their names.
    pub targets: Vec<String>,
    /// Whether the adapters are added to the weights that they change, and a whole model is saved; where it is not
    /// given, so it is for all but token classifiers.
    pub merge: Option<bool>,
}

impl LoraRecipe {
    /// What the product of an adapter's matrices is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }
}

impl Default for LoraRecipe {
    fn default() -> Self {
        let targets = vec!["query".to_owned(), "value".to_owned()];
        Self { rank: 8, alpha: 16.0, targets, merge: None }
    }
}

/// `[augment]`: of which share of the sentences a copy is made, by what is changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AugmentRecipe {
    /// Entities become others of their label.
    pub mentions: f64,
    /// Where these come from: lists of names or compiled gazetteers, relative to the recipe. Labels that
    /// they do not have take those of the training data.
    pub gazetteers: Vec<String>,
    /// The text becomes lower case.
    pub lower_case: f64,
    /// The text becomes upper case.
    pub upper_case: f64,
    /// A word gets an error of typing.
    pub typing_errors: f64,
    /// An entity becomes a hashtag.
    pub hashtags: f64,
}

/// `[active]`: what `--active` does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ActiveRecipe {
    /// How often the expert is asked.
    pub rounds: usize,
    /// How many sentences each time.
    pub sentences: usize,
    /// How many sentences, drawn by lot, are labelled before the first round.
    pub begin_with: usize,
    /// How sentences are chosen.
    pub select: Select,
    /// An engine file, relative to the recipe: what it finds stands for what no expert has labelled yet.
    pub machine: Option<PathBuf>,
}

impl Default for ActiveRecipe {
    fn default() -> Self {
        let select = Select::default();
        Self { rounds: 5, sentences: 100, begin_with: 100, select, machine: None }
    }
}

/// How sentences are chosen for an expert (Settles 2009, "Active Learning Literature Survey").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// Those whose words have the highest entropy on average.
    #[default]
    Entropy,
    /// Those that hold the word of which the model is least sure.
    LeastConfidence,
    /// Those in which the model and the machine's labels differ most.
    Disagreement,
    /// By lot.
    Random,
}

impl Select {
    /// Whether it goes by how likely each word is of each label.
    pub fn needs_evidence(self) -> bool {
        matches!(self, Self::Entropy | Self::LeastConfidence)
    }
}

/// How the rate changes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Not at all.
    Constant,
    /// In a straight line to 0.
    #[default]
    Linear,
    /// Along half a cosine to 0.
    Cosine,
    /// It becomes smaller where nothing is gained on dev, as flair's trainer has it.
    Plateau,
}

/// `[schedule]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ScheduleRecipe {
    /// How the rate changes after the warm-up.
    pub shape: Shape,
    /// The share of all steps in which the rate grows from 0.
    pub warm_up: f64,
    /// The number of such steps; goes before the share.
    pub warm_up_steps: Option<u64>,
    /// How often the data is gone through.
    pub epochs: u64,
    /// The number of steps; goes before the epochs.
    pub steps: Option<u64>,
    /// `plateau`: what the rate is multiplied with.
    pub plateau_factor: f64,
    /// `plateau`: after more evaluations than this without gain.
    pub plateau_patience: u64,
    /// `plateau`: the run ends where the rate is less than this.
    pub least_rate: f64,
}

impl Default for ScheduleRecipe {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            warm_up: 0.1,
            warm_up_steps: None,
            epochs: 3,
            steps: None,
            plateau_factor: 0.5,
            plateau_patience: 3,
            least_rate: 1e-4,
        }
    }
}

/// `[batch]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BatchRecipe {
    /// How many sentences make a batch.
    pub sentences: usize,
    /// How many sub-words, padding included, make a batch at most; goes before the sentences.
    pub tokens: Option<usize>,
    /// How many batches make a step.
    pub accumulate: usize,
    /// Whether sentences of about the same length go together, so that little is padded.
    pub group_by_length: bool,
}

impl Default for BatchRecipe {
    fn default() -> Self {
        Self { sentences: 32, tokens: None, accumulate: 1, group_by_length: true }
    }
}

/// `[loss]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LossRecipe {
    /// How much of the target is spread over all tags.
    pub label_smoothing: f64,
    /// How much a word counts whose tag is of a label; `O` stands for outside. 1 where it is not given.
    pub class_weights: BTreeMap<String, f64>,
    /// The exponent of the focal loss (Lin et al. 2017); 0 for cross entropy.
    pub focal: f64,
}

/// What decides which weights are best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// F1 of all entities together.
    #[default]
    MicroF1,
    /// The mean of the labels' F1.
    MacroF1,
}

/// `[evaluation]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct EvaluationRecipe {
    /// After so many steps each; after each epoch where it is not given.
    pub every_steps: Option<u64>,
    /// What decides which weights are best.
    pub metric: Metric,
    /// After so many evaluations without gain the run ends.
    pub patience: Option<u64>,
}

/// `[checkpoint]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CheckpointRecipe {
    /// After so many steps each, besides after each evaluation.
    pub every_steps: u64,
    /// How many of the last ones are kept.
    pub keep: usize,
}

impl Default for CheckpointRecipe {
    fn default() -> Self {
        Self { every_steps: 1000, keep: 1 }
    }
}

/// `[output]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutputRecipe {
    /// The folder of the model; what belongs to the run is in `training` inside it.
    pub folder: PathBuf,
    /// How numbers are stored.
    #[serde(default)]
    pub numbers: Numbers,
}

/// How the numbers of a saved model are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits.
    F16,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// Everything that is wrong in it, each with its place.
    pub fn parse(file: &TomlFile) -> Result<Self> {
        check::parse(file)
    }

    /// The folder that the paths in it are relative to: its own.
    pub fn base(&self) -> PathBuf {
        std::path::Path::new(&*self.file.name).parent().unwrap_or("".as_ref()).to_owned()
    }

    /// The folder that the paths of corpora are relative to.
    pub fn data_base(&self) -> PathBuf {
        let folder = self.data_folder.as_deref();
        folder.map_or_else(|| self.base(), |folder| self.base().join(folder))
    }

    /// What `[model.options]` says, for the system that knows it.
    ///
    /// # Errors
    /// Where a key is unknown or has no fitting value.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T> {
        let mut root = self.file.parse()?;
        let written = match root.take_table("model")? {
            Some(mut model) => model.take("options")?,
            None => None,
        };
        let nothing = |e: toml::de::Error| self.wrong("model.options", e.message());
        written.map_or_else(|| toml::Table::new().try_into().map_err(nothing), Ok)
    }

    /// An error about the value at `path`, such as `model.label-all`, or about the table that would hold it.
    pub fn wrong(&self, path: &str, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message).at(self.place(path))
    }

    /// Where the value at `path` stands, or the table that would hold it.
    pub fn place(&self, path: &str) -> Location {
        let file = Location::file(&*self.file.name);
        let Ok(mut section) = self.file.parse() else { return file };
        let (tables, key) = path.rsplit_once('.').unwrap_or(("", path));
        for table in tables.split('.').filter(|table| !table.is_empty()) {
            match section.take_table(table) {
                Ok(Some(inner)) => section = inner,
                _ => return section.location(),
            }
        }
        section.location_of(key)
    }

    /// Looks whether a CRF can be trained as it says.
    ///
    /// # Errors
    /// Where the loss is to be changed in a way that a likelihood cannot be.
    pub fn check_for_crf(&self) -> Result<()> {
        let loss = &self.loss;
        let has_weights = !loss.class_weights.is_empty();
        if loss.label_smoothing > 0.0 || loss.focal > 0.0 || has_weights {
            let keys = [
                ("loss.label-smoothing", loss.label_smoothing > 0.0),
                ("loss.focal", loss.focal > 0.0),
                ("loss.class-weights", has_weights),
            ];
            let asked = keys.iter().find(|(_, is_asked)| *is_asked);
            return Err(self.wrong(
                asked.map_or("loss", |(key, _)| key),
                "a CRF is trained by its likelihood: it knows no 'label-smoothing', 'focal' or 'class-weights'",
            ));
        }
        Ok(())
    }

    /// The text of the recipe.
    pub fn text(&self) -> &Arc<str> {
        &self.file.text
    }
}
