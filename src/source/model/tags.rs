//! The tags a model gives (`B-PER`, `S-LOC`, …), what they mean, and how a row of their
//! probabilities becomes evidence and mentions.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::source::model::head::Constraint;
use crate::span::{Evidence, Label, scheme};

/// What one tag says of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Outside,
    /// Never part of an entity: a tag of special tokens or of continued words.
    Ignored,
    /// Begins an entity of this label (by number).
    Begin(usize),
    /// Continues one, or is of a scheme without beginnings.
    Inside(usize),
}

/// The tags of a model by id, after the user's renaming.
#[derive(Debug, Clone)]
pub struct TagSet {
    tags: Vec<Tag>,
    /// Each tag with its label's new name.
    names: Vec<String>,
    labels: Vec<Label>,
    constraint: Constraint,
}

impl TagSet {
    /// Reads tag names in id order, in BIO, BIOES, BILOU or IO; names without a prefix are IO. A
    /// label in `renamed` takes the new name; several may become one. The tags in `ignored` are no labels:
    /// a word that has one is outside.
    ///
    /// # Errors
    /// Where no tag is `O`, or `renamed` or `ignored` names what the model does not have.
    pub fn new(
        names: &[String],
        renamed: &BTreeMap<String, String>,
        ignored: &[String],
    ) -> Result<Self> {
        let tags_but_outside: Vec<&str> =
            names.iter().filter(|name| *name != "O").map(String::as_str).collect();
        if tags_but_outside.len() == names.len() {
            return Err(no_outside(names));
        }
        if let Some(tag) = ignored.iter().find(|tag| !tags_but_outside.contains(&tag.as_str())) {
            let what = "tag in spanloom.ignored_tags";
            return Err(Error::unknown(what, tag, &tags_but_outside));
        }
        let is_ignored = |name: &String| ignored.contains(name);
        let parse = |name| if is_ignored(name) { (IGNORED, name.as_str()) } else { split(name) };
        let parsed: Vec<(char, &str)> = names.iter().map(parse).collect();
        let is_label = |p: &&(char, &str)| p.0 != 'O' && p.0 != IGNORED;
        let known: Vec<&str> = parsed.iter().filter(is_label).map(|p| p.1).collect();
        for label in renamed.keys() {
            if !known.contains(&label.as_str()) {
                return Err(Error::unknown("label in 'map'", label, &known));
            }
        }
        let mut labels: Vec<Label> = Vec::new();
        let mut tags = Vec::new();
        let mut tag_names = Vec::new();
        for (prefix, label) in parsed {
            if prefix == 'O' {
                tags.push(Tag::Outside);
                tag_names.push("O".to_owned());
                continue;
            }
            if prefix == IGNORED {
                tags.push(Tag::Ignored);
                tag_names.push(label.to_owned());
                continue;
            }
            let name = renamed.get(label).map_or(label, String::as_str);
            let number = labels.iter().position(|l| l.as_str() == name).unwrap_or_else(|| {
                labels.push(Label::new(name));
                labels.len() - 1
            });
            let begins = matches!(prefix, 'B' | 'S' | 'U');
            tags.push(if begins { Tag::Begin(number) } else { Tag::Inside(number) });
            tag_names.push(format!("{prefix}-{name}"));
        }
        Ok(Self { tags, names: tag_names, labels, constraint: Constraint::new(names, ignored) })
    }

    /// How many tags there are.
    pub fn count(&self) -> usize {
        self.tags.len()
    }

    /// The labels, in the order they first occur.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Which sequences of tags mean something.
    pub fn constraint(&self) -> &Constraint {
        &self.constraint
    }

    /// The likeliest tag of each word, from the logits of their tags (row after row); the lowest id where
    /// two are equal.
    pub fn likeliest(&self, logits: &[f32]) -> Vec<usize> {
        logits.chunks_exact(self.count()).map(likeliest).collect()
    }

    /// Entities of one sequence of words with these tags, by id, decoded with seqeval's default-mode
    /// repair of malformed sequences.
    pub fn decode(&self, tags: &[usize]) -> Vec<(Range<usize>, Label)> {
        let name = |tag: &usize| match self.tags[*tag] {
            Tag::Ignored => "O",
            _ => self.names[*tag].as_str(),
        };
        scheme::decode(&tags.iter().map(name).collect::<Vec<_>>())
    }

    /// The label of a tag; `None` for one that is outside.
    pub fn label_of(&self, tag: &str) -> Option<&Label> {
        let number = self.names.iter().position(|name| name == tag)?;
        match self.tags[number] {
            Tag::Outside | Tag::Ignored => None,
            Tag::Begin(label) | Tag::Inside(label) => Some(&self.labels[label]),
        }
    }

    /// The tags of a word with these logits and their probabilities, the likeliest first.
    pub fn ranked(&self, logits: &[f32]) -> Vec<(&str, f32)> {
        let names = self.names.iter().map(String::as_str);
        let mut ranked: Vec<(&str, f32)> = names.zip(shares(logits)).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }

