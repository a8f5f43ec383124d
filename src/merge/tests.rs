//! Tests of all passes: golden cases, and properties that every pass of a kind must have, against
//! the obvious slow version.

use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::resource::TomlFile;
use crate::span::{Label, Origin, Span, order};

mod golden;
mod presets;
mod properties;

/// The merge that `toml` says, for an engine of these sources and labels.
fn build(toml: &str, sources: &[&str], labels: &[&str]) -> Result<Vec<Box<dyn Pass>>> {
    let file = TomlFile::new("e.toml", toml);
    let sources: Vec<Arc<str>> = sources.iter().map(|s| (*s).into()).collect();
    let labels: Vec<Label> = labels.iter().map(|l| (*l).into()).collect();
    let mut scope = PassScope {
        sources: &sources,
        labels: &labels,
        files: &crate::resource::Files::Folder(".".into()),
        flat: false,
    };
    let mut section = file.parse()?;
    let passes = section.take_tables("merge")?;
    let mut built = Vec::new();
    for section in passes {
        built.extend(super::passes(section, &mut scope)?.into_iter().map(|(_, pass)| pass));
    }
    Ok(built)
}

/// What the passes make of the candidates, in the order of output.
fn run(
    passes: &[Box<dyn Pass>],
    candidates: Vec<Candidate>,
    context: &PassContext<'_>,
    trace: &mut Trace,
) -> Vec<Candidate> {
    let mut candidates = candidates;
    for (step, pass) in passes.iter().enumerate() {
        trace.enter(step);
        candidates.sort_by(order::compare);
        candidates = pass.apply(candidates, context, trace);
    }
    candidates.sort_by(order::compare);
    candidates
}

fn candidate(span: Span, label: &str, score: f32, source: &str) -> Candidate {
    Candidate {
        span,
        label: label.into(),
        score,
        origins: vec![Origin::new(&source.into(), "")],
        overruled: Vec::new(),
    }
}

#[test]
fn passes_have_unique_names_and_documented_options() {
    let mut names: Vec<&str> = PASSES.iter().map(|k| k.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PASSES.len());
    let golden = golden::texts().concat();
    for kind in PASSES {
        assert!(kind.doc.ends_with('.'), "{}", kind.name);
        assert!(kind.options.iter().all(|o| o.doc.ends_with('.')), "{}", kind.name);
        assert!(golden.contains(&format!("pass = \"{}\"", kind.name)), "no case of {}", kind.name);
    }
}
