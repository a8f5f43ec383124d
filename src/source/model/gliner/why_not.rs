//! Why a model did not find a span: how likely it finds the label there, and what stood against it.

use super::decode::{self, Candidate, choose, forbids};
use super::{Gliner, SpanMode};
use crate::error::Result;
use crate::source::Refusal;
use crate::source::model::why_not::{Question, list, words_in};
use crate::span::{Label, Span};
use crate::text::Document;

impl Gliner {
    /// What the model says of `span` where it does not find it as `label` (or as anything); empty where it
    /// does.
    ///
    /// # Errors
    /// Where the device fails.
    pub(super) fn refusals(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Result<Vec<Refusal>> {
        let question = Question { document, span, label };
        let reason = match label.filter(|label| !self.labels.contains(label)) {
            Some(label) => {
                Some(format!("it is not asked for {label}, only for {}", list(&self.labels)))
            }
            None => self.reason(&question)?,
        };
        let refusal = |reason| Refusal {
            label: label.cloned(),
            detail: Some(self.origin.detail.clone()),
            reason,
            place: None,
        };
        Ok(reason.map(refusal).into_iter().collect())
    }

    /// [`Gliner::refusals`] for a label that the model is asked for.
    fn reason(&self, question: &Question<'_>) -> Result<Option<String>> {
        let work = self.work(&[question.document]).pop().expect("one document, one answer")?;
        let units = work.units.iter().zip(&work.logits);
        let mut here =
            units.map(|(unit, logits)| (unit, logits, words_in(&unit.words, question.span)));
        let mut here = here.by_ref().filter(|(_, _, words)| !words.is_empty());
        let (unit, logits, words) = match (here.next(), here.next()) {
            (None, _) => return Ok(Some("it sees no word there".to_owned())),
            (Some(_), Some(_)) => {
                let told = "the span goes over the end of a sentence, which no mention of it does";
                return Ok(Some(told.to_owned()));
            }
            (Some(one), None) => one,
        };
        let spans = &unit.words[words.clone()];
        let covered = Span::new(spans[0].start, spans[spans.len() - 1].end);
        if covered != question.span {
            return Ok(Some(question.not_whole_words(covered)));
        }
        let found = self.found(&work);
        if found.mentions.iter().any(|m| question.asks_for(m.span, &m.label)) {
            return Ok(None);
        }
        let longest = self.network.parts();
        if self.settings.span_mode != SpanMode::TokenLevel && words.len() > longest {
            let told =
                format!("it has {} words, and the model sees spans of {longest}", words.len());
            return Ok(Some(told));
        }
        let asked = (0..self.labels.len())
            .filter(|number| question.label.is_none_or(|label| *label == self.labels[*number]));
        let scored =
            asked.map(|number| (self.score(logits, (words.start, words.end), number), number));
        let best = scored.max_by(|a, b| a.0.0.total_cmp(&b.0.0));
        let ((score, least), number) = best.expect("there is a label");
        let (label, threshold) = (&self.labels[number], self.thresholds[number]);
        let probability = format!("{label} has probability {score:.3} there{least}");
        let instead = question.instead(&found.mentions);
        if score <= threshold {
            let told = format!("{probability}, not above the threshold {threshold}{instead}");
            return Ok(Some(told));
        }
        let candidate = Candidate { start: words.start, end: words.end, label: number, score };
        let chosen = choose(self.candidates(logits), self.decoding);
        let forbidden = chosen.iter().any(|other| forbids(self.decoding, other, &candidate));
        let told = if forbidden { ", but what is likelier forbids it" } else { "" };
        Ok(Some(format!("{probability}{told}{instead}")))
    }

    /// The probability of a label on the words from `start` to before `end`, and of words which of its parts it
    /// is.
    fn score(
        &self,
        logits: &[f32],
        (start, end): (usize, usize),
        label: usize,
    ) -> (f32, &'static str) {
        let parts = self.network.parts();
        let at = |word: usize, part: usize| {
            decode::sigmoid(logits[(word * self.labels.len() + label) * parts + part])
        };
        if self.settings.span_mode != SpanMode::TokenLevel {
            return (at(start, end - start - 1), "");
        }
        let inside = (start..end).map(|word| (at(word, 2), " (that of a word to be inside)"));
        let edges = [
            (at(start, 0), " (that of the first word to begin one)"),
            (at(end - 1, 1), " (that of the last word to end one)"),
        ];
        let parts = edges.into_iter().chain(inside);
        parts.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are edges")
    }
}
