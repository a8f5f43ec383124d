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
words       63.64% of 11 tagged right
intervals   micro f1 [0.00, 100.00] of 95 %, from 10000 draws of documents
";

fn bench() -> Bench {
    Bench::with_engine(ENGINE).write("gold.conll", GOLD)
}

/// All that is said.
fn report(bench: &Bench, arguments: &[&str]) -> Value {
    let out = bench.run(&[&["eval", "--json"], arguments].concat()).clean();
    serde_json::from_str(&out).unwrap()
}

/// What is said of the first system.
fn json_of(bench: &Bench, arguments: &[&str]) -> Value {
    report(bench, arguments)["systems"][0].take()
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
    assert!(out.contains("counted    2 documents; 0 entities in gold, 0 predicted\n"), "{out}");
}

/// Two gazetteers and a rule; alone, the rule finds one thing and the gazetteers the rest.
const TWO_KINDS: &str = r#"
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
[[merge]]
pass = "priority"
order = ["titles", "places"]
"#;

/// The gazetteer alone is right in three of four; with the rule all is right. Without the gazetteer one
/// is right.
const TITLES: &str = "Ms\tO\nParis\tB-PER\n\nRome\tB-LOC\n\nParis\tB-LOC\n\nRome\tB-LOC\n";

/// Of four draws of four documents, the one in which the hybrid is better comes up once in 42.19 % of all
/// draws, so that p is 0.5781; exchanged in one document, the difference only turns its sign.
const COMPARED: &str = "\
micro      precision   recall       f1          interval  difference           interval       p  p (swap)
gazetteer     75.00%   75.00%   75.00%   [25.00, 100.00]
rules        100.00%   25.00%   40.00%     [0.00, 85.71]      -35.00  [-100.00, +60.71]  0.5780    0.6250
hybrid       100.00%  100.00%  100.00%  [100.00, 100.00]      +25.00     [0.00, +75.00]  0.5780    1.0000
";

#[test]
fn systems_are_parts_of_the_engine_other_engines_and_predictions() {
    let bench = Bench::with_engine(TWO_KINDS)
        .write("gold.conll", TITLES)
        .write("other.toml", TWO_KINDS.replace("Rome", "Oslo"));
    bench.run(&["tag", "gold.conll", "--format", "conll", "-o", "tagged.conll"]).clean();
    let systems = "rules,gazetteer,hybrid,oslo=other.toml,read=pred:tagged.conll";
    let all = report(&bench, &["gold.conll", "--systems", systems]);
    assert_eq!(all["resampling"], json!({ "rounds": 10000, "seed": 1 }));
    let numbers: Vec<Value> = all["systems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|system| {
            json!([
                system["name"],
                system["micro"]["precision"],
                system["micro"]["recall"],
                system["predicted"]
            ])
        })
        .collect();
    assert_eq!(
        Value::from(numbers),
        json!([
            ["rules", 1.0, 0.25, 1],
            ["gazetteer", 0.75, 0.75, 4],
            ["hybrid", 1.0, 1.0, 4],
            ["oslo", 1.0, 0.5, 2],
            ["read", 1.0, 1.0, 4],
        ])
    );
    assert_eq!(all["systems"][0]["differences"], Value::Null);
    let [hybrid, read] = [2, 4].map(|number| &all["systems"][number]["differences"]);
    assert_eq!(hybrid, read);
    let f1 = &hybrid["micro"]["f1"];
    assert_eq!(f1["value"], 0.6);
    for p in ["p_bootstrap", "p_randomisation"] {
        assert!((0.0..=1.0).contains(&f1[p].as_f64().unwrap()), "{f1}");
    }
}

#[test]
fn systems_are_compared_with_the_first() {
    let bench = Bench::with_engine(TWO_KINDS).write("gold.conll", TITLES);
    let arguments = ["eval", "gold.conll", "--systems", "gazetteer,rules,hybrid"];
    let out = bench.run(&arguments).clean();
    assert_eq!(out.split("\n\n").next().unwrap().to_owned() + "\n", COMPARED);
    assert!(out.contains("f1 of  gazetteer    rules   hybrid  support\nLOC "), "{out}");
    assert!(out.ends_with("by approximate randomisation\n"), "{out}");
    assert_eq!(bench.run(&arguments).clean(), out, "the same seed gives the same numbers");
    // Without rounds there is nothing that chance has made.
    let plain = bench.run(&[&arguments[..], &["--rounds", "0"]].concat()).clean();
    assert!(plain.starts_with("micro      precision   recall       f1  difference\n"), "{plain}");
    assert!(!plain.contains("interval"), "{plain}");
}

