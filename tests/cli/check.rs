//! `spanloom check`: what a sound engine looks like, and all that is wrong with another.

use super::{Bench, ENGINE};

#[test]
fn a_sound_engine_is_summed_up() {
    let out = Bench::new().run(&["check"]).clean();
    for words in [
        &["places", "gazetteer, 4 entries", "LOC"][..],
        &["extra", "HONORIFIC", "off; --with extra"],
        &["  LOC PER"],
        &["  HONORIFIC --with extra"],
        &["2", "longest", "spanloom.toml:"],
    ] {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(out.lines().any(holds), "{words:?} in\n{out}");
    }
}

#[test]
fn all_problems_are_reported_with_their_places() {
    let engine = ENGINE.replace("\"longest\"", "\"longset\"").replace("Ms\\.'", "Ms(\\.'");
    let bench = Bench::with_engine(&engine.replace("[\"HONORIFIC\"]", "[]"));
    let error = bench.run(&["check"]).failed();
    for part in [
        "unknown pass 'longset'",
        "did you mean 'longest'",
        "bad pattern",
        "label 'HONORIFIC'",
        "3 problems",
    ] {
        assert!(error.contains(part), "{part} in\n{error}");
    }
    assert!(error.contains("spanloom.toml:"), "{error}");
    assert!(error.contains("╰── here"), "a code frame: {error}");
}

#[test]
fn a_failing_case_is_reported() {
    let bench = Bench::with_engine(&ENGINE.replace("finds = [\"Ms.\"]", "finds = [\"Mr.\"]"));
    let error = bench.run(&["check"]).failed();
    assert!(error.contains("title-ms") && error.contains("Mr."), "{error}");
}

#[test]
fn the_engine_may_be_named_as_it_is() {
    let bench = Bench::new().write(
        "other.toml",
        "labels = [\"X\"]\n[[merge]]\npass = \"longest\"\npreset = \"spacy-ruler\"\n",
    );
    let error = bench.run(&["check", "other.toml"]).failed();
    assert!(error.contains("both 'pass' and 'preset'"), "{error}");
}
