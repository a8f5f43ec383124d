//! What reports tell beyond scores: what is wrong and what decided, which labels are taken for which,
//! what scores are worth, how length and rarity matter. All of it is counted when the last document
//! is in, because only then is known which labels are judged.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::systems::{Answer, Systems};
use crate::cli::decision::{Decision, Decisions};
use crate::cli::difference::{Difference, Place};
use crate::cli::print::rounded;
use crate::error::Result;
use crate::eval::breakdown::{LENGTHS, RARITIES, words_in};
use crate::eval::{Breakdown, Calibration, Confusion, Pair, PairKind, SurfaceCounts, align};
use crate::pipeline::{Engine, Explanation};
use crate::span::Entity;
use crate::text::{Annotation, Document, Span};

/// Bins of the calibration curve.
const BINS: usize = 10;

/// The documents of a run, until all are in.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    documents: Vec<Kept>,
    has_scores: bool,
}

#[derive(Debug)]
struct Kept {
    id: String,
    text: String,
    words: Vec<Span>,
    gold: Vec<Annotation>,
    predicted: Vec<Predicted>,
    /// What decided about each entity of gold that was not predicted, and the other way round.
    decisions: BTreeMap<(Span, String), Decision>,
}

#[derive(Debug)]
struct Predicted {
    entity: Annotation,
    score: f32,
    sources: Vec<String>,
}

/// What reports tell.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) confusion: Confusion,
    /// `None` where predictions have no scores.
    pub(super) calibration: Option<Calibration>,
    /// Scores by length in words.
    pub(super) lengths: Breakdown,
    /// Scores by how often the surface is an entity in gold.
    pub(super) rarities: Breakdown,
    /// Everything that is wrong, document by document, in text order; the first side is gold.
    pub(super) errors: Vec<Difference>,
}

impl Keeper {
    /// Keeps documents, what the system of which they tell predicted for them and, where that is
    /// an engine, what decided.
    pub(super) fn add(
        &mut self,
        systems: &Systems,
        documents: &[Document],
        answers: &[Result<Answer>],
    ) {
        let (explainer, told) = (systems.explainer(), systems.told());
        self.has_scores = explainer.is_some();
        let keep = |(document, answer): (&Document, &Result<Answer>)| {
            let answer = answer.as_ref().ok()?;
            let mut kept = Kept::of(document, &answer.tagged.get(told)?.entities);
            if let Some(explainer) = &explainer {
                let explanation = explainer.explain(document, answer);
                kept.decide(explainer.engine, document, &explanation);
            }
            Some(kept)
        };
        let kept: Vec<Kept> = documents.par_iter().zip(answers).filter_map(keep).collect();
        self.documents.extend(kept);
    }

    /// Counts what was kept; of predictions only those whose label is judged.
    pub(super) fn details(mut self, is_judged: impl Fn(&str) -> bool) -> Details {
        let mut surfaces = SurfaceCounts::default();
        for kept in &mut self.documents {
            kept.predicted.retain(|one| is_judged(&one.entity.label));
            surfaces.add(&kept.text, &kept.gold);
        }
        let mut details = Details {
            confusion: Confusion::default(),
            calibration: self.has_scores.then(|| Calibration::new(BINS)),
            lengths: Breakdown::new(LENGTHS),
            rarities: Breakdown::new(RARITIES),
            errors: Vec::new(),
        };
        self.documents.iter().for_each(|kept| details.add(kept, &surfaces));
        details
    }
}

impl Kept {
    fn of(document: &Document, entities: &[Entity]) -> Self {
        let predicted = entities.iter().map(|entity| Predicted {
            entity: Annotation { span: entity.span, label: entity.label.as_str().to_owned() },
            score: entity.score,
            sources: entity.sources().iter().map(ToString::to_string).collect(),
        });
        Self {
            id: document.id.clone(),
            text: document.text.clone(),
            words: document.words(),
            gold: document.gold.clone().unwrap_or_default(),
            predicted: predicted.collect(),
            decisions: BTreeMap::new(),
        }
    }

    /// Notes what decided where gold and prediction are not the same.
    fn decide(&mut self, engine: &Engine, document: &Document, explanation: &Explanation) {
        let gold: BTreeSet<(Span, &str)> = self.gold.iter().map(key).collect();
        let predicted = self.predicted.iter().map(|one| key(&one.entity)).collect();
        let mut wrong = gold.symmetric_difference(&predicted).peekable();
        if wrong.peek().is_none() {
            return;
        }
        let decisions = Decisions::new(engine, document, explanation);
        let told = |(span, label): &(Span, &str)| {
            ((*span, (*label).to_owned()), decisions.about(*span, label))
        };
        self.decisions = wrong.map(told).collect();
    }
}

impl Details {
    fn add(&mut self, kept: &Kept, surfaces: &SurfaceCounts) {
        let predicted: Vec<Annotation> =
            kept.predicted.iter().map(|one| one.entity.clone()).collect();
        let length = |one: &Annotation| words_in(&kept.words, one.span);
        self.lengths.add(&kept.gold, &predicted, length);
        let rarity = |one: &Annotation| {
            one.span.slice(&kept.text).map_or(0, |surface| surfaces.count(surface))
        };
        self.rarities.add(&kept.gold, &predicted, rarity);
        if let Some(calibration) = &mut self.calibration {
            let gold: BTreeSet<(Span, &str)> = kept.gold.iter().map(key).collect();
            for one in &kept.predicted {
                calibration.add(rounded(one.score), gold.contains(&key(&one.entity)));
            }
        }
        let pairs = align(&kept.gold, &predicted);
        self.confusion.add(&pairs);
        let mut wrong = pairs.iter().filter(|pair| pair.kind() != PairKind::Right).peekable();
        if wrong.peek().is_some() {
            let place = Place::new(&kept.id, &kept.text);
            let by_key = kept.predicted.iter().map(|one| (key(&one.entity), one)).collect();
            let has_scores = self.calibration.is_some();
            self.errors.extend(wrong.map(|pair| error(kept, &place, pair, &by_key, has_scores)));
        }
    }
}

fn key(one: &Annotation) -> (Span, &str) {
    (one.span, &one.label)
}

/// An error, with what decided about gold, or about the prediction where gold has nothing.
fn error(
    kept: &Kept,
    place: &Place<'_>,
    pair: &Pair<'_>,
    predicted: &BTreeMap<(Span, &str), &Predicted>,
    has_scores: bool,
) -> Difference {
    let prediction = pair.predicted.and_then(|one| predicted.get(&key(one)));
    let score = prediction.filter(|_| has_scores).map(|one| one.score);
    let mut error = place.difference(pair, [None, score]);
    let about = pair.gold.or(pair.predicted);
    let decision = about.and_then(|one| kept.decisions.get(&(one.span, one.label.clone())));
    error.decision = decision.cloned();
    error.sources = match (prediction, decision) {
        (Some(one), _) => one.sources.clone(),
        (None, Some(decision)) => decision.sources.clone(),
        (None, None) => Vec::new(),
    };
    error
}
