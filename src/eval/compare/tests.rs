//! The bootstrap and the randomisation beside a slow and plain twin; `tests/parity/compare_fixtures.py`
//! made the numbers.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::eval::EntityCounts;
use crate::text::{Annotation, Span};

fn items() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/eval/compare.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn annotations(spans: &Value) -> Vec<Annotation> {
    let one = |one: &Value| Annotation {
        span: Span::new(number(&one[0]), number(&one[1])),
        label: one[2].as_str().unwrap().to_owned(),
    };
    list(spans).iter().map(one).collect()
}

fn counts_of(item: &Value) -> PairedCounts {
    let documents = list(&item["documents"]).iter().map(|document| {
        let gold = annotations(&document["gold"]);
        let count = |predicted: &Value| {
            let mut counts = EntityCounts::default();
            counts.add(&gold, &annotations(predicted));
            counts
        };
        list(&document["predicted"]).iter().map(count).collect()
    });
    PairedCounts::new(number(&item["systems"]), ["Z", "X", "Y", "X"], documents)
}

/// All numbers by the names that the fixture has for them.
fn named<T: Copy>(scores: &OfScores<T>) -> BTreeMap<String, T> {
    let averages = [("micro", scores.micro), ("macro", scores.macro_average)];
    let labels = scores.labels.iter().map(|(label, score)| (label.as_str(), *score));
    let each = |(name, score): (&str, OfScore<T>)| {
        [("precision", score.precision), ("recall", score.recall), ("f1", score.f1)]
            .map(|(number, value)| (format!("{name} {number}"), value))
    };
    averages.into_iter().chain(labels).flat_map(each).collect()
}

