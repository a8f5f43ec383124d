//! The engine files of `engines/`, with small lists in the place of those that a user builds.

use std::path::Path;

use super::Bench;

/// `engines/lmr.toml` and `engines/lmr-lists.toml` beside the models and lists of the repository.
fn places() -> Bench {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let absolute = |folder: &str| format!("{}/{folder}/", root.display());
    let engine = |name: &str| {
        let engine = std::fs::read_to_string(root.join("engines").join(name)).unwrap();
        engine
            .replace("../models/", &absolute("models"))
            .replace("../gazetteers/", &absolute("gazetteers"))
    };
    let bench = Bench::new()
        .write("lmr.toml", engine("lmr.toml"))
        .write("lmr-lists.toml", engine("lmr-lists.toml"))
        .write("cities.tsv", "Houston\tLOC\tgeo:1\t0.9\nNice\tLOC\tgeo:2\t0.3\n")
        .write("countries.tsv", "Mexico\tLOC\tgeo:3\n")
        .write("admin1.tsv", "Texas\tLOC\tgeo:4\n");
    for list in ["cities", "countries", "admin1"] {
        let (from, to) = (format!("{list}.tsv"), format!("{list}.fst"));
        bench.run(&["gazetteer", "build", &from, "-o", &to]).clean();
    }
    bench
}

#[test]
fn places_in_tweets_are_found_by_the_adapter_and_the_lists() {
    let bench = places();
    let tag = |engine: &str, arguments: &[&str]| {
        let text = "Hurricane Harvey floods Houston, #Texas needs help. Nice people send boats to Mexico\n";
        let all = [&["tag", "-q", "-e", engine, "--format", "text", "-"], arguments].concat();
        bench.pipe(text, &all).clean()
    };
    let both = "Hurricane Harvey floods [Houston|LOC], #[Texas|LOC] needs help. Nice people send boats to [Mexico|LOC]\n";
    assert_eq!(tag("lmr.toml", &[]), both);
    assert_eq!(tag("lmr.toml", &["--without", "tagger"]), both);
    assert_eq!(tag("lmr-lists.toml", &[]), both);
}
