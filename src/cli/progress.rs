//! How far a run is, on a terminal, and what it came to at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::report;
use crate::span::{Entity, Label};

/// A bar where the size of the inputs is known, a spinner where it is not, nothing where nobody looks.
pub(super) struct Progress {
    bar: ProgressBar,
    counts: Counts,
}

/// What has been done so far.
struct Counts {
    start: Instant,
    documents: usize,
    text_bytes: usize,
    entities: BTreeMap<Label, usize>,
}

impl Progress {
    /// Progress over inputs of `total` bytes.
    pub(super) fn new(is_shown: bool, total: Option<u64>) -> Self {
        let bar = bar(is_shown, total);
        let counts = Counts {
            start: Instant::now(),
            documents: 0,
            text_bytes: 0,
            entities: BTreeMap::new(),
        };
        Self { bar, counts }
    }

    /// Counts a document.
    pub(super) fn count(&mut self, text: &str, entities: &[Entity]) {
        self.counts.documents += 1;
        self.counts.text_bytes += text.len();
        for entity in entities {
            *self.counts.entities.entry(entity.label.clone()).or_default() += 1;
        }
    }

    /// How many documents are counted, and the bytes of their texts.
    pub(super) fn done(&self) -> (usize, usize) {
        (self.counts.documents, self.counts.text_bytes)
    }

    /// Shows what is counted, of which so many bytes were read.
    pub(super) fn show(&self, bytes_read: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(bytes_read);
            self.bar.set_message(self.counts.rate());
        }
    }

    /// Writes a report to standard error, around the bar.
    pub(super) fn write(&self, text: &str) {
        self.bar.suspend(|| report::write(text));
    }

    /// Removes the bar and gives the closing line.
    pub(super) fn finish(self) -> String {
        self.bar.finish_and_clear();
        self.counts.summary()
    }
}

impl Counts {
    fn rate(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(1e-3);
        let documents = self.documents;
        let mega_bytes = self.text_bytes as f64 / 1e6;
        let noun = if documents == 1 { "document" } else { "documents" };
        format!(
            "{documents} {noun}, {:.1}/s, {:.2} MB/s",
            documents as f64 / seconds,
            mega_bytes / seconds
        )
    }

    fn summary(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        let total: usize = self.entities.values().sum();
        let by_label: Vec<String> =
            self.entities.iter().map(|(label, count)| format!("{label} {count}")).collect();
        let by_label =
            if total == 0 { String::new() } else { format!(" ({})", by_label.join(", ")) };
        let noun = if total == 1 { "entity" } else { "entities" };
        format!("{total} {noun}{by_label} in {} in {seconds:.1} s\n", self.rate())
    }
}

/// A bar over `total` bytes, or a spinner where that is not known. Its message ends where the terminal does: a second line
/// would take one of the output with it when it is cleared.
pub(super) fn bar(is_shown: bool, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        _ if !is_shown => ProgressBar::hidden(),
        Some(total) => ProgressBar::new(total).with_style(style(
            "{spinner} {bar:24} {bytes}/{total_bytes}  {elapsed}, {eta} left  {wide_msg}",
        )),
        None => {
            ProgressBar::new_spinner().with_style(style("{spinner} {bytes}  {elapsed}  {wide_msg}"))
        }
    };
    if is_shown {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}

/// A bar over things of which the number is not known yet; `what` says what is done with them.
pub(super) fn counter(is_shown: bool, what: &'static str) -> ProgressBar {
    if !is_shown {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0).with_message(what);
    let bar =
        bar.with_style(style("{spinner} {bar:24} {pos}/{len}  {elapsed}, {eta} left  {wide_msg}"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}
