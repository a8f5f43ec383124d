//! Active learning: a model is trained on what is labelled, chooses the sentences that an expert labels next,
//! and goes on from its weights; the curve says how good it is for so much labelling. The corpora of the
//! recipe are the pool, and their gold stands for the expert (Settles 2009).

mod select;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::checkpoint::write_file;
use super::data::Corpus;
use super::recipe::{ActiveRecipe, Recipe};
use super::run::{Prepared, Tell, TrainOptions, output, prepare, run_prepared};
use super::setup::Places;
use super::trainer;
use crate::error::{Error, Result};
use crate::resource::Files;
use crate::source::LoadContext;
use crate::source::model::system;
use crate::text::{Annotation, Document};

use select::Chooser;

/// What labels documents in place of an expert.
pub type Labeller<'l> = &'l dyn Fn(&[Document]) -> Result<Vec<Vec<Annotation>>>;

/// How good the model is for so much labelling.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Its number; 0 is before the expert was asked by choice.
    pub number: usize,
    /// How many sentences an expert has labelled so far.
    pub sentences: usize,
    /// How many words they have.
    pub words: usize,
    /// The score on dev that decides which weights are best.
    pub score: f64,
    /// The folder of the model.
    pub folder: PathBuf,
}

/// How active learning ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveOutcome {
    /// The rounds that are done.
    pub rounds: Vec<Round>,
    /// Whether they are all that there are; else the run was stopped, and can be resumed.
    pub is_finished: bool,
}

/// A sentence of the pool.
struct Candidate {
    corpus: usize,
    gold: Document,
    /// What the machine says of it.
    machine: Option<Vec<Annotation>>,
    is_labelled: bool,
}

/// Runs the rounds of a recipe. The models are in `round-0`, `round-1`, … of the output folder, the curve is in
/// `active.json`, written anew after each round. `told` hears of each round, `tell` of what happens in it. With
/// `resume` rounds that are done are not done again. Each round draws batches, dropout and changed copies from a
/// seed of its own: the recipe's and its number added.
///
/// # Errors
/// As [`super::train`], where the recipe has no dev data, and where `machine` fails.
pub fn train_actively(
    recipe: &Recipe,
    options: &TrainOptions,
    machine: Option<Labeller<'_>>,
    stop: &AtomicBool,
    tell: Tell<'_>,
    told: &mut dyn FnMut(&Round),
) -> Result<ActiveOutcome> {
    let folder = output(recipe, options);
    let mut prepared = prepare(recipe, options, Places::new(folder.clone()))?;
    if prepared.dev.is_empty() {
        let message = "active learning needs [[data.dev]], by which its rounds are judged";
        return Err(recipe.wrong("data.dev", message));
    }
    let trainer = trainer::of(recipe, &prepared.start)?;
    let keeps_adapter = recipe.lora.as_ref().is_some_and(|lora| lora.merge != Some(true));
    if keeps_adapter && trainer.keeps_adapters {
        let message =
            "a round begins with the model of the round before, which may not be an adapter";
        let help = "expected merge = true in [lora]";
        return Err(recipe.wrong("lora", message).with_help(help));
    }
    if !trainer.gives_evidence && recipe.active.select.needs_evidence() {
        let message = format!(
            "[active] select asks how sure the model is of each word, which a model of the system {} does not say",
            trainer.system
        );
        let help = "expected select = \"disagreement\" or \"random\"";
        return Err(recipe.wrong("active.select", message).with_help(help));
    }
    let mut pool = pool(&mut prepared.train, machine)?;
    let chooser = Chooser::new(&recipe.active, recipe.seed);
    let mut start = prepared.start.clone();
    let mut rounds: Vec<Round> = Vec::new();
    let wanted = recipe.active.begin_with.min(pool.len());
    chooser.by_lot(&pool, wanted).into_iter().for_each(|number| pool[number].is_labelled = true);
    for number in 0..=recipe.active.rounds {
        let place = folder.join(format!("round-{number}"));
        let seed = recipe.seed.wrapping_add(number as u64);
        let recipe = Recipe { seed, ..recipe.clone() };
        let round = Prepared {
            recipe: &recipe,
            places: Places::new(place.clone()),
            start: start.clone(),
            train: labelled(&prepared.train, &pool),
            ..prepared.clone()
        };
        super::setup::check_output(&round.places, options.resume)?;
        let outcome = run_prepared(round, stop, tell)?;
        if !outcome.is_finished {
            return Ok(ActiveOutcome { rounds, is_finished: false });
        }
        let known = || pool.iter().filter(|candidate| candidate.is_labelled);
        rounds.push(Round {
            number,
            sentences: known().count(),
            words: known().map(|candidate| words(&candidate.gold)).sum(),
            score: outcome.best.map_or(0.0, |best| best.score),
            folder: place.clone(),
        });
        told(rounds.last().expect("one was just added"));
        write_curve(&folder, &recipe.active, pool.len(), &rounds)?;
        let is_done = number == recipe.active.rounds || known().count() == pool.len();
        if is_done {
            break;
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(ActiveOutcome { rounds, is_finished: false });
        }
        let context = LoadContext { files: Files::Folder(PathBuf::new()), device: options.device };
        let config = (trainer.config)(&recipe, &place.to_string_lossy(), &prepared.labels)?;
        let model = system::load("model".into(), config, &context)?;
        for number in chooser.choose(model.as_ref(), &pool, number)? {
            pool[number].is_labelled = true;
        }
        start = place;
    }
    Ok(ActiveOutcome { rounds, is_finished: true })
}

