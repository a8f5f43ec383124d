//! The confusion matrix: a row for each label of gold, a column for each predicted one, missed and spurious
//! in the margins. A cell is the darker the greater its share of the row.

use super::{Anchor, Drawing};
use crate::cli::html::escaped;
use crate::eval::Confusion;

/// The side of a cell at most.
const CELL: f64 = 58.0;

/// The chart.
pub(in crate::cli::eval) fn chart(confusion: &Confusion) -> String {
    let labels = confusion.labels();
    let count = labels.len() + 1;
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(8) as f64;
    let left = (longest * 7.4 + 16.0).min(190.0);
    let cell = (640.0 / count as f64).clamp(22.0, CELL);
    let row = cell.min(40.0);
    // Long names over narrow columns stand upright.
    let is_upright = longest * 7.0 > cell;
    let top = if is_upright { left } else { 30.0 };
    let (width, height) = (left + cell * count as f64 + 4.0, top + row * count as f64 + 8.0);
    let title = "labels of gold in rows, predicted labels in columns";
    let mut drawing = Drawing::new(width, height, title);
    let with_none = || labels.iter().copied().map(Some).chain([None]);
    for (column, predicted) in with_none().enumerate() {
        let x = left + cell * (column as f64 + 0.5);
        let name = predicted.unwrap_or("missed");
        if is_upright {
            drawing.upright("name", (x + 4.0, top - 8.0), name);
        } else {
            drawing.text("name", (x, top - 9.0), Anchor::Middle, name);
        }
    }
    for (number, gold) in with_none().enumerate() {
        let y = top + row * number as f64;
        let name = gold.unwrap_or("spurious");
        drawing.text("name", (left - 10.0, y + row / 2.0 + 4.5), Anchor::End, name);
        let total: u64 = with_none().map(|label| confusion.cell(gold, label).count).sum();
        for (column, predicted) in with_none().enumerate() {
            if gold.is_none() && predicted.is_none() {
                continue;
            }
            let counted = confusion.cell(gold, predicted);
            let share = if total == 0 { 0.0 } else { counted.count as f64 / total as f64 };
            let x = left + cell * column as f64;
            let class = if gold == predicted { "heat right" } else { "heat wrong" };
            let told = match (gold, predicted) {
                (Some(gold), Some(predicted)) => format!(
                    "{gold} as {predicted}: {} ({} with the same edges)",
                    counted.count, counted.exact
                ),
                (Some(gold), None) => format!("{gold} missed: {}", counted.count),
                (_, predicted) => {
                    format!("{} spurious: {}", predicted.unwrap_or_default(), counted.count)
                }
            };
            let attributes = link(gold, predicted, counted.count, share, &told);
            let (at, size) = ((x + 1.0, y + 1.0), (cell - 2.0, row - 2.0));
            drawing.rectangle_with(class, at, size, &told, &attributes);
            if counted.count > 0 {
                let class = if share > 0.55 { "count on" } else { "count" };
                let at = (x + cell / 2.0, y + row / 2.0 + 4.5);
                drawing.text(class, at, Anchor::Middle, &counted.count.to_string());
            }
        }
    }
    drawing.finish()
}

/// How dark a cell is, and what the list shows when it is chosen.
fn link(gold: Option<&str>, predicted: Option<&str>, count: u64, share: f64, told: &str) -> String {
    // A cell that holds something shows.
    let strength = if count == 0 { 0.0 } else { 0.08 + 0.92 * share };
    let mut attributes = format!(" style=\"--p:{strength:.3}\"");
    let kind = match (gold, predicted) {
        (None, _) => "spurious",
        (_, None) => "missed",
        (gold, predicted) if gold == predicted => "boundary",
        _ => return attributes,
    };
    if count > 0 {
        let label = gold.or(predicted).unwrap_or_default();
        attributes.push_str(&format!(
            " data-show=\"{kind}&#10;{}\" tabindex=\"0\" role=\"button\" aria-label=\"{}\"",
            escaped(label),
            escaped(told)
        ));
    }
    attributes
}
