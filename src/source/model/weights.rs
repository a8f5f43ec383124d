//! Named tensors from a model folder, and which of them are in use. How the files hold them is the
//! work of `checkpoint`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Tensor, Var};

use super::arch::Precision;
use super::checkpoint;
use super::folder_options::rename;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::Files;

/// The tensors of a model, all `f32`, on one device.
pub struct Weights {
    tensors: Arc<BTreeMap<String, Tensor>>,
    file: String,
    /// What the names that are asked for have before them in `tensors`.
    prefix: String,
    /// What the product of an adapter's matrices is multiplied by.
    adapter_scale: f64,
    /// What products with them are computed in.
    precision: Precision,
    /// What others share the tensors by.
    origin: Option<Arc<BTreeMap<String, Tensor>>>,
    /// The names of those that an architecture or a head has taken.
    taken: Arc<Mutex<BTreeSet<String>>>,
}

impl Weights {
    /// Reads the weights of the model folder `folder`.
    ///
    /// # Errors
    /// Where the folder holds none of the known files, or the file is damaged.
    pub fn load(files: &Files, folder: &str, device: &Device) -> Result<Self> {
        let (origin, shown) = checkpoint::shared(files, folder, device)?;
        let tensors = Arc::clone(&origin);
        Ok(Self { tensors, origin: Some(origin), ..Self::new(BTreeMap::new(), shown) })
    }

    /// These tensors; messages call them `file`.
    pub fn new(tensors: BTreeMap<String, Tensor>, file: String) -> Self {
        Self {
            tensors: Arc::new(tensors),
            file,
            prefix: String::new(),
            adapter_scale: 1.0,
            precision: Precision::default(),
            origin: None,
            taken: Arc::default(),
        }
    }

    /// The same weights and those of an adapter (see [`super::adapter`]) of this scale.
    #[must_use]
    pub fn with_adapter(mut self, adapter: BTreeMap<String, Tensor>, scale: f64) -> Self {
        Arc::make_mut(&mut self.tensors).extend(adapter);
        Self { adapter_scale: scale, ..self }
    }

    /// The same weights, to be multiplied in this precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same weights, as if they had been read from a file: nobody trains them.
    #[must_use]
    pub(super) fn finished(self) -> Self {
        Self { origin: Some(Arc::clone(&self.tensors)), ..self }
    }

    /// Whether they stay as they are in a file, so that what is made of them stays true: nobody trains them.
    pub(super) fn are_final(&self) -> bool {
        self.origin.is_some()
    }