#[test]
fn a_system_that_is_none_is_an_error() {
    let bench = Bench::with_engine(TWO_KINDS).write("gold.conll", TITLES);
    let ran = bench.run(&["eval", "gold.conll", "--systems", "hybrids"]);
    assert_eq!(ran.code, 2);
    let known = "expected hybrid, gazetteer, rules, model, NAME=ENGINE.toml or NAME=pred:FILE";
    assert!(ran.err.contains(known), "{}", ran.err);
    let err = bench.run(&["eval", "gold.conll", "--systems", "model"]).failed();
    assert!(err.contains("the engine has no source of the kind 'model'"), "{err}");
    assert!(err.contains("sources that run: places (gazetteer), titles (rules)"), "{err}");
    let err = bench.run(&["eval", "gold.conll", "--systems", "rules,rules"]).failed();
    assert!(err.contains("two systems are called 'rules'"), "{err}");
}

#[test]
fn a_source_of_several_engines_runs_once() {
    let engine = "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"places\"\n\
                  files = [\"places.tsv\"]\n";
    let merge = |pass: &str| format!("{engine}[[merge]]\npass = {pass}\n");
    let bench = Bench::with_engine(engine)
        .write("places.tsv", "Paris\tLOC\nRome\tLOC\n")
        .write("long.toml", merge("\"longest\""))
        .write("none.toml", merge("\"filter\"\ndeny = [\"Paris\"]"))
        .write("other.toml", engine.replace("places.tsv", "towns.tsv"))
        .write("towns.tsv", "Rome\tLOC\n")
        .write("gold.conll", "Paris\tB-LOC\n\nRome\tB-LOC\n");
    let systems = "hybrid,a=long.toml,b=none.toml,c=other.toml";
    let arguments =
        ["-v", "eval", "gold.conll", "--json", "--systems", systems, "--evidence", "kept"];
    let ran = bench.run(&arguments);
    assert!(ran.err.contains("run once for several engines: places"), "{}", ran.err);
    // The source of three engines was asked for two documents, and so was the one of the fourth.
    assert_eq!(
        ran.err.matches("places: 0 documents reused, 2 run, 2 kept").count(),
        2,
        "{}",
        ran.err
    );
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let recalls = report["systems"].as_array().unwrap().iter();
    let recalls: Vec<&Value> = recalls.map(|system| &system["micro"]["recall"]).collect();
    assert_eq!(recalls, [1.0, 1.0, 0.5, 0.5]);
}

#[test]
fn predictions_may_call_their_labels_otherwise() {
    let bench = bench();
    bench.run(&["tag", "gold.conll", "--format", "jsonl", "-o", "tagged.jsonl"]).clean();
    let tagged =
        bench.read("tagged.jsonl").replace("\"LOC\"", "\"city\"").replace("\"PER\"", "\"name\"");
    let bench = bench.write("named.jsonl", tagged);
    let arguments = ["eval", "gold.conll", "--pred", "named.jsonl"];
    assert_ne!(bench.run(&arguments).clean(), TABLE);
    let names = ["--map-pred", "city=LOC,name=PER"];
    assert_eq!(bench.run(&[&arguments[..], &names].concat()).clean(), TABLE);
}

#[test]
fn errors_are_listed_by_what_decided() {
    let bench = bench();
    let out = bench.run(&["eval", "gold.conll", "--errors"]).clean();
    let expected = "\
not proposed  1 missed, 1 boundary, 1 label
  boundary  PER        [Paris {Hilton}] of Acme
                       nearest is 'Hilton' PER by names:Hilton
  label     ORG → PER  Paris Hilton of [{Acme}]
                       proposed as PER by names:Acme
  missed    LOC        [Rome] sleeps
                       no source proposes anything here

proposed, unopposed  1 spurious
  spurious  LOC  {Paris} Hilton of Acme
                 proposed by names:Paris

";
    assert_eq!(out, format!("{expected}{TABLE}"));
    let out = bench.run(&["eval", "gold.conll", "--errors=1"]).clean();
    assert!(out.contains("\n  … and 2 more\n"), "{out}");
    let told = report(&bench, &["gold.conll", "--errors"]);
    assert_eq!(told["errors"].as_array().unwrap().len(), 4);
    bench.run(&["tag", "gold.conll", "--format", "conll", "-o", "tagged.conll"]).clean();
    let out = bench.run(&["eval", "gold.conll", "--pred", "tagged.conll", "--errors"]).clean();
    assert!(out.starts_with("errors  1 missed, 1 spurious, 1 boundary, 1 label\n  "), "{out}");
}
