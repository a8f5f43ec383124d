//! Entities from tags as flair reads them (`get_spans_from_bio`): however malformed, what is not outside goes on
//! until something begins anew.

use std::ops::Range;

/// The entities that the tags of a sentence mark, with the labels of the tags. `B` and `S` begin one; so does
/// `I` after a tag of another label. Anything else that is not outside goes on with the entity before it. Its
/// label is the one that most of its tags have; that of the tag that began it counts a tenth more, and of two
/// that are equal the first is taken.
pub(super) fn decode<'t>(tags: &[&'t str]) -> Vec<(Range<usize>, &'t str)> {
    let mut spans = Vec::new();
    let mut open: Option<Open<'t>> = None;
    let mut before = "";
    for (word, tag) in tags.iter().enumerate() {
        let Some((prefix, label)) = tag.split_once('-').filter(|(prefix, _)| !prefix.is_empty())
        else {
            spans.extend(open.take().map(|open| open.close(word)));
            before = "";
            continue;
        };
        let begins = matches!(prefix, "B" | "S") || (prefix == "I" && before != label);
        if begins {
            spans.extend(open.take().map(|open| open.close(word)));
        }
        let open = open.get_or_insert_with(|| Open { first: word, weights: Vec::new() });
        open.add(label, if begins { 1.1 } else { 1.0 });
        before = label;
    }
    spans.extend(open.map(|open| open.close(tags.len())));
    spans
}

/// An entity that may go on.
struct Open<'t> {
    first: usize,
    /// What speaks for each label, in the order in which they came.
    weights: Vec<(&'t str, f64)>,
}

impl<'t> Open<'t> {
    fn add(&mut self, label: &'t str, weight: f64) {
        match self.weights.iter_mut().find(|(known, _)| *known == label) {
            Some((_, sum)) => *sum += weight,
            None => self.weights.push((label, weight)),
        }
    }

    fn close(self, end: usize) -> (Range<usize>, &'t str) {
        let heavier = |best: (&'t str, f64), next: (&'t str, f64)| {
            if next.1 > best.1 { next } else { best }
        };
        let (label, _) = self.weights.into_iter().reduce(heavier).unwrap_or_default();
        (self.first..end, label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tags: &str) -> String {
        let tags: Vec<&str> = tags.split(' ').collect();
        let told = decode(&tags).into_iter();
        told.map(|(r, label)| format!("{label} {}-{}", r.start, r.end))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What flair 0.15.1's `get_spans_from_bio` gives for the same tags.
    #[test]
    fn tags_are_read_as_flair_reads_them() {
        for (tags, expected) in [
            ("O S-A B-A I-A E-A O", "A 1-2, A 2-5"),
            ("E-A I-A O E-B", "A 0-2, B 3-4"),
            ("I-A I-B E-B", "A 0-1, B 1-3"),
            ("S-A E-A S-A S-A", "A 0-2, A 2-3, A 3-4"),
            ("B-A E-B", "A 0-2"),
            ("B-A E-B E-B", "B 0-3"),
            ("O O", ""),
            ("B-A I-A B-A", "A 0-2, A 2-3"),
            ("E-A B-B-C I-B-C", "A 0-1, B-C 1-3"),
        ] {
            assert_eq!(told(tags), expected, "{tags}");
        }
    }
}
