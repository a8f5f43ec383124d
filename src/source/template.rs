//! Runs of capitals as a source.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use std::sync::Arc;

use super::{Found, Source, SourceKind};
use crate::error::Result;
use crate::span::{Label, Mention, Origin};
use crate::text::Document;

pub(super) const KIND: SourceKind = SourceKind {
    name: "acronyms",
    doc: "Words of capitals only.",
    options: &[],
    load: |name, section, _| {
        section.read::<Options>()?;
        Ok(Box::new(Acronyms { name }))
    },
};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {}

struct Acronyms {
    name: Arc<str>,
}

impl Source for Acronyms {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label::new("ORG")]
    }

    fn find(&self, document: &Document) -> Result<Found> {
        let words = document.words();
        let is_acronym = |word: &str| word.len() > 1 && word.chars().all(char::is_uppercase);
        let mentions = words
            .into_iter()
            .filter(|span| span.slice(&document.text).is_some_and(is_acronym))
            .map(|span| Mention {
                span,
                label: Label::new("ORG"),
                score: 0.5,
                origin: Origin::new(&self.name, ""),
            });
        Ok(Found { mentions: mentions.collect(), ..Found::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::LoadContext;

    fn load() -> Result<Box<dyn Source>> {
        let file = crate::resource::TomlFile::new("e.toml", "");
        let files = crate::resource::Files::Folder(".".into());
        let context = LoadContext { files, device: crate::source::model::DeviceChoice::default() };
        (KIND.load)("capitals".into(), file.parse()?, &context)
    }

    #[test]
    fn runs_of_capitals_are_found() -> Result<()> {
        let source = load()?;
        let document = Document::new("d", "The UN and NATO met.");
        let found = source.find(&document)?;
        let texts: Vec<_> = found.mentions.iter().map(|m| m.span.slice(&document.text)).collect();
        assert_eq!(texts, [Some("UN"), Some("NATO")]);
        assert_eq!(source.labels(), [Label::new("ORG")]);
        Ok(())
    }
}
