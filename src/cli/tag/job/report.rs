//! A job as a page: how fast it was over time, what was found, and what failed.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::html::curves::{Axes, Curve, last, most, thinned};
use crate::cli::html::{self, Palette, drawing, escaped, list};
use crate::cli::print::grouped;
use crate::error::Result;
use crate::io::Output;
use crate::job::journal::Pace;
use crate::job::{Failure, Job, Tally, error_log};

const STYLE: &str = include_str!("report.css");

/// So many surfaces of each label are shown.
const SHOWN_SURFACES: usize = 12;

/// So many errors are shown.
const SHOWN_ERRORS: usize = 500;

/// What a page is made of.
struct Data<'a> {
    name: String,
    is_complete: bool,
    shards: u64,
    tally: &'a Tally,
    paces: &'a [Pace],
    failures: Vec<Failure>,
    errors_file: String,
}

/// Writes the page.
///
/// # Errors
/// Where the list of errors cannot be read, or the page not be written.
pub(super) fn write(path: &Path, job: &Job) -> Result<()> {
    let (folder, journal) = (job.folder(), job.journal());
    let data = Data {
        name: folder.path().display().to_string(),
        is_complete: journal.is_complete(),
        shards: journal.shards(),
        tally: journal.tally(),
        paces: journal.paces(),
        failures: error_log::first(&folder.errors(), SHOWN_ERRORS)?,
        errors_file: folder.errors().display().to_string(),
    };
    let mut output = Output::create(path)?;
    output.put(render(&data).as_bytes())?;
    output.finish()
}

fn render(data: &Data<'_>) -> String {
    let title = format!("Tagging into {}", data.name);
    let style = format!("{}{}{STYLE}", drawing::STYLE, list::STYLE);
    let mut page = html::head(&title, &style);
    let state = if data.is_complete { "complete" } else { "not complete" };
    let tally = data.tally;
    let seconds: f64 = data.paces.iter().map(|pace| pace.seconds).sum();
    let tiles = [
        ("documents", grouped(tally.documents)),
        ("MB of text", format!("{:.2}", tally.text_bytes as f64 / 1e6)),
        ("tokens", grouped(tally.tokens)),
        ("entities", grouped(tally.entity_count())),
        ("errors", grouped(tally.errors)),
        ("of work", duration(seconds)),
    ];
    let tiles: String = tiles
        .iter()
        .map(|(name, number)| format!("<div><dt>{name}</dt><dd>{number}</dd></div>"))
        .collect();
    let shards = grouped(data.shards);
    let noun = if data.shards == 1 { "shard" } else { "shards" };
    page.push_str(&format!(
        "<header>\n<h1>{}</h1>\n<p class=\"counts\">{state}, {shards} {noun}</p>\n\
         <dl class=\"tiles\">{tiles}</dl>\n</header>\n<main>\n",
        escaped(&title)
    ));
    page.push_str(&panel("Rate over time", &rate(data.paces, seconds)));
    page.push_str(&panel("Entities per label", &labels(tally)));
    if tally.entity_count() > 0 {
        page.push_str(&panel("Most frequent surfaces", &surfaces(tally)));
    }
    if tally.errors > 0 {
        page.push_str(&panel("Errors", &errors(data)));
    }
    page + "</main>\n" + &html::foot("")
}

fn panel(title: &str, body: &str) -> String {
    format!("<section class=\"panel\"><h2>{title}</h2>\n{body}</section>\n")
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Bytes of text a second, shard by shard, over the time of work.
fn rate(paces: &[Pace], seconds: f64) -> String {
    let (unit, name) = match seconds {
        s if s < 600.0 => (1.0, "seconds"),
        s if s < 36_000.0 => (60.0, "minutes"),
        _ => (3600.0, "hours"),
    };
    let mut time = 0.0;
    let point = |pace: &Pace| {
        time += pace.seconds;
        (time / unit, pace.text_bytes as f64 / 1e6 / pace.seconds.max(1e-3))
    };
    let curve: Curve = paces.iter().map(point).collect();
    let Some(first) = curve.first().copied() else {
        return "<p class=\"note\">No shard is done.</p>\n".to_owned();
    };
    // A shard's rate holds from its beginning.
    let mut points = thinned(&curve);
    points.insert(0, (0.0, first.1));
    let title = format!("megabytes of text a second, by {name} of work");
    let mut chart = Axes::new(&title, last(&points), rounded_up(most(&points)));
    chart.draw("curve", &points);
    format!(
        "<p class=\"note\">MB of text a second, by {name} of work</p>\n{}",
        chart.drawing.finish()
    )
}

/// The next number whose quarters are told in few digits: 1, 2, 4 or 8 times a power of ten.
fn rounded_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    steps.iter().map(|step| step * power).find(|end| *end >= value).unwrap_or(value)
}

