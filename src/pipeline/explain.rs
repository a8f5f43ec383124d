//! The whole story of one document as data: what every source proposed, what each pass did, what
//! came out. What became of each proposal is `story`'s business; how it is shown is the command line's.

use rayon::prelude::*;

use super::build::Engine;
use super::run::Pool;
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
        let pool = self.pool(documents, RuleLog::off).pop().expect("one document in")?;
        Ok(self.explain_pool(document, pool, Trace::recording()).0)
    }

    /// [`Engine::explain`] of each document, in their order, with how the rules fared in it; a document
    /// that failed does not touch the others.
    pub(super) fn explain_logged(
        &self,
        documents: &[Document],
    ) -> Vec<Result<(Explanation, RuleLogs)>> {
        let pools = self.pool(documents, RuleLog::recording);
        let pairs = documents.par_iter().zip(pools);
        pairs.map(|(d, pool)| Ok(self.explain_pool(d, pool?, Trace::logging_rules()))).collect()
    }

    fn explain_pool(
        &self,
        document: &Document,
        mut pool: Pool,
        mut trace: Trace,
    ) -> (Explanation, RuleLogs) {
        let mut mentions = pool.mentions.clone();
        mentions.sort_by(order::compare_mentions);
        let evidence = pool.evidence.clone();
        let sources = std::mem::take(&mut pool.logs);
        let tagged = self.resolve(document, pool, &mut trace);
        let logs = RuleLogs { sources, steps: trace.take_rule_logs() };
        let explanation = Explanation {
            mentions,
            evidence,
            events: trace.into_events(),
            entities: tagged.entities,
            warnings: tagged.warnings,
        };
        (explanation, logs)
    }

    /// The line that decided an event: the one the event names, else the header of its pass.
    pub fn place_of<'e>(&'e self, event: &'e Event) -> &'e Location {
        event.place.as_ref().unwrap_or(&self.steps[event.step].place)
    }
}
