//! The model card: what the model is, what it learnt from, how good it is, and the recipe that makes it
//! again.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::checkpoint::State;
use super::data::Corpus;
use super::recipe::Recipe;
use super::trainee::Trainee;

/// What a corpus holds, for the card.
#[derive(Debug, Clone)]
pub struct Summary {
    name: String,
    documents: String,
    entities: String,
    /// How many of its sentences were not learnt from, because `[[data.exclude]]` has them.
    left_out: usize,
}

impl Summary {
    /// Of a corpus, of which so many sentences were not learnt from.
    pub fn of(corpus: &Corpus, left_out: usize) -> Self {
        let counts = corpus.entities();
        let counts: Vec<String> = counts.iter().map(|(label, n)| format!("{label} {n}")).collect();
        Self {
            name: corpus.name.clone(),
            documents: match corpus.damaged {
                0 => corpus.documents.len().to_string(),
                damaged => format!("{} ({damaged} damaged, left out)", corpus.documents.len()),
            },
            entities: if counts.is_empty() { "none".to_owned() } else { counts.join(", ") },
            left_out,
        }
    }
}

/// The card of a model at the end of its run, which began with the folder `start`.
pub fn card(
    recipe: &Recipe,
    start: &Path,
    trainee: &impl Trainee,
    state: &State,
    train: &[Summary],
    dev: &[Summary],
) -> String {
    let mut card = String::from("# Model card\n\n");
    let start = start.file_name().unwrap_or(start.as_os_str()).to_string_lossy();
    let labels: Vec<String> =
        trainee.source().labels().iter().map(|label| format!("`{label}`")).collect();
    // Writing into a string cannot fail.
    let _ = writeln!(
        card,
        "For {}: {}. Fine-tuned by Spanloom {} from `{start}` in {} steps.",
        labels.join(", "),
        trainee.describe(),
        env!("CARGO_PKG_VERSION"),
        state.step,
    );
    if let Some(best) = state.best {
        let _ = writeln!(card, "The weights are those after step {}, the best on dev.", best.step);
    }
    card.push_str("\n## Data\n\n| corpus | part | documents | entities | sentences left out |\n|---|---|---|---|---|\n");
    for (part, corpora) in [("train", train), ("dev", dev)] {
        for Summary { name, documents, entities, left_out } in corpora {
            let _ = writeln!(card, "| {name} | {part} | {documents} | {entities} | {left_out} |");
        }
    }
    card.push_str(&scores(&state.best_scores));
    let _ = write!(card, "\n## Recipe\n\n```toml\n{}\n```\n", recipe.text().trim_end());
    card
}

/// The scores of the best evaluation as a table.
fn scores(scores: &Value) -> String {
    let Some(corpora) = scores["corpora"].as_array().filter(|all| !all.is_empty()) else {
        return String::from("\n## Scores\n\nThe run had no dev data.\n");
    };
    let mut text = String::from(
        "\n## Scores\n\nStrict entity scores on dev, in percent.\n\n\
         | corpus | label | precision | recall | F1 | entities |\n|---|---|---|---|---|---|\n",
    );
    for corpus in corpora {
        let report = &corpus["report"];
        let name = corpus["corpus"].as_str().unwrap_or_default();
        let labels = report["labels"].as_object().into_iter().flatten();
        let mut rows: Vec<(&str, &Value)> =
            labels.map(|(label, row)| (label.as_str(), row)).collect();
        rows.push(("**micro**", &report["micro"]));
        rows.push(("**macro**", &report["macro"]));
        for (label, row) in rows {
            let percent = |key: &str| 100.0 * row[key].as_f64().unwrap_or_default();
            let _ = writeln!(
                text,
                "| {name} | {label} | {:.2} | {:.2} | {:.2} | {} |",
                percent("precision"),
                percent("recall"),
                percent("f1"),
                row["support"]
            );
        }
    }
    text
}
