//! Web archives, and texts that are longer than a document.

use std::io::Read;

use serde_json::{Value, json};

use super::Bench;

fn record(uri: &str, text: &str) -> String {
    format!(
        "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n\
         Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{text}\r\n\r\n",
        text.len()
    )
}

fn member(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
    encoder.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_archive_of_gzip_is_tagged_record_by_record_around_a_damaged_one() {
    let mut members = [
        member("WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 2\r\n\r\nhi\r\n\r\n"),
        member(&record("https://a.example/", "In Paris.")),
        member(&record("https://b.example/", "In Texas.")),
        member(&record("https://c.example/", "In New York.")),
    ];
    members[2][10] = 0xFF;
    let bench = Bench::new();
    std::fs::write(bench.path().join("crawl.warc.wet.gz"), members.concat()).unwrap();
    let ran = bench.run(&["tag", "crawl.warc.wet.gz"]);
    assert_eq!(ran.code, 1, "one record is lost");
    assert!(ran.err.contains("crawl.warc.wet.gz: record 2: a damaged gzip member"), "{}", ran.err);
    let all: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&Value> = all.iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["https://a.example/", "https://c.example/"]);
    assert_eq!(all[0]["warc_date"], "2024-05-01T00:00:00Z");
    assert_eq!(all[1]["entities"][0]["text"], "New York");
    // The same from a pipe, unpacked.
    let out = bench.pipe(record("u", "In Paris."), &["tag", "--format", "text"]).clean();
    assert_eq!(out, "In [Paris|LOC].\n");
    let error = bench.run(&["tag", "crawl.warc.wet.gz", "--format", "warc"]).failed();
    assert!(error.contains("the format 'warc' is only read"), "{error}");
}

#[test]
fn a_long_text_comes_in_parts_that_say_where_they_begin() {
    let text = "Ann is in Łódź. Bo lives in New York. Cy left Paris.";
    let bench = Bench::new()
        .write("a.txt", text)
        .write("b.jsonl", json!({ "id": "b", "text": text }).to_string())
        .write("c.csv", format!("text\n{text}\nParis\n"));
    for input in ["a.txt", "b.jsonl"] {
        let out = bench.run(&["tag", input, "--max-document-bytes", "44"]).clean();
        let all: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(all.len(), 2, "{out}");
        let chars: Vec<char> = text.chars().collect();
        for part in &all {
            let from = part["part_start"].as_u64().unwrap();
            for entity in part["entities"].as_array().unwrap() {
                let place = |key: &str| (from + entity[key].as_u64().unwrap()) as usize;
                let found: String = chars[place("start")..place("end")].iter().collect();
                assert_eq!(entity["text"], found, "a place in the whole");
            }
        }
        let count = |part: &Value| part["entities"].as_array().unwrap().len();
        assert_eq!(all.iter().map(count).sum::<usize>(), 3, "none is cut: {out}");
    }
    let ran = bench.run(&["tag", "c.csv", "--max-document-bytes", "44", "--format", "text"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "[Paris|LOC]\n"));
    assert!(ran.err.contains("expected a text of at most 44 bytes in a row"), "{}", ran.err);
}
