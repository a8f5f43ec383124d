//! One head of attention within a sequence (Vaswani et al. 2017, arXiv:1706.03762): what it is made of, forwards and
//! back, over the pairs of sub-words alone of which one sees the other.

use super::lanes::sum_of_products;
use super::product::{Matrix, MatrixMut, multiply};
use super::softmax;

/// Which sub-words of a sequence see which: those of its text all see each other, and of the pairs of markers behind it
/// (see [`crate::source::model::batch::Batch::pairs`]) each sees the text and itself.
///
/// What goes with what sees it are numbers of their own order here, [`Sight::seen`] of them: for each sub-word of the text
/// one for each of the text; then for each marker one for each of the text, one for the first marker of its pair and
/// one for the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Sight {
    text: usize,
    pairs: usize,
}

impl Sight {
    /// That of a sequence of `length` sub-words and markers, which ends with so many pairs of markers; `None` where they
    /// leave no text.
    pub(in super::super) fn new(length: usize, pairs: usize) -> Option<Self> {
        let text = length.checked_sub(pairs.checked_mul(2)?)?;
        (text > 0 || length == 0).then_some(Self { text, pairs })
    }

    /// How many sub-words and markers there are.
    pub(in super::super) fn length(self) -> usize {
        self.text + self.markers()
    }

    fn markers(self) -> usize {
        2 * self.pairs
    }

    /// How many numbers what a marker sees has.
    fn width(self) -> usize {
        self.text + 2
    }

    /// How many pairs there are of one that sees and one that is seen.
    pub(in super::super) fn seen(self) -> usize {
        self.text * self.text + self.markers() * self.width()
    }

    /// Where the pair of a marker stands, both counted from the first marker.
    fn pair(self, marker: usize) -> [usize; 2] {
        let first = marker % self.pairs;
        [first, first + self.pairs]
    }

    /// The product of the row of each that sees and the row of what it sees.
    pub(in super::super) fn products(self, to: &mut [f32], seers: Head<'_>, seen: Head<'_>) {
        let (text, width) = (self.text, self.width());
        let (by_text, by_markers) = to.split_at_mut(text * text);
        let of_text = seen.matrix(0, text).transposed();
        multiply(
            MatrixMut::new(by_text, [text, text], text),
            seers.matrix(0, text),
            of_text,
            false,
        );
        if self.pairs > 0 {
            let to = MatrixMut::new(by_markers, [self.markers(), text], width);
            multiply(to, seers.matrix(text, self.markers()), of_text, false);
        }
        for (marker, to) in by_markers.chunks_exact_mut(width).enumerate() {
            for (to, other) in to[text..].iter_mut().zip(self.pair(marker)) {
                *to = sum_of_products(seers.row(text + marker), seen.row(text + other));
            }
        }
    }

    /// The softmax of what each sees, times `scale`.
    pub(in super::super) fn softmax(self, scores: &mut [f32], scale: f32) {
        let (by_text, by_markers) = scores.split_at_mut(self.text * self.text);
        softmax::softmax(by_text, self.text, scale);
        softmax::softmax(by_markers, self.width(), scale);
    }

    /// From the gradients by shares, which are what [`Sight::softmax`] made of scores, those by the scores, in their place.
    pub(in super::super) fn by_scores(self, gradients: &mut [f32], shares: &[f32], scale: f32) {
        let (by_text, by_markers) = gradients.split_at_mut(self.text * self.text);
        let (of_text, of_markers) = shares.split_at(self.text * self.text);
        softmax::by_scores(by_text, of_text, self.text, scale);
        softmax::by_scores(by_markers, of_markers, self.width(), scale);
    }

    /// For each that sees, the sum of the rows that it sees, each times its factor.
    pub(in super::super) fn gather(self, to: HeadMut<'_>, factors: &[f32], seen: Head<'_>) {
        let (text, width) = (self.text, self.width());
        let (by_text, by_markers) = factors.split_at(text * text);
        let HeadMut { values, first, hidden, width: columns } = to;
        let (to_text, to_markers) = values.split_at_mut(text * hidden);
        let to = MatrixMut::new(&mut to_text[first..], [text, columns], hidden);
        multiply(to, Matrix::new(by_text, [text, text], text), seen.matrix(0, text), false);
        if self.pairs > 0 {
            let to = MatrixMut::new(&mut to_markers[first..], [self.markers(), columns], hidden);
            let factors = Matrix::new(by_markers, [self.markers(), text], width);
            multiply(to, factors, seen.matrix(0, text), false);
        }
        let to = to_markers.chunks_exact_mut(hidden).zip(by_markers.chunks_exact(width));
        for (marker, (to, factors)) in to.enumerate() {
            for (factor, other) in factors[text..].iter().zip(self.pair(marker)) {
                add_scaled(&mut to[first..first + columns], *factor, seen.row(text + other));
            }
        }
    }

    /// For each that is seen, the sum of the rows of those that see it, each times its factor.
    pub(in super::super) fn scatter(self, to: HeadMut<'_>, factors: &[f32], seers: Head<'_>) {
        let (text, width) = (self.text, self.width());
        let (by_text, by_markers) = factors.split_at(text * text);
        let HeadMut { values, first, hidden, width: columns } = to;
        let (to_text, to_markers) = values.split_at_mut(text * hidden);
        let mut to = |factors: Matrix<'_>, seers, is_added| {
            let to = MatrixMut::new(&mut to_text[first..], [text, columns], hidden);
            multiply(to, factors.transposed(), seers, is_added);
        };
        to(Matrix::new(by_text, [text, text], text), seers.matrix(0, text), false);
        if self.pairs > 0 {
            let factors = Matrix::new(by_markers, [self.markers(), text], width);
            to(factors, seers.matrix(text, self.markers()), true);
        }
        to_markers.chunks_exact_mut(hidden).for_each(|row| row[first..first + columns].fill(0.0));
        for (marker, factors) in by_markers.chunks_exact(width).enumerate() {
            for (factor, other) in factors[text..].iter().zip(self.pair(marker)) {
                let begin = other * hidden + first;
                let to = &mut to_markers[begin..begin + columns];
                add_scaled(to, *factor, seers.row(text + marker));
            }
        }
    }
}

