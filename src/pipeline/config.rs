//! An engine file as written: which sources, which passes, which labels. Nothing is loaded here.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Location, Result};
use crate::resource::{OptionDoc, Section};

/// The keys of an engine file that belong to no source and no pass.
pub const ENGINE_OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "labels",
        value: "list of strings",
        doc: "The entity types that the engine gives; a source that proposes another is an error.",
    },
    OptionDoc {
        name: "helper-labels",
        value: "list of strings, []",
        doc: "Types that sources may propose and passes may look at, but that are never given.",
    },
];

/// The keys that every `[[source]]` has.
pub const SOURCE_OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "kind",
        value: "string",
        doc: "What it is; `spanloom list sources` names them.",
    },
    OptionDoc {
        name: "name",
        value: "string",
        doc: "What it is called in outputs, merge passes and on the command line.",
    },
    OptionDoc {
        name: "enabled",
        value: "boolean, true",
        doc: "Whether it runs; `--with` and `--without` change it for one run.",
    },
    OptionDoc {
        name: "adds-labels",
        value: "list of strings, []",
        doc: "Labels that the engine gives only while this source is enabled.",
    },
];

/// The keys that every `[[merge]]` has.
pub const PASS_OPTIONS: &[OptionDoc] = &[
    OptionDoc {
        name: "pass",
        value: "string",
        doc: "What it does; `spanloom list passes` names them.",
    },
    OptionDoc {
        name: "preset",
        value: "string",
        doc: "A list of passes, instead of one; `spanloom list presets` names them.",
    },
    OptionDoc {
        name: "enabled",
        value: "boolean, true",
        doc: "Whether it runs; what is written in it is checked all the same.",
    },
];

/// An engine file, taken apart.
pub struct EngineConfig<'f> {
    /// The declared labels; `None` where they could not be read, which is one of the errors.
    pub labels: Option<Vec<String>>,
    /// The declared helper labels.
    pub helper_labels: Vec<String>,
    /// Where labels are declared, for errors about them.
    pub labels_place: Location,
    /// The sources, in order.
    pub sources: Vec<SourceConfig<'f>>,
    /// The names of all sources in order, also of those that could not be read: passes may name them.
    pub source_names: Vec<Arc<str>>,
    /// The passes and presets, in order.
    pub passes: Vec<PassConfig<'f>>,
    /// What is wrong with the file's shape. What could be read is in the other fields all the same,
    /// so that one wrong key does not hide the next problem.
    pub errors: Vec<Error>,
}

/// A `[[source]]` table.
pub struct SourceConfig<'f> {
    /// Its name.
    pub name: Arc<str>,
    /// The value of `kind`.
    pub kind: String,
    /// Where `kind` is written.
    pub kind_place: Location,
    /// Where the table begins.
    pub place: Location,
    /// Whether it runs.
    pub enabled: bool,
    /// The labels it declares.
    pub adds_labels: Vec<String>,
    /// The keys of its kind.
    pub section: Section<'f>,
}

/// A `[[merge]]` table.
pub struct PassConfig<'f> {
    /// Whether it runs.
    pub enabled: bool,
    /// The keys besides that, with `pass` or `preset` among them.
    pub section: Section<'f>,
}

