//! What is in a corpus: sizes, labels, lengths, duplicates, what two parts share, and surfaces that carry
//! several labels. Counting only; reading and printing are others' work.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use crate::text::{Document, Span, segment};

/// How often each number came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    counts: BTreeMap<usize, u64>,
}

impl Distribution {
    /// Counts one more.
    pub fn add(&mut self, number: usize) {
        *self.counts.entry(number).or_default() += 1;
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Self) {
        for (number, count) in &other.counts {
            *self.counts.entry(*number).or_default() += count;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.counts.iter().map(|(number, count)| *number as u64 * count).sum()
    }

    /// Their mean; 0 where there are none.
    pub fn mean(&self) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { self.sum() as f64 / count as f64 }
    }

    /// The largest; 0 where there are none.
    pub fn longest(&self) -> usize {
        self.counts.keys().next_back().copied().unwrap_or(0)
    }

    /// The smallest number that at least `percent` of a hundred do not exceed (the nearest rank); 0 where
    /// there are none.
    pub fn percentile(&self, percent: u64) -> usize {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (number, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return *number;
            }
        }
        0
    }
}

/// What is counted of one label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelStats {
    /// How long its entities are, in tokens; so many there are.
    pub lengths: Distribution,
    /// Its surfaces, each with how often it carries the label.
    pub surfaces: BTreeMap<String, u64>,
}

/// What is counted of one part of a corpus.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartStats {
    /// What the part is called.
    pub name: String,
    /// Documents that say which entities are there.
    pub documents_with_gold: u64,
    /// How long documents are, in tokens; so many there are. Of CoNLL each sentence is one.
    pub documents: Distribution,
    /// How long sentences are, in tokens. Given tokens are one sentence.
    pub sentences: Distribution,
    /// Code points.
    pub characters: u64,
    /// Tokens inside of entities.
    pub tokens_in_entities: u64,
    /// The labels.
    pub labels: BTreeMap<String, LabelStats>,
    /// Documents whose text came before in the same part.
    pub duplicates: u64,
    /// The first of them: where it came before, and where again.
    pub duplicate_examples: Vec<(String, String)>,
    /// Those of them whose entities differ from the first time.
    pub duplicates_that_differ: u64,
    texts: BTreeMap<u64, Seen>,
}

/// A text that was seen.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// The document; only as many are kept as are ever shown.
    id: Option<String>,
    gold: u64,
    times: u64,
}

/// So many examples are kept.
const EXAMPLES: usize = 3;

/// So many ids are kept for them in each part.
const IDS: usize = 100_000;

impl PartStats {
    /// Nothing counted yet, of a part of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Counts a document. One without text, such as comments at the end of a file, does not count.
    pub fn add(&mut self, document: &Document) {
        let text = document.text.trim();
        if text.is_empty() {
            return;
        }
        let tokens = self.add_text(document);
        self.add_entities(document, &tokens);
        let mut gold: Vec<_> = document.gold.iter().flatten().collect();
        gold.sort_by_key(|one| (one.span, one.label.as_str()));
        let spans: Vec<_> = gold.iter().map(|one| (one.span, one.label.as_str())).collect();
        let gold = fingerprint(&spans);
        let id = (self.texts.len() < IDS).then(|| document.id.clone());
        let seen = self.texts.entry(fingerprint(&text)).or_insert(Seen { id, gold, times: 0 });
        seen.times += 1;
        if seen.times > 1 {
            self.duplicates += 1;
            self.duplicates_that_differ += u64::from(seen.gold != gold);
            if self.duplicate_examples.len() < EXAMPLES {
                let first = seen.id.clone().unwrap_or_default();
                self.duplicate_examples.push((first, document.id.clone()));
            }
        }
    }

    /// Counts a document's text, and gives its tokens.
    fn add_text(&mut self, document: &Document) -> Vec<Span> {
        self.characters += document.text.chars().count() as u64;
        let tokens = match document.token_spans() {
            Some(tokens) => {
                self.sentences.add(tokens.len());
                tokens
            }
            None => {
                let mut tokens = Vec::new();
                for sentence in segment::sentences(&document.text) {
                    let words = segment::words(sentence.slice(&document.text).unwrap_or(""));
                    self.sentences.add(words.len());
                    let start = sentence.start;
                    tokens.extend(words.iter().map(|w| Span::new(w.start + start, w.end + start)));
                }
                tokens
            }
        };
        self.documents.add(tokens.len());
        tokens
    }

