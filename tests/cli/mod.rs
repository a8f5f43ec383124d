//! The program as a user runs it, on small engine files written for the test.

mod check;
mod convert;
mod corpora;
mod diff;
mod engines;
mod eval;
mod eval_parts;
mod evidence;
mod explain;
mod gazetteer;
mod job;
mod lint;
mod pages;
mod remote;
mod report;
mod rules;
mod select;
mod tables;
mod tag;
mod train;
mod tune;
mod warc;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// Places, persons and dates; two of the surfaces are ambiguous.
pub(crate) const ENGINE: &str = r#"
labels = ["LOC", "PER"]
helper-labels = ["TITLE"]

[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC", "Q90"], ["New York", "LOC"], ["Łódź", "LOC"], ["Texas", "LOC"]]
match = "all"

[[source]]
kind = "gazetteer"
name = "people"
entries = [["Paris", "PER", "", 0.4], ["Paris Hilton", "PER"]]
match = "all"

[[source]]
kind = "rules"
name = "titles"

[[source.rule]]
id = "title-ms"
doc = "The title Ms."
label = "TITLE"
pattern = 'Ms\.'
[[source.rule.case]]
text = "Ms. Paris"
finds = ["Ms."]
[[source.rule.case]]
text = "Msgr Paris"
finds = []

[[source]]
kind = "gazetteer"
name = "extra"
enabled = false
entries = [["Ms", "HONORIFIC"]]
adds-labels = ["HONORIFIC"]

[[merge]]
pass = "combine"

[[merge]]
pass = "longest"
"#;

/// A folder with `spanloom.toml` and whatever a test adds; the program runs in it.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What the program did.
pub(crate) struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_engine(ENGINE)
    }

    pub(crate) fn with_engine(engine: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("spanloom.toml", engine)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("spanloom").unwrap();
        command.current_dir(self.path()).args(arguments).env_remove("NO_COLOR");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.command(arguments))
    }

    pub(crate) fn pipe(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).write_stdin(input))
    }
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// The output of a run without complaint.
    pub(crate) fn clean(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The messages of a run that failed, without colours.
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert!(!self.err.contains('\u{1b}'), "colours in a pipe: {}", self.err);
        self.err
    }
}
