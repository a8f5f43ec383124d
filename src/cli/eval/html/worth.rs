//! The panels that compare: systems with each other, the engine with itself without some of its parts.

use super::chart;
use crate::cli::eval::ablation::{Ablated, Ablation};
use crate::cli::eval::report::{Report, SystemReport};
use crate::cli::html::escaped;

/// So many parts of the engine have a bar; the others are worth next to nothing.
const PARTS: usize = 24;

/// What the panels hold, each with its heading, in their order.
pub(super) fn panels(report: &Report) -> Vec<(&'static str, String)> {
    let mut panels = Vec::new();
    if let [first, _, ..] = report.systems.as_slice() {
        let note = format!(
            "<p class=\"note\">Micro F1 with its 95% interval, and how far it is from that of {}: percentage \
             points, and p of the paired bootstrap.</p>",
            escaped(&first.name)
        );
        let chart = chart::systems::chart(&report.systems);
        panels.push(("Systems", format!("{note}{chart}")));
    }
    if let Some(ablation) = &report.ablation {
        self::ablation(&mut panels, ablation);
    }
    let surfaces: String = report.systems.iter().flat_map(|one| surfaces(one, report)).collect();
    if !surfaces.is_empty() {
        let table = format!(
            "<div class=\"scroll\"><table>\n<thead><tr><th>surfaces</th><th>precision</th><th>recall</th>\
             <th>F1</th><th>support</th></tr></thead>\n<tbody>\n{surfaces}</tbody>\n</table></div>\n"
        );
        panels.push(("Surfaces", table));
    }
    panels
}

fn ablation(panels: &mut Vec<(&'static str, String)>, ablation: &Ablation) {
    let shown = most_effective(&ablation.without);
    if !shown.is_empty() {
        let left_out = ablation.without.len() - shown.len();
        let more = match left_out {
            0 => String::new(),
            count => format!(" {count} more change less."),
        };
        let note = format!(
            "<p class=\"note\">Micro F1 without each part less that of the engine, with its interval: what is \
             left of nought helps, what is right of it harms.{more}</p>"
        );
        let chart = chart::effects::chart(&shown);
        panels.push(("What each part is worth", format!("{note}{chart}")));
    }
    let ways = [
        ("Sources, one after another", &ablation.sources, ("models alone", None)),
        ("Passes, one after another", &ablation.passes, ("no pass", None)),
        ("What harms, taken away", &ablation.removal, ("the engine", Some(ablation.f1))),
    ];
    for (heading, steps, begin) in ways {
        // A way of one place is none.
        if steps.len() + usize::from(begin.1.is_some()) > 1 {
            panels.push((heading, chart::waterfall::chart(steps, begin)));
        }
    }
}

/// The parts that change most, in the order of the report: what harms most comes first.
pub(in crate::cli::eval) fn most_effective(parts: &[Ablated]) -> Vec<&Ablated> {
    let size = |one: &Ablated| one.difference.estimate.value.abs();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| size(&parts[*b]).total_cmp(&size(&parts[*a])));
    order.truncate(PARTS);
    order.sort_unstable();
    order.into_iter().map(|number| &parts[number]).collect()
}

/// Rows of the scores of parts of the surfaces, where they were asked for.
fn surfaces(system: &SystemReport, report: &Report) -> Vec<String> {
    let row = |(name, part): (&str, &crate::eval::EntityReport)| {
        let name = match report.systems.as_slice() {
            [_] => name.to_owned(),
            _ => format!("{} {name}", system.name),
        };
        let (score, support) = (super::cells(part.micro.score), part.micro.support);
        format!("<tr><th scope=\"row\">{}</th>{score}<td>{support}</td></tr>\n", escaped(&name))
    };
    system.surfaces.named().map(row).collect()
}