    fn add_entities(&mut self, document: &Document, tokens: &[Span]) {
        let Some(gold) = &document.gold else { return };
        self.documents_with_gold += 1;
        let mut inside = BTreeSet::new();
        for annotation in gold {
            let first = tokens.partition_point(|token| token.end <= annotation.span.start);
            let last = tokens.partition_point(|token| token.start < annotation.span.end);
            inside.extend(first..last);
            let surface = annotation.span.slice(&document.text).unwrap_or("");
            let surface = surface.split_whitespace().collect::<Vec<_>>().join(" ");
            let label = self.labels.entry(annotation.label.clone()).or_default();
            label.lengths.add(last.saturating_sub(first));
            *label.surfaces.entry(surface).or_default() += 1;
        }
        self.tokens_in_entities += inside.len() as u64;
    }

    /// How many tokens there are.
    pub fn tokens(&self) -> u64 {
        self.documents.sum()
    }

    /// How many entities there are.
    pub fn entities(&self) -> u64 {
        self.labels.values().map(|label| label.lengths.count()).sum()
    }

    /// How long entities are, in tokens.
    pub fn entity_lengths(&self) -> Distribution {
        let mut all = Distribution::default();
        self.labels.values().for_each(|label| all.merge(&label.lengths));
        all
    }

    /// The surfaces, each with how often it carries which label.
    pub fn surfaces(&self) -> BTreeMap<&str, BTreeMap<&str, u64>> {
        let mut surfaces: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for (label, stats) in &self.labels {
            for (surface, count) in &stats.surfaces {
                surfaces.entry(surface).or_default().insert(label, *count);
            }
        }
        surfaces
    }

    /// Both parts as one. A text of both counts as a duplicate.
    pub fn merge(&mut self, other: &Self) {
        self.documents_with_gold += other.documents_with_gold;
        self.documents.merge(&other.documents);
        self.sentences.merge(&other.sentences);
        self.characters += other.characters;
        self.tokens_in_entities += other.tokens_in_entities;
        for (name, theirs) in &other.labels {
            let ours = self.labels.entry(name.clone()).or_default();
            ours.lengths.merge(&theirs.lengths);
            for (surface, count) in &theirs.surfaces {
                *ours.surfaces.entry(surface.clone()).or_default() += count;
            }
        }
        self.duplicates += other.duplicates;
        self.duplicates_that_differ += other.duplicates_that_differ;
        for (text, theirs) in &other.texts {
            match self.texts.get_mut(text) {
                Some(ours) => {
                    ours.times += theirs.times;
                    self.duplicates += 1;
                    self.duplicates_that_differ += u64::from(ours.gold != theirs.gold);
                }
                None => {
                    self.texts.insert(*text, theirs.clone());
                }
            }
        }
    }
}

/// A number that two values share only if they are the same, but for one chance in 2⁶⁴.
fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What of one part stands in another already.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    /// The part that knows it, such as that for training.
    pub from: String,
    /// The part that has it again, such as that for testing.
    pub to: String,
    /// Documents of `to` whose text stands in `from`.
    pub documents: u64,
    /// Those of them whose entities differ in `from`.
    pub documents_that_differ: u64,
    /// Entities of `to` whose surface is an entity in `from`, of whatever label.
    pub surfaces: u64,
    /// Entities of `to` whose surface is an entity of the same label in `from`.
    pub surfaces_and_labels: u64,
}

/// What each part has of the parts before it, in order.
pub fn leaks(parts: &[PartStats]) -> Vec<Leak> {
    let pairs = (0..parts.len()).flat_map(|to| (0..to).map(move |from| (from, to)));
    pairs.map(|(from, to)| leak(&parts[from], &parts[to])).collect()
}