fn by_count(tally: &Tally) -> Vec<(&str, u64)> {
    let mut labels: Vec<(&str, u64)> =
        tally.entities.iter().map(|(label, count)| (label.as_str(), *count)).collect();
    labels.sort_by_key(|(label, count)| (std::cmp::Reverse(*count), *label));
    labels
}

fn labels(tally: &Tally) -> String {
    let labels = by_count(tally);
    if labels.is_empty() {
        return "<p class=\"note\">No entity was found.</p>\n".to_owned();
    }
    let rows: Vec<(&str, usize)> =
        labels.iter().map(|(label, count)| (*label, *count as usize)).collect();
    list::deciders(&rows, tally.entity_count() as usize)
}

fn surfaces(tally: &Tally) -> String {
    let palette = Palette::new(tally.entities.keys().map(String::as_str));
    let mut html = String::from(
        "<p class=\"note\">Summed over the 20 most frequent of each shard: right for what is frequent \
         everywhere, too low for the rest.</p>\n<div class=\"surfaces\">\n",
    );
    for (label, _) in by_count(tally) {
        let rows: String = tally
            .most_frequent(label, SHOWN_SURFACES)
            .iter()
            .map(|(text, count)| {
                format!(
                    "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                    escaped(text),
                    grouped(*count)
                )
            })
            .collect();
        let told = writeln!(html, "<div><p>{}</p><table>{rows}</table></div>", palette.sign(label));
        told.expect("a string takes everything");
    }
    html + "</div>\n"
}

fn errors(data: &Data<'_>) -> String {
    let mut html = String::new();
    let shown = data.failures.len() as u64;
    if shown < data.tally.errors {
        let told = writeln!(
            html,
            "<p class=\"note\">The first {} of {}; {} has all of them.</p>",
            grouped(shown),
            grouped(data.tally.errors),
            escaped(&data.errors_file)
        );
        told.expect("a string takes everything");
    }
    html.push_str(
        "<div class=\"scroll\"><table class=\"errors\"><thead><tr><th>where</th><th>document</th>\
         <th>reason</th></tr></thead>\n<tbody>\n",
    );
    for failure in &data.failures {
        let mut place = failure.input.clone().unwrap_or_default();
        for number in [failure.line, failure.column].into_iter().flatten() {
            place.push_str(&format!(":{number}"));
        }
        let document = failure.document.as_deref().unwrap_or_default();
        let [place, document, reason] =
            [place.as_str(), document, failure.reason.as_str()].map(escaped);
        let told = writeln!(html, "<tr><td>{place}</td><td>{document}</td><td>{reason}</td></tr>");
        told.expect("a string takes everything");
    }
    html + "</tbody></table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn data<'a>(tally: &'a Tally, paces: &'a [Pace], failures: Vec<Failure>) -> Data<'a> {
        let (name, errors_file) = ("out <b>".to_owned(), "out/errors.jsonl".to_owned());
        Data { name, is_complete: true, shards: 2, tally, paces, failures, errors_file }
    }

    #[test]
    fn everything_is_on_the_page_and_nothing_breaks_out() {
        let surfaces = BTreeMap::from([("<i>".to_owned(), 3), ("Paris".to_owned(), 1200)]);
        let tally = Tally {
            documents: 1_234_567,
            errors: 2,
            entities: BTreeMap::from([("LOC".to_owned(), 1203), ("PER".to_owned(), 1)]),
            surfaces: BTreeMap::from([("LOC".to_owned(), surfaces)]),
            ..Tally::default()
        };
        let pace =
            |text_bytes| Pace { seconds: 2.0, documents: 1, text_bytes, tokens: 1, bytes: 1 };
        let failure = Failure {
            input: Some("a.jsonl".to_owned()),
            line: Some(7),
            column: None,
            document: None,
            kind: "document".to_owned(),
            reason: "no 'text' </td>".to_owned(),
        };
        let page = render(&data(&tally, &[pace(2_000_000), pace(8_000_000)], vec![failure]));
        for part in [
            "<dd>1,234,567</dd>",
            "Tagging into out &lt;b&gt;",
            "<td>a.jsonl:7</td><td></td><td>no &#39;text&#39; &lt;/td&gt;</td>",
            "The first 1 of 2; out/errors.jsonl has all of them.",
            "<th scope=\"row\">Paris</th><td>1,200</td></tr>\n<tr><th scope=\"row\">&lt;i&gt;</th><td>3</td>",
            "<dd>4.0 s</dd>",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 1);
        assert!(!page.contains("NaN") && !page.contains("http"));
    }

    #[test]
    fn a_job_of_nothing_is_a_page() {
        let page = render(&data(&Tally::default(), &[], Vec::new()));
        assert!(page.contains("No shard is done.") && page.contains("No entity was found."));
        assert_eq!([0.07, 0.3, 3.9, 81.0, 0.0].map(rounded_up), [0.08, 0.4, 4.0, 100.0, 1e-9]);
        assert_eq!([59.0, 600.0, 7200.0].map(duration), ["59.0 s", "10 min", "2.0 h"]);
    }
}
