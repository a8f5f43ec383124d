//! `spanloom convert`: from every format into others, and what it says of what does not fit.

use serde_json::{Value, json};

use super::Bench;

const TWEETS: &str = "Ann\tB-person\nLee\tI-person\nleft\tO\n\nRome\tB-location\nFC\tB-group\n\n";

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn labels_are_renamed_and_dropped_by_option_and_by_file() {
    let bench = Bench::new().write("tweets.conll", TWEETS).write(
        "labels.toml",
        "drop = [\"group\"]\n\n[map]\nperson = \"HUMAN\"\nlocation = \"LOC\"\n",
    );
    let arguments = ["convert", "tweets.conll", "--to", "conll", "--map", "person=PER"];
    let expected = "Ann\tB-PER\nLee\tI-PER\nleft\tO\n\nRome\tB-location\nFC\tB-group\n\n";
    assert_eq!(bench.run(&arguments).clean(), expected);
    let by_file = ["--map-file", "labels.toml", "--scheme", "bioes"];
    let out = bench.run(&[&arguments[..], &by_file].concat()).clean();
    assert_eq!(out, "Ann\tB-PER\nLee\tE-PER\nleft\tO\n\nRome\tS-LOC\nFC\tO\n\n");
    let bench = bench.write("labels.toml", "drop = []\nrename = 1\n");
    let error = bench.run(&[&arguments[..], &by_file].concat()).failed();
    assert!(error.contains("unknown field 'rename'") && error.contains("labels.toml:2"), "{error}");
}

