//! `spanloom eval`: scores counted by hand.

use serde_json::{Value, json};

use super::Bench;

const ENGINE: &str = r#"
labels = ["LOC", "PER", "ORG", "DATE"]
[[source]]
kind = "gazetteer"
name = "names"
entries = [["Paris", "LOC"], ["Hilton", "PER"], ["Acme", "PER"], ["Monday", "DATE"]]
match = "all"
[[merge]]
pass = "longest"
"#;

/// The engine finds Paris, twice, Hilton, Acme (as a PER) and Monday.
const GOLD: &str = "Paris\tB-LOC\nis\tO\ncalm\tO\n\nParis\tB-PER\nHilton\tI-PER\nof\tO\nAcme\tB-ORG\n\n\
                    Rome\tB-LOC\nsleeps\tO\n\nMonday\tO\ncame\tO\n";

const TABLE: &str = "\
label     precision  recall      f1  support
LOC          50.00%  50.00%  50.00%        2
ORG           0.00%   0.00%   0.00%        1
PER           0.00%   0.00%   0.00%        1
micro        25.00%  25.00%  25.00%        4
macro        16.67%  16.67%  16.67%        4
weighted     25.00%  25.00%  25.00%        4

scenario  precision  recall      f1  correct  incorrect  partial  missed  spurious
strict       25.00%  25.00%  25.00%        1          2        0       1         1
exact        50.00%  50.00%  50.00%        2          1        0       1         1
partial      62.50%  62.50%  62.50%        2          0        1       1         1
ent_type     25.00%  25.00%  25.00%        1          2        0       1         1

counted     4 documents; 4 entities in gold, 5 predicted
not judged  gold has no DATE (1)
";

fn bench() -> Bench {
    Bench::with_engine(ENGINE).write("gold.conll", GOLD)
}

fn json_of(bench: &Bench, arguments: &[&str]) -> Value {
    let out = bench.run(&[&["eval", "--format", "json"], arguments].concat()).clean();
    serde_json::from_str(&out).unwrap()
}

#[test]
fn an_engine_is_scored_as_by_hand() {
    let bench = bench();
    assert_eq!(bench.run(&["eval", "gold.conll"]).clean(), TABLE);
    assert_eq!(bench.pipe(GOLD, &["eval", "--input-format", "conll"]).clean(), TABLE);
    let scored = json_of(&bench, &["gold.conll"]);
    assert_eq!(
        scored["labels"]["LOC"],
        json!({ "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2 })
    );
    assert_eq!(scored["macro"]["f1"], json!(0.5 / 3.0));
    assert_eq!(scored["not_judged"], json!({ "DATE": 1 }));
    assert_eq!(
        scored["scenarios"]["partial"],
        json!({
            "correct": 2, "incorrect": 0, "partial": 1, "missed": 1, "spurious": 1,
            "possible": 4, "actual": 4, "precision": 0.625, "recall": 0.625, "f1": 0.625
        })
    );
    // Of PER alone: Hilton is half of Paris Hilton, Acme is no PER.
    let per = &scored["label_scenarios"]["PER"]["partial"];
    assert_eq!([&per["partial"], &per["spurious"], &per["missed"]], [1, 1, 0]);
}

#[test]
fn labels_that_gold_has_nowhere_are_judged_when_asked() {
    let scored = json_of(&bench(), &["gold.conll", "--all-labels"]);
    assert_eq!(scored["not_judged"], json!({}));
    assert_eq!(scored["labels"]["DATE"]["support"], 0);
    assert_eq!([&scored["micro"]["precision"], &scored["micro"]["recall"]], [0.2, 0.25]);
    assert_eq!(scored["macro"]["f1"], 0.125);
    assert_eq!(scored["scenarios"]["strict"]["spurious"], 2);
}

#[test]
fn gold_may_call_its_labels_otherwise() {
    let other = GOLD.replace("LOC", "place");
    let bench = bench().write("other.conll", &other);
    let ran = bench.run(&["eval", "other.conll"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err.contains("gold has labels that the engine does not give: place"),
        "{}",
        ran.err
    );
    assert_eq!(bench.run(&["eval", "other.conll", "--map", "place=LOC"]).clean(), TABLE);
    let err = bench.run(&["eval", "other.conll", "--map", "place=GPE"]).failed();
    assert!(err.contains("unknown label of the engine 'GPE'"), "{err}");
}

#[test]
fn predictions_are_read_from_files_of_any_format() {
    let bench = bench();
    bench.run(&["tag", "gold.conll", "--format", "conll", "-o", "tagged.conll"]).clean();
    bench.run(&["tag", "gold.conll", "--format", "jsonl", "-o", "tagged.jsonl"]).clean();
    for predicted in ["tagged.conll", "tagged.jsonl"] {
        assert_eq!(bench.run(&["eval", "gold.conll", "--pred", predicted]).clean(), TABLE);
    }
    // The column of gold is still in the file.
    let arguments = ["gold.conll", "--pred", "tagged.conll", "--pred-column", "2"];
    assert_eq!(json_of(&bench, &arguments)["micro"]["f1"], 1.0);
    assert_eq!(bench.run(&["eval", "gold.conll", "--pred", "x", "--without", "names"]).code, 2);
}

#[test]
fn predictions_of_other_documents_are_an_error_that_names_the_first() {
    let gold = "{\"id\":\"a\",\"text\":\"Rome\",\"entities\":[]}\n{\"id\":\"b\",\"text\":\"Paris é\",\"entities\":[]}\n";
    let bench = Bench::with_engine(ENGINE)
        .write("gold.jsonl", gold)
        .write("id.jsonl", gold.replace("\"b\"", "\"c\""))
        .write("text.jsonl", gold.replace("Paris é", "Paris e"))
        .write("few.jsonl", gold.lines().next().unwrap())
        .write("many.jsonl", format!("{gold}{{\"id\":\"d\",\"text\":\"\",\"entities\":[]}}\n"))
        .write("nameless.jsonl", gold.replace("\"id\":\"b\",", ""));
    for (file, expected) in [
        ("id.jsonl", "document 2 is 'b' in gold, but 'c' in the predictions"),
        (
            "text.jsonl",
            "document 2 ('b' in gold, 'b' in the predictions) has two texts; from character 7 on gold \
             has 'é', the predictions 'e'",
        ),
        ("few.jsonl", "the predictions end before document 'b' of gold"),
        ("many.jsonl", "gold ends before document 'd' of the predictions"),
    ] {
        let err = bench.run(&["eval", "gold.jsonl", "--pred", file]).failed();
        assert!(err.split_whitespace().collect::<Vec<_>>().join(" ").contains(expected), "{err}");
    }
    let out = bench.run(&["eval", "gold.jsonl", "--pred", "nameless.jsonl"]).clean();
    assert!(out.ends_with("counted  2 documents; 0 entities in gold, 0 predicted\n"), "{out}");
}
