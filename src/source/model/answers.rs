//! What a model answers about words: logits of the tags of each, and the tag it takes for each.

use std::ops::Range;

use candle_core::Result;

use super::arch::Mode;
use super::batch::Batch;
use super::device::in_turn;
use super::head::{Chain, Positions, logits_at};
use super::tagger::Tagger;
use super::tokens::Unit;
use super::word_tagger::{Answer, Sequence, Work};
use crate::text::Document;
use crate::text::window::Window;

/// The sub-words of a sequence, and what is to be known of it.
struct Row {
    ids: Vec<u32>,
    /// Where the sub-word stands that labels each word.
    firsts: Vec<u32>,
    /// Which of the words are kept.
    kept: Range<usize>,
}

impl Tagger {
    /// What the model answers about some sequences.
    pub(super) fn answers(
        &self,
        documents: &[(&Document, Work<Unit>)],
        sequences: &[&Sequence],
    ) -> Result<Vec<Answer>> {
        let row = |sequence: &&Sequence| {
            let Sequence { document, unit, window } = sequence;
            self.row(&documents[*document].1.units[*unit], window)
        };
        let rows: Vec<Row> = sequences.iter().map(row).collect();
        let crf = self.head.crf();
        let places: Vec<Vec<u32>> = rows
            .iter()
            .map(|row| match crf.map(|crf| crf.positions) {
                None => row.firsts[row.kept.clone()].to_vec(),
                Some(Positions::Words) => row.firsts.clone(),
                Some(Positions::Pieces) => (0..row.ids.len() as u32).collect(),
            })
            .collect();
        let mut scores = self.scores(&rows, &places)?.into_iter();
        let chain = crf.map(|crf| Result::Ok((crf.chain()?, crf.positions))).transpose()?;
        let answer = |(row, places): (&Row, &Vec<u32>)| {
            let logits: Vec<f32> = scores.by_ref().take(places.len() * self.tags.count()).collect();
            match &chain {
                None => Answer { tags: self.tags.likeliest(&logits), logits },
                Some((chain, positions)) => self.of_chain(chain, *positions, row, &logits),
            }
        };
        Ok(rows.iter().zip(&places).map(answer).collect())
    }

    fn row(&self, unit: &Unit, window: &Window) -> Row {
        let (ids, firsts) = self.sequence(unit, &window.words);
        let first = window.words.start;
        Row { ids, firsts, kept: window.keep.start - first..window.keep.end - first }
    }

    /// All that the answer about a window of a unit depends on: its sub-words, those that label words, and which
    /// words are kept.
    pub(super) fn key(&self, unit: &Unit, window: &Window) -> Box<[u32]> {
        let Row { mut ids, firsts, kept } = self.row(unit, window);
        // The number of words parts the two lists.
        let counts = [firsts.len(), kept.start, kept.end].map(|count| count as u32);
        ids.extend(firsts);
        ids.extend(counts);
        ids.into()
    }

    /// The logits at some places of each row, one after another.
    fn scores(&self, rows: &[Row], places: &[Vec<u32>]) -> Result<Vec<f32>> {
        let ids: Vec<Vec<u32>> = rows.iter().map(|row| row.ids.clone()).collect();
        in_turn(self.device(), || {
            let batch = Batch::new(&ids, self.sub_words().pad, self.device())?;
            let model = (self.encoder.as_ref(), self.head.as_ref());
            logits_at(model, &batch, places, Mode::Inference)?.flatten_all()?.to_vec1()
        })
    }

    /// What a CRF says of the kept words of a row with these emissions.
    fn of_chain(
        &self,
        chain: &Chain,
        positions: Positions,
        row: &Row,
        emissions: &[f32],
    ) -> Answer {
        let is_word = |place: usize| match positions {
            Positions::Words => true,
            Positions::Pieces => row.firsts.binary_search(&(place as u32)).is_ok(),
        };
        let place = |word: usize| match positions {
            Positions::Words => word,
            Positions::Pieces => row.firsts[word] as usize,
        };
        let constraint = self.tags.constraint();
        Answer::of_chain(chain, emissions, constraint, is_word, row.kept.clone().map(place))
    }
}
