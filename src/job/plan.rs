//! Which document is in which shard. A shard ends with the document that brings the texts read since its
//! beginning to its size, so that its bounds depend on the inputs alone: not on the format that is written, on
//! batches, threads, or on what failed.

use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DocumentStream, InputFile, Inputs, ReadOptions};
use crate::pipeline::BatchLimit;
use crate::text::Document;

/// A place between two documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The number of the input. The first stands for the inputs that are no files.
    pub(super) input: usize,
    /// How many of its documents, and of its errors, come before.
    pub(super) item: u64,
}

/// What was read, one after the other.
pub(super) struct Chunk {
    /// The shard it belongs to, by its number in the part.
    pub(super) shard: u64,
    /// The documents, each with the number of its input among the files.
    pub(super) items: Vec<(Option<usize>, Result<Document>)>,
    /// Where the next shard begins, where this is the last chunk of its shard.
    pub(super) end: Option<Position>,
}

/// What a plan is made of.
pub(super) struct PlanOptions {
    /// The part of the job.
    pub(super) part: Part,
    /// The size of a shard, in bytes of text.
    pub(super) shard_bytes: u64,
    /// What a chunk holds.
    pub(super) chunk: BatchLimit,
}

/// The chunks of a part of a job, in order. Chunks end where shards do: what a shard holds is tagged in the same
/// batches whether it is the first of a run or not.
pub(super) struct Plan {
    missing: std::vec::IntoIter<Error>,
    files: Vec<InputFile>,
    stream: DocumentStream,
    options: PlanOptions,
    /// Whether the part has every so many-th shard of all, rather than all shards of its own files.
    is_dealt: bool,
    current: Option<DocumentStream>,
    position: Position,
    /// So many items of the input at hand belong to shards that are done.
    skipped: u64,
    /// The shard at hand, among those of all parts where they are dealt.
    shard: u64,
    shard_text: u64,
    shard_items: u64,
    is_over: bool,
}

impl Plan {
    /// The rest of a part from `position` on, of which `done` shards are done.
    ///
    /// Where there are at least as many files as parts, files are dealt in turn; else every part reads all
    /// files and shards are dealt.
    pub(super) fn new(
        inputs: Inputs,
        read: ReadOptions,
        options: PlanOptions,
        done: u64,
        position: Position,
    ) -> Self {
        let Inputs { mut files, mut errors } = inputs;
        let PlanOptions { part, .. } = options;
        let is_dealt = part.of() > 1 && (files.len() as u64) < u64::from(part.of());
        if !is_dealt {
            let mut index = 0..;
            files.retain(|_| part.has(index.next().expect("there is always a next number")));
            if part.number() != 1 {
                errors.clear();
            }
        }
        let shard = match done.checked_sub(1) {
            Some(last) if is_dealt => {
                last * u64::from(part.of()) + u64::from(part.number() - 1) + 1
            }
            _ => done,
        };
        let stream = DocumentStream::new(files.clone(), read);
        Self {
            missing: errors.into_iter(),
            files,
            stream,
            options,
            is_dealt,
            current: None,
            position: Position { item: 0, ..position },
            skipped: position.item,
            shard,
            shard_text: 0,
            shard_items: 0,
            is_over: false,
        }
    }

    /// The files of the part, as they are numbered in chunks.
    pub(super) fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// The documents of all files of the part, to ask how many bytes they have and how many are read.
    pub(super) fn stream(&self) -> &DocumentStream {
        &self.stream
    }

    /// The size of the files that are passed over as a whole, in bytes on disk.
    pub(super) fn bytes_passed(&self) -> u64 {
        let passed = self.position.input.saturating_sub(1).min(self.files.len());
        self.files[..passed].iter().filter_map(InputFile::size).sum()
    }

    /// What comes next, with the number of its file; `None` at the end of the last.
    fn next_item(&mut self) -> Result<Option<(Option<usize>, Result<Document>)>> {
        loop {
            let file = self.position.input.checked_sub(1);
            let item = match (file, &mut self.current) {
                (None, _) => self.missing.next().map(Err),
                (Some(_), Some(current)) => current.next(),
                (Some(number), None) => {
                    let Some(file) = self.files.get(number) else { return Ok(None) };
                    let opened = self.current.insert(self.stream.of(vec![file.clone()]));
                    opened.next()
                }
            };
            match item {
                // Noted as an error, what is behind it would be lost; another run may read it.
                Some(Err(error)) if error.kind() == ErrorKind::Remote => {
                    return Err(to_go_on(&error));
                }
                Some(_) if self.position.item < self.skipped => self.position.item += 1,
                Some(item) => {
                    self.position.item += 1;
                    return Ok(Some((file, item)));
                }
                None if self.position.item < self.skipped => return Err(self.too_short(file)),
                None => {
                    self.current = None;
                    self.skipped = 0;
                    self.position = Position { input: self.position.input + 1, item: 0 };
                }
            }
        }
    }

    /// An input does not hold what is done of it.
    fn too_short(&self, file: Option<usize>) -> Error {
        let name = file.and_then(|number| self.files.get(number)).map(InputFile::name);
        let message = format!(
            "{} holds {} documents, and {} of it are done: it was changed, or cannot be read to its end",
            name.as_deref().unwrap_or("the list of inputs"),
            self.position.item,
            self.skipped
        );
        Error::new(ErrorKind::Document, message).with_help("`--restart` begins the job anew")
    }

    /// The number of the shard at hand in the part, where it belongs to it.
    fn own_shard(&self) -> Option<u64> {
        match self.is_dealt {
            true => {
                let part = self.options.part;
                part.has(self.shard).then(|| self.shard / u64::from(part.of()))
            }
            false => Some(self.shard),
        }
    }
}

