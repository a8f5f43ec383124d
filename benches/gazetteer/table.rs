//! The comparison as one table: time and memory of each way to find the names of a list.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use spanloom::source::gazetteer::Gazetteer;

use super::{List, TEXT, build, build_aho, build_daachorse, check, matcher};

/// How often each thing is timed; the median counts.
const TIMES: usize = 5;

/// One way to find the names.
struct Row {
    list: &'static str,
    tool: &'static str,
    build: f64,
    open: f64,
    bytes: u64,
    find: f64,
    found: usize,
}

/// Times everything, prints the table, and writes it to `folder` with the names and the text.
#[allow(clippy::print_stdout, reason = "the table is what is asked for")]
pub(super) fn write(folder: &Path) {
    fs::create_dir_all(folder).expect("the folder can be made");
    let mut lines = Vec::new();
    for (label, count) in [("100k", 100_000), ("5m", 5_000_000)] {
        let list = List::new(label, count, TEXT);
        fs::write(folder.join(format!("names-{label}.txt")), list.names.join("\n"))
            .expect("the disk has room");
        let texts: Vec<&str> = list.documents.iter().map(|d| &*d.text).collect();
        fs::write(folder.join(format!("text-{label}.txt")), texts.join("\u{c}"))
            .expect("the disk has room");
        for row in rows(&list, folder) {
            let rate = list.bytes as f64 / 1e6 / row.find;
            println!(
                "{label:>5} {:<14} build {:>7.2} s  open {:>9.3} ms  {:>9.1} MB  {rate:>7.1} MB/s  {} found",
                row.tool,
                row.build,
                row.open * 1e3,
                row.bytes as f64 / 1e6,
                row.found,
            );
            lines.push(format!(
                r#"{{"list":"{}","tool":"{}","build":{},"open":{},"bytes":{},"rate":{rate},"found":{}}}"#,
                row.list, row.tool, row.build, row.open, row.bytes, row.found,
            ));
        }
    }
    fs::write(folder.join("ours.jsonl"), lines.join("\n") + "\n").expect("the disk has room");
}

#[allow(clippy::print_stdout, reason = "as above")]
fn rows(list: &List, folder: &Path) -> Vec<Row> {
    let path = folder.join(format!("{}.fst", list.label));
    let entries = list.entries();
    let mut merged = Vec::new();
    let start = Clock::now();
    build(&entries, &path, &mut |count| merged.push((count, Clock::now())));
    let built = start.elapsed();
    if let [(first, begin), .., (last, end)] = &merged[..] {
        let rate = (last - first) as f64 / end.since(begin).as_secs_f64();
        println!("{:>5} built, {rate:.0} entries/s after sorting", list.label);
    }
    drop(entries);
    let gazetteer = [Gazetteer::open(&path).expect("it was just written")];
    for (name, bytes) in gazetteer[0].sections() {
        println!(
            "{:>5} {name:<14} {:>6.2} bytes an entry",
            list.label,
            bytes as f64 / list.names.len() as f64
        );
    }
    let opening = median(|| Gazetteer::open(&path).map(drop).expect("it was just written")).0;
    let matcher = matcher();
    let (find, found) = median(|| list.find(&matcher, &gazetteer));
    let mut row = Row {
        list: list.label,
        tool: "spanloom",
        build: built.as_secs_f64(),
        open: opening,
        bytes: gazetteer[0].as_bytes().len() as u64,
        find,
        found,
    };
    let mut rows = Vec::new();
    let keys = list.keys();
    let start = Clock::now();
    let aho = build_aho(&keys);
    let built = start.elapsed().as_secs_f64();
    check(list, &gazetteer, &aho);
    rows.push(std::mem::replace(&mut row, {
        let (find, found) = median(|| list.find_aho(&aho));
        let bytes = aho.memory_usage() as u64;
        Row {
            list: list.label,
            tool: "aho-corasick",
            build: built,
            open: built,
            bytes,
            find,
            found,
        }
    }));
    drop(aho);
    rows.push(row);
    let start = Clock::now();
    let daachorse = build_daachorse(&keys);
    let built = start.elapsed().as_secs_f64();
    let (find, found) = median(|| list.find_daachorse(&daachorse));
    let bytes = daachorse.heap_bytes() as u64;
    rows.push(Row {
        list: list.label,
        tool: "daachorse",
        build: built,
        open: built,
        bytes,
        find,
        found,
    });
    rows
}

/// The median time of some runs in seconds, and what they gave.
fn median<T>(mut run: impl FnMut() -> T) -> (f64, T) {
    let mut times = Vec::new();
    let mut timed = || {
        let start = Clock::now();
        let result = run();
        times.push(start.elapsed());
        result
    };
    let mut result = timed();
    for _ in 1..TIMES {
        result = timed();
    }
    times.sort_unstable();
    (times[TIMES / 2].as_secs_f64(), result)
}

/// A point in time: by what this thread has computed, where the system tells, so that other programs
/// do not count; by the wall elsewhere.
struct Clock {
    wall: Instant,
    computed: Option<Duration>,
}

impl Clock {
    fn now() -> Self {
        let computed = fs::read_to_string("/proc/thread-self/schedstat")
            .ok()
            .and_then(|text| text.split(' ').next()?.parse().ok())
            .map(Duration::from_nanos);
        Self { wall: Instant::now(), computed }
    }

    fn since(&self, before: &Self) -> Duration {
        match (self.computed, before.computed) {
            (Some(now), Some(before)) => now - before,
            _ => self.wall - before.wall,
        }
    }

    fn elapsed(&self) -> Duration {
        Self::now().since(self)
    }
}
