//! The metrics beside the Python packages of the field; `tests/parity/eval_fixtures.py` made the numbers.

use serde_json::Value;

use super::*;
use crate::text::{Annotation, Span};

/// The items of a fixture in `tests/data/eval`.
fn items(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/eval/{name}", env!("CARGO_MANIFEST_DIR"));
    let lines = std::fs::read_to_string(path).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(row: &Value) -> Vec<f64> {
    row.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn assert_near(got: &[f64], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() <= 1e-12, "{what}: got {got}, expected {expected}");
    }
}

fn assert_report(report: &EntityReport, expected: &Value, what: &str) {
    let averages = [
        ("micro avg", &report.micro),
        ("macro avg", &report.macro_average),
        ("weighted avg", &report.weighted),
    ];
    let rows = report.labels.iter().map(|(label, row)| (label.as_str(), row)).chain(averages);
    let mut count = 0;
    for (name, EntityRow { score, support }) in rows {
        let got = [score.precision, score.recall, score.f1, *support as f64];
        assert_near(&got, &expected[name], &format!("{what}, {name}"));
        count += 1;
    }
    assert_eq!(count, expected.as_object().unwrap().len(), "{what}");
}

#[test]
fn sequences_score_as_in_seqeval() {
    let items = items("seqeval.jsonl");
    let mut refused = 0;
    for (number, item) in items.iter().enumerate() {
        let scheme: StrictScheme = item["scheme"].as_str().unwrap().parse().unwrap();
        let place = match &item["suffix"] {
            Value::Bool(true) => LetterPlace::Last,
            _ => LetterPlace::First,
        };
        let sequences = |key: &str| -> Vec<Vec<&str>> {
            let lines = item[key].as_array().unwrap().iter();
            lines.map(|line| line.as_str().unwrap().split(' ').collect()).collect()
        };
        let (gold, predicted) = (sequences("gold"), sequences("predicted"));
        let report = |mode| {
            let mut counts = SequenceCounts::new(mode, place);
            for (gold, predicted) in gold.iter().zip(&predicted) {
                counts.add(gold, predicted)?;
            }
            crate::Result::Ok(counts.report())
        };
        let mut tokens = TokenCounts::default();
        gold.iter().zip(&predicted).for_each(|(gold, other)| tokens.add_tags(gold, other));
        assert_near(&[tokens.accuracy()], &serde_json::json!([item["accuracy"]]), "accuracy");
        let default = report(Mode::Default).unwrap();
        assert_report(&default, &item["default"], &format!("item {number}, default"));
        match report(Mode::Strict(scheme)) {
            Ok(strict) => assert_report(&strict, &item["strict"], &format!("item {number}")),
            Err(error) => {
                assert!(item["strict"].is_null(), "item {number}: {error}");
                refused += 1;
            }
        }
    }
    assert!(items.len() == 480 && (10..120).contains(&refused), "{refused} of {}", items.len());
    for scheme in StrictScheme::NAMES {
        for suffix in [false, true] {
            let is_it = |item: &&Value| item["scheme"] == scheme && item["suffix"] == suffix;
            assert_eq!(items.iter().filter(is_it).count(), 40, "{scheme}, {suffix}");
        }
    }
}

#[test]
fn strict_entities_are_those_of_seqeval() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/parity/seqeval_repair.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut count = 0;
    for sequence in fixture["sequences"].as_array().unwrap() {
        let Some(expected) = sequence.get("strict") else { continue };
        let scheme = match sequence["scheme"].as_str().unwrap() {
            "BIO" => StrictScheme::Iob2,
            "IOBES" => StrictScheme::Iobes,
            _ => StrictScheme::Bilou,
        };
        let tags: Vec<&str> = sequence["tags"].as_str().unwrap().split(' ').collect();
        let found: Vec<Value> = decode_strict(scheme, LetterPlace::First, &tags)
            .unwrap()
            .iter()
            .map(|(range, label)| serde_json::json!([label.as_str(), range.start, range.end]))
            .collect();
        assert_eq!(&Value::from(found), expected, "{tags:?}");
        count += 1;
    }
    assert_eq!(count, 400);
}

