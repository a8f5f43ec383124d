//! Pairs, confusion, calibration and breakdowns beside the slow way to count them.

use proptest::prelude::*;

use super::breakdown::{LENGTHS, words_in};
use super::*;
use crate::text::{Annotation, Span};

fn one(start: usize, end: usize, label: &str) -> Annotation {
    Annotation { span: Span::new(start, end), label: label.to_owned() }
}

fn lists() -> impl Strategy<Value = Vec<Annotation>> {
    let entity = (0usize..24, 1usize..7, 0usize..3)
        .prop_map(|(start, length, label)| one(start, start + length, ["A", "B", "C"][label]));
    proptest::collection::vec(entity, 0..9)
}

/// The pairs by looking at all that are left for the best, again and again.
fn slowly_aligned(gold: &[Annotation], predicted: &[Annotation]) -> Vec<(String, String)> {
    let unique = |list: &[Annotation]| {
        let mut list = list.to_vec();
        list.sort_by_key(|one| (one.span, one.label.clone()));
        list.dedup();
        list
    };
    let (mut gold, mut predicted) = (unique(gold), unique(predicted));
    let mut pairs = Vec::new();
    loop {
        let mut best: Option<(f64, bool, usize, usize)> = None;
        for (g, a) in gold.iter().enumerate() {
            for (p, b) in predicted.iter().enumerate() {
                let bytes = |span: Span| span.start..span.end;
                let shared = bytes(a.span).filter(|at| bytes(b.span).contains(at)).count();
                let either = a.span.len() + b.span.len() - shared;
                let now = (shared as f64 / either as f64, a.label == b.label);
                if shared > 0 && best.is_none_or(|(share, same, ..)| now > (share, same)) {
                    best = Some((now.0, now.1, g, p));
                }
            }
        }
        let Some((.., g, p)) = best else { break };
        pairs.push((format!("{:?}", gold.remove(g)), format!("{:?}", predicted.remove(p))));
    }
    pairs.extend(gold.iter().map(|one| (format!("{one:?}"), String::new())));
    pairs.extend(predicted.iter().map(|one| (String::new(), format!("{one:?}"))));
    pairs.sort();
    pairs
}

proptest! {
    #[test]
    fn pairs_are_those_of_the_slow_way(gold in lists(), predicted in lists()) {
        let pairs = align(&gold, &predicted);
        let shown = |one: Option<&Annotation>| one.map_or_else(String::new, |one| format!("{one:?}"));
        let mut listed: Vec<(String, String)> =
            pairs.iter().map(|pair| (shown(pair.gold), shown(pair.predicted))).collect();
        listed.sort();
        prop_assert_eq!(listed, slowly_aligned(&gold, &predicted));
        prop_assert!(pairs.windows(2).all(|two| two[0].span() <= two[1].span()));
    }

    #[test]
    fn everything_counts_the_same_entities(gold in lists(), predicted in lists()) {
        let mut entities = EntityCounts::default();
        entities.add(&gold, &predicted);
        let micro = entities.report().micro;
        let mut by_length = Breakdown::new(LENGTHS);
        by_length.add(&gold, &predicted, |one| one.span.len() as u64);
        let rows = by_length.rows();
        let sum = |number: fn(&BreakdownRow) -> u64| rows.iter().map(number).sum::<u64>();
        let (right, all) = (sum(|row| row.right), sum(|row| row.predicted));
        prop_assert_eq!(micro.score, Score::new(right as f64, all, sum(|row| row.gold)));

        let pairs = align(&gold, &predicted);
        let is_right = |pair: &&Pair<'_>| pair.kind() == PairKind::Right;
        prop_assert_eq!(pairs.iter().filter(is_right).count() as u64, right);
        let mut confusion = Confusion::default();
        confusion.add(&pairs);
        let labels = confusion.labels();
        let with_none = || labels.iter().copied().map(Some).chain([None]);
        let mut total = 0;
        for gold in with_none() {
            total += with_none().map(|label| confusion.cell(gold, label).count).sum::<u64>();
        }
        prop_assert_eq!(total, pairs.len() as u64);
        let exact = labels.iter().map(|label| confusion.cell(Some(label), Some(label)).exact);
        prop_assert_eq!(exact.sum::<u64>(), right);
    }

    #[test]
    fn bins_are_those_of_the_slow_way(
        predictions in proptest::collection::vec((0u32..=100, any::<bool>()), 0..60)
    ) {
        let mut calibration = Calibration::new(10);
        let scored: Vec<(f64, bool)> =
            predictions.iter().map(|(hundredths, right)| (f64::from(*hundredths) / 100.0, *right)).collect();
        scored.iter().for_each(|(score, right)| calibration.add(*score, *right));
        let mut error = 0.0;
        for (number, bin) in calibration.bins().iter().enumerate() {
            let is_here = |score: f64| {
                let tenths = (score * 10.0 + 1e-9).floor().min(9.0);
                (tenths - number as f64).abs() < 0.5
            };
            let here: Vec<&(f64, bool)> = scored.iter().filter(|(score, _)| is_here(*score)).collect();
            prop_assert_eq!(bin.count, here.len() as u64);
            if here.is_empty() {
                continue;
            }
            let right = here.iter().filter(|(_, right)| *right).count() as f64 / here.len() as f64;
            let mean = here.iter().map(|(score, _)| score).sum::<f64>() / here.len() as f64;
            prop_assert!((bin.accuracy - right).abs() < 1e-12 && (bin.mean_score - mean).abs() < 1e-12);
            error += (mean - right).abs() * here.len() as f64 / scored.len() as f64;
        }
        prop_assert!((calibration.expected_error() - error).abs() < 1e-9);
    }
}

