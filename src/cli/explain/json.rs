//! An explanation and an answer as data: one JSON object each. `docs/explain.md` describes them.

use serde_json::{Map, Value, json};

use super::step::Step;
use crate::cli::print::rounded;
use crate::merge::trace::{Change, Event, Snapshot};
use crate::pipeline::{Engine, Explanation, Story, WhyNot};
use crate::source::Refusal;
use crate::span::{Entity, Evidence, Origin, Span};
use crate::text::{Document, OffsetTable, OffsetUnit};

/// The explanation on one line.
pub(super) fn render(
    engine: &Engine,
    document: &Document,
    explanation: &Explanation,
    unit: OffsetUnit,
) -> String {
    let writer = Writer::new(engine, document, explanation, unit);
    let places = explanation.places();
    let mentions = places.iter().enumerate().flat_map(|(number, place)| {
        let writer = &writer;
        place.stories.iter().map(move |story| {
            let mut value = writer.story(story);
            value["place"] = number.into();
            value
        })
    });
    let value = json!({
        "id": document.id,
        "text": document.text,
        "offsets": unit.to_string(),
        "entities": explanation.entities.iter().map(|e| writer.entity(e)).collect::<Vec<_>>(),
        "mentions": mentions.collect::<Vec<_>>(),
        "events": explanation.events.iter().map(|e| writer.event(e)).collect::<Vec<_>>(),
        "evidence": explanation.evidence.iter().map(|e| writer.evidence(e)).collect::<Vec<_>>(),
        "warnings": explanation.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    format!("{value}\n")
}

/// An answer to `--why-not` on one line.
pub(super) fn render_why_not(
    engine: &Engine,
    document: &Document,
    answer: &WhyNot,
    unit: OffsetUnit,
) -> String {
    let writer = Writer::new(engine, document, &answer.explanation, unit);
    let mut value = writer.at(answer.span);
    value.insert("id".into(), document.id.as_str().into());
    value.insert("offsets".into(), unit.to_string().into());
    value.insert("label".into(), answer.label.as_ref().map(|l| l.as_str()).into());
    value.insert("entity".into(), answer.entity.as_ref().map(|e| writer.entity(e)).into());
    let removed = answer.removed.iter().map(|removed| {
        let mut value = writer.told(&removed.story);
        value["beaten_by"] = removed.beaten_by.iter().map(|s| writer.told(s)).collect();
        value
    });
    value.insert("removed".into(), removed.collect());
    let silent = answer.silent.iter().map(|silent| {
        let refusals: Vec<Value> = silent.refusals.iter().map(refusal).collect();
        json!({ "source": &*silent.source, "refusals": refusals })
    });
    value.insert("silent".into(), silent.collect());
    value.insert("cut_token".into(), answer.cut_token.map(|span| writer.at(span)).into());
    let instead = answer.instead.iter().map(|e| writer.entity(e)).collect();
    value.insert("instead".into(), instead);
    value.insert(
        "disabled".into(),
        answer.disabled.iter().map(|name| Value::from(&**name)).collect(),
    );
    format!("{}\n", Value::Object(value))
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "label": refusal.label.as_ref().map(|label| label.as_str()),
        "detail": refusal.detail.as_deref(),
        "reason": refusal.reason,
        "line": refusal.place.as_ref().map(ToString::to_string),
    })
}

struct Writer<'a> {
    engine: &'a Engine,
    document: &'a Document,
    explanation: &'a Explanation,
    offsets: OffsetTable<'a>,
}

impl<'a> Writer<'a> {
    fn new(
        engine: &'a Engine,
        document: &'a Document,
        explanation: &'a Explanation,
        unit: OffsetUnit,
    ) -> Self {
        let offsets = OffsetTable::new(&document.text, unit);
        Self { engine, document, explanation, offsets }
    }

