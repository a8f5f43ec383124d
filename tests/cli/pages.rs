//! What describes the program: help, version, listings, completions, manual pages.

use serde_json::Value;

use super::Bench;

#[test]
fn help_has_examples_and_version_is_the_package_version() {
    let bench = Bench::new();
    for command in ["tag", "explain", "check", "eval", "convert", "list", "completions", "man"] {
        let out = bench.run(&[command, "--help"]).clean();
        assert!(
            out.contains("Examples:\n  ") && out.contains(&format!("spanloom {command}")),
            "{out}"
        );
    }
    let version = bench.run(&["--version"]).clean();
    assert_eq!(version, format!("spanloom {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(bench.run(&["tga"]).code, 2);
    assert_eq!(bench.run(&["tag", "--offsets", "words", "x"]).code, 2);
    assert_eq!(bench.run(&["tag", "--model", "m", "--with", "places", "x"]).code, 2);
}

#[test]
fn listings_name_everything_and_agree_with_their_data() {
    let bench = Bench::new();
    for (registry, known) in [
        ("sources", "gazetteer"),
        ("passes", "longest"),
        ("formats", "conll"),
        ("checks", "luhn"),
        ("architectures", "bert"),
    ] {
        let text = bench.run(&["list", registry]).clean();
        assert!(text.lines().any(|line| line == known), "{known} in\n{text}");
        let data: Value =
            serde_json::from_str(&bench.run(&["list", registry, "--json"]).clean()).unwrap();
        let items = data.as_array().unwrap();
        assert!(items.iter().any(|item| item["name"] == known), "{registry}");
        for item in items {
            assert!(text.lines().any(|line| line == item["name"]), "{registry}: {item}");
            assert!(
                item["doc"].as_str().is_some_and(|doc| doc.ends_with('.')),
                "{registry}: {item}"
            );
        }
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.run(&["completions", shell]).clean().contains("spanloom"), "{shell}");
    }
    assert!(bench.run(&["man"]).clean().contains(".TH spanloom 1"));
    bench.run(&["man", "-o", "man1"]).clean();
    assert!(bench.read("man1/spanloom-tag.1").contains("offsets"));
    assert!(bench.path().join("man1/spanloom-gazetteer-build.1").is_file());
}

#[test]
fn gazetteers_are_built_and_used() {
    let engine =
        "labels = [\"LOC\"]\n[[source]]\nkind = \"gazetteer\"\nname = \"p\"\nfiles = [\"p.fst\"]\n";
    let bench = Bench::with_engine(engine).write("p.tsv", "Paris\tLOC\tQ90\n");
    bench.run(&["gazetteer", "build", "p.tsv", "-o", "p.fst"]).clean();
    let found = bench.run(&["gazetteer", "lookup", "p.fst", "paris"]).clean();
    assert!(found.contains("Q90"), "{found}");
    assert!(bench.run(&["gazetteer", "lookup", "p.fst", "rome"]).code == 1);
    let out = bench.pipe("in Paris", &["tag", "--format", "text"]).clean();
    assert_eq!(out.trim_end(), "in [Paris|LOC]");
}
