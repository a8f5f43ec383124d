//! What can a pass do at all, judged by its options and without a document? What may come to it is an
//! [`Incoming`]; whoever looks for passes that can do nothing walks the merge with one.

use std::sync::Arc;

use super::{Pass, PassKind};
use crate::span::Label;

/// What a pass can do to candidates besides dropping them, whatever the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effects {
    /// There may be spans in its result that did not come in.
    pub spans: bool,
    /// A candidate of a source may have a label in its result that none of that source had before, or
    /// be of another source.
    pub pairs: bool,
    /// It may move scores, or add to origins.
    pub scores: bool,
}

impl Effects {
    /// Anything: what a pass says that does not know.
    pub const ANY: Self = Self { spans: true, pairs: true, scores: true };
    /// Candidates keep spans, labels and sources; scores move, and origins join.
    pub const SCORES: Self = Self { spans: false, pairs: false, scores: true };
    /// Candidates stay as they are, where they stay.
    pub const NONE: Self = Self { spans: false, pairs: false, scores: false };
}

/// What may come to a pass, as far as that can be known without a document.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Which source may have proposed which label; of a candidate that has not been changed since.
    pub pairs: Vec<(Arc<str>, Label)>,
    /// Whether `pairs` is all that there can be: no pass before makes or relabels candidates.
    pub is_complete: bool,
    /// Whether a model says what it thinks of the words.
    pub has_evidence: bool,
    /// Whether no two candidates overlap.
    pub is_flat: bool,
}

impl Incoming {
    /// Whether nothing can come at all.
    pub fn is_nothing(&self) -> bool {
        self.is_complete && self.pairs.is_empty()
    }

    /// What may come out of a pass that this comes to, and so to the next.
    pub fn after(mut self, kind: &PassKind, pass: &dyn Pass) -> Self {
        self.pairs.retain(|(source, label)| !pass.drops_all(source, label));
        self.is_complete &= !pass.effects().pairs;
        self.is_flat = kind.flat || pass.is_flat() || (self.is_flat && !pass.effects().spans);
        self
    }

    /// Why a pass that only chooses between candidates that overlap has nothing to do, where that is so.
    pub(super) fn leaves_no_choice(&self) -> Option<String> {
        self.is_flat.then(|| {
            "a pass before it has chosen already: no two of the candidates that come to it overlap"
                .to_owned()
        })
    }
}
