//! What a job was begun with: program, engine, options and inputs. A run that goes on must have the same, since
//! shards of two engines in one folder would be worth nothing.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::io::Inputs;
use crate::pipeline::EngineFile;
use crate::resource::in_hex;

/// So many inputs are listed in the journal; of more, their number, size and hash are kept.
const MOST_LISTED: usize = 10_000;

/// A change is told of at most so many things; the others are counted.
const MOST_TOLD: usize = 6;

/// So many digits of a hash are shown.
const SHOWN_DIGITS: usize = 12;

/// What decides the output of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of the program.
    pub program: String,
    /// The files the engine was made of.
    pub engine: Vec<EngineFile>,
    /// The options that show in the output: name and value.
    pub options: Vec<(String, String)>,
    /// What is read.
    pub inputs: JobInputs,
}

/// The inputs of a job: their names and sizes, and those that stand for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInputs {
    /// How many there are.
    pub count: u64,
    /// Their size on disk in bytes.
    pub bytes: u64,
    /// The SHA-256 of the list.
    pub sha256: String,
    /// Name and size of each; empty where there are too many to list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<(String, Option<u64>)>,
}

impl JobInputs {
    /// The inputs as they are now.
    pub fn of(inputs: &Inputs) -> Self {
        let files = inputs.files.iter().map(|file| (file.name(), file.size()));
        let missing = inputs.errors.iter().map(|error| (error.to_string(), None));
        let (mut hash, mut bytes, mut count) = (Sha256::new(), 0, 0);
        let mut list = Vec::new();
        for (name, size) in files.chain(missing) {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(&name);
            hash.update(size.unwrap_or(u64::MAX).to_le_bytes());
            bytes += size.unwrap_or(0);
            count += 1;
            if list.len() <= MOST_LISTED {
                list.push((name, size));
            }
        }
        if list.len() > MOST_LISTED {
            list = Vec::new();
        }
        Self { count, bytes, sha256: in_hex(&hash.finalize()), list }
    }

    fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self == now {
            return changes;
        }
        let was = |list: &[(String, Option<u64>)], name: &str| {
            list.iter().find(|(other, _)| other == name).map(|(_, size)| *size)
        };
        if !self.list.is_empty() && !now.list.is_empty() {
            for (name, size) in &self.list {
                match was(&now.list, name) {
                    None => changes.push(format!("the input {name} is gone")),
                    Some(new) if new != *size => {
                        let told = |size: &Option<u64>| {
                            size.map_or("no size".to_owned(), |size| format!("{size} bytes"))
                        };
                        let (old, new) = (told(size), told(&new));
                        changes.push(format!("the input {name} had {old} and has {new}"));
                    }
                    Some(_) => {}
                }
            }
            let new = now.list.iter().filter(|(name, _)| was(&self.list, name).is_none());
            changes.extend(new.map(|(name, _)| format!("the input {name} is new")));
            if changes.is_empty() {
                changes.push("the inputs are in another order".to_owned());
            }
        } else {
            changes.push(format!(
                "there were {} inputs of {} bytes (list {}) and are {} of {} bytes (list {})",
                self.count,
                self.bytes,
                shown(&self.sha256),
                now.count,
                now.bytes,
                shown(&now.sha256)
            ));
        }
        changes
    }
}

