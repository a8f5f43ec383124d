//! What several systems got right, document by document, as small integers: scoring any choice of
//! documents is a sum over them.

use std::collections::BTreeMap;

use crate::eval::Score;
use crate::eval::entity::{EntityCounts, LabelCounts, averages};

/// The counts of each document, of systems that were given the same documents. Documents in which
/// nothing is there cost nothing, and systems after the first only where they differ from it.
#[derive(Debug, Clone, Default)]
pub struct PairedCounts {
    systems: usize,
    /// The labels; sorted.
    labels: Vec<String>,
    /// Where the cells of each document end.
    ends: Vec<usize>,
    cells: Vec<Cell>,
}

/// A count that is not zero: in gold, or right or predicted by the first system; or how much that of a
/// later system is more.
#[derive(Debug, Clone, Copy)]
struct Cell {
    column: u32,
    count: i32,
}

/// The counts of a choice of documents. For each label: gold, then for each system right and predicted,
/// those of the later ones less those of the first.
pub(super) type Sums = Vec<i64>;

impl PairedCounts {
    /// The counts of `documents`: of each document, what each of `systems` got right. Of what was
    /// predicted only the entities of `labels` count.
    pub fn new<'d>(
        systems: usize,
        labels: impl IntoIterator<Item = &'d str>,
        documents: impl IntoIterator<Item = Vec<EntityCounts>>,
    ) -> Self {
        let mut labels: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        labels.sort();
        labels.dedup();
        let mut all = Self { systems, labels, ..Self::default() };
        for document in documents {
            let systems = document.iter().enumerate();
            let counts: Vec<(usize, usize, LabelCounts)> = systems
                .flat_map(|(system, counts)| counts.labels().map(move |label| (system, label)))
                .filter_map(|(system, (label, counts))| {
                    let number = all.labels.binary_search_by(|known| (**known).cmp(label)).ok()?;
                    Some((system, number, counts))
                })
                .collect();
            all.add(counts);
        }
        all
    }

    /// The counts of `documents` of which only those of all labels together are known: of each
    /// document, those of each system. There is one label then, the empty one.
    pub fn of_totals(
        systems: usize,
        documents: impl IntoIterator<Item = Vec<LabelCounts>>,
    ) -> Self {
        let mut all = Self { systems, labels: vec![String::new()], ..Self::default() };
        for document in documents {
            let systems = document.into_iter().enumerate();
            all.add(systems.map(|(system, counts)| (system, 0, counts)));
        }
        all
    }

    /// Adds a document: numbers of systems and labels, with their counts.
    fn add(&mut self, document: impl IntoIterator<Item = (usize, usize, LabelCounts)>) {
        let mut row: BTreeMap<usize, i64> = BTreeMap::new();
        let width = self.width();
        for (system, label, counts) in document {
            let first = label * width;
            let [right, predicted] = [counts.right, counts.predicted].map(|n| n as i64);
            if system == 0 {
                row.insert(first, counts.gold as i64);
                for later in 1..self.systems {
                    *row.entry(first + 1 + 2 * later).or_default() -= right;
                    *row.entry(first + 2 + 2 * later).or_default() -= predicted;
                }
            }
            *row.entry(first + 1 + 2 * system).or_default() += right;
            *row.entry(first + 2 + 2 * system).or_default() += predicted;
        }
        let cell = |(column, count): (usize, i64)| Cell {
            column: u32::try_from(column).expect("labels and systems are few"),
            count: i32::try_from(count).expect("a document has fewer entities"),
        };
        self.cells.extend(row.into_iter().filter(|(_, count)| *count != 0).map(cell));
        self.ends.push(self.cells.len());
    }

    /// How many systems.
    pub fn systems(&self) -> usize {
        self.systems
    }

    /// How many documents.
    pub fn documents(&self) -> usize {
        self.ends.len()
    }

    /// The labels that count.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many columns a label has.
    fn width(&self) -> usize {
        1 + 2 * self.systems
    }

    /// The counts of these documents together.
    pub(super) fn sum(&self, documents: impl Iterator<Item = usize>) -> Sums {
        let mut sums = vec![0; self.labels.len() * self.width()];
        for document in documents {
            let start = document.checked_sub(1).map_or(0, |before| self.ends[before]);
            for cell in &self.cells[start..self.ends[document]] {
                sums[cell.column as usize] += i64::from(cell.count);
            }
        }
        sums
    }

    /// The counts of all documents.
    pub(super) fn total(&self) -> Sums {
        self.sum(0..self.documents())
    }

    /// The scores of a system: micro, macro, and of each label.
    pub(super) fn report(&self, sums: &Sums, system: usize) -> Vec<Score> {
        scores(sums.chunks_exact(self.width()).map(|label| {
            let later =
                if system == 0 { [0, 0] } else { [label[1 + 2 * system], label[2 + 2 * system]] };
            counts(label[0], label[1] + later[0], label[2] + later[1])
        }))
    }

    /// The scores of the first system and of `system` after they have changed places in the documents
    /// of `moved`; `total` is of all documents.
    pub(super) fn reports_swapped(
        &self,
        total: &Sums,
        moved: &Sums,
        system: usize,
    ) -> (Vec<Score>, Vec<Score>) {
        let width = self.width();
        let labels = || total.chunks_exact(width).zip(moved.chunks_exact(width));
        let [right, predicted] = [1 + 2 * system, 2 + 2 * system];
        let first =
            scores(labels().map(|(all, moved)| {
                counts(all[0], all[1] + moved[right], all[2] + moved[predicted])
            }));
        let other = scores(labels().map(|(all, moved)| {
            let right = all[1] + all[right] - moved[right];
            counts(all[0], right, all[2] + all[predicted] - moved[predicted])
        }));
        (first, other)
    }
}

fn counts(gold: i64, right: i64, predicted: i64) -> LabelCounts {
    let whole = |count: i64| u64::try_from(count).expect("counts of whole documents");
    LabelCounts { right: whole(right), predicted: whole(predicted), gold: whole(gold) }
}

/// The scores of labels: of all together, their mean, and each.
fn scores(labels: impl Iterator<Item = LabelCounts>) -> Vec<Score> {
    let labels: Vec<LabelCounts> = labels.collect();
    // A label that is neither in gold nor predicted is none.
    let present = labels.iter().copied().filter(|label| label.gold + label.predicted > 0);
    let averages = averages(present);
    let mut scores = vec![averages.micro.score, averages.macro_average.score];
    scores.extend(labels.iter().map(|label| label.row().score));
    scores
}
