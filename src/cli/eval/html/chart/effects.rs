//! The engine without each of its parts: how far micro F1 moves, with its interval. What lies right of
//! nought does harm.

use super::axis::Axis;
use super::{Anchor, Drawing, Scale, percent, room_for};
use crate::cli::eval::ablation::Ablated;
use crate::cli::eval::text::points;

/// A row of the chart.
const ROW: f64 = 24.0;

/// The chart.
pub(in crate::cli::eval) fn chart(parts: &[&Ablated]) -> String {
    let left = room_for(parts.iter().map(|one| one.part.name.as_str()));
    let (width, height) = (520.0, ROW * parts.len() as f64 + 36.0);
    let scale = Scale { from: left, to: width - 70.0 };
    let estimates = parts.iter().map(|one| one.difference.estimate);
    let numbers = estimates.flat_map(|one| [one.low, one.value, one.high]).chain([0.0]);
    let axis = Axis::over(scale, numbers);
    let mut drawing = Drawing::new(width, height, "micro F1 without each part, against with it");
    let bottom = height - 30.0;
    axis.draw(&mut drawing, (2.0, bottom));
    let nought = axis.at(0.0);
    drawing.line("nought", (nought, 2.0), (nought, bottom));
    for (number, one) in parts.iter().enumerate() {
        let top = ROW * number as f64 + 2.0;
        let middle = top + ROW / 2.0;
        let estimate = one.difference.estimate;
        let at = axis.at(estimate.value);
        let value = points(estimate.value);
        let told = format!(
            "without the {} {}: micro F1 {} ({value}, p {:.4}), {} documents are others",
            one.part.kind,
            one.part.name,
            percent(one.f1),
            one.difference.p_bootstrap,
            one.documents
        );
        let class = if estimate.value > 0.0 { "effect down" } else { "effect up" };
        let size = ((at - nought).abs().max(1.5), ROW - 10.0);
        drawing.rectangle(class, (at.min(nought), top + 5.0), size, &told);
        drawing.interval(middle, (axis.at(estimate.low), axis.at(estimate.high)));
        drawing.text("name", (left - 10.0, middle + 4.5), Anchor::End, &one.part.name);
        drawing.text("value", (width - 4.0, middle + 4.5), Anchor::End, &value);
    }
    drawing.finish()
}
