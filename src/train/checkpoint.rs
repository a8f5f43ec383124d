//! Checkpoints: all that a run knows, in a folder that comes to be as a whole. It is written beside its
//! place under another name, flushed to the disk and renamed, so that a run killed at any moment leaves
//! the last good one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::evaluation::Best;
use super::recipe::Numbers;
use super::schedule::Plateau;
use crate::error::{Error, ErrorKind, Location, Result};

const STATE: &str = "state.json";
const WEIGHTS: &str = "weights.safetensors";
const MOMENTS: &str = "moments.safetensors";
/// What the names of checkpoints begin with.
const PREFIX: &str = "step-";
/// What the names of unfinished ones end with.
const UNFINISHED: &str = ".part";

/// Where a run is, besides its weights and moments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct State {
    /// A fingerprint of the recipe.
    pub recipe: String,
    /// A fingerprint of the data.
    pub data: String,
    /// How many steps are done.
    pub step: u64,
    /// The epoch of the next batch, from 0.
    pub epoch: u64,
    /// The number of the next batch in it, from 0.
    pub batch: usize,
    /// How many words the random stream of dropout has given, in decimal.
    pub dropout: String,
    /// The best evaluation so far.
    pub best: Option<Best>,
    /// What was scored at the best evaluation.
    pub best_scores: Value,
    /// How many evaluations there were since.
    pub without_gain: u64,
    /// What is left of the rate.
    #[serde(default)]
    pub plateau: Plateau,
    /// Whether the run ended before its last step, because nothing was gained any more.
    pub ended_early: bool,
    /// How long the log is.
    pub log_bytes: u64,
    /// How long the file of events is.
    pub event_bytes: u64,
}

/// A checkpoint, read.
pub struct Checkpoint {
    /// Where the run was.
    pub state: State,
    /// The weights that are trained, by name.
    pub weights: BTreeMap<String, Tensor>,
    /// The optimiser's moments, and the average of the weights where there is one.
    pub moments: BTreeMap<String, Tensor>,
    /// How many steps the optimiser has made.
    pub optimiser_steps: u64,
}

impl Checkpoint {
    /// Writes it into the folder `all` of checkpoints and removes older ones but the last `keep`; gives its
    /// place.
    ///
    /// # Errors
    /// Where it cannot be written; what was there before stays.
    pub fn save(&self, all: &Path, keep: usize) -> Result<PathBuf> {
        fs::create_dir_all(all).map_err(|e| Error::io("write", all.display(), e))?;
        let name = format!("{PREFIX}{:08}", self.state.step);
        let (place, unfinished) = (all.join(&name), all.join(format!("{name}{UNFINISHED}")));
        let written = self.write_into(&unfinished).and_then(|()| {
            remove(&place)?;
            fs::rename(&unfinished, &place)?;
            flush(all)
        });
        if let Err(error) = written {
            // What is left of it is of no use; that it cannot be removed changes nothing.
            let _ = remove(&unfinished);
            return Err(Error::io("write", place.display(), error)
                .with_help("the checkpoint before it is still there"));
        }
        let older = checkpoints(all).map_err(|e| Error::io("read", all.display(), e))?;
        for (_, path) in older.iter().rev().skip(keep) {
            remove(path).map_err(|e| Error::io("remove", path.display(), e))?;
        }
        Ok(place)
    }

    fn write_into(&self, folder: &Path) -> io::Result<()> {
        remove(folder)?;
        fs::create_dir_all(folder)?;
        write_tensors(&folder.join(WEIGHTS), &self.weights, Numbers::F32)?;
        write_tensors(&folder.join(MOMENTS), &self.moments, Numbers::F32)?;
        let state = json!({ "optimiser-steps": self.optimiser_steps, "run": self.state });
        write_file(&folder.join(STATE), format!("{state:#}\n").as_bytes())?;
        flush(folder)
    }

    /// The last checkpoint in the folder `all`; `None` where there is none. What was left unfinished is
    /// removed.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn last(all: &Path, device: &Device) -> Result<Option<Self>> {
        match Self::last_place(all)? {
            Some(place) => Self::load(&place, device).map(Some),
            None => Ok(None),
        }
    }

    /// The place of the last checkpoint in the folder `all`.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn last_place(all: &Path) -> Result<Option<PathBuf>> {
        let found = checkpoints(all).map_err(|e| Error::io("read", all.display(), e))?;
        Ok(found.into_iter().next_back().map(|(_, place)| place))
    }

    fn load(place: &Path, device: &Device) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Written {
            optimiser_steps: u64,
            run: State,
        }
        let path = place.join(STATE);
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", path.display(), e))?;
        let written: Written = serde_json::from_str(&text).map_err(|e| {
            let at = Location::line(path.display().to_string(), e.line(), e.column());
            damaged(&e.to_string()).at(at)
        })?;
        Ok(Self {
            state: written.run,
            optimiser_steps: written.optimiser_steps,
            weights: read_tensors(&place.join(WEIGHTS), device)?,
            moments: read_tensors(&place.join(MOMENTS), device)?,
        })
    }
}

/// The checkpoints of a folder, the last one last.
fn checkpoints(all: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(all) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix(PREFIX);
        if let Some(step) = number.and_then(|number| number.parse().ok()) {
            found.push((step, path));
        } else if number.is_some_and(|number| number.ends_with(UNFINISHED)) {
            remove(&path)?;
        }
    }
    found.sort();
    Ok(found)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Waits until a folder's names are on the disk, where the system can do that.
