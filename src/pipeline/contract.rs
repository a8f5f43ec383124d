//! What every stage promises, checked in debug builds: spans lie inside the document on char
//! boundaries and are not empty, scores are finite and in 0..=1, given tokens are not cut.

use std::collections::BTreeSet;

use crate::span::Candidate;
use crate::text::Document;

/// Panics where a candidate breaks the contract; `stage` names who broke it. Does nothing in release
/// builds.
pub(super) fn check(candidates: &[Candidate], document: &Document, stage: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    let edges = document.token_spans().map(|tokens| {
        let starts: BTreeSet<usize> = tokens.iter().map(|t| t.start).collect();
        let ends: BTreeSet<usize> = tokens.iter().map(|t| t.end).collect();
        (starts, ends)
    });
    for candidate in candidates {
        let span = candidate.span;
        assert!(!span.is_empty(), "{stage}: empty span {span}");
        assert!(span.slice(&document.text).is_some(), "{stage}: span {span} is not in the text");
        assert!(
            (0.0..=1.0).contains(&candidate.score),
            "{stage}: score {} is not in 0..=1",
            candidate.score
        );
        assert!(!candidate.origins.is_empty(), "{stage}: nobody proposed {span}");
        if let Some((starts, ends)) = &edges {
            assert!(
                starts.contains(&span.start) && ends.contains(&span.end),
                "{stage}: span {span} cuts a given token"
            );
        }
    }
}
