//! The `config.json` that `span_marker` writes: SpanMarker's own keys around the configuration of its
//! encoder.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::source::model::folder_options::{in_order, parse_config};

/// The label of a span that is no entity.
pub const OUTSIDE: &str = "O";

/// The longest sequence where neither `config.json` nor the tokenizer says one.
const LONGEST: usize = 512;

/// What a `config.json` of SpanMarker says.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanMarkerConfig {
    /// The labels by id, [`OUTSIDE`] among them, without the letters of a tag scheme.
    pub labels: Vec<String>,
    /// The `config.json` of the encoder.
    pub encoder: String,
    /// Its `model_type`.
    pub model_type: String,
    /// The rate of dropout before the classifier, in training.
    pub dropout: f64,
    /// How many words an entity has at most.
    pub entity_max_length: usize,
    /// Half of how many markers stand beside a text of the greatest length.
    pub marker_max_length: usize,
    /// The longest text in sub-words, special tokens included and markers not.
    pub model_max_length: usize,
    /// Which sentences are read with a sentence; `None` where the model was trained on sentences alone.
    pub neighbours: Option<Neighbours>,
}

/// How many sentences before and after a sentence are read with it; as many as fit where it is not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// How many before it.
    pub before: Option<usize>,
    /// How many after it.
    pub after: Option<usize>,
}

/// The keys as they are written.
#[derive(Deserialize)]
struct Written {
    encoder: Map<String, Value>,
    #[serde(default)]
    id2label: Option<BTreeMap<String, String>>,
    #[serde(default)]
    id2reduced_id: Option<Value>,
    #[serde(default)]
    entity_max_length: Option<usize>,
    #[serde(default)]
    marker_max_length: Option<usize>,
    #[serde(default)]
    model_max_length: Option<usize>,
    #[serde(default)]
    max_prev_context: Option<usize>,
    #[serde(default)]
    max_next_context: Option<usize>,
    #[serde(default)]
    trained_with_document_context: bool,
}

/// The keys of the encoder's part.
#[derive(Deserialize)]
struct Encoder {
    model_type: String,
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    #[serde(default)]
    hidden_dropout_prob: Option<f64>,
}

impl SpanMarkerConfig {
    /// Reads the text of a `config.json`; `place` names it.
    ///
    /// # Errors
    /// Where it is damaged, a key has no fitting value, or no label is [`OUTSIDE`].
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let written: Written = parse_config(text, place)?;
        let wrong =
            |message: String| Error::new(ErrorKind::Model, message).at(Location::file(place));
        let encoder: Encoder = serde_json::from_value(Value::Object(written.encoder.clone()))
            .map_err(|e| wrong(format!("encoder: {e}")))?;
        let size = |key: &str, value: Option<usize>, default: usize| match value {
            Some(0) => Err(wrong(format!("{key} is 0, expected at least 1"))),
            value => Ok(value.unwrap_or(default)),
        };
        let dropout = encoder.hidden_dropout_prob.unwrap_or(0.1);
        if !(0.0..=1.0).contains(&dropout) {
            return Err(wrong(format!("hidden_dropout_prob is {dropout}, expected 0 to 1")));
        }
        let labels = labels(&written, &encoder).map_err(|e| e.at(Location::file(place)))?;
        Ok(Self {
            labels,
            encoder: Value::Object(written.encoder).to_string(),
            model_type: encoder.model_type,
            dropout,
            entity_max_length: size("entity_max_length", written.entity_max_length, 8)?,
            marker_max_length: size("marker_max_length", written.marker_max_length, 128)?,
            model_max_length: size("model_max_length", written.model_max_length, LONGEST)?,
            neighbours: written.trained_with_document_context.then_some(Neighbours {
                before: written.max_prev_context,
                after: written.max_next_context,
            }),
        })
    }
}

