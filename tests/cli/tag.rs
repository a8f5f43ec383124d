//! `spanloom tag`: every way in and out.

use serde_json::Value;

use super::Bench;

/// The documents of JSONL output: id and entities as `text/LABEL@start-end`.
fn entities(out: &str) -> Vec<(String, Vec<String>)> {
    out.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let entities = value["entities"].as_array().unwrap().iter().map(|e| {
                let text = e["text"].as_str().unwrap();
                let label = e["label"].as_str().unwrap();
                format!("{text}/{label}@{}-{}", e["start"], e["end"])
            });
            (value["id"].as_str().unwrap_or("?").to_owned(), entities.collect())
        })
        .collect()
}

fn corpus() -> Bench {
    Bench::new()
        .write("in/a.txt", "Paris Hilton landed in Paris.")
        .write("in/b.jsonl", "{\"id\":\"t1\",\"text\":\"Łódź\",\"lang\":\"pl\",\"n\":1.50}\n")
        .write("in/deep/c.conll", "New NNP B-LOC\nYork NNP I-LOC\n! . O\n\n")
}

#[test]
fn a_folder_of_mixed_files_is_tagged_in_order() {
    let out = corpus().run(&["tag", "in"]).clean();
    let found = entities(&out);
    assert_eq!(found[0].0, "in/a.txt");
    assert_eq!(found[0].1, ["Paris Hilton/PER@0-12", "Paris/LOC@23-28"]);
    assert_eq!(found[1], ("t1".to_owned(), vec!["Łódź/LOC@0-4".to_owned()]));
    assert_eq!(found[2].1, ["New York/LOC@0-8"]);
    assert!(out.contains(r#""lang":"pl","n":1.5"#), "fields pass through: {out}");
}

#[test]
fn globs_files_and_standard_input_are_read() {
    let bench = corpus();
    assert_eq!(entities(&bench.run(&["tag", "in/*.txt", "in/b.jsonl"]).clean()).len(), 2);
    for arguments in [&["tag"][..], &["tag", "-"]] {
        let out = bench.pipe("To Texas", arguments).clean();
        assert_eq!(entities(&out), [("stdin".to_owned(), vec!["Texas/LOC@3-8".to_owned()])]);
    }
    let out = bench
        .pipe("{\"body\":\"Texas\"}", &["tag", "--input-format", "jsonl", "--text-field", "body"]);
    assert_eq!(entities(&out.clean())[0].1, ["Texas/LOC@0-5"]);
}

#[test]
fn standard_input_says_by_its_beginning_what_it_is() {
    let bench = Bench::new();
    let found = |input: &str| {
        let ran = bench.pipe(input, &["tag"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        (entities(&ran.out), ran.err)
    };
    let one = |id: &str, entity: &str| (id.to_owned(), vec![entity.to_owned()]);
    let jsonl = "{\"id\":\"a\",\"text\":\"To Texas\"}\n{\"text\":\"Texas\"}\n";
    let (all, err) = found(jsonl);
    assert_eq!(all, [one("a", "Texas/LOC@3-8"), one("stdin:2", "Texas/LOC@0-5")]);
    assert_eq!(err, "");
    let (all, _) = found("To\tO\nTexas\tB-LOC\n\nTexas\tB-LOC\n");
    assert_eq!(all, [one("stdin:1", "Texas/LOC@3-8"), one("stdin:2", "Texas/LOC@0-5")]);
    assert_eq!(found("[To] Texas\n{it}\n").0, [one("stdin", "Texas/LOC@5-10")]);
    // What may be meant otherwise is said.
    let (all, err) = found("{\"body\":\"Texas\"}\n");
    assert_eq!(all, [one("stdin", "Texas/LOC@9-14")]);
    assert!(err.contains("a JSON object that has no text in 'text', and is read as text"), "{err}");
}

#[test]
fn offsets_count_what_was_asked_for() {
    let bench = Bench::new();
    for (unit, expected) in [("char", "2-6"), ("byte", "5-12"), ("utf16", "3-7")] {
        let out = bench.pipe("😀 Łódź", &["tag", "--offsets", unit]).clean();
        assert_eq!(entities(&out)[0].1, [format!("Łódź/LOC@{expected}")], "{unit}");
    }
}

#[test]
fn compression_goes_by_suffix_both_ways() {
    let bench = corpus();
    for suffix in ["gz", "zst"] {
        let name = format!("out.jsonl.{suffix}");
        assert_eq!(bench.run(&["tag", "in", "-o", &name]).clean(), "");
        let again = bench.run(&["tag", &name]).clean();
        assert_eq!(again, bench.run(&["tag", "in"]).clean(), "{suffix}");
    }
}

#[test]
fn conll_columns_are_kept_and_entities_cut_no_token() {
    let input = "# sent_id = 1\n1\tNew\tB-LOC\n2\tYork\tI-LOC\n\n1\tParis-based\tO\n\n";
    let bench = Bench::new().write("a.conll", input);
    let tagged =
        "# sent_id = 1\n1\tNew\tB-LOC\tB-LOC\n2\tYork\tI-LOC\tE-LOC\n\n1\tParis-based\tO\tO\n\n";
    bench.run(&["tag", "a.conll", "-o", "b.conll", "--scheme", "bioes"]).clean();
    assert_eq!(bench.read("b.conll"), tagged);
    let out = bench.run(&["tag", "a.conll", "--format", "conll", "--scheme", "io"]).clean();
    assert!(out.contains("York\tI-LOC\tI-LOC"), "{out}");
}

#[test]
fn text_out_marks_entities() {
    let out = Bench::new().pipe("Paris Hilton in\nNew\nYork", &["tag", "--format", "text"]).clean();
    assert_eq!(out.trim_end(), "[Paris Hilton|PER] in\n[New\nYork|LOC]");
}

#[test]
fn an_output_in_its_own_input_folder_is_not_read_again() {
    let bench = corpus();
    let first = {
        bench.run(&["tag", "in", "-o", "in/out.jsonl"]).clean();
        bench.read("in/out.jsonl")
    };
    bench.run(&["tag", "in", "-o", "in/out.jsonl"]).clean();
    assert_eq!(bench.read("in/out.jsonl"), first);
}

#[test]
fn sources_are_switched_for_one_run() {
    let bench = Bench::new();
    let labels = |arguments: &[&str]| {
        let out = bench.pipe("Ms. Paris", &[&["tag"], arguments].concat()).clean();
        entities(&out).remove(0).1
    };
    assert_eq!(labels(&["--without", "people"]), ["Paris/LOC@4-9"]);
    assert_eq!(labels(&["--without", "places"]), ["Paris/PER@4-9"]);
    assert_eq!(
        labels(&["--without", "places,people,titles", "--with", "extra"]),
        ["Ms/HONORIFIC@0-2"]
    );
}

#[test]
fn neither_threads_nor_order_show_in_the_output() {
    let lines: String = (0..500)
        .map(|n| format!("{{\"text\":\"{n} Paris Hilton, Ms. Paris of New York and Łódź\"}}\n"))
        .collect();
    let bench = Bench::new().write("in.jsonl", lines);
    let with_threads = |count: &str| {
        let mut command = bench.command(&["tag", "in.jsonl"]);
        super::ran(command.env("RAYON_NUM_THREADS", count)).clean()
    };
    let one = with_threads("1");
    assert_eq!(one.lines().count(), 500);
    assert_eq!(one, with_threads("4"));
}

#[test]
fn the_log_says_which_engine_runs() {
    let bench = Bench::new();
    let ran = bench.pipe("x", &["tag", "-v"]);
    assert!(ran.err.contains("engine file: spanloom.toml"), "{}", ran.err);
    let ran = bench.pipe("x", &["tag", "-q", "-v"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

/// A program that goes on, and the lines that it writes to both its outputs.
struct Watching {
    child: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Watching {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_spanloom"))
            .current_dir(bench.path())
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let errors = sender.clone();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || forward(out, &sender));
        std::thread::spawn(move || forward(err, &errors));
        Self { child, lines }
    }

    /// The next line that holds all of `words`; the ones before it are passed over.
    fn wait_for(&self, words: &[&str]) -> String {
        let mut passed = Vec::new();
        let deadline = std::time::Duration::from_secs(60);
        while let Ok(line) = self.lines.recv_timeout(deadline) {
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            passed.push(line);
        }
        panic!("{words:?} did not come; what came: {passed:#?}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn forward(stream: impl std::io::Read, sender: &std::sync::mpsc::Sender<String>) {
    use std::io::BufRead;
    for line in std::io::BufReader::new(stream).lines() {
        if sender.send(line.unwrap()).is_err() {
            return;
        }
    }
}

#[test]
fn a_watched_folder_is_tagged_again_when_the_engine_or_an_input_changes() {
    let bench = Bench::new().write("in/a.txt", "Ms. Paris and Texas").write("in/b.txt", "Utah");
    let watching = Watching::start(&bench, &["tag", "in", "--watch", "-o", "out.jsonl"]);
    watching.wait_for(&["2 entities in 2 documents"]);
    assert_eq!(entities(&bench.read("out.jsonl")).len(), 2);
    let bench = bench.write("spanloom.toml", super::ENGINE.replace("[\"Texas\", ", "[\"Utah\", "));
    watching.wait_for(&["changed: spanloom.toml"]);
    watching.wait_for(&["1 added, 1 removed, 0 relabelled"]);
    watching.wait_for(&["+", "Utah", "LOC", "in/b.txt 0..4", "proposed by places"]);
    watching.wait_for(&["-", "Texas", "LOC", "in/a.txt 14..19", "places"]);
    let bench = bench.write("spanloom.toml", super::ENGINE.replace("longest", "longset"));
    watching.wait_for(&["the engine is broken, the one before goes on"]);
    watching.wait_for(&["unknown pass 'longset'"]);
    let bench = bench.write("in/c.txt", "New York");
    watching.wait_for(&["changed: in/c.txt"]);
    watching
        .wait_for(&["0 added, 0 removed, 0 relabelled; new or changed: 1 entity in 1 document"]);
    let bench = bench.write("spanloom.toml", super::ENGINE.replace("\"longest\"", "\"score\""));
    watching.wait_for(&["changed: spanloom.toml", "kept"]);
    watching.wait_for(&["added", "removed"]);
    drop(watching);
    assert_eq!(entities(&bench.read("out.jsonl")).len(), 3);
}

#[test]
fn what_cannot_be_watched_is_told() {
    let error = Bench::new().pipe("x", &["tag", "-", "--watch"]).failed();
    assert!(error.contains("standard input cannot be read again"), "{error}");
}

#[test]
fn a_precision_is_chosen_over_that_of_the_engine_and_is_part_of_what_is_kept() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let [bert, flair] =
        ["tiny-bert", "flair/characters"].map(|name| data.join(name).display().to_string());
    let engine = format!(
        "labels = [\"PER\", \"LOC\", \"ORG\", \"MISC\"]\n[[source]]\nkind = \"model\"\n\
         name = \"tagger\"\npath = {bert:?}\nprecision = \"f32\"\n[[merge]]\npass = \"longest\"\n"
    );
    let bench =
        Bench::new().write("spanloom.toml", engine).write("in.txt", "Anna Keller of Northwind");
    let run = |arguments: &[&str]| {
        let all = ["tag", "in.txt", "--format", "jsonl", "--evidence", "kept"];
        bench.run(&[&all, arguments].concat()).clean()
    };
    let plain = run(&[]);
    assert_eq!(run(&["--precision", "f32"]), plain);
    let coarse = run(&["--precision", "int8"]);
    assert_ne!(coarse, plain);
    let halves = bench.run(&["tag", "in.txt", "--format", "jsonl", "--precision", "bf16"]);
    match halves.code {
        0 => assert_ne!(halves.clean(), plain),
        _ => assert!(halves.err.contains("no instructions for it"), "{}", halves.err),
    }
    let refused = bench.run(&["tag", "in.txt", "--model", &flair, "--precision", "int8"]).failed();
    assert!(refused.contains("precision"), "{refused}");
    let unknown = bench.run(&["tag", "in.txt", "--precision", "int4"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("f32, int16, int8, bf16, f16, auto"), "{}", unknown.err);
    bench.run(&["tag", "in.txt", "-o", "out/", "-q"]).clean();
    let other = bench.run(&["tag", "in.txt", "-o", "out/", "--precision", "int8"]).failed();
    assert!(other.contains("precision"), "{other}");
}

#[test]
fn a_model_finds_the_labels_it_is_asked_for() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let bench = Bench::new();
    let run = |folder: &str, labels: Option<&str>| {
        let folder = data.join(folder).display().to_string();
        let mut arguments = vec!["tag", "--model", &folder];
        arguments.extend(labels.iter().flat_map(|labels| ["--labels", labels]));
        bench.pipe("Anna Keller lives in Lisbon and works for Northwind.", &arguments)
    };
    let found = entities(&run("gliner/span-bert", Some("person,city")).clean()).remove(0).1;
    assert!(!found.is_empty());
    assert!(found.iter().all(|e| e.contains("/person@") || e.contains("/city@")), "{found:?}");
    let ran = run("gliner/span-bert", None);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("needs labels") && ran.err.contains("--labels person,city"));
    let ran = run("tiny-bert", Some("nothing"));
    assert!(ran.err.contains("unknown label of the model 'nothing'"), "{}", ran.err);
}

#[test]
fn a_profile_tells_where_the_time_went_and_changes_nothing() {
    let line = |id: usize, text: &str| format!("{{\"id\":\"{id}\",\"text\":\"{text}\"}}\n");
    let texts = ["To Paris", "To Texas", "To Paris", "Paris Hilton", "To Paris"];
    let lines: String = texts.iter().enumerate().map(|(id, text)| line(id, text)).collect();
    let bench = Bench::new().write("in.jsonl", &lines);
    let (plain, profiled) =
        (bench.run(&["tag", "in.jsonl"]), bench.run(&["tag", "in.jsonl", "--profile"]));
    assert_eq!(plain.out, profiled.out);
    let lines: Vec<&str> = profiled.err.lines().collect();
    let stages: Vec<&str> =
        lines.iter().take(9).map(|line| line.split("  ").next().unwrap_or("")).collect();
    let expected = [
        "stage",
        "read",
        "segment",
        "fold",
        "source places",
        "source people",
        "source titles",
        "merge",
        "write",
    ];
    assert_eq!(stages, expected, "{}", profiled.err);
    assert!(lines[1..9].iter().all(|line| line.contains(" %")), "{}", profiled.err);
    assert!(lines[9].contains("s with "), "{}", profiled.err);
    assert_eq!(lines[10], "2 of 5 documents said what one before them said");
    assert!(lines[11].starts_with("bottleneck: "), "{}", profiled.err);
    assert_eq!(plain.err, "");
}

/// What is half written goes with the program, even while it waits for its input.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_no_half_of_a_file() {
    use std::process::{Command, Stdio};
    for signal in ["-INT", "-TERM"] {
        let bench = Bench::new();
        let mut child = Command::new(env!("CARGO_BIN_EXE_spanloom"))
            .args(["tag", "-", "-o", "out.jsonl"])
            .current_dir(bench.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let half = bench.path().join(format!(".out.jsonl.{}.part", child.id()));
        while !half.exists() {
            assert!(child.try_wait().unwrap().is_none(), "it waits for its input");
            std::thread::yield_now();
        }
        let told = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(told.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let left = std::fs::read_dir(bench.path()).unwrap().map(|file| file.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["spanloom.toml"], "{signal}");
    }
}

#[test]
fn a_file_whose_suffix_says_nothing_is_looked_into() {
    let bench = Bench::new()
        .write("a.dev", "New\tB-LOC\nYork\tI-LOC\n\nParis\tB-LOC\n!\tO\n")
        .write("b.dump", "{\"text\":\"Paris\",\"n\":1}\n")
        .write("c.md", "# Paris\n");
    let out = bench.run(&["tag", "a.dev", "b.dump", "c.md", "--without", "people"]).clean();
    let texts: Vec<String> = entities(&out).into_iter().flat_map(|(_, found)| found).collect();
    let expected = ["New York/LOC@0-8", "Paris/LOC@0-5", "Paris/LOC@0-5", "Paris/LOC@2-7"];
    assert_eq!(texts, expected, "{out}");
}

#[test]
fn json_that_is_none_is_said_to_be_read_as_text() {
    let ran = Bench::new().pipe("{\"text\":\"Paris\",}\n", &["tag"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("begins like a JSON object and is none"), "{}", ran.err);
}
