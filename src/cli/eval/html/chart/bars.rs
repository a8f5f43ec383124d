//! F1 of every label as a bar with its interval, and precision and recall as marks on it.

use super::{Anchor, Drawing, Scale, percent, room_for};
use crate::cli::eval::report::SystemReport;
use crate::cli::html::Palette;
use crate::eval::Estimate;

/// A row of the chart.
const ROW: f64 = 30.0;

/// The chart: labels by support, then micro and macro.
pub(in crate::cli::eval) fn chart(system: &SystemReport, palette: &Palette) -> String {
    let report = &system.entities;
    let mut labels: Vec<_> = report.labels.iter().collect();
    labels.sort_by_key(|(label, row)| (std::cmp::Reverse(row.support), *label));
    let left = room_for(labels.iter().map(|(label, _)| label.as_str()).chain(["macro"]));
    let width = 500.0;
    let height = ROW * (labels.len() + 2) as f64 + 44.0;
    let scale = Scale { from: left, to: width - 96.0 };
    let mut drawing = Drawing::new(width, height, "F1, precision and recall of every label");
    let bottom = height - 30.0;
    for quarter in 0..=4 {
        let x = scale.at(f64::from(quarter) / 4.0);
        drawing.line("grid", (x, 4.0), (x, bottom));
        drawing.text("tick", (x, bottom + 18.0), Anchor::Middle, &format!("{}%", quarter * 25));
    }
    let intervals = &system.intervals;
    let of_label = |label: &str| intervals.labels.get(label).map(|of| of.f1).unwrap_or_default();
    let labels = labels
        .into_iter()
        .map(|(label, row)| (label.as_str(), row, palette.class(label), of_label(label)));
    let averages = [
        ("micro", &report.micro, "all".to_owned(), intervals.micro.f1),
        ("macro", &report.macro_average, "all".to_owned(), intervals.macro_average.f1),
    ];
    for (number, (name, row, class, Estimate { low, high, .. })) in
        labels.chain(averages).enumerate()
    {
        let top = 6.0 + ROW * number as f64;
        let middle = top + ROW / 2.0;
        let score = row.score;
        let told = format!(
            "{name}: F1 {}, precision {}, recall {}, {} in gold",
            percent(score.f1),
            percent(score.precision),
            percent(score.recall),
            row.support
        );
        drawing.text("name", (left - 10.0, middle + 4.5), Anchor::End, name);
        drawing.rectangle(
            &format!("bar {class}"),
            (left, top + 6.0),
            (scale.at(score.f1) - left, ROW - 12.0),
            &told,
        );
        drawing.interval(middle, (scale.at(low), scale.at(high)));
        for (class, share) in [("precision", score.precision), ("recall", score.recall)] {
            drawing.dot(
                class,
                (scale.at(share), middle),
                4.0,
                &format!("{class} {}", percent(share)),
            );
        }
        let f1 = percent(score.f1);
        drawing.text("value", (width - 84.0, middle + 4.5), Anchor::Start, &f1);
        let support = row.support.to_string();
        drawing.text("tick", (width - 4.0, middle + 4.5), Anchor::End, &support);
    }
    drawing.finish()
}
