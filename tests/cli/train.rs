//! `spanloom train`: a recipe becomes a model that runs, whether the run was stopped or not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Bench;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A run of ten steps, with dropout, on the tiny BERT.
fn bench() -> Bench {
    Bench::new().write(
        "recipe.toml",
        format!(
            "seed = 5\n\
             [[data.train]]\npath = \"{ROOT}/tests/data/train/train.conll\"\n\
             [[data.train]]\npath = \"{ROOT}/tests/data/train/places.conll\"\nlabels = [\"LOC\"]\nweight = 1.5\n\
             [[data.dev]]\npath = \"{ROOT}/tests/data/train/dev.conll\"\nname = \"dev\"\n\
             [model]\nstart = \"{ROOT}/tests/data/tiny-bert\"\n\
             [optimiser]\nrate = 0.003\n\
             [batch]\ntokens = 60\n\
             [schedule]\nsteps = 10\n\
             [evaluation]\nevery-steps = 5\n\
             [output]\nfolder = \"whole\"\n"
        ),
    )
}

#[test]
fn a_run_that_is_stopped_and_resumed_gives_the_same_model() {
    let bench = bench();
    let out = bench.run(&["train", "recipe.toml", "--device", "cpu", "-q"]).clean();
    for part in
        ["corpus  label", "dev     micro", "steps   10\n", "spanloom tag --model whole FILE"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let stopped = ["train", "recipe.toml", "-o", "parts", "--device", "cpu", "--stop-after"];
    let ran = bench.run(&[&stopped[..], &["4"]].concat());
    assert!(ran.out.contains("parts holds a checkpoint; --resume goes on"), "{}", ran.out);
    assert!(!bench.path().join("parts/model.safetensors").exists());
    // A second run does not begin where one has been.
    let ran = bench.run(&[&stopped[..], &["6"]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("parts holds a run already"), "{}", ran.err);
    bench.run(&[&stopped[..], &["7", "--resume"]].concat());
    let ran = bench.run(&["train", "recipe.toml", "-o", "parts", "--device", "cpu", "--resume"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("step     10  loss "), "{}", ran.err);
    let read = |name: &str| fs::read(bench.path().join(name)).unwrap();
    for file in ["model.safetensors", "config.json", "MODEL_CARD.md", "tokenizer.json"] {
        assert!(read(&format!("whole/{file}")) == read(&format!("parts/{file}")), "{file} differs");
    }
    let log = bench.read("parts/training/log.jsonl");
    let steps: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers = steps.iter().filter(|line| line.get("loss").is_some()).map(|line| &line["step"]);
    assert_eq!(numbers.cloned().collect::<Vec<_>>(), (1..=10).map(Value::from).collect::<Vec<_>>());
    assert_eq!(steps.iter().filter(|line| line.get("dev").is_some()).count(), 2);
    let tagged = bench.pipe("mary smith visited paris", &["tag", "--model", "whole", "-"]);
    assert_eq!(tagged.code, 0, "{}", tagged.err);
}

/// The program once it has told of so many evaluations, which is just before it writes a checkpoint.
fn evaluated(bench: &Bench, folder: &str, evaluations: usize, more: Option<&str>) -> Child {
    let arguments = ["train", "recipe.toml", "-o", folder, "--device", "cpu", "--resume"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_spanloom"))
        .args(arguments)
        .args(more)
        .current_dir(bench.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).filter(|line| line.starts_with("step "));
    assert_eq!(told.take(evaluations).count(), evaluations);
    child
}

#[test]
fn a_run_that_is_killed_goes_on_as_if_nothing_had_been() {
    let bench = bench();
    let recipe = bench.read("recipe.toml").replace("every-steps = 5", "every-steps = 1");
    let bench = bench.write("recipe.toml", recipe);
    bench.run(&["train", "recipe.toml", "--device", "cpu", "-q"]).clean();
    for evaluations in [1, 3, 1, 2] {
        let mut child = evaluated(&bench, "killed", evaluations, None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!bench.path().join("killed/model.safetensors").exists());
    }
    let resume = ["train", "recipe.toml", "-o", "killed", "--device", "cpu", "--resume", "-q"];
    let ran = bench.run(&resume);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let read = |name: &str| fs::read(bench.path().join(name)).unwrap();
    assert!(read("whole/model.safetensors") == read("killed/model.safetensors"));
    assert!(read("whole/MODEL_CARD.md") == read("killed/MODEL_CARD.md"));
}

#[cfg(unix)]
#[test]
fn a_run_that_a_signal_ends_says_so_by_its_exit_code() {
    let bench = bench();
    let recipe = bench.read("recipe.toml").replace("every-steps = 5", "every-steps = 1");
    let recipe = recipe.replace("steps = 10", "steps = 100000");
    let active = "[active]\nrounds = 2\nsentences = 3\nbegin-with = 5\n";
    let bench = bench.write("recipe.toml", recipe + active);
    for (signal, more) in [("-INT", None), ("-TERM", None), ("-INT", Some("--active"))] {
        let mut child = evaluated(&bench, &format!("ended{signal}{more:?}"), 1, more);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal} {more:?}");
    }
}

/// A file that may not grow stands for a disk that is full: writing fails in the same place.
#[cfg(unix)]
#[test]
fn where_nothing_can_be_written_the_last_checkpoint_stays() {
    let bench = bench();
    bench.run(&["train", "recipe.toml", "--device", "cpu", "-q"]).clean();
    let parts = ["train", "recipe.toml", "-o", "parts", "--device", "cpu", "-q"];
    let first = bench.run(&[&parts[..], &["--stop-after", "3"]].concat());
    assert_eq!(first.code, 0, "{}", first.err);
    // 64 blocks are less than the weights and moments need, and more than the log does.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let full = std::process::Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_spanloom")])
        .args(parts)
        .arg("--resume")
        .current_dir(bench.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write parts/training/"), "{told}");
    assert!(bench.path().join("parts/training/checkpoints/step-00000003/state.json").is_file());
    let resumed = bench.run(&[&parts[..], &["--resume"]].concat());
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    let read = |name: &str| fs::read(bench.path().join(name)).unwrap();
    assert!(read("whole/model.safetensors") == read("parts/model.safetensors"));
}

#[test]
fn rounds_of_labelling_give_a_curve() {
    let bench = bench();
    let active =
        "[active]\nrounds = 2\nsentences = 3\nbegin-with = 5\nselect = \"least-confidence\"\n";
    let recipe = bench.read("recipe.toml") + active;
    let bench = bench.write("recipe.toml", recipe);
    let out = bench.run(&["train", "recipe.toml", "--active", "--device", "cpu", "-q"]).clean();
    assert!(out.starts_with("round  sentences  words"), "{out}");
    let row = |round: usize| out.lines().nth(round + 1).unwrap().split_whitespace();
    let sentences = |round| row(round).nth(1).map(str::to_owned);
    assert_eq!([0, 1, 2].map(|round| sentences(round).unwrap()), ["5", "8", "11"]);
    let curve: Value = serde_json::from_str(&bench.read("whole/active.json")).unwrap();
    assert_eq!(curve["rounds"].as_array().unwrap().len(), 3);
    let tagged = bench.pipe("mary visited paris", &["tag", "--model", "whole/round-2", "-"]);
    assert_eq!(tagged.code, 0, "{}", tagged.err);
    let ran = bench.run(&["train", "recipe.toml", "--active", "--stop-after", "3"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn a_model_that_is_asked_for_labels_is_asked_for_them_in_every_round() {
    let bench = bench();
    let model = "[model]\nsystem = \"gliner\"\noptions = { hidden-size = 8, max-width = 3 }\n";
    let active = "[active]\nrounds = 1\nsentences = 3\nbegin-with = 5\nselect = ";
    let recipe = bench.read("recipe.toml").replace("[model]\n", model) + active;
    let bench = bench.write("lot.toml", format!("{recipe}\"random\"\n"));
    let out = bench.run(&["train", "lot.toml", "--active", "--device", "cpu", "-q"]).clean();
    assert_eq!(out.lines().count(), 3, "{out}");
    let bench = bench.write("doubt.toml", format!("{recipe}\"entropy\"\n"));
    let ran = bench.run(&["train", "doubt.toml", "--active", "--device", "cpu", "-o", "other"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("a model of the system gliner does not say"), "{}", ran.err);
}

#[test]
fn what_is_wrong_is_shown_with_its_line() {
    let bench = bench().write("bad.toml", "[[data.train]]\npath = \"a\"\nweigth = 2\n[output]\n");
    let ran = bench.run(&["train", "bad.toml"]);
    assert_eq!(ran.code, 1);
    for part in [
        "bad.toml:3:1",
        "unknown field 'weigth'",
        "missing table [model]",
        "missing field 'folder'",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    let ran = bench.run(&["train", "gone.toml"]);
    assert!(ran.err.contains("cannot read gone.toml"), "{}", ran.err);
}
