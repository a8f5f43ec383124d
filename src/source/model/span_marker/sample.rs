//! What SpanMarker's encoder reads at once: a text of sub-words, and a pair of markers for each of some
//! candidate spans in it.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};

use super::config::Neighbours;
use super::sentence::Sentence;
use crate::source::model::batch::Batch;
use crate::text::window::covering;

/// What is added to the number of a position, so that the first sub-word has the one that RoBERTa gives it.
pub(super) const FIRST_POSITION: u32 = 2;

/// The number of the positions of padding.
const PADDING_POSITION: u32 = 1;

/// A text, and candidate spans in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The sub-words of the text, special tokens included and markers not.
    pub ids: Vec<u32>,
    /// The candidates, in words of the sentence.
    pub candidates: Vec<Range<usize>>,
    /// Where in the text the first and the last sub-word of each candidate stand.
    pub places: Vec<(u32, u32)>,
}

impl Sample {
    /// How many sub-words and markers it has.
    pub fn len(&self) -> usize {
        self.ids.len() + 2 * self.candidates.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// How samples are made of sentences.
#[derive(Debug)]
pub(super) struct Samples {
    /// Special tokens before a text.
    pub(super) before: Vec<u32>,
    /// Special tokens after it.
    pub(super) after: Vec<u32>,
    /// How many sub-words a text has at most besides them.
    pub(super) capacity: usize,
    /// How many sub-words two texts of one sentence share at least.
    pub(super) overlap: usize,
    /// How many words a candidate has at most.
    pub(super) longest: usize,
    /// Half of how many markers stand beside a text of the greatest length.
    pub(super) markers: usize,
    /// Which sentences are read with a sentence.
    pub(super) neighbours: Option<Neighbours>,
}

impl Samples {
    /// The samples of sentence `number` of a document, which hold every candidate that fits into a text
    /// once.
    ///
    /// A sentence that fits is one text, with as many of its neighbours around it as there is room for. A
    /// longer one is several that overlap, and a candidate is judged where most words are around it. Samples
    /// of one text differ in the candidates that they hold; how many there are in one changes nothing, as
    /// markers see only their own pair and the text, and the text sees no markers.
    pub(super) fn of(&self, sentences: &[Sentence], number: usize) -> Vec<Sample> {
        let sentence = &sentences[number];
        let sizes = sentence.sizes(self.capacity);
        let texts = covering(&sizes, self.capacity, self.overlap, self.longest);
        let mut held: Vec<Vec<Range<usize>>> = vec![Vec::new(); texts.len()];
        for candidate in candidates(sizes.len(), self.longest) {
            if let Some(text) = holder(&texts, &candidate, sizes.len()) {
                held[text].push(candidate);
            }
        }
        let is_whole = texts.len() == 1;
        let of_text = |(words, candidates): (&Range<usize>, &Vec<Range<usize>>)| {
            let (mut ids, mut places) = self.text(sentence, words);
            if let Some(neighbours) = self.neighbours.filter(|_| is_whole) {
                let room = self.capacity - ids.len();
                let (left, right) = around(sentences, number, room, neighbours);
                let shift = left.len() as u32;
                places
                    .iter_mut()
                    .for_each(|(first, last)| (*first, *last) = (*first + shift, *last + shift));
                ids = [left, ids, right].concat();
            }
            let ids = [&self.before[..], &ids, &self.after].concat();
            let room = (self.before.len() + self.capacity + self.after.len() - ids.len()) / 2;
            let place = |candidate: &Range<usize>| {
                let word = |word: usize| places[word - words.start];
                (word(candidate.start).0, word(candidate.end - 1).1)
            };
            let sample = |candidates: &[Range<usize>]| Sample {
                ids: ids.clone(),
                places: candidates.iter().map(place).collect(),
                candidates: candidates.to_vec(),
            };
            candidates.chunks(room + self.markers).map(sample).collect::<Vec<_>>()
        };
        texts.iter().zip(&held).flat_map(of_text).collect()
    }

    /// The sub-words of some words of a sentence, and where in a text the first and the last of each word
    /// stand. A word without sub-words is where the text begins, as the library has it.
    fn text(&self, sentence: &Sentence, words: &Range<usize>) -> (Vec<u32>, Vec<(u32, u32)>) {
        let mut ids = Vec::new();
        let mut places = Vec::with_capacity(words.len());
        for pieces in &sentence.of_word[words.clone()] {
            let pieces = &sentence.pieces[pieces.clone()];
            let pieces = &pieces[..pieces.len().min(self.capacity)];
            let first = self.before.len() + ids.len();
            places.push(match pieces.len() {
                0 => (0, 0),
                count => (first as u32, (first + count - 1) as u32),
            });
            ids.extend_from_slice(pieces);
        }
        (ids, places)
    }
}

/// All stretches of 1 to `longest` of so many words: by their first word, then by their last.
pub(super) fn candidates(words: usize, longest: usize) -> impl Iterator<Item = Range<usize>> {
    (0..words).flat_map(move |start| {
        let last = words.min(start.saturating_add(longest));
        (start + 1..=last).map(move |end| start..end)
    })
}

/// Which of the texts judges a candidate: of those that hold it, the first that has most words between it and
/// the nearer edge; an edge of the sentence is none.
fn holder(texts: &[Range<usize>], candidate: &Range<usize>, words: usize) -> Option<usize> {
    let first = texts.partition_point(|text| text.end < candidate.end);
    let end = texts.partition_point(|text| text.start <= candidate.start);
    let around = |text: &usize| {
        let Range { start, end } = texts[*text];
        let left = if start == 0 { usize::MAX } else { candidate.start - start };
        let right = if end == words { usize::MAX } else { end - candidate.end };
        left.min(right)
    };
    // The first where there are equal ones.
    (first..end).rev().max_by_key(around)
}

/// The sub-words of the sentences before and after sentence `number` that are read with it, at most `room`
/// of them: the next sentence, the one before, the one after the next, and so on, the last of them cut.
fn around(
    sentences: &[Sentence],
    number: usize,
    mut room: usize,
    neighbours: Neighbours,
) -> (Vec<u32>, Vec<u32>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let is_open = |taken: usize, most: Option<usize>| most.is_none_or(|most| taken < most);
    let (mut before, mut after) = (0, 0);
    while room > 0 {
        let next = sentences.get(number + after + 1).filter(|_| is_open(after, neighbours.after));
        if let Some(next) = next {
            let count = next.pieces.len().min(room);
            right.extend_from_slice(&next.pieces[..count]);
            (after, room) = (after + 1, room - count);
        }
        let previous =
            number.checked_sub(before + 1).filter(|_| is_open(before, neighbours.before));
        if let Some(previous) = previous.map(|number| &sentences[number]).filter(|_| room > 0) {
            let count = previous.pieces.len().min(room);
            left.splice(..0, previous.pieces[previous.pieces.len() - count..].iter().copied());
            (before, room) = (before + 1, room - count);
        } else if next.is_none() {
            break;
        }
    }
    (left, right)
}

/// Samples as the encoder reads them: each text, then the markers of all beginnings, then those of all ends.
/// The sub-words of a text see each other, and a marker sees the text and its own pair; it has the position of
/// the sub-word that it marks.
///
/// # Errors
/// Where the device fails.
pub(super) fn batch(
    samples: &[&Sample],
    [start, end]: [u32; 2],
    pad: u32,
    device: &Device,
) -> Result<Batch> {
    let row = |sample: &&Sample| {
        let count = sample.candidates.len();
        let markers = [start, end].into_iter().flat_map(|marker| vec![marker; count]);
        sample.ids.iter().copied().chain(markers).collect()
    };
    let rows: Vec<Vec<u32>> = samples.iter().map(row).collect();
    let mut batch = Batch::new(&rows, pad, device)?;
    let (_, length) = batch.ids.dims2()?;
    let mut positions = Vec::with_capacity(rows.len() * length);
    for (number, sample) in samples.iter().enumerate() {
        let text = 0..sample.ids.len() as u32;
        let firsts = sample.places.iter().map(|place| place.0);
        let lasts = sample.places.iter().map(|place| place.1);
        positions.extend(text.chain(firsts).chain(lasts).map(|place| place + FIRST_POSITION));
        positions.resize((number + 1) * length, PADDING_POSITION);
    }
    batch.positions = Some(Tensor::from_vec(positions, (rows.len(), length), device)?);
    batch.pairs = Some(samples.iter().map(|sample| sample.candidates.len()).collect());
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sentence(sizes: &[usize], first: u32) -> Sentence {
        let mut sentence = Sentence::default();
        for size in sizes {
            let start = sentence.pieces.len();
            sentence.pieces.extend((start..start + size).map(|piece| first + piece as u32));
            sentence.of_word.push(start..start + size);
        }
        sentence
    }

    fn samples(capacity: usize, neighbours: Option<Neighbours>) -> Samples {
        let (before, after) = (vec![1], vec![2]);
        Samples { before, after, capacity, overlap: 2, longest: 3, markers: 4, neighbours }
    }

    #[test]
    fn neighbours_fill_the_room_in_turn_and_are_cut() {
        let document = [
            sentence(&[1, 2], 10),
            sentence(&[2], 20),
            sentence(&[1, 0, 1], 30),
            sentence(&[1, 1], 40),
            sentence(&[2], 50),
        ];
        let all = samples(9, Some(Neighbours::default())).of(&document, 2);
        assert_eq!(all[0].ids, [1, 12, 20, 21, 30, 31, 40, 41, 50, 51, 2]);
        assert_eq!(all[0].candidates.len(), 4);
        assert_eq!(all[1].candidates, [1..3, 2..3]);
        // The word without sub-words is where the text of the sentence begins.
        assert_eq!(all[0].places, [(4, 4), (4, 3), (4, 5), (3, 3)]);
        let one = Neighbours { before: Some(0), after: Some(1) };
        let some = samples(9, Some(one)).of(&document, 2);
        assert_eq!(some[0].ids, [1, 30, 31, 40, 41, 2]);
        assert_eq!(samples(9, None).of(&document, 2)[0].ids, [1, 30, 31, 2]);
    }

    #[test]
    fn markers_see_the_text_and_their_pair() {
        let all = samples(9, None).of(&[sentence(&[1, 1], 10)], 0);
        let longer = samples(9, None).of(&[sentence(&[2, 2, 2], 10)], 0);
        let batch = batch(&[&all[0], &longer[0]], [7, 8], 0, &Device::Cpu).unwrap();
        let ids = batch.ids.to_vec2::<u32>().unwrap();
        assert_eq!(ids[0][..10], [1, 10, 11, 2, 7, 7, 7, 8, 8, 8]);
        let positions = batch.positions.as_ref().unwrap().to_vec2::<u32>().unwrap();
        assert_eq!(positions[0][..11], [2, 3, 4, 5, 3, 3, 4, 3, 4, 4, 1]);
        let length = ids[0].len();
        let mask = batch
            .attention_mask()
            .unwrap()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let seen = |row: usize, seer: usize| -> Vec<usize> {
            let at = (row * length + seer) * length;
            (0..length).filter(|other| mask[at + other] == 0.0).collect()
        };
        assert_eq!(seen(0, 0), [0, 1, 2, 3]);
        assert_eq!(seen(0, 5), [0, 1, 2, 3, 5, 8]);
        assert_eq!(seen(0, 9), [0, 1, 2, 3, 6, 9]);
        assert!(seen(0, 10).is_empty());
        assert_eq!(seen(1, 7), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    proptest! {
        #[test]
        fn every_candidate_that_fits_is_judged_once(
            sizes in proptest::collection::vec(0usize..7, 1..40),
            capacity in 1usize..20,
        ) {
            let all = samples(capacity, None).of(&[sentence(&sizes, 10)], 0);
            let mut judged: Vec<Range<usize>> = Vec::new();
            for sample in &all {
                prop_assert!(sample.ids.len() <= capacity + 2);
                prop_assert!(sample.len() <= capacity + 2 + 8);
                for (candidate, (first, last)) in sample.candidates.iter().zip(&sample.places) {
                    for (word, place) in [(candidate.start, *first), (candidate.end - 1, *last)] {
                        prop_assert!((sizes[word] == 0) == (place == 0));
                        prop_assert!((place as usize) < sample.ids.len() - 1);
                    }
                }
                judged.extend(sample.candidates.iter().cloned());
            }
            judged.sort_by_key(|c| (c.start, c.end));
            let size = |c: &Range<usize>| sizes[c.clone()].iter().map(|s| *s.min(&capacity)).sum::<usize>();
            let fits: Vec<_> = candidates(sizes.len(), 3).filter(|c| size(c) <= capacity).collect();
            prop_assert_eq!(judged, fits);
        }
    }
}
