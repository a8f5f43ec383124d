//! Entities by their surface, the words that they are: which are known from elsewhere, which carry
//! several labels? Scores of a part of the surfaces count the entities of gold and the predictions that
//! have one of them; what is right has the same surface on both sides.

use std::collections::{BTreeMap, BTreeSet};

use super::EntityCounts;
use crate::text::Annotation;

/// The labels of each surface. Case and white space count.
#[derive(Debug, Clone, Default)]
pub struct SurfaceLabels(BTreeMap<String, BTreeSet<String>>);

impl SurfaceLabels {
    /// Adds the entities of a document of this text.
    pub fn add(&mut self, text: &str, entities: &[Annotation]) {
        for one in entities {
            let Some(surface) = one.span.slice(text) else { continue };
            self.0.entry(surface.to_owned()).or_default().insert(one.label.clone());
        }
    }

    /// Whether the surface has two labels or more.
    pub fn is_ambiguous(&self, surface: &str) -> bool {
        self.0.get(surface).is_some_and(|labels| labels.len() > 1)
    }
}

impl EntityCounts {
    /// Adds those entities of a document of this text whose surface is one of which `is_in` says so.
    pub fn add_surfaces<'a>(
        &mut self,
        text: &str,
        gold: impl IntoIterator<Item = &'a Annotation>,
        predicted: impl IntoIterator<Item = &'a Annotation>,
        is_in: impl Fn(&str) -> bool,
    ) {
        let has = |one: &&Annotation| one.span.slice(text).is_some_and(&is_in);
        self.add(gold.into_iter().filter(has), predicted.into_iter().filter(has));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;

    #[test]
    fn parts_of_the_surfaces_are_scored_apart() {
        let text = "Paris met Paris in Rome";
        let one = |start, end, label: &str| Annotation {
            span: Span::new(start, end),
            label: label.to_owned(),
        };
        let gold = [one(0, 5, "PER"), one(10, 15, "LOC"), one(19, 23, "LOC")];
        let predicted = [one(0, 5, "LOC"), one(10, 15, "LOC"), one(16, 18, "LOC")];
        let mut surfaces = SurfaceLabels::default();
        surfaces.add(text, &gold);
        let scores = |is_in: &dyn Fn(&str) -> bool| {
            let mut counts = EntityCounts::default();
            counts.add_surfaces(text, &gold, &predicted, is_in);
            let total = counts.total();
            (total.right, total.predicted, total.gold)
        };
        assert_eq!(scores(&|surface| surfaces.is_ambiguous(surface)), (1, 2, 2));
        let has_capital = |surface: &str| surface.starts_with(char::is_uppercase);
        assert_eq!(scores(&has_capital), (1, 2, 3));
        assert_eq!(scores(&|surface| !has_capital(surface)), (0, 1, 0));
    }
}
