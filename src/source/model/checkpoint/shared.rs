//! One copy of the same weights in memory, however many models are made of them: several taggers over one
//! encoder, or one model in several engines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use candle_core::Device;

use super::{Tensors, read, weights_file};
use crate::error::Result;
use crate::resource::Files;

/// What makes two readings the same: the file, as it was when it was read, and the device.
type Key = (PathBuf, SystemTime, u64, String);

/// What is in use somewhere.
static IN_USE: Mutex<BTreeMap<Key, Weak<Tensors>>> = Mutex::new(BTreeMap::new());

/// The weights in the model folder `folder`, on `device`, and what to call the file. While somebody keeps
/// the first, the same file is not read again. Files inside the program and weights in shards are read each
/// time.
///
/// # Errors
/// As [`read`].
pub(in super::super) fn shared(
    files: &Files,
    folder: &str,
    device: &Device,
) -> Result<(Arc<Tensors>, String)> {
    let Some(key) = key(files, folder, device) else {
        let (tensors, shown) = read(files, folder, device)?;
        return Ok((Arc::new(tensors), shown));
    };
    let in_use = || IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = in_use().get(&key).and_then(Weak::upgrade);
    if let Some(tensors) = known {
        return Ok((tensors, files.display(&weights_file(files, folder)?.0)));
    }
    let (tensors, shown) = read(files, folder, device)?;
    let tensors = Arc::new(tensors);
    let mut in_use = in_use();
    in_use.retain(|_, tensors| tensors.strong_count() > 0);
    in_use.insert(key, Arc::downgrade(&tensors));
    Ok((tensors, shown))
}

fn key(files: &Files, folder: &str, device: &Device) -> Option<Key> {
    let (name, _) = weights_file(files, folder).ok()?;
    if name.ends_with(".index.json") {
        return None;
    }
    let path = files.path(&name)?.canonicalize().ok()?;
    let facts = path.metadata().ok()?;
    Some((path, facts.modified().ok()?, facts.len(), format!("{:?}", device.location())))
}
