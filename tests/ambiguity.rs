//! The "Paris" set: sentences over surfaces that can be several things, run through the pure model
//! and through the default engine.

use std::path::Path;

use serde::Deserialize;
use spanloom::Engine;
use spanloom::pipeline::EngineOptions;
use spanloom::source::model::DeviceChoice;

#[derive(Deserialize)]
struct Set {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    text: String,
    about: String,
    #[serde(default)]
    entities: Vec<(String, String)>,
    #[serde(default)]
    absent: Vec<String>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("data/golden/ambiguous.toml");
    toml::from_str::<Set>(text).expect("the set is TOML").case
}

/// Whether each case is solved: exactly its entities, nothing else, in text order.
fn solve(engine: &Engine, cases: &[Case]) -> Vec<Result<(), String>> {
    let texts: Vec<&str> = cases.iter().map(|c| c.text.as_str()).collect();
    let tagged = engine.tag_batch(&texts).expect("the engine runs");
    cases
        .iter()
        .zip(tagged)
        .map(|(case, entities)| {
            let got: Vec<(String, String)> = entities
                .iter()
                .map(|e| (e.text(&case.text).to_owned(), e.label.to_string()))
                .collect();
            let absent = case.absent.iter().find(|a| got.iter().any(|(text, _)| text == *a));
            if got == case.entities && absent.is_none() {
                Ok(())
            } else {
                Err(format!(
                    "{}: {}\n    got {got:?}, not {:?}",
                    case.name, case.text, case.entities
                ))
            }
        })
        .collect()
}

#[test]
fn the_set_is_what_it_says() {
    let cases = cases();
    let surfaces: std::collections::BTreeSet<&str> =
        cases.iter().map(|c| c.about.as_str()).collect();
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|c| c.name.as_str()).collect();
    let negative = cases.iter().filter(|c| c.entities.is_empty()).count();
    assert!(cases.len() >= 80 && surfaces.len() >= 30 && negative >= 30);
    assert_eq!(names.len(), cases.len(), "a name is used twice");
    for case in &cases {
        let mut rest = case.text.as_str();
        for (text, _) in &case.entities {
            let at = rest.find(text.as_str()).unwrap_or_else(|| panic!("{}: {text}", case.name));
            rest = rest.get(at + text.len()..).expect("a char boundary");
        }
    }
}

#[test]
fn the_hybrid_solves_what_the_model_solves_and_95_percent_of_all() {
    let cases = cases();
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::default() };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/en");
    let model = solve(&Engine::model_alone(&folder, &options).expect("the model loads"), &cases);
    let hybrid = solve(&Engine::builtin_with(&options).expect("the engine loads"), &cases);
    let solved = |results: &[Result<(), String>]| results.iter().filter(|r| r.is_ok()).count();
    let lost: Vec<&String> = model
        .iter()
        .zip(&hybrid)
        .filter(|(model, _)| model.is_ok())
        .filter_map(|(_, hybrid)| hybrid.as_ref().err())
        .collect();
    let open: Vec<&str> =
        hybrid.iter().filter_map(|r| r.as_ref().err()).map(String::as_str).collect();
    println!(
        "pure model {} of {n}, hybrid {} of {n}; open:\n{}",
        solved(&model),
        solved(&hybrid),
        open.join("\n"),
        n = cases.len()
    );
    assert!(lost.is_empty(), "the model alone had these right:\n{lost:#?}");
    assert!(solved(&hybrid) * 100 >= cases.len() * 95, "{} of {}", solved(&hybrid), cases.len());
}
