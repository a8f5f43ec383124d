//! `spanloom tag -o FOLDER/`: a job that can be killed at any moment.

mod changes;
mod kill;
mod told;

use std::collections::BTreeMap;
use std::fs;

use super::Bench;

/// Documents in three files of two formats, some of which are none; about 180 kB of text.
pub(super) fn corpus() -> Bench {
    let names = ["Paris", "Paris Hilton", "New York", "Łódź", "Ms. Paris", "nobody"];
    let mut bench = Bench::new();
    for file in 0..2 {
        let line = |n: usize| {
            let name = names[(n * 7 + file) % names.len()];
            match n % 97 {
                // No JSON, and no text.
                41 => "{\"id\": 1,\n".to_owned(),
                83 => "{\"id\": \"x\"}\n".to_owned(),
                _ => format!(
                    "{{\"id\":\"{file}-{n}\",\"text\":\"{} met {name} in Texas {}.\",\"n\":{n}}}\n",
                    names[n % 5],
                    "and said nothing ".repeat(n % 11)
                ),
            }
        };
        bench = bench.write(&format!("in/{file}.jsonl"), (0..700).map(line).collect::<String>());
    }
    let tokens = "New B-LOC\nYork I-LOC\nis O\nfar O\n\n".repeat(300);
    bench.write("in/tokens.conll", tokens)
}

/// A shard has so much text in these tests.
pub(super) const SHARD: &str = "9kB";

/// The files of a job that do not depend on when it ran: names and bytes.
pub(super) fn files(bench: &Bench, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(bench.path().join(folder)).unwrap().map(Result::unwrap);
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with("part-") || name.starts_with("errors"))
        .map(|name| {
            let bytes = fs::read(bench.path().join(folder).join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}

/// Everything that shards hold, one after the other.
fn joined(bench: &Bench, folder: &str) -> String {
    let shards = files(bench, folder).into_iter().filter(|(name, _)| name.starts_with("part-"));
    String::from_utf8(shards.flat_map(|(_, bytes)| bytes).collect()).unwrap()
}

#[test]
fn shards_hold_what_one_file_would() {
    let bench = corpus();
    let whole = bench.run(&["tag", "in", "-q"]);
    assert_eq!(whole.code, 1, "some documents are none");
    let ran = bench.run(&["tag", "in", "-o", "out/", "--shard-size", SHARD]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(joined(&bench, "out"), whole.out);
    let made = files(&bench, "out");
    assert!(made.len() > 10 && made.contains_key("part-00009.jsonl"), "{:?}", made.keys());
    let errors = bench.read("out/errors.jsonl");
    assert_eq!(errors.lines().count(), 28);
    let first = "{\"input\":\"in/0.jsonl\",\"line\":42,\"column\":9,\"document\":null,\"kind\":\"document\",";
    assert!(errors.starts_with(first), "{errors}");
    for part in [
        "job in out/: complete\n",
        "  documents    1,672\n",
        "  errors          28  out/errors.jsonl\n",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    // A folder that is there needs no sign, and what is done is not done again.
    let again = bench.run(&["tag", "in", "-o", "out", "--shard-size", SHARD, "-q"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""), "{}", again.err);
    assert_eq!(files(&bench, "out"), made);
    let left: Vec<_> = fs::read_dir(bench.path().join("out")).unwrap().collect();
    assert_eq!(left.len(), made.len() + 2, "shards, errors, journal and lock: {left:?}");
}

#[test]
fn every_format_and_compression_makes_shards_that_read_back() {
    let bench = corpus();
    let plain = bench.run(&["tag", "in", "--format", "conll", "-q"]).out;
    for (compression, suffix) in [("none", ""), ("gz", ".gz"), ("bz2", ".bz2"), ("zst", ".zst")] {
        let folder = format!("out-{compression}");
        let job = ["tag", "in", "-o", &folder, "--job", "--shard-size", SHARD, "-q"];
        bench.run(&[&job[..], &["--format", "conll", "--compress", compression]].concat());
        assert!(files(&bench, &folder).contains_key(&format!("part-00003.conll{suffix}")));
        let shards = format!("{folder}/part-*");
        let back = bench.run(&["convert", &shards, "--to", "conll"]);
        assert_eq!(back.code, 0, "{}", back.err);
        assert_eq!(back.out.lines().count(), plain.lines().count(), "{compression}");
    }
    for format in ["text", "parquet", "spacy", "label-studio"] {
        let folder = format!("{format}/");
        let job = ["tag", "in", "-o", &folder, "--shard-size", "40kB", "-q", "--format", format];
        let ran = bench.run(&job);
        assert_eq!(ran.code, 1, "{format}: {}", ran.err);
        let shards = files(&bench, format).keys().filter(|name| name.starts_with("part-")).count();
        assert!(shards > 2, "{format}: {shards}");
    }
}

#[test]
fn bounds_depend_on_the_text_alone() {
    let bench = corpus();
    let ids = |folder: &str, more: &[&str]| -> Vec<Vec<String>> {
        let output = format!("{folder}/");
        let job = ["tag", "in", "-o", &output, "--shard-size", SHARD, "-q"];
        bench.run(&[&job[..], more].concat());
        let shards = files(&bench, folder).into_iter().filter(|(name, _)| name.starts_with("part"));
        let ids = |bytes: Vec<u8>| -> Vec<String> {
            let text = String::from_utf8(bytes).unwrap();
            let id = |line: &str| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                value["id"].to_string() + &value["meta"]["id"].to_string()
            };
            text.lines().map(id).collect()
        };
        shards.map(|(_, bytes)| ids(bytes)).collect()
    };
    let counts = |shards: Vec<Vec<String>>| shards.iter().map(Vec::len).collect::<Vec<usize>>();
    let plain = counts(ids("plain", &[]));
    assert_eq!(counts(ids("other", &["--without", "places", "--offsets", "byte"])), plain);
    assert_eq!(counts(ids("spacy", &["--format", "doccano"])), plain);
}

#[test]
fn parts_together_are_everything() {
    let bench = corpus();
    let lines = |folder: &str| {
        let text = joined(&bench, folder);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let job = |folder: &str, part: &str| {
        let output = format!("{folder}/");
        bench.run(&["tag", "in", "-o", &output, "--shard-size", SHARD, "--shard", part, "-q"])
    };
    job("whole", "1/1");
    let errors = |folder: &str| -> usize {
        let made = files(&bench, folder).into_iter().filter(|(name, _)| name.starts_with("errors"));
        made.map(|(_, bytes)| String::from_utf8(bytes).unwrap().lines().count()).sum()
    };
    // Three files for two processes, and for seven.
    for of in [2, 7] {
        let folder = format!("by-{of}");
        for number in (1..=of).rev() {
            let ran = job(&folder, &format!("{number}/{of}"));
            assert_ne!(ran.code, 2, "{}", ran.err);
        }
        assert_eq!(lines(&folder), lines("whole"), "{of} parts");
        assert_eq!(errors(&folder), 28);
        assert!(bench.path().join(format!("{folder}/job-2-of-{of}.jsonl")).is_file());
    }
    let other = job("by-2", "1/3").failed();
    assert!(other.contains("job-1-of-2.jsonl belongs to a job in 2 parts, and this is part 1/3"));
    assert_eq!(bench.run(&["tag", "in", "-o", "x/", "--shard", "3/2"]).code, 2);
}
