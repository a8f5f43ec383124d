//! Objects are read as files are.

use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Fault, Manners, Server};
use crate::cli::{Bench, Ran, ran};

pub(super) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Runs the program with a server as its S3.
pub(super) fn tag(bench: &Bench, server: &Server, arguments: &[&str]) -> Ran {
    ran(&mut command(bench, server, arguments))
}

pub(super) fn command(bench: &Bench, server: &Server, arguments: &[&str]) -> Command {
    let mut command = bench.command(&[&["tag"], arguments].concat());
    for (name, value) in environment(server) {
        command.env(name, value);
    }
    for name in PROXIES {
        command.env_remove(name);
    }
    command
}

/// What would lead requests past the server.
pub(super) const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

pub(super) fn environment(server: &Server) -> [(&'static str, String); 5] {
    [
        ("AWS_ENDPOINT", server.root()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "somebody".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_REGION", "eu-north-1".to_owned()),
    ]
}

/// The files below a folder of the bench, as objects of the bucket `crawl` with the same paths.
pub(super) fn upload(bench: &Bench, server: &Server, folder: &str) {
    let mut folders = vec![bench.path().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(bench.path()).unwrap().to_str().unwrap();
                server.put(&format!("/crawl/{key}"), fs::read(&path).unwrap());
            }
        }
    }
}

fn corpus() -> Bench {
    let lines = "{\"id\":\"1\",\"text\":\"Paris Hilton in Texas\"}\n{\"text\":\"New York\"}\n";
    let spacy = "{\"text\":\"In Rome\",\"ents\":[{\"start\":3,\"end\":7,\"label\":\"LOC\"}]}\n";
    Bench::new()
        .write("in/a-b.jsonl.gz", gzip(lines))
        .write("in/a/deep/tokens.conll", "New B-LOC\nYork I-LOC\n\nParis O\n")
        .write("in/a/b c+%41.txt", "Ms. Paris is in Łódź.\n")
        .write("in/a/table.tsv", "id\ttext\n7\tTexas\n")
        .write("in/a/tokens.tsv", "In\tO\nNew\tB-LOC\nYork\tI-LOC\n")
        .write("in/a/spacy.json.gz", gzip(spacy))
        .write("in/empty.txt", "")
        .write("in/.hidden/x.txt", "Paris")
        .write("inner.txt", "Paris")
}

#[test]
fn a_prefix_is_tagged_as_a_folder_is() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    server.put("/crawl/in/a", "");
    server.put("/crawl/in/_SUCCESS", "");
    server.put("/crawl/inner.txt", "Paris");
    let files = bench.run(&["tag", "in"]).clean();
    assert_eq!(files.lines().count(), 9, "{files}");
    let as_files = |ran: Ran| ran.clean().replace("s3://crawl/", "");
    assert_eq!(as_files(tag(&bench, &server, &["s3://crawl/in/"])), files);
    assert_eq!(as_files(tag(&bench, &server, &["S3://crawl/in/**/*", "-q"])), files);
    let some = bench.run(&["tag", "in/a*"]).clean();
    assert_eq!(as_files(tag(&bench, &server, &["s3://crawl/in/a*"])), some);
    let lists = server.log().iter().filter(|line| line.contains("list-type=2")).count();
    assert!(lists >= 3 * 4, "several pages: {lists}");
    // The whole bucket, and one object beside others.
    let all = tag(&bench, &server, &["s3://crawl", "--format", "conll"]);
    assert_eq!(as_files(all), bench.run(&["tag", "in", "inner.txt", "--format", "conll"]).clean());
    let name = "in/a/b c+%41.txt";
    let both = bench.run(&["tag", name, "inner.txt"]).clean();
    assert_eq!(as_files(tag(&bench, &server, &[&format!("s3://crawl/{name}"), "inner.txt"])), both);
}

#[test]
fn the_other_commands_read_addresses_too() {
    let (bench, server) = (corpus(), Server::start());
    upload(&bench, &server, "in");
    let with = |command: &mut Command| {
        command.envs(environment(&server));
        for name in PROXIES {
            command.env_remove(name);
        }
        ran(command).clean().replace("s3://crawl/", "")
    };
    let address = "s3://crawl/in/a/tokens.tsv";
    for command in [&["convert", "--to", "jsonl"][..], &["corpus", "stats"], &["explain"]] {
        let of = |input: &str| bench.command(&[command, &[input]].concat());
        let (local, remote) = (ran(&mut of("in/a/tokens.tsv")).clean(), with(&mut of(address)));
        // Columns are as wide as names are long.
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&remote), words(&local), "{command:?}");
    }
}

