//! `spanloom lint`: what it prints, what is an error and what is left out. What the lints find is in
//! `tests/lint.rs`.

use serde_json::{Value, json};

use super::{Bench, ENGINE};

/// The engine of the other tests with a rule whose label nobody asks for, which it has, and a pass
/// that chooses again.
fn bench() -> Bench {
    Bench::with_engine(&format!("{ENGINE}\n[[merge]]\npass = \"score\"\n"))
}

#[test]
fn findings_have_their_frames_and_are_counted() {
    let out = bench().run(&["lint"]).clean();
    for part in [
        "idle-step",
        "spanloom.toml:46:1: the pass 'score' can change nothing: a pass before it has chosen already",
        "46 │ [[merge]]",
        "╰── here",
        "help: remove it",
        "see spanloom.toml:8:",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let counts: Vec<Vec<&str>> =
        out.lines().rev().take(4).map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        vec!["1", "note", "ambiguous-surface"],
        vec!["1", "warning", "idle-step"],
        vec!["1", "warning", "dead-source"],
    ];
    assert_eq!(counts[..3], expected, "{out}");
    assert!(!out.contains('\u{1b}'), "colours in a pipe: {out}");
}

#[test]
fn what_is_denied_fails_and_what_is_allowed_is_left_out() {
    let bench = bench();
    let all = "ambiguous-surface,dead-source,idle-step";
    for (arguments, code, found) in [
        (&["--deny", "idle-step"][..], 1, all),
        (&["--deny", "duplicate-rule"], 0, all),
        (&["--allow", "idle-step"], 0, "ambiguous-surface,dead-source"),
        (&["--allow", "all"], 0, ""),
        (&["--allow", "all", "--deny", "idle-step"], 1, "idle-step"),
        (&["--allow", "all", "--deny", "duplicate-rule"], 0, ""),
        (&["--deny", "all", "--allow", "idle-step,dead-source"], 1, "ambiguous-surface"),
        (&["--deny", "all", "--allow", all], 0, ""),
    ] {
        let ran = bench.run(&[&["lint", "--format", "json"], arguments].concat());
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{arguments:?}");
        let findings = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut names: Vec<String> =
            findings.map(|finding| finding["lint"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.join(","), found, "{arguments:?}");
    }
}

#[test]
fn json_says_all_of_a_finding_in_a_line() {
    let out = bench().run(&["lint", "--format", "json", "--deny", "idle-step"]).out;
    let findings: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<u64> = findings.iter().map(|f| f["place"]["line"].as_u64().unwrap()).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let idle = findings.iter().find(|finding| finding["lint"] == "idle-step").expect("a finding");
    assert_eq!(
        *idle,
        json!({
            "lint": "idle-step",
            "level": "error",
            "message": "the pass 'score' can change nothing: a pass before it has chosen already: no two of \
                        the candidates that come to it overlap",
            "advice": "remove it, or move it to where it has work",
            "place": { "file": "spanloom.toml", "line": 46, "column": 1 },
            "others": [],
        })
    );
}

#[test]
fn an_engine_that_is_wrong_is_no_matter_of_lints() {
    let bench = Bench::with_engine(&ENGINE.replace("\"longest\"", "\"longset\""));
    assert!(bench.run(&["lint"]).failed().contains("unknown pass 'longset'"));
    let ran = bench.run(&["lint", "--deny", "idle-stpe"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("'idle-stpe'") && ran.err.contains("'idle-step'"), "{}", ran.err);
}

#[test]
fn where_nothing_is_found_that_is_said_and_lints_are_listed() {
    let bench = bench();
    assert_eq!(bench.run(&["lint", "--allow", "all"]).clean(), "no findings\n");
    assert_eq!(bench.run(&["lint", "--allow", "all", "--format", "json"]).clean(), "");
    let listed = bench.run(&["list", "lints"]).clean();
    for part in ["idle-step", "shadowed-rule", "level  warn", "level  note"] {
        assert!(listed.contains(part), "{part} in\n{listed}");
    }
}
