//! A job goes on only with what it was begun with; what becomes of it otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use super::{Bench, SHARD, corpus, files};

const JOB: [&str; 7] = ["tag", "in", "-o", "out/", "--shard-size", SHARD, "-q"];

/// When each shard was written.
fn times(bench: &Bench) -> BTreeMap<String, SystemTime> {
    let shards = files(bench, "out").into_keys().filter(|name| name.starts_with("part-"));
    shards
        .map(|name| {
            let metadata = fs::metadata(bench.path().join("out").join(&name)).unwrap();
            (name, metadata.modified().unwrap())
        })
        .collect()
}

fn with_texas_as(bench: Bench, label: &str) -> Bench {
    let engine = bench.read("spanloom.toml").replace("[\"Texas\", \"LOC\"]", label);
    bench.write("spanloom.toml", engine)
}

#[test]
fn what_changed_is_named() {
    let bench = corpus();
    bench.run(&JOB);
    let refused = |bench: &Bench, more: &[&str]| bench.run(&[&JOB[..], more].concat()).failed();
    let error = refused(&bench, &["--offsets", "byte", "--without", "people"]);
    assert!(error.contains("the job in out/ was begun otherwise: --offsets was 'char' and is 'byte'; --without was '' and is 'people'"), "{error}");
    assert!(error.contains("--restart") && error.contains("--only-changed"), "{error}");
    let bench = bench.write("in/new.txt", "Paris");
    let error = refused(&bench, &[]);
    assert!(error.contains("begun otherwise: the input in/new.txt is new"), "{error}");
    fs::remove_file(bench.path().join("in/new.txt")).unwrap();
    let bench = with_texas_as(bench, "[\"Texas\", \"PER\"]");
    let error = refused(&bench, &[]);
    assert!(error.contains("begun otherwise: spanloom.toml was ") && error.contains("SHA-256 "));
    // A part of another job does not fit either.
    let error = refused(&bench, &["--shard", "1/2"]);
    assert!(error.contains("belongs to a job in 1 parts"), "{error}");
}

#[test]
fn restart_begins_anew() {
    let bench = corpus();
    bench.run(&JOB);
    let first = files(&bench, "out");
    let bench = with_texas_as(bench, "[\"Texas\", \"PER\"]");
    let restart = [&JOB[..], &["--restart", "--compress", "zst"]].concat();
    assert_eq!(bench.run(&restart).code, 1);
    let second = files(&bench, "out");
    assert!(second.keys().all(|name| !name.ends_with("0.jsonl")), "{:?}", second.keys());
    assert_eq!(second.len(), first.len());
    // It helps where the journal is damaged too.
    let journal = bench.read("out/job.jsonl").replacen("\"shard\"", "\"shart\"", 1);
    let bench = bench.write("out/job.jsonl", journal);
    let told = bench.run(&[&JOB[..], &["--compress", "zst"]].concat()).failed();
    assert!(told.contains("job.jsonl:2: damaged journal of a job: "), "{told}");
    assert_eq!(bench.run(&restart).code, 1);
    assert!(files(&bench, "out") == second);
}

#[test]
fn only_shards_that_come_out_otherwise_are_replaced() {
    let bench = corpus();
    // A name that is in few shards.
    let text =
        bench.read("in/1.jsonl").replace("\"1-50\",\"text\":\"", "\"1-50\",\"text\":\"Quito ");
    let bench = bench.write("in/1.jsonl", text);
    let evidence = [&JOB[..], &["--evidence", "kept"]].concat();
    assert_eq!(bench.run(&evidence).code, 1);
    let (first, first_times) = (files(&bench, "out"), times(&bench));
    let engine = bench
        .read("spanloom.toml")
        .replace("\"places\"\nentries = [", "\"places\"\nentries = [[\"Quito\", \"LOC\"], ");
    let bench = bench.write("spanloom.toml", engine);
    let changed = [&evidence[..], &["--only-changed"]].concat();
    let ran = bench
        .run(&[&changed[..changed.len() - 4], &changed[changed.len() - 3..], &["-v"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.err);
    // Only the source with the new name ran.
    assert!(ran.err.contains("people: 1672 documents reused, 0 run"), "{}", ran.err);
    assert!(ran.err.contains("places: 0 documents reused, 1672 run"), "{}", ran.err);
    let (second, second_times) = (files(&bench, "out"), times(&bench));
    let differ: Vec<&String> = second
        .iter()
        .filter(|(name, bytes)| first[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(differ.len(), 1, "{differ:?}");
    for (name, time) in &second_times {
        assert_eq!(first_times[name] == *time, name != differ[0], "{name}");
    }
    // A run from the beginning gives the same, and now nothing is changed any more.
    let fresh = ["tag", "in", "-o", "fresh/", "--shard-size", SHARD, "-q"];
    bench.run(&fresh);
    assert!(files(&bench, "fresh") == second);
    assert_eq!(bench.run(&changed).code, 1);
    assert_eq!(times(&bench), second_times);
    // With fewer inputs the shards that are too many go.
    fs::remove_file(bench.path().join("in/tokens.conll")).unwrap();
    bench.run(&changed);
    assert!(files(&bench, "out").len() < second.len());
}

#[test]
fn shards_that_are_not_as_they_were_are_told() {
    let bench = corpus();
    bench.run(&JOB);
    let bench = bench.write("out/part-00002.jsonl", "other");
    let told = bench.run(&JOB).failed();
    assert!(told.contains("part-00002.jsonl has 5 bytes and had "), "{told}");
    fs::remove_file(bench.path().join("out/part-00002.jsonl")).unwrap();
    let told = bench.run(&JOB).failed();
    assert!(told.contains("part-00002.jsonl is gone"), "{told}");
    // What is nobody's is not written over.
    fs::remove_file(bench.path().join("out/job.jsonl")).unwrap();
    for restart in [&[][..], &["--restart"]] {
        let told = bench.run(&[&JOB[..], restart].concat()).failed();
        assert!(told.contains("out/ holds part-00000.jsonl, but no job"), "{told}");
    }
}

/// The first process waits for a reader of the pipe that its metrics go to.
#[cfg(unix)]
#[test]
fn two_processes_do_not_work_on_one_job() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let bench = corpus();
    let made = Command::new("mkfifo").arg(bench.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let job = ["tag", "in", "-o", "out/", "--progress", "json", "--prometheus", "pipe"];
    let mut first = Command::new(env!("CARGO_BIN_EXE_spanloom"))
        .args(job)
        .current_dir(bench.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(first.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("running"), "{line}");
    let told = bench.run(&job).failed();
    assert!(told.contains("another process works on the job in out"), "{told}");
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock went with it.
    let ran = bench.run(&job[..4]);
    assert!(ran.out.contains("complete"), "{}", ran.err);
}
