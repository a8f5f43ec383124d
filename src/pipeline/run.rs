//! Documents go in, entities come out: sources side by side over a batch, then the merge of each
//! document. The result never depends on threads or on how documents are batched.

use std::sync::Arc;

use rayon::prelude::*;

use super::build::Engine;
use super::contract;
use super::proposals::{Proposals, Without};
use super::store::{DocumentKey, SourceStore};
use crate::error::{Error, Result};
use crate::merge::memo::DocumentMemo;
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
        Ok(self.finish(document, self.propose(documents).pop().expect("one document in")?))
    }

    /// The entities of each document, in their order; a document that failed does not touch the
    /// others.
    pub fn tag_documents(&self, documents: &[Document]) -> Vec<Result<Tagged>> {
        let pairs = documents.par_iter().zip(self.propose(documents));
        pairs.map(|(document, proposals)| Ok(self.finish(document, proposals?))).collect()
    }

    /// How many documents [`Engine::tag_documents`] likes to get at once.
    pub fn batch_size(&self) -> usize {
        self.sources.iter().filter_map(|s| s.batch_size()).max().unwrap_or(64)
    }

    /// Runs all sources over the documents: models on their batches, the others beside them. How rules
    /// fare goes to a `log` for every source and document.
    pub(super) fn propose_logged(
        &self,
        documents: &[Document],
        log: fn() -> RuleLog,
    ) -> Vec<Result<Proposals>> {
        let references: Vec<&Document> = documents.iter().collect();
        let keeps = !log().is_on() && self.stores.iter().any(Option::is_some);
        let keys: Vec<DocumentKey> =
            if keeps { documents.par_iter().map(DocumentKey::of).collect() } else { Vec::new() };
        let find_all = |(source, store): (&Arc<dyn Source>, &Option<SourceStore>)| {
            let find = |documents: &[&Document]| find_all(source.as_ref(), documents, log);
            let Some(store) = store.as_ref().filter(|_| keeps) else { return find(&references) };
            let find =
                |documents: &[&Document]| find(documents).into_iter().map(|(f, _)| f).collect();
            store.find(&references, &keys, find).into_iter().map(|found| (found, log())).collect()
        };
        let mut per_source: Vec<Vec<(Result<Found>, RuleLog)>> =
            self.sources.par_iter().zip(&self.stores).map(find_all).collect();
        let mut found: Vec<_> = per_source.iter_mut().map(|list| list.drain(..)).collect();
        documents
            .iter()
            .map(|document| {
                let mut proposals = Ok(Proposals::default());
                for list in &mut found {
                    let (one, log) = list.next().expect("a source answers every document");
                    proposals = proposals.and_then(|mut all: Proposals| {
                        let one = one.map_err(|e| in_document(document, e))?;
                        all.mentions.extend(one.mentions);
                        all.evidence.extend(one.evidence);
                        all.warnings.extend(one.warnings);
                        all.logs.extend(log.is_on().then_some(log));
                        Ok(all)
                    });
                }
                proposals
            })
            .collect()
    }

    /// The merge of a document, whose proposals are of no further use.
    fn finish(&self, document: &Document, proposals: Proposals) -> Tagged {
        let Proposals { mentions, evidence, mut warnings, .. } = proposals;
        let (nothing, trace) = (&Without::NOTHING, &mut Trace::off());
        let tagged = self.resolve((document, None), mentions, &evidence, nothing, trace);
        warnings.extend(tagged.warnings);
        Tagged { warnings, ..tagged }
    }

    /// The merge of one document, of which something may be known, but for the passes of `without` and their
    /// rules.
    pub(super) fn resolve(
        &self,
        (document, known): (&Document, Option<&DocumentMemo>),
        mentions: Vec<Mention>,
        evidence: &[Evidence],
        without: &Without,
        trace: &mut Trace,
    ) -> Tagged {
        let mut candidates: Vec<Candidate> = mentions.into_iter().map(Candidate::from).collect();
        candidates.sort_by(order::compare);
        contract::check(&candidates, document, "sources");
        let steps = || {
            let all = self.steps.iter().enumerate();
            all.filter(|(number, _)| !without.steps.contains(number))
        };
        let looks_back = steps().any(|(_, step)| step.pass.looks_back());
        let proposed = if looks_back { candidates.clone() } else { Vec::new() };
        let context = PassContext::new(document, evidence, &proposed);
        let context = match known {
            Some(known) => context.knowing(known),
            None => context,
        };
        for (number, step) in steps() {
            trace.enter(number);
            let rules = step.pass.as_rules().zip(without.step_rules.get(&number));
            candidates = match rules {
                Some((rules, ids)) => rules.apply_without(ids, candidates, &context, trace),
                None => step.pass.apply(candidates, &context, trace),
            };
            candidates.sort_by(order::compare);
            contract::check(&candidates, document, step.kind.name);
        }
        let entities = candidates
            .into_iter()
            .filter(|candidate| self.labels.contains(&candidate.label))
            .map(Entity::from)
            .collect();
        Tagged { entities, warnings: trace.take_warnings() }
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
