//! What a `tokenizer_config.json` changes of its `tokenizer.json`: `transformers` lets the settings of
//! its class win over what the file says, and a model was trained with what `transformers` made of both.

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::processors::PostProcessorWrapper;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;

/// The keys of a `tokenizer_config.json` that change how a text is cut.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct TokenizerConfig {
    #[serde(default)]
    tokenizer_class: Option<String>,
    #[serde(default)]
    add_prefix_space: Option<bool>,
    #[serde(default)]
    do_lower_case: Option<bool>,
    #[serde(default)]
    strip_accents: Option<bool>,
    #[serde(default)]
    tokenize_chinese_chars: Option<bool>,
    #[serde(default)]
    unk_token: Option<Value>,
    #[serde(default)]
    model_max_length: Option<f64>,
}

impl TokenizerConfig {
    /// Reads the `tokenizer_config.json` of the model folder `folder`, where there is one.
    ///
    /// # Errors
    /// Where it is damaged.
    pub(super) fn of_folder(files: &Files, folder: &str) -> Result<Option<Self>> {
        let name = format!("{folder}/tokenizer_config.json");
        let read = || Self::parse(&files.read_text(&name)?, &files.display(&name));
        files.exists(&name).then(read).transpose()
    }

    /// Reads the text of a `tokenizer_config.json`; `place` names the file.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| {
            Error::new(ErrorKind::Model, format!("not a tokenizer configuration: {e}"))
                .at(Location::line(place, e.line(), e.column()))
        })
    }

    /// The class that `transformers` would read the tokenizer with, where it is said.
    pub(super) fn class(&self) -> Option<&str> {
        self.tokenizer_class.as_deref()
    }

    /// Whether the class is one of `names`, or its fast form, or not said.
    fn is_one_of(&self, names: &[&str]) -> bool {
        let class = self.tokenizer_class.as_deref();
        class.is_none_or(|class| names.contains(&class.trim_end_matches("Fast")))
    }

    /// Sets what the class sets when it reads a `tokenizer.json`: the space before a text of byte-level
    /// tokenizers (none where nothing is said), and what BERT's normalise.
    pub(super) fn apply(&self, tokenizer: &mut Tokenizer) -> tokenizers::Result<()> {
        add_prefix_space(tokenizer, self.add_prefix_space.unwrap_or(false));
        let is_bert = self.is_one_of(&["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"]);
        if let Some(NormalizerWrapper::BertNormalizer(bert)) =
            tokenizer.get_normalizer().filter(|_| is_bert)
        {
            let mut bert = *bert;
            bert.lowercase = self.do_lower_case.unwrap_or(true);
            bert.strip_accents = self.strip_accents;
            bert.handle_chinese_chars = self.tokenize_chinese_chars.unwrap_or(true);
            tokenizer.with_normalizer(Some(bert))?;
        }
        Ok(())
    }

    /// Whether given words must be handed over with a space before them: RoBERTa's classes take no given
    /// words otherwise, as its sub-words know a word by the space before it.
    pub(super) fn spaces_words(&self, tokenizer: &Tokenizer) -> bool {
        let without = matches!(
            tokenizer.get_pre_tokenizer(),
            Some(PreTokenizerWrapper::ByteLevel(bytes)) if !bytes.add_prefix_space
        );
        without && self.is_one_of(&["RobertaTokenizer"])
    }

    /// The longest sequence that `transformers` leaves whole where it is told to cut what is too long.
    pub(crate) fn longest(&self) -> usize {
        // Where there is no limit, 10^30 is written; the conversion stops at the largest number.
        self.model_max_length.map_or(usize::MAX, |longest| longest as usize)
    }

    /// The token that stands for what the vocabulary does not have.
    pub(super) fn unknown(&self) -> Option<&str> {
        match self.unk_token.as_ref()? {
            Value::String(token) => Some(token),
            token => token.get("content")?.as_str(),
        }
    }
}

/// Puts a space before a text, or none, where sub-words are byte-level.
pub(super) fn add_prefix_space(tokenizer: &mut Tokenizer, add: bool) {
    if let Some(PreTokenizerWrapper::ByteLevel(bytes)) = tokenizer.get_pre_tokenizer() {
        let bytes = bytes.add_prefix_space(add);
        tokenizer.with_pre_tokenizer(Some(bytes));
        // The offsets of the first sub-word depend on whether the space before it was written.
        if let Some(PostProcessorWrapper::Roberta(ends)) = tokenizer.get_post_processor() {
            let ends = ends.clone().add_prefix_space(add);
            tokenizer.with_post_processor(Some(ends));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenizers::models::bpe::BPE;
    use tokenizers::normalizers::BertNormalizer;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    fn byte_level(config: &str) -> (bool, bool) {
        let mut tokenizer = Tokenizer::new(BPE::default());
        tokenizer.with_pre_tokenizer(Some(ByteLevel::default()));
        let config = TokenizerConfig::parse(config, "tokenizer_config.json").unwrap();
        config.apply(&mut tokenizer).unwrap();
        let Some(PreTokenizerWrapper::ByteLevel(bytes)) = tokenizer.get_pre_tokenizer() else {
            panic!("another pre-tokenizer")
        };
        (bytes.add_prefix_space, config.spaces_words(&tokenizer))
    }

    #[test]
    fn the_space_before_a_text_is_as_the_configuration_says() {
        let cases = [
            (r#"{"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true}"#, (true, false)),
            (r#"{"tokenizer_class": "RobertaTokenizerFast"}"#, (false, true)),
            (r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#, (false, false)),
            ("{}", (false, true)),
        ];
        for (config, expected) in cases {
            assert_eq!(byte_level(config), expected, "{config}");
        }
    }

    #[test]
    fn bert_normalises_as_its_configuration_says() {
        let normalise = |config: &str| {
            let mut tokenizer = Tokenizer::new(BPE::default());
            let cased = BertNormalizer::new(true, true, None, false);
            tokenizer.with_normalizer(Some(cased)).unwrap();
            let config = TokenizerConfig::parse(config, "tokenizer_config.json").unwrap();
            config.apply(&mut tokenizer).unwrap();
            let Some(NormalizerWrapper::BertNormalizer(bert)) = tokenizer.get_normalizer() else {
                panic!("another normaliser")
            };
            (bert.lowercase, bert.strip_accents, bert.handle_chinese_chars)
        };
        let bert = r#"{"tokenizer_class": "BertTokenizer", "do_lower_case": false}"#;
        assert_eq!(normalise(bert), (false, None, true));
        assert_eq!(normalise(r#"{"strip_accents": false}"#), (true, Some(false), true));
        let other = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": true}"#;
        assert_eq!(normalise(other), (false, None, true));
    }

    #[test]
    fn a_damaged_configuration_is_an_error_with_its_place() {
        let error = TokenizerConfig::parse("{\n1", "tokenizer_config.json").unwrap_err();
        assert_eq!(error.location().unwrap().file, "tokenizer_config.json");
        assert!(error.message().contains("not a tokenizer configuration"));
    }
}
