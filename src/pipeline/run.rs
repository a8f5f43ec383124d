//! Documents go in, entities come out: sources side by side over a batch, then the merge of each
//! document. The result never depends on threads or on how documents are batched.

use std::sync::Arc;

use rayon::prelude::*;

use super::build::Engine;
use super::contract;
use crate::error::{Error, Result};
use crate::merge::{PassContext, Trace};
use crate::rule::log::RuleLog;
use crate::source::{Found, Source};
use crate::span::{Candidate, Entity, Evidence, Mention, order};
use crate::text::Document;

/// What tagging a document gave.
#[derive(Debug, Default)]
pub struct Tagged {
    /// The entities, sorted by the one total order.
    pub entities: Vec<Entity>,
    /// What went wrong without spoiling the rest.
    pub warnings: Vec<Error>,
}

/// All that the sources found in one document.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) mentions: Vec<Mention>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) warnings: Vec<Error>,
    /// How the rules of each source fared; empty unless asked for.
    pub(super) logs: Vec<RuleLog>,
}

impl Engine {
    /// The entities of one text.
    ///
    /// # Errors
    /// Where a source failed as a whole.
    pub fn tag(&self, text: &str) -> Result<Vec<Entity>> {
        Ok(self.tag_document(&Document::new("", text))?.entities)
    }

    /// The entities of each of several texts, in their order; the same as [`Engine::tag`] on each,
    /// and faster.
    ///
    /// # Errors
    /// The first text that failed; [`Engine::tag_documents`] tells them apart.
    pub fn tag_batch(&self, texts: &[&str]) -> Result<Vec<Vec<Entity>>> {
        let documents: Vec<Document> = texts.iter().map(|text| Document::new("", *text)).collect();
        self.tag_documents(&documents)
            .into_iter()
            .map(|tagged| tagged.map(|tagged| tagged.entities))
            .collect()
    }

    /// The entities of one document. Given tokens are respected: no entity cuts one.
    ///
    /// # Errors
    /// Where a source failed as a whole.
    pub fn tag_document(&self, document: &Document) -> Result<Tagged> {
        let documents = std::slice::from_ref(document);
        let pool = self.pool(documents, RuleLog::off).pop().expect("one document in")?;
        Ok(self.resolve(document, pool, &mut Trace::off()))
    }

    /// The entities of each document, in their order; a document that failed does not touch the
    /// others.
    pub fn tag_documents(&self, documents: &[Document]) -> Vec<Result<Tagged>> {
        let pools = self.pool(documents, RuleLog::off);
        documents
            .par_iter()
            .zip(pools)
            .map(|(document, pool)| Ok(self.resolve(document, pool?, &mut Trace::off())))
            .collect()
    }

    /// How many documents [`Engine::tag_documents`] likes to get at once.
    pub fn batch_size(&self) -> usize {
        self.sources.iter().filter_map(|s| s.batch_size()).max().unwrap_or(64)
    }

    /// Runs all sources over the documents: models on their batches, the others beside them. How rules
    /// fare goes to a `log` for every source and document.
    pub(super) fn pool(&self, documents: &[Document], log: fn() -> RuleLog) -> Vec<Result<Pool>> {
        let references: Vec<&Document> = documents.iter().collect();
        let find_all = |source: &Arc<dyn Source>| find_all(source.as_ref(), &references, log);
        let mut per_source: Vec<Vec<(Result<Found>, RuleLog)>> =
            self.sources.par_iter().map(find_all).collect();
        let mut found: Vec<_> = per_source.iter_mut().map(|list| list.drain(..)).collect();
        documents
            .iter()
            .map(|document| {
                let mut pool = Ok(Pool::default());
                for list in &mut found {
                    let (one, log) = list.next().expect("a source answers every document");
                    pool = pool.and_then(|mut pool: Pool| {
                        let one = one.map_err(|e| in_document(document, e))?;
                        pool.mentions.extend(one.mentions);
                        pool.evidence.extend(one.evidence);
                        pool.warnings.extend(one.warnings);
                        pool.logs.extend(log.is_on().then_some(log));
                        Ok(pool)
                    });
                }
                pool
            })
            .collect()
    }

    /// The merge of one document.
    pub(super) fn resolve(&self, document: &Document, pool: Pool, trace: &mut Trace) -> Tagged {
        let mut candidates: Vec<Candidate> =
            pool.mentions.into_iter().map(Candidate::from).collect();
        candidates.sort_by(order::compare);
        contract::check(&candidates, document, "sources");
        let looks_back = self.steps.iter().any(|step| step.pass.looks_back());
        let proposed = if looks_back { candidates.clone() } else { Vec::new() };
        let context = PassContext::new(document, &pool.evidence, &proposed);
        for (number, step) in self.steps.iter().enumerate() {
            trace.enter(number);
            candidates = step.pass.apply(candidates, &context, trace);
            candidates.sort_by(order::compare);
            contract::check(&candidates, document, step.kind.name);
        }
        let entities = candidates
            .into_iter()
            .filter(|candidate| self.labels.contains(&candidate.label))
            .map(Entity::from)
            .collect();
        let mut warnings = pool.warnings;
        warnings.extend(trace.take_warnings());
        Tagged { entities, warnings }
    }
}

/// A source over many documents: in one batch where it likes that, spread over threads where not.
fn find_all(
    source: &dyn Source,
    documents: &[&Document],
    log: fn() -> RuleLog,
) -> Vec<(Result<Found>, RuleLog)> {
    let find = |document: &&Document| {
        let mut log = log();
        (source.find_logged(document, &mut log), log)
    };
    match source.batch_size() {
        Some(_) => source.find_batch(documents).into_iter().map(|found| (found, log())).collect(),
        None => documents.par_iter().map(find).collect(),
    }
}

fn in_document(document: &Document, error: Error) -> Error {
    Error::new(error.kind(), format!("document '{}': {error}", document.id)).with_source(error)
}
