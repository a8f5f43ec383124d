//! An engine on its way: micro F1 after each part that came or went, each step beginning where the one
//! before ended.

use super::axis::Axis;
use super::{Anchor, Drawing, Scale, percent, room_for};
use crate::cli::eval::ablation::Grown;
use crate::cli::eval::text::points;

/// A row of the chart.
const ROW: f64 = 26.0;

/// The chart of `steps`; `begin` is what the first is called where it is no part, and the micro F1
/// before the first step where that is a step already.
pub(in crate::cli::eval) fn chart(steps: &[Grown], begin: (&str, Option<f64>)) -> String {
    let names: Vec<&str> =
        steps.iter().map(|step| step.part.as_ref().map_or(begin.0, |part| &part.name)).collect();
    let given = begin.1.map(|f1| (begin.0, f1, None));
    let rows: Vec<_> = given
        .into_iter()
        .chain(steps.iter().zip(names).map(|(step, name)| (name, step.f1, step.difference)))
        .collect();
    let left = room_for(rows.iter().map(|(name, ..)| *name));
    let (width, height) = (520.0, ROW * rows.len() as f64 + 36.0);
    let scale = Scale { from: left, to: width - 118.0 };
    let scores = || rows.iter().map(|(_, f1, _)| *f1);
    let (least, most) = (scores().fold(f64::MAX, f64::min), scores().fold(0.0, f64::max));
    // The least has a bar to be seen, too.
    let axis = Axis::over(scale, scores().chain([least - 0.1 * (most - least)]));
    let mut drawing = Drawing::new(width, height, "micro F1 after each step");
    let bottom = height - 30.0;
    axis.draw(&mut drawing, (2.0, bottom));
    let mut before = None;
    for (number, (name, f1, difference)) in rows.iter().enumerate() {
        let top = ROW * number as f64 + 2.0;
        let middle = top + ROW / 2.0;
        let from = before.map_or(left, |before| axis.at(before));
        let to = axis.at(*f1);
        let class = match before {
            None => "bar all",
            Some(before) if *f1 < before => "step down",
            Some(_) => "step up",
        };
        let value = difference.map(|one| points(one.estimate.value));
        let told = match (&difference, &value) {
            (Some(one), Some(value)) => {
                format!("{name}: {value} to {}, p {:.4}", percent(*f1), one.p_bootstrap)
            }
            _ => format!("{name}: {}", percent(*f1)),
        };
        // A step that changes nothing is a line.
        let (x, wide) = (from.min(to), (to - from).abs().max(1.5));
        drawing.rectangle(class, (x, top + 5.0), (wide, ROW - 10.0), &told);
        if number + 1 < rows.len() {
            drawing.line("join", (to, top + ROW - 5.0), (to, top + ROW + 5.0));
        }
        drawing.text("name", (left - 10.0, middle + 4.5), Anchor::End, name);
        drawing.text("value", (width - 106.0, middle + 4.5), Anchor::Start, &percent(*f1));
        let change = value.unwrap_or_default();
        drawing.text("tick", (width - 4.0, middle + 4.5), Anchor::End, &change);
        before = Some(*f1);
    }
    drawing.finish()
}
