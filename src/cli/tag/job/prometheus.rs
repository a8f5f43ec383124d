//! How far a job is, in the text format of Prometheus (exposition format 0.0.4), for the textfile collector of the
//! node exporter: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::screen::Snapshot;
use crate::error::Result;
use crate::io::Output;
use crate::job::JobFolder;

/// What tells the metrics of one job from those of another.
pub(super) struct Place {
    folder: String,
    part: String,
}

impl Place {
    pub(super) fn of(folder: &JobFolder) -> Self {
        let name = folder.path().display().to_string();
        Self { folder: name, part: folder.part().to_string() }
    }
}

/// Writes the metrics as a whole: a collector sees the old ones or the new ones.
///
/// # Errors
/// Where they cannot be written.
pub(super) fn write(path: &Path, at: &Snapshot, place: &Place, state: &str) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut output = Output::create(path)?;
    output.put(render(at, place, state, now.as_secs_f64()).as_bytes())?;
    output.finish()
}

fn render(at: &Snapshot, place: &Place, state: &str, now: f64) -> String {
    let labels = format!("folder=\"{}\",part=\"{}\"", escaped(&place.folder), escaped(&place.part));
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(String, f64)]| {
        let told = write!(text, "# HELP spanloom_{name} {help}\n# TYPE spanloom_{name} {kind}\n");
        told.expect("a string takes everything");
        for (more, value) in values {
            let told = writeln!(text, "spanloom_{name}{{{labels}{more}}} {value}");
            told.expect("a string takes everything");
        }
    };
    let one = |value: u64| [(String::new(), value as f64)];
    let tally = &at.tally;
    metric("documents_total", "counter", "Documents tagged.", &one(tally.documents));
    metric("errors_total", "counter", "Documents that failed.", &one(tally.errors));
    metric("text_bytes_total", "counter", "Bytes of text tagged.", &one(tally.text_bytes));
    metric("tokens_total", "counter", "Tokens tagged.", &one(tally.tokens));
    let entities = tally.entities.iter();
    let entities: Vec<(String, f64)> = entities
        .map(|(label, count)| (format!(",label=\"{}\"", escaped(label)), *count as f64))
        .collect();
    metric("entities_total", "counter", "Entities found, by label.", &entities);
    metric("shards_total", "counter", "Shards done.", &one(at.shards));
    metric("input_bytes_read", "gauge", "Bytes of the inputs read.", &one(at.bytes_read));
    if let Some(total) = at.bytes_total {
        metric("input_bytes", "gauge", "Size of the inputs in bytes.", &one(total));
    }
    let gauge = |value: f64| [(String::new(), value)];
    let rate = at.run.rate(at.run.tokens);
    metric("tokens_per_second", "gauge", "Tokens tagged a second in this run.", &gauge(rate));
    if let Some(eta) = at.eta {
        let eta = gauge(eta.as_secs_f64());
        metric("eta_seconds", "gauge", "Seconds left at the rate of this run.", &eta);
    }
    let is = |name: &str| if name == state { 1.0 } else { 0.0 };
    let states = ["running", "complete", "stopped", "too-many-errors", "failed"];
    let states: Vec<(String, f64)> =
        states.iter().map(|name| (format!(",state=\"{name}\""), is(name))).collect();
    metric("job_state", "gauge", "1 for the state the job is in.", &states);
    let help = "When these numbers were written, in seconds since 1970.";
    metric("last_update_timestamp_seconds", "gauge", help, &gauge(now.round()));
    text
}

/// The value of a label as it stands between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn every_metric_has_its_help_and_type_and_values_are_escaped() {
        let mut at = Snapshot::default();
        at.tally.documents = 12;
        at.tally.entities = BTreeMap::from([("A\"B".to_owned(), 3), ("LOC".to_owned(), 4)]);
        at.eta = Some(Duration::from_millis(1500));
        let place = Place { folder: "out\\x".to_owned(), part: "2/8".to_owned() };
        let text = render(&at, &place, "running", 1e9);
        let expected = "# HELP spanloom_documents_total Documents tagged.\n\
                        # TYPE spanloom_documents_total counter\n\
                        spanloom_documents_total{folder=\"out\\\\x\",part=\"2/8\"} 12\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("part=\"2/8\",label=\"A\\\"B\"} 3\n"), "{text}");
        assert!(text.contains("state=\"running\"} 1\n") && text.contains("state=\"failed\"} 0\n"));
        assert!(text.contains("spanloom_eta_seconds{folder=\"out\\\\x\",part=\"2/8\"} 1.5\n"));
        assert!(text.contains("timestamp_seconds{folder=\"out\\\\x\",part=\"2/8\"} 1000000000\n"));
        assert!(!text.contains("spanloom_input_bytes{"), "nobody knows it");
        let families = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(families, text.lines().filter(|line| line.starts_with("# HELP")).count());
        assert!(text.ends_with('\n'));
    }
}
