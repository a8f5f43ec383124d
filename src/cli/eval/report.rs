//! What came out, as one structure that the outputs show.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Case;
use super::ablation::Ablation;
use crate::eval::breakdown::TRAINING_RARITIES;
use crate::eval::{
    Breakdown, BreakdownRow, Compared, Difference, EntityCounts, EntityReport, Estimate, OfScores,
    PairedCounts, Resampling, Scenario, Score, SemevalCounts, SurfaceCounts, SurfaceLabels,
    TokenCounts, semeval,
};
use crate::text::{Annotation, Segments};

/// All that is said of some systems on some documents.
#[derive(Debug, serde::Serialize)]
pub(super) struct Report {
    /// How many documents were scored.
    pub(super) documents: usize,
    /// How many entities gold has.
    pub(super) gold: usize,
    /// How intervals and p-values were made.
    pub(super) resampling: Resampling,
    /// The systems; the first is the one that the others are compared with.
    pub(super) systems: Vec<SystemReport>,
    /// The number of the system that details are told of.
    #[serde(skip)]
    pub(super) told: usize,
    /// What the parts of the engine are worth, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ablation: Option<Ablation>,
}

/// All that is said of a system.
#[derive(Debug, serde::Serialize)]
pub(super) struct SystemReport {
    /// What it is called.
    pub(super) name: String,
    /// How many entities it predicted.
    pub(super) predicted: usize,
    /// Predicted labels that are not judged, and how often each was predicted.
    pub(super) not_judged: BTreeMap<String, u64>,
    /// Strict entity scores.
    #[serde(flatten)]
    pub(super) entities: EntityReport,
    /// The scenarios of SemEval.
    pub(super) scenarios: Scenarios,
    /// The scenarios of each label alone.
    pub(super) label_scenarios: BTreeMap<String, Scenarios>,
    /// The strict entity scores with their intervals.
    pub(super) intervals: OfScores<Estimate>,
    /// How they differ from those of the first system.
    pub(super) differences: Option<OfScores<Difference>>,
    /// Scores of the tags as they are written, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequences: Option<EntityReport>,
    /// Words whose tag is right.
    pub(super) tokens: TokenAccuracy,
    /// Scores of entities by their surface, where that was asked for.
    #[serde(skip_serializing_if = "SurfaceParts::is_empty")]
    pub(super) surfaces: SurfaceParts,
}

/// How many words have the tag of gold.
#[derive(Debug, serde::Serialize)]
pub(super) struct TokenAccuracy {
    /// The share of those that have it.
    pub(super) accuracy: f64,
    #[serde(flatten)]
    pub(super) counts: TokenCounts,
}

/// Scores of the entities of some surfaces.
#[derive(Debug, Default, serde::Serialize)]
pub(super) struct SurfaceParts {
    /// Those that are entities in the training files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<EntityReport>,
    /// Those that are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unseen: Option<EntityReport>,
    /// Those that carry several labels in gold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ambiguous: Option<EntityReport>,
    /// All, by how often they are entities in the training files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by_training: Option<Vec<BreakdownRow>>,
}

impl SurfaceParts {
    /// The parts that were asked for, with their names.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &EntityReport)> {
        let parts =
            [("seen", &self.seen), ("unseen", &self.unseen), ("ambiguous", &self.ambiguous)];
        parts.into_iter().filter_map(|(name, part)| Some((name, part.as_ref()?)))
    }

    fn is_empty(&self) -> bool {
        self.named().next().is_none()
    }
}

/// The counts of every scenario.
#[derive(Debug)]
pub(super) struct Scenarios(pub(super) Vec<(Scenario, SemevalCounts)>);

