//! Tables in and out: CSV, TSV, Parquet and Arrow, whose other columns pass through.

use serde_json::{Value, json};

use super::Bench;

const REVIEWS: &str = "key,body,stars\nr1,\"Paris, again\",5\nr2,nothing here,1\n";

#[test]
fn a_table_goes_through_every_format_of_tables_and_keeps_its_columns() {
    let bench = Bench::new().write("in.csv", REVIEWS);
    let fields = ["--text-field", "body", "--id-field", "key"];
    let tag = |input: &str, output: &str| {
        let ran = bench.run(&[&["tag", input, "-o", output], &fields[..]].concat());
        assert_eq!(ran.clean(), "", "{output}");
    };
    tag("in.csv", "a.parquet");
    tag("a.parquet", "b.feather");
    tag("b.feather", "c.arrows");
    tag("c.arrows", "d.tsv");
    tag("d.tsv", "e.csv.gz");
    tag("e.csv.gz", "f.csv");
    let entities = "\"[{\"\"start\"\":0,\"\"end\"\":5,\"\"label\"\":\"\"LOC\"\",\"\"text\"\":\"\"Paris\"\",\
                    \"\"score\"\":1.0,\"\"sources\"\":[\"\"places\"\"]}]\"";
    let expected = format!(
        "key,body,stars,entities\nr1,\"Paris, again\",5,{entities}\nr2,nothing here,1,[]\n"
    );
    assert_eq!(bench.read("f.csv"), expected);
    let out = bench.run(&[&["tag", "b.feather"], &fields[..]].concat()).clean();
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(first["id"], "r1");
    assert_eq!(first["stars"], "5");
    assert_eq!(first["entities"][0]["sources"], json!(["places"]));
}

#[test]
fn what_is_no_column_is_told_and_a_bad_record_is_passed_over() {
    let bench = Bench::new().write("in.csv", REVIEWS);
    let error = bench.run(&["tag", "in.csv"]).failed();
    assert!(error.contains("in.csv: no column 'text' with the text"), "{error}");
    assert!(error.contains("its columns: key, body, stars; `--text-field` names one"), "{error}");
    let bench = bench.write("in.csv", "text,n\nTexas\nParis,2\n");
    let ran = bench.run(&["tag", "in.csv"]);
    assert_eq!((ran.code, ran.out.lines().count()), (1, 1), "{}", ran.err);
    assert!(ran.err.contains("in.csv:2: record 1: expected 2 columns"), "{}", ran.err);
}

#[test]
fn options_say_how_a_table_is_written() {
    let bench = Bench::new().write("in.tsv", "1\tTo \"Texas\n2\t\"Paris\n");
    let out = bench
        .run(&[
            "tag",
            "in.tsv",
            "--no-header",
            "--no-quotes",
            "--text-field",
            "2",
            "--format",
            "text",
        ])
        .clean();
    assert_eq!(out, "To \"[Texas|LOC]\n\n\"[Paris|LOC]\n");
    let bench = bench.write("in.csv", "n;text\n1;Paris\n");
    let out = bench.run(&["tag", "in.csv", "--separator", ";", "--format", "text"]).clean();
    assert_eq!(out, "[Paris|LOC]\n");
}

#[test]
fn sentences_and_tables_are_told_apart() {
    let bench = Bench::new()
        .write("in/a.tsv", "In\tO\nTexas\tB-LOC\n")
        .write("in/b.tsv", "In\tIN\nTexas\tNNP\n\nIn\tIN\nParis\tNNP\n")
        .write("in/c.tsv", "n\ttext\n1\tParis\n");
    let out = bench.run(&["tag", "in", "--format", "text"]).clean();
    assert_eq!(out, "In [Texas|LOC]\n\nIn [Texas|LOC]\n\nIn [Paris|LOC]\n\n[Paris|LOC]\n");
}

#[test]
fn documents_of_no_table_have_columns_of_their_own_and_tables_do_not_mix() {
    let bench = Bench::new()
        .write("in/a.jsonl", "{\"id\": \"x\", \"text\": \"Paris\", \"n\": 1}\n{\"text\": \"it\"}\n")
        .write("in/b.csv", REVIEWS);
    bench.run(&["tag", "in/a.jsonl", "-o", "a.parquet"]).clean();
    let out = bench.run(&["tag", "a.parquet", "--format", "jsonl"]).clean();
    let all: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all[0]["fields"], json!({ "n": 1 }));
    assert_eq!((&all[1]["id"], &all[1]["fields"]), (&json!("in/a.jsonl:2"), &Value::Null));
    let error = bench.run(&["tag", "in", "--text-field", "body", "-o", "b.parquet"]).failed();
    assert!(error.contains("no field 'body'"), "{error}");
    let bench = bench.write("in/c.csv", "body,stars\nRome,1\n");
    let tables = ["tag", "in/b.csv", "in/c.csv", "--text-field", "body", "-o", "b.parquet"];
    let error = bench.run(&tables).failed();
    let expected = "expected the columns of the first document, key, body, stars, got body, stars";
    assert!(error.contains(expected) && error.contains("or write jsonl"), "{error}");
}
