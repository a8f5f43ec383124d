//! `spanloom explain`: the story of a text, for people and as data.

use serde_json::Value;

use super::Bench;

#[test]
fn people_see_what_won_what_lost_and_why() {
    let out = Bench::new().run(&["explain", "Ms. Paris Hilton in Paris"]).clean();
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("Ms. [Paris Hilton|PER] in [Paris|LOC]"));
    for words in [
        &["Paris Hilton", "PER", "1.00", "people", "won"][..],
        &["Paris", "LOC", "1.00", "places", "Q90", "lost", "2 longest (spanloom.toml:"],
        &["Ms.", "TITLE", "titles", "title-ms", "helper"],
    ] {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(out.lines().any(holds), "{words:?} in\n{out}");
    }
}

#[test]
fn data_says_the_same() {
    let out = Bench::new().run(&["explain", "é Paris Hilton", "--json"]).clean();
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["entities"][0]["text"], "Paris Hilton");
    assert_eq!(
        (&value["entities"][0]["start"], &value["entities"][0]["end"]),
        (&2.into(), &14.into())
    );
    let states: Vec<_> =
        value["mentions"].as_array().unwrap().iter().map(|m| &m["state"]).collect();
    assert_eq!(states, ["won", "lost", "lost"]);
    let lost = &value["mentions"][1];
    assert_eq!((lost["source"].as_str(), lost["detail"].as_str()), (Some("places"), Some("Q90")));
    assert_eq!(
        (&lost["decided"]["step"], &lost["decided"]["pass"]),
        (&2.into(), &"longest".into())
    );
    assert!(lost["decided"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert_eq!(value["events"].as_array().unwrap().len(), 2);
    let bytes = Bench::new().run(&["explain", "é Paris", "--json", "--offsets", "byte"]).clean();
    let value: Value = serde_json::from_str(&bytes).unwrap();
    assert_eq!(value["mentions"][0]["start"], 3);
}

#[test]
fn every_document_of_a_file_is_explained() {
    let bench = Bench::new().write("a.jsonl", "{\"text\":\"Paris\"}\n{\"text\":\"Texas\"}\n");
    let out = bench.run(&["explain", "a.jsonl"]).clean();
    assert!(out.contains("[Texas|LOC]"), "{out}");
    assert_eq!(bench.run(&["explain", "a.jsonl", "--json"]).clean().lines().count(), 2);
    let out = bench.pipe("In Texas", &["explain", "-"]).clean();
    assert!(out.starts_with("In [Texas|LOC]\n"), "{out}");
    let error = bench.run(&["explain", "missing.txt"]).failed();
    assert!(error.contains("cannot read missing.txt"), "{error}");
}

#[test]
fn a_text_cannot_command_the_terminal() {
    let out = Bench::new().pipe("\u{1b}[2J Paris", &["explain", "-"]).clean();
    assert!(out.starts_with("␛[2J [Paris|LOC]\n"), "{out}");
}