fn add_scaled(to: &mut [f32], factor: f32, row: &[f32]) {
    to.iter_mut().zip(row).for_each(|(to, value)| *to += factor * value);
}

/// The columns of one head of a matrix of shape `(length, hidden)`, a head beside the other.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Head<'v> {
    /// The whole matrix.
    pub(in super::super) values: &'v [f32],
    /// The first column of the head.
    pub(in super::super) first: usize,
    pub(in super::super) hidden: usize,
    /// How many columns it has.
    pub(in super::super) width: usize,
}

impl<'v> Head<'v> {
    /// Some of its rows.
    pub(in super::super) fn matrix(self, row: usize, rows: usize) -> Matrix<'v> {
        let begin = row * self.hidden + self.first;
        Matrix::new(&self.values[begin..], [rows, self.width], self.hidden)
    }

    fn row(self, row: usize) -> &'v [f32] {
        let begin = row * self.hidden + self.first;
        &self.values[begin..begin + self.width]
    }
}

/// As [`Head`], to be written.
#[derive(Debug)]
pub(in super::super) struct HeadMut<'v> {
    pub(in super::super) values: &'v mut [f32],
    pub(in super::super) first: usize,
    pub(in super::super) hidden: usize,
    pub(in super::super) width: usize,
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;
    use proptest::prelude::*;

    const HIDDEN: usize = 11;

    /// Who sees whom, by the order of the numbers.
    fn pairs_of(sight: Sight) -> Vec<(usize, usize)> {
        let of_text = |seer: usize| (0..sight.text).map(move |seen| (seer, seen));
        let mut pairs: Vec<_> = (0..sight.text).flat_map(of_text).collect();
        for marker in 0..sight.markers() {
            let own = sight.pair(marker).map(|other| (sight.text + marker, sight.text + other));
            pairs.extend(of_text(sight.text + marker).chain(own));
        }
        pairs
    }

    fn near(got: f32, expected: f64) -> std::result::Result<(), TestCaseError> {
        prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{} is not {}", got, expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn each_step_equals_its_definition(
            text in 1usize..30,
            pairs in 0usize..12,
            first in 0usize..4,
            width in 1usize..8,
        ) {
            let sight = Sight::new(text + 2 * pairs, pairs).unwrap();
            let who = pairs_of(sight);
            prop_assert_eq!(who.len(), sight.seen());
            let length = sight.length();
            let [left, right, before] = [1, 2, 3].map(|seed| noise(length * HIDDEN, seed));
            let head = |values| Head { values, first, hidden: HIDDEN, width };
            let at = |x: &[f32], row: usize, k: usize| f64::from(x[row * HIDDEN + first + k]);
            let mut products = vec![7.0; sight.seen()];
            sight.products(&mut products, head(&left), head(&right));
            for (got, (seer, seen)) in products.iter().zip(&who) {
                let product = |k| at(&left, *seer, k) * at(&right, *seen, k);
                near(*got, (0..width).map(product).sum())?;
            }
            let factors = noise(sight.seen(), 4);
            for is_gathered in [true, false] {
                let mut values = before.clone();
                let to = HeadMut { values: &mut values, first, hidden: HIDDEN, width };
                let step = if is_gathered { Sight::gather } else { Sight::scatter };
                step(sight, to, &factors, head(&left));
                let mut expected = vec![0.0; length * HIDDEN];
                for (factor, (seer, seen)) in factors.iter().zip(&who) {
                    let (to, from) = if is_gathered { (seer, seen) } else { (seen, seer) };
                    for k in 0..width {
                        expected[to * HIDDEN + first + k] += f64::from(*factor) * at(&left, *from, k);
                    }
                }
                for (place, got) in values.iter().enumerate() {
                    let is_here = (first..first + width).contains(&(place % HIDDEN));
                    near(*got, if is_here { expected[place] } else { f64::from(before[place]) })?;
                }
            }
        }

        #[test]
        fn the_shares_of_what_each_sees_add_up_to_one(text in 1usize..30, pairs in 0usize..12) {
            let sight = Sight::new(text + 2 * pairs, pairs).unwrap();
            let mut shares = noise(sight.seen(), 5);
            sight.softmax(&mut shares, 1.5);
            let mut sums = vec![0.0; sight.length()];
            pairs_of(sight).iter().zip(&shares).for_each(|((seer, _), share)| sums[*seer] += f64::from(*share));
            for sum in sums {
                near(1.0, sum)?;
            }
        }
    }

    #[test]
    fn markers_leave_some_text() {
        assert_eq!(Sight::new(4, 2), None);
        assert_eq!(Sight::new(3, 2), None);
        assert_eq!(Sight::new(5, usize::MAX), None);
        assert_eq!(Sight::new(0, 0).unwrap().seen(), 0);
        assert_eq!(Sight::new(5, 2).unwrap().seen(), 1 + 4 * 3);
    }
}
