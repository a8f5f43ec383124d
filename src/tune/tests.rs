//! The search on small corpora, of which it is known what there is to find.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::text::Span;

/// The gazetteer is right about people and, of places, only where they stand after "in"; the rule is never
/// right.
const ENGINE: &str = r#"labels = ["LOC", "PER"]

[[source]]
kind = "gazetteer"
name = "names"
entries = [["Paris", "LOC"], ["Rome", "LOC"], ["Ann", "PER"], ["Bob", "PER"]]
match = "all"
score = 0.6

[[source]]
kind = "rules"
name = "patterns"
[[source.rule]]
id = "verb"
label = "PER"
pattern = '\bsaw\b'
score = 0.9

# What stands before it.
[[merge]]
pass = "context"
[[merge.cue]]
label = "LOC"
left = '\bin $' # before
add = 0.0 # not fitted

[[merge]]
pass = "threshold"
min = 0.5

[[merge]]
pass = "longest"
"#;

fn case(engine: &Engine, number: usize, text: &str, gold: &[(&str, &str)]) -> Case {
    let annotation = |(surface, label): &(&str, &str)| {
        let start = text.find(surface).unwrap();
        Annotation { span: Span::new(start, start + surface.len()), label: (*label).to_owned() }
    };
    let gold = Some(gold.iter().map(annotation).collect());
    let document = Document { gold, ..Document::new(format!("d{number}"), text) };
    let proposals = engine.propose(std::slice::from_ref(&document)).pop().unwrap().unwrap();
    Case { document, proposals }
}

fn cases(engine: &Engine, many: usize) -> Vec<Case> {
    let texts: [(&str, &[(&str, &str)]); 4] = [
        ("Ann saw Bob in Rome", &[("Ann", "PER"), ("Bob", "PER"), ("Rome", "LOC")]),
        ("Ann in Paris", &[("Ann", "PER"), ("Paris", "LOC")]),
        ("Paris saw Bob", &[("Bob", "PER")]),
        ("Rome saw nobody", &[]),
    ];
    let pairs = (0..many).map(|number| (number, texts[number % 4]));
    pairs.map(|(number, (text, gold))| case(engine, number, text, gold)).collect()
}

fn run(many: usize, options: &TuneOptions, stop: &AtomicBool) -> (Tuned, String) {
    run_on(ENGINE, many, options, stop)
}

fn run_on(written: &str, many: usize, options: &TuneOptions, stop: &AtomicBool) -> (Tuned, String) {
    let engine = Engine::parse(written).unwrap();
    let cases = cases(&engine, many);
    let looked = AtomicUsize::new(0);
    let count = || {
        looked.fetch_add(1, Ordering::Relaxed);
    };
    let file = (Path::new("spanloom.toml"), written);
    let by = (&engine, &EngineOptions::default());
    let tuned = tune(by, file, &cases, options, stop, (&|_| {}, &count)).unwrap();
    assert!(looked.into_inner() > 0 || stop.load(Ordering::Relaxed));
    let text = tuned.setting.applied_to(written).unwrap();
    (tuned, text)
}

fn names(tuned: &Tuned) -> Vec<&str> {
    tuned.taken.iter().map(|taken| taken.name.as_str()).collect()
}

/// Micro-F1 of an engine file, by another way than the search's.
fn f1(text: &str, many: usize) -> f64 {
    let engine = Engine::parse(text).unwrap();
    let mut counts = EntityCounts::default();
    for case in cases(&engine, many) {
        let tagged = engine.tag_document(&case.document).unwrap();
        let predicted: Vec<Annotation> = tagged.entities.iter().map(Annotation::from).collect();
        counts.add(case.gold(), &predicted);
    }
    counts.report().micro.score.f1
}

#[test]
fn what_is_wrong_is_switched_off_and_the_gain_is_told() {
    let (tuned, text) = run(80, &TuneOptions::default(), &AtomicBool::new(false));
    assert!(tuned.taken.iter().any(|taken| taken.gain > 0.1), "{:?}", tuned.taken);
    let off = ["rule patterns:verb", "source patterns"];
    assert!(names(&tuned).iter().any(|name| off.contains(name)), "{:?}", names(&tuned));
    assert!((tuned.learnt.0 - f1(ENGINE, 80)).abs() < 1e-12);
    assert!((tuned.learnt.1 - f1(&text, 80)).abs() < 1e-12, "the file does what was found");
    assert!(tuned.is_significant(), "{tuned:?}");
    let (before, after) = tuned.held_out.unwrap();
    assert!((before - tuned.learnt.0).abs() < 1e-12 && after > before);
    let difference = tuned.difference.unwrap().estimate.value;
    assert!((difference - (after - before)).abs() < 1e-12);
}

/// The rule does no harm before the threshold lets it through, which is where to begin.
#[test]
fn what_shows_only_after_another_turn_is_found_in_a_later_round() {
    let hidden = ENGINE.replace("score = 0.6", "score = 0.3").replace("score = 0.9", "score = 0.3");
    let off = ["rule patterns:verb", "source patterns"];
    let space = Space {
        numbers: Some(vec!["threshold".to_owned()]),
        calibration: false,
        ..Space::default()
    };
    let options = TuneOptions { space: Space { passes: false, ..space }, ..TuneOptions::default() };
    let (tuned, text) = run_on(&hidden, 80, &options, &AtomicBool::new(false));
    let taken = names(&tuned);
    let at = |is: &dyn Fn(&str) -> bool| taken.iter().position(|name| is(name));
    let threshold = at(&|name| name == "threshold: min").expect("it lets names through");
    let rule = at(&|name| off.contains(&name)).expect("then the rule shows");
    assert!(threshold < rule, "{taken:?}");
    assert!((tuned.learnt.1 - f1(&text, 80)).abs() < 1e-12, "the file does what was found");
}

