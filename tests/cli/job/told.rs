//! What a job says while it runs and when it ends, and what it refuses.

use std::fs;

use serde_json::Value;

use super::{Bench, SHARD, corpus, files};

#[test]
fn machines_are_told_in_json_and_for_prometheus() {
    let bench = corpus();
    let job = ["tag", "in", "-o", "out/", "--shard-size", SHARD, "--progress", "json"];
    let more = ["--prometheus", "job.prom", "--report", "job.html"];
    let ran = bench.run(&[&job[..], &more].concat());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let lines: Vec<Value> = ran
        .err
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["state"], "running");
    let last = lines.last().unwrap();
    assert_eq!((&last["state"], &last["documents"]), (&"complete".into(), &1672.into()));
    assert_eq!((&last["errors"], &last["eta_seconds"]), (&28.into(), &0.0.into()));
    assert_eq!(last["input_bytes_read"], last["input_bytes"]);
    let out = bench.run(&["tag", "in", "-q"]).out;
    let of = |label: &str| out.matches(&format!("\"label\":\"{label}\"")).count();
    assert_eq!(
        (&last["entities"]["LOC"], &last["entities"]["PER"]),
        (&of("LOC").into(), &of("PER").into())
    );
    let metrics = bench.read("job.prom");
    for part in [
        "spanloom_documents_total{folder=\"out/\",part=\"1/1\"} 1672\n",
        "spanloom_job_state{folder=\"out/\",part=\"1/1\",state=\"complete\"} 1\n",
    ] {
        assert!(metrics.contains(part), "{part}: {metrics}");
    }
    let page = bench.read("job.html");
    for part in ["<dd>1,672</dd>", "Most frequent surfaces", "in/0.jsonl:42:9", "complete, "] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src=") && !page.contains("http"));
}

#[test]
fn too_many_errors_stop_the_run_and_a_higher_limit_goes_on() {
    let bench = corpus();
    let job = ["tag", "in", "-o", "out/", "--shard-size", SHARD];
    let stopped = bench.run(&[&job[..], &["--max-errors", "20"]].concat());
    assert_eq!(stopped.code, 1);
    assert!(
        stopped.out.contains("stopped: more errors than --max-errors allows"),
        "{}",
        stopped.out
    );
    assert_eq!(bench.read("out/errors.jsonl").lines().count(), 21);
    let partly = files(&bench, "out").len();
    let ran = bench.run(&[&job[..], &["--max-errors", "28"]].concat());
    assert!(ran.out.contains("complete"), "{}", ran.out);
    bench.run(&["tag", "in", "-o", "whole/", "--shard-size", SHARD, "-q"]);
    assert!(
        files(&bench, "out") == files(&bench, "whole") && partly < files(&bench, "whole").len()
    );
    // A job without an error says so.
    let clean = bench.write("one.txt", "Paris");
    let ran = clean.run(&["tag", "one.txt", "-o", "one/", "--max-errors", "0"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.contains("  errors           0\n"), "{}", ran.out);
}

#[test]
fn a_profile_tells_where_the_time_of_a_job_went_and_changes_nothing() {
    let bench = corpus();
    let job = |folder: &str, more: &[&str]| {
        bench.run(&[&["tag", "in", "-o", folder, "--shard-size", SHARD, "-q"], more].concat())
    };
    job("plain", &["--job"]);
    let profiled = job("profiled", &["--job", "--profile"]);
    let told = |row: &str| profiled.err.lines().any(|line| line.trim_start().starts_with(row));
    for row in ["read ", "source ", "merge ", "write ", "bottleneck: "] {
        assert!(told(row), "{row}: {}", profiled.err);
    }
    assert!(files(&bench, "plain") == files(&bench, "profiled"));
}

#[test]
fn what_cannot_be_a_job_is_refused() {
    let bench = corpus();
    let told = |arguments: &[&str]| bench.run(&[&["tag"], arguments].concat()).failed();
    let error = told(&["in", "-o", "out.jsonl", "--shard-size", "1MB"]);
    assert!(error.contains("--shard-size is for a job, which writes into a folder"), "{error}");
    assert!(told(&["in", "--report", "r.html"]).contains("--report is for a job"));
    let brat = told(&["in", "-o", "out/", "--format", "brat", "--job"]);
    assert!(brat.contains("--job is for a job, which cannot write two files a document"), "{brat}");
    let only_read = told(&["in", "-o", "out/", "--format", "warc"]);
    assert!(only_read.contains("the format 'warc' is only read"), "{only_read}");
    assert!(!bench.path().join("out").exists());
    let stdin = bench.pipe("Paris", &["tag", "-o", "out/"]).failed();
    assert!(stdin.contains("a job cannot read standard input"), "{stdin}");
    #[cfg(unix)]
    assert!(told(&["/dev/null", "-o", "out/"]).contains("a job cannot read /dev/null"));
    let inside = told(&["in/0.jsonl", "-o", "in"]);
    assert!(inside.contains("in/0.jsonl is in the folder of the job"), "{inside}");
    assert!(told(&["in/no.txt", "-o", "out/"]).contains("cannot read in/no.txt"));
    // Two files a document still go into a folder that is new.
    bench.run(&["tag", "in/0.jsonl", "-o", "brat/", "--format", "brat", "-q"]);
    assert!(fs::read_dir(bench.path().join("brat")).unwrap().count() > 1000);
}

#[test]
fn a_job_in_its_own_input_folder_does_not_read_itself() {
    let bench = Bench::new().write("in/a.txt", "Paris").write("in/b.txt", "Texas");
    let more = ["--report", "in/r.html", "--prometheus", "in/m.prom", "--evidence", "in/kept"];
    let job = [&["tag", "in", "-o", "in/tagged/", "-q"][..], &more].concat();
    bench.run(&job).clean();
    let first = files(&bench, "in/tagged");
    bench.run(&job).clean();
    assert_eq!(files(&bench, "in/tagged"), first);
    assert_eq!(first["part-00000.jsonl"].split(|byte| *byte == b'\n').count(), 3);
}
