//! What several lints ask of an engine: its rules, gazetteers and passes with their places, and what
//! becomes of a label.

use std::sync::Arc;

use crate::error::Location;
use crate::merge::Incoming;
use crate::merge::rules::Rules as RulesPass;
use crate::pipeline::build::{Engine, Step};
use crate::rule::compile::Compiled;
use crate::rule::macros::NamedPiece;
use crate::source::gazetteer::GazetteerSource;
use crate::source::rules::Rules;
use crate::span::Label;

/// A rule about text, and the source that has it.
#[derive(Clone, Copy)]
pub(super) struct TextRule<'e> {
    pub source: &'e Rules,
    pub source_name: &'e Arc<str>,
    pub rule: &'e Compiled,
}

impl TextRule<'_> {
    /// The score of what it finds.
    pub(super) fn score(&self) -> f32 {
        self.source.score_of(self.rule)
    }

    /// The rule as messages name it, beside another that `other` is.
    pub(super) fn shown_beside(&self, other: &Self) -> String {
        if self.source_name == other.source_name {
            format!("rule '{}'", self.rule.id)
        } else {
            format!("rule '{}' of source '{}'", self.rule.id, self.source_name)
        }
    }
}

impl Engine {
    /// The sources of rules that run, with their places.
    pub(super) fn rule_sources(&self) -> impl Iterator<Item = (&Arc<str>, &Location, &Rules)> {
        let sources = self.sources.iter().zip(&self.source_places);
        sources.filter_map(|(s, place)| Some((s.name(), place, s.as_rules()?)))
    }

    /// All rules about text, in order.
    pub(super) fn text_rules(&self) -> Vec<TextRule<'_>> {
        let sources = self.rule_sources();
        let rules = sources.flat_map(|(source_name, _, source)| {
            source.compiled().iter().map(move |rule| TextRule { source, source_name, rule })
        });
        rules.collect()
    }

    /// The passes of rules, with their steps.
    pub(super) fn rule_steps(&self) -> impl Iterator<Item = (&Step, &RulesPass)> {
        self.steps.iter().filter_map(|step| Some((step, step.pass.as_rules()?)))
    }

    /// The gazetteers that run, with the places of their sources.
    pub(super) fn gazetteers(&self) -> Vec<(&Arc<str>, &Location, &GazetteerSource)> {
        let sources = self.sources.iter().zip(&self.source_places);
        sources.filter_map(|(s, place)| Some((s.name(), place, s.as_gazetteer()?))).collect()
    }

    /// The macros and lists of all sources and passes of rules; one that several of them read is there
    /// once, and is named where one of them names it.
    pub(super) fn unnamed_pieces(&self) -> Vec<&NamedPiece> {
        let of_sources = self.rule_sources().flat_map(|(_, _, rules)| rules.pieces());
        let all: Vec<&NamedPiece> =
            of_sources.chain(self.rule_steps().flat_map(|(_, rules)| rules.pieces())).collect();
        let is_named =
            |piece: &NamedPiece| all.iter().any(|p| p.is_named && p.place == piece.place);
        let mut unnamed: Vec<&NamedPiece> = Vec::new();
        for piece in &all {
            if !is_named(piece) && !unnamed.iter().any(|known| known.place == piece.place) {
                unnamed.push(piece);
            }
        }
        unnamed
    }

    /// Whether a candidate of the label can come to something: it is given, or a pass asks for it.
    pub(super) fn has_use_for(&self, label: &Label) -> bool {
        self.labels.contains(label) || self.steps.iter().any(|step| step.pass.looks_for(label))
    }

    /// The pass that drops whatever a source proposes as a label, before any pass asks for it or makes
    /// something else of it.
    pub(super) fn dropper_of(&self, source: &str, label: &Label) -> Option<&Step> {
        let mut steps = self.steps.iter();
        let first = steps.find(|step| {
            let pass = &step.pass;
            pass.drops_all(source, label) || pass.effects().pairs || pass.looks_for(label)
        })?;
        first.pass.drops_all(source, label).then_some(first)
    }

    /// The score that what a source alone proposes as a label must have to get past the thresholds that
    /// come before any pass that may move it, and the pass that asks for the most.
    pub(super) fn floor(&self, source: &str, label: &Label) -> Option<(f32, &Step)> {
        let untouched = self.steps.iter().take_while(|step| !step.pass.may_rescore(source, label));
        let floors = untouched.filter_map(|s| Some((s.pass.least_score(source, label)?, s)));
        floors.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// The first pass after which no two candidates overlap.
    pub(super) fn choice(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.kind.flat || step.pass.is_flat())
    }

    /// What may come to the first pass.
    pub(super) fn incoming(&self) -> Incoming {
        let of_source = |source: &Arc<dyn crate::source::Source>| {
            let name = source.name().clone();
            source.labels().into_iter().map(move |label| (name.clone(), label)).collect::<Vec<_>>()
        };
        Incoming {
            pairs: self.sources.iter().flat_map(of_source).collect(),
            is_complete: true,
            has_evidence: self.sources.iter().any(|source| source.gives_evidence()),
            is_flat: false,
        }
    }
}

/// Names with quotes, the first few of them and how many more.
pub(super) fn some_of<'n>(names: impl IntoIterator<Item = &'n str>, count: usize) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> =
        names.into_iter().take(SHOWN).map(|name| format!("'{name}'")).collect();
    match count.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