#[test]
fn passes_and_their_rules_are_switched_off() {
    let harmful = r#"[[merge]]
pass = "rules"
[[merge.rule]]
id = "people-are-places"
pattern = "<PER>"
action = "relabel"
label = "LOC"

[[merge]]
pass = "longest"
"#;
    let written = ENGINE.replace("[[merge]]\npass = \"longest\"\n", harmful);
    let only = |rules, passes| {
        let space =
            Space { numbers: Some(Vec::new()), sources: false, rules, passes, ..Space::default() };
        let space = Space { selector: false, thresholds: false, calibration: false, ..space };
        let options = TuneOptions { space, ..TuneOptions::default() };
        let (tuned, text) = run_on(&written, 80, &options, &AtomicBool::new(false));
        assert!((tuned.learnt.1 - f1(&text, 80)).abs() < 1e-12, "the file does what was found");
        (names(&tuned).join("; "), text)
    };
    let (taken, text) = only(true, false);
    assert!(taken.contains("rule people-are-places of pass 3"), "{taken}");
    assert!(text.contains("without = [\"people-are-places\"]\n"), "{text}");
    let (taken, text) = only(false, true);
    assert!(taken.contains("pass 3, rules"), "{taken}");
    assert!(text.contains("pass = \"rules\"\nenabled = false\n"), "{text}");
}

#[test]
fn the_same_comes_out_again_and_comments_stay() {
    let (first, text) = run(40, &TuneOptions::default(), &AtomicBool::new(false));
    let (second, again) = run(40, &TuneOptions::default(), &AtomicBool::new(false));
    assert_eq!((first.taken, &text), (second.taken, &again));
    for line in ENGINE.lines().filter(|line| line.contains('#')) {
        let comment = line.get(line.find('#').unwrap()..).unwrap();
        assert!(text.contains(comment), "{comment} is gone:\n{text}");
    }
}

#[test]
fn nothing_is_turned_where_nothing_may_be() {
    let space = Space {
        sources: false,
        rules: false,
        passes: false,
        selector: false,
        thresholds: false,
        calibration: false,
        numbers: Some(Vec::new()),
    };
    let options = TuneOptions { space, ..TuneOptions::default() };
    let stop = AtomicBool::new(true);
    let (tuned, text) = run(40, &options, &stop);
    assert!(tuned.setting.is_empty() && text == ENGINE && !tuned.is_significant());
    let space = Space { sources: false, rules: false, ..Space::default() };
    let options = TuneOptions { space, ..TuneOptions::default() };
    let (tuned, _) = run(40, &options, &AtomicBool::new(false));
    assert!(
        !names(&tuned).iter().any(|name| name.starts_with("rule") || name.starts_with("source"))
    );
}

#[test]
fn few_documents_show_nothing_clear() {
    let (tuned, text) = run(3, &TuneOptions::default(), &AtomicBool::new(false));
    assert!(tuned.held_out.is_none() && !tuned.is_significant());
    assert_eq!(text == ENGINE, tuned.taken.is_empty());
}

#[test]
fn what_is_stopped_knows_no_gain() {
    let (tuned, text) = run(40, &TuneOptions::default(), &AtomicBool::new(true));
    assert!(tuned.was_stopped && tuned.held_out.is_none() && tuned.taken.is_empty());
    assert_eq!(text, ENGINE);
}

#[test]
fn without_gold_there_is_nothing_to_learn() {
    let engine = Engine::parse(ENGINE).unwrap();
    let cases = [case(&engine, 0, "Ann in Paris", &[])];
    let file = (Path::new("spanloom.toml"), ENGINE);
    let by = (&engine, &EngineOptions::default());
    let stop = AtomicBool::new(false);
    let tuned = tune(by, file, &cases, &TuneOptions::default(), &stop, (&|_| {}, &|| {}));
    assert!(tuned.unwrap_err().to_string().contains("no entity in gold"));
}

#[test]
fn entries_and_cues_are_suggested_with_counts() {
    let engine = Engine::parse(ENGINE).unwrap();
    let texts: [(&str, &[(&str, &str)]); 3] = [
        ("Ann in Łódź", &[("Ann", "PER"), ("Łódź", "LOC")]),
        ("Paris saw May", &[("May", "PER")]),
        ("May we? May I? In May", &[]),
    ];
    let cases: Vec<Case> = (0..12)
        .map(|number| {
            let (text, gold) = texts[number % 3];
            case(&engine, number, text, gold)
        })
        .collect();
    let predicted: Vec<Vec<Entity>> =
        cases.iter().map(|case| engine.tag_document(&case.document).unwrap().entities).collect();
    let entries = suggest::entries(&cases, &predicted);
    // "May" is mostly no name.
    let shown: Vec<_> = entries
        .iter()
        .map(|e| (e.surface.as_str(), e.missed, e.with_label, e.everywhere))
        .collect();
    assert_eq!(shown, [("Łódź", 4, 4, 4)]);
    let cues = suggest::cues(&cases, &predicted);
    assert!(cues.iter().all(|cue| cue.beside >= 5), "{cues:?}");
}
