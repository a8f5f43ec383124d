//! The one total order of what was found, and the clusters of what overlaps.

use std::cmp::Ordering;
use std::ops::Range;

use super::{Candidate, Mention, Span};

/// The order of all output: by start, longer first, label, higher score first, then origins.
///
/// Two candidates that compare equal are equal in everything a user can see.
pub fn compare(a: &Candidate, b: &Candidate) -> Ordering {
    by_place(a.span, b.span)
        .then_with(|| a.label.cmp(&b.label))
        .then_with(|| b.score.total_cmp(&a.score))
        .then_with(|| a.origins.cmp(&b.origins))
}

/// [`compare`] for mentions.
pub fn compare_mentions(a: &Mention, b: &Mention) -> Ordering {
    by_place(a.span, b.span)
        .then_with(|| a.label.cmp(&b.label))
        .then_with(|| b.score.total_cmp(&a.score))
        .then_with(|| a.origin.cmp(&b.origin))
}

fn by_place(a: Span, b: Span) -> Ordering {
    a.start.cmp(&b.start).then(b.end.cmp(&a.end))
}

/// Index ranges of candidates that hang together by overlap; `candidates` must be sorted by
/// [`compare`]. Candidates of different clusters never overlap.
pub fn overlap_clusters(candidates: &[Candidate]) -> Vec<Range<usize>> {
    let mut clusters = Vec::new();
    let mut first = 0;
    let mut end = 0;
    for (i, candidate) in candidates.iter().enumerate() {
        if i > first && candidate.span.start >= end {
            clusters.push(first..i);
            first = i;
        }
        end = if i == first { candidate.span.end } else { end.max(candidate.span.end) };
    }
    if first < candidates.len() {
        clusters.push(first..candidates.len());
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Origin;

    fn candidate(start: usize, end: usize) -> Candidate {
        Candidate {
            span: Span::new(start, end),
            label: "X".into(),
            score: 0.5,
            origins: vec![Origin::new(&"s".into(), "")],
            overruled: vec![],
        }
    }

    #[test]
    fn longer_comes_first_at_one_start() {
        let mut list = [candidate(0, 2), candidate(0, 5)];
        list.sort_by(compare);
        assert_eq!(list[0].span.end, 5);
    }

    #[test]
    fn clusters_chain_overlaps_and_part_where_spans_touch() {
        let list = [candidate(0, 4), candidate(2, 6), candidate(6, 8), candidate(9, 10)];
        assert_eq!(overlap_clusters(&list), vec![0..2, 2..3, 3..4]);
        assert!(overlap_clusters(&[]).is_empty());
    }
}
