//! The whole story of one document as data: what every source proposed, what each pass did, what
//! came out. What became of each proposal is `story`'s business; how it is shown is the command line's.

use super::build::Engine;
use crate::error::{Error, Location, Result};
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

    /// The line that decided an event: the one the event names, else the header of its pass.
    pub fn place_of<'e>(&'e self, event: &'e Event) -> &'e Location {
        event.place.as_ref().unwrap_or(&self.steps[event.step].place)
    }
}