#[test]
fn a_label_that_is_not_there_is_mentioned() {
    let bench = Bench::new().write("tweets.conll", TWEETS);
    let ran = bench.run(&["convert", "tweets.conll", "--to", "jsonl", "--drop", "persona"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("no entity has the label persona"), "{}", ran.err);
    assert!(ran.err.contains("labels that are there: group, location, person"), "{}", ran.err);
}

#[test]
fn entities_that_cut_tokens_are_refused_until_the_user_says_what_becomes_of_them() {
    let line = json!({ "id": "a", "text": "The York-based Ann",
        "entities": [[4, 8, "LOC"], [15, 18, "PER"]] });
    let bench = Bench::new().write("in.jsonl", line.to_string());
    let to_conll = ["convert", "in.jsonl", "--to", "conll", "-o", "out.conll"];
    let convert = |mismatch: &str| {
        let ran = bench.run(&[&to_conll[..], &["--mismatch", mismatch]].concat());
        (ran.code, ran.err)
    };
    // Unicode's words part `York-based`: nothing is cut.
    assert_eq!(convert("fail"), (0, String::new()));
    let pair = json!({ "text": "The York-based Ann", "tokens": [
        { "start": 0, "end": 3 }, { "start": 4, "end": 14 }, { "start": 15, "end": 18 },
    ], "ents": [{ "start": 4, "end": 8, "label": "LOC" }, { "start": 15, "end": 18, "label": "PER" }] });
    let bench = bench.write("in.jsonl", pair.to_string());
    std::fs::remove_file(bench.path().join("out.conll")).unwrap();
    let error = bench.run(&to_conll).failed();
    let expected = "'conll' cannot say all entities as they are: 1 of 2 entities: each begins or ends \
                    inside a token, such as 'York' (LOC) in document 'in.jsonl:1'";
    assert!(error.contains(expected), "{error}");
    assert!(!bench.path().join("out.conll").exists());
    for (mismatch, rows, says) in [
        ("expand", "The\tO\nYork-based\tB-LOC\nAnn\tB-PER\n\n", "became 'York-based'"),
        ("contract", "The\tO\nYork-based\tO\nAnn\tB-PER\n\n", "'York' (LOC) in document"),
        ("drop", "The\tO\nYork-based\tO\nAnn\tB-PER\n\n", "1 of 2 entities"),
    ] {
        let ran = bench.run(&[&to_conll[..], &["--mismatch", mismatch]].concat());
        assert!(ran.code == 0 && ran.err.contains(says), "{mismatch}: {}", ran.err);
        assert_eq!(bench.read("out.conll"), rows, "{mismatch}");
    }
}

#[test]
fn json_is_recognised_and_a_named_format_goes_before() {
    let doccano = r#"{"text": "Ann left", "label": [[0, 3, "PER"]]}"#;
    let bench = Bench::new().write("in.jsonl", doccano);
    let out = bench.run(&["convert", "in.jsonl", "--to", "spacy"]).clean();
    assert_eq!(lines(&out)[0]["ents"], json!([{ "start": 0, "end": 3, "label": "PER" }]));
    let ran = bench.run(&["convert", "in.jsonl", "--to", "spacy", "--input-format", "jsonl"]);
    assert!(ran.err.contains("1 of 1 documents came without gold"), "{}", ran.err);
    assert_eq!(lines(&ran.out)[0]["ents"], json!([]));
    // What tags text takes the same formats.
    let tagged = bench.run(&["tag", "in.jsonl"]).clean();
    assert_eq!(lines(&tagged)[0]["text"], "Ann left");
}

#[test]
fn an_output_that_ends_in_json_is_one_array() {
    let bench = Bench::new().write("in.conll", TWEETS);
    bench.run(&["convert", "in.conll", "--to", "gliner", "-o", "out.json.gz"]).clean();
    let out = bench.run(&["convert", "out.json.gz", "--to", "gliner"]).clean();
    let expected = json!({ "tokenized_text": ["Ann", "Lee", "left"], "ner": [[0, 1, "person"]], "id": "in.conll:1" });
    assert_eq!(lines(&out)[0], expected);
    bench.run(&["convert", "in.conll", "--to", "gliner", "-o", "out.json"]).clean();
    let array: Vec<Value> = serde_json::from_str(&bench.read("out.json")).unwrap();
    assert_eq!(array.len(), 2);
}

#[test]
fn tags_may_be_numbers_both_ways() {
    let bench = Bench::new()
        .write("in.jsonl", r#"{"tokens": ["A", "Beagle"], "ner_tags": [0, 7]}"#)
        .write("names.txt", "O\nB-ANIM\n");
    let convert = ["convert", "in.jsonl", "--to", "tokens-jsonl", "--tag-names", "multinerd"];
    let out = bench.run(&convert).clean();
    assert_eq!(lines(&out)[0]["ner_tags"], json!(["O", "B-ANIM"]));
    let out = bench.run(&[&convert[..], &["--tag-numbers", "names.txt"]].concat()).clean();
    assert_eq!(lines(&out)[0]["ner_tags"], json!([0, 1]));
    let error = bench.run(&convert[..4]).failed();
    assert!(error.contains("in.jsonl:1: token 1: the tag is the number 0"), "{error}");
    let ran = bench.run(&["convert", "in.jsonl", "--to", "conll", "--tag-names", "nowhere"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("unknown list of tag names 'nowhere'"), "{}", ran.err);
}

#[test]
fn columns_may_be_parted_by_commas() {
    let bench = Bench::new().write("in.csv", "Ann,PER,B-PER\nleft,X,O\n\nA,x,B-PER,\n");
    let from = ["convert", "in.csv", "--input-format", "conll", "--separator", "comma"];
    let out = bench.run(&[&from[..], &["--tag-column", "3", "--to", "conll"]].concat()).clean();
    assert_eq!(out, "Ann\tPER\tB-PER\nleft\tX\tO\n\nA\tx\tB-PER\t\n\n");
}

#[test]
fn predictions_of_other_formats_are_judged() {
    let bench = Bench::new()
        .write("gold.jsonl", r#"{"text": "Ann left", "label": [[0, 3, "PER"]]}"#)
        .write(
            "pred.json",
            r#"[{"text": "Ann left", "ents": [{"start": 0, "end": 3, "label": "PER"}]}]"#,
        );
    let out = bench.run(&["eval", "gold.jsonl", "--pred", "pred.json", "--format", "json"]).clean();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["systems"][0]["micro"]["f1"], 1.0);
    let out = bench
        .run(&["eval", "gold.jsonl", "--pred", "pred.json", "--format", "json", "--drop", "PER"])
        .clean();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["gold"], 0);
}

#[test]
fn brat_is_a_folder_of_pairs() {
    let bench = Bench::new().write("tweets.conll", TWEETS);
    let error = bench.run(&["convert", "tweets.conll", "--to", "brat"]).failed();
    assert!(error.contains("needs a folder") && error.contains("--output"), "{error}");
    let convert = ["convert", "tweets.conll", "--to", "brat", "-o", "pairs"];
    bench.run(&convert).clean();
    assert_eq!(bench.read("pairs/tweets.conll_1.ann"), "T1\tperson 0 7\tAnn Lee\n");
    assert_eq!(bench.read("pairs/tweets.conll_1.txt"), "Ann Lee left");
    let error = bench.run(&convert).failed();
    assert!(error.contains("the folder is not empty"), "{error}");
    let bench = bench.write("pairs/annotation.conf", "[entities]\n");
    let back = ["convert", "pairs", "--input-format", "brat", "--to", "jsonl"];
    let out = bench.run(&back).clean();
    assert_eq!(lines(&out).len(), 2, "a text goes with its annotations, and other files are none");
    assert_eq!(lines(&out)[1]["entities"][1]["label"], "group");
    let bench = bench.write("pairs/tweets.conll_1.ann", "T1\tperson 0 3;8 12\tAnn left\n");
    let error = bench.run(&back).failed();
    assert!(error.contains("tweets.conll_1.ann:1: the entity has 2 pieces"), "{error}");
    let out = bench.run(&[&back[..], &["--discontinuous", "split"]].concat()).clean();
    assert_eq!(lines(&out)[0]["entities"][1]["text"], "left");
}

#[test]
fn binary_tables_go_both_ways_also_through_a_pipe() {
    // Where the tokens are not kept, they are found, and each document says its id.
    let rows = |out: String| {
        let lines =
            out.split_inclusive('\n').filter(|line| !line.starts_with("# newdoc id = tweets"));
        lines.collect::<String>()
    };
    for (to, file) in [
        ("tokens-parquet", "t.parquet"),
        ("parquet", "t.parquet"),
        ("arrow", "t.feather"),
        ("arrow", "t.arrows"),
    ] {
        let bench = Bench::new().write("tweets.conll", TWEETS);
        bench.run(&["convert", "tweets.conll", "--to", to, "-o", file]).clean();
        let to_conll = ["--to", "conll"];
        let out = bench.run(&[&["convert", file], &to_conll[..]].concat()).clean();
        assert_eq!(rows(out), TWEETS, "{to} {file}");
        let bytes = std::fs::read(bench.path().join(file)).unwrap();
        let out = bench.pipe(bytes, &[&["convert", "-"], &to_conll[..]].concat()).clean();
        assert_eq!(rows(out), TWEETS, "{to} {file}");
    }
}
