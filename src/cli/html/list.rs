//! A list of differences on a page, with filters. The script makes rows of the data as one scrolls, so
//! that a page with many thousands stays quick.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Palette, data, escaped};
use crate::cli::difference::{Difference, Side};

/// What lists add to the style of pages.
pub(in crate::cli) const STYLE: &str = include_str!("list.css");

/// What a page with a list runs.
pub(in crate::cli) const SCRIPT: &str = include_str!("list.js");

/// No page holds more; a note says how many are left out.
const MOST: usize = 20_000;

/// The list, with its filters.
///
/// `kind` names what kind a difference is, `sides` the two sides.
pub(in crate::cli) fn list(
    differences: &[Difference],
    palette: &Palette,
    kind: impl Fn(&Difference) -> &'static str,
    sides: [&str; 2],
) -> String {
    let mut html = String::from("<div class=\"filters\" id=\"filters\">\n");
    buttons(&mut html, "kind", count(differences, |one| vec![kind(one)]), &|_| String::new());
    buttons(
        &mut html,
        "label",
        count(differences, |one| one.labels().into_iter().collect()),
        &|label| palette.class(label),
    );
    buttons(&mut html, "source", count(differences, sources), &|_| String::new());
    choice(&mut html, count(differences, |one| vec![one.step()]));
    html.push_str(
        "<label class=\"filter\"><span>text</span><input type=\"search\" id=\"search\" \
         placeholder=\"anything in it\" /></label>\n\
         <button type=\"button\" id=\"clear\">Clear</button>\n</div>\n\
         <p class=\"counts\" id=\"shown\" aria-live=\"polite\"></p>\n",
    );
    let [first, second] = sides;
    let told = writeln!(
        html,
        "<p class=\"key\"><span class=\"first\">{first}</span><span class=\"second\">{second}</span></p>"
    );
    told.expect("a string takes everything");
    if differences.len() > MOST {
        let told = writeln!(
            html,
            "<p class=\"note\">The page holds the first {MOST} of {}.</p>",
            differences.len()
        );
        told.expect("a string takes everything");
    }
    html.push_str(
        "<noscript><p class=\"note\">The list needs scripts; a report in JSON has all of it.</p>\
         </noscript>\n<ol class=\"differences\" id=\"list\"></ol>\n\
         <button type=\"button\" id=\"more\" hidden>Show more</button>\n",
    );
    let items: Vec<Value> =
        differences.iter().take(MOST).map(|one| item(one, palette, kind(one))).collect();
    html.push_str(&data("data", &json!({ "sides": sides, "items": items })));
    html
}

fn item(one: &Difference, palette: &Palette, kind: &str) -> Value {
    let pieces: Vec<Value> = one
        .excerpt
        .iter()
        .map(|piece| {
            let [first, second] = piece.is_in.map(u8::from);
            json!([piece.text, first + 2 * second])
        })
        .collect();
    let side = |side: &Option<Side>| {
        side.as_ref().map(|side| {
            let score = side.score.map(|score| format!("{score:.2}"));
            json!([side.text, side.label, palette.class(&side.label), score])
        })
    };
    let (start, end) = one
        .sides
        .iter()
        .flatten()
        .fold((usize::MAX, 0), |(start, end), side| (start.min(side.start), end.max(side.end)));
    let decision = one.decision.as_ref();
    json!({
        "kind": kind,
        "label": one.labels(),
        "source": one.sources,
        "step": one.step(),
        "line": decision.map_or("", |decision| decision.line.as_str()),
        "reason": decision.map_or("", |decision| decision.reason.as_str()),
        "document": one.document,
        "place": format!("{start}..{end}"),
        "sides": [side(&one.sides[0]), side(&one.sides[1])],
        "pieces": pieces,
    })
}

fn sources(one: &Difference) -> Vec<&str> {
    one.sources.iter().map(String::as_str).collect()
}

type Counts<'d> = BTreeMap<&'d str, usize>;

fn count<'d>(
    differences: &'d [Difference],
    values: impl Fn(&'d Difference) -> Vec<&'d str>,
) -> Counts<'d> {
    let mut counts = Counts::new();
    for value in differences.iter().flat_map(values).filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// Buttons that show only what has one of the values.
fn buttons(html: &mut String, name: &str, counts: Counts<'_>, class: &dyn Fn(&str) -> String) {
    if counts.is_empty() {
        return;
    }
    let told = write!(html, "<div class=\"filter\" role=\"group\"><span>{name}</span>");
    told.expect("a string takes everything");
    for (value, count) in counts {
        let (class, value) = (class(value), escaped(value));
        let told = write!(
            html,
            "<button type=\"button\" class=\"{class}\" data-kind=\"{name}\" data-value=\"{value}\" \
             aria-pressed=\"false\">{value} <i>{count}</i></button>"
        );
        told.expect("a string takes everything");
    }
    html.push_str("</div>\n");
}

/// A choice of one step, the most frequent first.
fn choice(html: &mut String, counts: Counts<'_>) {
    if counts.is_empty() {
        return;
    }
    html.push_str(
        "<label class=\"filter\"><span>decided by</span><select id=\"step\">\
         <option value=\"\">any step</option>",
    );
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(step, count)| (std::cmp::Reverse(*count), *step));
    for (step, count) in counts {
        let step = escaped(step);
        let told = write!(html, "<option value=\"{step}\">{step} ({count})</option>");
        told.expect("a string takes everything");
    }
    html.push_str("</select></label>\n");
}

/// Steps and how many differences each decided, as bars of text.
pub(in crate::cli) fn deciders(steps: &[(&str, usize)], all: usize) -> String {
    let most = steps.first().map_or(1, |(_, count)| *count).max(1) as f64;
    let rows = steps.iter().map(|(step, count)| {
        let share = *count as f64 / most;
        let of_all = 100.0 * *count as f64 / all.max(1) as f64;
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"share\" style=\"--p:{share:.3}\">{count}</td>\
             <td>{of_all:.1}%</td></tr>\n",
            escaped(step)
        )
    });
    let rows: String = rows.collect();
    format!("<table class=\"deciders\">\n<tbody>\n{rows}</tbody>\n</table>\n")
}
