//! Which label is taken for which? Counts the pairs of [`super::align`](mod@super::align) by the label
//! of gold and the predicted one; what has no partner is in the margins, missed or spurious.

use std::collections::{BTreeMap, BTreeSet};

use super::align::Pair;

/// How often a label of gold was predicted as another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confusion {
    cells: BTreeMap<(Option<String>, Option<String>), ConfusionCell>,
}

/// Pairs of one label of gold and one predicted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConfusionCell {
    /// How many there are.
    pub count: u64,
    /// How many of them have the same span.
    pub exact: u64,
}

impl Confusion {
    /// Adds the pairs of a document.
    pub fn add(&mut self, pairs: &[Pair<'_>]) {
        for pair in pairs {
            let key = (
                pair.gold.map(|one| one.label.clone()),
                pair.predicted.map(|one| one.label.clone()),
            );
            let cell = self.cells.entry(key).or_default();
            cell.count += 1;
            let is_exact = pair.gold.map(|one| one.span) == pair.predicted.map(|one| one.span);
            cell.exact += u64::from(is_exact);
        }
    }

    /// All labels, sorted.
    pub fn labels(&self) -> Vec<&str> {
        let labels = self.cells.keys().flat_map(|(gold, predicted)| [gold, predicted]);
        let labels: BTreeSet<&str> = labels.flatten().map(String::as_str).collect();
        labels.into_iter().collect()
    }

    /// How often gold has the one and the prediction the other; `None` for what has no partner there.
    pub fn cell(&self, gold: Option<&str>, predicted: Option<&str>) -> ConfusionCell {
        let key = (gold.map(str::to_owned), predicted.map(str::to_owned));
        self.cells.get(&key).copied().unwrap_or_default()
    }
}