#[test]
fn what_is_no_tag_of_the_scheme_is_refused() {
    for (tag, expected) in [
        ("E-X", "expected a tag of the scheme 'iob2', got 'E-X'"),
        ("", "expected a tag of the scheme 'iob2', got ''"),
    ] {
        let error = decode_strict(StrictScheme::Iob2, LetterPlace::First, &["O", tag]).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.help_text(), Some("its tags begin with one of I, O, B"));
    }
    let error = decode_strict(StrictScheme::Bilou, LetterPlace::Last, &["X-E"]).unwrap_err();
    assert_eq!(error.help_text(), Some("its tags end with one of B, I, L, O, U"));
    let error = "bio".parse::<StrictScheme>().unwrap_err();
    assert_eq!(error.to_string(), "unknown tag scheme 'bio'");
    let mut counts = SequenceCounts::new(Mode::Default, LetterPlace::First);
    let error = counts.add(&["O"], &["O", "O"]).unwrap_err();
    assert_eq!(error.to_string(), "expected 1 predicted tags, as in gold, got 2");
}

fn annotations(document: &Value) -> Vec<Annotation> {
    let at = |one: &Value, place: usize| usize::try_from(one[place].as_u64().unwrap()).unwrap();
    let one = |one: &Value| Annotation {
        span: Span::new(at(one, 0), at(one, 1)),
        label: one[2].as_str().unwrap().to_owned(),
    };
    document.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn scenarios_score_as_in_nervaluate() {
    let items = items("nervaluate.jsonl");
    assert_eq!(items.len(), 50);
    for (number, item) in items.iter().enumerate() {
        let documents = |key: &str| -> Vec<Vec<Annotation>> {
            item[key].as_array().unwrap().iter().map(annotations).collect()
        };
        let (gold, predicted) = (documents("gold"), documents("predicted"));
        let assert_rows = |expected: &Value, only: Option<&str>| {
            for scenario in Scenario::ALL {
                let mut counts = SemevalCounts::default();
                for (gold, predicted) in gold.iter().zip(&predicted) {
                    let is_judged = |label: &str| only.is_none_or(|only| only == label);
                    counts.merge(semeval(scenario, gold, predicted, is_judged));
                }
                let SemevalCounts { correct, incorrect, partial, missed, spurious } = counts;
                let mut row: Vec<f64> = [
                    [correct, incorrect, partial, missed].as_slice(),
                    [spurious, counts.possible(), counts.actual()].as_slice(),
                ]
                .concat()
                .into_iter()
                .map(|count| count as f64)
                .collect();
                let score = counts.score();
                row.extend([score.precision, score.recall, score.f1]);
                let name = scenario.name();
                assert_near(&row, &expected[name], &format!("item {number}, {only:?}, {name}"));
            }
        };
        assert_rows(&item["overall"], None);
        for (label, expected) in item["labels"].as_object().unwrap() {
            assert_rows(expected, Some(label));
        }
    }
}

#[test]
fn nothing_scores_nothing() {
    let report = EntityCounts::default().report();
    assert!(report.labels.is_empty());
    assert_eq!([report.micro, report.macro_average, report.weighted], [EntityRow::default(); 3]);
    assert_eq!(SemevalCounts::default().score(), Score::default());
}

#[test]
fn what_is_twice_in_a_document_counts_once_and_documents_are_kept_apart() {
    let one = |start, end, label: &str| Annotation {
        span: Span::new(start, end),
        label: label.to_owned(),
    };
    let mut counts = EntityCounts::default();
    counts.add(&[one(0, 3, "A"), one(0, 3, "A")], &[one(0, 3, "A"), one(0, 3, "B")]);
    counts.add(&[one(5, 7, "A")], &[one(0, 3, "A")]);
    let report = counts.report();
    let a = report.labels["A"];
    assert_eq!((a.score, a.support), (Score { precision: 0.5, recall: 0.5, f1: 0.5 }, 2));
    assert_eq!(report.labels["B"], EntityRow::default());
    assert_eq!((report.micro.score.precision, report.micro.score.recall), (1.0 / 3.0, 0.5));
    assert_eq!((report.macro_average.score.f1, report.weighted.score.f1), (0.25, 0.5));
}
