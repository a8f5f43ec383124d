//! Overlapping windows over a long sequence of words, so that a model with a limited length sees
//! every word with context on both sides.

use std::ops::Range;

/// A stretch of words that a model sees at once, and those of them whose answer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The words it sees.
    pub words: Range<usize>,
    /// The words whose answer is taken from it; the `keep` ranges of all windows follow each other
    /// without gap or overlap.
    pub keep: Range<usize>,
}

/// Windows over words of the given lengths (in sub-words), each of at most `capacity` sub-words;
/// neighbours share about `overlap` sub-words, and each takes the half of them on its own side.
///
/// A word longer than `capacity` has a window of its own. Every word is kept by exactly one window.
pub fn windows(lengths: &[usize], capacity: usize, overlap: usize) -> Vec<Window> {
    windows_of_words(lengths, capacity, usize::MAX, overlap)
}

/// [`windows`] of at most `words` words each, at least one, half of which neighbours share at most.
pub fn windows_of_words(
    lengths: &[usize],
    capacity: usize,
    words: usize,
    overlap: usize,
) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let end = extend(lengths, start, capacity).min(start.saturating_add(words.max(1)));
        windows.push(Window { words: start..end, keep: start..end });
        if end == lengths.len() {
            break;
        }
        start = step_back(lengths, start, end, overlap).max(end - (words / 2).min(end));
    }
    for i in 1..windows.len() {
        let shared = windows[i].words.start..windows[i - 1].words.end;
        let border = shared.start + shared.len() / 2;
        windows[i - 1].keep.end = border;
        windows[i].keep.start = border;
    }
    windows
}

/// Stretches of words of the given lengths (in sub-words), each of at most `capacity` sub-words, such that
/// whatever `reach` words that follow each other and fit into `capacity` are together in one of them;
/// neighbours share at least `overlap` sub-words where there is room.
///
/// A word longer than `capacity` has a stretch of its own. Beginnings and ends both grow from one to the
/// next.
pub fn covering(
    lengths: &[usize],
    capacity: usize,
    overlap: usize,
    reach: usize,
) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let end = extend(lengths, start, capacity);
        if stretches.last().is_none_or(|last| last.end < end) {
            stretches.push(start..end);
        }
        if end == lengths.len() {
            break;
        }
        // A stretch of `reach` words that begins before is whole in this one.
        let latest = (end + 1).saturating_sub(reach);
        start = latest.min(step_back(lengths, start, end, overlap)).max(start + 1);
    }
    stretches
}

/// The end of the longest window from `start`; at least one word.
fn extend(lengths: &[usize], start: usize, capacity: usize) -> usize {
    let mut used = 0;
    let mut end = start;
    while end < lengths.len() && (end == start || used + lengths[end] <= capacity) {
        used += lengths[end];
        end += 1;
    }
    end
}

/// Where the window after `start..end` begins: `overlap` sub-words back, but past `start`, and so
/// that it reaches further than `end`.
fn step_back(lengths: &[usize], start: usize, end: usize, overlap: usize) -> usize {
    let mut used = 0;
    let mut next = end;
    while next > start + 1 && used + lengths[next - 1] + lengths[end] <= overlap {
        next -= 1;
        used += lengths[next];
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_share_words_and_split_them() {
        let windows = windows(&[1; 10], 6, 3);
        let seen: Vec<_> = windows.iter().map(|w| w.words.clone()).collect();
        assert_eq!(seen, [0..6, 4..10]);
        let kept: Vec<_> = windows.iter().map(|w| w.keep.clone()).collect();
        assert_eq!(kept, [0..5, 5..10]);
    }

    #[test]
    fn a_word_longer_than_the_window_has_its_own() {
        let windows = windows(&[1, 50, 1], 6, 2);
        assert!(windows.iter().any(|w| w.words == (1..2)));
    }

    #[test]
    fn words_are_a_limit_of_their_own() {
        let windows = windows_of_words(&[1, 2, 1, 1, 1, 1, 1, 1], 100, 4, 50);
        let seen: Vec<_> = windows.iter().map(|w| w.words.clone()).collect();
        assert_eq!(seen, [0..4, 2..6, 4..8]);
        let alone = windows_of_words(&[1; 3], 100, 1, 50);
        assert_eq!(alone.iter().map(|w| w.words.clone()).collect::<Vec<_>>(), [0..1, 1..2, 2..3]);
    }

    proptest! {
        #[test]
        fn all_that_fits_and_is_short_is_covered(
            lengths in proptest::collection::vec(0usize..9, 0..60),
            capacity in 1usize..30,
            overlap in 0usize..15,
            reach in 1usize..9,
        ) {
            let stretches = covering(&lengths, capacity, overlap, reach);
            for pair in stretches.windows(2) {
                prop_assert!(pair[0].start < pair[1].start && pair[0].end < pair[1].end);
            }
            let size = |words: &Range<usize>| lengths[words.clone()].iter().sum::<usize>();
            for stretch in &stretches {
                prop_assert!(size(stretch) <= capacity || stretch.len() == 1);
            }
            for start in 0..lengths.len() {
                for end in start + 1..=lengths.len().min(start + reach) {
                    let is_in = stretches.iter().any(|s| s.start <= start && end <= s.end);
                    let fits = size(&(start..end)) <= capacity || end == start + 1;
                    prop_assert!(is_in || !fits, "{start}..{end} of {stretches:?}");
                }
            }
        }

        #[test]
        fn every_word_is_kept_once_and_fits(
            lengths in proptest::collection::vec(1usize..9, 0..80),
            capacity in 1usize..30,
            overlap in 0usize..30,
            most in 1usize..40,
        ) {
            let mut next = 0;
            for window in windows_of_words(&lengths, capacity, most, overlap.min(capacity / 2)) {
                prop_assert!(window.words.len() <= most);
                prop_assert_eq!(window.keep.start, next);
                prop_assert!(window.words.start <= window.keep.start);
                prop_assert!(window.keep.end <= window.words.end);
                let used: usize = lengths[window.words.clone()].iter().sum();
                prop_assert!(used <= capacity || window.words.len() == 1);
                next = window.keep.end;
            }
            prop_assert_eq!(next, lengths.len());
        }
    }
}
