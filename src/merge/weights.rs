//! How much each source counts: the option `weights` of the passes that let sources vote.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use toml::Spanned;

use super::check::Checks;
use crate::span::Candidate;

/// What a weight may be.
const WEIGHT: RangeInclusive<f64> = 0.0..=1000.0;

/// The weights of sources; 1 where none is written.
#[derive(Debug, Default)]
pub(super) struct Weights(BTreeMap<Arc<str>, f64>);

impl Weights {
    /// The weights that are written.
    pub(super) fn new(
        written: &BTreeMap<Spanned<String>, Spanned<f64>>,
        checks: &mut Checks<'_>,
    ) -> Self {
        let weight = |(name, value): (&Spanned<String>, &Spanned<f64>)| {
            (checks.source(name), checks.number(name.get_ref(), value, WEIGHT))
        };
        Self(written.iter().map(weight).collect())
    }

    /// The weight of a source.
    pub(super) fn of_source(&self, source: &str) -> f64 {
        self.0.get(source).copied().unwrap_or(1.0)
    }

    /// The highest weight among those who proposed a candidate.
    pub(super) fn of(&self, candidate: &Candidate) -> f64 {
        let weights = candidate.origins.iter().map(|origin| self.of_source(&origin.source));
        weights.fold(0.0, f64::max)
    }
}
