//! How a job looks while it runs: a bar, or a JSON object a line, and the file for Prometheus.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::json;

use super::{JobArgs, ProgressKind, prometheus};
use crate::cli::corpus::{saying, told_evidence};
use crate::cli::print::grouped;
use crate::cli::progress::bar;
use crate::cli::report::{self, Failures};
use crate::cli::verbosity::Verbosity;
use crate::error::{Error, Result};
use crate::job::run::RunSoFar;
use crate::job::{Event, Job, Outcome, Progress, Tally};
use crate::pipeline::EvidenceUse;

/// Machines are told no more often than this.
const EVERY: Duration = Duration::from_secs(1);

/// The bar names so many labels, the most frequent.
const SHOWN_LABELS: usize = 5;

/// What an observer of a job shows of it.
pub(super) struct Screen {
    kind: ProgressKind,
    bar: ProgressBar,
    prometheus: Option<PathBuf>,
    place: prometheus::Place,
    failures: Failures,
    verbosity: Verbosity,
    told: Option<Instant>,
    last: Snapshot,
}

/// How far a job is, as machines are told.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) tally: Tally,
    pub(super) shards: u64,
    pub(super) bytes_read: u64,
    pub(super) bytes_total: Option<u64>,
    pub(super) run: RunSoFar,
    pub(super) eta: Option<Duration>,
}

impl Screen {
    pub(super) fn new(job: &Job, args: &JobArgs, verbosity: Verbosity) -> Self {
        let kind = args.progress.unwrap_or(ProgressKind::Bar);
        let (folder, done) = (job.folder(), job.journal());
        let wants_bar = verbosity.is_interactive() && kind == ProgressKind::Bar;
        let is_shown = wants_bar && !done.is_complete();
        let tally = done.tally().counts();
        let last = Snapshot { tally, shards: done.shards(), ..Snapshot::default() };
        let mut screen = Self {
            kind,
            // How much there is to read, the first chunk says.
            bar: bar(is_shown, is_shown.then_some(0)),
            prometheus: args.prometheus.clone(),
            place: prometheus::Place::of(folder),
            failures: Failures::default(),
            verbosity,
            told: None,
            last,
        };
        screen.tell("running");
        screen
    }

    /// What this run has done.
    pub(super) fn run(&self) -> &RunSoFar {
        &self.last.run
    }

    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Progress(progress) => self.progress(progress),
            Event::Failed(error) => {
                if let Some(text) = self.failures.failed(error) {
                    self.write(&text);
                }
            }
            Event::Warned { document, warning } => {
                let message = format!("document '{document}': {warning}");
                self.warn(warning, message);
            }
            Event::Shard(shard) => {
                tracing::info!(
                    "shard {}: {} documents, {} bytes, {:.1} s",
                    shard.number,
                    grouped(shard.tally.documents),
                    grouped(shard.bytes),
                    shard.seconds
                );
            }
        }
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        let is_due = self.told.is_none_or(|told| told.elapsed() >= EVERY);
        let is_watched = !self.bar.is_hidden();
        if is_watched {
            self.bar.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
            self.bar.set_position(progress.bytes_read);
        }
        self.last = Snapshot {
            // The sum is asked for only where someone sees it.
            tally: std::mem::take(&mut self.last.tally),
            shards: progress.shards,
            bytes_read: progress.bytes_read,
            bytes_total: progress.bytes_total,
            run: progress.run,
            eta: progress.eta(),
        };
        if !is_due && !is_watched {
            return;
        }
        self.last.tally = progress.total();
        if is_watched {
            self.bar.set_message(self.last.message());
        }
        if is_due {
            self.tell("running");
        }
    }

    /// Tells machines how far the job is.
    fn tell(&mut self, state: &str) {
        self.told = Some(Instant::now());
        if self.kind == ProgressKind::Json {
            report::write(&format!("{}\n", self.last.json(state)));
        }
        let Some(path) = self.prometheus.clone() else { return };
        let written = prometheus::write(&path, &self.last, &self.place, state);
        if let Err(error) = written {
            // The job is worth more than its metrics.
            self.prometheus = None;
            self.warn(&error, format!("{error}; there are no metrics from here on"));
        }
    }

    fn warn(&mut self, warning: &Error, message: String) {
        if !self.verbosity.warns() {
            return;
        }
        if let Some(text) = self.failures.warned(&saying(warning, message)) {
            self.write(&text);
        }
    }

    fn write(&self, text: &str) {
        self.bar.suspend(|| report::write(text));
    }

    /// Says what came of keeping an engine's findings.
    pub(super) fn keep_evidence(&mut self, finished: Result<Vec<EvidenceUse>>) {
        if let Err(error) = told_evidence(finished) {
            let message = format!("not all evidence could be kept: {error}");
            self.warn(&error, message);
        }
    }

    /// Ends the bar and tells machines how the run ended; `outcome` is nothing where it failed.
    pub(super) fn finish(&mut self, job: &Job, outcome: Option<&Outcome>) {
        self.bar.finish_and_clear();
        let done = job.journal();
        self.last.tally = done.tally().counts();
        self.last.shards = done.shards();
        let state = match outcome {
            Some(Outcome::Complete) => "complete",
            Some(Outcome::Stopped) => "stopped",
            Some(Outcome::TooManyErrors) => "too-many-errors",
            None => "failed",
        };
        if outcome == Some(&Outcome::Complete) {
            self.last.eta = Some(Duration::ZERO);
        }
        self.tell(state);
        if let Some(text) = self.failures.summary() {
            report::write(&text);
        }
    }
}

impl Snapshot {
    fn message(&self) -> String {
        let Self { tally, run, .. } = self;
        let mut labels: Vec<(&String, &u64)> = tally.entities.iter().collect();
        labels.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let labels: Vec<String> = labels
            .iter()
            .take(SHOWN_LABELS)
            .map(|(label, count)| format!("{label} {}", grouped(**count)))
            .collect();
        format!(
            "{} documents, {:.2} MB/s, {} tokens/s, {}",
            grouped(tally.documents),
            run.rate(run.text_bytes) / 1e6,
            grouped(run.rate(run.tokens) as u64),
            labels.join(" ")
        )
    }

    /// One object: counts of the whole job, rates of this run.
    fn json(&self, state: &str) -> serde_json::Value {
        let Self { tally, run, .. } = self;
        let rounded = |rate: f64| (rate * 10.0).round() / 10.0;
        json!({
            "state": state,
            "documents": tally.documents,
            "errors": tally.errors,
            "text_bytes": tally.text_bytes,
            "tokens": tally.tokens,
            "entities": tally.entities,
            "shards": self.shards,
            "input_bytes_read": self.bytes_read,
            "input_bytes": self.bytes_total,
            "elapsed_seconds": rounded(run.elapsed.as_secs_f64()),
            "documents_per_second": rounded(run.rate(run.documents)),
            "text_bytes_per_second": rounded(run.rate(run.text_bytes)),
            "tokens_per_second": rounded(run.rate(run.tokens)),
            "eta_seconds": self.eta.map(|eta| rounded(eta.as_secs_f64())),
        })
    }
}
