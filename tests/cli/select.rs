//! `spanloom select`: which documents are worth annotating, and the tasks for that.

use serde_json::{Value, json};

use super::Bench;

/// Two gazetteers that contradict each other about Paris, about the edges of New York, and agree on Rome.
const ENGINE: &str = r#"labels = ["LOC", "PER"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC", "", 0.9], ["York", "LOC", "", 0.6], ["Rome", "LOC", "", 0.9]]
match = "all"
[[source]]
kind = "gazetteer"
name = "people"
entries = [["Paris", "PER", "", 0.9], ["New York", "PER", "", 0.3], ["Rome", "LOC", "", 0.5]]
match = "all"
[[merge]]
pass = "longest"
tie-break = ["score"]
"#;

const TEXTS: [(&str, &str); 6] = [
    ("rome", "They all left Rome"),
    ("paris", "😀 Paris is here"),
    ("york", "New York was nice"),
    ("again", "Paris IS here!"),
    ("more", "Nobody saw Paris here today"),
    ("done", "Paris, Paris"),
];

fn bench() -> Bench {
    let line = |(id, text): &(&str, &str)| format!("{}\n", json!({ "id": id, "text": text }));
    let corpus: String = TEXTS.iter().map(line).collect();
    Bench::with_engine(ENGINE).write("in.jsonl", corpus).write("done.txt", "paris paris.\n")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(tasks: &[Value]) -> Vec<&str> {
    tasks.iter().map(|task| task["id"].as_str().unwrap()).collect()
}

#[test]
fn what_sources_contradict_each_other_about_comes_first() {
    let arguments =
        ["select", "in.jsonl", "--by", "disagreement", "-n", "4", "--exclude", "done.txt"];
    let tasks = lines(&bench().run(&arguments).clean());
    assert_eq!(ids(&tasks), ["york", "paris", "more", "rome"]);
    let meta = &tasks[1]["meta"];
    let doubt = "'Paris': PER (people 0.90), LOC (places 0.90)";
    assert_eq!(
        *meta,
        json!({ "rank": 2, "score": 0.25, "uncertainty": 0.0, "disagreement": 0.25, "doubt": doubt })
    );
    // Two of four words are in the cluster; H(1/3, 2/3) is 0.9183 bits.
    assert_eq!(tasks[0]["meta"]["score"], json!(0.4591));
    let doubt = "'New York': 'York' LOC (places 0.60), PER (people 0.30)";
    assert_eq!(tasks[0]["meta"]["doubt"], json!(doubt));
    assert_eq!(
        (&tasks[3]["meta"]["score"], &tasks[3]["meta"]["doubt"]),
        (&json!(0.0), &json!(null))
    );
    assert_eq!(tasks[3]["entities"][0]["text"], "Rome");
}

#[test]
fn the_first_are_shown_with_what_is_in_doubt() {
    let ran = bench().run(&[
        "select",
        "in.jsonl",
        "--by",
        "disagreement",
        "-n",
        "3",
        "--examples",
        "2",
        "--exclude",
        "done.txt",
        "-o",
        "tasks.jsonl",
    ]);
    let expected = "\
rank  score  uncertain  disagree  document  in doubt
   1  0.459      0.000     0.459  york      'New York': 'York' LOC (places 0.60), PER (people 0.30)
   2  0.250      0.000     0.250  paris     'Paris': PER (people 0.90), LOC (places 0.90)
… and 1 more

3 of 6 documents chosen; 1 the same as a better one, or too near to it, 1 excluded
";
    assert_eq!(ran.clean(), expected);
}

#[test]
fn words_become_documents_as_asked_and_near_texts_are_passed_over() {
    let first = |more: &[&str]| {
        let arguments = [&["select", "in.jsonl", "--by", "disagreement", "-n", "3"], more].concat();
        let tasks = lines(&bench().run(&arguments).clean());
        ids(&tasks).join(" ")
    };
    assert_eq!(first(&[]), "done york paris");
    assert_eq!(first(&["--aggregate", "max"]), "paris more done");
    assert_eq!(first(&["--aggregate", "sum"]), "done york paris");
    // "Paris is here" and "Nobody saw Paris here today" share two of six words.
    assert_eq!(first(&["--aggregate", "max", "--diverse=0.3"]), "paris york rome");
}

#[test]
fn tasks_are_in_the_formats_of_annotation_tools() {
    let written = |format: &str| {
        let bench = bench();
        let arguments =
            ["select", "in.jsonl", "--by", "disagreement", "--aggregate", "max", "-n", "1"];
        bench.run(&[&arguments[..], &["--format", format]].concat()).clean()
    };
    let doccano: Value = serde_json::from_str(&written("doccano")).unwrap();
    assert_eq!((&doccano["id"], &doccano["label"]), (&json!("paris"), &json!([[2, 7, "LOC"]])));
    assert_eq!(doccano["meta"]["rank"], 1);
    let prodigy: Value = serde_json::from_str(&written("prodigy")).unwrap();
    assert_eq!(prodigy["spans"][0]["label"], "LOC");
    assert_eq!(prodigy.get("answer"), None, "nobody has answered yet");
    let studio: Value = serde_json::from_str(&written("label-studio")).unwrap();
    let task = &studio[0];
    assert_eq!(task.get("annotations"), None, "nobody has annotated yet");
    assert_eq!(task["predictions"][0]["model_version"], "spanloom");
    // UTF-16: the face takes two.
    assert_eq!(task["predictions"][0]["result"][0]["value"]["start"], 3);
    assert_eq!(task["data"]["meta"]["score"], 1.0);
}

#[test]
fn what_cannot_be_is_said() {
    let ran = bench().run(&["select", "in.jsonl", "-n", "1"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("no source of the engine says how unsure it is"), "{}", ran.err);
    let err = bench().run(&["select", "in.jsonl", "--exclude", "none.jsonl"]).failed();
    assert!(err.contains("none.jsonl"), "{err}");
    for wrong in [["--weight", "2"], ["-n", "0"], ["--format", "conll"], ["--by", "luck"]] {
        let ran = bench().run(&[&["select", "in.jsonl"], &wrong[..]].concat());
        assert_eq!(ran.code, 2, "{wrong:?}");
    }
    let err = bench().run(&["select", "in.jsonl", "-o", "in.jsonl"]).failed();
    assert!(err.contains("both input and output"), "{err}");
}
