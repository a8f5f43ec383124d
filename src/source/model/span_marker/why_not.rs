//! Why SpanMarker did not propose a span: how likely it finds the label there, and what it proposes instead.

use std::ops::Range;

use super::SpanMarker;
use super::answers::{Judged, Work, goes_over};
use super::config::OUTSIDE;
use crate::error::Result;
use crate::source::Refusal;
use crate::source::model::why_not::{Question, list, words_in};
use crate::span::{Label, Span};
use crate::text::{Document, layout};

impl SpanMarker {
    /// What the model says of `span` where it does not propose it as `label` (or as anything); empty where it
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
        let reason = match label.filter(|label| !self.known.contains(label)) {
            Some(label) => Some(format!("it knows no {label}, only {}", list(&self.known))),
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

    /// [`SpanMarker::refusals`] for a label that the model knows.
    fn reason(&self, question: &Question<'_>) -> Result<Option<String>> {
        let work = self.work(&[question.document]).pop().expect("one document, one answer")?;
        let sentences = work.sentences.iter().enumerate();
        let here: Vec<(usize, Range<usize>)> = sentences
            .map(|(number, sentence)| (number, words_in(&sentence.words, question.span)))
            .filter(|(_, words)| !words.is_empty())
            .collect();
        let told = match here.as_slice() {
            [] => "it sees no word there".to_owned(),
            [(number, words)] => return Ok(self.reason_in(question, &work, *number, words)),
            _ => "the span goes over the end of a sentence, which no mention of it does".to_owned(),
        };
        Ok(Some(told))
    }

    /// The reason for a span whose words are `words` of the sentence of this number.
    fn reason_in(
        &self,
        question: &Question<'_>,
        work: &Work,
        number: usize,
        words: &Range<usize>,
    ) -> Option<String> {
        let text = &question.document.text;
        let Some(covered) = work.sentences[number].span(words, text) else {
            return Some("it sees no word there".to_owned());
        };
        if covered != question.span {
            return Some(question.not_whole_words(covered));
        }
        let proposed = self.proposals(question.document, work);
        let chosen = self.config.proposed(&self.known);
        if let Some(mention) = proposed.iter().find(|m| question.asks_for(m.span, &m.label)) {
            let is_wanted = chosen.contains(&mention.label);
            let (label, taken) = (&mention.label, list(&chosen));
            let told = || format!("it finds {label} there, but 'labels' takes only {taken}");
            return (!is_wanted).then(told);
        }
        let (count, most) = (words.len(), self.samples.longest);
        if count > most {
            return Some(format!("it has {count} words, and the model judges at most {most}"));
        }
        if goes_over(covered, &layout::row_breaks(text)) {
            return Some(
                "a row of a table or list ends in it, which no mention goes over".to_owned(),
            );
        }
        let Some(judged) = work.judged[number].iter().find(|judged| judged.words == *words) else {
            let most = self.samples.capacity;
            return Some(format!("it has more than the {most} sub-words that are read at once"));
        };
        let kept: Vec<_> = proposed.into_iter().filter(|m| chosen.contains(&m.label)).collect();
        let instead = question.instead(&kept);
        Some(format!("{}{instead}", self.likely(judged, question.label)))
    }

    /// How likely the labels are for a candidate: `LOC has probability 0.120 there; O has 0.710`.
    fn likely(&self, judged: &Judged, asked: Option<&Label>) -> String {
        let name = |id: usize| self.labels[id].as_ref().map_or(OUTSIDE, Label::as_str);
        let ids = 0..judged.shares.len();
        let asked = ids.filter(|id| match &self.labels[*id] {
            None => false,
            Some(label) => asked.is_none_or(|asked| asked == label),
        });
        let likeliest = asked.max_by(|a, b| judged.shares[*a].total_cmp(&judged.shares[*b]));
        let told =
            |id: usize| format!("{} has probability {:.3} there", name(id), judged.shares[id]);
        let (best, share) = judged.best();
        match likeliest {
            Some(id) if id == best => told(id),
            Some(id) => format!("{}; {} has {share:.3}", told(id), name(best)),
            None => told(best),
        }
    }
}
