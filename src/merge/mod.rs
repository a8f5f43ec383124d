//! Which mentions survive? The trait every merge pass implements, and the registry of passes.
//!
//! A new pass is one new file here and one entry in [`PASSES`]. A pass sees candidates, evidence and
//! text, never a source.

pub mod trace;

use crate::error::{Error, Result};
use crate::resource::{OptionDoc, Section};
use crate::span::{Candidate, Evidence};
use crate::text::Document;

pub use trace::Trace;

/// What a pass may look at besides the candidates.
pub struct PassContext<'a> {
    /// The document.
    pub document: &'a Document,
    /// What the models of the engine think of it, in the order of the engine's sources.
    pub evidence: &'a [Evidence],
}

/// One step of the merge.
pub trait Pass: Send + Sync {
    /// What becomes of the candidates. They come sorted by [`crate::span::order::compare`]; the
    /// order of the result does not matter. Running a pass on its own result changes nothing.
    ///
    /// No span comes out that did not go in, unless the documentation of the pass says so.
    fn apply(
        &self,
        candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate>;
}

/// What a pass is built with, besides its own section.
pub struct PassScope<'a> {
    /// The names of the engine's sources, in their order.
    pub sources: &'a [std::sync::Arc<str>],
    /// All labels the engine declares.
    pub labels: &'a [crate::span::Label],
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
    /// Builds the pass from its section of the engine file (without `pass`).
    pub build: fn(Section<'_>, &PassScope<'_>) -> Result<Box<dyn Pass>>,
}

/// All kinds of pass.
pub static PASSES: &[PassKind] = &[];

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
