//! Bad input gives a clear error and loses nothing: what is wrong with an engine, what is wrong with
//! documents, what cannot be written.

use crate::cli::{Bench, ENGINE};

/// Engine files that are wrong, and what the message must hold: the place, what was got, what is known.
const ENGINES: &[(&str, &str, &str, &[&str])] = &[
    ("unknown key", "match = \"all\"", "mtach = \"all\"", &["spanloom.toml:", "'mtach'", "match"]),
    (
        "unknown pass",
        "\"longest\"",
        "\"longset\"",
        &["unknown pass 'longset'", "did you mean 'longest'"],
    ),
    ("unknown kind", "\"rules\"", "\"rule\"", &["'rule'", "did you mean 'rules'"]),
    ("undeclared label", "\"PER\"]", "\"PERSON\"]", &["label 'PER'", "declared: LOC, PERSON"]),
    ("invalid regex", "'Ms\\.'", "'Ms(\\.'", &["bad pattern", "spanloom.toml:"]),
    ("broken TOML", "[[merge]]", "[[merge]", &["spanloom.toml:"]),
    ("missing file", "match = \"all\"", "files = [\"no.tsv\"]", &["spanloom.toml", "no.tsv"]),
];

#[test]
fn a_wrong_engine_is_explained_at_its_place() {
    for (what, good, bad, parts) in ENGINES {
        assert!(ENGINE.contains(good), "{what}");
        let bench = Bench::with_engine(&ENGINE.replacen(good, bad, 1));
        let error = bench.pipe("Paris", &["tag"]).failed();
        for part in *parts {
            assert!(error.contains(part), "{what}: no '{part}' in\n{error}");
        }
    }
}

#[test]
fn a_row_with_wrong_columns_is_reported_with_its_line() {
    let engine =
        "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"p\"\nfiles = [\"p.tsv\"]\n";
    let bench = Bench::with_engine(engine)
        .write("p.tsv", "Paris\tLOC\nRome\nOslo\tLOC\tid\tnot a number\n");
    let error = bench.pipe("Paris", &["tag"]).failed();
    assert!(error.contains("p.tsv:2") && error.contains("p.tsv:3"), "{error}");
    let bench = Bench::with_engine(engine).write("p.tsv", "Paris\tLOC\nAda\tPER\nEve\tPER\n");
    let error = bench.pipe("Paris", &["tag"]).failed();
    assert!(error.contains("p.tsv:2:1: source 'p' proposes label 'PER'"), "{error}");
}

#[test]
fn what_is_named_but_not_there_is_said() {
    let bench = Bench::new().write("a.txt", "Paris");
    for (arguments, part) in [
        (&["tag", "a.txt", "-e", "no.toml"][..], "no.toml"),
        (&["tag", "a.txt", "--with", "plases"], "did you mean 'places'"),
        (&["tag", "a.txt", "--without", "nobody"], "unknown source 'nobody'"),
        (&["tag", "a.txt", "-o", "no/such/out.jsonl"], "cannot write no/such/out.jsonl"),
        (&["tag", "a.txt", "-o", "."], "a.txt is in the folder of the job"),
        (&["tag", "no.txt"], "cannot read no.txt"),
        (&["tag", "*.zip"], "no file matches '*.zip'"),
    ] {
        let error = bench.run(arguments).failed();
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
}

#[test]
fn bad_documents_are_named_and_the_run_goes_on() {
    let bench = Bench::new()
        .write("in/1.txt", b"Paris \xff")
        .write("in/2.txt", "Texas")
        .write(
            "in/3.jsonl",
            "{\"text\":\"\\ud800 Paris\"}\n{\"text\":3}\n[]\n{\n{\"text\":\"Paris\"}\n",
        )
        .write("in/4.txt.gz", "no gzip")
        .write("in/5.txt", "New York");
    let ran = bench.run(&["tag", "in", "no.txt", "-o", "out.jsonl"]);
    let error = ran.failed();
    for part in [
        "in/1.txt",
        "invalid UTF-8",
        "in/3.jsonl:2",
        "in/3.jsonl:3",
        "in/3.jsonl:4",
        "4.txt.gz",
        "no.txt",
    ] {
        assert!(error.contains(part), "{part} in\n{error}");
    }
    let out = bench.read("out.jsonl");
    for text in ["\"Texas\"", "\"Paris\"", "\"New York\""] {
        assert!(out.contains(text), "{text} in {out}");
    }
    assert!(error.trim_end().ends_with("errors"), "{error}");
}

#[test]
fn many_bad_documents_are_counted() {
    let bench = Bench::new().write("in.jsonl", "{\n".repeat(100));
    let error = bench.run(&["tag", "in.jsonl"]).failed();
    assert_eq!(error.matches('×').count(), 20, "{error}");
    assert!(error.ends_with("100 errors (20 shown)\n"), "{error}");
}

#[test]
fn nothing_at_all_is_a_document_too() {
    let bench = Bench::new().write("empty.txt", "").write("empty.jsonl", "").write("folder/.x", "");
    let out = bench.run(&["tag", "empty.txt"]).clean();
    assert_eq!(out, "{\"id\":\"empty.txt\",\"text\":\"\",\"entities\":[]}\n");
    assert_eq!(bench.run(&["tag", "empty.jsonl"]).clean(), "");
    assert_eq!(
        bench
            .pipe("{\"text\":\"\"}\n", &["tag", "--input-format", "jsonl"])
            .clean()
            .lines()
            .count(),
        1
    );
    assert!(bench.run(&["tag", "folder"]).failed().contains("no file to read"));
}

#[test]
fn a_nul_byte_is_a_character_as_any_other() {
    let out = Bench::new().pipe("Paris\0Texas \0", &["tag"]).clean();
    assert!(out.contains("\"text\":\"Paris\\u0000Texas \\u0000\""), "{out}");
    assert!(out.contains("\"start\":6,\"end\":11,\"label\":\"LOC\",\"text\":\"Texas\""), "{out}");
}

#[test]
fn a_single_line_of_50_megabytes_is_tagged() {
    let line = "Paris Hilton met no one of note in New York, and then went home. ".repeat(800_000);
    assert!(line.len() > 50_000_000);
    let bench = Bench::new().write("long.txt", &line);
    bench.run(&["tag", "long.txt", "-o", "out.jsonl"]).clean();
    let out = bench.read("out.jsonl");
    assert_eq!(out.matches("\"text\":\"Paris Hilton\"").count(), 800_000);
}

#[test]
fn an_output_that_fails_leaves_what_was_there() {
    let bench = Bench::new().write("out.jsonl", "old").write("a.txt", "Paris");
    bench.run(&["tag", "a.txt", "-o", "out.jsonl", "--with", "nobody"]).failed();
    assert_eq!(bench.read("out.jsonl"), "old");
}

#[test]
fn an_output_that_is_the_input_is_refused() {
    let bench = Bench::new().write("a.txt", "In Paris.");
    let message = bench.run(&["tag", "a.txt", "-o", "a.txt"]).failed();
    assert!(message.contains("a.txt is both input and output"), "{message}");
    assert_eq!(bench.read("a.txt"), "In Paris.");
}
