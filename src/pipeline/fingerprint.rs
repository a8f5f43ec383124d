//! What an engine was made of, file by file, so that a later run can tell whether it is the same engine and
//! name what is not. That findings are kept by the state of their source is `store`'s concern.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::{Engine, EngineOptions};
use super::builtin;
use super::reload::Parts;
use crate::error::{Error, Result};
use crate::resource::{Files, Reads, in_hex};

/// A file that an engine was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFile {
    /// Its path, as the engine names it.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Where an engine comes from.
#[derive(Debug, Clone, Copy)]
pub enum EngineOrigin<'a> {
    /// An engine file.
    File(&'a Path),
    /// The program itself.
    Builtin,
    /// A model's folder, without an engine file.
    Model(&'a Path),
}

impl Engine {
    /// The engine of `origin`, and every file that was read for it, sorted by name: engine file, rules,
    /// gazetteers, models. The files of the built-in engine count as one.
    ///
    /// # Errors
    /// As [`Engine::load_with`].
    pub fn load_with_files(
        origin: EngineOrigin<'_>,
        options: &EngineOptions,
    ) -> Result<(Self, Vec<EngineFile>)> {
        let mut parts = Parts::default();
        let noted = |folder: &Path| Files::noted(folder.to_owned());
        let (engine, mut reads) = match origin {
            EngineOrigin::Builtin => {
                return Ok((Self::builtin_with(options)?, vec![builtin_files()?]));
            }
            EngineOrigin::File(path) => {
                let files = noted(path.parent().unwrap_or(Path::new("")));
                let engine = Self::load_from(path, files.clone(), options, &mut parts)?;
                (engine, files.reads())
            }
            EngineOrigin::Model(path) => {
                let files = noted(Path::new(""));
                let engine = Self::model_alone_from(files.clone(), path, options)?;
                (engine, files.reads())
            }
        };
        reads.extend(parts.reads().clone());
        Ok((engine, hashed(&reads)?))
    }
}

/// The files that were there when they were asked for.
fn hashed(reads: &Reads) -> Result<Vec<EngineFile>> {
    let paths: Vec<PathBuf> =
        reads.files().filter(|path| path.is_file()).map(Path::to_owned).collect();
    let file = |path: PathBuf| {
        let (bytes, sha256) = sha256_of(&path)?;
        Ok(EngineFile { name: path.display().to_string(), bytes, sha256 })
    };
    paths.into_iter().map(file).collect()
}

/// All files inside the program, as one.
fn builtin_files() -> Result<EngineFile> {
    let list = match builtin::files()? {
        Files::Builtin(list) => list,
        Files::Folder(_) | Files::Noted(_) | Files::Listed(..) => &[],
    };
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    for file in list {
        hash.update((file.path.len() as u64).to_le_bytes());
        hash.update(file.path);
        hash.update((file.bytes.len() as u64).to_le_bytes());
        hash.update(file.bytes);
        bytes += file.bytes.len() as u64;
    }
    Ok(EngineFile {
        name: "the built-in engine".to_owned(),
        bytes,
        sha256: in_hex(&hash.finalize()),
    })
}

/// The size of a file in bytes and the SHA-256 of what it holds, in hexadecimal. The file is never whole in
/// memory.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256_of(path: &Path) -> Result<(u64, String)> {
    let mut hash = Sha256::new();
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hash));
    let bytes = copied.map_err(|error| Error::io("read", path.display(), error))?;
    Ok((bytes, in_hex(&hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"places\"\n\
                          files = [\"*.tsv\"]\nstop-files = [\"stop.txt\"]\n[[merge]]\npass = \"longest\"\n";

    #[test]
    fn every_file_that_was_read_is_named_with_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("engine.toml", ENGINE);
        write("a.tsv", "Paris\tLOC\n");
        write("b.tsv", "Texas\tLOC\n");
        write("stop.txt", "abc");
        write("notes.txt", "nobody reads this");
        let path = folder.path().join("engine.toml");
        let load = || {
            let origin = EngineOrigin::File(&path);
            Engine::load_with_files(origin, &EngineOptions::default()).unwrap().1
        };
        let files = load();
        let names: Vec<&str> =
            files.iter().map(|file| file.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.tsv", "b.tsv", "engine.toml", "stop.txt"]);
        // The digest of "abc" in FIPS 180-4.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((files[3].bytes, files[3].sha256.as_str()), (3, abc));
        write("b.tsv", "Quito\tLOC\n");
        let again = load();
        assert_eq!((&again[0], &again[2..]), (&files[0], &files[2..]));
        assert_ne!(again[1].sha256, files[1].sha256);
    }
}
