//! Systems side by side: micro F1 with its interval, and how far each is from the first.

use super::axis::Axis;
use super::{Anchor, Drawing, Scale, percent, room_for};
use crate::cli::eval::report::SystemReport;
use crate::cli::eval::text::points;

/// A row of the chart.
const ROW: f64 = 36.0;

/// The chart of two systems or more.
pub(in crate::cli::eval) fn chart(systems: &[SystemReport]) -> String {
    let left = room_for(systems.iter().map(|system| system.name.as_str()));
    let (width, height) = (520.0, ROW * systems.len() as f64 + 36.0);
    let scale = Scale { from: left, to: width - 176.0 };
    let scores = systems.iter().map(|system| system.intervals.micro.f1);
    let axis = Axis::over(scale, scores.flat_map(|f1| [f1.low, f1.value, f1.high]));
    let mut drawing = Drawing::new(width, height, "micro F1 of each system with its interval");
    let bottom = height - 30.0;
    axis.draw(&mut drawing, (2.0, bottom));
    for (number, system) in systems.iter().enumerate() {
        let middle = ROW * (number as f64 + 0.5) + 2.0;
        let f1 = system.intervals.micro.f1;
        drawing.text("name", (left - 10.0, middle + 4.5), Anchor::End, &system.name);
        drawing.interval(middle, (axis.at(f1.low), axis.at(f1.high)));
        let told = format!(
            "{}: micro F1 {}, 95% between {} and {}",
            system.name,
            percent(f1.value),
            percent(f1.low),
            percent(f1.high)
        );
        drawing.dot("system", (axis.at(f1.value), middle), 5.5, &told);
        let value = percent(f1.value);
        drawing.text("value", (width - 166.0, middle + 4.5), Anchor::Start, &value);
        let difference = system.differences.as_ref().map(|of| of.micro.f1);
        let difference = difference.map_or_else(
            || "the first".to_owned(),
            |one| format!("{}, p {:.4}", points(one.estimate.value), one.p_bootstrap),
        );
        drawing.text("tick", (width - 4.0, middle + 4.5), Anchor::End, &difference);
    }
    drawing.finish()
}