impl Report {
    /// The report of the systems of these names, over the labels of which `is_judged` says so. Details
    /// are told of the last.
    pub(super) fn new<'n>(
        cases: &[Case],
        names: impl Iterator<Item = &'n str>,
        is_judged: &dyn Fn(&str) -> bool,
        resampling: Resampling,
    ) -> Self {
        let names: Vec<&str> = names.collect();
        let documents: Vec<Vec<EntityCounts>> = cases
            .iter()
            .map(|case| (0..names.len()).map(|number| case.counts(number, is_judged)).collect())
            .collect();
        let mut totals = vec![EntityCounts::default(); names.len()];
        for document in &documents {
            totals.iter_mut().zip(document).for_each(|(total, counts)| total.merge(counts));
        }
        let labels: BTreeSet<&str> =
            totals.iter().flat_map(|total| total.labels().map(|(label, _)| label)).collect();
        let compared = PairedCounts::new(names.len(), labels, documents).compare(resampling);
        let systems = names
            .iter()
            .zip(totals.iter().zip(compared))
            .enumerate()
            .map(|(number, (name, (total, Compared { scores, differences })))| {
                let entities = total.report();
                let of_label = |label: &String| {
                    (label.clone(), Scenarios::of(cases, number, |other| other == label))
                };
                let mut not_judged = BTreeMap::new();
                for one in cases.iter().flat_map(|case| &case.predicted[number].annotations) {
                    if !is_judged(&one.label) {
                        *not_judged.entry(one.label.clone()).or_default() += 1;
                    }
                }
                SystemReport {
                    name: (*name).to_owned(),
                    predicted: cases.iter().map(|c| c.predicted[number].annotations.len()).sum(),
                    not_judged,
                    scenarios: Scenarios::of(cases, number, is_judged),
                    label_scenarios: entities.labels.keys().map(of_label).collect(),
                    entities,
                    intervals: scores,
                    differences,
                    sequences: None,
                    tokens: tokens(cases, number, is_judged),
                    surfaces: SurfaceParts::default(),
                }
            })
            .collect();
        let gold = cases.iter().map(|case| case.gold.len()).sum();
        let told = names.len().saturating_sub(1);
        Self { documents: cases.len(), gold, resampling, systems, told, ablation: None }
    }

    /// The system that details are told of.
    pub(super) fn told(&self) -> &SystemReport {
        &self.systems[self.told]
    }

    /// How much was counted, in words.
    pub(super) fn counted(&self) -> String {
        let documents = if self.documents == 1 { "document" } else { "documents" };
        let entities = if self.gold == 1 { "entity" } else { "entities" };
        let predicted: Vec<String> = match self.systems.as_slice() {
            [system] => vec![system.predicted.to_string()],
            systems => systems.iter().map(|s| format!("{} by {}", s.predicted, s.name)).collect(),
        };
        let predicted = predicted.join(", ");
        format!(
            "{} {documents}; {} {entities} in gold, {predicted} predicted",
            self.documents, self.gold
        )
    }

    /// Adds the scores of entities whose surface is an entity of `training` and of the others, of all by how
    /// often it is one, and, where that is asked for, of those that carry several labels in gold.
    pub(super) fn add_surfaces(
        &mut self,
        cases: &[Case],
        is_judged: &dyn Fn(&str) -> bool,
        training: Option<&SurfaceCounts>,
        ambiguous: bool,
    ) {
        let mut surfaces = SurfaceLabels::default();
        cases.iter().for_each(|case| surfaces.add(&case.document.text, &case.gold));
        for (number, system) in self.systems.iter_mut().enumerate() {
            let part = |is_in: &dyn Fn(&str) -> bool| {
                let mut counts = EntityCounts::default();
                for case in cases {
                    let predicted = judged(case, number, is_judged);
                    counts.add_surfaces(&case.document.text, &case.gold, predicted, is_in);
                }
                counts.report()
            };
            system.surfaces = SurfaceParts {
                seen: training.map(|known| part(&|surface| known.count(surface) > 0)),
                unseen: training.map(|known| part(&|surface| known.count(surface) == 0)),
                by_training: training.map(|known| by_count(cases, number, is_judged, known)),
                ambiguous: ambiguous.then(|| part(&|surface| surfaces.is_ambiguous(surface))),
            };
        }
    }
}

/// What the system of this number predicts of the labels of which `is_judged` says so.
fn judged<'c>(
    case: &'c Case,
    system: usize,
    is_judged: &dyn Fn(&str) -> bool,
) -> impl Iterator<Item = &'c Annotation> {
    case.predicted[system].annotations.iter().filter(move |one| is_judged(&one.label))
}

/// The scores of the system of this number by how often surfaces are entities in `known`.
fn by_count(
    cases: &[Case],
    system: usize,
    is_judged: &dyn Fn(&str) -> bool,
    known: &SurfaceCounts,
) -> Vec<BreakdownRow> {
    let mut counted = Breakdown::new(TRAINING_RARITIES);
    for case in cases {
        let predicted = judged(case, system, is_judged);
        counted.add(&case.gold, predicted, |one| {
            one.span.slice(&case.document.text).map_or(0, |surface| known.count(surface))
        });
    }
    counted.rows()
}

/// The words of all documents that have the right tag in the system of this number.
fn tokens(cases: &[Case], system: usize, is_judged: &dyn Fn(&str) -> bool) -> TokenAccuracy {
    let mut counts = TokenCounts::default();
    for case in cases {
        let predicted: Vec<Annotation> = judged(case, system, is_judged).cloned().collect();
        counts.add(Segments::of(&case.document).words(), &case.gold, &predicted);
    }
    TokenAccuracy { accuracy: counts.accuracy(), counts }
}

/// The labels of gold.
pub(super) fn gold_labels(cases: &[Case]) -> BTreeSet<&str> {
    cases.iter().flat_map(|case| &case.gold).map(|one| one.label.as_str()).collect()
}

impl Scenarios {
    /// All scenarios of the system of this number, over the labels of which `is_judged` says so.
    fn of(cases: &[Case], system: usize, is_judged: impl Fn(&str) -> bool) -> Self {
        let count = |scenario| {
            let mut counts = SemevalCounts::default();
            for case in cases {
                let predicted = &case.predicted[system].annotations;
                counts.merge(semeval(scenario, &case.gold, predicted, &is_judged));
            }
            (scenario, counts)
        };
        Self(Scenario::ALL.into_iter().map(count).collect())
    }
}

/// What is written of a scenario.
#[derive(serde::Serialize)]
struct ScenarioRow {
    correct: u64,
    incorrect: u64,
    partial: u64,
    missed: u64,
    spurious: u64,
    possible: u64,
    actual: u64,
    #[serde(flatten)]
    score: Score,
}

impl Serialize for Scenarios {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (scenario, counts) in &self.0 {
            let SemevalCounts { correct, incorrect, partial, missed, spurious } = *counts;
            let row = ScenarioRow {
                correct,
                incorrect,
                partial,
                missed,
                spurious,
                possible: counts.possible(),
                actual: counts.actual(),
                score: counts.score(),
            };
            map.serialize_entry(scenario.name(), &row)?;
        }
        map.end()
    }
}
