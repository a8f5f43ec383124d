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
    assert_eq!(lost["decided"]["line"].as_str(), Some("spanloom.toml:43"));
    assert_eq!(lost["last"]["origins"][0]["source"], "places");
    let event = &value["events"][lost["events"][0].as_u64().unwrap() as usize];
    assert_eq!((&event["change"], &event["by"]["label"]), (&"dropped".into(), &"PER".into()));
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

/// Places that lose by their score, by length and to a longer name; one that a rule's cue drops.
const CHAIN: &str = r#"
labels = ["LOC", "PER", "ORG"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["York", "LOC", "", 0.9], ["New York", "LOC", "Q60", 0.8]]
match = "all"
[[source]]
kind = "gazetteer"
name = "companies"
entries = [["New York Times", "ORG", "", 0.4]]
[[merge]]
pass = "longest"
[[merge]]
pass = "threshold"
min = 0.5
"#;

#[test]
fn why_not_follows_a_proposal_to_its_end_and_that_of_what_beat_it() {
    let bench = Bench::with_engine(CHAIN);
    let out = bench.run(&["explain", "The New York Times", "--why-not", "New York/LOC"]).clean();
    for words in [
        &["New York", "4..12", "is not LOC", "proposed and did not survive"][..],
        &[
            "New York",
            "places",
            "Q60",
            "lost",
            "1 longest (spanloom.toml:12)",
            "by 'New York Times' ORG",
        ],
        &[
            "New York Times",
            "companies",
            "dropped",
            "2 threshold (spanloom.toml:14)",
            "0.40",
            "0.50",
        ],
        &["companies", "LOC", "no entry reads"],
    ] {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(out.lines().any(holds), "{words:?} in\n{out}");
    }
    let out = bench.run(&["explain", "In New York", "--why-not", "New York/LOC", "--json"]).clean();
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["entity"]["label"], &value["start"]), (&"LOC".into(), &3.into()));
    assert_eq!(value["removed"].as_array().map(Vec::len), Some(0));
    let out = bench.run(&["explain", "In New York", "--why-not", "6..11", "--json"]).clean();
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["silent"][0]["source"], "places");
    assert_eq!(value["instead"][0]["text"], "New York");
    let out = bench.run(&["explain", "In New York", "--why-not", "York/LOC", "--json"]).clean();
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["removed"][0]["state"], "lost");
    assert_eq!(value["removed"][0]["events"][0]["by"]["text"], "New York");
    assert_eq!(value["removed"][0]["beaten_by"][0]["state"], "won");
}

#[test]
fn a_question_that_cannot_be_asked_is_an_error() {
    let bench = Bench::with_engine(CHAIN);
    for (question, expected) in [
        ("London/LOC", "'London' is not in the text"),
        ("new york", "did you mean 'New York'?"),
        ("New York/LCO", "unknown label 'LCO'"),
        ("New York#2", "stands 1 times"),
        ("5..99/LOC", "has 11 characters"),
    ] {
        let error = bench.run(&["explain", "In New York", "--why-not", question]).failed();
        assert!(error.contains(expected), "{question}: {error}");
    }
}

#[test]
fn a_page_is_whole_and_shows_a_text_that_is_markup() {
    let input = "<script>alert('x')</script> & Paris Hilton\u{1b} in <b>Paris\n\"Łódź\"";
    let bench = Bench::new().write("a.txt", input);
    let piped = bench.run(&["explain", "a.txt", "--html"]).clean();
    bench.run(&["explain", "a.txt", "--html", "page.html"]).clean();
    let page = bench.read("page.html");
    assert_eq!(page, piped);
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; "), "{page}");
    assert!(!page.contains("alert('x')"), "the text is no markup");
    assert!(!page.contains('\u{1b}'));
    for outside in ["http:", "https:", "//", "src=", "@import", "url("] {
        let found = page.lines().find(|line| line.contains(outside));
        assert!(found.is_none_or(|line| line.starts_with("// ")), "{outside}: {found:?}");
    }
    assert_eq!(unclosed(&page), Vec::<String>::new());
    assert_eq!(page.matches("<details").count(), 3, "three places");
    for part in
        ["<q>Paris Hilton</q>", "2 longest", "spanloom.toml:", "beaten by", "data-state=\"lost\""]
    {
        assert!(page.contains(part), "{part}");
    }
    for link in page.split("href=\"#d").skip(1) {
        let id = link.split('"').next().unwrap();
        assert_eq!(page.matches(&format!("id=\"d{id}\"")).count(), 1, "{id}");
    }
}

/// The elements of a page that are not closed, or not where they should be.
fn unclosed(page: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some((tag, after)) = rest.split_once('<').and_then(|(_, r)| r.split_once('>')) {
        rest = after;
        let name = tag.split_whitespace().next().unwrap().to_owned();
        if let Some(name) = name.strip_prefix('/') {
            match open.pop() {
                Some(last) if last == name => {}
                other => return vec![format!("</{name}> closes {other:?}")],
            }
        } else if name == "script" || name == "style" {
            rest = rest.split_once(&format!("</{name}>")).unwrap().1;
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open
}

#[test]
fn a_label_of_a_source_that_is_off_is_explained() {
    let ran = Bench::new().run(&["explain", "Ms Paris", "--why-not", "Ms/HONORIFIC"]);
    let error = ran.failed();
    assert!(error.contains("unknown label 'HONORIFIC'"), "{error}");
    assert!(error.contains("--with extra"), "{error}");
}
