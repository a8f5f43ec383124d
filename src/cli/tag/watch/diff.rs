//! What is another after a change: entities that came, went or have another label, and why.

use std::collections::BTreeMap;

use anstyle::AnsiColor;

use super::super::super::explain::because::because;
use super::super::super::print::on_one_line;
use super::super::super::table::{Cell, FAINT, Table};
use crate::pipeline::Engine;
use crate::span::{Entity, Label, Span};
use crate::text::{Document, OffsetTable, OffsetUnit};

/// How many changes of each kind are shown; the others are counted.
const SHOWN: usize = 8;

/// What was found in each document, in the order of the inputs. Ids may occur again: the number tells
/// those apart.
#[derive(Debug, Default)]
pub(in crate::cli::tag) struct Seen(BTreeMap<(String, usize), Found>);

#[derive(Debug)]
struct Found {
    document: Document,
    entities: Vec<Entity>,
}

impl Seen {
    /// Notes what was found in a document.
    pub(in crate::cli::tag) fn add(&mut self, document: &Document, entities: &[Entity]) {
        let mut key = (document.id.clone(), 0);
        while self.0.contains_key(&key) {
            key.1 += 1;
        }
        self.0.insert(key, Found { document: document.clone(), entities: entities.to_vec() });
    }

    /// How much it is.
    pub(super) fn summary(&self) -> String {
        let entities: usize = self.0.values().map(|found| found.entities.len()).sum();
        format!("{}; waiting for changes", in_documents(entities, self.0.len()))
    }
}

/// `2 entities in 1 document`.
fn in_documents(entities: usize, documents: usize) -> String {
    let plural = |count: usize, one: &str, more: &str| {
        format!("{count} {}", if count == 1 { one } else { more })
    };
    let entities = plural(entities, "entity", "entities");
    format!("{entities} in {}", plural(documents, "document", "documents"))
}

/// How an entity became another.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Came,
    Went,
    Relabelled { from: Label },
}

/// An entity that came or went.
#[derive(Debug)]
struct Difference<'a> {
    kind: Kind,
    document: &'a Document,
    span: Span,
    label: Label,
}

/// The differences, counted and the first of each kind told with what decided. What a document of another
/// text had before is what the engine before makes of it now: only engines are compared.
pub(super) fn told(was: &Seen, before: &Engine, is: &Seen, now: &Engine) -> String {
    let mut all = Vec::new();
    let (mut new_documents, mut new) = (0, 0);
    for (key, found) in &is.0 {
        match was.0.get(key).filter(|old| old.document.text == found.document.text) {
            Some(old) => differences(&old.entities, found, &mut all),
            None => {
                (new_documents, new) = (new_documents + 1, new + found.entities.len());
                let old = before.tag_document(&found.document).map(|tagged| tagged.entities);
                differences(&old.unwrap_or_default(), found, &mut all);
            }
        }
    }
    let rest = was.0.iter().filter(|(key, _)| !is.0.contains_key(key));
    let (lost_documents, lost): (usize, usize) =
        rest.fold((0, 0), |(n, sum), (_, found)| (n + 1, sum + found.entities.len()));
    let count = |is_it: fn(&Kind) -> bool| all.iter().filter(|d| is_it(&d.kind)).count();
    let (came, went) = (count(|k| *k == Kind::Came), count(|k| *k == Kind::Went));
    let relabelled = all.len() - came - went;
    let mut text = format!("{came} added, {went} removed, {relabelled} relabelled");
    if new_documents > 0 {
        text.push_str(&format!("; new or changed: {}", in_documents(new, new_documents)));
    }
    if lost_documents > 0 {
        text.push_str(&format!("; gone: {}", in_documents(lost, lost_documents)));
    }
    text.push('\n');
    let mut table = Table::default();
    let is_kind: [fn(&Kind) -> bool; 3] = [
        |kind| *kind == Kind::Came,
        |kind| *kind == Kind::Went,
        |kind| matches!(kind, Kind::Relabelled { .. }),
    ];
    for is_it in is_kind {
        let of_kind: Vec<&Difference<'_>> = all.iter().filter(|d| is_it(&d.kind)).collect();
        for difference in of_kind.iter().take(SHOWN) {
            table.row(difference.row(before, now));
        }
        if of_kind.len() > SHOWN {
            table.note(format!("  … and {} more", of_kind.len() - SHOWN));
        }
    }
    text.push_str(&table.render(2));
    text
}

fn differences<'a>(old: &[Entity], found: &'a Found, all: &mut Vec<Difference<'a>>) {
    let document = &found.document;
    let key = |e: &Entity| (e.span, e.label.clone());
    let had: BTreeMap<(Span, Label), &Entity> = old.iter().map(|e| (key(e), e)).collect();
    let has: BTreeMap<(Span, Label), &Entity> =
        found.entities.iter().map(|e| (key(e), e)).collect();
    let gone = |span: Span| {
        old.iter().find(|e| e.span == span && !has.contains_key(&key(e))).map(|e| e.label.clone())
    };
    for entity in found.entities.iter().filter(|e| !had.contains_key(&key(e))) {
        let kind = gone(entity.span).map_or(Kind::Came, |from| Kind::Relabelled { from });
        all.push(Difference { kind, document, span: entity.span, label: entity.label.clone() });
    }
    let came_as_another =
        |span: Span| found.entities.iter().any(|e| e.span == span && !had.contains_key(&key(e)));
    for entity in old.iter().filter(|e| !has.contains_key(&key(e)) && !came_as_another(e.span)) {
        let label = entity.label.clone();
        all.push(Difference { kind: Kind::Went, document, span: entity.span, label });
    }
}

impl Difference<'_> {
    /// `+ 'Paris' LOC  a.txt 3..8  why`.
    fn row(&self, before: &Engine, now: &Engine) -> Vec<Cell> {
        let ask = |engine: &Engine, label: &Label| {
            because(engine, self.document, self.span, label).unwrap_or_else(|e| e.to_string())
        };
        let (sign, color, label, why) = match &self.kind {
            Kind::Came => {
                let why =
                    format!("{}; before: {}", ask(now, &self.label), ask(before, &self.label));
                ("+", AnsiColor::Green, self.label.to_string(), why)
            }
            Kind::Went => ("-", AnsiColor::Red, self.label.to_string(), ask(now, &self.label)),
            Kind::Relabelled { from } => {
                let why = format!("{}; {from}: {}", ask(now, &self.label), ask(now, from));
                ("~", AnsiColor::Yellow, format!("{from} → {}", self.label), why)
            }
        };
        let surface = self.span.slice(&self.document.text).unwrap_or_default();
        let offsets = OffsetTable::new(&self.document.text, OffsetUnit::Char);
        let from = |byte| offsets.from_byte(byte);
        let place = format!(
            "{} {}..{}",
            on_one_line(&self.document.id),
            from(self.span.start),
            from(self.span.end)
        );
        vec![
            Cell::new(sign, color.on_default()),
            on_one_line(surface).into(),
            Cell::new(label, color.on_default()),
            Cell::new(place, FAINT),
            why.into(),
        ]
    }
}
