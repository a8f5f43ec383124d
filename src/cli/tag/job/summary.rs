//! What a run of a job came to, as a table.

use anstyle::{AnsiColor, Style};

use crate::cli::print::grouped;
use crate::cli::table::{Cell, FAINT, STRONG, Table, styled};
use crate::job::run::RunSoFar;
use crate::job::{Job, Outcome};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();

pub(super) fn render(job: &Job, outcome: Outcome, run: &RunSoFar) -> String {
    let (folder, tally) = (job.folder(), job.journal().tally());
    let path = folder.path().display();
    let (state, style) = match outcome {
        Outcome::Complete => ("complete", GOOD),
        Outcome::Stopped => ("stopped; the same command goes on", WAITS),
        Outcome::TooManyErrors => ("stopped: more errors than --max-errors allows", BAD),
    };
    let part = match folder.part().of() {
        1 => String::new(),
        _ => format!(", part {}", folder.part()),
    };
    let mut table = Table::default();
    let mut row = |name: &str, number: String, more: String| {
        let name = Cell::new(name, FAINT);
        table.row([name, Cell::right(number, STRONG), Cell::new(more, FAINT)]);
    };
    row("documents", grouped(tally.documents), String::new());
    let errors = match tally.errors {
        0 => String::new(),
        _ => folder.errors().display().to_string(),
    };
    row("errors", grouped(tally.errors), errors);
    row("text", format!("{:.2} MB", tally.text_bytes as f64 / 1e6), String::new());
    row("tokens", grouped(tally.tokens), String::new());
    row("entities", grouped(tally.entity_count()), String::new());
    let mut labels: Vec<(&String, &u64)> = tally.entities.iter().collect();
    labels.sort_by_key(|(label, count)| (std::cmp::Reverse(**count), *label));
    for (label, count) in labels {
        let share = 100.0 * *count as f64 / tally.entity_count().max(1) as f64;
        row(&format!("  {label}"), grouped(*count), format!("{share:.1}%"));
    }
    row("shards", grouped(job.journal().shards()), String::new());
    let seconds = run.elapsed.as_secs_f64();
    let rates = format!(
        "{} documents/s, {:.2} MB/s, {} tokens/s",
        grouped(run.rate(run.documents) as u64),
        run.rate(run.text_bytes) / 1e6,
        grouped(run.rate(run.tokens) as u64)
    );
    row(
        "this run",
        format!("{seconds:.1} s"),
        if run.documents > 0 { rates } else { String::new() },
    );
    format!("job in {path}{part}: {}\n{}", styled(state, style), table.render(2))
}
