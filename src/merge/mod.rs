//! Which mentions survive? The trait every merge pass implements, and the registry of passes.
//!
//! A new pass is one new file here and one entry in [`PASSES`]. A pass sees candidates, evidence and
//! text, never a source.

mod boundary;
mod calibrate;
mod casing;
mod check;
mod coherence;
mod combine;
mod concern;
mod context;
mod evidence;
mod filter;
mod greedy;
pub(crate) mod log_odds;
mod longest;
pub mod memo;
mod optimal;
pub mod outlook;
mod pattern;
mod policy;
pub mod preset;
mod priority;
mod rank_set;
mod ranking;
pub(crate) mod rules;
mod score;
mod select;
mod snap;
#[cfg(test)]
mod template;
#[cfg(test)]
mod tests;
mod threshold;
mod tie_break;
pub mod trace;
mod vote;
mod weights;

use crate::error::{Error, Result};
use crate::resource::{OptionDoc, Section};
use crate::rule::info::RuleInfo;
use crate::span::{Candidate, Evidence, Label, Span};
use crate::text::{Document, Segments};

use self::casing::Cases;
use self::memo::DocumentMemo;
use self::pattern::Pattern;

pub use outlook::{Effects, Incoming};
pub use preset::{PRESETS, Preset};
pub use trace::Trace;

/// What a pass may look at besides the candidates.
pub struct PassContext<'a> {
    /// The document.
    pub document: &'a Document,
    /// What the models of the engine think of it, in the order of the engine's sources.
    pub evidence: &'a [Evidence],
    /// Everything the sources proposed, in the order of [`crate::span::order::compare`], before any
    /// pass: what a rule asks that wants to know whether a span stands in a gazetteer. Empty where no
    /// pass of the engine [looks back](Pass::looks_back).
    pub proposed: &'a [Candidate],
    /// What earlier merges of the document found out, where there were some.
    known: Option<&'a DocumentMemo>,
    own: DocumentMemo,
}

impl<'a> PassContext<'a> {
    /// The context of a document, its evidence and what was proposed for it.
    pub fn new(
        document: &'a Document,
        evidence: &'a [Evidence],
        proposed: &'a [Candidate],
    ) -> Self {
        Self { document, evidence, proposed, known: None, own: DocumentMemo::default() }
    }

    /// The same, with what was found out about the document before, to which is added what is found out now.
    #[must_use]
    pub fn knowing(self, known: &'a DocumentMemo) -> Self {
        Self { known: Some(known), ..self }
    }

    /// The words and sentences of the document, found when first asked for.
    fn segments(&self) -> &Segments {
        self.known.unwrap_or(&self.own).segments(self.document)
    }

    /// The cases of the words of the document, found when first asked for.
    fn cases(&self) -> &Cases {
        self.known.unwrap_or(&self.own).cases(self.document)
    }

    /// Whether a pattern holds at a span: as an earlier merge of the document knows it, or as `find` finds
    /// it out.
    fn recall(&self, pattern: &Pattern, span: Span, find: impl FnOnce() -> bool) -> bool {
        match self.known {
            Some(known) => known.holds(pattern, span, find),
            None => find(),
        }
    }
}

/// One step of the merge.
pub trait Pass: Send + Sync {
    /// What becomes of the candidates. They come sorted by [`crate::span::order::compare`]; the
    /// order of the result does not matter. It does not depend on the order they come in.
    ///
    /// Running a pass on its own result changes nothing, except where [`PassKind::rescores`] says
    /// that it adds to scores: a candidate does not remember that it was scored before.
    ///
    /// No span comes out that did not go in, unless the documentation of the pass says so.
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate>;

    /// Whether no two of its results overlap, by what its options say; [`PassKind::flat`] says it of a
    /// whole kind.
    fn is_flat(&self) -> bool {
        false
    }

    /// Whether it reads [`PassContext::proposed`], which is otherwise not kept.
    fn looks_back(&self) -> bool {
        false
    }

    /// Its rules, in the order in which [`Trace::rule_log`] numbers them; empty where it has none.
    fn rules(&self) -> Vec<RuleInfo> {
        Vec::new()
    }

