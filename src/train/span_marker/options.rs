//! What a recipe may say of SpanMarker, in `[model.options]`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::train::recipe::Recipe;

/// `[model.options]`; what is not given is as the start folder has it, else as the library has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpanMarkerOptions {
    /// How many words an entity has at most.
    pub entity_max_length: Option<usize>,
    /// Half of how many markers stand beside a text of the greatest length.
    pub marker_max_length: Option<usize>,
    /// Whether a sentence is read with its neighbours in the document.
    pub document_context: Option<bool>,
    /// How many sentences before it; as many as fit where it is not given.
    pub max_prev_context: Option<usize>,
    /// How many sentences after it.
    pub max_next_context: Option<usize>,
}

impl SpanMarkerOptions {
    /// Reads what a recipe says.
    ///
    /// # Errors
    /// Where a key is unknown or has no fitting value, or the recipe asks for what SpanMarker has not.
    pub fn read(recipe: &Recipe) -> Result<Self> {
        if recipe.model.label_all {
            let message =
                "'label-all' teaches every sub-word, but SpanMarker has a label for each span";
            return Err(recipe.wrong("model.label-all", message));
        }
        if !recipe.model.head.is_empty() {
            let message = "'head' is of token classifiers, and SpanMarker has its own";
            return Err(recipe.wrong("model.head", message));
        }
        recipe.options()
    }

    /// Changes a `config.json` as it says.
    pub(super) fn apply(&self, config: &mut Map<String, Value>) {
        let said = [
            ("entity_max_length", self.entity_max_length.map(Value::from)),
            ("marker_max_length", self.marker_max_length.map(Value::from)),
            ("max_prev_context", self.max_prev_context.map(Value::from)),
            ("max_next_context", self.max_next_context.map(Value::from)),
            ("trained_with_document_context", self.document_context.map(Value::from)),
        ];
        let defaults = [json!(8), json!(128), Value::Null, Value::Null, json!(false)];
        for ((key, said), default) in said.into_iter().zip(defaults) {
            match said {
                Some(value) => config.insert(key.to_owned(), value),
                None if !config.contains_key(key) => config.insert(key.to_owned(), default),
                None => None,
            };
        }
    }
}
