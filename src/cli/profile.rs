//! `tag --profile`: the stages of a run as a table, and which of them holds up the others. What is counted is
//! `crate::profile`'s business.

use anstyle::Style;

use super::table::{Cell, FAINT, STRONG, Table, styled};
use crate::cache::CacheUse;
use crate::pipeline::Engine;
use crate::profile::{Profile, Stage};

/// What a stage came to.
struct Row {
    name: String,
    /// Summed over threads.
    seconds: f64,
    /// The part of the time of its threads in which they were at it.
    busy: f64,
    /// The part of the run in which the rest could not go on without it, about.
    holds_up: f64,
}

/// The table of a run of the engine over so many documents and bytes of text, with threads of the engine.
pub(super) fn table(profile: &Profile, engine: &Engine, documents: u64, bytes: u64) -> String {
    let threads = rayon::current_num_threads();
    let wall = profile.elapsed().as_secs_f64().max(1e-9);
    let rows = rows(profile, engine, wall, threads);
    let mut table = Table::default();
    let right = |text: String| Cell::right(text, Style::new());
    let headings = ["seconds", "busy", "MB/s a core", "documents/s a core"];
    table.row(
        [Cell::new("stage", FAINT)]
            .into_iter()
            .chain(headings.map(|heading| Cell::right(heading, FAINT))),
    );
    for row in &rows {
        let rate = |amount: f64| {
            if row.seconds > 0.0 { format!("{:.1}", amount / row.seconds) } else { String::new() }
        };
        table.row([
            Cell::new(row.name.as_str(), STRONG),
            right(format!("{:.3}", row.seconds)),
            right(format!("{:.1} %", 100.0 * row.busy)),
            right(rate(bytes as f64 / 1e6)),
            right(rate(documents as f64)),
        ]);
    }
    let waits = profile.of(Stage::Wait).as_secs_f64();
    let worst = rows.iter().max_by(|a, b| a.holds_up.total_cmp(&b.holds_up));
    let bottleneck = worst.map_or(String::new(), |row| {
        let share = 100.0 * row.holds_up;
        format!("bottleneck: {} ({share:.0} % of the run)\n", styled(&row.name, STRONG))
    });
    let CacheUse { asked, known } = engine.documents_known();
    let sources =
        engine.sources().iter().filter_map(|source| Some((source.name(), source.known()?)));
    let kept: String = sources
        .map(|(name, CacheUse { asked, known })| {
            format!("{known} of {asked} sequences were known to source {name}\n")
        })
        .collect();
    let noun = if threads == 1 { "thread" } else { "threads" };
    format!(
        "{}{wall:.3} s with {threads} {noun}, of which the engine waited {waits:.3} s for documents\n\
         {known} of {asked} documents said what one before them said\n{kept}{bottleneck}",
        table.render(0)
    )
}

fn rows(profile: &Profile, engine: &Engine, wall: f64, threads: usize) -> Vec<Row> {
    let seconds = |stage| profile.of(stage).as_secs_f64();
    let inner = [("segment", Stage::Segment), ("fold", Stage::Fold)];
    let mut stages: Vec<(String, Stage)> =
        inner.into_iter().map(|(name, stage)| (name.to_owned(), stage)).collect();
    for (number, source) in engine.sources().iter().enumerate() {
        stages.push((format!("source {}", source.name()), Stage::Source(number)));
    }
    stages.push(("merge".to_owned(), Stage::Merge));
    let worked: f64 = stages.iter().map(|(_, stage)| seconds(*stage)).sum();
    let tagged = seconds(Stage::Tag) / wall;
    let of_threads = |(name, stage)| {
        let seconds = seconds(stage);
        let busy = seconds / (wall * threads as f64);
        Row { name, seconds, busy, holds_up: tagged * seconds / worked.max(1e-9) }
    };
    // Reading and writing have one thread each. Where the engine neither works nor waits for documents, it waits until
    // what it made is taken.
    let (read, write) = (seconds(Stage::Read), seconds(Stage::Write));
    let waits = (wall - seconds(Stage::Tag) - seconds(Stage::Wait)).clamp(0.0, write);
    let of_one = |name: &str, seconds: f64, holds_up: f64| Row {
        name: name.to_owned(),
        seconds,
        busy: seconds / wall,
        holds_up: holds_up / wall,
    };
    let mut rows = vec![of_one("read", read, seconds(Stage::Wait))];
    rows.extend(stages.into_iter().map(of_threads));
    rows.push(of_one("write", write, waits));
    rows
}
