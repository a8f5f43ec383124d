//! What the sources found in a document, apart from the merge: sources run once, and the merge as often
//! as one likes, also with parts of the engine left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::Engine;
use super::run::Tagged;
use crate::error::{Error, Result};
use crate::merge::Trace;
use crate::merge::memo::DocumentMemo;
use crate::rule::log::RuleLog;
use crate::span::{Evidence, Mention, Origin};
use crate::text::Document;

/// All that the sources found in one document: what its merge begins with.
#[derive(Debug, Default)]
pub struct Proposals {
    /// What they propose, source after source.
    pub mentions: Vec<Mention>,
    /// What the models think of every word, in the order of the engine's sources.
    pub evidence: Vec<Evidence>,
    /// What went wrong without spoiling the rest.
    pub warnings: Vec<Error>,
    /// How the rules of each source fared; empty unless asked for.
    pub(super) logs: Vec<RuleLog>,
    /// What merges found out about the document.
    pub(super) memo: DocumentMemo,
}

/// What is left out of a merge, as if the engine did not have it.
#[derive(Debug, Clone, Default)]
pub struct Without {
    /// Sources: what they propose, and their evidence.
    pub sources: BTreeSet<Arc<str>>,
    /// Rules, entries and models inside a source: what they propose.
    pub origins: BTreeSet<Origin>,
    /// Passes, by their number in [`Engine::steps`].
    pub steps: BTreeSet<usize>,
    /// The ids of rules of passes, by the number of the pass; nothing where the pass has no such rule.
    pub step_rules: BTreeMap<usize, BTreeSet<Arc<str>>>,
}

impl Without {
    /// Nothing is left out.
    pub const NOTHING: Self = Self {
        sources: BTreeSet::new(),
        origins: BTreeSet::new(),
        steps: BTreeSet::new(),
        step_rules: BTreeMap::new(),
    };

    pub(super) fn mentions(&self, proposals: &Proposals) -> Vec<Mention> {
        let stays = |mention: &&Mention| {
            !self.sources.contains(&mention.origin.source)
                && !self.origins.contains(&mention.origin)
        };
        proposals.mentions.iter().filter(stays).cloned().collect()
    }

    pub(super) fn evidence<'p>(&self, proposals: &'p Proposals) -> Cow<'p, [Evidence]> {
        let stays = |evidence: &&Evidence| !self.sources.contains(evidence.source());
        if proposals.evidence.iter().all(|evidence| stays(&evidence)) {
            return Cow::Borrowed(&proposals.evidence);
        }
        proposals.evidence.iter().filter(stays).cloned().collect()
    }
}

impl Engine {
    /// What the sources find in each document, in their order; a document that failed does not touch the
    /// others.
    pub fn propose(&self, documents: &[Document]) -> Vec<Result<Proposals>> {
        self.propose_logged(documents, RuleLog::off)
    }

    /// The merge of what was proposed for a document, without what is left out. With nothing left out
    /// its entities are those of [`Engine::tag_document`]. Its warnings are the merge's alone.
    pub fn merge(&self, document: &Document, proposals: &Proposals, without: &Without) -> Tagged {
        let (mentions, evidence) = (without.mentions(proposals), without.evidence(proposals));
        self.resolve(
            (document, Some(&proposals.memo)),
            mentions,
            &evidence,
            without,
            &mut Trace::off(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_if_it_were_not_there() {
        let engine = Engine::parse(
            r#"
labels = ["LOC", "PER"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["Paris", "LOC"], ["New York", "LOC"]]
score = 0.5
[[source]]
kind = "rules"
name = "patterns"
[[source.rule]]
id = "ms"
label = "PER"
score = 1.0
pattern = '(?<=Ms )[A-Z]\w+'
[[merge]]
pass = "filter"
deny = ["New York"]
[[merge]]
pass = "longest"
tie-break = ["score"]
"#,
        )
        .unwrap();
        let text = "Ms Paris saw New York";
        let document = Document::new("d", text);
        let all = engine.propose(std::slice::from_ref(&document)).pop().unwrap().unwrap();
        let merged = |without: &Without| {
            let entities = engine.merge(&document, &all, without).entities;
            let shown = entities.iter().map(|e| format!("{} {}", e.text(text), e.label));
            shown.collect::<Vec<_>>().join(", ")
        };
        let tagged = engine.tag_document(&document).unwrap().entities;
        assert_eq!(engine.merge(&document, &all, &Without::NOTHING).entities, tagged);
        assert_eq!(merged(&Without::NOTHING), "Paris PER");
        let rules = Without { sources: ["patterns".into()].into(), ..Without::NOTHING };
        assert_eq!(merged(&rules), "Paris LOC");
        let rule = Origin::new(&"patterns".into(), "ms");
        let rule = Without { origins: [rule].into(), ..Without::NOTHING };
        assert_eq!(merged(&rule), "Paris LOC");
        let filter = Without { steps: [0].into(), ..Without::NOTHING };
        assert_eq!(merged(&filter), "Paris PER, New York LOC");
    }
    #[test]
    fn a_rule_of_a_pass_is_left_out_as_its_engine_file_would() {
        let engine = |without: &str| {
            Engine::parse(&format!(
                r#"
labels = ["LOC", "ORG"]
[[source]]
kind = "gazetteer"
name = "places"
entries = [["the Paris", "LOC"], ["Rome", "LOC"]]
[[merge]]
pass = "rules"
repeat = 3
without = [{without}]
[[merge.rule]]
id = "article"
action = "trim"
when = {{ inside = '\Athe (?<entity>.+)\z' }}
[[merge.rule]]
id = "bank"
action = "relabel"
label = "ORG"
pattern = '<LOC>(?= Bank)'
[[merge.rule]]
id = "extend"
action = "extend"
pattern = '<ORG> Bank'
"#
            ))
            .unwrap()
        };
        let text = "the Paris Bank and Rome Bank in Rome";
        let document = Document::new("d", text);
        let shown = |entities: &[crate::span::Entity]| {
            let shown = entities.iter().map(|e| format!("{} {}", e.text(text), e.label));
            shown.collect::<Vec<_>>().join(", ")
        };
        let whole = engine("");
        let all = whole.propose(std::slice::from_ref(&document)).pop().unwrap().unwrap();
        for (without, expected) in [
            (&[][..], "Paris Bank ORG, Rome Bank ORG, Rome LOC"),
            (&["article"], "the Paris Bank ORG, Rome Bank ORG, Rome LOC"),
            (&["bank"], "Paris LOC, Rome LOC, Rome LOC"),
            (&["extend"], "Paris ORG, Rome ORG, Rome LOC"),
            (&["article", "extend"], "the Paris ORG, Rome ORG, Rome LOC"),
        ] {
            let ids = without.iter().map(|id| (*id).into()).collect();
            let rules = Without { step_rules: [(0, ids)].into(), ..Without::NOTHING };
            assert_eq!(shown(&whole.merge(&document, &all, &rules).entities), expected);
            let ids: Vec<String> = without.iter().map(|id| format!("{id:?}")).collect();
            let written = engine(&ids.join(", ")).tag_document(&document).unwrap().entities;
            assert_eq!(shown(&written), expected, "{without:?}");
        }
    }
}