impl Identity {
    /// What is another `now`, each as a sentence; empty where nothing is.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.program != now.program {
            changes.push(format!("Spanloom was {} and is {}", self.program, now.program));
        }
        for old in &self.engine {
            let told = |file: &EngineFile| {
                format!("{} bytes, SHA-256 {}", file.bytes, shown(&file.sha256))
            };
            match now.engine.iter().find(|file| file.name == old.name) {
                None => changes.push(format!("{} is no part of the engine any more", old.name)),
                Some(new) if new != old => {
                    changes.push(format!("{} was {} and is {}", old.name, told(old), told(new)));
                }
                Some(_) => {}
            }
        }
        let is_new = |file: &&EngineFile| !self.engine.iter().any(|old| old.name == file.name);
        let new = now.engine.iter().filter(is_new);
        changes.extend(new.map(|file| format!("{} is new in the engine", file.name)));
        let value = |options: &[(String, String)], name: &str| {
            let found = options.iter().find(|(other, _)| other == name);
            found.map_or("not set".to_owned(), |(_, value)| format!("'{value}'"))
        };
        let names = self.options.iter().chain(&now.options).map(|(name, _)| name);
        let mut seen = Vec::new();
        for name in names {
            let (old, new) = (value(&self.options, name), value(&now.options, name));
            if old != new && !seen.contains(&name) {
                changes.push(format!("--{name} was {old} and is {new}"));
                seen.push(name);
            }
        }
        changes.extend(self.inputs.changes(&now.inputs));
        changes
    }
}

/// Changes as one sentence.
pub(super) fn told(changes: &[String]) -> String {
    let mut text = changes.iter().take(MOST_TOLD).cloned().collect::<Vec<_>>().join("; ");
    if changes.len() > MOST_TOLD {
        text.push_str(&format!("; and {} more", changes.len() - MOST_TOLD));
    }
    text
}

/// The beginning of a hash.
fn shown(hash: &str) -> &str {
    hash.get(..SHOWN_DIGITS).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let file = |name: &str, sha256: &str| EngineFile {
            name: name.to_owned(),
            bytes: 3,
            sha256: sha256.repeat(32),
        };
        let list = vec![("a.txt".to_owned(), Some(5)), ("b.txt".to_owned(), Some(6))];
        Identity {
            program: "1.0.0".to_owned(),
            engine: vec![file("spanloom.toml", "aa"), file("rules.toml", "bb")],
            options: vec![("offsets".to_owned(), "char".to_owned())],
            inputs: JobInputs { count: 2, bytes: 11, sha256: "cc".repeat(32), list },
        }
    }

    #[test]
    fn every_change_is_named_with_what_was_and_what_is() {
        let old = identity();
        assert!(old.changes(&identity()).is_empty());
        let mut new = identity();
        new.program = "1.1.0".to_owned();
        new.engine[0].sha256 = "dd".repeat(32);
        new.engine[1].name = "other.toml".to_owned();
        new.options[0].1 = "byte".to_owned();
        new.options.push(("with".to_owned(), "extra".to_owned()));
        new.inputs.sha256 = "ee".repeat(32);
        new.inputs.list = vec![("a.txt".to_owned(), Some(7)), ("c.txt".to_owned(), Some(6))];
        let changes = old.changes(&new);
        let expected = [
            "Spanloom was 1.0.0 and is 1.1.0",
            "spanloom.toml was 3 bytes, SHA-256 aaaaaaaaaaaa and is 3 bytes, SHA-256 dddddddddddd",
            "rules.toml is no part of the engine any more",
            "other.toml is new in the engine",
            "--offsets was 'char' and is 'byte'",
            "--with was not set and is 'extra'",
            "the input a.txt had 5 bytes and has 7 bytes",
            "the input b.txt is gone",
            "the input c.txt is new",
        ];
        assert_eq!(changes, expected);
        assert!(told(&changes).ends_with("'extra'; and 3 more"), "{}", told(&changes));
    }

    #[test]
    fn of_many_inputs_the_hash_tells() {
        let (mut old, mut new) = (identity(), identity());
        new.inputs.list.swap(0, 1);
        assert_eq!(old.changes(&new), ["the inputs are in another order"]);
        old.inputs.list.clear();
        new.inputs.list.clear();
        assert!(old.changes(&new).is_empty());
        new.inputs.sha256 = "ee".repeat(32);
        let changes = old.changes(&new);
        assert_eq!(changes.len(), 1);
        assert!(
            changes[0].starts_with("there were 2 inputs of 11 bytes (list cccc"),
            "{changes:?}"
        );
    }
}