#[test]
fn given_draws_and_coins_give_the_numbers_of_the_slow_twin() {
    let items = items();
    let items: Vec<&Value> = items.iter().filter(|item| item.get("draws").is_some()).collect();
    assert_eq!(items.len(), 30);
    for (item_number, item) in items.into_iter().enumerate() {
        let draws = list(&item["draws"]);
        let coins = list(&item["coins"]);
        let compared = counts_of(item).compare_rounds(
            draws.len(),
            |round| list(&draws[round]).iter().map(number).collect(),
            |round| coins[round].as_str().unwrap().chars().map(|coin| coin == '1').collect(),
        );
        assert_eq!(compared.len(), list(&item["expected"]).len());
        for (system, (compared, expected)) in
            compared.iter().zip(list(&item["expected"])).enumerate()
        {
            let differences = compared.differences.as_ref().map(named);
            let scores = named(&compared.scores);
            assert_eq!(scores.len(), expected.as_object().unwrap().len());
            for (name, Estimate { value, low, high }) in scores {
                let mut got = vec![value, low, high];
                if let Some(differences) = &differences {
                    let Difference { estimate, p_bootstrap, p_randomisation } = differences[&name];
                    got.extend([estimate.value, estimate.low, estimate.high]);
                    got.extend([p_bootstrap, p_randomisation]);
                }
                let expected = list(&expected[&name]);
                assert_eq!(got.len(), expected.len());
                for (got, expected) in got.iter().zip(expected) {
                    let expected = expected.as_f64().unwrap();
                    assert!(
                        (got - expected).abs() < 1e-12,
                        "item {item_number}, system {system}, {name}: got {got}, expected {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn random_rounds_come_near_to_all_rounds_there_are() {
    let items = items();
    let mut count = 0;
    for item in items.iter().filter(|item| item.get("exact").is_some()) {
        let compared = counts_of(item).compare(Resampling { rounds: 20_000, seed: 7 });
        let differences = compared[1].differences.as_ref().unwrap();
        for (name, difference) in named(differences) {
            let expected = &item["exact"][0][&name];
            let got = [difference.p_bootstrap, difference.p_randomisation];
            for (got, expected) in got.iter().zip(list(expected)) {
                let expected = expected.as_f64().unwrap();
                // Four standard errors of 20,000 rounds are 0.014 at most.
                assert!((got - expected).abs() < 0.015, "{name}: got {got}, expected {expected}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 10 * 15 * 2);
}

/// One document an entity, which a system finds or does not.
fn found_or_not(systems: &[Vec<bool>]) -> PairedCounts {
    let gold = [Annotation { span: Span::new(0, 1), label: "X".to_owned() }];
    let documents = (0..systems[0].len()).map(|document| {
        let count = |system: &Vec<bool>| {
            let mut counts = EntityCounts::default();
            counts.add(&gold, gold.iter().filter(|_| system[document]));
            counts
        };
        systems.iter().map(count).collect()
    });
    PairedCounts::new(systems.len(), ["X"], documents)
}

#[test]
fn the_interval_of_a_mean_is_the_one_of_the_textbook() {
    // Recall is the mean of 400 coins: its standard error is sqrt(0.3 · 0.7 / 400) = 0.0229.
    let half: Vec<bool> = (0..400).map(|number| number % 10 < 3).collect();
    let compared = found_or_not(&[half]).compare(Resampling::default());
    let Estimate { value, low, high } = compared[0].scores.micro.recall;
    assert_eq!(value, 0.3);
    let expected = 1.96 * (0.3f64 * 0.7 / 400.0).sqrt();
    assert!((high - 0.3 - expected).abs() < 0.004, "{high}");
    assert!((0.3 - low - expected).abs() < 0.004, "{low}");
}

#[test]
fn the_tests_agree_with_the_sign_test_where_it_applies() {
    // 40 documents differ: the second system is right in 30 of them, the first in 10.
    let first: Vec<bool> = (0..200).map(|n| !(10..40).contains(&n)).collect();
    let second: Vec<bool> = (0..200).map(|n| n >= 10).collect();
    let compared = found_or_not(&[first, second]).compare(Resampling::default());
    let recall = compared[1].differences.as_ref().unwrap().micro.recall;
    assert!((recall.estimate.value - 0.1).abs() < 1e-12);
    // The two-sided binomial probability of 30 or more of 40 is 0.0022.
    assert!((0.001..0.004).contains(&recall.p_randomisation), "{recall:?}");
    assert!((0.0005..0.005).contains(&recall.p_bootstrap), "{recall:?}");
    assert!(recall.estimate.low > 0.0);
}

#[test]
fn nothing_is_no_difference() {
    for counts in [found_or_not(&[vec![], vec![]]), found_or_not(&[vec![false], vec![false]])] {
        let compared = counts.compare(Resampling { rounds: 20, seed: 1 });
        assert_eq!(compared[0].scores.micro.f1, Estimate::default());
        let difference = compared[1].differences.as_ref().unwrap().micro.f1;
        assert_eq!((difference.p_bootstrap, difference.p_randomisation), (1.0, 1.0));
    }
    let compared = found_or_not(&[vec![true, false]]).compare(Resampling { rounds: 0, seed: 1 });
    assert_eq!(compared[0].scores.micro.recall, Estimate { value: 0.5, low: 0.5, high: 0.5 });
}

proptest! {
    #[test]
    fn a_system_does_not_differ_from_itself_and_order_turns_the_sign(
        pairs in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..40),
    ) {
        let (one, other): (Vec<bool>, Vec<bool>) = pairs.into_iter().unzip();
        let resampling = Resampling { rounds: 50, seed: 3 };
        let compared = found_or_not(&[one.clone(), one.clone(), other.clone()]).compare(resampling);
        let same = compared[1].differences.as_ref().unwrap().micro.f1;
        prop_assert_eq!(same.estimate, Estimate::default());
        prop_assert_eq!((same.p_bootstrap, same.p_randomisation), (1.0, 1.0));
        // What other systems are there does not matter.
        let alone = found_or_not(&[one.clone(), other.clone()]).compare(resampling);
        prop_assert_eq!(&alone[1], &compared[2]);
        let turned = found_or_not(&[other, one]).compare(resampling);
        let [there, back] = [&alone, &turned].map(|c| c[1].differences.as_ref().unwrap().micro.f1);
        prop_assert_eq!(there.estimate.value, -back.estimate.value);
        prop_assert_eq!(there.p_randomisation, back.p_randomisation);
        prop_assert_eq!(there.p_bootstrap, back.p_bootstrap);
        let Estimate { value: _, low, high } = there.estimate;
        prop_assert!(low <= high);
    }
}