    /// An object that begins with a place in the text.
    fn at(&self, span: Span) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("start".into(), self.offsets.from_byte(span.start).into());
        object.insert("end".into(), self.offsets.from_byte(span.end).into());
        object.insert("text".into(), span.slice(&self.document.text).into());
        object
    }

    fn snapshot(&self, snapshot: &Snapshot) -> Value {
        let mut object = self.at(snapshot.span);
        object.insert("label".into(), snapshot.label.as_str().into());
        object.insert("score".into(), rounded(snapshot.score).into());
        object.insert("origins".into(), snapshot.origins.iter().map(origin).collect());
        Value::Object(object)
    }

    fn entity(&self, entity: &Entity) -> Value {
        let Entity { span, label, score, origins, overruled } = entity.clone();
        let mut value = self.snapshot(&Snapshot { span, label, score, origins });
        let lost = overruled.into_iter().map(|lost| {
            let (span, label) = (lost.span, lost.label);
            self.snapshot(&Snapshot { span, label, score: lost.score, origins: lost.origins })
        });
        value["overruled"] = lost.collect();
        value
    }

    fn story(&self, story: &Story) -> Value {
        let first = &story.proposed;
        let mut value = self.snapshot(first);
        let origin = first.origins.first();
        value["source"] = origin.map(|o| &*o.source).into();
        value["detail"] = origin.map(|o| &*o.detail).into();
        value["added"] = story.added.into();
        value["state"] = story.end.name().into();
        value["last"] = self.snapshot(&story.last);
        let decided = self.explanation.decided(story).map(|event| {
            let mut step = self.step(event);
            step["reason"] = event.reason.as_str().into();
            step
        });
        value["decided"] = decided.into();
        value["events"] = story.events.as_slice().into();
        value["beat"] = story.beat.as_slice().into();
        value
    }

    /// A story whose events stand in it, not their numbers.
    fn told(&self, story: &Story) -> Value {
        let mut value = self.story(story);
        for (key, numbers) in [("events", &story.events), ("beat", &story.beat)] {
            let events = numbers.iter().map(|number| &self.explanation.events[*number]);
            value[key] = events.map(|event| self.event(event)).collect();
        }
        value["added"] = story.added.map(|n| self.event(&self.explanation.events[n])).into();
        value
    }

    /// A step of the merge; steps are counted from 1.
    fn step(&self, event: &Event) -> Value {
        let pass = self.engine.steps()[event.step].kind.name;
        let Step { number, line, .. } = Step::of(self.engine, event);
        json!({ "step": number, "pass": pass, "line": line })
    }

    fn event(&self, event: &Event) -> Value {
        let mut value = self.step(event);
        value["candidate"] = self.snapshot(&event.candidate);
        let (change, key, with) = match &event.change {
            Change::Added => ("added", "as", self.snapshot(&event.candidate)),
            Change::Kept => ("kept", "as", self.snapshot(&event.candidate)),
            Change::Rescored { to } => ("rescored", "to", rounded(*to).into()),
            Change::Merged { into } => ("merged", "into", self.snapshot(into)),
            Change::Altered { to } => ("altered", "to", self.snapshot(to)),
            Change::Dropped { by } => {
                ("dropped", "by", by.as_ref().map_or(Value::Null, |by| self.snapshot(by)))
            }
        };
        value["change"] = change.into();
        value[key] = with;
        value["reason"] = event.reason.as_str().into();
        value
    }

    fn evidence(&self, evidence: &Evidence) -> Value {
        let words = (0..evidence.words().len()).map(|word| {
            let mut probabilities = Map::new();
            probabilities.insert("O".into(), rounded(evidence.outside_probability(word)).into());
            for (number, label) in evidence.labels().iter().enumerate() {
                let probability = rounded(evidence.label_probability(word, number));
                probabilities.insert(label.as_str().into(), probability.into());
            }
            let mut object = self.at(evidence.words()[word]);
            object.insert("probabilities".into(), probabilities.into());
            Value::Object(object)
        });
        json!({ "source": &**evidence.source(), "words": words.collect::<Vec<_>>() })
    }
}

fn origin(origin: &Origin) -> Value {
    json!({ "source": &*origin.source, "detail": &*origin.detail })
}
