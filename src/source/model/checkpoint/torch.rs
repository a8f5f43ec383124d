//! Tensors from what `torch.save` writes of a dictionary of them: an archive, or the stream that PyTorch
//! wrote before 1.6. Its pickle is read as data; no code of it is run.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{DType, Device, Tensor};

use super::pickle::{Id, Pickle, Value};
use super::zip;

/// The pickle at the start of a file of a PyTorch before 1.6: the number 0x1950a86a20f9469cfc6c.
const OLD_START: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// The tensors of floating-point numbers in `bytes`; others are no weights and are left out.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(bytes: &[u8]) -> candle_core::Result<Vec<(String, Tensor)>> {
    let (pickle, storages) = open(bytes).map_err(candle_core::Error::Msg)?;
    Checkpoint { bytes, pickle, storages }.tensors()
}

/// A file and where in it the numbers lie, by the name of their storage.
struct Checkpoint<'b> {
    bytes: &'b [u8],
    pickle: Pickle,
    storages: BTreeMap<String, Range<usize>>,
}

fn open(bytes: &[u8]) -> Result<(Pickle, BTreeMap<String, Range<usize>>), String> {
    if bytes.starts_with(OLD_START) {
        return open_old(bytes);
    }
    if !bytes.starts_with(b"PK") {
        return Err("this is no file that torch.save writes".to_owned());
    }
    let entries = zip::entries(bytes)?;
    let (name, place) = entries
        .iter()
        .find(|(name, _)| name.ends_with("/data.pkl"))
        .ok_or("the archive holds no data.pkl")?;
    let root = name.trim_end_matches("data.pkl");
    let order = entries.get(&format!("{root}byteorder"));
    if order.is_some_and(|place| &bytes[place.clone()] != b"little") {
        return Err("the numbers are not little-endian".to_owned());
    }
    let (pickle, _) = Pickle::read(&bytes[place.clone()])?;
    let folder = format!("{root}data/");
    let storages = entries
        .iter()
        .filter_map(|(name, place)| Some((name.strip_prefix(&folder)?.to_owned(), place.clone())))
        .collect();
    Ok((pickle, storages))
}

/// Magic number, protocol, what the machine was, the dictionary, the names of the storages; then each
/// storage: how many numbers (8 bytes), and they.
fn open_old(bytes: &[u8]) -> Result<(Pickle, BTreeMap<String, Range<usize>>), String> {
    let mut at = 0;
    let mut next = || {
        let (pickle, length) = Pickle::read(&bytes[at..])?;
        at += length;
        Ok::<_, String>(pickle)
    };
    for _ in ["magic number", "protocol", "machine"] {
        next()?;
    }
    let (pickle, names) = (next()?, next()?);
    let widths = pickle.storage_widths();
    let Value::List(names_in_order) = names.top() else {
        return Err("the file has no list of storages".to_owned());
    };
    let mut storages = BTreeMap::new();
    for name in names_in_order {
        let Value::Text(name) = names.value(*name) else {
            return Err("the name of a storage is no text".to_owned());
        };
        let count = bytes.get(at..at + 8).ok_or("the file is cut off")?;
        let count = u64::from_le_bytes(count.try_into().expect("eight bytes"));
        let width = *widths.get(name).ok_or_else(|| format!("storage '{name}' is not used"))?;
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(width));
        let start = at + 8;
        let end = length.and_then(|length| start.checked_add(length));
        at = end.filter(|end| *end <= bytes.len()).ok_or("the file is cut off")?;
        storages.insert(name.clone(), start..at);
    }
    Ok((pickle, storages))
}