fn leak(from: &PartStats, to: &PartStats) -> Leak {
    let (mut documents, mut documents_that_differ) = (0, 0);
    for (text, seen) in &to.texts {
        if let Some(known) = from.texts.get(text) {
            documents += seen.times;
            documents_that_differ += if known.gold == seen.gold { 0 } else { seen.times };
        }
    }
    let (known, mut surfaces, mut surfaces_and_labels) = (from.surfaces(), 0, 0);
    for (surface, labels) in to.surfaces() {
        let Some(known) = known.get(surface) else { continue };
        surfaces += labels.values().sum::<u64>();
        let same = labels.iter().filter(|(label, _)| known.contains_key(*label));
        surfaces_and_labels += same.map(|(_, count)| count).sum::<u64>();
    }
    let (from, to) = (from.name.clone(), to.name.clone());
    Leak { from, to, documents, documents_that_differ, surfaces, surfaces_and_labels }
}

/// A surface that carries several labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelConflict {
    /// The surface.
    pub surface: String,
    /// Its labels with their counts, the most frequent first.
    pub labels: Vec<(String, u64)>,
}

impl LabelConflict {
    /// How many entities carry another label than the most frequent.
    pub fn minority(&self) -> u64 {
        self.labels.iter().skip(1).map(|(_, count)| count).sum()
    }
}

/// The surfaces that carry several labels; first those of which most entities are in the minority.
pub fn label_conflicts(part: &PartStats) -> Vec<LabelConflict> {
    let several = part.surfaces().into_iter().filter(|(_, labels)| labels.len() > 1);
    let conflict = |(surface, labels): (&str, BTreeMap<&str, u64>)| {
        let mut labels: Vec<(String, u64)> =
            labels.into_iter().map(|(label, count)| (label.to_owned(), count)).collect();
        labels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        LabelConflict { surface: surface.to_owned(), labels }
    };
    let mut conflicts: Vec<LabelConflict> = several.map(conflict).collect();
    conflicts
        .sort_by(|a, b| b.minority().cmp(&a.minority()).then_with(|| a.surface.cmp(&b.surface)));
    conflicts
}

/// Surfaces that come about equally often.
#[derive(Debug, Clone, PartialEq)]
pub struct TailStep {
    /// They come at least so often.
    pub from: u64,
    /// And at most so often.
    pub to: u64,
    /// So many surfaces do.
    pub surfaces: u64,
    /// So many entities they are.
    pub entities: u64,
}

/// How many surfaces come how often: once, twice, 3 to 4 times, 5 to 8 times, and so on. Steps up to the
/// most frequent surface are there even where they are empty.
pub fn long_tail(part: &PartStats) -> Vec<TailStep> {
    let mut steps: Vec<TailStep> = Vec::new();
    let frequencies = part.surfaces().into_values().map(|labels| labels.values().sum::<u64>());
    for frequency in frequencies {
        let step = u64::BITS - frequency.saturating_sub(1).leading_zeros();
        while steps.len() <= step as usize {
            let to = 1_u64 << steps.len();
            steps.push(TailStep { from: to / 2 + 1, to, surfaces: 0, entities: 0 });
        }
        let step = &mut steps[step as usize];
        step.surfaces += 1;
        step.entities += frequency;
    }
    steps
}

