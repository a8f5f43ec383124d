//! The report as one page that needs nothing else: charts, tables and everything that is wrong, with
//! filters. Charts and tables read without scripts.

mod chart;
pub(super) mod worth;

use std::fmt::Write as _;

use super::details::Details;
use super::report::{Report, SystemReport};
use crate::cli::difference::by_step;
use crate::cli::html::{self, Palette, drawing, escaped, list};
use crate::eval::{EntityRow, Estimate, Score};

const STYLE: &str = include_str!("html/page.css");

/// The page.
pub(super) fn render(report: &Report, details: &Details) -> String {
    let system = report.told();
    let palette = Palette::new(system.entities.labels.keys().map(String::as_str));
    let mut page = html::head("Evaluation", &format!("{}{}{STYLE}", list::STYLE, drawing::STYLE));
    let told = write!(
        page,
        "<header>\n<h1>Evaluation</h1>\n<p class=\"counts\">{}</p>\n{}</header>\n<main>\n",
        escaped(&report.counted()),
        tiles(system)
    );
    told.expect("a string takes everything");
    let key = "<p class=\"key\"><span class=\"f1\">F1</span><span class=\"precision\">precision</span>\
               <span class=\"recall\">recall</span></p>";
    let labels = format!(
        "{key}{}{}{}",
        chart::bars::chart(system, &palette),
        labels(system, &palette),
        not_judged(system)
    );
    let confusion = format!(
        "<p class=\"note\">Gold in rows, the prediction that overlaps it best in columns.</p>{}",
        chart::confusion::chart(&details.confusion)
    );
    let mut panels = vec![("Labels", labels), ("Confusion", confusion)];
    panels.extend(worth::panels(report));
    let lengths = chart::breakdown::chart(&details.lengths.rows(), "words");
    panels.push(("Length", format!("<p class=\"note\">By the words of an entity.</p>{lengths}")));
    let rarities = chart::breakdown::chart(&details.rarities.rows(), "times in gold");
    let note = "<p class=\"note\">By how often the surface is an entity in this gold.</p>";
    panels.push(("Rarity", format!("{note}{rarities}")));
    if let Some(rows) = &system.surfaces.by_training {
        let chart = chart::breakdown::chart(rows, "times in training");
        let note =
            "<p class=\"note\">By how often the surface is an entity in the training files.</p>";
        panels.push(("Rarity in training", format!("{note}{chart}")));
    }
    if let Some(calibration) = &details.calibration {
        let note = format!(
            "<p class=\"note\">How often a score is right, by score. Expected calibration error \
             {:.3}, Brier score {:.3}.</p>",
            calibration.expected_error(),
            calibration.brier()
        );
        panels.push(("Calibration", format!("{note}{}", chart::calibration::chart(calibration))));
    }
    let steps = by_step(&details.errors);
    if !steps.is_empty() {
        panels.push(("What decided the errors", list::deciders(&steps, details.errors.len())));
    }
    panels.push(("Scenarios", scenarios(system)));
    page.push_str("<div class=\"panels\">\n");
    for (heading, body) in panels {
        let told =
            write!(page, "<section class=\"panel\">\n<h2>{heading}</h2>\n{body}</section>\n");
        told.expect("a string takes everything");
    }
    let whose = match report.systems.as_slice() {
        [_] => String::new(),
        _ => format!("<p class=\"note\">Of {}.</p>", escaped(&system.name)),
    };
    let list = list::list(&details.errors, &palette, |one| one.kind.name(), ["gold", "predicted"]);
    let told =
        write!(page, "</div>\n<section>\n<h2>Errors</h2>\n{whose}{list}</section>\n</main>\n");
    told.expect("a string takes everything");
    page.push_str(&html::foot(list::SCRIPT));
    page
}

/// The scores that one looks for first.
fn tiles(system: &SystemReport) -> String {
    let intervals = &system.intervals;
    let estimates = [
        ("micro F1", intervals.micro.f1),
        ("precision", intervals.micro.precision),
        ("recall", intervals.micro.recall),
        ("macro F1", intervals.macro_average.f1),
    ];
    let tile = |(name, Estimate { value, low, high }): (&str, Estimate)| {
        let percent = |share: f64| format!("{:.2}", share * 100.0);
        let interval = if low < high {
            format!("<dd class=\"range\">{} to {}</dd>", percent(low), percent(high))
        } else {
            String::new()
        };
        format!("<div><dt>{name}</dt><dd>{}<small>%</small></dd>{interval}</div>", percent(value))
    };
    let accuracy = system.tokens.accuracy;
    let accuracy = Estimate { value: accuracy, low: accuracy, high: accuracy };
    let tiles: String =
        estimates.into_iter().chain([("token accuracy", accuracy)]).map(tile).collect();
    format!("<dl class=\"tiles\">{tiles}</dl>\n")
}

fn labels(system: &SystemReport, palette: &Palette) -> String {
    let entities = &system.entities;
    let labels = entities.labels.iter().map(|(label, row)| (palette.sign(label), row));
    let averages = [
        ("micro".to_owned(), &entities.micro),
        ("macro".to_owned(), &entities.macro_average),
        ("weighted".to_owned(), &entities.weighted),
    ];
    let rows = labels.chain(averages).map(|(name, EntityRow { score, support })| {
        format!("<tr><th scope=\"row\">{name}</th>{}<td>{support}</td></tr>\n", cells(*score))
    });
    let rows: String = rows.collect();
    format!(
        "<details><summary>As a table</summary><div class=\"scroll\"><table>\n<thead><tr><th>label</th>\
         <th>precision</th><th>recall</th><th>F1</th><th>support</th></tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div></details>\n"
    )
}

fn not_judged(system: &SystemReport) -> String {
    if system.not_judged.is_empty() {
        return String::new();
    }
    let labels: Vec<String> =
        system.not_judged.iter().map(|(label, count)| format!("{label} ({count})")).collect();
    let labels = escaped(&labels.join(", "));
    format!("<p class=\"note\">Not judged, because gold has none: {labels}.</p>\n")
}

fn scenarios(system: &SystemReport) -> String {
    let rows = system.scenarios.0.iter().map(|(scenario, counts)| {
        let numbers =
            [counts.correct, counts.incorrect, counts.partial, counts.missed, counts.spurious];
        let numbers = numbers.map(|count| format!("<td>{count}</td>")).concat();
        let name = scenario.name();
        format!("<tr><th scope=\"row\">{name}</th>{}{numbers}</tr>\n", cells(counts.score()))
    });
    let rows: String = rows.collect();
    format!(
        "<p class=\"note\">SemEval-2013, over the counts of MUC-5.</p><div class=\"scroll\"><table>\n<thead>\
         <tr><th>scenario</th><th>precision</th><th>recall</th><th>F1</th><th>correct</th><th>incorrect</th>\
         <th>partial</th><th>missed</th><th>spurious</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn cells(score: Score) -> String {
    let cell = |share: f64| format!("<td>{:.2}</td>", share * 100.0);
    [score.precision, score.recall, score.f1].map(cell).concat()
}
