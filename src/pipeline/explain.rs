//! The whole story of one document as data: what every source proposed, what each pass did, what
//! came out. What became of each proposal is `story`'s business; how it is shown is the command line's.

use rayon::prelude::*;

use super::build::Engine;
use super::proposals::{Proposals, Without};
use crate::error::{Error, Location, Result};
use crate::merge::Trace;
use crate::merge::trace::Event;
use crate::rule::log::RuleLog;
use crate::span::{Entity, Evidence, Mention, order};
use crate::text::Document;

/// Why a document has the entities it has.
#[derive(Debug)]
pub struct Explanation {
    /// Everything the sources proposed, in the one total order.
    pub mentions: Vec<Mention>,
    /// What the models think of every word.
    pub evidence: Vec<Evidence>,
    /// What each pass did, in the order it happened; `Event::step` numbers [`Engine::steps`].
    pub events: Vec<Event>,
    /// What came out.
    pub entities: Vec<Entity>,
    /// What went wrong without spoiling the rest.
    pub warnings: Vec<Error>,
}

/// How the rules of an engine fared in one document.
#[derive(Debug)]
pub(super) struct RuleLogs {
    /// Those of each source.
    pub(super) sources: Vec<RuleLog>,
    /// Those of each pass.
    pub(super) steps: Vec<RuleLog>,
}

impl Engine {
    /// Tags a document and tells how every decision was made.
    ///
    /// # Errors
    /// Where a source failed as a whole.
    pub fn explain(&self, document: &Document) -> Result<Explanation> {
        let documents = std::slice::from_ref(document);
        let proposals = self.propose(documents).pop().expect("one document in")?;
        Ok(self.explain_merge(document, proposals))
    }

    /// [`Engine::explain`] of a document for which all is proposed already.
    pub fn explain_merge(&self, document: &Document, proposals: Proposals) -> Explanation {
        self.explain_proposals(document, proposals, Trace::recording()).0
    }

    /// The story of [`Engine::merge`]: of what was proposed for a document, without what is left out.
    /// Its warnings are the merge's alone.
    pub fn explain_without(
        &self,
        document: &Document,
        proposals: &Proposals,
        without: &Without,
    ) -> Explanation {
        let (mut mentions, evidence) = (without.mentions(proposals), without.evidence(proposals));
        let mut trace = Trace::recording();
        let tagged = self.resolve(
            (document, Some(&proposals.memo)),
            mentions.clone(),
            &evidence,
            without,
            &mut trace,
        );
        mentions.sort_by(order::compare_mentions);
        Explanation {
            mentions,
            evidence: evidence.into_owned(),
            events: trace.into_events(),
            entities: tagged.entities,
            warnings: tagged.warnings,
        }
    }

    /// [`Engine::explain`] of each document, in their order, with how the rules fared in it; a document
    /// that failed does not touch the others.
    pub(super) fn explain_logged(
        &self,
        documents: &[Document],
    ) -> Vec<Result<(Explanation, RuleLogs)>> {
        let all = self.propose_logged(documents, RuleLog::recording);
        let pairs = documents.par_iter().zip(all);
        let explain = |document, proposals| {
            self.explain_proposals(document, proposals, Trace::logging_rules())
        };
        pairs.map(|(document, proposals)| Ok(explain(document, proposals?))).collect()
    }

    fn explain_proposals(
        &self,
        document: &Document,
        proposals: Proposals,
        mut trace: Trace,
    ) -> (Explanation, RuleLogs) {
        let Proposals { mut mentions, evidence, mut warnings, logs: sources, .. } = proposals;
        let nothing = &Without::NOTHING;
        let tagged =
            self.resolve((document, None), mentions.clone(), &evidence, nothing, &mut trace);
        mentions.sort_by(order::compare_mentions);
        warnings.extend(tagged.warnings);
        let logs = RuleLogs { sources, steps: trace.take_rule_logs() };
        let explanation = Explanation {
            mentions,
            evidence,
            events: trace.into_events(),
            entities: tagged.entities,
            warnings,
        };
        (explanation, logs)
    }

    /// The line that decided an event: the one the event names, else the header of its pass.
    pub fn place_of<'e>(&'e self, event: &'e Event) -> &'e Location {
        event.place.as_ref().unwrap_or(&self.steps[event.step].place)
    }
}