/// The most frequent surfaces, at most `count`, each with its labels as in [`LabelConflict`].
pub fn frequent_surfaces(part: &PartStats, count: usize) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = part
        .surfaces()
        .into_iter()
        .map(|(surface, labels)| (surface.to_owned(), labels.values().sum()))
        .collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Annotation;
    use proptest::prelude::*;

    fn document(id: &str, words: &[&str], entities: &[(usize, usize, &str)]) -> Document {
        let mut document = Document::from_words(id, words.iter().copied());
        let spans = document.token_spans().unwrap();
        let annotation = |(first, last, label): &(usize, usize, &str)| Annotation {
            span: Span::new(spans[*first].start, spans[*last].end),
            label: (*label).to_owned(),
        };
        document.gold = Some(entities.iter().map(annotation).collect());
        document
    }

    fn part(name: &str, documents: &[Document]) -> PartStats {
        let mut part = PartStats::new(name);
        documents.iter().for_each(|document| part.add(document));
        part
    }

    fn train() -> PartStats {
        part(
            "train",
            &[
                document("1", &["New", "York", "is", "far"], &[(0, 1, "LOC")]),
                document("2", &["New", "York", "won"], &[(0, 1, "ORG")]),
                document("3", &["New", "York", "is", "far"], &[]),
                document("4", &["Ann", "left"], &[(0, 0, "PER")]),
                Document::default(),
            ],
        )
    }

    #[test]
    fn sizes_and_shares_are_counted() {
        let train = train();
        assert_eq!((train.documents.count(), train.tokens(), train.entities()), (4, 13, 3));
        assert_eq!((train.tokens_in_entities, train.characters), (5, 50));
        assert_eq!((train.duplicates, train.duplicates_that_differ), (1, 1));
        assert_eq!(train.duplicate_examples, [("1".to_owned(), "3".to_owned())]);
        assert_eq!(train.labels["LOC"].lengths.longest(), 2);
        let mut plain = PartStats::new("plain");
        plain.add(&Document::new("p", "Ann left. Bo came back."));
        assert_eq!((plain.sentences.count(), plain.tokens()), (2, 7));
        assert_eq!((plain.documents_with_gold, plain.entities()), (0, 0));
    }

    #[test]
    fn what_a_part_has_of_another_is_found() {
        let test = part(
            "test",
            &[
                document("5", &["New", "York", "won"], &[(0, 1, "LOC")]),
                document("6", &["Bo", "saw", "Ann"], &[(0, 0, "PER"), (2, 2, "PER")]),
            ],
        );
        let leaks = leaks(&[train(), test]);
        let expected = Leak {
            from: "train".to_owned(),
            to: "test".to_owned(),
            documents: 1,
            documents_that_differ: 1,
            surfaces: 2,
            surfaces_and_labels: 2,
        };
        assert_eq!(leaks, [expected]);
    }

    #[test]
    fn surfaces_with_several_labels_are_conflicts() {
        let conflicts = label_conflicts(&train());
        assert_eq!(conflicts.len(), 1);
        let labels = [("LOC".to_owned(), 1), ("ORG".to_owned(), 1)];
        assert_eq!(
            (conflicts[0].surface.as_str(), &conflicts[0].labels[..]),
            ("New York", &labels[..])
        );
        assert_eq!(conflicts[0].minority(), 1);
        assert_eq!(frequent_surfaces(&train(), 1), [("New York".to_owned(), 2)]);
    }

    #[test]
    fn the_tail_is_counted_in_steps_that_double() {
        let documents: Vec<Document> = [("a", 1), ("b", 1), ("c", 2), ("d", 4), ("e", 9)]
            .iter()
            .flat_map(|(word, times)| {
                std::iter::repeat_n(document("x", &[word], &[(0, 0, "X")]), *times)
            })
            .collect();
        let steps: Vec<_> = long_tail(&part("p", &documents))
            .iter()
            .map(|s| (s.from, s.to, s.surfaces, s.entities))
            .collect();
        assert_eq!(steps, [(1, 1, 2, 2), (2, 2, 1, 2), (3, 4, 1, 4), (5, 8, 0, 0), (9, 16, 1, 9)]);
    }

    proptest! {
        #[test]
        fn distributions_agree_with_sorting(numbers in proptest::collection::vec(0usize..50, 1..60), percent in 1u64..101) {
            let mut distribution = Distribution::default();
            numbers.iter().for_each(|number| distribution.add(*number));
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let rank = (sorted.len() as f64 * percent as f64 / 100.0).ceil() as usize;
            prop_assert_eq!(distribution.percentile(percent), sorted[rank - 1]);
            prop_assert_eq!(distribution.longest(), sorted[sorted.len() - 1]);
            prop_assert_eq!(distribution.sum(), sorted.iter().sum::<usize>() as u64);
        }

        #[test]
        fn parts_together_are_one_part(words in proptest::collection::vec("[ab]{1,2}", 0..12), cut in 0usize..12) {
            let documents: Vec<Document> =
                words.iter().map(|word| document(word, &[word], &[(0, 0, "X")])).collect();
            let cut = cut.min(documents.len());
            let mut merged = part("all", &documents[..cut]);
            merged.merge(&part("all", &documents[cut..]));
            let whole = part("all", &documents);
            prop_assert_eq!(merged.duplicates, whole.duplicates);
            prop_assert_eq!(merged.surfaces(), whole.surfaces());
            prop_assert_eq!(merged.documents, whole.documents);
        }
    }
}
