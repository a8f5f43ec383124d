//! Active learning on the small corpus.

use super::*;
use crate::text::Annotation;
use crate::train::{Round, train_actively};

const ACTIVE: &str = "[optimiser]\nrate = 0.005\n[schedule]\nepochs = 4\n[batch]\nsentences = 4\n";

fn rounds(folder: &Path, active: &str, machine: bool) -> Vec<Round> {
    let text = small(folder, &format!("{ACTIVE}[active]\n{active}"));
    // A machine that finds every "paris".
    let label = |documents: &[crate::Document]| {
        let found = |document: &crate::Document| {
            let places = document.text.match_indices("paris");
            let of = |(start, word): (usize, &str)| Annotation {
                span: crate::Span::new(start, start + word.len()),
                label: "LOC".to_owned(),
            };
            places.map(of).collect::<Vec<_>>()
        };
        Ok(documents.iter().map(found).collect())
    };
    let label: &dyn Fn(&[crate::Document]) -> Result<_> = &label;
    let (stop, mut heard) = (AtomicBool::new(false), 0);
    let rounds = train_actively(
        &recipe(&text),
        &TrainOptions { resume: true, ..options() },
        machine.then_some(label),
        &stop,
        &mut |_| {},
        &mut |_| heard += 1,
    )
    .unwrap();
    assert!(rounds.is_finished);
    assert_eq!(heard, rounds.rounds.len());
    rounds.rounds
}

#[test]
fn every_round_labels_more_and_goes_on_from_the_last() {
    for select in ["entropy", "least-confidence", "random"] {
        let folder = tempfile::tempdir().unwrap();
        let keys = format!("rounds = 3\nsentences = 4\nbegin-with = 4\nselect = \"{select}\"\n");
        let done = rounds(folder.path(), &keys, false);
        assert_eq!(done.iter().map(|r| r.sentences).collect::<Vec<_>>(), [4, 8, 12, 16]);
        assert!(done.windows(2).all(|pair| pair[0].words < pair[1].words));
        let curve = fs::read_to_string(folder.path().join("active.json")).unwrap();
        let curve: Value = serde_json::from_str(&curve).unwrap();
        assert_eq!(curve["rounds"][3]["sentences"], 16);
        assert_eq!(curve["pool"], 16);
        // To go on with what is done changes nothing.
        assert_eq!(rounds(folder.path(), &keys, false), done);
    }
}

#[test]
fn the_machine_labels_what_no_expert_has() {
    let folder = tempfile::tempdir().unwrap();
    let keys =
        "rounds = 1\nsentences = 2\nbegin-with = 0\nselect = \"disagreement\"\nmachine = \"m\"\n";
    let done = rounds(folder.path(), keys, true);
    assert_eq!(done.iter().map(|r| r.sentences).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn rounds_begin_with_whole_models() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        small(folder.path(), &format!("{ACTIVE}[lora]\nrank = 2\n[active]\nbegin-with = 2\n"));
    let stop = AtomicBool::new(false);
    let outcome = train_actively(&recipe(&text), &options(), None, &stop, &mut |_| {}, &mut |_| {});
    let error = outcome.err().unwrap();
    assert!(error.message().contains("may not be an adapter"), "{error}");
    assert!(error.location().is_some());
    assert!(!folder.path().join("round-0").exists());
}
