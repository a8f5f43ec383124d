//! Why the model did not propose a span: how likely it finds the label there, and which tags were
//! likelier.

use std::ops::Range;

use super::tags::TagSet;
use super::word_tagger::{self, WordTagger, Work};
use crate::error::Result;
use crate::source::Refusal;
use crate::span::{Label, Mention, Span};
use crate::text::Document;

/// How many words of a span are shown with their tags.
const WORDS: usize = 8;

/// What is asked of the model.
pub(super) struct Question<'a> {
    pub(super) document: &'a Document,
    pub(super) span: Span,
    pub(super) label: Option<&'a Label>,
}

/// What a model that tags words says of `span` where it does not propose it as `label` (or as anything); empty
/// where it does.
///
/// # Errors
/// Where the device fails.
pub(super) fn refusals<T: WordTagger>(
    tagger: &T,
    document: &Document,
    span: Span,
    label: Option<&Label>,
) -> Result<Vec<Refusal>> {
    let question = Question { document, span, label };
    let known = tagger.tag_set().labels();
    let reason = match label.filter(|label| !known.contains(label)) {
        Some(label) => Some(format!("it knows no {label}, only {}", list(known))),
        None => reason(tagger, &question)?,
    };
    let refusal = |reason| Refusal {
        label: label.cloned(),
        detail: Some(tagger.origin().detail.clone()),
        reason,
        place: None,
    };
    Ok(reason.map(refusal).into_iter().collect())
}

/// [`refusals`] for a label that the model knows.
fn reason<T: WordTagger>(tagger: &T, question: &Question<'_>) -> Result<Option<String>> {
    let work = word_tagger::work(tagger, &[question.document]).pop().expect("one answer")?;
    let units = work.units.iter().enumerate();
    let here: Vec<(usize, Range<usize>)> = units
        .map(|(number, unit)| (number, words_in(unit.as_ref(), question.span)))
        .filter(|(_, words)| !words.is_empty())
        .collect();
    let told = match here.as_slice() {
        [] => "it sees no word there".to_owned(),
        [(unit, words)] => return Ok(reason_in(tagger, question, &work, *unit, words.clone())),
        _ => "the span goes over the end of a sentence, which no mention of it does".to_owned(),
    };
    Ok(Some(told))
}

/// The reason for a span whose words are `words` of the unit number `unit`.
fn reason_in<T: WordTagger>(
    tagger: &T,
    question: &Question<'_>,
    work: &Work<T::Unit>,
    unit: usize,
    words: Range<usize>,
) -> Option<String> {
    let spans = &work.units[unit].as_ref()[words.clone()];
    let covered = Span::new(spans[0].start, spans[spans.len() - 1].end);
    if covered != question.span {
        return Some(question.not_whole_words(covered));
    }
    let found = word_tagger::found(tagger, question.document, work);
    if found.mentions.iter().any(|m| question.asks_for(m.span, &m.label)) {
        return None;
    }
    let width = tagger.tag_set().count();
    let logits = &work.logits[unit];
    let left_out = tagger
        .decode(&work.tags[unit])
        .into_iter()
        .find(|(range, label)| *range == words && question.asks_for(question.span, label));
    if let Some((_, label)) = left_out {
        let taken = list(&tagger.labels());
        return Some(format!("it finds {label} there, but 'labels' takes only {taken}"));
    }
    let evidence = found.evidence.as_ref().expect("a model gives evidence");
    let asked = evidence.labels().iter().filter(|l| question.label.is_none_or(|q| q == *l));
    let scores = asked.filter_map(|l| Some((evidence.score(question.span, l)?, l)));
    let (p, label) = scores.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let rows = words.map(|word| &logits[word * width..][..width]);
    let mut tags: Vec<String> = rows
        .zip(spans)
        .take(WORDS)
        .map(|(row, word)| {
            format!("{} {}", question.text(*word), tags_of(tagger.tag_set(), row, label))
        })
        .collect();
    if spans.len() > WORDS {
        tags.push(format!("and {} words more", spans.len() - WORDS));
    }
    let instead = question.instead(&found.mentions);
    let tags = tags.join(", ");
    Some(format!("{label} has probability {p:.3} there; likeliest tags: {tags}{instead}"))
}

/// The likeliest tag of a word, and the likeliest of `label` where that is another:
/// `B-PER 0.62 (B-LOC 0.31)`.
fn tags_of(tags: &TagSet, logits: &[f32], label: &Label) -> String {
    let ranked = tags.ranked(logits);
    let (best, p) = ranked[0];
    let of_label = ranked.iter().position(|(tag, _)| tags.label_of(tag) == Some(label));
    match of_label.filter(|place| *place > 0).map(|place| ranked[place]) {
        Some((tag, q)) => format!("{best} {p:.2} ({tag} {q:.2})"),
        None => format!("{best} {p:.2}"),
    }
}

impl Question<'_> {
    /// The text of a span, in quotes.
    pub(super) fn text(&self, span: Span) -> String {
        format!("'{}'", span.slice(&self.document.text).unwrap_or_default())
    }

    /// That the words there are `covered`, which is another span.
    pub(super) fn not_whole_words(&self, covered: Span) -> String {
        let words = self.text(covered);
        format!("its words there are {words}, and no mention begins or ends inside a word")
    }

    /// Whether the question is about this span and this label.
    pub(super) fn asks_for(&self, span: Span, label: &Label) -> bool {
        span == self.span && self.label.is_none_or(|asked| asked == label)
    }

    /// What is proposed there instead.
    pub(super) fn instead(&self, mentions: &[Mention]) -> String {
        let there = mentions.iter().filter(|m| m.span.overlaps(self.span));
        let told: Vec<String> = there
            .map(|m| format!("{} as {} ({:.2})", self.text(m.span), m.label, m.score))
            .collect();
        if told.is_empty() {
            String::new()
        } else {
            format!("; it proposes {}", told.join(" and "))
        }
    }
}

/// The words that share a byte with `span`.
pub(super) fn words_in(words: &[Span], span: Span) -> Range<usize> {
    let first = words.partition_point(|w| w.end <= span.start);
    let last = words.partition_point(|w| w.start < span.end);
    first..last.max(first)
}

/// The names of labels with commas between them.
pub(super) fn list(labels: &[Label]) -> String {
    labels.iter().map(Label::as_str).collect::<Vec<_>>().join(", ")
}
