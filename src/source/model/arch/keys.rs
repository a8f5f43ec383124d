//! The keys of a `config.json` as `transformers` reads them: what is absent or null has a default of
//! its architecture, and what is there and not supported is an error that names it.

use serde_json::{Map, Value};

use super::activation::Activation;
use crate::error::{Error, ErrorKind, Result};

/// No size of a model comes near this; larger ones are mistakes.
const LARGEST: u64 = 1 << 30;

/// The keys of a `config.json`.
pub(in crate::source::model) struct Keys {
    map: Map<String, Value>,
}

impl Keys {
    /// Reads the text of a `config.json`.
    pub(in crate::source::model) fn parse(config: &str) -> Result<Self> {
        serde_json::from_str(config)
            .map(|map| Self { map })
            .map_err(|e| Error::new(ErrorKind::Model, format!("not a model configuration: {e}")))
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The error that `key` has another value than those `expected`.
    pub(in crate::source::model) fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.map.get(key).unwrap_or(&Value::Null);
        let message = format!("{key} is {found}, expected {expected}");
        Error::new(ErrorKind::Model, message)
    }

    fn read<'a, T>(
        &'a self,
        key: &str,
        default: T,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T> {
        match self.value(key) {
            None => Ok(default),
            Some(value) => read(value).ok_or_else(|| self.wrong(key, expected)),
        }
    }

    /// A size: at least 1.
    pub(in crate::source::model) fn size(&self, key: &str, default: usize) -> Result<usize> {
        let expected = "a whole number of at least 1";
        self.read(key, default, expected, |v| whole(v).filter(|n| *n > 0))
    }

    /// A number of things: may be 0.
    pub(in crate::source::model) fn count(&self, key: &str, default: usize) -> Result<usize> {
        self.read(key, default, "a whole number of at least 0", whole)
    }

    /// A size that is none where it is not positive, as -1 is by custom.
    pub(in crate::source::model) fn size_if_positive(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, None, "a whole number", |v| match v.as_i64() {
            Some(number) if number < 1 => Some(None),
            _ => whole(v).map(Some),
        })
    }

    /// A number above 0.
    pub(in crate::source::model) fn number(&self, key: &str, default: f64) -> Result<f64> {
        self.read(key, default, "a number above 0", |v| v.as_f64().filter(|n| *n > 0.0))
    }

    /// A rate of dropout.
    pub(in crate::source::model) fn rate(&self, key: &str, default: f64) -> Result<f64> {
        self.read(key, default, "0 to 1", |v| v.as_f64().filter(|r| (0.0..=1.0).contains(r)))
    }

    pub(in crate::source::model) fn flag(&self, key: &str, default: bool) -> Result<bool> {
        self.read(key, default, "true or false", Value::as_bool)
    }

    /// A name or another short text.
    pub(in crate::source::model) fn text(&self, key: &str, default: &str) -> Result<String> {
        self.read(key, default.to_owned(), "a text", |v| v.as_str().map(str::to_owned))
    }

    pub(in crate::source::model) fn activation(
        &self,
        key: &str,
        default: Activation,
    ) -> Result<Activation> {
        let expected = format!("one of {}", Activation::names().join(", "));
        self.read(key, default, &expected, |v| v.as_str().and_then(Activation::named))
    }

    /// The keys of the table `key`; none where it is absent.
    pub(in crate::source::model) fn table(&self, key: &str) -> Result<Self> {
        let map = self.read(key, Map::new(), "a table", |v| v.as_object().cloned())?;
        Ok(Self { map })
    }

    /// A list of words: an array of them, or a string with `|` between them.
    pub(in crate::source::model) fn words(&self, key: &str) -> Result<Vec<String>> {
        let expected = "a list of names, or names with | between them";
        let one = |word: &str| word.trim().to_lowercase();
        self.read(key, Vec::new(), expected, |v| match v {
            Value::String(words) => Some(words.split('|').map(one).collect()),
            Value::Array(words) => words.iter().map(|w| w.as_str().map(one)).collect(),
            _ => None,
        })
    }

    /// Checks that `key` is one of `supported` or absent.
    pub(in crate::source::model) fn only(&self, key: &str, supported: &[Value]) -> Result<()> {
        match self.value(key) {
            Some(value) if !supported.contains(value) => {
                let names: Vec<String> = supported.iter().map(Value::to_string).collect();
                Err(self.wrong(key, &names.join(" or ")))
            }
            _ => Ok(()),
        }
    }

    /// The width of an attention head: `hidden`, the value of `hidden_key`, over the `heads` of
    /// `heads_key`.
    pub(in crate::source::model) fn head_width(
        &self,
        (hidden_key, hidden): (&str, usize),
        (heads_key, heads): (&str, usize),
    ) -> Result<usize> {
        if hidden.is_multiple_of(heads) {
            return Ok(hidden / heads);
        }
        let message =
            format!("{hidden_key} is {hidden}, expected a multiple of {heads_key}, {heads}");
        Err(Error::new(ErrorKind::Model, message))
    }

    /// Checks what all of BERT's relatives share and only an encoder that sees the whole sequence
    /// supports.
    pub(in crate::source::model) fn check_encoder(&self) -> Result<()> {
        self.only("is_decoder", &[Value::Bool(false)])?;
        self.only("add_cross_attention", &[Value::Bool(false)])?;
        self.only("pruned_heads", &[Value::Object(Map::new())])
    }
}

fn whole(value: &Value) -> Option<usize> {
    value.as_u64().filter(|n| *n <= LARGEST).and_then(|n| usize::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Keys {
        Keys::parse(text).unwrap()
    }

    #[test]
    fn what_is_absent_or_null_has_its_default() {
        let keys = keys(r#"{"a": null, "b": 3, "c": "P2C | c2p", "d": -1, "e": 0.25}"#);
        assert_eq!(keys.size("a", 7).unwrap(), 7);
        assert_eq!(keys.size("b", 7).unwrap(), 3);
        assert_eq!(keys.words("c").unwrap(), ["p2c", "c2p"]);
        assert_eq!(keys.size_if_positive("d").unwrap(), None);
        assert_eq!(keys.size_if_positive("b").unwrap(), Some(3));
        assert_eq!(keys.rate("e", 0.1).unwrap(), 0.25);
        assert!(keys.only("a", &["x".into()]).is_ok());
        assert_eq!(keys.table("a").unwrap().size("b", 7).unwrap(), 7);
    }

    #[test]
    fn errors_name_key_value_and_what_is_expected() {
        let keys = keys(r#"{"a": 0, "b": "elu", "c": 1.5, "d": 99999999999, "e": [1], "f": "z"}"#);
        let told = |error: Error| error.message().to_owned();
        let size = told(keys.size("a", 1).unwrap_err());
        assert_eq!(size, "a is 0, expected a whole number of at least 1");
        assert!(told(keys.activation("b", Activation::Relu).unwrap_err()).contains("\"elu\""));
        assert_eq!(told(keys.rate("c", 0.1).unwrap_err()), "c is 1.5, expected 0 to 1");
        assert!(keys.size("d", 1).is_err());
        assert!(keys.words("e").is_err());
        let only = told(keys.only("f", &["x".into(), "y".into()]).unwrap_err());
        assert_eq!(only, r#"f is "z", expected "x" or "y""#);
        let width = told(keys.head_width(("h", 10), ("n", 4)).unwrap_err());
        assert_eq!(width, "h is 10, expected a multiple of n, 4");
        assert!(Keys::parse("[1]").is_err());
    }
}
