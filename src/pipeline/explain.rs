//! The whole story of one document as data: what every source proposed, what each pass did, what
//! came out. How it is shown is the command line's work.

use super::build::Engine;
use crate::error::{Error, Result};
use crate::merge::Trace;
use crate::merge::trace::Event;
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

impl Engine {
    /// Tags a document and tells how every decision was made.
    ///
    /// # Errors
    /// Where a source failed as a whole.
    pub fn explain(&self, document: &Document) -> Result<Explanation> {
        let pool = self.pool(std::slice::from_ref(document)).pop().expect("one document in")?;
        let mut mentions = pool.mentions.clone();
        mentions.sort_by(order::compare_mentions);
        let evidence = pool.evidence.clone();
        let mut trace = Trace::recording();
        let tagged = self.resolve(document, pool, &mut trace);
        Ok(Explanation {
            mentions,
            evidence,
            events: trace.into_events(),
            entities: tagged.entities,
            warnings: tagged.warnings,
        })
    }
}