#[test]
fn each_kind_of_error_has_its_name() {
    let gold =
        [one(0, 5, "A"), one(10, 15, "A"), one(20, 25, "A"), one(30, 35, "A"), one(40, 45, "A")];
    let predicted =
        [one(0, 5, "A"), one(10, 15, "B"), one(20, 27, "A"), one(31, 35, "B"), one(45, 47, "A")];
    let pairs = align(&gold, &predicted);
    let names: Vec<&str> = pairs.iter().map(|pair| pair.kind().name()).collect();
    assert_eq!(names, ["right", "label", "boundary", "both", "missed", "spurious"]);
    assert_eq!(pairs[2].span(), Span::new(20, 27));
}

#[test]
fn what_overlaps_most_is_a_pair_and_the_rest_is_alone() {
    let gold = [one(0, 20, "A")];
    let predicted = [one(0, 8, "A"), one(8, 20, "B")];
    let pairs = align(&gold, &predicted);
    let kinds: Vec<PairKind> = pairs.iter().map(Pair::kind).collect();
    assert_eq!(kinds, [PairKind::Spurious, PairKind::Both]);
}

#[test]
fn a_perfect_and_a_hopeless_score() {
    let mut calibration = Calibration::new(10);
    assert_eq!((calibration.expected_error(), calibration.brier()), (0.0, 0.0));
    calibration.add(1.0, true);
    calibration.add(0.0, false);
    assert_eq!((calibration.expected_error(), calibration.brier()), (0.0, 0.0));
    calibration.add(1.0, false);
    calibration.add(0.0, true);
    assert_eq!((calibration.expected_error(), calibration.brier()), (0.5, 0.5));
    let ends: Vec<u64> = calibration.bins().iter().map(|bin| bin.count).collect();
    assert_eq!(ends, [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
}

#[test]
fn groups_have_names_and_words_are_counted() {
    let names: Vec<String> =
        Breakdown::new(breakdown::RARITIES).rows().iter().map(BreakdownRow::name).collect();
    assert_eq!(names, ["0", "1", "2–4", "5–19", "20+"]);
    let words = [Span::new(0, 3), Span::new(4, 8), Span::new(8, 9)];
    for (span, expected) in [((0, 3), 1), ((0, 8), 2), ((4, 9), 2), ((3, 4), 0), ((2, 5), 2)] {
        assert_eq!(words_in(&words, Span::new(span.0, span.1)), expected, "{span:?}");
    }
    let mut surfaces = SurfaceCounts::default();
    surfaces.add("York York", &[one(0, 4, "A"), one(5, 9, "B"), one(0, 9, "A")]);
    assert_eq!(["York", "York York", "Rome"].map(|surface| surfaces.count(surface)), [2, 1, 0]);
}
