//! `--evidence`: what the sources found is kept, and only what changed runs again.

use super::Bench;

const DOCUMENTS: &str = "Ms. Paris saw New York\nNobody came\nParis Hilton in Łódź\n";

fn bench() -> Bench {
    Bench::new().write("in.jsonl", jsonl())
}

fn jsonl() -> String {
    let line = |text: &str| format!("{}\n", serde_json::json!({ "text": text }));
    DOCUMENTS.lines().map(line).collect()
}

/// What `tag` wrote, and what it says of each source.
fn tagged(bench: &Bench) -> (String, Vec<String>) {
    let ran = bench.run(&["-v", "tag", "in.jsonl", "--evidence", "kept"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = ran.err.lines().filter_map(|line| {
        let start = ["places:", "people:", "titles:"].iter().find_map(|name| line.find(name))?;
        line.get(start..).map(str::to_owned)
    });
    (ran.out, said.collect())
}

#[test]
fn only_what_changed_runs_again() {
    let bench = bench();
    let plain = bench.run(&["tag", "in.jsonl"]).out;
    let all = |what: &str| ["places", "people", "titles"].map(|name| format!("{name}: {what}"));
    let (first, said) = tagged(&bench);
    assert_eq!(first, plain);
    assert_eq!(said, all("0 documents reused, 3 run, 3 kept"));
    let (second, said) = tagged(&bench);
    assert_eq!(second, plain);
    assert_eq!(said, all("3 documents reused, 0 run, 0 kept"));
    // One more document, and a merge that prefers another: no source runs for what it has seen.
    let more = format!("{}{{\"text\": \"Texas\"}}\n", jsonl());
    let engine = super::ENGINE.replace("pass = \"longest\"", "pass = \"score\"");
    let bench = bench.write("in.jsonl", more).write("spanloom.toml", engine);
    let (third, said) = tagged(&bench);
    assert_eq!(third, bench.run(&["tag", "in.jsonl"]).out);
    assert_eq!(said, all("3 documents reused, 1 run, 1 kept"));
    // Another gazetteer: it alone runs.
    let engine = super::ENGINE.replace("[\"Paris Hilton\", \"PER\"]", "[\"Hilton\", \"PER\"]");
    let bench = bench.write("spanloom.toml", engine);
    let (fourth, said) = tagged(&bench);
    assert_eq!(fourth, bench.run(&["tag", "in.jsonl"]).out);
    assert!(fourth.contains("\"Hilton\""), "{fourth}");
    assert_eq!(said[0], "places: 4 documents reused, 0 run, 0 kept");
    assert_eq!(said[1], "people: 0 documents reused, 4 run, 4 kept");
}

#[test]
fn a_damaged_store_is_named_and_nothing_is_tagged() {
    let bench = bench();
    tagged(&bench);
    let folder = bench.path().join("kept/documents");
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&path, "other").unwrap();
    let ran = bench.run(&["tag", "in.jsonl", "--evidence", "kept"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the evidence is damaged"), "{}", ran.err);
    assert!(ran.err.contains("delete the file"), "{}", ran.err);
}
