//! What `gliner_config.json` says of a model, with the defaults of the library; a model of another kind than
//! those that are computed here is an error that names the key.

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;
use crate::source::model::arch::Keys;
use crate::source::model::folder_options::parse_config;

/// The file of a folder that says that it is GLiNER's.
pub const FILE: &str = "gliner_config.json";

/// Kinds of models that the library tells by a key, and the values at which a model is none of them.
const OTHER_KINDS: &[(&str, &[&str])] = &[
    ("labels_encoder", &[]),
    ("labels_decoder", &[]),
    ("relations_layer", &[]),
    ("span_encoder_config", &[]),
    ("post_fusion_schema", &["\"\""]),
    ("fuse_layers", &["false"]),
    ("represent_spans", &["false"]),
    ("precomputed_prompts_mode", &["false"]),
    ("subtoken_pooling", &["\"first\""]),
    ("model_type", &["\"gliner\"", "\"gliner_uni_encoder_span\"", "\"gliner_uni_encoder_token\""]),
];

/// How a model scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanMode {
    /// Spans, from their first and last word, by one linear layer.
    Marker,
    /// The same by two layers.
    MarkerV0,
    /// Words: how likely each begins, ends or is inside an entity.
    TokenLevel,
}

impl SpanMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Marker, Self::MarkerV0, Self::TokenLevel];

    /// What `span_mode` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Marker => "marker",
            Self::MarkerV0 => "markerV0",
            Self::TokenLevel => "token_level",
        }
    }
}

/// What `gliner_config.json` says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the model scores.
    pub span_mode: SpanMode,
    /// The width of a word's representation.
    pub hidden_size: usize,
    /// The longest span in words, of those that score spans.
    pub max_width: usize,
    /// The longest text in words.
    pub max_words: usize,
    /// The rate of dropout, in training.
    pub dropout: f64,
    /// How many layers the LSTM over the words has; 0 where there is none.
    pub lstm_layers: usize,
    /// Whether a label is represented by the marker before it, or by its own first sub-word.
    pub reads_marker: bool,
    /// What stands before each label.
    pub marker: String,
    /// What stands between the labels and the text.
    pub separator: String,
    /// The id of the marker, where it is said.
    pub marker_id: Option<usize>,
    /// What cuts running text into words.
    pub words_splitter: String,
    /// The `config.json` of the encoder.
    pub encoder: Map<String, Value>,
    /// Its `model_type`.
    pub model_type: String,
    /// The name of the file, for errors.
    pub place: String,
}

impl Settings {
    /// Reads the file of the model folder `folder`.
    ///
    /// # Errors
    /// Where it is damaged, or of a kind of model that is not supported.
    pub fn read(files: &Files, folder: &str) -> Result<Self> {
        let name = format!("{folder}/{FILE}");
        let (text, place) = (files.read_text(&name)?, files.display(&name));
        let map: Map<String, Value> = parse_config(&text, &place)?;
        let encoder = match map.get("encoder_config") {
            Some(Value::Object(encoder)) => encoder.clone(),
            _ => beside(files, folder, &map, &place)?,
        };
        Self::of_keys(&text, encoder, &place).map_err(|e| e.at(Location::file(&place)))
    }

