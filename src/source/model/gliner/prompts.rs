//! What a model is asked for: its labels as sub-words before the text, all at once or in groups.

use super::settings::Settings;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::source::model::tokens::SubWords;
use crate::text::Span;

/// The prompts of all labels, as sub-words.
pub(super) struct Prompts {
    /// Of each label the marker and what it is asked for by.
    labels: Vec<Vec<u32>>,
    separator: Vec<u32>,
    /// Which of a label's sub-words represents it.
    place: usize,
}

/// Labels that a text is asked for at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Which of the labels, by number.
    pub(super) labels: Vec<usize>,
    /// What stands before the text, without the special tokens that begin a sequence.
    pub(super) pieces: Vec<u32>,
    /// Where in `pieces` each label is represented.
    pub(super) places: Vec<u32>,
}

impl Prompts {
    /// The prompts `texts`, one a label. A marker and a separator that the vocabulary does not have are taken
    /// into it, as the library does where no id is said.
    ///
    /// # Errors
    /// Where the marker is no sub-word, or another than the settings say.
    pub(super) fn new(
        sub_words: &mut SubWords,
        settings: &Settings,
        texts: &[&str],
    ) -> Result<Self> {
        let (marker, separator) = (settings.marker.as_str(), settings.separator.as_str());
        if settings.marker_id.is_none() {
            sub_words.add_special(&["[FLERT]", marker, separator])?;
        }
        let wrong = |message: String| {
            Error::new(ErrorKind::Model, message).at(Location::file(&settings.place))
        };
        let id = sub_words.id(marker).ok_or_else(|| {
            wrong(format!("ent_token '{marker}' is no sub-word of the tokenizer"))
        })?;
        if let Some(said) = settings.marker_id.filter(|said| *said != id as usize) {
            return Err(wrong(format!(
                "class_token_index is {said}, expected {id}, the id of ent_token '{marker}'"
            )));
        }
        let pieces = |text: &str| -> Result<Vec<u32>> {
            let unit = sub_words.of_words(text, vec![Span::new(0, text.len())])?;
            Ok(unit.pieces(0).to_vec())
        };
        let prompt = |text: &&str| Ok([vec![id], pieces(text)?].concat());
        Ok(Self {
            labels: texts.iter().map(prompt).collect::<Result<_>>()?,
            separator: pieces(separator)?,
            place: usize::from(!settings.reads_marker),
        })
    }

    /// All labels at once.
    pub(super) fn whole(&self) -> Group {
        self.group(&self.all())
    }

    /// The numbers of all labels.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.labels.len()).collect()
    }

    /// These labels in groups of at most `longest` sub-words, separator included, as few as can be without
    /// changing their order; `None` where one label alone is longer.
    pub(super) fn groups(&self, labels: &[usize], longest: usize) -> Option<Vec<Group>> {
        let mut groups = Vec::new();
        let (mut start, mut used) = (0, self.separator.len());
        for (number, label) in labels.iter().enumerate() {
            let length = self.labels[*label].len();
            if used + length > longest && start < number {
                groups.push(self.group(&labels[start..number]));
                (start, used) = (number, self.separator.len());
            }
            used += length;
            if used > longest {
                return None;
            }
        }
        groups.push(self.group(&labels[start..]));
        Some(groups)
    }

    /// These labels at once.
    pub(super) fn group(&self, labels: &[usize]) -> Group {
        let (mut pieces, mut places) = (Vec::new(), Vec::new());
        for label in labels {
            places.push((pieces.len() + self.place) as u32);
            pieces.extend(&self.labels[*label]);
        }
        pieces.extend(&self.separator);
        Group { labels: labels.to_vec(), pieces, places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(lengths: &[usize]) -> Prompts {
        let label = |length: &usize| vec![7; *length];
        Prompts { labels: lengths.iter().map(label).collect(), separator: vec![9], place: 1 }
    }

    #[test]
    fn labels_stand_one_after_another_before_the_separator() {
        let whole = prompts(&[2, 3]).whole();
        assert_eq!(whole.pieces, [7, 7, 7, 7, 7, 9]);
        assert_eq!((whole.labels, whole.places), (vec![0, 1], vec![1, 3]));
    }

    #[test]
    fn more_labels_than_fit_go_in_groups() {
        let ends = |longest| {
            let groups = prompts(&[2, 3, 4, 2]).groups(&[0, 1, 2, 3], longest)?;
            assert!(groups.iter().all(|group| group.pieces.len() <= longest));
            Some(
                groups
                    .into_iter()
                    .map(|group| group.labels.last().unwrap() + 1)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(ends(12), Some(vec![4]));
        assert_eq!(ends(11), Some(vec![3, 4]));
        assert_eq!(ends(7), Some(vec![2, 4]));
        assert_eq!(ends(5), Some(vec![1, 2, 3, 4]));
        assert_eq!(ends(4), None);
    }
}
