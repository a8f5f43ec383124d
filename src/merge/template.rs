//! The pass `drop-short`: drops candidates of few characters. It compares none with another.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use serde::Deserialize;

use super::{Pass, PassContext, PassKind, PassScope, Trace};
use crate::error::Result;
use crate::resource::{OptionDoc, Section};
use crate::span::Candidate;

pub(super) const KIND: PassKind = PassKind {
    name: "drop-short",
    doc: "Drops candidates of fewer than `min` characters.",
    options: &[OptionDoc { name: "min", value: "integer, 2", doc: "The fewest characters." }],
    flat: false,
    rescores: false,
    build: |section, scope| Ok(Box::new(build(section, scope)?)),
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    min: Option<usize>,
}

#[derive(Debug)]
struct DropShort {
    min: usize,
}

fn build(section: Section<'_>, _: &PassScope<'_>) -> Result<DropShort> {
    let options: Options = section.read()?;
    Ok(DropShort { min: options.min.unwrap_or(2) })
}

impl Pass for DropShort {
    fn apply(
        &self,
        mut candidates: Vec<Candidate>,
        context: &PassContext<'_>,
        trace: &mut Trace,
    ) -> Vec<Candidate> {
        candidates.retain(|candidate| {
            let text = candidate.span.slice(&context.document.text).unwrap_or("");
            let stays = text.chars().count() >= self.min;
            if !stays {
                trace.dropped(candidate, None, || format!("fewer than {} characters", self.min));
            }
            stays
        });
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::resource::{Files, TomlFile};
    use crate::text::Document;

    #[test]
    fn short_candidates_are_dropped() -> Result<()> {
        let file = TomlFile::new("e.toml", "min = 3");
        let files = Files::Folder(".".into());
        let scope = PassScope { sources: &[], labels: &[], files: &files, flat: false };
        let pass = (KIND.build)(file.parse()?, &scope)?;
        let document = Document::new("d", "EU Rome");
        let candidates = [(0, 2), (3, 7)].map(|(start, end)| Candidate {
            span: crate::span::Span::new(start, end),
            label: "LOC".into(),
            score: 1.0,
            origins: Vec::new(),
            overruled: Vec::new(),
        });
        let mut trace = Trace::recording();
        let context = PassContext::new(&document, &[], &[]);
        let kept = pass.apply(candidates.to_vec(), &context, &mut trace);
        assert_eq!(kept, candidates[1..]);
        assert_eq!(trace.events()[0].reason, "fewer than 3 characters");
        let unknown = TomlFile::new("e.toml", "mim = 3");
        let error: Error = (KIND.build)(unknown.parse()?, &scope).err().expect("no such key");
        assert!(error.to_string().starts_with("e.toml:1:1: unknown"), "{error}");
        Ok(())
    }
}
