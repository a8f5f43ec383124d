//! The charts of the page.

mod axis;
pub(super) mod bars;
pub(super) mod breakdown;
pub(super) mod calibration;
pub(super) mod confusion;
pub(super) mod effects;
pub(super) mod systems;
pub(super) mod waterfall;

use crate::cli::html::drawing::{Anchor, Drawing, Scale, percent};

/// How much room names take at the left.
fn room_for<'n>(names: impl IntoIterator<Item = &'n str>) -> f64 {
    let longest = names.into_iter().map(|name| name.chars().count()).max().unwrap_or(0);
    (longest as f64 * 7.2 + 20.0).clamp(60.0, 200.0)
}
