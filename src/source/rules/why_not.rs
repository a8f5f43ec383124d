//! Why did no rule find something? The rules of its label that come close, and what stood against each.

use std::collections::BTreeSet;

use super::{Refusal, Rules};
use crate::rule::compile::{Compiled, Verdict};
use crate::rule::tokens::TokenEdges;
use crate::span::Label;
use crate::text::{Document, Span};

/// So many rules that come close are told.
const MOST: usize = 20;

impl Rules {
    /// Why no rule proposes `span` as `label`: what stood against each rule that comes close; empty
    /// where one does propose it.
    pub(super) fn refusals(
        &self,
        document: &Document,
        span: Span,
        label: Option<&Label>,
    ) -> Vec<Refusal> {
        let concerns = |rule: &Compiled| label.is_none_or(|label| *label == rule.label);
        let mut refusals = Vec::new();
        for rule in self.rules.iter().filter(|rule| concerns(rule)) {
            let near = self.near(rule, document, span);
            if near.found {
                return Vec::new();
            }
            refusals.extend(near.refusals);
        }
        for (rule, key) in self.left_out.iter().filter(|(rule, _)| concerns(rule)) {
            if self.near(rule, document, span).found {
                let reason = format!("the rule would find it, and is left out by '{key}'");
                refusals.push(refusal(rule, reason));
            }
        }
        refusals.truncate(MOST);
        if refusals.is_empty() {
            let known = self.rules.iter().any(concerns);
            let reason = match label.filter(|_| !known) {
                Some(label) => format!("no rule is about {label}"),
                None => "no rule matches there".to_owned(),
            };
            refusals.push(Refusal { label: label.cloned(), detail: None, reason, place: None });
        }
        refusals
    }

    /// What a rule says about `span`.
    fn near(&self, rule: &Compiled, document: &Document, span: Span) -> Near {
        let text = &document.text;
        let tokens = TokenEdges::of(document);
        let everywhere = 0..text.len();
        let mut near = Near::default();
        let mut reasons = BTreeSet::new();
        let places = std::slice::from_ref(&everywhere);
        let outcome = rule.each(text, places, tokens.as_ref(), self.retries, |got, verdict| {
            if !got.overlaps(span) {
                return;
            }
            let shown = got.slice(text).unwrap_or("");
            let what =
                if got == span { "it matches".to_owned() } else { format!("it matches '{shown}'") };
            let (reason, place) = match verdict {
                Verdict::Found if got == span => {
                    near.found = true;
                    return;
                }
                Verdict::Found => (format!("it finds '{shown}' there instead"), None),
                Verdict::CutsToken => (format!("{what}, which cuts a given token"), None),
                Verdict::Refused(objection) => {
                    let key = objection.key;
                    let said = if key == "check" {
                        format!("{what}, which the validator '{}' refuses", objection.value)
                    } else {
                        format!("{what}, which '{key}' refuses")
                    };
                    (said, Some(objection.place.clone()))
                }
            };
            if reasons.insert(reason.clone()) {
                let mut refusal = refusal(rule, reason);
                let place = place.map(|place| rule.written.file.location(place));
                refusal.place = place.or(refusal.place);
                near.refusals.push(refusal);
            }
        });
        if let Err(exceeded) = outcome {
            near.refusals.push(refusal(rule, format!("it was given up: {exceeded}")));
        }
        near
    }
}

/// What a rule says about a span.
#[derive(Default)]
struct Near {
    /// It finds it.
    found: bool,
    refusals: Vec<Refusal>,
}

fn refusal(rule: &Compiled, reason: String) -> Refusal {
    Refusal {
        label: Some(rule.label.clone()),
        detail: Some(rule.id.clone()),
        reason,
        place: Some(rule.written.place()),
    }
}