fn flush(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn damaged(reason: &str) -> Error {
    Error::new(ErrorKind::Model, format!("damaged checkpoint: {reason}"))
        .with_help("remove it; the run then goes on from the one before, or begins anew")
}

/// Writes a file as a whole: under another name first, then flushed and renamed.
///
/// # Errors
/// Where it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |file| file.write_all(bytes))
}

fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(UNFINISHED);
    let unfinished = path.with_file_name(name);
    let written = File::create(&unfinished).and_then(|file| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&unfinished, path)
    });
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Writes tensors in the format safetensors: the length of a JSON header, the header, the numbers. The
/// header says, as that of PyTorch's files, whose format the names follow.
///
/// # Errors
/// Where it cannot be written.
pub fn write_tensors(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    numbers: Numbers,
) -> io::Result<()> {
    let (dtype, name, size) = match numbers {
        Numbers::F32 => (DType::F32, "F32", 4),
        Numbers::F16 => (DType::F16, "F16", 2),
    };
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut at = 0;
    for (key, tensor) in tensors {
        let end = at + tensor.elem_count() * size;
        let entry = json!({ "dtype": name, "shape": tensor.dims(), "data_offsets": [at, end] });
        header.insert(key.clone(), entry);
        at = end;
    }
    let mut header = Value::Object(header).to_string();
    // The numbers begin at a multiple of 8 bytes.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    write_whole(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for tensor in tensors.values() {
            let plain = tensor.to_dtype(dtype).and_then(|tensor| tensor.write_bytes(file));
            plain.map_err(|error| match error {
                candle_core::Error::Io(error) => error,
                other => io::Error::other(other),
            })?;
        }
        Ok(())
    })
}

/// Reads what [`write_tensors`] wrote.
///
/// # Errors
/// Where the file is missing or damaged.
pub fn read_tensors(path: &Path, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    let bytes = fs::read(path).map_err(|e| Error::io("read", path.display(), e))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, device).map_err(|e| {
        let reason = e.to_string();
        let reason = reason.lines().next().unwrap_or("unknown");
        damaged(reason).at(Location::file(path.display().to_string()))
    })?;
    Ok(tensors.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(step: u64) -> Checkpoint {
        let tensor =
            Tensor::new(&[[0.1f32, f32::MIN_POSITIVE], [-0.0, 3e38]], &Device::Cpu).unwrap();
        let state = State {
            recipe: "r".to_owned(),
            data: "d".to_owned(),
            step,
            epoch: 1,
            batch: 2,
            dropout: u128::MAX.to_string(),
            best: Some(Best { score: 0.1 + 0.2, step: 1 }),
            best_scores: json!({"score": 0.3}),
            without_gain: 1,
            plateau: Plateau { share: 0.5, without_gain: 2 },
            ended_early: false,
            log_bytes: 9,
            event_bytes: 7,
        };
        let weights = BTreeMap::from([("w".to_owned(), tensor.clone())]);
        let moments = BTreeMap::from([("first.w".to_owned(), tensor)]);
        Checkpoint { state, weights, moments, optimiser_steps: step }
    }

    #[test]
    fn what_is_written_is_read_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let written = checkpoint(3);
        written.save(folder.path(), 1).unwrap();
        let read = Checkpoint::last(folder.path(), &Device::Cpu).unwrap().unwrap();
        assert_eq!((read.state, read.optimiser_steps), (written.state, 3));
        let bits = |tensor: &Tensor| {
            let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(bits(&read.weights["w"]), bits(&written.weights["w"]));
        assert_eq!(read.moments["first.w"].dims(), [2, 2]);
    }

    #[test]
    fn the_last_ones_are_kept_and_what_is_unfinished_is_not_one() {
        let folder = tempfile::tempdir().unwrap();
        for step in [9, 10, 100] {
            checkpoint(step).save(folder.path(), 2).unwrap();
        }
        fs::create_dir(folder.path().join("step-00000200.part")).unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        let names = |folder: &Path| {
            let mut names: Vec<_> =
                fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let last = Checkpoint::last_place(folder.path()).unwrap().unwrap();
        assert!(last.ends_with("step-00000100"));
        assert_eq!(names(folder.path()), ["notes", "step-00000010", "step-00000100"]);
        assert!(Checkpoint::last(&folder.path().join("none"), &Device::Cpu).unwrap().is_none());
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let place = checkpoint(1).save(folder.path(), 1).unwrap();
        for file in [WEIGHTS, MOMENTS, STATE] {
            let whole = fs::read(place.join(file)).unwrap();
            fs::write(place.join(file), &whole[..whole.len() / 2]).unwrap();
            let error = Checkpoint::last(folder.path(), &Device::Cpu).err().unwrap();
            assert!(error.to_string().contains("damaged checkpoint"), "{error}");
            assert!(error.location().unwrap().file.ends_with(file), "{error}");
            fs::write(place.join(file), whole).unwrap();
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_keeps_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        checkpoint(1).save(folder.path(), 1).unwrap();
        // A file stands where the folder of the next one would be made.
        fs::write(folder.path().join("step-00000002"), "").unwrap();
        assert!(checkpoint(2).save(folder.path(), 1).is_err());
        fs::remove_file(folder.path().join("step-00000002")).unwrap();
        let last = Checkpoint::last(folder.path(), &Device::Cpu).unwrap().unwrap();
        assert_eq!(last.state.step, 1);
    }
}
