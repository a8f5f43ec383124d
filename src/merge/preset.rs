//! Passes by a name: the merge of another system, as a list of our passes. A preset is data,
//! `presets/NAME.toml`; it can do nothing that a list of passes cannot.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Pass, PassKind, PassScope, kind};
use crate::error::{Error, ErrorKind, Result};
use crate::resource::{OptionDoc, Section, TomlFile};

/// A list of passes that an engine file can name.
#[derive(Debug)]
pub struct Preset {
    /// The value of `preset` in the engine file.
    pub name: &'static str,
    /// Whose merge it is, and where it differs.
    pub doc: &'static str,
    /// Its options besides `preset`.
    pub options: &'static [OptionDoc],
    /// Its passes: TOML with `[defaults]`, the values of the options that need not be written, and
    /// `[[merge]]` tables as in an engine file. There the string `"$name"` stands for the value of the
    /// option `name`, and a pass with `when = [x, y]` is only there where the two are equal.
    pub passes: &'static str,
}

/// The option that most presets with several sources have.
const RULES: OptionDoc =
    OptionDoc { name: "rules", value: "list of sources", doc: "The sources that are the rules." };

const MULTI_LABEL: OptionDoc = OptionDoc {
    name: "multi-label",
    value: "boolean, false",
    doc: "Whether several labels of one span may stay.",
};

/// All presets.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "spacy-filter-spans",
        doc: "spaCy's `filter_spans`: the span of most words, then the earlier one, greedily. Where two \
              labels have one span, spaCy keeps the one that came first in its input; here the order of \
              output decides.",
        options: &[],
        passes: include_str!("presets/spacy-filter-spans.toml"),
    },
    Preset {
        name: "spacy-ruler-overwrite",
        doc: "spaCy's EntityRuler after other components: rules among themselves as `filter_spans`; with \
              `overwrite` a rule deletes every entity that it overlaps, whole; without, a rule that \
              overlaps any entity is dropped. Where rules give two labels to one span, spaCy's choice \
              follows the position of the span in the text; here the order of output decides.",
        options: &[
            RULES,
            OptionDoc {
                name: "overwrite",
                value: "boolean, true",
                doc: "Whether rules delete entities, or give way to them.",
            },
        ],
        passes: include_str!("presets/spacy-ruler-overwrite.toml"),
    },
    Preset {
        name: "presidio",
        doc: "Presidio's analyzer and anonymizer (2.2.366): candidates of one label that overlap become \
              one with the higher score; of one span the highest score stays, then the label that is last \
              in the alphabet; what is contained in another is dropped, whatever it scores. Where a union \
              ties with another label on its span, Presidio looks at positions in its list, here the \
              alphabet decides; a candidate of which nothing is left cuts no other; what spaces part is \
              joined whatever else begins between; and what \
              `merge-spaces` joins has the higher score, in Presidio that of the last.",
        options: &[
            OptionDoc {
                name: "min-score",
                value: "number 0 to 1, 0.000001",
                doc: "The threshold of the analyzer; it drops scores of zero in any case.",
            },
            OptionDoc {
                name: "conflict",
                value: "none | remove-intersections, \"none\"",
                doc: "What becomes of candidates of different labels that cross: both stay, or the one \
                      that scores less loses what they share.",
            },
            OptionDoc {
                name: "merge-spaces",
                value: "boolean, false",
                doc: "Whether candidates of one label with nothing but spaces between become one.",
            },
        ],
        passes: include_str!("presets/presidio.toml"),
    },
    Preset {
        name: "corenlp",
        doc: "CoreNLP's models in their order and then its fine-grained rules (TokensRegexNER): a model \
              adds what overlaps nothing of those before it; a rule that lies inside or across an entity \
              is refused; one that covers an entity and more replaces it; one on the span of an entity \
              replaces it where the tables say so. CoreNLP compares tags of tokens, so neighbouring \
              entities of one label are one to it; here candidates are compared. Rules have no priority \
              of their own here: score, length and order of sources decide.",
        options: &[
            OptionDoc {
                name: "models",
                value: "list of sources",
                doc: "The models, the first first.",
            },
            RULES,
            OptionDoc {
                name: "later-models",
                value: "list of sources, []",
                doc: "The models that may not add the labels in `taken` (the NORMAL mode; none is \
                      HIGH_RECALL).",
            },
            OptionDoc {
                name: "taken",
                value: "list of labels, []",
                doc: "The labels that the models before them have.",
            },
            OptionDoc {
                name: "overwrite",
                value: "table, {}",
                doc: "For a label of the rules, the labels of entities that it replaces: \
                      `overwrite = { CITY = [\"LOC\"] }`.",
            },
            OptionDoc {
                name: "overwritable",
                value: "list of labels, []",
                doc: "Labels that every rule replaces: MISC and those of the rules themselves.",
            },
            OptionDoc {
                name: "no-default-overwrite",
                value: "list of labels, []",
                doc: "Labels of rules that replace nothing but what `overwrite` says.",
            },
            OptionDoc {
                name: "places",
                value: "list of labels, []",
                doc: "Labels inside which every rule is allowed: LOCATION and GPE; the rest of the entity \
                      stays.",
            },
        ],
        passes: include_str!("presets/corenlp.toml"),
    },
    Preset {
        name: "gliner-flat",
        doc: "GLiNER's decoding of flat entities: greedily by score, then the earlier, then the shorter, \
              then the order of labels; what touches does not overlap. GLiNER asks for more than the \
              threshold, here the threshold itself is enough.",
        options: &[
            OptionDoc { name: "threshold", value: "number 0 to 1, 0.5", doc: "The lowest score." },
            MULTI_LABEL,
        ],
        passes: include_str!("presets/gliner-flat.toml"),
    },
    Preset {
        name: "gliner-nested",
        doc: "GLiNER's decoding of nested entities: as gliner-flat, but only crossing is forbidden.",
        options: &[
            OptionDoc { name: "threshold", value: "number 0 to 1, 0.5", doc: "The lowest score." },
            MULTI_LABEL,
        ],
        passes: include_str!("presets/gliner-nested.toml"),
    },
    Preset {
        name: "first-start-wins",
        doc: "From left to right, the first that is free: by beginning, then by score (red-candle).",
        options: &[],
        passes: include_str!("presets/first-start-wins.toml"),
    },
];