/// The sentences of all corpora, with what the machine says of them; the corpora are empty then.
fn pool(corpora: &mut [Corpus], machine: Option<Labeller<'_>>) -> Result<Vec<Candidate>> {
    let mut pool = Vec::new();
    for (number, corpus) in corpora.iter_mut().enumerate() {
        let documents = std::mem::take(&mut corpus.documents);
        let mut labels = match machine {
            Some(label) => Some(label(&documents)?.into_iter()),
            None => None,
        };
        pool.extend(documents.into_iter().map(|gold| Candidate {
            corpus: number,
            gold,
            machine: labels.as_mut().and_then(Iterator::next),
            is_labelled: false,
        }));
    }
    Ok(pool)
}

/// What is learnt from: what an expert has labelled, and of the rest what the machine says, where there is one.
fn labelled(corpora: &[Corpus], pool: &[Candidate]) -> Vec<Corpus> {
    let mut corpora = corpora.to_vec();
    for candidate in pool {
        let documents = &mut corpora[candidate.corpus].documents;
        if candidate.is_labelled {
            documents.push(candidate.gold.clone());
        } else if let Some(machine) = &candidate.machine {
            documents.push(Document { gold: Some(machine.clone()), ..candidate.gold.clone() });
        }
    }
    corpora.retain(|corpus| !corpus.documents.is_empty());
    corpora
}

fn words(document: &Document) -> usize {
    let tokens = document.tokens.as_ref().map(Vec::len);
    tokens.unwrap_or_else(|| crate::text::segment::words(&document.text).len())
}

fn write_curve(
    folder: &std::path::Path,
    recipe: &ActiveRecipe,
    pool: usize,
    rounds: &[Round],
) -> Result<()> {
    let rounds = rounds.iter().map(|round| {
        json!({
            "round": round.number,
            "sentences": round.sentences,
            "words": round.words,
            "score": round.score,
            "folder": round.folder.file_name().map(|name| name.to_string_lossy()),
        })
    });
    let curve = json!({
        "select": format!("{:?}", recipe.select).to_lowercase(),
        "pool": pool,
        "rounds": rounds.collect::<Vec<Value>>(),
    });
    let path = folder.join("active.json");
    write_file(&path, format!("{curve:#}\n").as_bytes())
        .map_err(|e| Error::io("write", path.display(), e))
}