/// A tensor as the pickle describes it.
struct Described<'p> {
    storage: &'p str,
    kind: &'p str,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Checkpoint<'_> {
    fn tensors(&self) -> candle_core::Result<Vec<(String, Tensor)>> {
        let wrong = |message: String| candle_core::Error::Msg(message);
        let Value::Dictionary(pairs) = self.pickle.top() else {
            return Err(wrong("the file holds no dictionary of tensors".to_owned()));
        };
        // Tensors may share numbers; a file that is all sharing would fill memory from nothing.
        let mut room = self.bytes.len().saturating_mul(4);
        let mut tensors = Vec::new();
        for (name, value) in pairs {
            let Value::Text(name) = self.pickle.value(*name) else { continue };
            let told = |message| wrong(format!("tensor '{name}': {message}"));
            let Some(described) = self.pickle.tensor(*value).map_err(told)? else { continue };
            let Some((dtype, _)) = float(described.kind) else { continue };
            let numbers = self.numbers(&described, dtype.size_in_bytes()).map_err(told)?;
            room = room
                .checked_sub(numbers.len())
                .ok_or_else(|| wrong("the tensors are far larger than the file".to_owned()))?;
            let shape = described.shape.as_slice();
            tensors.push((
                name.clone(),
                Tensor::from_raw_buffer(&numbers, dtype, shape, &Device::Cpu)?,
            ));
        }
        if tensors.is_empty() {
            return Err(wrong("the file holds no tensors".to_owned()));
        }
        Ok(tensors)
    }

    /// The bytes of a tensor of numbers of `width` bytes, in the order of its shape.
    fn numbers(&self, tensor: &Described<'_>, width: usize) -> Result<Vec<u8>, String> {
        let cut_off = || "its numbers are not all in the file".to_owned();
        let place = self.storages.get(tensor.storage).ok_or_else(cut_off)?;
        let storage = self.bytes.get(place.clone()).ok_or_else(cut_off)?;
        let stored = storage.len() / width;
        let count = tensor.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let count = count.filter(|count| *count <= stored).ok_or_else(cut_off)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut last = Some(tensor.offset);
        for (size, stride) in tensor.shape.iter().zip(&tensor.strides) {
            let reach = (size - 1).checked_mul(*stride);
            last = last.zip(reach).and_then(|(last, reach)| last.checked_add(reach));
        }
        last.filter(|last| *last < stored).ok_or_else(cut_off)?;
        let mut numbers = Vec::with_capacity(count * width);
        let mut place = vec![0; tensor.shape.len()];
        for _ in 0..count {
            let steps = place.iter().zip(&tensor.strides).map(|(i, stride)| i * stride);
            let at = (tensor.offset + steps.sum::<usize>()) * width;
            numbers.extend_from_slice(&storage[at..at + width]);
            for (i, size) in place.iter_mut().zip(&tensor.shape).rev() {
                *i += 1;
                if *i < *size {
                    break;
                }
                *i = 0;
            }
        }
        Ok(numbers)
    }
}

/// The type of a storage of floating-point numbers, and the width of any storage.
fn float(kind: &str) -> Option<(DType, usize)> {
    let dtype = match kind.strip_prefix("torch ")? {
        "FloatStorage" => DType::F32,
        "HalfStorage" => DType::F16,
        "BFloat16Storage" => DType::BF16,
        "DoubleStorage" => DType::F64,
        _ => return None,
    };
    Some((dtype, dtype.size_in_bytes()))
}

/// How many bytes a number of a storage takes.
fn width(kind: &str) -> Option<usize> {
    let whole = match kind.strip_prefix("torch ")? {
        "LongStorage" => 8,
        "IntStorage" => 4,
        "ShortStorage" => 2,
        "CharStorage" | "ByteStorage" | "BoolStorage" => 1,
        _ => return float(kind).map(|(_, width)| width),
    };
    Some(whole)
}

