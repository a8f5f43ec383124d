//! The tokenizer of a model folder: its `tokenizer.json`, or one put together from the vocabulary files
//! that slow tokenizers saved, as `transformers` puts it together (`convert_slow_tokenizer`).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;

/// The bytes of a `tokenizer.json`, and the name of the file that they come from.
type Json = (Cow<'static, [u8]>, String);

/// Files of SentencePiece, by the names that classes gave them.
const SENTENCE_PIECE: &[&str] = &["sentencepiece.bpe.model", "spm.model", "spiece.model"];

/// The bytes of the `tokenizer.json` of the model folder `folder`, and the name of the file that they
/// come from.
///
/// # Errors
/// Where there are no files to make it of, or they are damaged.
pub(super) fn tokenizer_json(files: &Files, folder: &str) -> Result<Json> {
    let path = |file: &str| format!("{folder}/{file}");
    let has = |file: &str| files.exists(&path(file));
    if has("tokenizer.json") {
        let bytes = files.read(&path("tokenizer.json"))?;
        return Ok((bytes, files.display(&path("tokenizer.json"))));
    }
    if has("vocab.txt") {
        let place = files.display(&path("vocab.txt"));
        return written(word_piece(&files.read_text(&path("vocab.txt"))?), place);
    }
    if has("vocab.json") && has("merges.txt") {
        let place = files.display(&path("vocab.json"));
        let vocabulary = files.read_text(&path("vocab.json"))?;
        return written(byte_level(&vocabulary, &files.read_text(&path("merges.txt"))?), place);
    }
    let message = format!("model folder {} holds no tokenizer.json", files.display(folder));
    let help = match SENTENCE_PIECE.iter().find(|file| has(file)) {
        Some(file) => format!(
            "{file} alone is not read: save the folder again with transformers, \
             AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
        ),
        None => "it may also be vocab.txt (WordPiece), or vocab.json and merges.txt (byte-level \
                 sub-words)"
            .to_owned(),
    };
    Err(Error::new(ErrorKind::Model, message).with_help(help))
}

/// The bytes of `made` and its `place`, or the error there.
fn written(made: std::result::Result<Value, String>, place: String) -> Result<Json> {
    match made {
        Ok(json) => Ok((json.to_string().into_bytes().into(), place)),
        Err(message) => Err(Error::new(ErrorKind::Model, message).at(Location::file(place))),
    }
}

/// BERT's tokenizer from its `vocab.txt`, a sub-word a line. What it normalises is BERT's default; a
/// `tokenizer_config.json` may change it later.
fn word_piece(text: &str) -> std::result::Result<Value, String> {
    let vocabulary: Map<String, Value> =
        text.lines().enumerate().map(|(id, piece)| (piece.to_owned(), json!(id))).collect();
    let id = |token: &str| known(&vocabulary, token);
    let (sep, cls) = (id("[SEP]")?, id("[CLS]")?);
    id("[UNK]")?;
    let special = specials(&vocabulary, &["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    Ok(json!({
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": true,
            "strip_accents": null,
            "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls] },
        "decoder": null,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }))
}

/// RoBERTa's tokenizer from its `vocab.json` and `merges.txt`, a pair a line, the first the strongest.
fn byte_level(vocabulary: &str, merges: &str) -> std::result::Result<Value, String> {
    let vocabulary: Map<String, Value> =
        serde_json::from_str(vocabulary).map_err(|e| format!("not a vocabulary: {e}"))?;
    let id = |token: &str| known(&vocabulary, token);
    let (sep, cls) = (id("</s>")?, id("<s>")?);
    let special = specials(&vocabulary, &["<s>", "<pad>", "</s>", "<unk>", "<mask>"]);
    let merges: Vec<&str> =
        merges.lines().filter(|line| !line.starts_with("#version") && !line.is_empty()).collect();
    Ok(json!({
        "version": "1.0",
        "added_tokens": special,
        "normalizer": null,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true },
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["</s>", sep],
            "cls": ["<s>", cls],
            "trim_offsets": true,
            "add_prefix_space": false,
        },
        "decoder": null,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": false,
            "vocab": vocabulary,
            "merges": merges,
        },
    }))
}

fn known<'v>(
    vocabulary: &'v Map<String, Value>,
    token: &str,
) -> std::result::Result<&'v Value, String> {
    vocabulary.get(token).ok_or_else(|| format!("the vocabulary has no {token}"))
}

