//! `spanloom gazetteer`: building from every format, and what is built looked into, exported and
//! compared.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::{Bench, Ran};

/// A folder with the sample lists of `tests/data/gazetteers`.
fn bench() -> Bench {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/gazetteers");
    let mut bench = Bench::new();
    for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        bench = bench.write(&name, fs::read(file.path()).unwrap());
    }
    bench
}

fn gazetteer(bench: &Bench, line: &str) -> Ran {
    let arguments: Vec<&str> = std::iter::once("gazetteer").chain(line.split(' ')).collect();
    bench.run(&arguments)
}

/// The rows of what is built from an input.
fn rows(bench: &Bench, line: &str) -> Vec<String> {
    gazetteer(bench, &format!("build {line} -o out.fst")).clean();
    gazetteer(bench, "export out.fst").clean().lines().map(str::to_owned).collect()
}

#[test]
fn every_format_is_read() {
    let bench = bench();
    assert_eq!(
        rows(&bench, "names.tsv"),
        ["Ada Birk\tPER", "NATO\tORG\t\t\tcase=exact", "Nordhaven\tLOC\tn1\t0.9\tcountry=DE"]
    );
    assert_eq!(
        rows(&bench, "cities.txt"),
        [
            "Klein Birk\tLOC\t1002\t0.05\tcountry=DE;admin1=01;feature=P.PPL",
            "Nordhaven\tLOC\t1001\t0.833\tcountry=DE;admin1=01;feature=P.PPLA",
            "Nordhavn\tLOC\t1001\t0.833\tcountry=DE;admin1=01;feature=P.PPLA",
            "Нордхавен\tLOC\t1001\t0.833\tcountry=DE;admin1=01;feature=P.PPLA",
        ]
    );
    assert_eq!(
        rows(&bench, "cities.txt --feature S.AIRP=FAC,P=- --attributes timezone"),
        ["Birk Airport\tFAC\t1003\t0.5\ttimezone=Europe/Berlin"]
    );
    assert_eq!(
        rows(&bench, "items.json --class Q515=LOC,Q5=PER --language en,de"),
        [
            "Ada Birk\tPER\tQ1002\t0.05\tclass=Q5",
            "Nordhafen\tLOC\tQ1001\t0.5\tclass=Q515",
            "Nordhaven\tLOC\tQ1001\t0.5\tclass=Q515",
            "North Haven\tLOC\tQ1001\t0.5\tclass=Q515",
        ]
    );
    assert_eq!(
        rows(&bench, "tumours.obo --label DISEASE --synonyms exact,related"),
        [
            "glass tumour\tDISEASE\tX:1\t\tscope=exact",
            "glassoma\tDISEASE\tX:1",
            "shardoma\tDISEASE\tX:1\t0.5\tscope=related",
        ]
    );
    assert_eq!(
        rows(&bench, "firms.csv --columns surface=Name,id=Code,kind=Kind --label ORG"),
        ["Birk & Sons\tORG\tBRK\t\tkind=shop", "Nordhaven Glass, Ltd.\tORG\tNHG\t\tkind=maker"]
    );
    assert_eq!(
        rows(&bench, "patterns.jsonl --other-patterns skip"),
        ["Birk & Sons\tORG\tbirk\t\tcase=exact", "klein birk\tLOC\t\t\tcase=fold"]
    );
}