impl Pickle {
    /// The tensor that value `id` describes; `None` where it is something else.
    fn tensor(&self, id: Id) -> Result<Option<Described<'_>>, String> {
        let Value::Call(function, arguments) = self.value(id) else { return Ok(None) };
        let (Value::Global(function), Value::Tuple(arguments)) =
            (self.value(*function), self.value(*arguments))
        else {
            return Ok(None);
        };
        match (function.as_str(), arguments.as_slice()) {
            ("torch._utils _rebuild_parameter", [tensor, ..]) if *tensor != id => {
                // A parameter holds a tensor and no parameter: one step, never a circle.
                match self.value(*tensor) {
                    Value::Call(inner, _) if self.is_rebuild(*inner) => self.tensor(*tensor),
                    _ => Ok(None),
                }
            }
            ("torch._utils _rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
                let parts = || {
                    let (kind, storage) = self.storage(*storage)?;
                    let offset = self.whole(*offset)?;
                    let (shape, strides) = (self.all_whole(*shape)?, self.all_whole(*strides)?);
                    let agree = shape.len() == strides.len();
                    agree.then_some(Described { storage, kind, offset, shape, strides })
                };
                parts().map(Some).ok_or_else(|| "it is not described as tensors are".to_owned())
            }
            _ => Ok(None),
        }
    }

    fn is_rebuild(&self, function: Id) -> bool {
        matches!(self.value(function),
            Value::Global(name) if name == "torch._utils _rebuild_tensor_v2")
    }

    /// The kind and the name of a storage: `('storage', kind, name, place, count, …)`.
    fn storage(&self, id: Id) -> Option<(&str, &str)> {
        let Value::Persistent(id) = self.value(id) else { return None };
        let Value::Tuple(parts) = self.value(*id) else { return None };
        let [_, kind, name, ..] = parts.as_slice() else { return None };
        match (self.value(*kind), self.value(*name)) {
            (Value::Global(kind), Value::Text(name)) => Some((kind, name)),
            _ => None,
        }
    }

    fn whole(&self, id: Id) -> Option<usize> {
        match self.value(id) {
            Value::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    fn all_whole(&self, id: Id) -> Option<Vec<usize>> {
        match self.value(id) {
            Value::Tuple(parts) => parts.iter().map(|part| self.whole(*part)).collect(),
            _ => None,
        }
    }

    /// How wide the numbers of each storage are, by its name.
    fn storage_widths(&self) -> BTreeMap<String, usize> {
        let Value::Dictionary(pairs) = self.top() else { return BTreeMap::new() };
        let described = pairs.iter().filter_map(|(_, value)| self.tensor(*value).ok().flatten());
        described.filter_map(|t| Some((t.storage.to_owned(), width(t.kind)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/checkpoints/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    /// Both files were saved from the same dictionary: a matrix, its transpose, two rows of it, half
    /// precision, brain floats, doubles, a parameter, whole numbers and a note.
    const FILES: [&str; 2] = ["archive.bin", "stream.bin"];

    #[test]
    fn all_ways_to_write_a_tensor_are_read() {
        for file in FILES {
            let tensors: BTreeMap<String, Tensor> =
                read(&fixture(file)).unwrap().into_iter().collect();
            let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
            let expected =
                ["brain", "double", "half", "matrix", "parameter", "rows", "scalar", "transposed"];
            assert_eq!(names, expected, "{file}");
            let values = |name: &str| {
                let tensor = tensors[name].to_dtype(DType::F32).unwrap();
                tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            };
            assert_eq!(tensors["matrix"].dims(), [3, 2]);
            assert_eq!(values("matrix"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            assert_eq!(tensors["transposed"].dims(), [2, 3]);
            assert_eq!(values("transposed"), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
            assert_eq!(values("rows"), [3.0, 4.0, 5.0, 6.0]);
            assert_eq!(values("half"), [0.5, -1.5]);
            assert_eq!(values("brain"), [2.0, -3.0]);
            assert_eq!(values("double"), [0.25]);
            assert_eq!(values("parameter"), [7.0, 8.0]);
            assert_eq!(values("scalar"), [9.0]);
        }
    }

    #[test]
    fn damaged_files_are_errors_and_never_panics() {
        for file in FILES {
            let bytes = fixture(file);
            for length in (0..bytes.len() - 30).step_by(3) {
                assert!(read(&bytes[..length]).is_err(), "{file} cut to {length}");
            }
            for at in 0..bytes.len() {
                for change in [0x01, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    let _ = read(&changed);
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_of_tensors_is_told() {
        let error = read(b"not weights").unwrap_err().to_string();
        assert!(error.contains("no file that torch.save writes"), "{error}");
        let error = read(b"PK\x05\x06").unwrap_err().to_string();
        assert!(error.contains("cut off"), "{error}");
    }
}
