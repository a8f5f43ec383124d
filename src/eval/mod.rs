//! How good are entities, held against gold? The metrics that the field reports, one file a family;
//! nothing here reads or prints.
//!
//! A ratio over nothing is 0.0 everywhere, as it is in the libraries whose numbers these are.

pub mod align;
pub mod breakdown;
pub mod calibration;
pub mod compare;
pub mod confusion;
pub mod corpus;
#[cfg(test)]
mod detail_tests;
pub mod entity;
pub mod semeval;
pub mod sequence;
pub mod strict;
pub mod surface;
#[cfg(test)]
mod tests;
pub mod token;

use serde::Serialize;

pub use crate::span::scheme::LetterPlace;
pub use align::{Pair, PairKind, align};
pub use breakdown::{Breakdown, BreakdownRow, SurfaceCounts};
pub use calibration::{Calibration, CalibrationBin};
pub use compare::{Compared, Difference, Estimate, OfScore, OfScores, PairedCounts, Resampling};
pub use confusion::{Confusion, ConfusionCell};
pub use entity::{EntityCounts, EntityReport, EntityRow, LabelCounts};
pub use semeval::{Scenario, SemevalCounts, semeval};
pub use sequence::{Mode, SequenceCounts};
pub use strict::{StrictScheme, decode_strict};
pub use surface::SurfaceLabels;
pub use token::TokenCounts;

/// Precision, recall and their harmonic mean, each 0..=1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Score {
    /// The share of what was predicted that is right.
    pub precision: f64,
    /// The share of gold that was found.
    pub recall: f64,
    /// F1 = 2 · precision · recall / (precision + recall).
    pub f1: f64,
}

impl Score {
    /// The score of `right` among so many predicted and so many in gold. `right` is a number of
    /// entities, half ones among them where a metric knows such.
    fn new(right: f64, predicted: u64, gold: u64) -> Self {
        let precision = ratio(right, predicted as f64);
        let recall = ratio(right, gold as f64);
        let f1 = ratio(2.0 * precision * recall, precision + recall);
        Self { precision, recall, f1 }
    }
}

/// `part / whole`, 0.0 where `whole` is.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
