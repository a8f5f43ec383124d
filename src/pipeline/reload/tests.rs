//! The decision what to build again, asked directly: no test waits for a sign.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

const ENGINE: &str = r#"
labels = ["LOC", "PER", "ORG", "MISC"]
[[source]]
kind = "gazetteer"
name = "places"
files = ["loc/*.tsv"]
[[source]]
kind = "gazetteer"
name = "people"
entries = [["Ada", "PER"]]
[[merge]]
pass = "longest"
"#;

/// An engine file with its gazetteer in a folder of its own.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        fs::create_dir(bench.0.path().join("loc")).unwrap();
        bench.write("loc/a.tsv", "Paris\tLOC\n");
        bench.write("spanloom.toml", ENGINE);
        bench
    }

    /// As editors do: a new file takes the place of the old one.
    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("spanloom.toml")
    }

    fn reloader(&self) -> Reloader {
        Reloader::new(&self.path(), EngineOptions::default()).unwrap()
    }
}

fn found(engine: &Engine) -> Vec<String> {
    let text = "Ada saw Paris and Texas";
    let entities = engine.tag(text).unwrap();
    entities.iter().map(|e| format!("{}/{}", e.text(text), e.label)).collect()
}

fn kept(reload: Option<Reload>) -> Vec<String> {
    match reload {
        Some(Reload::Swapped { kept, .. }) => kept.iter().map(ToString::to_string).collect(),
        other => panic!("not swapped: {other:?}"),
    }
}

#[test]
fn only_what_has_changed_is_loaded_again() {
    let bench = Bench::new();
    let reloader = bench.reloader();
    assert!(reloader.refresh().is_none());
    let first = reloader.engine();
    bench.write("spanloom.toml", &ENGINE.replace("longest", "score"));
    assert_eq!(kept(reloader.refresh()), ["places", "people"]);
    let second = reloader.engine();
    assert!(Arc::ptr_eq(&first.sources()[0], &second.sources()[0]));
    assert_eq!((first.steps()[0].kind.name, second.steps()[0].kind.name), ("longest", "score"));
    bench.write("loc/a.tsv", "Texas\tLOC\n");
    assert_eq!(kept(reloader.refresh()), ["people"]);
    assert_eq!(found(&reloader.engine()), ["Ada/PER", "Texas/LOC"]);
    assert_eq!(found(&second), ["Ada/PER", "Paris/LOC"], "who holds the old engine keeps it");
    bench.write("loc/b.tsv", "Paris\tLOC\n");
    assert_eq!(kept(reloader.refresh()), ["people"]);
    assert_eq!(found(&reloader.engine()), ["Ada/PER", "Paris/LOC", "Texas/LOC"]);
    fs::remove_file(bench.0.path().join("loc/a.tsv")).unwrap();
    assert_eq!(kept(reloader.refresh()), ["people"]);
    assert_eq!(found(&reloader.engine()), ["Ada/PER", "Paris/LOC"]);
    // Entries in the engine file know their line.
    bench.write("spanloom.toml", &format!("\n{ENGINE}"));
    assert_eq!(kept(reloader.refresh()), ["places"]);
    assert!(reloader.refresh().is_none());
}

#[test]
fn a_broken_edit_is_told_once_and_the_engine_before_goes_on() {
    let bench = Bench::new();
    let reloader = bench.reloader();
    let first = reloader.engine();
    for broken in [ENGINE.replace("longest", "longset"), "labels = [".to_owned()] {
        bench.write("spanloom.toml", &broken);
        match reloader.refresh() {
            Some(Reload::Failed { error, changed }) => {
                assert!(error.to_string().contains("spanloom.toml:"), "{error}");
                assert_eq!(changed, [bench.path()]);
            }
            other => panic!("{other:?}"),
        }
        assert!(reloader.refresh().is_none());
        assert!(Arc::ptr_eq(&first, &reloader.engine()));
    }
    bench.write("spanloom.toml", ENGINE);
    assert_eq!(kept(reloader.refresh()), ["places", "people"]);
}

#[test]
fn a_model_is_not_loaded_again_for_a_change_of_toml() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny-bert");
    let engine = |before: &str| {
        format!("{before}{ENGINE}[[source]]\nkind = 'model'\nname = 'm'\npath = {folder:?}\n")
    };
    bench.write("spanloom.toml", &engine(""));
    let reloader = bench.reloader();
    let first = reloader.engine();
    bench.write("spanloom.toml", &engine("# a line more\n"));
    assert_eq!(kept(reloader.refresh()), ["places", "m"]);
    assert!(Arc::ptr_eq(&first.sources()[2], &reloader.engine().sources()[2]));
}

#[test]
fn a_watched_engine_follows_its_files() {
    let bench = Bench::new();
    let watched = Engine::watch(bench.path(), EngineOptions::default()).unwrap();
    assert_eq!(found(&watched.engine()), ["Ada/PER", "Paris/LOC"]);
    bench.write("loc/new.tsv", "Texas\tLOC\n");
    assert_eq!(kept(watched.next(Duration::from_secs(30))), ["people"]);
    assert_eq!(found(&watched.engine()), ["Ada/PER", "Paris/LOC", "Texas/LOC"]);
}