    /// Adds a row of evidence for a word with these logits: softmax, summed per label into begin and
    /// inside (see [`Evidence::new`]).
    pub fn evidence_row(&self, logits: &[f32], parts: &mut Vec<u16>) {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exps: Vec<f64> = logits.iter().map(|&l| f64::from(l - most).exp()).collect();
        let total: f64 = exps.iter().sum();
        let mut sums = vec![0.0f64; 2 * self.labels.len()];
        for (tag, exp) in self.tags.iter().zip(&exps) {
            match tag {
                Tag::Outside | Tag::Ignored => {}
                Tag::Begin(label) => sums[2 * label] += exp / total,
                Tag::Inside(label) => sums[2 * label + 1] += exp / total,
            }
        }
        parts.extend(sums.into_iter().map(Evidence::part));
    }
}

/// The error that no tag says outside.
fn no_outside(names: &[String]) -> Error {
    let shown: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    let message = format!("no tag 'O' in id2label, only {}{more}", shown.join(", "));
    let placeholder = |name: &String| {
        let number = name.strip_prefix("LABEL_");
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let help = if names.iter().all(placeholder) {
        "the names are placeholders: write those the model was trained with into id2label, in their \
         order"
    } else {
        "tags are O and B-X, I-X (BIO), with E-X, S-X (BIOES) or L-X, U-X (BILOU), or O and X"
    };
    Error::new(ErrorKind::Model, message).with_help(help)
}

/// The softmax of a row of logits.
pub(super) fn shares(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = logits.iter().map(|l| (l - most).exp()).collect();
    let total: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / total).collect()
}

/// What stands for the prefix of a tag that is no label.
const IGNORED: char = '-';

/// The prefix and label of a tag name; `O` for outside, `I` where a name has no prefix.
pub(super) fn split(name: &str) -> (char, &str) {
    if name == "O" {
        return ('O', "");
    }
    match name.split_once(['-', '_']) {
        Some((prefix, label)) if prefix.len() == 1 && "BIESUL".contains(prefix) => {
            (prefix.chars().next().expect("one letter"), label)
        }
        _ => ('I', name),
    }
}

/// The number of the largest; the lowest where two are equal.
pub(super) fn likeliest(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str], renamed: &[(&str, &str)]) -> Result<TagSet> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let renamed = renamed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        TagSet::new(&names, &renamed, &[])
    }

    #[test]
    fn probabilities_are_summed_by_label_and_place() {
        let tags = set(&["O", "B-PER", "E-PER", "S-PER", "I-PER"], &[]).unwrap();
        let mut parts = Vec::new();
        tags.evidence_row(&[0.0; 5], &mut parts);
        assert_eq!(parts, [4_000, 4_000]);
    }

    #[test]
    fn malformed_sequences_are_repaired() {
        let tags = set(&["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], &[]).unwrap();
        let row = |id: usize| (0..5).map(move |i| f32::from(u8::from(i == id)));
        // O I-PER I-PER B-LOC I-PER: an I after O opens, an I of another label opens.
        let logits: Vec<f32> = [0, 2, 2, 3, 2].into_iter().flat_map(row).collect();
        let found = tags.decode(&tags.likeliest(&logits));
        let expected = [(1..3, "PER".into()), (3..4, "LOC".into()), (4..5, "PER".into())];
        assert_eq!(found, expected);
    }

    #[test]
    fn labels_can_be_renamed_together_and_wrong_names_are_errors() {
        let tags =
            set(&["O", "B-group", "B-corporation"], &[("group", "ORG"), ("corporation", "ORG")]);
        assert_eq!(tags.unwrap().labels(), ["ORG".into()]);
        assert!(set(&["O", "B-PER"], &[("PERS", "X")]).unwrap_err().to_string().contains("PERS"));
        assert!(set(&["B-PER"], &[]).is_err());
    }

    #[test]
    fn ignored_tags_are_outside_and_end_an_entity() {
        let names = ["B-A", "I-A", "X", "O"].map(str::to_owned);
        let ignoring = |tag: &str| TagSet::new(&names, &BTreeMap::new(), &[tag.to_owned()]);
        let tags = ignoring("X").unwrap();
        assert_eq!(tags.labels(), ["A".into()]);
        assert_eq!(tags.decode(&[0, 1, 2, 1]), [(0..2, "A".into()), (3..4, "A".into())]);
        assert_eq!(tags.label_of("X"), None);
        let mut parts = Vec::new();
        tags.evidence_row(&[0.0; 4], &mut parts);
        assert_eq!(parts, [2_500, 2_500]);
        assert_eq!(tags.ranked(&[0.0, 0.0, 1.0, 0.0])[0].0, "X");
        assert!(ignoring("Y").unwrap_err().to_string().contains("ignored_tags 'Y'"));
        assert!(ignoring("O").is_err());
    }

    #[test]
    fn placeholders_are_told_from_names() {
        let error = set(&["LABEL_0", "LABEL_1", "LABEL_2"], &[]).unwrap_err();
        assert!(error.message().contains("only LABEL_0, LABEL_1, LABEL_2"), "{error}");
        assert!(error.help_text().unwrap().contains("placeholders"), "{error}");
        let error = set(&["B-A", "I-A", "B-B", "I-B", "X"], &[]).unwrap_err();
        assert!(error.message().ends_with("only B-A, I-A, B-B, I-B, …"), "{error}");
        assert!(error.help_text().unwrap().contains("BIOES"), "{error}");
    }

    #[test]
    fn names_without_a_scheme_are_inside_tags() {
        let tags = set(&["O", "PER"], &[]).unwrap();
        let found = tags.decode(&tags.likeliest(&[0.0, 1.0, 0.0, 1.0, 1.0, 0.0]));
        assert_eq!(found, [(0..2, "PER".into())]);
    }
}
