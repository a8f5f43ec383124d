//! `spanloom tune`: an engine file that fits gold better, and one that is left alone.

use std::process::Stdio;

use serde_json::Value;

use super::Bench;

const ENGINE: &str = r#"labels = ["LOC", "PER"]

[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC"], ["Rome", "LOC"]] # two
match = "all"

[[source]]
kind = "gazetteer"
name = "verbs"
entries = [["saw", "PER"]]
match = "all"

# The longest wins.
[[merge]]
pass = "longest" # always
"#;

const SENTENCES: [&str; 2] =
    ["We\tO\nsaw\tO\nParis\tB-LOC\n\n", "Rome\tB-LOC\nsaw\tO\nÄnne\tB-PER\n\n"];

fn bench() -> Bench {
    Bench::with_engine(ENGINE).write("dev.conll", SENTENCES.concat().repeat(20))
}

const TUNED: &str = "match = \"all\"\nenabled = false\n\n# The longest wins.";

#[test]
fn a_source_that_is_always_wrong_is_switched_off() {
    let bench = bench();
    let ran = bench.run(&["tune", "--gold", "dev.conll"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("\nlearnt    micro-f1 "), "{}", ran.out);
    assert!(ran.out.contains("\n+enabled = false\n"), "{}", ran.out);
    assert_eq!(bench.read("spanloom.toml"), ENGINE, "the patch is printed, the file stays");
    let ran = bench.run(&["tune", "--gold", "dev.conll", "--in-place"]);
    assert!(ran.out.contains("written to spanloom.toml"), "{}", ran.out);
    let tuned = bench.read("spanloom.toml");
    assert!(tuned.contains(TUNED), "{tuned}");
    let report = bench.run(&["tune", "--gold", "dev.conll", "--format", "json"]).clean();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["turned"], serde_json::json!([]), "nothing is left to be found");
    assert_eq!(report["significant"], false);
}

#[test]
fn the_json_tells_what_the_text_does() {
    let bench = bench();
    let arguments = ["tune", "--gold", "dev.conll", "--format", "json", "--suggest", "5"];
    let out = bench.run(&arguments).clean();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["documents"], &report["significant"]), (&40.into(), &true.into()));
    // Gold has 60 entities, of which 40 are found beside 40 verbs; then 40 of 60 and no verb.
    assert_eq!(report["learnt"]["before"].as_f64().unwrap(), 2.0 * 40.0 / (80.0 + 60.0));
    assert_eq!(report["learnt"]["after"].as_f64().unwrap(), 2.0 * 40.0 / (40.0 + 60.0));
    assert_eq!(report["entries"][0]["surface"], "Änne");
    assert_eq!(report["entries"][0]["missed"], 20);
}

#[test]
fn what_is_not_significant_is_not_written() {
    let bench = Bench::with_engine(ENGINE).write("dev.conll", SENTENCES.concat().repeat(4));
    let ran =
        bench.run(&["tune", "--gold", "dev.conll", "--in-place", "--folds", "0", "--caution", "0"]);
    assert!(ran.out.contains("--force writes it"), "{}", ran.out);
    assert_eq!(bench.read("spanloom.toml"), ENGINE);
    let forced = ["tune", "--gold", "dev.conll", "-o", "new.toml", "--folds", "0", "--force"];
    bench.run(&forced).clean();
    assert!(bench.read("new.toml").contains(TUNED));
}

#[test]
fn what_is_wrong_is_said() {
    let bench = bench().write("space.toml", "numbers = [\"casing.lowr\"]\n");
    let ran = bench.run(&["tune", "--gold", "dev.conll", "--space", "space.toml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("did you mean 'casing.lower'"), "{}", ran.err);
    let ran = bench.run(&["tune", "--gold", "dev.conll", "--objective", "f1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("expected micro-f1, macro-f1"), "{}", ran.err);
    std::fs::remove_file(bench.path().join("spanloom.toml")).unwrap();
    let ran = bench.run(&["tune", "--gold", "dev.conll"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the built-in engine has no file to change"), "{}", ran.err);
}

/// Whether the process has said what it does on Ctrl-C, by the mask of signals that it catches; `None` where
/// it is gone.
#[cfg(target_os = "linux")]
fn catches_interrupt(process: u32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    // SIGTERM, which it catches after SIGINT, is signal 15, and signal 1 is the lowest bit.
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 << 14 != 0)
}

#[cfg(target_os = "linux")]
#[test]
fn interrupted_it_tells_what_it_has() {
    // So many documents that the signal comes long before the end.
    let bench = Bench::with_engine(ENGINE).write("dev.conll", SENTENCES.concat().repeat(2000));
    let arguments = ["tune", "--gold", "dev.conll", "--format", "json", "-o", "new.toml"];
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("spanloom"));
    command.current_dir(bench.path()).args(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !catches_interrupt(child.id()).expect("it runs") {
        std::thread::yield_now();
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["stopped"], true);
    // What it had turned by then is written, although no fold tells what it gains.
    let has_turned = report["turned"] != serde_json::json!([]);
    assert_eq!(bench.path().join("new.toml").exists(), has_turned, "{report}");
}
