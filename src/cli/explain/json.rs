//! An explanation as data: one JSON object a document.

use serde_json::{Map, Value, json};

use super::fate::{Fate, Place};
use crate::merge::trace::{Change, Event, Snapshot};
use crate::pipeline::{Engine, Explanation};
use crate::span::{Entity, Evidence, Label, Origin, Span};
use crate::text::{Document, OffsetTable, OffsetUnit};

/// The explanation on one line.
pub(super) fn render(
    engine: &Engine,
    document: &Document,
    explanation: &Explanation,
    places: &[Place<'_>],
    unit: OffsetUnit,
) -> String {
    let writer = Writer { engine, document, offsets: OffsetTable::new(&document.text, unit) };
    let mentions = places.iter().enumerate().flat_map(|(number, place)| {
        let writer = &writer;
        place.fates.iter().map(move |fate| writer.fate(number, fate))
    });
    let warnings = explanation.warnings.iter().map(ToString::to_string);
    let value = json!({
        "id": document.id,
        "text": document.text,
        "entities": explanation.entities.iter().map(|e| writer.entity(e)).collect::<Vec<_>>(),
        "mentions": mentions.collect::<Vec<_>>(),
        "events": explanation.events.iter().map(|e| writer.event(e)).collect::<Vec<_>>(),
        "evidence": explanation.evidence.iter().map(|e| writer.evidence(e)).collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    });
    format!("{value}\n")
}

struct Writer<'a> {
    engine: &'a Engine,
    document: &'a Document,
    offsets: OffsetTable<'a>,
}

impl Writer<'_> {
    /// An object that begins with a place in the text.
    fn at(&self, span: Span) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("start".into(), self.offsets.from_byte(span.start).into());
        object.insert("end".into(), self.offsets.from_byte(span.end).into());
        object.insert("text".into(), span.slice(&self.document.text).into());
        object
    }

    fn candidate(&self, span: Span, label: &Label, score: f32, origins: &[Origin]) -> Value {
        let mut object = self.at(span);
        object.insert("label".into(), label.as_str().into());
        object.insert("score".into(), rounded(score).into());
        object.insert("origins".into(), origins.iter().map(origin).collect());
        Value::Object(object)
    }

    fn snapshot(&self, snapshot: &Snapshot) -> Value {
        let Snapshot { span, label, score, origins } = snapshot;
        self.candidate(*span, label, *score, origins)
    }

    fn entity(&self, entity: &Entity) -> Value {
        let Entity { span, label, score, origins, overruled } = entity;
        let mut value = self.candidate(*span, label, *score, origins);
        value["overruled"] = overruled
            .iter()
            .map(|lost| self.candidate(lost.span, &lost.label, lost.score, &lost.origins))
            .collect();
        value
    }

    fn fate(&self, place: usize, fate: &Fate<'_>) -> Value {
        let mention = fate.mention;
        let mut object = self.at(mention.span);
        object.insert("label".into(), mention.label.as_str().into());
        object.insert("score".into(), rounded(mention.score).into());
        object.insert("source".into(), (*mention.origin.source).into());
        object.insert("detail".into(), (*mention.origin.detail).into());
        object.insert("place".into(), place.into());
        object.insert("state".into(), fate.state.name().into());
        let decided = fate.decided.map(|event| {
            let mut step = self.step(event);
            step["reason"] = event.reason.as_str().into();
            step
        });
        object.insert("decided".into(), decided.into());
        Value::Object(object)
    }

    /// A step of the merge; steps are counted from 1.
    fn step(&self, event: &Event) -> Value {
        let step = &self.engine.steps()[event.step];
        let place = step.place.to_string();
        json!({ "step": event.step + 1, "pass": step.kind.name, "place": place })
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

/// A number to four decimals, as in all our outputs.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}
