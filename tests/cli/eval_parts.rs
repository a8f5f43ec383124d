//! `spanloom eval` on parts: of the engine, and of the entities. All numbers are counted by hand.

use serde_json::{Value, json};

use super::Bench;

/// The last source does nothing but harm.
const ENGINE: &str = r#"
labels = ["LOC", "PER"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC"], ["Rome", "LOC"]]
[[source]]
kind = "rules"
name = "titles"
[[source.rule]]
id = "ms"
label = "PER"
pattern = '(?<=Ms )[A-Z]\w+'
[[source.rule]]
id = "dr"
label = "PER"
pattern = '(?<=Dr )[A-Z]\w+'
[[source]]
kind = "gazetteer"
name = "noise"
entries = [["Ms", "PER"]]
match = "all"
[[merge]]
pass = "priority"
order = ["titles", "places", "noise"]
"#;

const GOLD: &str = "Ms\tO\nParis\tB-PER\n\nRome\tB-LOC\n\nParis\tB-LOC\n\nRome\tB-LOC\n";

const ABLATION: &str = "\
without          kind  documents       f1  difference
noise       gazetteer          1  100.00%      +11.11
1 priority       pass          1   80.00%       -8.89
titles          rules          1   66.67%      -22.22
titles:ms        rule          1   66.67%      -22.22
places      gazetteer          3   33.33%      -55.56

sources       kind       f1  difference
places   gazetteer   75.00%
titles       rules  100.00%      +25.00
noise    gazetteer   88.89%      -11.11

passes      kind      f1  difference
no pass           80.00%
1 priority  pass  88.89%       +8.89

taken away       kind       f1  difference
noise       gazetteer  100.00%      +11.11
";

fn bench() -> Bench {
    Bench::with_engine(ENGINE)
        .write("gold.conll", GOLD)
        .write("train.conll", "Paris\tB-LOC\nis\tO\n")
}

fn report(bench: &Bench, arguments: &[&str]) -> Value {
    let out = bench.run(&[&["eval", "gold.conll", "--json"], arguments].concat()).clean();
    serde_json::from_str(&out).unwrap()
}

#[test]
fn each_part_of_the_engine_is_left_out() {
    let bench = bench();
    let out = bench.run(&["eval", "gold.conll", "--ablation", "--rounds", "0"]).clean();
    assert!(out.contains(ABLATION), "{out}");
    let ablation = &report(&bench, &["--ablation"])["ablation"];
    assert_eq!(ablation["f1"], json!(2.0 * 0.8 / 1.8));
    let first = &ablation["without"][0];
    assert_eq!([&first["kind"], &first["name"]], ["gazetteer", "noise"]);
    // Only the first of four documents differs: it is not drawn in 31.6 % of all draws.
    let p = first["difference"]["p_bootstrap"].as_f64().unwrap();
    assert!((0.3..1.0).contains(&p), "{first}");
    assert_eq!(first["difference"]["p_randomisation"], 1.0);
    assert_eq!(report(&bench, &["--ablation"])["ablation"], *ablation, "the same in every run");
}

#[test]
fn rules_of_a_pass_are_left_out_one_by_one() {
    // The first rule mends the first document, the second spoils the second, the third does nothing.
    let rules = r#"
[[merge]]
pass = "rules"
[[merge.rule]]
id = "title"
action = "relabel"
label = "PER"
pattern = '(?<=Ms )<LOC>'
[[merge.rule]]
id = "spoil"
action = "drop"
pattern = '^<LOC>(?= sleeps)'
[[merge.rule]]
id = "idle"
action = "drop"
pattern = '<LOC>(?= nowhere)'
"#;
    let places = ENGINE.split("[[source]]").nth(1).unwrap();
    let engine = format!("labels = [\"LOC\", \"PER\"]\n[[source]]{places}{rules}");
    let bench = Bench::with_engine(&engine)
        .write("gold.conll", "Ms\tO\nParis\tB-PER\n\nRome\tB-LOC\nsleeps\tO\n\nParis\tB-LOC\n");
    let ablation = &report(&bench, &["--ablation", "--rounds", "0"])["ablation"];
    let without = ablation["without"].as_array().unwrap().iter();
    let rows = without.map(|row| json!([row["name"], row["kind"], row["documents"], row["f1"]]));
    assert_eq!(
        Value::from(rows.collect::<Vec<_>>()),
        json!([
            ["1 rules:spoil", "rule", 1, 1.0],
            ["1 rules", "pass", 2, 2.0 / 3.0],
            ["1 rules:title", "rule", 1, 0.4],
            ["places", "gazetteer", 2, 0.0],
        ])
    );
    let removal = &ablation["removal"];
    assert_eq!(
        [&removal[0]["part"], &removal[1]],
        [&json!({ "kind": "rule", "name": "1 rules:spoil" }), &Value::Null]
    );
}

#[test]
fn parts_of_the_engine_need_the_engine() {
    let bench = bench();
    bench.run(&["tag", "gold.conll", "--format", "conll", "-o", "tagged.conll"]).clean();
    let err = bench
        .run(&["eval", "gold.conll", "--ablation", "--systems", "a=pred:tagged.conll"])
        .failed();
    assert!(err.contains("no system is made of the engine"), "{err}");
}

#[test]
fn surfaces_that_are_known_new_or_ambiguous_are_scored_apart() {
    let bench = bench();
    let arguments = ["--systems", "hybrid,gazetteer", "--without", "noise", "--ambiguous"];
    let all = report(&bench, &[&arguments[..], &["--train", "train.conll"]].concat());
    let parts = |system: usize| {
        let surfaces = &all["systems"][system]["surfaces"];
        ["seen", "unseen", "ambiguous"].map(|part| {
            let micro = &surfaces[part]["micro"];
            json!([micro["precision"], micro["recall"], micro["support"]])
        })
    };
    assert_eq!(parts(0), [json!([1.0, 1.0, 2]), json!([1.0, 1.0, 2]), json!([1.0, 1.0, 2])]);
    assert_eq!(parts(1), [json!([0.5, 0.5, 2]), json!([1.0, 1.0, 2]), json!([0.5, 0.5, 2])]);
    // One of five words has another tag.
    assert_eq!(all["systems"][1]["tokens"], json!({ "accuracy": 0.8, "right": 4, "tokens": 5 }));
    let out = bench.run(&[&["eval", "gold.conll"], &arguments[..]].concat()).clean();
    assert!(out.contains("\nsurfaces             precision   recall       f1  support\n"), "{out}");
    assert!(out.contains("\ngazetteer ambiguous     50.00%   50.00%   50.00%        2\n"), "{out}");
    assert!(report(&bench, &[])["systems"][0].get("surfaces").is_none());
}

#[test]
fn lower_case_takes_what_hangs_on_capitals() {
    let bench = bench();
    let arguments = ["--systems", "rules", "--lowercase"];
    assert_eq!(report(&bench, &arguments)["systems"][0]["micro"]["f1"], 0.0);
    assert_eq!(report(&bench, &arguments[..2])["systems"][0]["micro"]["f1"], 0.4);
    bench.run(&["tag", "gold.conll", "--format", "jsonl", "-o", "tagged.jsonl"]).clean();
    let read = ["--systems", "read=pred:tagged.jsonl", "--lowercase"];
    assert_eq!(report(&bench, &read)["systems"][0]["micro"]["recall"], 1.0);
}

#[test]
fn tags_are_scored_as_they_are_written() {
    // An entity of one word, and one that begins with an inside tag.
    let bench = bench()
        .write("tagged.conll", "Ms\tI-PER\nParis\tI-PER\n\nRome\tB-LOC\n\nParis\tO\n\nRome\tO\n");
    let micro = |mode: &str| {
        let all = report(&bench, &["--pred", "tagged.conll", "--tags", mode]);
        let micro = &all["systems"][0]["sequences"]["micro"];
        json!([micro["precision"], micro["recall"]])
    };
    // By default `I-PER I-PER` is an entity; by the letter of IOB2 it is none.
    assert_eq!(micro("default"), json!([0.5, 0.25]));
    assert_eq!(micro("iob2"), json!([1.0, 0.25]));
    let arguments = ["eval", "gold.conll", "--pred", "tagged.conll", "--tags"];
    let out = bench.run(&[&arguments[..], &["bilou"]].concat()).clean();
    assert!(out.contains("\ntags  "), "{out}");
    let err = bench.run(&[&arguments[..], &["ioe1"]].concat()).failed();
    assert!(err.contains("expected a tag of the scheme 'ioe1', got 'B-PER'"), "{err}");
    let err = bench.run(&["eval", "gold.conll", "--tags", "default"]).failed();
    assert!(err.contains("`--tags` is about predictions in files"), "{err}");
    let ran = bench.run(&[&arguments[..], &["bio"]].concat());
    assert!(ran.err.contains("expected default, iob1, iob2"), "{}", ran.err);
    // The same with the letters at the end.
    let turned = |text: &str| {
        let tag =
            |letter: &str, label: &str| (format!("{letter}-{label}"), format!("{label}-{letter}"));
        let tags = ["B", "I"].into_iter().flat_map(|l| ["PER", "LOC"].map(|label| tag(l, label)));
        tags.fold(text.to_owned(), |text, (first, last)| text.replace(&first, &last))
    };
    let tagged = turned(&bench.read("tagged.conll"));
    assert!(tagged.contains("\tPER-I\n"), "{tagged}");
    let bench = bench.write("turned.conll", turned(GOLD)).write("turned-tagged.conll", tagged);
    let arguments = ["eval", "turned.conll", "--pred", "turned-tagged.conll", "--tag-suffix"];
    for (mode, expected) in [("default", json!([0.5, 0.25])), ("iob2", json!([1.0, 0.25]))] {
        let out = bench.run(&[&arguments[..], &["--json", "--tags", mode]].concat()).clean();
        let report: Value = serde_json::from_str(&out).unwrap();
        let system = &report["systems"][0];
        let micro = &system["sequences"]["micro"];
        assert_eq!(json!([micro["precision"], micro["recall"]]), expected, "{mode}");
        assert_eq!(system["micro"]["recall"], 0.25, "the entities are those of the tags");
    }
    let err = bench.run(&arguments[..4]).failed();
    assert!(err.contains("expected a tag such as O or B-PER, got 'PER-B'"), "{err}");
}
