//! The differences as one page that needs nothing else, with filters.

use std::fmt::Write as _;

use super::{Report, kind_name, name_of};
use crate::cli::difference::by_step;
use crate::cli::html::{self, Palette, escaped, list};
use crate::pipeline::Engine;

/// The page.
pub(super) fn render(report: &Report, engines: &[Engine], names: &[String; 2]) -> String {
    let known: Vec<_> = engines.iter().flat_map(Engine::known_labels).collect();
    let given = engines.iter().flat_map(Engine::labels);
    let palette = Palette::new(given.chain(&known).map(|label| label.as_str()));
    let mut page = html::head("What differs", list::STYLE);
    let tile = |(kind, count)| (name_of(kind), count);
    let tiles = report
        .counts()
        .map(tile)
        .map(|(name, count)| format!("<div><dt>{name}</dt><dd>{count}</dd></div>"));
    let told = write!(
        page,
        "<header>\n<h1>What differs</h1>\n<p class=\"counts\">A is <code>{}</code>, B is <code>{}</code>. \
         {}.</p>\n<dl class=\"tiles\">{}</dl>\n</header>\n<main>\n",
        escaped(&names[0]),
        escaped(&names[1]),
        escaped(&report.compared()),
        tiles.concat(),
    );
    told.expect("a string takes everything");
    let steps = by_step(&report.differences);
    let told = write!(
        page,
        "<section>\n<h2>What decided</h2>\n{}</section>\n<section>\n<h2>Differences</h2>\n{}</section>\n</main>\n",
        list::deciders(&steps, report.differences.len()),
        list::list(&report.differences, &palette, kind_name, ["A", "B"]),
    );
    told.expect("a string takes everything");
    page.push_str(&html::foot(list::SCRIPT));
    page
}
