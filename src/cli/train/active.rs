//! `spanloom train --active`: rounds of labelling and training, and the curve.

use std::sync::atomic::AtomicBool;

use super::Screen;
use crate::cli::print::print;
use crate::cli::table::{Cell, FAINT, STRONG, Table};
use crate::error::Result;
use crate::pipeline::{Engine, EngineOptions};
use crate::text::{Annotation, Document};
use crate::train::{Recipe, Round, TrainOptions, train_actively};

/// Runs the rounds and prints the curve. Whether all rounds are done.
///
/// # Errors
/// As [`train_actively`], and where the engine that stands for the machine cannot be loaded.
pub(super) fn run(
    recipe: &Recipe,
    options: &TrainOptions,
    stop: &AtomicBool,
    screen: &mut Screen,
) -> Result<bool> {
    let engine = match &recipe.active.machine {
        Some(path) => {
            let engine_options =
                EngineOptions { device: options.device, ..EngineOptions::default() };
            Some(Engine::load_with(&recipe.base().join(path), &engine_options)?)
        }
        None => None,
    };
    let label =
        engine.as_ref().map(|engine| move |documents: &[Document]| found(engine, documents));
    let label = label.as_ref().map(|label| label as &dyn Fn(&[Document]) -> Result<_>);
    let outcome =
        train_actively(recipe, options, label, stop, &mut |event| screen.show(event), &mut |_| ())?;
    screen.bar.finish_and_clear();
    print(&curve(&outcome.rounds))?;
    Ok(outcome.is_finished)
}

/// What an engine finds in documents, as gold says it.
fn found(engine: &Engine, documents: &[Document]) -> Result<Vec<Vec<Annotation>>> {
    let annotation = |entity: &crate::span::Entity| Annotation {
        span: entity.span,
        label: entity.label.as_str().to_owned(),
    };
    let tagged = engine.tag_documents(documents).into_iter();
    tagged.map(|tagged| Ok(tagged?.entities.iter().map(annotation).collect())).collect()
}

/// A row a round, with a bar as long as the score.
fn curve(rounds: &[Round]) -> String {
    const WIDTH: f64 = 40.0;
    let mut table = Table::new(["round", "sentences", "words", "F1", "", "model"]);
    for round in rounds {
        let bar = "█".repeat((round.score * WIDTH).round() as usize);
        table.row([
            Cell::right(round.number.to_string(), FAINT),
            Cell::right(round.sentences.to_string(), anstyle::Style::new()),
            Cell::right(round.words.to_string(), anstyle::Style::new()),
            Cell::right(format!("{:.2}", 100.0 * round.score), STRONG),
            Cell::new(bar, FAINT),
            Cell::new(round.folder.display().to_string(), FAINT),
        ]);
    }
    table.render(0)
}