#[test]
fn a_summary_says_what_was_built() {
    let bench = bench();
    let out = gazetteer(&bench, "build cities.txt names.tsv names.tsv -o out.fst").clean();
    for (what, value) in [
        ("entries", "7"),
        ("surfaces", "6"),
        ("labels", "LOC, ORG, PER"),
        ("duplicates", "3"),
        ("left out", "1 alternate names in lower case, 1 codes, 1 of a feature not asked for"),
    ] {
        let of_line = out.lines().find_map(|line| line.trim_start().strip_prefix(what)).unwrap();
        assert_eq!(of_line.trim(), value, "{out}");
    }
    let info = gazetteer(&bench, "info out.fst --verify").clean();
    for part in ["verified", "LOC  5", "names.tsv", "surfaces", "sha256"] {
        assert!(info.contains(part), "{part}: {info}");
    }
    let info = gazetteer(&bench, "info out.fst --json").clean();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["labels"], serde_json::json!({"LOC": 5, "ORG": 1, "PER": 1}));
    assert_eq!(info["sources"].as_array().unwrap().len(), 2);
    gazetteer(&bench, "build names.tsv --min-length 4 -o out.fst").clean();
    let info = gazetteer(&bench, "info out.fst --json").clean();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["sources"][0]["options"], "tsv --min-length 4");
}

#[test]
fn compressed_lists_are_read() {
    let bench = bench();
    let tsv = bench.read("names.tsv");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(tsv.as_bytes()).unwrap();
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(tsv.as_bytes()).unwrap();
    let zst = zstd::encode_all(tsv.as_bytes(), 1).unwrap();
    let bench = bench
        .write("a.tsv.gz", gz.finish().unwrap())
        .write("b.tsv.bz2", bz2.finish().unwrap())
        .write("c.tsv.zst", zst);
    let plain = rows(&bench, "names.tsv");
    assert_eq!(rows(&bench, "a.tsv.gz b.tsv.bz2 c.tsv.zst"), plain);
}

