//! `spanloom rules stats`: what each rule did, counted by hand in `tests/data/rule-stats`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Bench, ran};

const ENGINE: &str = include_str!("../data/rule-stats/engine.toml");
const CORPUS: &str = include_str!("../data/rule-stats/corpus.conll");
const EXPECTED: &str = include_str!("../data/rule-stats/expected.jsonl");

fn bench() -> Bench {
    Bench::with_engine(ENGINE).write("corpus.conll", CORPUS)
}

fn rows(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A rule's row.
fn row(out: &str, rule: &str) -> Value {
    rows(out).into_iter().find(|row| row["rule"] == rule).unwrap()
}

/// The lines with the file as this test names it.
fn expected() -> String {
    EXPECTED.replace("engine.toml:", "spanloom.toml:")
}

#[test]
fn every_rule_is_counted_as_by_hand() {
    let bench = bench();
    let arguments = ["rules", "stats", "corpus.conll", "--gold", "--no-time", "--format", "json"];
    assert_eq!(bench.run(&arguments).clean(), expected());
    let silent = row(EXPECTED, "island");
    assert_eq!((&silent["fired"], &silent["precision"]), (&json!(0), &Value::Null));
}

#[test]
fn gold_of_jsonl_counts_like_that_of_conll() {
    let entity = |start, end, label: &str| json!({"start": start, "end": end, "label": label});
    let documents = [
        json!({"text": "Paris is calm", "entities": [entity(0, 5, "LOC")]}),
        json!({"text": "Paris Hilton of Acme", "entities": [entity(0, 12, "PER"), entity(16, 20, "ORG")]}),
        json!({"text": "Ms. Lee saw Rome", "entities": [entity(4, 7, "PER"), entity(12, 16, "LOC")]}),
        json!({"text": "Berlin slept", "entities": []}),
    ];
    let lines: String = documents.iter().map(|document| format!("{document}\n")).collect();
    let arguments = ["rules", "stats", "--gold", "--no-time", "--format", "json"];
    let bench = bench();
    let jsonl = [&arguments[..], &["--input-format", "jsonl"]].concat();
    assert_eq!(bench.pipe(lines.clone(), &jsonl).clean(), expected());
    // What gold calls otherwise, in another unit: é takes two bytes.
    let other = lines.replace("\"PER\"", "\"person\"").replace("Berlin slept", "Berlin élan");
    let one = r#"{"text": "é Rome", "entities": [{"start": 3, "end": 7, "label": "LOC", "text": "Rome"}]}"#;
    let more = [&jsonl[..], &["--map", "person=PER", "--offsets", "byte"]].concat();
    let out = bench.pipe(format!("{other}{one}\n"), &more).clean();
    let city = row(&out, "city");
    assert_eq!([&city["fired"], &city["right"], &city["dropped"]], [5, 3, 2]);
    assert_eq!(row(&out, "hotel-heir"), row(&expected(), "hotel-heir"));
}

#[test]
fn neither_threads_nor_chunks_show() {
    // More than a chunk of documents; a number that is a product by hand.
    let bench = bench().write("many.conll", vec![CORPUS; 300].join("\n"));
    let arguments = ["rules", "stats", "many.conll", "--gold", "--no-time", "--format", "json"];
    let outputs = ["1", "2", "8"]
        .map(|threads| ran(bench.command(&arguments).env("RAYON_NUM_THREADS", threads)).clean());
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
    for (row, one) in rows(&outputs[0]).iter().zip(rows(EXPECTED)) {
        for key in ["fired", "won", "lost", "dropped", "helper", "conflicted", "right", "wrong"] {
            assert_eq!(row[key], one[key].as_u64().unwrap() * 300, "{key} of {}", one["rule"]);
        }
        assert_eq!(row["precision"], one["precision"]);
    }
}

#[test]
fn the_table_is_aligned_and_says_what_stands_out() {
    let out = bench().run(&["rules", "stats", "corpus.conll", "--gold", "--no-time"]).clean();
    let lines: Vec<&str> = out.lines().collect();
    assert!(!out.contains('\u{1b}'), "colours in a pipe: {out}");
    assert_eq!(
        lines[0],
        "rule          in        label    fired  won  lost  dropped  helper  conflicted  right  \
         precision  of won  line"
    );
    assert_eq!(
        lines[1],
        "city          patterns  LOC          4    2     1        1       0           2      2      \
         50.0%   50.0%  spanloom.toml:18"
    );
    assert!(lines[4].starts_with("island        patterns  LOC          0    0 "), "{out}");
    assert!(lines[8].starts_with("no-rome       3 rules   drop         1    0 "), "{out}");
    assert_eq!(lines[10], "counted      8 rules, 7 that fired; 4 documents, 4 entities");
    assert_eq!(lines[11], "never fired  island");
    assert_eq!(lines.len(), 12);
}

#[test]
fn without_gold_nothing_is_judged_and_times_are_told() {
    let bench = bench();
    let out = bench.run(&["rules", "stats", "corpus.conll", "--format", "json"]).clean();
    let all = rows(&out);
    assert!(all.iter().all(|row| row.get("precision").is_none()), "{out}");
    let shares: f64 = all.iter().map(|row| row["time_share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 0.01, "{shares}");
    let shared: Vec<&Value> = all.iter().filter(|row| row["rule"].is_null()).collect();
    assert_eq!(shared.len(), 2, "a source and a pass have rules: {out}");
    assert_eq!((&shared[0]["source"], &shared[1]["step"]), (&json!("patterns"), &json!(3)));
    let text = bench.run(&["rules", "stats", "corpus.conll"]).clean();
    assert!(
        text.contains("\n(prefilter)   patterns ") && text.contains("\ntime of rules  "),
        "{text}"
    );
}

#[test]
fn rules_are_sorted_by_what_is_asked_for() {
    let bench = bench();
    let ids = |by: &str| -> Vec<String> {
        let arguments =
            ["rules", "stats", "corpus.conll", "--gold", "--format", "json", "--sort", by];
        let id = |row: Value| row["rule"].as_str().map(str::to_owned);
        rows(&bench.run(&arguments).clean()).into_iter().filter_map(id).collect()
    };
    let by_id = ["city", "company", "hotel-heir", "island", "title"];
    let of_merge = ["after-title", "doubt-berlin", "no-rome"];
    assert_eq!(ids("id"), [&by_id[..], &of_merge[..]].concat());
    assert_eq!(ids("fired")[0], "city");
    assert_eq!(ids("fired")[7], "island");
    assert_eq!(ids("lost")[..2], ["city", "doubt-berlin"]);
    assert_eq!(ids("precision")[..2], ["no-rome", "city"]);
    assert_eq!(ids("precision")[6..], ["title", "island"], "what is not judged comes last");
    assert_eq!(ids("time").len(), 8);
}

#[test]
fn gold_that_is_missing_or_malformed_is_named_by_its_line() {
    let bench = bench()
        .write("none.conll", "Paris\tB-LOC\n\nRome\tNNP\n")
        .write("a.jsonl", "{\"text\": \"Rome\", \"entities\": []}\n{\"text\": \"Rome\"}\n")
        .write("b.jsonl", "{\"text\": \"Rome\", \"entities\": [{\"start\": 0, \"end\": 4}]}\n")
        .write("c.txt", "Rome");
    for (file, expected) in [
        ("none.conll", "none.conll:3: column 2: expected a tag such as O or B-PER, got 'NNP'"),
        ("a.jsonl", "a.jsonl:2: no field 'entities' with the gold"),
        ("b.jsonl", "b.jsonl:1: entity 1: no field 'label'"),
        ("c.txt", "c.txt: the format 'text' holds no gold"),
    ] {
        let ran = bench.run(&["rules", "stats", "--gold", "--no-time", file]);
        assert!(ran.out.starts_with("rule "), "the others are counted: {}", ran.out);
        let err = ran.failed();
        assert!(err.contains(expected), "{err}, expected {expected}");
        bench.run(&["rules", "stats", "--no-time", file]).clean();
    }
}

#[test]
fn labels_that_do_not_meet_are_told() {
    let bench = bench().write("other.conll", "Paris\tB-location\nAda\tB-PER\n");
    let ran = bench.run(&["rules", "stats", "--gold", "--no-time", "other.conll"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err.contains("gold has labels that the engine does not give: location"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("`--map location=LABEL` says what they are: PER, LOC, ORG"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("not judged   gold has no LOC, ORG\n"), "{}", ran.out);
    let mapped = ["rules", "stats", "--gold", "--no-time", "other.conll", "--map", "location=LOC"];
    assert!(bench.run(&mapped).clean().contains("not judged   gold has no ORG\n"));
    let err = bench.run(&["rules", "stats", "--gold", "--map", "a=PLACE", "other.conll"]).failed();
    assert!(err.contains("unknown label of the engine 'PLACE'"), "{err}");
}

#[test]
fn a_rule_that_is_given_up_is_one_warning_with_its_count() {
    let slow = r#"
[[source.rule]]
id = "slow"
doc = "A pattern that backtracks without end."
label = "LOC"
pattern = '(a+)+(?=b)'
[[source.rule.case]]
text = "aab"
finds = ["aa"]
[[source.rule.case]]
text = "c"
finds = []

[[merge]]
pass = "combine"
"#;
    let engine = ENGINE.replacen("\n[[merge]]\npass = \"combine\"\n", slow, 1);
    let stretch = "a".repeat(40);
    let bench = Bench::with_engine(&engine)
        .write("1.txt", format!("{stretch}-b"))
        .write("2.txt", "Rome")
        .write("3.txt", format!("Paris {stretch}-b"));
    let ran =
        bench.run(&["rules", "stats", "--no-time", "--format", "json", "1.txt", "2.txt", "3.txt"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(row(&ran.out, "slow")["given_up"], 2);
    assert_eq!(row(&ran.out, "city")["fired"], 2);
    assert_eq!(ran.err.matches("rule 'slow' of source 'patterns' was given up").count(), 1);
    assert!(
        ran.err.contains("in document '1.txt'") && ran.err.contains("(the first of 2 documents)")
    );
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let bench = bench();
    let err =
        bench.run(&["rules", "stats", "--no-time", "--sort", "time", "corpus.conll"]).failed();
    assert!(err.contains("--sort time asks for what --no-time leaves out"), "{err}");
    let err = bench.run(&["rules", "stats", "--without", "patterns,places", "corpus.conll"]);
    assert_eq!(rows_of_table(&err.clean()), ["after-title", "doubt-berlin", "no-rome"]);
    let plain = Bench::with_engine(
        "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"g\"\nentries = [[\"Rome\", \"LOC\"]]\n",
    );
    let err = plain.pipe("Rome", &["rules", "stats"]).failed();
    assert!(err.contains("no source and no pass that runs has rules"), "{err}");
    assert_eq!(bench.run(&["rules", "stats", "--sort", "precision", "corpus.conll"]).code, 2);
    assert_eq!(bench.run(&["rules", "stats", "--map", "a=LOC", "corpus.conll"]).code, 2);
    assert_eq!(bench.run(&["rules", "stats", "--gold", "--map", "LOC", "corpus.conll"]).code, 2);
    let err = bench.run(&["rules", "stats", "gone.conll"]).failed();
    assert!(err.contains("cannot read gone.conll"), "{err}");
}

/// The rules that a table has rows of.
fn rows_of_table(out: &str) -> Vec<&str> {
    let rows = out.lines().skip(1).take_while(|line| !line.is_empty());
    rows.filter_map(|line| line.split(' ').next()).filter(|id| !id.starts_with('(')).collect()
}

#[test]
fn the_shipped_rules_have_a_row_each() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bench = Bench::new().write("a.txt", "Mr. John Smith of Acme Inc. flew to Lake Geneva.");
    let engine = root.join("spanloom.toml");
    let out = bench.run(&[
        "rules",
        "stats",
        "a.txt",
        "-e",
        engine.to_str().unwrap(),
        "--without",
        "tagger",
        "--no-time",
        "--with",
        "contact,finance,time",
        "--format",
        "json",
    ]);
    let found: BTreeMap<String, Value> = rows(&out.clean())
        .into_iter()
        .map(|row| (row["rule"].as_str().unwrap().to_owned(), row))
        .collect();
    let files = ["layout", "loc", "misc", "org", "per", "contact", "finance", "time"];
    let written: usize = files
        .iter()
        .map(|name| fs::read_to_string(root.join(format!("rules/{name}.toml"))).unwrap())
        .map(|text| text.lines().filter(|line| *line == "[[rule]]").count())
        .sum();
    assert_eq!(found.len(), written);
    assert_eq!(found["per-honorific"]["fired"], 1);
    assert_eq!(found["loc-lake"]["fired"], 1);
}