/// Lines of which each takes a tenth of a part.
pub(super) fn large() -> String {
    let pad = "x".repeat(420_000);
    (0..25)
        .map(|n| format!("{{\"id\":\"{n}\",\"text\":\"Paris {n}\",\"pad\":\"{pad}\"}}\n"))
        .collect()
}

#[test]
fn a_large_object_comes_in_parts() {
    let (bench, server) = (Bench::new().write("large.jsonl", large()), Server::start());
    server.put("/crawl/large.jsonl", large());
    let files = bench.run(&["tag", "large.jsonl"]).clean();
    assert_eq!(tag(&bench, &server, &["s3://crawl/large.jsonl"]).clean(), files);
    let log = server.log();
    let parts: Vec<&str> =
        log.iter().filter_map(|line| line.strip_prefix("GET /crawl/large.jsonl ")).collect();
    let end = large().len();
    let expected =
        ["0..4194304".to_owned(), "4194304..8388608".to_owned(), format!("8388608..{end}")];
    assert_eq!(parts, expected);
}

#[test]
fn web_servers_are_read_with_and_without_parts_versions_and_head() {
    let lines = large() + "{\"text\":\"the end\"}\n";
    let bench = Bench::new().write("a b.jsonl.gz", gzip(&lines)).write("large.jsonl", &lines);
    for ranges in [true, false] {
        for plain in [true, false] {
            let server = Server::with(Manners { ranges, e_tag: plain, head: plain });
            let root = server.root();
            server.put("/data/a b.jsonl.gz", gzip(&lines));
            server.put("/data/large.jsonl", lines.as_str());
            let small = format!("{root}/data/a%20b.jsonl.gz?signature=1%2F2");
            let large = format!("{root}/data/large.jsonl");
            let ran = tag(&bench, &server, &[&small, &large]).clean();
            let files = bench.run(&["tag", "a b.jsonl.gz", "large.jsonl"]).clean();
            // What is no file has another name; what is signed keeps the signature for itself.
            let names = ran.replace(&format!("{root}/data/"), "").replace("a%20b", "a b");
            assert_eq!(names, files, "ranges: {ranges}, as usual: {plain}");
            assert!(server.log().iter().any(|line| line.contains("?signature=1%2F2")));
        }
    }
}

#[test]
fn what_is_not_there_or_not_allowed_is_told_with_what_to_do() {
    let (bench, server) = (Bench::new().write("a.txt", "Paris"), Server::start());
    server.put("/crawl/in/a.txt", "Paris");
    let told = tag(&bench, &server, &["s3://crawl/in"]).failed();
    assert!(
        told.contains("cannot read s3://crawl/in: there is no such object (404 Not Found"),
        "{told}"
    );
    assert!(
        told.contains("an address that ends with '/' stands for all objects under it"),
        "{told}"
    );
    let told = tag(&bench, &server, &["s3://crawl/out/"]).failed();
    assert!(told.contains("no object is under 's3://crawl/out/'"), "{told}");
    let told = tag(&bench, &server, &["s3://crawl/in/*.jsonl"]).failed();
    assert!(told.contains("no object matches 's3://crawl/in/*.jsonl'"), "{told}");
    // The others are tagged.
    server.fault("/crawl/in/a.txt", &[Fault::Status(403)]);
    let ran = tag(&bench, &server, &["s3://crawl/in/a.txt", "a.txt"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("\"id\":\"a.txt\""), "{}", ran.out);
    let expected = "cannot read s3://crawl/in/a.txt: 403 Forbidden: AccessDenied: Access Denied";
    assert!(ran.err.contains(expected), "{}", ran.err);
    assert!(
        ran.err.contains("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"),
        "{}",
        ran.err
    );
    let address = format!("{}/none.txt?signature=secret", server.root());
    let told = tag(&bench, &server, &[&address]).failed();
    assert!(told.contains("/none.txt: there is no such object (404 Not Found"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    assert!(!Path::new(&bench.path().join("out")).exists());
}
