//! A job over objects: stopped, killed, and going on, it makes what a job over the same files makes.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::objects::{PROXIES, environment, gzip, tag, upload};
use super::server::{Fault, Server};
use crate::cli::Bench;
use crate::cli::job::files;

/// Three objects, of which the second holds lines that are no documents.
fn corpus() -> Bench {
    let lines = |file: usize| -> String {
        let line = |n: usize| match (file, n % 97) {
            (1, 41) => "{\"id\": 1,\n".to_owned(),
            _ => format!(
                "{{\"id\":\"{file}-{n}\",\"text\":\"Paris {n} in Texas {}\"}}\n",
                "and ".repeat(n % 9)
            ),
        };
        (0..600).map(line).collect()
    };
    Bench::new()
        .write("in/0.jsonl.gz", gzip(lines(0)))
        .write("in/1.jsonl", lines(1))
        .write("in/2.jsonl.gz", gzip(lines(2)))
}

const JOB: [&str; 5] = ["--job", "--shard-size", "3kB", "-q", "-o"];

fn job<'a>(folder: &'a str, input: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&JOB[..], &[folder, input], more].concat()
}

/// The job over the same files.
fn whole(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let ran = bench.run(&[&["tag"], &job("whole", "in", &[])[..]].concat());
    assert_eq!(ran.code, 1, "some documents are none: {}", ran.err);
    files(bench, "whole")
}

/// What a job over objects has made, with the names of files.
fn made(bench: &Bench, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace("s3://crawl/", "");
    files(bench, folder).into_iter().map(|(name, bytes)| (name, text(bytes).into_bytes())).collect()
}

#[test]
fn a_job_stopped_by_errors_or_by_the_service_goes_on() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    let whole = whole(&bench);
    let all = job("out", "s3://crawl/in/", &[]);
    let ran = tag(&bench, &server, &job("out", "s3://crawl/in/", &["--max-errors", "2"]));
    assert_eq!(ran.code, 1, "{}", ran.err);
    let stopped = made(&bench, "out").len();
    assert!(stopped > 3 && stopped < whole.len(), "{stopped}");
    // The service refuses the third object: it is no error of a document, and nothing is lost.
    server.fault("/crawl/in/2.jsonl.gz", &[Fault::Status(403)]);
    let told = tag(&bench, &server, &all).failed();
    assert!(told.contains("cannot read s3://crawl/in/2.jsonl.gz: 403 Forbidden"), "{told}");
    assert!(
        told.contains("what is done stays done, and the same command goes on from there"),
        "{told}"
    );
    let refused = made(&bench, "out").len();
    assert!(refused > stopped && refused < whole.len(), "{refused}");
    // It breaks off in the middle, again and again, and then the service is well.
    let breaks = [Fault::Break(500), Fault::Break(100), Fault::None];
    server.fault("/crawl/in/2.jsonl.gz", &breaks);
    let ran = tag(&bench, &server, &all);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(made(&bench, "out") == whole);
}

#[test]
fn a_job_that_is_killed_goes_on() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    let whole = whole(&bench);
    let all = job("out", "s3://crawl/in/*", &[]);
    for object in ["/crawl/in/1.jsonl", "/crawl/in/2.jsonl.gz"] {
        server.fault(object, &[Fault::Hold]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanloom"));
        command.arg("tag").args(&all).current_dir(bench.path()).envs(environment(&server));
        for name in PROXIES {
            command.env_remove(name);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        server.held();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(made(&bench, "out").len() < whole.len());
        server.fault(object, &[]);
    }
    assert_eq!(tag(&bench, &server, &all).code, 1, "some documents are none");
    assert!(made(&bench, "out") == whole);
}

#[test]
fn an_object_that_changed_is_told_and_a_service_that_refuses_begins_no_job() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    let all = job("out", "s3://crawl/in/", &[]);
    tag(&bench, &server, &all);
    server.put("/crawl/in/1.jsonl", "{\"text\":\"Paris\"}\n");
    let told = tag(&bench, &server, &all).failed();
    assert!(told.contains("the input s3://crawl/in/1.jsonl had "), "{told}");
    assert!(told.contains(" bytes and has 17 bytes"), "{told}");
    server.fault("/crawl", &[Fault::Status(403)]);
    let told = tag(&bench, &server, &job("new", "s3://crawl/in/", &["in"])).failed();
    assert!(told.contains("cannot read s3://crawl/in/: 403 Forbidden"), "{told}");
    assert!(!bench.path().join("new").exists());
}

#[test]
fn parts_of_a_job_are_the_whole() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    let lines = |files: BTreeMap<String, Vec<u8>>| -> Vec<String> {
        let shards = files.into_iter().filter(|(name, _)| name.starts_with("part-"));
        let text: Vec<u8> = shards.flat_map(|(_, bytes)| bytes).collect();
        let mut lines: Vec<String> =
            String::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for part in ["1/2", "2/2"] {
        tag(&bench, &server, &job("parts", "s3://crawl/in/", &["--shard", part]));
    }
    assert_eq!(lines(made(&bench, "parts")), lines(whole(&bench)));
}
