//! Texts that are asked, each time that they are learnt from, for labels by lot: those that they have something of, and
//! some that others of the batch have (`batch_generate_class_mappings` of the library's `data_processing/processor.py`).
//! So a model learns that labels come and go, in any order, and a corpus may have thousands of them.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::examples::PromptedExample;
use super::options::Options;
use crate::source::model::Dropout;
use crate::source::model::gliner::Gliner;

/// How many labels the library asks a text for at most.
const MOST_LABELS: usize = 25;

/// How labels are drawn.
pub(super) struct DrawnLabels {
    /// At most so many that are not there, for each entity.
    ratio: usize,
    /// At most so many in all.
    most: usize,
    /// Whether an entity is a pair of what is there, and not one pair a word and more.
    has_widths: bool,
}

impl DrawnLabels {
    /// As the options say; `None` where all texts are asked for all labels.
    pub(super) fn new(options: &Options, has_widths: bool) -> Option<Self> {
        let ratio = options.negative_labels?;
        let most = options.most_labels.unwrap_or(MOST_LABELS);
        Some(Self { ratio, most, has_widths })
    }

    /// The examples of a batch, each asked for labels by lot; as they are where nothing is left to chance.
    pub(super) fn draw(
        &self,
        examples: &[&PromptedExample],
        model: &Gliner,
        dropout: &Dropout,
    ) -> Vec<PromptedExample> {
        let Some(number) = dropout.number() else {
            return examples.iter().map(|example| (*example).clone()).collect();
        };
        let mut random = ChaCha8Rng::seed_from_u64(number.into());
        let found: BTreeSet<usize> = examples.iter().flat_map(|example| found(example)).collect();
        let mut of_batch: Vec<usize> = found.into_iter().collect();
        of_batch.shuffle(&mut random);
        examples
            .iter()
            .map(|example| {
                let labels = self.labels(example, &of_batch, &mut random);
                asked_for(example, labels, model)
            })
            .collect()
    }

    /// The labels that an example is asked for; those of the batch are in the order in which they are taken.
    fn labels(
        &self,
        example: &PromptedExample,
        of_batch: &[usize],
        random: &mut ChaCha8Rng,
    ) -> Vec<usize> {
        let is_entity = |pair: &&[u32; 3]| self.has_widths || pair[2] == 0;
        let entities = example.there.iter().filter(is_entity).count();
        let taken = entities.saturating_mul(random.random_range(0..=self.ratio));
        let mut labels: Vec<usize> = found(example).into_iter().collect();
        let others: Vec<usize> = {
            // What another row of the text is asked for is no label that is not there.
            let is_elsewhere =
                |label: &usize| example.present.contains(label) && !labels.contains(label);
            let may = |label: &usize| {
                example.annotated.binary_search(label).is_ok() && !is_elsewhere(label)
            };
            let may = of_batch.iter().copied().filter(may);
            // The library asks a text without entities for a label without a name.
            let taken = if labels.is_empty() { 1 } else { taken };
            may.take(taken).filter(|label| !labels.contains(label)).collect()
        };
        labels.extend(others);
        labels.shuffle(random);
        labels.truncate(self.most);
        if labels.is_empty() { example.asked.clone() } else { labels }
    }
}

/// The labels that an example has something of.
fn found(example: &PromptedExample) -> BTreeSet<usize> {
    example.there.iter().map(|[_, label, _]| example.asked[*label as usize]).collect()
}

/// The example, asked for other labels: of those that it has nothing of, as many as fit.
fn asked_for(example: &PromptedExample, mut labels: Vec<usize>, model: &Gliner) -> PromptedExample {
    let found = found(example);
    let text = &example.ids[example.text.clone()];
    loop {
        if let Some((ids, places, begin)) = model.beside(&labels, text) {
            let there = example.there.iter().filter_map(|[word, label, part]| {
                let asked = example.asked[*label as usize];
                let label = labels.iter().position(|label| *label == asked)?;
                Some([*word, label as u32, *part])
            });
            let moved = |place: &u32| *place + begin as u32 - example.text.start as u32;
            return PromptedExample {
                text: begin..begin + text.len(),
                words: example.words.iter().map(moved).collect(),
                there: there.collect(),
                annotated: example.annotated.clone(),
                present: example.present.clone(),
                taught: example.taught.clone(),
                labels: places,
                asked: labels,
                ids,
            };
        }
        match labels.iter().rposition(|label| !found.contains(label)) {
            Some(place) => drop(labels.remove(place)),
            None => return example.clone(),
        }
    }
}
