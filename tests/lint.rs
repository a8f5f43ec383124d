//! Engines with something to find in them, under `tests/data/lint`: a folder for each lint and one where
//! nothing is to be found. `expected.txt` beside an engine holds what all lints find in it: the lint, the place and
//! the message, and indented what to do and what else to look at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use spanloom::pipeline::lint::Level;
use spanloom::pipeline::{EngineOptions, Finding, LINTS};
use spanloom::{Engine, Result};

fn folders() -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(data).unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    folders
}

/// What all lints find in the engine of a folder, with places that do not name the folder.
fn findings(folder: &Path) -> Vec<Finding> {
    let engine = Engine::load(folder.join("engine.toml")).unwrap_or_else(|e| panic!("{e}"));
    let mut findings: Vec<Finding> = LINTS.iter().flat_map(|lint| engine.lint(lint)).collect();
    findings.sort_by(Finding::compare);
    findings
}

fn shown(findings: &[Finding], folder: &Path) -> String {
    let mut text = String::new();
    for Finding { lint, message, advice, place, others, .. } in findings {
        text.push_str(&format!("{lint} {place}: {message}\n  {advice}\n"));
        others.iter().for_each(|other| text.push_str(&format!("  see {other}\n")));
    }
    text.replace(&format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR), "")
}

#[test]
fn every_engine_has_the_findings_that_are_expected() {
    for folder in folders() {
        let found = findings(&folder);
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
        let expected = expected.replace("\r\n", "\n");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(shown(&found, &folder), expected, "{name}");
        let lint = LINTS.iter().find(|lint| name.starts_with(lint.name));
        assert_eq!(lint.is_none(), name == "clean", "{name} is called after no lint");
        let about = |finding: &Finding| lint.is_some_and(|lint| lint.name == finding.lint);
        assert_eq!(found.iter().any(about), name != "clean", "{name}");
    }
}

#[test]
fn every_lint_has_an_engine() {
    let names: BTreeSet<String> = folders()
        .iter()
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    for lint in LINTS {
        assert!(names.contains(lint.name), "tests/data/lint/{} is missing", lint.name);
    }
}

#[test]
fn the_shipped_engine_has_no_warning() -> Result<()> {
    let engine = Engine::builtin_with(&EngineOptions { all: true, ..EngineOptions::default() })?;
    let warnings = LINTS.iter().filter(|lint| lint.level == Level::Warn);
    let found: Vec<Finding> = warnings.flat_map(|lint| engine.lint(lint)).collect();
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}
