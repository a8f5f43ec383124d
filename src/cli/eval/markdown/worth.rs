//! The tables that compare: systems with each other, the engine with itself without some of its parts.

use super::{cell, percent, table};
use crate::cli::eval::ablation::{Ablation, Grown};
use crate::cli::eval::html::worth::most_effective;
use crate::cli::eval::report::Report;
use crate::cli::eval::text::points;
use crate::eval::{Difference, Estimate};

/// Adds the tables that there are numbers for.
pub(super) fn tables(text: &mut String, report: &Report) {
    if report.systems.len() > 1 {
        systems(text, report);
    }
    if let Some(ablation) = &report.ablation {
        self::ablation(text, ablation);
    }
}

fn systems(text: &mut String, report: &Report) {
    text.push_str("## Systems\n\nMicro scores; each is compared with the first.\n\n");
    let headings =
        ["system", "precision", "recall", "F1", "95% interval", "difference", "p", "p (swap)"];
    let rows = report.systems.iter().map(|system| {
        let micro = system.intervals.micro;
        let mut cells = vec![cell(&system.name)];
        cells.extend([micro.precision.value, micro.recall.value, micro.f1.value].map(percent));
        cells.push(interval(micro.f1));
        match &system.differences {
            Some(differences) => cells.extend(difference(differences.micro.f1)),
            None => cells.extend([String::new(), String::new(), String::new()]),
        }
        cells
    });
    table(text, &headings, rows);
}

fn ablation(text: &mut String, ablation: &Ablation) {
    text.push_str("## What each part is worth\n\nMicro F1 without it; above nought it harms.\n\n");
    let rows = most_effective(&ablation.without).into_iter().map(|one| {
        let mut cells = vec![cell(&one.part.name), one.part.kind.to_owned(), percent(one.f1)];
        cells.extend(difference(one.difference));
        cells
    });
    table(text, &["without", "kind", "F1", "difference", "p", "p (swap)"], rows);
    way(text, "Sources, one after another", "models alone", &ablation.sources);
    way(text, "Passes, one after another", "no pass", &ablation.passes);
    way(text, "What harms, taken away", "the engine", &ablation.removal);
}

fn way(text: &mut String, heading: &str, begin: &str, steps: &[Grown]) {
    if steps.is_empty() {
        return;
    }
    text.push_str(&format!("### {heading}\n\n"));
    let rows = steps.iter().map(|step| {
        let name = step.part.as_ref().map_or(begin, |part| &part.name);
        let mut cells = vec![cell(name), percent(step.f1)];
        match step.difference {
            Some(one) => cells.extend(difference(one)),
            None => cells.extend([String::new(), String::new(), String::new()]),
        }
        cells
    });
    table(text, &["step", "F1", "difference", "p", "p (swap)"], rows);
}

/// A difference in percentage points, and how likely it is between equally good systems.
fn difference(difference: Difference) -> [String; 3] {
    let Difference { estimate, p_bootstrap, p_randomisation } = difference;
    [points(estimate.value), format!("{p_bootstrap:.4}"), format!("{p_randomisation:.4}")]
}

fn interval(Estimate { low, high, .. }: Estimate) -> String {
    format!("{:.2} to {:.2}", low * 100.0, high * 100.0)
}