/// An error that ends a run, but not the job.
fn to_go_on(error: &Error) -> Error {
    let help = error.help_text().map(|help| format!("{help}; ")).unwrap_or_default();
    Error::new(error.kind(), error.message()).with_help(format!(
        "{help}what is done stays done, and the same command goes on from there"
    ))
}

impl Iterator for Plan {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Result<Chunk>> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        while !self.is_over {
            let item = match self.next_item() {
                Ok(item) => item,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            };
            let own = self.own_shard();
            let mut is_end = false;
            match item {
                Some((file, item)) => {
                    let text = item.as_ref().map_or(0, |document| document.text.len());
                    self.shard_text += text as u64;
                    self.shard_items += 1;
                    bytes += text;
                    is_end = self.shard_text >= self.options.shard_bytes;
                    if own.is_some() {
                        items.push((file, item));
                    }
                }
                None => self.is_over = true,
            }
            is_end |= self.is_over && self.shard_items > 0;
            if is_end {
                (self.shard_text, self.shard_items) = (0, 0);
                self.shard += 1;
            }
            let is_full = self.options.chunk.is_reached(items.len(), bytes);
            match own {
                Some(shard) if is_end || is_full => {
                    let end = is_end.then_some(self.position);
                    return Some(Ok(Chunk { shard, items, end }));
                }
                Some(_) => {}
                None => bytes = 0,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Three files of ten documents of ten bytes, one of which is no document.
    fn corpus(folder: &Path) -> Inputs {
        for file in 0..3 {
            let line = |n: usize| match n {
                7 => "{\n".to_owned(),
                n => format!("{{\"text\":\"{:010}\"}}\n", 10 * file + n),
            };
            let text: String = (0..10).map(line).collect();
            std::fs::write(folder.join(format!("{file}.jsonl")), text).unwrap();
        }
        let missing = folder.join("no.txt");
        Inputs::expand(&[folder.to_owned(), missing], None)
    }

    fn plan(inputs: Inputs, part: &str, done: u64, position: Position) -> Plan {
        let chunk = BatchLimit { documents: 3, bytes: 1000 };
        let options = PlanOptions { part: part.parse().unwrap(), shard_bytes: 40, chunk };
        Plan::new(inputs, ReadOptions::default(), options, done, position)
    }

    /// The shards: number, documents (`-` for what is none), and where the next one begins.
    fn shards(plan: Plan) -> Vec<(u64, Vec<String>, Position)> {
        let (mut shards, mut held) = (Vec::new(), Vec::new());
        for chunk in plan {
            let Chunk { shard, items, end } = chunk.unwrap();
            assert!(items.len() <= 3);
            let text = |item: Result<Document>| item.map_or("-".to_owned(), |d| d.text);
            held.extend(items.into_iter().map(|(_, item)| text(item)));
            if let Some(end) = end {
                shards.push((shard, std::mem::take(&mut held), end));
            }
        }
        assert!(held.is_empty());
        shards
    }

    #[test]
    fn from_every_bound_the_rest_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let all = shards(plan(corpus(folder.path()), "1/1", 0, Position::default()));
        // The input that is no file, 27 documents and three lines that are none.
        assert_eq!(all.iter().map(|(_, items, _)| items.len()).sum::<usize>(), 31);
        assert_eq!(all[0].1[..2], ["-", "0000000000"]);
        assert!(
            all[..6]
                .iter()
                .all(|(_, items, _)| { items.iter().filter(|item| *item != "-").count() == 4 })
        );
        for (number, shard) in all.iter().enumerate() {
            let done = number + 1;
            let rest = shards(plan(corpus(folder.path()), "1/1", done as u64, shard.2));
            assert_eq!(rest, all[done..], "after shard {number}");
        }
    }

    #[test]
    fn parts_are_disjoint_and_together_everything() {
        let folder = tempfile::tempdir().unwrap();
        let whole = shards(plan(corpus(folder.path()), "1/1", 0, Position::default()));
        let mut expected: Vec<String> = whole.into_iter().flat_map(|(_, items, _)| items).collect();
        expected.sort();
        // Two parts take files in turn, eight read all and take shards in turn.
        for of in [2, 3, 8] {
            let mut found = Vec::new();
            for number in 1..=of {
                let part = format!("{number}/{of}");
                let all = shards(plan(corpus(folder.path()), &part, 0, Position::default()));
                assert!(all.iter().map(|(shard, ..)| *shard).eq(0..all.len() as u64), "{part}");
                for (number, shard) in all.iter().enumerate() {
                    let done = number + 1;
                    let rest = shards(plan(corpus(folder.path()), &part, done as u64, shard.2));
                    assert_eq!(rest, all[done..], "{part} after shard {number}");
                }
                found.extend(all.into_iter().flat_map(|(_, items, _)| items));
            }
            found.sort();
            assert_eq!(found, expected, "{of} parts");
        }
    }

    #[test]
    fn an_input_that_lost_documents_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let position = Position { input: 2, item: 30 };
        let mut plan = plan(corpus(folder.path()), "1/1", 1, position);
        let error = plan.next().unwrap().err().unwrap().to_string();
        assert!(error.contains("1.jsonl holds 10 documents, and 30 of it are done"), "{error}");
        assert!(plan.next().is_none());
    }

    #[test]
    fn nothing_to_read_is_no_shard() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.jsonl"), "").unwrap();
        let inputs = Inputs::expand(&[folder.path().to_owned()], None);
        assert!(shards(plan(inputs, "1/1", 0, Position::default())).is_empty());
    }
}