    /// What products with these weights are computed in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same storage without gradients: what a step of training changes, is seen in it too.
    #[must_use]
    pub fn detached(&self) -> Self {
        let detached = self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.detach()));
        let weights = Self::new(detached.collect(), self.file.clone());
        Self { adapter_scale: self.adapter_scale, ..weights }
    }

    /// What others share these weights by, while it is kept.
    pub fn origin(&self) -> Option<Arc<BTreeMap<String, Tensor>>> {
        self.origin.clone()
    }

    /// What an adapter's product is multiplied by; 1 where there is none.
    pub fn adapter_scale(&self) -> f64 {
        self.adapter_scale
    }

    /// Those of these weights whose names begin with `prefix`, by the rest of their names. What is taken of them
    /// is taken of these.
    pub(super) fn within(&self, prefix: &str) -> Self {
        let (tensors, taken) = (Arc::clone(&self.tensors), Arc::clone(&self.taken));
        Self {
            tensors,
            taken,
            file: self.file.clone(),
            prefix: format!("{}{prefix}", self.prefix),
            adapter_scale: self.adapter_scale,
            precision: self.precision,
            origin: self.origin.clone(),
        }
    }

    /// The same weights by other names; `map` says for a name here what the file calls it (see
    /// [`super::folder_options::FolderOptions::weights`]).
    ///
    /// # Errors
    /// Where the file has no such name, or two weights get one name.
    pub fn renamed(self, map: &BTreeMap<String, String>) -> Result<Self> {
        let (scale, origin, precision) = (self.adapter_scale, self.origin.clone(), self.precision);
        let (tensors, file) = self.into_parts();
        Ok(Self {
            adapter_scale: scale,
            origin,
            precision,
            ..Self::new(rename(tensors, map)?, file)
        })
    }

    /// The tensors, and what to call them: [`Weights::new`] backwards.
    pub fn into_parts(self) -> (BTreeMap<String, Tensor>, String) {
        (Arc::unwrap_or_clone(self.tensors), self.file)
    }

    /// The same weights, those that `is_trained` names as variables: what is made of them can be trained,
    /// and [`Weights::variables`] gives those that are in use.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn into_trainable(self, is_trained: impl Fn(&str) -> bool) -> candle_core::Result<Self> {
        let (adapter_scale, precision) = (self.adapter_scale, self.precision);
        let (tensors, file) = self.into_parts();
        let tensors = tensors.into_iter().map(|(name, tensor)| {
            let is_trained = is_trained(&name);
            let tensor = if is_trained { Var::from_tensor(&tensor)?.into_inner() } else { tensor };
            Ok((name, tensor))
        });
        let tensors = tensors.collect::<candle_core::Result<_>>()?;
        Ok(Self { adapter_scale, precision, ..Self::new(tensors, file) })
    }

    /// The variables that an architecture or head has taken, by name.
    pub fn variables(&self) -> BTreeMap<String, Var> {
        let variables = self.taken().into_iter().filter(|(_, tensor)| tensor.is_variable());
        variables
            .filter_map(|(name, tensor)| Some((name, Var::from_tensor(&tensor).ok()?)))
            .collect()
    }

    /// The tensors that an architecture or head has taken, by name.
    pub fn taken(&self) -> BTreeMap<String, Tensor> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken
            .iter()
            .filter_map(|name| Some((name.clone(), self.tensors.get(name)?.clone())))
            .collect()
    }

    /// How many rows the tensor `name` has, where it is there.
    pub fn rows(&self, name: &str) -> Option<usize> {
        let tensor = self.tensors.get(&format!("{}{name}", self.prefix));
        tensor.and_then(|tensor| tensor.dims().first().copied())
    }

    /// The shape of the tensor of this name, where it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(Tensor::dims)
    }

    /// Whether a tensor of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(&format!("{}{name}", self.prefix))
    }

    /// The tensor `name`, which must have this shape.
    ///
    /// # Errors
    /// Where it is not there or has another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let name = &format!("{}{name}", self.prefix);
        let Some(tensor) = self.tensors.get(name) else {
            let near = name.rsplit('.').nth(1).unwrap_or(name);
            let alike: Vec<&str> = self
                .tensors
                .keys()
                .filter(|key| key.contains(near))
                .take(5)
                .map(String::as_str)
                .collect();
            let error = Error::new(ErrorKind::Model, format!("no tensor '{name}'"));
            let error = if alike.is_empty() {
                error
            } else {
                error.with_help(format!("similar ones: {}", alike.join(", ")))
            };
            return Err(error.at(Location::file(&self.file)));
        };
        if tensor.dims() != shape {
            let message = format!(
                "tensor '{name}' has shape {:?}, expected {shape:?} from config.json",
                tensor.dims()
            );
            return Err(Error::new(ErrorKind::Model, message).at(Location::file(&self.file)));
        }
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        Ok(tensor.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
    use std::io::Cursor;

    fn gguf() -> (tempfile::TempDir, Vec<u8>, Tensor) {
        let folder = tempfile::tempdir().unwrap();
        let values: Vec<f32> = (0..128).map(|i| (i as f32 * 0.37).sin()).collect();
        let tensor = Tensor::from_vec(values, (2, 64), &Device::Cpu).unwrap();
        let quantised = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap();
        let mut bytes = Cursor::new(Vec::new());
        gguf_file::write(&mut bytes, &[], &[("a.weight", &quantised)]).unwrap();
        (folder, bytes.into_inner(), tensor)
    }

    fn load(folder: &tempfile::TempDir, file: &str, bytes: &[u8]) -> Result<Weights> {
        std::fs::write(folder.path().join(file), bytes).unwrap();
        let files = Files::Folder(folder.path().to_owned());
        Weights::load(&files, ".", &Device::Cpu)
    }

    #[test]
    fn gguf_is_dequantised_to_f32() {
        let (folder, bytes, tensor) = gguf();
        let weights = load(&folder, "model.gguf", &bytes).unwrap();
        let read = weights.tensor("a.weight", &[2, 64]).unwrap();
        let difference = (read - tensor).unwrap().abs().unwrap();
        let most = difference.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(most < 0.005, "{most}");
    }

    #[test]
    fn an_alignment_of_nothing_is_an_error() {
        let (folder, bytes, _) = gguf();
        let mut aligned = bytes[..16].to_vec();
        aligned.extend(1u64.to_le_bytes());
        aligned.extend(17u64.to_le_bytes());
        aligned.extend(b"general.alignment");
        aligned.extend(4u32.to_le_bytes());
        aligned.extend(0u32.to_le_bytes());
        aligned.extend(&bytes[24..]);
        let error = load(&folder, "model.gguf", &aligned).err().unwrap();
        assert!(error.message().contains("general.alignment is 0"), "{error}");
    }

    #[test]
    fn a_tensor_without_elements_is_an_error() {
        let (folder, mut bytes, _) = gguf();
        // Behind the header come the length of the name, the name, how many dimensions there are, and the first.
        bytes[44..52].fill(0);
        let error = load(&folder, "model.gguf", &bytes).err().unwrap();
        assert!(error.message().contains("tensor 'a.weight' of shape [2, 0] is not"), "{error}");
    }

    #[test]
    fn what_is_missing_or_misshapen_is_named() {
        let (folder, bytes, _) = gguf();
        let weights = load(&folder, "model.gguf", &bytes).unwrap();
        let error = weights.tensor("a.weight", &[3, 64]).unwrap_err();
        assert!(error.message().contains("has shape [2, 64], expected [3, 64]"), "{error}");
        let error = weights.tensor("b.weight", &[3, 64]).unwrap_err();
        assert!(error.message().contains("no tensor 'b.weight'"), "{error}");
        assert!(error.location().unwrap().file.ends_with("model.gguf"));
    }

    #[test]
    fn what_was_taken_can_be_trained() {
        let of = |value: f32| Tensor::new(&[value, 2.0], &Device::Cpu).unwrap();
        let tensors = [("b", of(1.0)), ("a", of(3.0)), ("unused", of(5.0))];
        let tensors = tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into_iter().collect();
        let weights = Weights::new(tensors, "memory".to_owned()).into_trainable(|_| true).unwrap();
        assert!(weights.variables().is_empty());
        let product =
            (weights.tensor("b", &[2]).unwrap() * weights.tensor("a", &[2]).unwrap()).unwrap();
        let variables = weights.variables();
        assert_eq!(variables.keys().collect::<Vec<_>>(), ["a", "b"]);
        let gradients = product.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&variables["a"]).unwrap();
        assert_eq!(gradient.to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        variables["a"].set(&of(9.0)).unwrap();
        assert_eq!(weights.tensor("a", &[2]).unwrap().to_vec1::<f32>().unwrap(), [9.0, 2.0]);
    }

    #[test]
    fn a_part_of_the_weights_has_shorter_names() {
        let tensor = Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap();
        let tensors = BTreeMap::from([("a.b.weight".to_owned(), tensor)]);
        let weights = Weights::new(tensors, "memory".to_owned());
        let part = weights.within("a.").within("b.");
        assert!(part.has("weight") && !part.has("a.b.weight"));
        assert_eq!(part.tensor("weight", &[2]).unwrap().dims(), [2]);
        assert_eq!(weights.taken().into_keys().collect::<Vec<_>>(), ["a.b.weight"]);
        let error = part.tensor("bias", &[2]).unwrap_err().to_string();
        assert!(error.contains("no tensor 'a.b.bias'"), "{error}");
    }

    #[test]
    fn damaged_files_are_errors_and_never_panics() {
        let (folder, bytes, _) = gguf();
        // Four blocks of 34 bytes are padded to a multiple of 32; without padding a file is whole.
        let end_of_tensors = bytes.len() - 24;
        for length in (0..end_of_tensors).step_by(7) {
            assert!(load(&folder, "model.gguf", &bytes[..length]).is_err(), "{length}");
        }
        for at in 0..bytes.len().min(200) {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            let _ = load(&folder, "model.gguf", &changed);
        }
        let error = load(&folder, "model.safetensors", b"not weights").err().unwrap();
        assert!(error.message().starts_with("damaged weights"), "{error}");
    }
}