    /// Runs the pass's own cases (rules have them) and gives what failed.
    fn check(&self) -> Vec<Error> {
        Vec::new()
    }

    /// What it can do to candidates besides dropping them.
    fn effects(&self) -> Effects {
        Effects::ANY
    }

    /// Whether it may move the score, or add to the origins, of what `source` proposed as `label`.
    fn may_rescore(&self, _source: &str, _label: &Label) -> bool {
        self.effects().scores
    }

    /// The score under which it drops what `source` alone proposed as `label`.
    fn least_score(&self, _source: &str, _label: &Label) -> Option<f32> {
        None
    }

    /// Whether it drops whatever `source` alone proposed as `label`.
    fn drops_all(&self, _source: &str, _label: &Label) -> bool {
        false
    }

    /// Whether its options ask for candidates of the label, to change them into something else or to
    /// decide about others.
    fn looks_for(&self, _label: &Label) -> bool {
        false
    }

    /// Why it can change nothing, whatever the document: one clause, lower case. `None` where it can.
    fn idle(&self, _incoming: &Incoming) -> Option<String> {
        None
    }

    /// Its rules, where it has any.
    fn as_rules(&self) -> Option<&rules::Rules> {
        None
    }
}

/// What a pass is built with, besides its own section.
pub struct PassScope<'a> {
    /// The names of the engine's sources, in their order.
    pub sources: &'a [std::sync::Arc<str>],
    /// All labels the engine declares.
    pub labels: &'a [crate::span::Label],
    /// What file names in the engine file are relative to.
    pub files: &'a crate::resource::Files,
    /// Whether a pass before it selects, so that what comes in does not overlap.
    pub flat: bool,
}

/// A kind of pass that an engine file can name.
pub struct PassKind {
    /// The value of `pass` in the engine file.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Its options besides `pass`.
    pub options: &'static [OptionDoc],
    /// Whether no two of its results overlap.
    pub flat: bool,
    /// Whether it works again when it runs again on its own result (it moves scores by what it finds
    /// in the text or the evidence, or rewrites entities); all other passes are idempotent.
    pub rescores: bool,
    /// Builds the pass from its section of the engine file (without `pass`).
    pub build: fn(Section<'_>, &PassScope<'_>) -> Result<Box<dyn Pass>>,
}

/// All kinds of pass.
pub static PASSES: &[PassKind] = &[
    filter::KIND,
    calibrate::KIND,
    snap::KIND,
    boundary::KIND,
    combine::KIND,
    evidence::KIND,
    casing::KIND,
    context::KIND,
    coherence::KIND,
    threshold::KIND,
    policy::KIND,
    rules::KIND,
    priority::KIND,
    longest::KIND,
    score::KIND,
    vote::KIND,
    greedy::KIND,
    optimal::KIND,
];

/// The kind of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn kind(name: &str) -> Result<&'static PassKind> {
    PASSES.iter().find(|k| k.name == name).ok_or_else(|| {
        let known: Vec<&str> = PASSES.iter().map(|k| k.name).collect();
        Error::unknown("pass", name, &known)
    })
}

/// The passes that a `[[merge]]` table stands for, with their kinds: the one it names, or those of its
/// preset. `scope` knows afterwards whether what comes out of them overlaps.
///
/// # Errors
/// Everything that is wrong with the table.
pub fn passes(
    mut section: Section<'_>,
    scope: &mut PassScope<'_>,
) -> Result<Vec<(&'static PassKind, Box<dyn Pass>)>> {
    let built = if section.has("preset") {
        let (name, place) = section.take_str("preset")?;
        preset::preset(&name).map_err(|e| e.at(place))?.build(section, scope)?
    } else {
        let (name, place) = section.take_str("pass")?;
        let kind = kind(&name).map_err(|e| e.at(place))?;
        vec![(kind, (kind.build)(section, scope)?)]
    };
    scope.flat |= built.iter().any(|(kind, pass)| kind.flat || pass.is_flat());
    Ok(built)
}
