//! What is read from the text of a document by several: its fold, its words and sentences. Each is found once,
//! when it is first asked for.

use std::sync::OnceLock;

use super::pieces::{Piece, pieces};
use super::{Document, FoldOptions, Folded, Segments, fold};
use crate::profile::{Stage, time_inside};

/// What has been read of one document so far. It is always asked about the same document.
#[derive(Debug, Default)]
pub struct Readings {
    folded: OnceLock<Folded>,
    pieces: OnceLock<Vec<Piece>>,
    segments: OnceLock<Segments>,
}

impl Readings {
    /// The text without any difference that folding removes.
    pub fn folded(&self, document: &Document) -> &Folded {
        self.folded
            .get_or_init(|| time_inside(Stage::Fold, || fold(&document.text, FoldOptions::ALL)))
    }

    /// The pieces of the text that [`Readings::folded`] gives.
    pub(crate) fn pieces(&self, document: &Document) -> &[Piece] {
        let folded = self.folded(document);
        self.pieces.get_or_init(|| time_inside(Stage::Fold, || pieces(folded.text())))
    }

    /// The words and sentences.
    pub fn segments(&self, document: &Document) -> &Segments {
        self.segments.get_or_init(|| time_inside(Stage::Segment, || Segments::of(document)))
    }
}