/// The preset of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub fn preset(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
        Error::unknown("preset", name, &known)
    })
}

/// The head of a preset's TOML.
#[derive(Debug, Deserialize)]
struct Head {
    #[serde(default)]
    defaults: BTreeMap<String, toml::Value>,
}

impl Preset {
    /// The passes of the preset, with the options that are left in `section`.
    ///
    /// # Errors
    /// Where an option is unknown, missing or wrong, at the place of the section.
    pub fn build(
        &self,
        mut section: Section<'_>,
        scope: &PassScope<'_>,
    ) -> Result<Vec<(&'static PassKind, Box<dyn Pass>)>> {
        let place = section.location();
        let text = self.filled(&mut section)?;
        let file = TomlFile::new(&format!("presets/{}.toml", self.name), &text);
        let here = |error: Error| {
            let (message, line) = (error.message(), error.location().map_or(0, |l| l.line));
            let message = format!("{message} (line {line} of preset '{}')", self.name);
            Error::new(ErrorKind::Config, message).at(place.clone())
        };
        let all = |error: Error| {
            Error::several(error.into_list().into_iter().map(&here).collect())
                .expect("an error is at least one")
        };
        let mut passes = Vec::new();
        for mut table in file.parse().map_err(all)?.take_tables("merge").map_err(all)? {
            if let Some((x, y)) = table.take::<(toml::Value, toml::Value)>("when").map_err(all)?
                && x != y
            {
                continue;
            }
            let (name, _) = table.take_str("pass").map_err(all)?;
            let kind = kind(&name).map_err(all)?;
            passes.push((kind, (kind.build)(table, scope).map_err(all)?));
        }
        Ok(passes)
    }

    /// The TOML of the preset with the values of its options in place.
    fn filled(&self, section: &mut Section<'_>) -> Result<String> {
        let head: Head = toml::from_str(self.passes)
            .map_err(|e| section.error(format!("preset '{}' is broken: {e}", self.name)))?;
        let mut errors = Vec::new();
        let mut text = self.passes.to_owned();
        for option in self.options {
            let place = section.location_of(option.name);
            let written = section.take::<toml::Value>(option.name).unwrap_or_else(|error| {
                errors.push(error);
                None
            });
            if let Some(expected) = written.as_ref().and_then(|value| misfit(option, value)) {
                let got = written.as_ref().map_or(String::new(), ToString::to_string);
                let message = format!("'{}' is {got}, expected {expected}", option.name);
                errors.push(Error::new(ErrorKind::Config, message).at(place));
            }
            match written.as_ref().or(head.defaults.get(option.name)) {
                Some(value) => {
                    text = text.replace(&format!("\"${}\"", option.name), &value.to_string());
                }
                None => {
                    let message =
                        format!("preset '{}' needs the option '{}'", self.name, option.name);
                    errors.push(section.error(message));
                }
            }
        }
        let known: Vec<&str> = self.options.iter().map(|o| o.name).collect();
        for key in section.keys() {
            errors.push(Error::unknown("option", &key, &known).at(section.location_of(&key)));
        }
        Error::several(errors).map_or(Ok(text), Err)
    }
}

/// What was expected instead of `value`, where the option's documentation says that it is a boolean or one
/// of some strings and it is none. Everything else is checked by the passes that read it.
fn misfit(option: &OptionDoc, value: &toml::Value) -> Option<String> {
    let expected = option.value.split(',').next().unwrap_or("");
    let fits = match expected {
        "boolean" => value.is_bool(),
        _ if expected.contains(" | ") => {
            value.as_str().is_some_and(|got| expected.split(" | ").any(|known| known == got))
        }
        _ => true,
    };
    (!fits).then(|| expected.to_owned())
}
