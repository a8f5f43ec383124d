//! Scores as log-odds: ln(p / (1 - p)), in which independent evidence adds up. Computed in `f64`,
//! because `f32` cannot tell probabilities near 1 apart.

/// How near to 0 and 1 a score may be before it is turned into log-odds, where nothing else is said:
/// certainty would be infinite, and nothing could be said against it.
pub(super) const FLOOR: f64 = 1e-6;

/// The log-odds of a probability, which is first moved `floor` away from 0 and 1.
pub(crate) fn logit(probability: f64, floor: f64) -> f64 {
    let p = probability.clamp(floor, 1.0 - floor);
    (p / (1.0 - p)).ln()
}

/// The score that has these log-odds.
pub(super) fn score_of(log_odds: f64) -> f32 {
    let p = 1.0 / (1.0 + (-log_odds).exp());
    if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) as f32 }
}

/// `score` with `add` added to its log-odds.
pub(super) fn shift(score: f32, add: f64) -> f32 {
    if add == 0.0 { score } else { score_of(logit(f64::from(score), FLOOR) + add) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_odds_are_zero() {
        assert_eq!(logit(0.5, FLOOR), 0.0);
        assert_eq!(score_of(0.0), 0.5);
        assert!((shift(0.5, 2.0) - 0.880_797).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn scores_stay_scores(score in 0.0f32..=1.0, add in -1000.0..=1000.0f64) {
            let shifted = shift(score, add);
            prop_assert!((0.0..=1.0).contains(&shifted));
            prop_assert!((shift(score, 1e-12) - score).abs() < 2e-6);
            let further = shift(score, add + 1.0);
            prop_assert!(further >= shifted);
        }
    }
}
