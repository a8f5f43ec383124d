//! Other names in the place of names: an entity is replaced by another of its label, from gazetteers or the
//! training data (mention replacement; Dai and Adel 2020, arXiv:2010.11683).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rand::Rng;

use super::Augmentation;
use crate::error::Result;
use crate::resource::Files;
use crate::source::gazetteer::Builder;
use crate::text::Edit;
use crate::train::data::Corpus;
use crate::train::recipe::AugmentRecipe;

pub(super) const REPLACED: Augmentation = Augmentation {
    name: "mentions",
    share: |recipe| recipe.mentions,
    apply: |document, surfaces, random| {
        let mut edits: Vec<Edit> = Vec::new();
        let mut gold: Vec<_> = document.gold.iter().flatten().collect();
        gold.sort_by_key(|annotation| annotation.span.start);
        for annotation in gold {
            let is_free = edits.last().is_none_or(|edit| edit.span.end <= annotation.span.start);
            let Some(others) = surfaces.of(&annotation.label).filter(|_| is_free) else { continue };
            let text = others[random.random_range(0..others.len())].clone();
            if annotation.span.slice(&document.text) != Some(text.as_str()) {
                edits.push(Edit { span: annotation.span, text });
            }
        }
        let is_changed = !edits.is_empty();
        document.edit(edits);
        is_changed
    },
};

/// The names of each label, sorted.
#[derive(Debug, Default)]
pub struct Surfaces(BTreeMap<String, Vec<String>>);

impl Surfaces {
    /// Those of the gazetteers of a recipe, whose paths are relative to `base`, and of labels that these do
    /// not have, those of the corpora.
    ///
    /// # Errors
    /// Where a gazetteer is missing or damaged.
    pub fn read(recipe: &AugmentRecipe, corpora: &[Corpus], base: &Path) -> Result<Self> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if recipe.mentions > 0.0 {
            let files = Files::Folder(base.to_owned());
            for pattern in &recipe.gazetteers {
                for name in files.expand(pattern)? {
                    let mut builder = Builder::new();
                    builder.add_file(&files.display(&name), files.map(&name)?)?;
                    for entry in builder.build()?.entries() {
                        let of_label = found.entry(entry.label().as_str().to_owned());
                        of_label.or_default().insert(entry.surface().to_owned());
                    }
                }
            }
            let known: BTreeSet<String> = found.keys().cloned().collect();
            for document in corpora.iter().flat_map(|corpus| &corpus.documents) {
                for annotation in document.gold.iter().flatten() {
                    let surface = annotation.span.slice(&document.text).map(str::trim);
                    let surface = surface.filter(|surface| !surface.is_empty());
                    let is_new = !known.contains(&annotation.label);
                    if let Some(surface) = surface.filter(|_| is_new) {
                        let of_label = found.entry(annotation.label.clone());
                        of_label.or_default().insert(surface.to_owned());
                    }
                }
            }
        }
        let sorted = found.into_iter().map(|(label, all)| (label, all.into_iter().collect()));
        Ok(Self(sorted.collect()))
    }

    /// Those of a label; at least one.
    fn of(&self, label: &str) -> Option<&[String]> {
        self.0.get(label).map(Vec::as_slice)
    }
}
