//! From logits to entities: which spans are likely enough, and which of those that overlap stand.

use serde::Deserialize;

/// Which of the entities that overlap stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoding {
    /// None overlaps another.
    #[default]
    Flat,
    /// One may lie in another; none crosses another, and a span has one label.
    Nested,
    /// As flat, but a span may have several labels.
    MultiLabel,
    /// One may lie in another, and a span may have several labels.
    NestedMultiLabel,
}

/// A span of words with a label that is likely enough.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// Its first word.
    pub(super) start: usize,
    /// The word after its last.
    pub(super) end: usize,
    /// The number of its label.
    pub(super) label: usize,
    /// Its probability.
    pub(super) score: f32,
}

/// The probability of a logit.
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The spans that are above the threshold of their label, where `logits` are of spans: of each word, label and
/// width, in this order.
pub(super) fn of_spans(logits: &[f32], widths: usize, thresholds: &[f32]) -> Vec<Candidate> {
    let labels = thresholds.len();
    let mut candidates = Vec::new();
    for (start, row) in logits.chunks_exact(labels * widths).enumerate() {
        for width in 0..widths {
            for (label, threshold) in thresholds.iter().enumerate() {
                let score = sigmoid(row[label * widths + width]);
                if score > *threshold {
                    candidates.push(Candidate { start, end: start + width + 1, label, score });
                }
            }
        }
    }
    candidates
}

/// The number of numbers that a word has of each label where words are scored: whether it begins, ends or is
/// inside an entity.
pub(super) const WORD_PARTS: usize = 3;

/// The spans whose first word begins, whose last word ends and all of whose words are inside an entity, by the
/// threshold of the label; `logits` are of each word, label and part. The score is the least of these
/// probabilities.
pub(super) fn of_words(logits: &[f32], thresholds: &[f32]) -> Vec<Candidate> {
    let width = thresholds.len() * WORD_PARTS;
    let words = logits.len() / width;
    let part = |word: usize, label: usize, part: usize| {
        sigmoid(logits[word * width + label * WORD_PARTS + part])
    };
    let mut candidates = Vec::new();
    for start in 0..words {
        for (label, threshold) in thresholds.iter().enumerate() {
            let begins = part(start, label, 0);
            if begins <= *threshold {
                continue;
            }
            let mut least = begins;
            for last in start..words {
                let inside = part(last, label, 2);
                if inside < *threshold {
                    break;
                }
                least = least.min(inside);
                let ends = part(last, label, 1);
                if ends > *threshold {
                    let score = least.min(ends);
                    candidates.push(Candidate { start, end: last + 1, label, score });
                }
            }
        }
    }
    candidates
}

/// The candidates that stand: from the likeliest on, of equals the first, each that no chosen one forbids; in
/// the order of their first words.
pub(super) fn choose(mut candidates: Vec<Candidate>, decoding: Decoding) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let words = candidates.iter().map(|candidate| candidate.end).max().unwrap_or(0);
    let mut chosen: Vec<Candidate> = Vec::new();
    // Of each word, which of the chosen cover it.
    let mut covering: Vec<Vec<usize>> = vec![Vec::new(); words];
    for candidate in candidates {
        let mut near = covering[candidate.start..candidate.end].iter().flatten();
        if near.any(|other| forbids(decoding, &chosen[*other], &candidate)) {
            continue;
        }
        covering[candidate.start..candidate.end].iter_mut().for_each(|c| c.push(chosen.len()));
        chosen.push(candidate);
    }
    chosen.sort_by_key(|candidate| candidate.start);
    chosen
}

/// Whether two candidates cannot both stand.
pub(super) fn forbids(decoding: Decoding, one: &Candidate, other: &Candidate) -> bool {
    let several = matches!(decoding, Decoding::MultiLabel | Decoding::NestedMultiLabel);
    let nested = matches!(decoding, Decoding::Nested | Decoding::NestedMultiLabel);
    if (one.start, one.end) == (other.start, other.end) {
        return !several;
    }
    let overlap = one.start < other.end && other.start < one.end;
    let lies_in = |a: &Candidate, b: &Candidate| b.start <= a.start && a.end <= b.end;
    overlap && !(nested && (lies_in(one, other) || lies_in(other, one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate((start, end, label, score): (usize, usize, usize, f32)) -> Candidate {
        Candidate { start, end, label, score }
    }

    #[test]
    fn each_decoding_forbids_its_own() {
        let all = [(0, 3, 0, 0.9), (1, 2, 1, 0.8), (2, 4, 0, 0.7), (0, 3, 1, 0.6), (3, 5, 1, 0.5)];
        let standing = |decoding| {
            let chosen = choose(all.map(candidate).to_vec(), decoding);
            chosen.iter().map(|c| (c.start, c.end, c.label)).collect::<Vec<_>>()
        };
        assert_eq!(standing(Decoding::Flat), [(0, 3, 0), (3, 5, 1)]);
        assert_eq!(standing(Decoding::Nested), [(0, 3, 0), (1, 2, 1), (3, 5, 1)]);
        assert_eq!(standing(Decoding::MultiLabel), [(0, 3, 0), (0, 3, 1), (3, 5, 1)]);
        let both = [(0, 3, 0), (0, 3, 1), (1, 2, 1), (3, 5, 1)];
        assert_eq!(standing(Decoding::NestedMultiLabel), both);
    }

    #[test]
    fn words_make_a_span_where_all_its_parts_are_likely() {
        // One label; begin, end, inside.
        let logits = [2.0, -1.0, 1.0, -1.0, 3.0, 0.5, 1.0, 1.0, -1.0];
        let found = of_words(&logits, &[0.5]);
        assert_eq!(found, [candidate((0, 2, 0, sigmoid(0.5)))]);
        assert_eq!(of_words(&logits, &[0.7]), []);
    }

    #[test]
    fn every_label_has_its_threshold() {
        // Two words, two labels, two widths; the second word has no second width.
        let none = f32::NEG_INFINITY;
        let logits = [0.1, 1.0, 2.0, -1.0, 3.0, none, 0.0, none];
        let found = of_spans(&logits, 2, &[0.6, 0.0]);
        let places: Vec<_> = found.iter().map(|c| (c.start, c.end, c.label)).collect();
        assert_eq!(places, [(0, 1, 1), (0, 2, 0), (0, 2, 1), (1, 2, 0), (1, 2, 1)]);
    }
}
