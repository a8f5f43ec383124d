//! Every recipe of `recipes/` runs as it is written, on small corpora of our own in the place of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use spanloom::resource::TomlFile;
use spanloom::train::Recipe;
use spanloom::train::recipe::CorpusRecipe;

use crate::cli::Bench;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The small model that a run of a recipe begins with.
fn start(recipe: &str) -> String {
    let folder = match recipe {
        "lmr-flair-train" => "flair/stacked",
        "lmr-flair-finetune" => "flair/transformer",
        "lmr-gliner" => "gliner/span-deberta",
        _ => "tiny-bert",
    };
    format!("{ROOT}/tests/data/{folder}")
}

/// The labels that a corpus may have, as it calls them.
fn labels(corpus: &CorpusRecipe, recipe: &Recipe) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = corpus.map.keys().chain(&corpus.drop).cloned().collect();
    if let Some(annotated) = &corpus.labels {
        all.retain(|label| corpus.drop.contains(label) || annotated.contains(&corpus.map[label]));
        all.extend(annotated.iter().cloned());
    } else if corpus.map.is_empty() {
        all.extend(recipe.model.labels.iter().cloned());
    }
    if all.is_empty() {
        all.insert("LOC".to_owned());
    }
    all
}

/// A small corpus in the format of a recipe's own: a sentence for each label.
fn content(corpus: &CorpusRecipe, recipe: &Recipe, part: &str) -> String {
    let mut text = String::new();
    for (number, label) in labels(corpus, recipe).into_iter().enumerate() {
        let name = ["paris", "john", "acme", "oslo"][number % 4];
        if corpus.format.is_some_and(|format| format.name == "idrisi") {
            text += &format!(
                "{{\"tweet_id\": \"{number}\", \"text\": \"{part} visited {name} .\", \"location_mentions\": \
                 [{{\"text\": \"{name}\", \"type\": \"{label}\", \"start_offset\": {0}, \"end_offset\": {1}}}]}}\n",
                part.len() + 9,
                part.len() + 9 + name.len()
            );
            continue;
        }
        if corpus.format.is_some_and(|format| format.name == "tokens-jsonl") {
            text += &format!(
                "{{\"tokens\": [\"{part}\", \"visited\", \"{name}\", \".\"], \
                 \"ner_tags\": [\"O\", \"O\", \"B-{label}\", \"O\"]}}\n"
            );
            continue;
        }
        let mut row = |word: &str, tag: &str| {
            let columns = corpus.tag_column.unwrap_or(2).max(2);
            text += &(match columns {
                2 => format!("{word}\t{tag}\n"),
                _ => format!("1\t{word}\t{tag}\t-\tannotator\n"),
            });
        };
        row(part, "O");
        row("visited", "O");
        row(name, &format!("B-{label}"));
        row(".", "O");
        text.push('\n');
    }
    text
}

/// Writes small corpora into `data` of the bench, where the recipe looks for its own.
fn write_corpora(recipe: &Recipe, bench: &Bench) {
    let parts = [("they", &recipe.exclude), ("in", &recipe.train), ("she", &recipe.dev)];
    for (part, corpora) in parts {
        for corpus in corpora {
            for name in corpus.path.all() {
                let place = bench.path().join("data").join(name.replace('*', "one"));
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, content(corpus, recipe, part)).unwrap();
            }
        }
    }
}

#[test]
fn every_recipe_runs_as_it_is_written() {
    let mut recipes: Vec<_> = fs::read_dir(Path::new(ROOT).join("recipes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    recipes.sort();
    assert!(recipes.len() >= 5);
    for path in recipes {
        let text = fs::read_to_string(&path).unwrap();
        let recipe = Recipe::parse(&TomlFile::new(&path.display().to_string(), &text)).unwrap();
        let bench = Bench::new();
        write_corpora(&recipe, &bench);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (file, start) = (path.display().to_string(), start(&name));
        let arguments = ["train", &file, "--data", "data", "--start", &start, "-o", "out"];
        let ran = bench.run(&[&arguments[..], &["--device", "cpu"]].concat());
        assert_eq!(ran.code, 0, "{file}: {}", ran.err);
        assert!(ran.out.contains("spanloom tag --model out"), "{file}: {}", ran.out);
        let mut tag = vec!["tag", "--model", "out", "-"];
        if recipe.model.system.as_deref() == Some("gliner") {
            tag.extend(["--labels", "LOC"]);
        }
        let tagged = bench.pipe("they visited paris .", &tag);
        assert_eq!(tagged.code, 0, "{file}: {}", tagged.err);
        let page = bench.read("out/training/report.html");
        assert!(page.contains("F1 on dev") && page.contains("<svg"), "{file}");
    }
}

#[test]
fn active_learning_begins_with_what_lists_find() {
    let read = |name: &str| fs::read_to_string(Path::new(ROOT).join(name)).unwrap();
    let engine =
        read("engines/lmr-lists.toml").replace("../gazetteers/", &format!("{ROOT}/gazetteers/"));
    let text = read("recipes/lmr-active.toml");
    let mut bench = Bench::new()
        .write("engines/lmr-lists.toml", engine)
        .write("recipes/lmr-active.toml", &text);
    for (list, place) in [("cities", "Paris"), ("countries", "Mexico"), ("admin1", "Texas")] {
        let (from, to) = (format!("{list}.tsv"), format!("engines/{list}.fst"));
        bench = bench.write(&from, format!("{place}\tLOC\tgeo:1\t0.9\n"));
        bench.run(&["gazetteer", "build", &from, "-o", &to]).clean();
    }
    let recipe = Recipe::parse(&TomlFile::new("lmr-active.toml", &text)).unwrap();
    write_corpora(&recipe, &bench);
    let start = start("lmr-active");
    let arguments = ["train", "recipes/lmr-active.toml", "--active", "--data", "data", "-o", "out"];
    let ran = bench.run(&[&arguments[..], &["--start", &start, "--device", "cpu"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let curve: Value = serde_json::from_str(&bench.read("out/active.json")).unwrap();
    let rounds = curve["rounds"].as_array().unwrap().iter();
    let labelled: Vec<_> = rounds.map(|round| &round["sentences"]).collect();
    assert_eq!(labelled, [&Value::from(0), &curve["pool"]], "{}", ran.out);
}
