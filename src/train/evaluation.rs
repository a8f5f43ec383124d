//! How good the model is while it learns: entities of the dev corpora as the model source would find them,
//! scored by [`crate::eval`].

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::data::Corpus;
use super::recipe::Metric;
use crate::error::Result;
use crate::eval::EntityCounts;
use crate::eval::entity::EntityReport;
use crate::source::Source;
use crate::text::{Annotation, Document};

/// So many documents are tagged at once.
const CHUNK: usize = 512;

/// The scores of one corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusScore {
    /// The corpus.
    pub corpus: String,
    /// Its scores.
    pub report: EntityReport,
}

/// The scores of all dev corpora at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// By corpus.
    pub corpora: Vec<CorpusScore>,
    /// The mean over the corpora of the metric that decides.
    pub score: f64,
}

/// The best evaluation so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its score.
    pub score: f64,
    /// The step it was made at.
    pub step: u64,
}

impl Evaluation {
    /// Tags the corpora and scores what comes out; where a corpus annotates only some labels, the others do
    /// not count.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn of(source: &dyn Source, corpora: &[Corpus], metric: Metric) -> Result<Self> {
        let scores: Vec<CorpusScore> = corpora
            .iter()
            .map(|corpus| {
                let report = counts(source, corpus)?.report();
                Ok(CorpusScore { corpus: corpus.name.clone(), report })
            })
            .collect::<Result<_>>()?;
        let one = |score: &CorpusScore| match metric {
            Metric::MicroF1 => score.report.micro.score.f1,
            Metric::MacroF1 => score.report.macro_average.score.f1,
        };
        let score = scores.iter().map(one).sum::<f64>() / scores.len().max(1) as f64;
        Ok(Self { corpora: scores, score })
    }

    /// It as JSON.
    pub fn json(&self) -> Value {
        let corpora = self
            .corpora
            .iter()
            .map(|CorpusScore { corpus, report }| json!({ "corpus": corpus, "report": report }));
        json!({ "score": self.score, "corpora": corpora.collect::<Vec<_>>() })
    }
}

fn counts(source: &dyn Source, corpus: &Corpus) -> Result<EntityCounts> {
    let counts_here = |label: &str| corpus.annotates.as_ref().is_none_or(|a| a.contains(label));
    let mut counts = EntityCounts::default();
    for chunk in corpus.documents.chunks(CHUNK) {
        let documents: Vec<&Document> = chunk.iter().collect();
        for (document, found) in chunk.iter().zip(source.find_batch(&documents)) {
            let mentions = found?.mentions.into_iter();
            let predicted: Vec<Annotation> = mentions
                .filter(|mention| counts_here(mention.label.as_str()))
                .map(|m| Annotation { span: m.span, label: m.label.as_str().to_owned() })
                .collect();
            counts.add(document.gold.iter().flatten(), &predicted);
        }
    }
    Ok(counts)
}
