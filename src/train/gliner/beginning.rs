//! What a run begins with: the folder of a GLiNER, or that of an encoder of which one is made as the library makes it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Map, Value, json};

use super::options::Options;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::model::ModelFolder;
use crate::source::model::arch;
use crate::source::model::folder_options::parse_config;
use crate::source::model::gliner::{FILE, GlinerFolder, Network, Settings, SpanMode};
use crate::source::model::head::{NewWeight, Start};
use crate::source::model::tokens::SubWords;
use crate::source::model::weights::Weights;
use crate::train::encoder;
use crate::train::recipe::Recipe;
use crate::train::trainee::{check_no_adapter, device_failed, set_dropout};

/// What a new model knows besides the sub-words of the encoder: a word that the library adds and does not use, what
/// stands before each label, and what stands between labels and text.
const SPECIALS: [&str; 3] = ["[FLERT]", "<<ENT>>", "<<SEP>>"];

/// A model before the first step.
pub(super) struct Beginning {
    /// Its `gliner_config.json`.
    pub(super) config: Map<String, Value>,
    /// The folder that it would be, without weights.
    pub(super) folder: GlinerFolder,
    /// Its weights (see [`Network::named`]).
    pub(super) weights: Weights,
    /// Whether it was made of an encoder, and its tokenizer is not that of the start folder.
    pub(super) is_new: bool,
    /// The embeddings that have rows for sub-words which the start folder has not.
    pub(super) new_words: Option<String>,
}

impl Beginning {
    /// Reads the folder `start` and makes it what the recipe says.
    ///
    /// # Errors
    /// Where the folder is missing or damaged, holds neither a GLiNER nor an encoder, or does not fit the recipe.
    pub(super) fn read(
        recipe: &Recipe,
        options: &Options,
        (files, start): (&Files, &Path),
        device: &Device,
    ) -> Result<Self> {
        let start = start.to_string_lossy();
        match files.exists(&format!("{start}/{FILE}")) {
            true => Self::of_gliner(recipe, options, (files, &start), device),
            false => Self::of_encoder(recipe, options, (files, &start), device),
        }
    }

    fn of_gliner(
        recipe: &Recipe,
        options: &Options,
        (files, start): (&Files, &str),
        device: &Device,
    ) -> Result<Self> {
        let name = format!("{start}/{FILE}");
        let config = parse_config(&files.read_text(&name)?, &files.display(&name))?;
        let mut folder = GlinerFolder::read(files, start)?;
        options.check_shape(recipe, &folder.settings)?;
        if let Some(rate) = recipe.model.dropout {
            folder.settings.set_dropout(rate);
        }
        let weights = Network::named(&folder.settings, Weights::load(files, start, device)?)?;
        Ok(Self { config, folder, weights, is_new: false, new_words: None })
    }

    /// A new GLiNER over the encoder of a folder of `transformers`, or over that of a model that has one.
    fn of_encoder(
        recipe: &Recipe,
        options: &Options,
        (files, start): (&Files, &str),
        device: &Device,
    ) -> Result<Self> {
        let read = ModelFolder::read(files, start, device)?;
        let place = read.config_place.clone();
        let here = |e: Error| if e.location().is_some() { e } else { e.at(Location::file(&place)) };
        check_no_adapter(files, start).map_err(here)?;
        let mut inner =
            encoder::without_stale_keys(parse_config::<Map<String, Value>>(&read.config, &place)?);
        if let Some(rate) = recipe.model.dropout {
            set_dropout(&mut inner, rate);
        }
        let model_type = inner.get("model_type").and_then(Value::as_str).unwrap_or_default();
        let prefix = arch::architecture(model_type, &place)?.prefix;
        let (tensors, weights_place) = read.weights.into_parts();
        let named = encoder::weights(tensors, prefix).into_iter();
        let tensors = named.map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
        let mut tensors: BTreeMap<String, Tensor> = tensors.collect();
        let settings = read.tokenizer_config.as_ref();
        let mut sub_words = SubWords::load(&read.tokenizer, settings, &read.tokenizer_place)?;
        sub_words.add_special(&SPECIALS)?;
        let tokenizer = encoder::with_special_sub_words(&read.tokenizer, &sub_words, &SPECIALS)?;
        inner.insert("vocab_size".to_owned(), json!(sub_words.count()));
        let spread = encoder::spread(&inner);
        let config = options.config(recipe, start, inner, &sub_words);
        let settings = Settings::of_text(&Value::Object(config.clone()).to_string(), &place)?;
        let shared =
            |tensors: &BTreeMap<_, _>| Weights::new(tensors.clone(), weights_place.clone());
        let table = Network::embeddings(&settings, &shared(&tensors))?.ok_or_else(|| {
            let message = "the start folder holds no encoder: there are no embeddings of sub-words";
            Error::new(ErrorKind::Model, message).at(Location::file(&weights_place))
        })?;
        let rows = fit_embeddings(&mut tensors, table, sub_words.count()).map_err(device_failed)?;
        let new_words = rows.as_ref().map(|rows| rows.name.clone());
        encoder::add_new(&mut tensors, rows.as_slice(), (recipe, spread), device)?;
        let fresh = Network::fresh(&settings, &shared(&tensors)).map_err(here)?;
        encoder::add_new(&mut tensors, &fresh, (recipe, spread), device)?;
        let folder = GlinerFolder {
            settings,
            tokenizer: Cow::Owned(tokenizer),
            tokenizer_place: read.tokenizer_place,
            tokenizer_config: read.tokenizer_config,
        };
        let weights = Weights::new(tensors, weights_place);
        Ok(Self { config, folder, weights, is_new: true, new_words })
    }
}

