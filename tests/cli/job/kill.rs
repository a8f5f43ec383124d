//! Killed, interrupted, out of disk: what is done stays, and the rest comes as if nothing had been.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use super::{Bench, SHARD, corpus, files};

/// How often a job is killed.
const KILLS: usize = 30;

/// The bytes of all files below a folder, finished or not.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size_of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It was renamed just now.
        Err(_) => 0,
    };
    entries.flatten().map(size_of).sum()
}

fn spawn(bench: &Bench, arguments: &[&str], threads: usize) -> Child {
    Command::new(env!("CARGO_BIN_EXE_spanloom"))
        .args(arguments)
        .current_dir(bench.path())
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Numbers that look like chance and are the same in every run (Vigna's SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

#[test]
fn killed_at_any_moment_the_output_is_that_of_a_run_that_was_not() {
    let bench = corpus();
    for format in [&[][..], &["--compress", "zst"], &["--format", "parquet"]] {
        let job = |folder: &str| -> Vec<String> {
            let job = ["tag", "in", "-o", folder, "--job", "--shard-size", SHARD, "-q"];
            job.iter().chain(format).map(|argument| (*argument).to_owned()).collect()
        };
        let arguments = job("whole");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(bench.run(&arguments).code, 1);
        let whole = files(&bench, "whole");
        killed(&bench, &whole, &job);
        fs::remove_dir_all(bench.path().join("whole")).unwrap();
    }
}

/// Kills jobs, each when its folder has grown by so many bytes, until [`KILLS`] of them were.
fn killed(bench: &Bench, whole: &BTreeMap<String, Vec<u8>>, job: &dyn Fn(&str) -> Vec<String>) {
    let step = size(&bench.path().join("whole")) / 8;
    let (mut chance, mut kills, mut threads) = (Chance(6), 0, 0);
    for round in 0.. {
        let folder = format!("killed-{round}");
        let path = bench.path().join(&folder);
        let arguments = job(&folder);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        loop {
            threads = threads % 4 + 1;
            let wanted = size(&path) + chance.below(step);
            let mut child = spawn(bench, &arguments, threads);
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break Some(status);
                }
                if kills < KILLS && size(&path) > wanted {
                    break None;
                }
                thread::yield_now();
            };
            match ended {
                Some(status) => {
                    assert_eq!(status.code(), Some(1), "some documents are none");
                    break;
                }
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    kills += 1;
                }
            }
        }
        let made = files(bench, &folder);
        assert!(made.keys().eq(whole.keys()), "{:?}", made.keys());
        let other = made.iter().find(|(name, bytes)| whole.get(*name) != Some(bytes));
        assert!(other.is_none(), "{} differs", other.unwrap().0);
        assert!(!path.join(".unfinished").exists());
        fs::remove_dir_all(&path).unwrap();
        if kills == KILLS {
            return;
        }
    }
}

/// A run that is told to stop as soon as it has begun.
#[cfg(unix)]
#[test]
fn an_interrupted_job_finishes_its_shard_and_goes_on() {
    for signal in ["-INT", "-TERM"] {
        interrupt(signal);
    }
}

#[cfg(unix)]
fn interrupt(signal: &str) {
    let bench = corpus();
    let job = |folder: &'static str| {
        let job = ["tag", "in", "-o", folder, "--job", "--shard-size", SHARD, "--progress", "json"];
        job.map(str::to_owned)
    };
    let arguments = job("whole");
    bench.run(&arguments.each_ref().map(String::as_str));
    let arguments = job("stopped");
    let arguments = arguments.each_ref().map(String::as_str);
    let mut child = spawn(&bench, &arguments, 2);
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"state\":\"running\",\"documents\":0,"), "{line}");
    let interrupted = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let last = told.lines().map_while(Result::ok).filter(|line| line.starts_with('{')).last();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let last: serde_json::Value = serde_json::from_str(&last.unwrap()).unwrap();
    assert_eq!(last["state"], "stopped");
    let whole = files(&bench, "whole");
    let made = files(&bench, "stopped");
    let shards = made.keys().filter(|name| name.starts_with("part-")).count();
    assert_eq!(last["shards"], shards);
    assert!(shards + 2 < whole.len(), "{shards}");
    let partly = made.iter().filter(|(name, _)| name.starts_with("part-"));
    partly.for_each(|(name, bytes)| assert!(whole[name] == *bytes, "{name}"));
    assert_eq!(bench.run(&arguments).code, 1);
    assert!(files(&bench, "stopped") == whole);
}

/// A file that may not grow stands for a disk that is full: writing fails in the same place.
#[cfg(unix)]
#[test]
fn where_the_disk_is_full_what_is_done_stays() {
    let bench = corpus();
    let job = |folder: &'static str| {
        ["tag", "in", "-o", folder, "--job", "--shard-size", "3kB", "-q", "--format", "text"]
    };
    bench.run(&job("whole"));
    // The shards fit; at some time the journal does not.
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let full = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_spanloom")])
        .args(job("full"))
        .current_dir(bench.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write full/job.jsonl: "), "{told}");
    let shards = files(&bench, "full").len();
    assert!(shards > 3 && shards < files(&bench, "whole").len(), "{shards}");
    assert_eq!(bench.run(&job("full")).code, 1);
    assert!(files(&bench, "full") == files(&bench, "whole"));
}

#[test]
fn a_last_line_without_an_end_is_as_if_it_were_not_there() {
    let bench = corpus();
    let job = ["tag", "in", "-o", "out", "--job", "--shard-size", SHARD, "-q"];
    bench.run(&job);
    let whole = files(&bench, "out");
    let journal = bench.read("out/job.jsonl");
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    // Three shards are done; the fourth lies there, and more errors than those of three shards.
    let cut = lines[..4].concat() + lines[4].split_at(20).0;
    let bench = bench.write("out/job.jsonl", cut).write("out/.unfinished/part-00004.jsonl", "half");
    for name in whole.keys().filter(|name| name.as_str() > "part-00003.jsonl") {
        fs::remove_file(bench.path().join("out").join(name)).unwrap();
    }
    assert_eq!(bench.run(&job).code, 1);
    assert!(files(&bench, "out") == whole);
    assert!(!bench.path().join("out/.unfinished").exists());
}
