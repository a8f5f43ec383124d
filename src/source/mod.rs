//! Who finds mentions? The trait every source implements, and the registry of source kinds.
//!
//! A new kind of source is a new module here and one entry in [`SOURCES`]. The children never use
//! each other.

mod batch_limit;
pub mod gazetteer;
pub mod model;
pub mod rules;
#[cfg(test)]
mod template;

use std::sync::Arc;

pub use batch_limit::BatchLimit;

use crate::cache::CacheUse;
use crate::error::{Error, Location, Result};
use crate::resource::{Files, OptionDoc, Section};
use crate::rule::info::RuleInfo;
use crate::rule::log::RuleLog;
use crate::span::{Evidence, Label, Mention};
use crate::text::{Document, Readings, Span};

/// What a source found in one document.
#[derive(Debug, Default)]
pub struct Found {
    /// The mentions, in any order.
    pub mentions: Vec<Mention>,
    /// What a model thinks of every word, where the source is one.
    pub evidence: Option<Evidence>,
    /// What went wrong without spoiling the rest (a rule that ran out of time).
    pub warnings: Vec<Error>,
}

/// Why a source did not propose something: what it had that comes close, and what stood against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The label it would have had, where that is known.
    pub label: Option<Label>,
    /// The rule, entry or model that comes close, as an origin would name it; `None` for the source as
    /// a whole.
    pub detail: Option<Arc<str>>,
    /// What stood against it, with the numbers compared: one clause, lower case.
    pub reason: String,
    /// The line that decided, where there is one.
    pub place: Option<Location>,
}

/// Something that finds mentions.
pub trait Source: Send + Sync {
    /// Its name in the engine file.
    fn name(&self) -> &Arc<str>;

    /// The labels it may propose, sorted.
    fn labels(&self) -> Vec<Label>;

    /// The mentions in one document. Every span lies inside the text, on char boundaries, and is not
    /// empty.
    ///
    /// # Errors
    /// Where the source as a whole failed (a device is gone); what concerns a part of it only is a
    /// warning in [`Found`].
    fn find(&self, document: &Document) -> Result<Found>;

    /// [`Source::find`] where others look at the document too: what they read of it is shared. For a source
    /// of rules, `log` notes how each of them fared; a rule that is given up is then in the log and in no
    /// warning.
    ///
    /// # Errors
    /// As [`Source::find`].
    fn find_beside(
        &self,
        document: &Document,
        _readings: &Readings,
        _log: &mut RuleLog,
    ) -> Result<Found> {
        self.find(document)
    }

    /// The mentions in each of several documents, in their order; the same as [`Source::find`] on
    /// each. Override it where a batch is faster.
    fn find_batch(&self, documents: &[&Document]) -> Vec<Result<Found>> {
        documents.iter().map(|document| self.find(document)).collect()
    }

    /// How much [`Source::find_batch`] likes to see at once; `None` where it does not matter, and documents are then
    /// spread over threads one by one.
    fn batch_limit(&self) -> Option<BatchLimit> {
        None
    }

    /// Whether it computes elsewhere than on the processor, so that this is free for other work meanwhile.
    fn is_off_processor(&self) -> bool {
        false
    }

    /// Whether what it finds in a document may differ, in the last bits of a number, with the documents that are
    /// asked about beside it.
    fn may_vary_with_batch(&self) -> bool {
        self.batch_limit().is_some()
    }

    /// How often it was asked about something and had answered before, where it keeps its answers.
    fn known(&self) -> Option<CacheUse> {
        None
    }

    /// Why it does not propose `span` (as `label`, where one is given) in the document: everything that
    /// comes close and what stood against it, or one refusal for the source as a whole. Empty where it
    /// does propose it.
    ///
    /// # Errors
    /// As [`Source::find`].
    fn why_not(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        let found = self.find(document)?;
        let is = |m: &Mention| m.span == span && label.is_none_or(|label| *label == m.label);
        if found.mentions.iter().any(is) {
            return Ok(Vec::new());
        }
        let labels = self.labels();
        let reason = match label {
            Some(label) if !labels.contains(label) => {
                let names: Vec<&str> = labels.iter().map(Label::as_str).collect();
                format!("it proposes no {label}, only {}", names.join(", "))
            }
            _ => "it proposes nothing there".to_owned(),
        };
        Ok(vec![Refusal { label: label.cloned(), detail: None, reason, place: None }])
    }

    /// Its rules, in the order in which the log of [`Source::find_beside`] numbers them; the origin of
    /// what a rule finds has the rule's id as its detail. Empty where it is no source of rules.
    fn rules(&self) -> Vec<RuleInfo> {
        Vec::new()
    }

    /// What it is and how much it holds, for people: `gazetteer, 3 entries`.
    fn describe(&self) -> String {
        String::new()
    }

    /// It as a source of rules, where it is one.
    fn as_rules(&self) -> Option<&rules::Rules> {
        None
    }

    /// It as a gazetteer, where it is one.
    fn as_gazetteer(&self) -> Option<&gazetteer::GazetteerSource> {
        None
    }

    /// Whether it says what it thinks of every word ([`Found::evidence`]).
    fn gives_evidence(&self) -> bool {
        false
    }

    /// Runs the source's own cases (rules have them) and gives what failed.
    fn check(&self) -> Vec<Error> {
        Vec::new()
    }
}

/// What a source is loaded with.
#[derive(Debug, Clone)]
pub struct LoadContext {
    /// What file names are relative to.
    pub files: Files,
    /// Where a model runs.
    pub device: model::DeviceChoice,
}

/// Builds a source of the given name from its section of the engine file (without `kind` and
/// `name`).
pub type LoadSource = fn(Arc<str>, Section<'_>, &LoadContext) -> Result<Box<dyn Source>>;

/// A kind of source that an engine file can name.
pub struct SourceKind {
    /// The value of `kind` in the engine file.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Its options besides `kind` and `name`.
    pub options: &'static [OptionDoc],
    /// Builds its sources.
    pub load: LoadSource,
}

/// All kinds of source.
pub static SOURCES: &[SourceKind] = &[gazetteer::KIND, rules::KIND, model::KIND];

/// The kind of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn kind(name: &str) -> Result<&'static SourceKind> {
    SOURCES.iter().find(|k| k.name == name).ok_or_else(|| {
        let known: Vec<&str> = SOURCES.iter().map(|k| k.name).collect();
        Error::unknown("source kind", name, &known)
    })
}