/// Gives the embeddings `name` so many rows and no more, one for each sub-word, as the library does: what is too much is
/// cut, what is missing comes back.
fn fit_embeddings(
    tensors: &mut BTreeMap<String, Tensor>,
    name: String,
    needed: usize,
) -> candle_core::Result<Option<NewWeight>> {
    let table = &tensors[&name];
    let (rows, width) = table.dims2()?;
    if needed < rows {
        let kept = table.narrow(0, 0, needed)?.contiguous()?;
        tensors.insert(name, kept);
        return Ok(None);
    }
    let shape = vec![needed - rows, width];
    let missing = NewWeight { name, shape, start: Start::Normal, is_of_tags: false };
    Ok((needed > rows).then_some(missing))
}

impl Options {
    /// The `gliner_config.json` of a new model over the encoder of this `config.json`.
    fn config(
        &self,
        recipe: &Recipe,
        start: &str,
        encoder: Map<String, Value>,
        sub_words: &SubWords,
    ) -> Map<String, Value> {
        let [_, marker, separator] = SPECIALS;
        let said = [
            ("class_token_index", json!(sub_words.id(marker))),
            ("dropout", json!(recipe.model.dropout.unwrap_or(0.4))),
            ("embed_ent_token", json!(true)),
            ("encoder_config", Value::Object(encoder)),
            ("ent_token", json!(marker)),
            ("fine_tune", json!(true)),
            ("hidden_size", json!(self.hidden_size.unwrap_or(512))),
            ("max_len", json!(384)),
            ("max_width", json!(self.max_width.unwrap_or(12))),
            ("model_name", json!(start)),
            ("name", json!("gliner")),
            ("num_rnn_layers", json!(self.rnn_layers.unwrap_or(1))),
            ("sep_token", json!(separator)),
            ("span_mode", json!(self.span_mode.unwrap_or(SpanMode::MarkerV0).name())),
            ("subtoken_pooling", json!("first")),
            ("vocab_size", json!(sub_words.count())),
            ("words_splitter_type", json!("whitespace")),
        ];
        said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Looks whether a model that is there has the shape that the recipe asks for.
    fn check_shape(&self, recipe: &Recipe, settings: &Settings) -> Result<()> {
        let mode = |mode: SpanMode| json!(mode.name());
        let asked = [
            ("hidden-size", self.hidden_size.map(Value::from), json!(settings.hidden_size)),
            ("max-width", self.max_width.map(Value::from), json!(settings.max_width)),
            ("rnn-layers", self.rnn_layers.map(Value::from), json!(settings.lstm_layers)),
            ("span-mode", self.span_mode.map(mode), mode(settings.span_mode)),
        ];
        for (key, asked, has) in asked {
            if let Some(asked) = asked.filter(|asked| *asked != has) {
                let message =
                    format!("{key} is {asked}, but the GLiNER of the start folder has {has}");
                return Err(recipe.wrong(&format!("model.options.{key}"), message));
            }
        }
        Ok(())
    }
}
