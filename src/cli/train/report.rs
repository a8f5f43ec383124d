//! The run as a page: loss and scores over the steps, and a table of the evaluations, from its log.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::cli::html::curves::{Axes, Curve, last, most, thinned};
use crate::cli::html::drawing;
use crate::cli::html::{self, Palette, escaped};
use crate::error::{Error, Result};

const STYLE: &str = include_str!("report.css");

/// Writes `report.html` beside the log of the model in `folder`.
///
/// # Errors
/// Where the log cannot be read or the page not be written.
pub(super) fn write(folder: &Path) -> Result<()> {
    let log = folder.join("training/log.jsonl");
    let text = std::fs::read_to_string(&log).map_err(|e| Error::io("read", log.display(), e))?;
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    let page = render(&folder.display().to_string(), &lines.collect::<Vec<Value>>());
    let path = folder.join("training/report.html");
    std::fs::write(&path, page).map_err(|e| Error::io("write", path.display(), e))
}

/// The page of a log's lines.
fn render(name: &str, lines: &[Value]) -> String {
    let title = format!("Training of {name}");
    let mut page = html::head(&title, &format!("{}{STYLE}", drawing::STYLE));
    let steps = lines.iter().filter(|line| line["loss"].is_number()).count();
    let evaluations: Vec<&Value> = lines.iter().filter(|line| line["dev"].is_object()).collect();
    let told = write!(
        page,
        "<header>\n<h1>{}</h1>\n<p class=\"counts\">{steps} steps, {} evaluations</p>\n</header>\n<main>\n",
        escaped(&title),
        evaluations.len()
    );
    told.expect("a string takes everything");
    page.push_str(&panel("Loss", &losses(lines)));
    page.push_str(&panel("Learning rate", &chart_of(lines, "rate", "learning rate by step")));
    if !evaluations.is_empty() {
        page.push_str(&panel("F1 on dev", &scores(&evaluations)));
    }
    page + "</main>\n" + &html::foot("")
}

fn panel(title: &str, body: &str) -> String {
    format!("<section class=\"panel\"><h2>{title}</h2>\n{body}</section>\n")
}

/// The numbers called `key` by step.
fn curve(lines: &[Value], key: &str) -> Curve {
    let point = |line: &Value| Some((line["step"].as_f64()?, line[key].as_f64()?));
    lines.iter().filter_map(point).filter(|(_, y)| y.is_finite()).collect()
}

/// The mean that goes along with a curve: each point counts a twentieth.
fn smoothed(curve: &Curve) -> Curve {
    let mut mean = curve.first().map_or(0.0, |(_, y)| *y);
    let point = |(x, y): &(f64, f64)| {
        mean += 0.05 * (y - mean);
        (*x, mean)
    };
    curve.iter().map(point).collect()
}

fn losses(lines: &[Value]) -> String {
    let all = curve(lines, "loss");
    let (points, mean) = (thinned(&all), thinned(&smoothed(&all)));
    let mut chart = Axes::new("loss by step, and its mean", last(&all), most(&points));
    chart.draw("loss", &points);
    chart.draw("mean", &mean);
    chart.drawing.finish()
}

fn chart_of(lines: &[Value], key: &str, title: &str) -> String {
    let points = thinned(&curve(lines, key));
    let mut chart = Axes::new(title, last(&points), most(&points));
    chart.draw("curve", &points);
    chart.drawing.finish()
}

/// A curve for each corpus, and the numbers as a table.
fn scores(evaluations: &[&Value]) -> String {
    let names: Vec<&str> = evaluations[0]["dev"]["corpora"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|corpus| corpus["corpus"].as_str())
        .collect();
    let f1 = |line: &Value, number: usize| {
        line["dev"]["corpora"][number]["report"]["micro"]["f1"].as_f64().unwrap_or(0.0)
    };
    let palette = Palette::new(names.iter().copied());
    let step = |line: &Value| line["step"].as_f64().unwrap_or(0.0);
    let end = evaluations.last().map_or(0.0, |line| step(line));
    let mut chart = Axes::new("micro F1 on each dev corpus by step", end, 1.0);
    for (corpus, name) in names.iter().enumerate() {
        let class = palette.class(name);
        let curve: Curve = evaluations.iter().map(|line| (step(line), f1(line, corpus))).collect();
        chart.draw(&format!("score {class}"), &curve);
        for point in &curve {
            let told = format!("{name}, step {:.0}: {:.2}", point.0, 100.0 * point.1);
            let place = chart.at(*point);
            chart.drawing.dot(&format!("point {class}"), place, 4.0, &told);
        }
    }
    let key: String = names.iter().map(|name| palette.sign(name) + " ").collect();
    let mut table = String::from("<table><tr><th>step</th>");
    for name in &names {
        let _ = write!(table, "<th>{}</th>", escaped(name));
    }
    table.push_str("<th>mean</th></tr>\n");
    let best = evaluations.iter().rposition(|line| line["best"] == true);
    for (row, line) in evaluations.iter().enumerate() {
        let class = if best == Some(row) { " class=\"best\"" } else { "" };
        let _ = write!(table, "<tr{class}><td>{:.0}</td>", step(line));
        for corpus in 0..names.len() {
            let _ = write!(table, "<td>{:.2}</td>", 100.0 * f1(line, corpus));
        }
        let mean = 100.0 * line["dev"]["score"].as_f64().unwrap_or(0.0);
        let _ = writeln!(table, "<td>{mean:.2}</td></tr>");
    }
    format!("<p class=\"key\">{key}</p>\n{}{table}</table>\n", chart.drawing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::html::curves::MOST_POINTS;
    use serde_json::json;

    #[test]
    fn curves_and_the_best_evaluation_are_shown() {
        let mut lines: Vec<Value> = (1..=2000)
            .map(|step| json!({ "step": step, "loss": 2.0 / f64::from(step), "rate": 1e-4 }))
            .collect();
        for (step, f1) in [(1000, 0.5), (2000, 0.75)] {
            let corpus = json!({ "corpus": "a <b>", "report": { "micro": { "f1": f1 } } });
            lines.push(
                json!({ "step": step, "dev": { "score": f1, "corpora": [corpus] }, "best": true }),
            );
        }
        let page = render("m", &lines);
        assert_eq!(page.matches("<svg").count(), 3);
        assert!(page.contains("2000 steps, 2 evaluations") && page.contains("a &lt;b&gt;"));
        assert!(page.contains("<tr class=\"best\"><td>2000</td><td>75.00</td><td>75.00</td></tr>"));
        assert!(!page.contains("NaN"));
        let loss = page.split("class=\"loss\"").nth(1).unwrap().split('/').next().unwrap();
        assert!(loss.matches(',').count() <= MOST_POINTS);
    }

    #[test]
    fn a_log_of_nothing_is_a_page() {
        assert!(render("m", &[]).contains("0 steps, 0 evaluations"));
    }
}
