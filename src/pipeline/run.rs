//! Documents go in, entities come out: sources side by side over a batch, then the merge of each
//! document. The result never depends on threads or on how documents are batched.

use rayon::prelude::*;

use super::build::Engine;
use super::contract;
use super::proposals::{Proposals, Without};
use super::store::DocumentKey;
use crate::cache::CacheUse;
use crate::error::{Error, Result};
use crate::merge::memo::DocumentMemo;
use crate::merge::{PassContext, Trace};
use crate::profile::{Profile, Stage};
use crate::rule::log::RuleLog;
use crate::source::{BatchLimit, Found, Source};
use crate::span::{Candidate, Entity, Evidence, Mention, order};
use crate::text::{Document, Readings};

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
        let profile = Profile::here();
        let tag = |documents: &[&Document]| {
            self.propose_each(documents, RuleLog::off, |document, proposals| {
                let proposals = proposals?;
                Ok(profile.time(Stage::Merge, || self.finish(document, proposals)))
            })
        };
        let varies = self.sources.iter().any(|source| source.may_vary_with_batch());
        if varies || self.stores.iter().any(Option::is_some) {
            // What is kept on disk is counted there, document by document. What hangs on the batch would hang on the
            // documents before it, and a run that goes on after a stop would not give the same bytes.
            return tag(&documents.iter().collect::<Vec<_>>());
        }
        self.remembered.tag(documents, tag)
    }

    /// How often [`Engine::tag_documents`] was asked about a document, and knew one that says the same.
    pub fn documents_known(&self) -> CacheUse {
        self.remembered.usage()
    }

    /// How much [`Engine::tag_documents`] likes to get at once.
    pub fn batch_limit(&self) -> BatchLimit {
        let of_models = self.sources.iter().filter_map(|source| source.batch_limit());
        of_models.reduce(BatchLimit::max).unwrap_or(BatchLimit::WITHOUT_MODEL)
    }

    /// How many threads at once do well to call [`Engine::tag_documents`]: two where a model runs on a device of its own, so that
    /// one prepares and merges while the other has the device; else one, since a call uses all of the processor.
    pub fn batches_at_once(&self) -> usize {
        1 + usize::from(self.sources.iter().any(|source| source.is_off_processor()))
    }

    /// What all sources find in the documents. How rules fare goes to a `log` for every source and document.
    pub(super) fn propose_logged(
        &self,
        documents: &[Document],
        log: fn() -> RuleLog,
    ) -> Vec<Result<Proposals>> {
        let documents: Vec<&Document> = documents.iter().collect();
        self.propose_each(&documents, log, |_, proposals| proposals)
    }

    /// Runs all sources over the documents, and makes of what they found in each what `then` makes of it:
    /// models and what is kept on disk run on all documents at once, the others beside them on one document
    /// after the other, whose readings they share.
    fn propose_each<T: Send>(
        &self,
        documents: &[&Document],
        log: fn() -> RuleLog,
        then: impl Fn(&Document, Result<Proposals>) -> T + Sync,
    ) -> Vec<T> {
        let profile = Profile::here();
        let keeps = !log().is_on() && self.stores.iter().any(Option::is_some);
        let is_batched = |number: usize| {
            self.sources[number].batch_limit().is_some() || keeps && self.stores[number].is_some()
        };
        let (batched, single): (Vec<usize>, Vec<usize>) =
            (0..self.sources.len()).partition(|number| is_batched(*number));
        let find = |document: &Document| -> Answers {
            let readings = Readings::default();
            let find = |number: &usize| {
                let (source, mut log) = (&self.sources[*number], log());
                let stage = Stage::Source(*number);
                let found =
                    profile.time(stage, || source.find_beside(document, &readings, &mut log));
                (*number, found, log)
            };
            single.iter().map(find).collect()
        };
        let then = |document: &Document, found: Answers| then(document, gathered(document, found));
        if batched.is_empty() {
            return documents.par_iter().map(|one| then(one, find(one))).collect();
        }
        let (of_batched, of_single) = rayon::join(
            || self.find_batched(documents, &batched, (keeps, log), &profile),
            || documents.par_iter().map(|one| find(one)).collect::<Vec<Answers>>(),
        );
        let mut of_batched: Vec<_> = of_batched.into_iter().map(Vec::into_iter).collect();
        let whole = of_single.into_iter().map(|mut answers| {
            for (number, found) in batched.iter().zip(&mut of_batched) {
                let (found, log) = found.next().expect("a source answers every document");
                answers.push((*number, found, log));
            }
            answers.sort_by_key(|(number, ..)| *number);
            answers
        });
        let whole: Vec<Answers> = whole.collect();
        documents.par_iter().zip(whole).map(|(one, found)| then(one, found)).collect()
    }

    /// What each of some sources finds in all documents, side by side.
    fn find_batched(
        &self,
        documents: &[&Document],
        numbers: &[usize],
        (keeps, log): (bool, fn() -> RuleLog),
        profile: &Profile,
    ) -> Vec<Vec<(Result<Found>, RuleLog)>> {
        let keys: Vec<DocumentKey> = if keeps {
            documents.par_iter().map(|one| DocumentKey::of(one)).collect()
        } else {
            Vec::new()
        };
        let find_all = |number: &usize| {
            let source = self.sources[*number].as_ref();
            let find = |documents: &[&Document]| find_all(source, documents, log);
            profile.time(Stage::Source(*number), || {
                let Some(store) = self.stores[*number].as_ref().filter(|_| keeps) else {
                    return find(documents);
                };
                let find =
                    |documents: &[&Document]| find(documents).into_iter().map(|(f, _)| f).collect();
                let found = store.find(documents, &keys, find);
                found.into_iter().map(|found| (found, log())).collect()
            })
        };
        numbers.par_iter().map(find_all).collect()
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

/// What sources found in one document, by their numbers.
type Answers = Vec<(usize, Result<Found>, RuleLog)>;

/// What the sources found in a document, together.
fn gathered(document: &Document, answers: Answers) -> Result<Proposals> {
    let mut all = Proposals::default();
    for (_, found, log) in answers {
        let one = found.map_err(|error| in_document(document, error))?;
        all.mentions.extend(one.mentions);
        all.evidence.extend(one.evidence);
        all.warnings.extend(one.warnings);
        all.logs.extend(log.is_on().then_some(log));
    }
    Ok(all)
}

/// A source over many documents: in one batch where it likes that, spread over threads where not.
fn find_all(
    source: &dyn Source,
    documents: &[&Document],
    log: fn() -> RuleLog,
) -> Vec<(Result<Found>, RuleLog)> {
    let find = |document: &&Document| {
        let mut log = log();
        (source.find_beside(document, &Readings::default(), &mut log), log)
    };
    match source.batch_limit() {
        Some(_) => source.find_batch(documents).into_iter().map(|found| (found, log())).collect(),
        None => documents.par_iter().map(find).collect(),
    }
}

fn in_document(document: &Document, error: Error) -> Error {
    Error::new(error.kind(), format!("document '{}': {error}", document.id)).with_source(error)
}