/// The keys of an engine file that are left when all known ones are taken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<'f> EngineConfig<'f> {
    /// Takes an engine file apart; all that is wrong with its shape (unknown keys, missing names,
    /// names used twice) is in [`EngineConfig::errors`].
    pub fn parse(mut section: Section<'f>) -> Self {
        let mut errors = Vec::new();
        let labels_place = section.location_of("labels");
        let labels = collect(section.take("labels"), &mut errors);
        if labels.is_none() && errors.is_empty() {
            errors.push(section.error("missing key 'labels'"));
        }
        let helper_labels = collect(section.take("helper-labels"), &mut errors);
        let source_tables = section.take_tables("source").map(Some);
        let pass_tables = section.take_tables("merge").map(Some);
        let mut sources: Vec<SourceConfig<'f>> = Vec::new();
        let mut source_names: Vec<Arc<str>> = Vec::new();
        for table in collect(source_tables, &mut errors).unwrap_or_default() {
            if let Ok((name, _)) = table.clone().take_str("name") {
                source_names.push(name.into());
            }
            match SourceConfig::parse(table) {
                Ok(source) if sources.iter().any(|s| s.name == source.name) => {
                    let message = format!("two sources are called '{}'", source.name);
                    errors.push(source.section.error_at("name", message));
                }
                Ok(source) => sources.push(source),
                Err(error) => errors.push(error),
            }
        }
        let mut passes = Vec::new();
        for mut section in collect(pass_tables, &mut errors).unwrap_or_default() {
            let enabled = collect(section.take("enabled"), &mut errors).unwrap_or(true);
            if section.has("pass") && section.has("preset") {
                errors.push(section.error("both 'pass' and 'preset', expected one of them"));
            } else if section.has("pass") || section.has("preset") {
                passes.push(PassConfig { enabled, section });
            } else {
                errors.push(section.error("missing key 'pass' (or 'preset')"));
            }
        }
        if let Err(error) = section.read::<Nothing>() {
            // Nothing is left to be known here, which is not what the user should read.
            let message = error.message().split(',').next().unwrap_or("unknown field");
            let known: Vec<&str> = ENGINE_OPTIONS.iter().map(|o| o.name).collect();
            let place = error.location().cloned();
            let error = Error::new(error.kind(), message)
                .with_help(format!("known: {}, [[source]], [[merge]]", known.join(", ")));
            errors.push(match place {
                Some(place) => error.at(place),
                None => error,
            });
        }
        Self {
            labels,
            helper_labels: helper_labels.unwrap_or_default(),
            labels_place,
            sources,
            source_names,
            passes,
            errors,
        }
    }
}

/// The value of a result, its error put with the others.
fn collect<T>(result: Result<Option<T>>, errors: &mut Vec<Error>) -> Option<T> {
    result.unwrap_or_else(|error| {
        errors.push(error);
        None
    })
}

impl<'f> SourceConfig<'f> {
    fn parse(mut section: Section<'f>) -> Result<Self> {
        let place = section.location();
        let (kind, kind_place) = section.take_str("kind")?;
        let (name, name_place) = section.take_str("name")?;
        if name.is_empty() {
            return Err(
                Error::new(crate::ErrorKind::Config, "a source has an empty name").at(name_place)
            );
        }
        let enabled = section.take("enabled")?.unwrap_or(true);
        let adds_labels = section.take("adds-labels")?.unwrap_or_default();
        Ok(Self { name: name.into(), kind, kind_place, place, enabled, adds_labels, section })
    }
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Engine;

    #[test]
    fn a_pass_that_is_off_is_checked_and_does_not_run() {
        let file = |passes: &str| {
            format!(
                "labels = [\"LOC\"]\n[[source]]\nname = \"places\"\nkind = \"gazetteer\"\n\
                 entries = [[\"Paris\", \"LOC\"]]\nscore = 0.4\n{passes}"
            )
        };
        let threshold = "[[merge]]\npass = \"threshold\"\n";
        let engine = Engine::parse(&file(threshold)).unwrap();
        assert_eq!(engine.tag("in Paris").unwrap().len(), 0);
        let off = format!("{threshold}enabled = false\n");
        let engine =
            Engine::parse(&file(&format!("{off}[[merge]]\npass = \"longest\"\n"))).unwrap();
        assert_eq!(engine.tag("in Paris").unwrap().len(), 1);
        let steps: Vec<_> =
            engine.steps().iter().map(|step| (step.kind.name, step.table)).collect();
        assert_eq!(steps, [("longest", 1)]);
        let error = Engine::parse(&file(&format!("{off}minimum = 0.5\n"))).err().unwrap();
        assert!(error.to_string().contains("minimum"), "{error}");
        let error =
            Engine::parse(&file("[[merge]]\npass = \"longest\"\nenabled = 1\n")).err().unwrap();
        assert!(error.to_string().contains("boolean"), "{error}");
    }
}
