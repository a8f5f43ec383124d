//! The files that hold a model's weights: which of them are in a folder, whole or in shards, and what
//! tensors are in them. What the tensors are for is not known here.

mod gguf;
mod pickle;
mod shared;
mod torch;
mod zip;

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;

pub(super) use shared::shared;

/// How the tensors of a file are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Safetensors,
    Gguf,
    Torch,
}

/// The files that a folder may hold, in the order they are looked for.
const KNOWN: &[(&str, Format)] = &[
    ("model.safetensors", Format::Safetensors),
    ("model.safetensors.index.json", Format::Safetensors),
    ("model.gguf", Format::Gguf),
    ("pytorch_model.bin", Format::Torch),
    ("pytorch_model.bin.index.json", Format::Torch),
];

/// Tensors by name, all `f32`.
pub(super) type Tensors = BTreeMap<String, Tensor>;

/// The weights in the model folder `folder`, on `device`, and what to call the file (of shards, their
/// index).
///
/// # Errors
/// Where the folder holds none of the known files, or one is damaged.
pub(super) fn read(files: &Files, folder: &str, device: &Device) -> Result<(Tensors, String)> {
    let (name, format) = weights_file(files, folder)?;
    let shown = files.display(&name);
    let tensors = if name.ends_with(".index.json") {
        read_shards(files, folder, &name, format, device)?
    } else {
        read_file(files, &name, format, device)?
    };
    Ok((tensors, shown))
}

/// The file of the weights in a folder (of shards, their index).
fn weights_file(files: &Files, folder: &str) -> Result<(String, Format)> {
    let mut known = KNOWN.iter().map(|(file, format)| (format!("{folder}/{file}"), *format));
    known.find(|(name, _)| files.exists(name)).ok_or_else(|| {
        let names: Vec<&str> = KNOWN.iter().map(|(file, _)| *file).collect();
        let message = format!("model folder {} holds no weights", files.display(folder));
        let help = format!("expected one of {}", names.join(", "));
        Error::new(ErrorKind::Model, message).with_help(help)
    })
}

/// The tensors of one file of safetensors.
///
/// # Errors
/// Where it is missing or damaged.
pub(super) fn read_safetensors(files: &Files, name: &str, device: &Device) -> Result<Tensors> {
    read_file(files, name, Format::Safetensors, device)
}

fn read_file(files: &Files, name: &str, format: Format, device: &Device) -> Result<Tensors> {
    let bytes = files.map(name)?;
    let read = match format {
        Format::Safetensors => candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map(|tensors| tensors.into_iter().collect::<Vec<_>>()),
        Format::Gguf => gguf::read(&bytes),
        Format::Torch => torch::read(&bytes),
    };
    let moved = read.and_then(|tensors| {
        let moved = tensors
            .into_iter()
            .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?.to_device(device)?)));
        moved.collect::<candle_core::Result<Tensors>>()
    });
    moved.map_err(|e| damaged(&e.to_string()).at(Location::file(files.display(name))))
}

fn damaged(reason: &str) -> Error {
    let reason = reason.lines().next().unwrap_or("unknown");
    Error::new(ErrorKind::Model, format!("damaged weights: {reason}"))
}

/// What `transformers` writes beside shards.
#[derive(serde::Deserialize)]
struct Index {
    /// The shard that each tensor is in.
    weight_map: BTreeMap<String, String>,
}

fn read_shards(
    files: &Files,
    folder: &str,
    index: &str,
    format: Format,
    device: &Device,
) -> Result<Tensors> {
    let place = files.display(index);
    let Index { weight_map } =
        serde_json::from_str(&files.read_text(index)?).map_err(|e| {
            Error::new(ErrorKind::Model, format!("not an index of weights: {e}"))
                .at(Location::line(&place, e.line(), e.column()))
        })?;
    let wrong = |message: String| Error::new(ErrorKind::Model, message).at(Location::file(&place));
    let mut tensors = Tensors::new();
    for shard in weight_map.values().collect::<BTreeSet<_>>() {
        if shard.is_empty() || shard.contains(['/', '\\']) || shard == ".." {
            return Err(wrong(format!("shard '{shard}' is no name of a file beside the index")));
        }
        let read = read_file(files, &format!("{folder}/{shard}"), format, device)?;
        tensors.extend(read.into_iter().filter(|(name, _)| weight_map.get(name) == Some(shard)));
    }
    match weight_map.iter().find(|(name, _)| !tensors.contains_key(*name)) {
        Some((name, shard)) => Err(wrong(format!("tensor '{name}' is not in its shard, {shard}"))),
        None => Ok(tensors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(index: &str) -> Result<Tensors> {
        let folder = tempfile::tempdir().unwrap();
        for (file, name) in [("one.safetensors", "a"), ("two.safetensors", "b")] {
            let tensors = [(name, Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap())];
            let tensors = std::collections::HashMap::from(tensors);
            candle_core::safetensors::save(&tensors, folder.path().join(file)).unwrap();
        }
        std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
        let files = Files::Folder(folder.path().to_owned());
        read(&files, ".", &Device::Cpu).map(|(tensors, _)| tensors)
    }

    #[test]
    fn shards_are_put_together() {
        let both = r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#;
        assert_eq!(shards(both).unwrap().into_keys().collect::<Vec<_>>(), ["a", "b"]);
        let one = r#"{"metadata": {}, "weight_map": {"a": "one.safetensors"}}"#;
        assert_eq!(shards(one).unwrap().into_keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn an_index_that_does_not_fit_is_an_error() {
        let cases = [
            (r#"{"weight_map": {"a": "two.safetensors"}}"#, "'a' is not in its shard"),
            (r#"{"weight_map": {"a": "../one.safetensors"}}"#, "no name of a file"),
            (r#"{"weight_map": {"a": ".."}}"#, "no name of a file"),
            (r#"{"weight_map": {"a": "three.safetensors"}}"#, "three.safetensors"),
            (r#"{"weight_map": 3}"#, "not an index of weights"),
            ("[", "not an index of weights"),
        ];
        for (index, expected) in cases {
            let error = shards(index).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