/// The labels by id. The library writes them beside `encoder` where it took them out of a tag scheme; else
/// they are those of the encoder.
fn labels(written: &Written, encoder: &Encoder) -> Result<Vec<String>> {
    let is_default = |names: &BTreeMap<String, String>| {
        names.len() == 2
            && (0..2).all(|id| names.get(&id.to_string()) == Some(&format!("LABEL_{id}")))
    };
    let own = written.id2label.as_ref().filter(|names| !names.is_empty() && !is_default(names));
    let names = in_order(own.unwrap_or(&encoder.id2label))?;
    if !names.iter().any(|name| name == OUTSIDE) {
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let message = format!("no label '{OUTSIDE}' in id2label, only {known}");
        return Err(Error::new(ErrorKind::Model, message));
    }
    let tags = in_order(&encoder.id2label)?;
    if written.id2reduced_id.is_some() || tags.is_empty() || !tags.iter().all(|tag| is_tag(tag)) {
        return Ok(names);
    }
    let reduced: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.get(2..)).collect();
    Ok([OUTSIDE].into_iter().chain(reduced).map(str::to_owned).collect())
}

/// Whether a name is a tag of a scheme: `O`, or a letter, a hyphen and a label.
fn is_tag(name: &str) -> bool {
    let letter = || name.chars().next().is_some_and(|c| "BIELSU".contains(c));
    name == OUTSIDE || (name.len() > 2 && letter() && name.get(1..2) == Some("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(own: &str, labels: &[&str]) -> Result<SpanMarkerConfig> {
        let id2label: Vec<String> =
            labels.iter().enumerate().map(|(id, label)| format!("\"{id}\": \"{label}\"")).collect();
        let encoder =
            format!("{{\"model_type\": \"bert\", \"id2label\": {{{}}}}}", id2label.join(","));
        SpanMarkerConfig::parse(&format!("{{{own} \"encoder\": {encoder}}}"), "config.json")
    }

    #[test]
    fn labels_are_taken_out_of_a_scheme() {
        let config = parse("", &["B-PER", "I-PER", "O", "U-LOC"]).unwrap();
        assert_eq!(config.labels, ["O", "LOC", "PER"]);
        assert_eq!(parse("", &["PER", "O", "I-x"]).unwrap().labels, ["PER", "O", "I-x"]);
        let own = r#""id2label": {"0": "O", "1": "B-LOC"}, "id2reduced_id": {},"#;
        assert_eq!(parse(own, &["O", "B-B-LOC"]).unwrap().labels, ["O", "B-LOC"]);
        let default = r#""id2label": {"0": "LABEL_0", "1": "LABEL_1"},"#;
        assert_eq!(parse(default, &["O", "PER"]).unwrap().labels, ["O", "PER"]);
    }

    #[test]
    fn what_is_not_said_has_the_defaults_of_the_library() {
        let config = parse("", &["O", "PER"]).unwrap();
        let lengths = (config.entity_max_length, config.marker_max_length, config.model_max_length);
        assert_eq!(lengths, (8, 128, 512));
        assert_eq!(config.neighbours, None);
        let own = r#""trained_with_document_context": true, "max_prev_context": 2,"#;
        let neighbours = parse(own, &["O", "PER"]).unwrap().neighbours;
        assert_eq!(neighbours, Some(Neighbours { before: Some(2), after: None }));
    }

    #[test]
    fn errors_name_what_is_wrong_and_where() {
        for (own, labels, expected) in [
            (r#""entity_max_length": 0,"#, &["O", "A"][..], "entity_max_length is 0"),
            (r#""marker_max_length": -1,"#, &["O", "A"], "not a model configuration"),
            ("", &["A", "B"], "no label 'O' in id2label, only A, B"),
            ("", &[], "only none"),
        ] {
            let error = parse(own, labels).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.location().unwrap().file, "config.json");
        }
        let error = SpanMarkerConfig::parse(r#"{"encoder": {}}"#, "config.json").unwrap_err();
        assert!(error.to_string().contains("encoder: missing field `model_type`"), "{error}");
        assert!(SpanMarkerConfig::parse(r#"{"model_type": "span-marker"}"#, "c").is_err());
    }
}