/// The special tokens of these that are in the vocabulary, as `tokenizer.json` lists them: in a text
/// they stand for themselves. A mask takes the space before it.
fn specials(vocabulary: &Map<String, Value>, tokens: &[&str]) -> Vec<Value> {
    let present = tokens.iter().filter_map(|token| Some((*token, vocabulary.get(*token)?)));
    let mut special: Vec<Value> = present
        .map(|(token, id)| {
            json!({
                "id": id,
                "content": token,
                "single_word": false,
                "lstrip": token == "<mask>",
                "rstrip": false,
                "normalized": false,
                "special": true,
            })
        })
        .collect();
    special.sort_by_key(|token| token["id"].as_u64());
    special
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::model::tokenizer_config::TokenizerConfig;
    use crate::source::model::tokens::SubWords;
    use crate::text::Span;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/architectures/");

    fn json_of(path: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(format!("{FOLDER}{path}")).unwrap()).unwrap()
    }

    /// The tokenizer of a folder as it is, and as it is made again of the vocabulary files that `write`
    /// makes of its model.
    fn both(name: &str, write: impl Fn(&Value) -> Vec<(&'static str, String)>) -> [SubWords; 2] {
        let place = format!("{FOLDER}{name}/tokenizer.json");
        let text = std::fs::read_to_string(format!("{FOLDER}{name}/tokenizer_config.json"));
        let config = TokenizerConfig::parse(&text.unwrap(), "config").unwrap();
        let whole = std::fs::read(&place).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in write(&json_of(&format!("{name}/tokenizer.json"))["model"]) {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let files = Files::Folder(folder.path().to_owned());
        let (made, _) = tokenizer_json(&files, ".").unwrap();
        [whole.into(), made].map(|bytes| SubWords::load(&bytes, Some(&config), &place).unwrap())
    }

    fn lines_of_vocabulary(model: &Value) -> String {
        let vocabulary = model["vocab"].as_object().unwrap();
        let mut pieces: Vec<(&String, u64)> =
            vocabulary.iter().map(|(piece, id)| (piece, id.as_u64().unwrap())).collect();
        pieces.sort_by_key(|(_, id)| *id);
        pieces.iter().map(|(piece, _)| format!("{piece}\n")).collect()
    }

    fn assert_same(name: &str, [whole, made]: [SubWords; 2]) {
        assert_eq!((&whole.before, &whole.after), (&made.before, &made.after), "{name}");
        for text in json_of("texts.json").as_array().unwrap() {
            let text = text.as_str().unwrap();
            let pieces = |sub_words: &SubWords| {
                let unit = sub_words.of_text(text, Span::new(0, text.len())).unwrap();
                let pieces = (0..unit.words.len()).map(|word| unit.pieces(word).to_vec());
                (unit.words.clone(), pieces.collect::<Vec<_>>())
            };
            assert_eq!(pieces(&whole), pieces(&made), "{name}: {text:?}");
        }
    }

    #[test]
    fn a_vocabulary_of_word_pieces_makes_the_same_tokenizer() {
        for name in ["bert", "distilbert"] {
            let files = both(name, |model| vec![("vocab.txt", lines_of_vocabulary(model))]);
            assert_same(name, files);
        }
    }

    #[test]
    fn a_vocabulary_of_byte_level_pieces_makes_the_same_tokenizer() {
        let files = both("roberta", |model| {
            let merges = model["merges"].as_array().unwrap().iter().map(|pair| {
                format!("{} {}\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())
            });
            let merges = format!("#version: 0.2\n{}", merges.collect::<String>());
            vec![("vocab.json", model["vocab"].to_string()), ("merges.txt", merges)]
        });
        assert_same("roberta", files);
    }

    #[test]
    fn what_is_missing_is_told() {
        let error = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (file, text) in files {
                std::fs::write(folder.path().join(file), text).unwrap();
            }
            tokenizer_json(&Files::Folder(folder.path().to_owned()), ".").unwrap_err()
        };
        assert!(error(&[]).help_text().unwrap().contains("vocab.txt (WordPiece)"));
        assert!(error(&[("spm.model", "")]).help_text().unwrap().contains("spm.model alone"));
        let no_cls = error(&[("vocab.txt", "[UNK]\n[SEP]\na\n")]);
        assert!(no_cls.message().contains("no [CLS]") && no_cls.location().is_some(), "{no_cls}");
        let damaged = error(&[("vocab.json", "["), ("merges.txt", "")]);
        assert!(damaged.message().contains("not a vocabulary"), "{damaged}");
    }
}