    /// What a file of this text says, which has the encoder's configuration in it; `place` is what to call it.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn of_text(text: &str, place: &str) -> Result<Self> {
        let map: Map<String, Value> = parse_config(text, place)?;
        let encoder = map.get("encoder_config").and_then(Value::as_object).cloned();
        Self::of_keys(text, encoder.unwrap_or_default(), place)
            .map_err(|e| e.at(Location::file(place)))
    }

    /// Makes every rate of dropout this one, that of the encoder too.
    pub fn set_dropout(&mut self, rate: f64) {
        self.dropout = rate;
        let rates = self.encoder.iter_mut().filter(|(key, _)| key.contains("dropout"));
        rates.for_each(|(_, value)| *value = json!(rate));
    }

    fn of_keys(text: &str, mut encoder: Map<String, Value>, place: &str) -> Result<Self> {
        let keys = Keys::parse(text)?;
        for (key, values) in OTHER_KINDS {
            let values: Vec<Value> =
                values.iter().filter_map(|value| serde_json::from_str(value).ok()).collect();
            keys.only(key, if values.is_empty() { &[Value::Null] } else { &values })?;
        }
        let known = SpanMode::ALL;
        keys.only("span_mode", &known.map(|mode| mode.name().into()))?;
        let span_mode = keys.text("span_mode", SpanMode::MarkerV0.name())?;
        let span_mode = known.into_iter().find(|mode| mode.name() == span_mode);
        let kind = encoder.entry("model_type").or_insert_with(|| json!("deberta-v2"));
        let model_type = kind.as_str().unwrap_or_default().to_owned();
        let hidden_size = keys.size("hidden_size", 512)?;
        let lstm_layers = keys.count("num_rnn_layers", 1)?;
        if lstm_layers > 0 && !hidden_size.is_multiple_of(2) {
            return Err(keys.wrong("hidden_size", "an even number, for an LSTM in two directions"));
        }
        Ok(Self {
            span_mode: span_mode.expect("it is one of the known"),
            hidden_size,
            max_width: keys.size("max_width", 12)?,
            max_words: keys.size("max_len", 384)?,
            dropout: keys.rate("dropout", 0.4)?,
            lstm_layers,
            reads_marker: keys.flag("embed_ent_token", true)?,
            marker: keys.text("ent_token", "<<ENT>>")?,
            separator: keys.text("sep_token", "<<SEP>>")?,
            marker_id: keys.size_if_positive("class_token_index")?,
            words_splitter: keys.text("words_splitter_type", "whitespace")?,
            encoder,
            model_type,
            place: place.to_owned(),
        })
    }
}

/// The configuration of the encoder from the `config.json` beside `gliner_config.json`, which older folders
/// leave to another folder.
fn beside(
    files: &Files,
    folder: &str,
    map: &Map<String, Value>,
    place: &str,
) -> Result<Map<String, Value>> {
    let name = format!("{folder}/config.json");
    if files.exists(&name) {
        let config: Map<String, Value> =
            parse_config(&files.read_text(&name)?, &files.display(&name))?;
        if config.contains_key("model_type") {
            return Ok(config);
        }
    }
    let model = map.get("model_name").and_then(Value::as_str).unwrap_or("another model");
    let message = format!("no encoder_config: the folder leaves the encoder to '{model}'");
    let help = "save it again with the library gliner, which then writes encoder and tokenizer into the \
                folder: GLiNER.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)";
    Err(Error::new(ErrorKind::Model, message).with_help(help).at(Location::file(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Settings::read(&Files::Folder(folder.path().to_owned()), ".")
    }

    #[test]
    fn what_is_absent_has_the_defaults_of_the_library() {
        let settings = read(r#"{"encoder_config": {}, "has_rnn": true}"#).unwrap();
        assert_eq!(settings.span_mode, SpanMode::MarkerV0);
        assert_eq!((settings.hidden_size, settings.max_width, settings.max_words), (512, 12, 384));
        assert_eq!((settings.lstm_layers, settings.marker_id), (1, None));
        assert_eq!((settings.marker.as_str(), settings.separator.as_str()), ("<<ENT>>", "<<SEP>>"));
        assert_eq!(settings.model_type, "deberta-v2");
        assert_eq!(settings.encoder["model_type"], "deberta-v2");
    }

    #[test]
    fn other_kinds_of_models_are_told_by_their_key() {
        let cases = [
            (r#""labels_encoder": "x""#, r#"labels_encoder is "x", expected null"#),
            (r#""span_mode": "conv_max""#, r#"expected "marker" or "markerV0" or "token_level""#),
            (r#""subtoken_pooling": "mean""#, r#"subtoken_pooling is "mean", expected "first""#),
            (r#""fuse_layers": true"#, "fuse_layers is true, expected false"),
            (r#""model_type": "gliner_streaming_span""#, "gliner_streaming_span"),
            (r#""hidden_size": 7"#, "hidden_size is 7, expected an even number"),
            (r#""max_width": 0"#, "max_width is 0"),
        ];
        for (key, expected) in cases {
            let error = read(&format!("{{\"encoder_config\": {{}}, {key}}}")).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.location().unwrap().file.rsplit('/').next(), Some(FILE));
        }
        let error = read(r#"{"model_name": "microsoft/deberta-v3-small"}"#).unwrap_err();
        assert!(error.message().contains("'microsoft/deberta-v3-small'"), "{error}");
        assert!(error.help_text().unwrap().contains("save_pretrained"));
        assert_eq!(read("{\n[").unwrap_err().location().unwrap().line, 2);
    }
}
