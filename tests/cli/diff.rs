//! `spanloom diff`: two engines over documents without gold.

use serde_json::{Value, json};

use super::Bench;

const A: &str = r#"labels = ["LOC", "PER", "ORG"]
[[source]]
kind = "gazetteer"
name = "names"
entries = [["Paris", "LOC", "", 0.9], ["York", "LOC", "", 0.9], ["Bath", "LOC", "", 0.3], ["Acme", "ORG"]]
match = "all"
[[merge]]
pass = "longest"
"#;

/// Has a threshold that drops Bath, calls Acme a PER, and has New York, and Rome, from a source of its own.
const B: &str = r#"labels = ["LOC", "PER", "ORG"]
[[source]]
kind = "gazetteer"
name = "names"
entries = [["Paris", "LOC", "", 0.9], ["York", "LOC", "", 0.9], ["Bath", "LOC", "", 0.3], ["Acme", "PER"]]
match = "all"
[[source]]
kind = "gazetteer"
name = "more"
entries = [["New York", "LOC"], ["Rome", "LOC"]]
match = "all"
[[merge]]
pass = "threshold"
min = 0.5
[[merge]]
pass = "longest"
"#;

const TEXTS: &str = "{\"id\":\"one\",\"text\":\"Bath and Bath. Acme in New York.\"}\n\
                     {\"id\":\"two\",\"text\":\"Paris, Rome\"}\n{\"id\":\"three\",\"text\":\"Paris\"}\n";

fn bench() -> Bench {
    Bench::new().write("a.toml", A).write("b.toml", B).write("c.jsonl", TEXTS)
}

#[test]
fn differences_are_grouped_by_what_decided() {
    let ran = bench().run(&["diff", "a.toml", "b.toml", "c.jsonl"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let expected = "\
B: 1 threshold  b.toml:12  2
  removed  'Bath' LOC  one 0..4   score 0.30 is under the threshold 0.50
  removed  'Bath' LOC  one 9..13  score 0.30 is under the threshold 0.50

A: not proposed (B: more)  1
  added  'Rome' LOC  two 7..11  no source proposes anything here; B: proposed by more:Rome

B: 2 longest  b.toml:15  1
  edges  'York' → 'New York' LOC  one 27..31  8 characters beat 4 (by 'New York' LOC)

B: not proposed (A: names)  1
  label  'Acme' ORG → PER  one 15..19  proposed as PER by names:Acme; A: proposed by names:Acme

2 removed, 1 added, 1 label, 1 edges; 2 of 3 documents differ; 2 entities the same in both
";
    assert_eq!(ran.out, expected);
    let few = bench().run(&["diff", "a.toml", "b.toml", "c.jsonl", "--examples", "1"]);
    assert!(few.out.contains("threshold 0.50\n  … and 1 more\n"), "{}", few.out);
}

#[test]
fn the_same_engine_differs_in_nothing() {
    let out = bench().run(&["diff", "a.toml", "a.toml", "c.jsonl"]).clean();
    assert_eq!(out, "no difference; 0 of 3 documents differ; 6 entities the same in both\n");
    let out = bench().run(&["diff", "a.toml", "b.toml", "c.jsonl", "--without", "names"]);
    assert!(out.err.is_empty() && out.code == 1, "{}", out.err);
    let err = bench().run(&["diff", "a.toml", "b.toml", "c.jsonl", "--without", "more"]).failed();
    assert!(err.contains("unknown source 'more'"), "{err}");
    let err = bench().run(&["diff", "a.toml", "none.toml", "c.jsonl"]).failed();
    assert!(err.contains("none.toml"), "{err}");
    assert_eq!(bench().run(&["diff", "a.toml", "b.toml"]).code, 2);
}

#[test]
fn data_and_page_have_all_differences() {
    let bench = bench();
    let arguments = ["diff", "a.toml", "b.toml", "c.jsonl", "--format", "json", "--html", "d.html"];
    let ran = bench.run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["a"], &told["b"]), (&json!("a.toml"), &json!("b.toml")));
    assert_eq!(
        (&told["documents"], &told["differing"], &told["same"]),
        (&json!(3), &json!(2), &json!(2))
    );
    assert_eq!(
        told["counts"],
        json!({ "removed": 2, "added": 1, "label": 1, "edges": 1, "both": 0 })
    );
    assert_eq!(
        told["groups"][0],
        json!({ "step": "B: 1 threshold", "line": "b.toml:12", "count": 2 })
    );
    let all = told["differences"].as_array().unwrap();
    assert_eq!(all.len(), 5);
    let york = all.iter().find(|one| one["kind"] == "edges").unwrap();
    assert_eq!((&york["a"]["text"], &york["b"]["text"]), (&json!("York"), &json!("New York")));
    assert_eq!((&york["b"]["start"], &york["sources"]), (&json!(23), &json!(["more", "names"])));
    let page = bench.read("d.html");
    assert!(page.contains("A is <code>a.toml</code>") && page.contains("B: 1 threshold"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2);
}