#[test]
fn what_is_exported_is_built_to_the_same() {
    let bench = bench();
    gazetteer(&bench, "build names.tsv cities.txt -o a.fst").clean();
    let sha256 = |file: &str| {
        let info = gazetteer(&bench, &format!("info {file} --json")).clean();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        info["sha256"].as_str().unwrap().to_owned()
    };
    for file in ["b.tsv", "b.jsonl", "b.jsonl.zst"] {
        gazetteer(&bench, &format!("export a.fst -o {file}")).clean();
        gazetteer(&bench, &format!("build {file} -o b.fst")).clean();
        assert_eq!(sha256("a.fst"), sha256("b.fst"), "{file}");
        assert_eq!(
            gazetteer(&bench, "diff a.fst b.fst").clean(),
            "0 added, 0 removed, 0 changed\n"
        );
    }
    gazetteer(&bench, "build names.jsonl -o c.fst").clean();
    let error = gazetteer(&bench, "export c.fst --to tsv").failed();
    assert!(
        error.contains("'#nordhaven' is no row of TSV") && error.contains("--to jsonl"),
        "{error}"
    );
    let out = gazetteer(&bench, "export c.fst --to jsonl").clean();
    assert!(out.contains(r##"{"surface":"#nordhaven","label":"LOC","weight":0.5}"##), "{out}");
}

#[test]
fn differences_are_listed_and_are_the_exit_code() {
    let bench = bench().write(
        "new.tsv",
        "Nordhaven\tLOC\tn1\t0.8\tcountry=DE\nAda Birk\tPER\nNATO\tMISC\nKlein Birk\tLOC\n",
    );
    let ran = gazetteer(&bench, "diff names.tsv new.tsv");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let expected = "+ Klein Birk\tLOC\n- NATO\tORG\t\t\tcase=exact\n+ NATO\tMISC\n\
                    < Nordhaven\tLOC\tn1\t0.9\tcountry=DE\n> Nordhaven\tLOC\tn1\t0.8\tcountry=DE\n\
                    2 added, 1 removed, 1 changed\n";
    assert_eq!(ran.out, expected);
    let short = gazetteer(&bench, "diff names.tsv new.tsv --limit 1").out;
    assert_eq!(short, "+ Klein Birk\tLOC\n… and 3 more\n2 added, 1 removed, 1 changed\n");
}

#[test]
fn names_are_looked_up_in_any_casing() {
    let bench = bench();
    gazetteer(&bench, "build names.tsv -o a.fst").clean();
    let found = bench.run(&["gazetteer", "lookup", "a.fst", "ADA BIRK in nordhaven"]).clean();
    let expected = "match      surface    label  id  weight  attributes\n\
                    ADA BIRK   Ada Birk   PER        1\n\
                    nordhaven  Nordhaven  LOC    n1  0.9     country=DE\n";
    assert_eq!(found, expected);
    let found = bench.run(&["gazetteer", "lookup", "a.fst", "names.tsv", "Nordhaven", "--json"]);
    let line = r#"{"match":"Nordhaven","surface":"Nordhaven","label":"LOC","id":"n1","weight":0.9,"attributes":{"country":"DE"}}"#;
    assert_eq!(found.clean().lines().next().unwrap(), line);
    assert_eq!(gazetteer(&bench, "lookup a.fst rome").code, 1);
    assert_eq!(gazetteer(&bench, "lookup a.fst Nrodhaven").code, 1);
    let found = gazetteer(&bench, "lookup a.fst Nrodhaven --fuzzy").clean();
    assert!(found.contains("Nordhaven"), "{found}");
    let error = gazetteer(&bench, "lookup a.fst b.tsv").failed();
    assert!(error.contains("no name to look up is given"), "{error}");
}

#[test]
fn what_is_wrong_with_lists_is_reported_together() {
    let bench = bench().write("bad.tsv", "Paris\nRome\tLOC\t\tx\n").write(
        "bad.jsonl",
        "{\"surface\": \"a\", \"label\": 5}\n{\"surface\": \"b\", \"label\": \"B\"}\n",
    );
    let error = gazetteer(&bench, "build bad.tsv bad.jsonl patterns.jsonl -o out.fst").failed();
    for part in [
        "bad.tsv:1:1: the row has 1 columns, expected 2 to 5",
        "bad.tsv:2:11: weight 'x' is not a number",
        "bad.jsonl:1:27: invalid JSON",
        "patterns.jsonl:3: the pattern is no name: token 1 is not one plain word",
        "4 problems",
    ] {
        assert!(error.contains(part), "{part} in\n{error}");
    }
    assert!(!bench.path().join("out.fst").exists());
    let ran = gazetteer(&bench, "build bad.tsv bad.jsonl -o out.fst --skip-bad");
    assert!(ran.code == 0 && ran.err.contains("bad.tsv:1:1"), "{}", ran.err);
    assert!(ran.out.contains("3 with problems"), "{}", ran.out);
    assert_eq!(gazetteer(&bench, "export out.fst").clean(), "b\tB\n");
}

#[test]
fn a_build_that_makes_no_sense_is_refused() {
    let bench = bench().write("list.bin", "Paris");
    for (line, part) in [
        ("build list.bin -o out.fst", "the format of the file cannot be told"),
        ("build none.tsv -o out.fst", "cannot read none.tsv"),
        ("build names.tsv -o none/out.fst", "cannot write none/out.fst"),
        ("build names.tsv -o names.tsv", "names.tsv is both input and output"),
        ("build names.tsv --class Q1=X -o out.fst", "--class is no option of tsv"),
        ("build items.json -o out.fst", "--class: no class is given"),
        ("build cities.txt --half-population x -o out.fst", "--half-population: 'x' is no number"),
        ("build list.bin --from spacy -o out.fst", "list.bin:1: expected a JSON object"),
        ("info list.bin", "the format of the file cannot be told"),
    ] {
        let error = gazetteer(&bench, line).failed();
        assert!(error.contains(part), "{line}: {error}");
    }
    let ran = gazetteer(&bench, "build names.tsv --from csvv -o out.fst");
    assert!(ran.code == 2 && ran.err.contains("geonames"), "{}", ran.err);
    let list = bench.run(&["list", "importers"]).clean();
    assert!(list.contains("geonames") && list.contains("half-population"), "{list}");
}
