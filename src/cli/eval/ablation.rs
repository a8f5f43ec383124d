//! What is each part of the engine worth? The micro-F1 of the engine without it, of a growing engine,
//! and of one from which what harms is taken away. The sources have run already: only the merge runs
//! again, and only in documents that a part touches.

use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;

use super::Case;
use super::parts::{self, Part};
use crate::eval::{Difference, LabelCounts, PairedCounts, Resampling};
use crate::pipeline::{Engine, Without};
use crate::text::Annotation;

/// So many variants of the engine are compared with it at once.
const VARIANTS: usize = 16;

/// What each part of an engine is worth on some documents.
#[derive(Debug, Serialize)]
pub(super) struct Ablation {
    /// The micro-F1 of the engine as it is.
    pub(super) f1: f64,
    /// Without each part alone; what harms most comes first.
    pub(super) without: Vec<Ablated>,
    /// The sources of models alone, with the whole merge, then each other source in their order.
    pub(super) sources: Vec<Grown>,
    /// All sources without a merge, then each pass in their order.
    pub(super) passes: Vec<Grown>,
    /// What harms alone, taken away one after another as long as that helps.
    pub(super) removal: Vec<Grown>,
}

/// The engine without a part.
#[derive(Debug, Serialize)]
pub(super) struct Ablated {
    /// The part.
    #[serde(flatten)]
    pub(super) part: Part,
    /// How many documents come out otherwise without it.
    pub(super) documents: usize,
    /// The micro-F1 without it.
    pub(super) f1: f64,
    /// That less the micro-F1 of the engine: above zero the part does harm.
    pub(super) difference: Difference,
}

/// A step on the way from one engine to another.
#[derive(Debug, Serialize)]
pub(super) struct Grown {
    /// The part that came or went in this step; `None` for a beginning that is not one part.
    pub(super) part: Option<Part>,
    /// The micro-F1 after it.
    pub(super) f1: f64,
    /// That less the micro-F1 before it; `None` for the beginning.
    pub(super) difference: Option<Difference>,
}

/// What an engine got right of all labels together, document by document.
type Counted = Vec<LabelCounts>;

/// What is measured, and with what.
struct Bench<'b> {
    engine: &'b Engine,
    cases: &'b [Case],
    is_judged: &'b (dyn Fn(&str) -> bool + Sync),
    resampling: Resampling,
}

impl Ablation {
    /// What each part of the engine that proposed for `cases` is worth. `bar` counts the variants that
    /// were tried.
    pub(super) fn new(
        engine: &Engine,
        cases: &[Case],
        is_judged: &(dyn Fn(&str) -> bool + Sync),
        resampling: Resampling,
        bar: &ProgressBar,
    ) -> Self {
        let bench = Bench { engine, cases, is_judged, resampling };
        let base = bench.merged(&Without::NOTHING, None);
        let parts = parts::of(engine, cases);
        bar.set_length(2 * parts.len() as u64);
        let mut without = bench.each_without(&parts, &base, bar);
        let sources = bench.growing(parts::adding_sources(engine), bar);
        let passes = bench.growing(parts::adding_passes(engine), bar);
        let harmful = without.iter().filter(|one| one.difference.estimate.value > 0.0);
        let removal = bench.removal(harmful.map(|one| one.part.clone()).collect(), &base, bar);
        // What does nothing is no part of the answer, except for sources and passes.
        without.retain(|one| one.documents > 0 || !one.part.is_rule());
        Self { f1: f1(&base), without, sources, passes, removal }
    }
}

impl Bench<'_> {
    /// What the engine without some of its parts gets right. Where only one part has `changed`, documents
    /// that it does not touch are as they were before.
    fn merged(&self, without: &Without, changed: Option<(&Part, &Counted)>) -> Counted {
        let merge = |(number, case): (usize, &Case)| {
            if let Some((part, before)) = changed
                && !part.touches(case)
            {
                return before[number];
            }
            let Some(proposals) = &case.proposals else { return LabelCounts::default() };
            let tagged = self.engine.merge(&case.document, proposals, without);
            let predicted: Vec<Annotation> = tagged.entities.iter().map(Annotation::from).collect();
            case.counts_of(&predicted, self.is_judged).total()
        };
        self.cases.par_iter().enumerate().map(merge).collect()
    }

    /// How the micro-F1 of each variant differs from that of `base`.
    fn differences(&self, base: &Counted, variants: &[Counted]) -> Vec<Difference> {
        let rows = base.iter().enumerate().map(|(number, counts)| {
            let others = variants.iter().map(|variant| variant[number]);
            std::iter::once(*counts).chain(others).collect()
        });
        let compared = PairedCounts::of_totals(1 + variants.len(), rows).compare(self.resampling);
        let differences = compared.into_iter().filter_map(|system| system.differences);
        differences.map(|differences| differences.micro.f1).collect()
    }

    /// The engine without each part alone.
    fn each_without(&self, parts: &[Part], base: &Counted, bar: &ProgressBar) -> Vec<Ablated> {
        let mut all = Vec::new();
        for parts in parts.chunks(VARIANTS) {
            let merged = |part: &Part| {
                let counted = self.merged(&part.without(), Some((part, base)));
                bar.inc(1);
                counted
            };
            let variants: Vec<Counted> = parts.iter().map(merged).collect();
            let differences = self.differences(base, &variants);
            for ((part, variant), difference) in parts.iter().zip(&variants).zip(differences) {
                let documents =
                    variant.iter().zip(base).filter(|(one, other)| one != other).count();
                let f1 = f1(variant);
                all.push(Ablated { part: part.clone(), documents, f1, difference });
            }
        }
        // Stable: what is worth the same stays in the order of the engine.
        all.sort_by(|a, b| b.difference.estimate.value.total_cmp(&a.difference.estimate.value));
        all
    }

    /// An engine to which one part after another is added.
    fn growing(&self, steps: Vec<(Option<Part>, Without)>, bar: &ProgressBar) -> Vec<Grown> {
        let mut before: Option<Counted> = None;
        let mut grown = Vec::new();
        for (part, without) in steps {
            let counted = self.merged(&without, None);
            let difference = before
                .as_ref()
                .and_then(|before| self.differences(before, std::slice::from_ref(&counted)).pop());
            grown.push(Grown { part, f1: f1(&counted), difference });
            before = Some(counted);
            bar.inc(1);
        }
        grown
    }

    /// What harms most is taken away, then of what is left what then harms most, until nothing does.
    fn removal(&self, mut harmful: Vec<Part>, base: &Counted, bar: &ProgressBar) -> Vec<Grown> {
        let mut removed = Without::NOTHING;
        let mut before = base.clone();
        let mut steps = Vec::new();
        loop {
            let now = f1(&before);
            let tried = harmful.iter().enumerate().map(|(number, part)| {
                let mut without = removed.clone();
                part.add_to(&mut without);
                let counted = self.merged(&without, Some((part, &before)));
                bar.tick();
                (number, f1(&counted), counted)
            });
            // Of equally good ones the first.
            let best = tried.reduce(|best, other| if other.1 > best.1 { other } else { best });
            let Some((number, f1, counted)) = best.filter(|(_, f1, _)| *f1 > now) else {
                return steps;
            };
            let part = harmful.remove(number);
            part.add_to(&mut removed);
            let difference = self.differences(&before, std::slice::from_ref(&counted)).pop();
            steps.push(Grown { part: Some(part), f1, difference });
            before = counted;
        }
    }
}

/// The micro-F1 of all documents.
fn f1(counted: &Counted) -> f64 {
    counted.iter().copied().sum::<LabelCounts>().row().score.f1
}
