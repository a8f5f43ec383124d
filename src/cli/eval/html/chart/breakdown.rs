//! F1 of the groups of a breakdown as columns, with precision and recall as marks.

use super::{Anchor, Drawing, Scale, percent};
use crate::eval::BreakdownRow;

/// The chart; `unit` says what the groups count.
pub(in crate::cli::eval) fn chart(rows: &[BreakdownRow], unit: &str) -> String {
    let (width, height) = (460.0, 310.0);
    let up = Scale { from: height - 62.0, to: 12.0 };
    let (left, right) = (52.0, width - 12.0);
    let mut drawing = Drawing::new(width, height, &format!("F1 by {unit}"));
    drawing.shares_up(up, (left, right));
    let step = (right - left) / rows.len() as f64;
    for (number, row) in rows.iter().enumerate() {
        let middle = left + step * (number as f64 + 0.5);
        let name = row.name();
        drawing.text("name", (middle, up.from + 18.0), Anchor::Middle, &name);
        let count = match (row.gold, row.predicted) {
            (0, 0) => "–".to_owned(),
            (0, predicted) => format!("{predicted} predicted"),
            (gold, _) => format!("{gold} in gold"),
        };
        drawing.text("tick", (middle, up.from + 34.0), Anchor::Middle, &count);
        if row.gold + row.predicted == 0 {
            continue;
        }
        let score = row.score;
        let told = format!(
            "{name} {unit}: F1 {}, precision {}, recall {}; {} in gold, {} predicted, {} right",
            percent(score.f1),
            percent(score.precision),
            percent(score.recall),
            row.gold,
            row.predicted,
            row.right
        );
        let top = up.at(score.f1);
        let bar = (step * 0.56).min(46.0);
        drawing.rectangle("bar all", (middle - bar / 2.0, top), (bar, up.from - top), &told);
        let marks =
            [("precision", score.precision, row.predicted), ("recall", score.recall, row.gold)];
        for (class, share, _) in marks.into_iter().filter(|(.., count)| *count > 0) {
            drawing.dot(class, (middle, up.at(share)), 4.0, &format!("{class} {}", percent(share)));
        }
    }
    drawing.text("axis", ((left + right) / 2.0, height - 8.0), Anchor::Middle, unit);
    drawing.finish()
}
