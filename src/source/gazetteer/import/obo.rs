//! Ontologies in the OBO format 1.2 and 1.4: the names and synonyms of their terms.

use super::input::{Row, wrong};
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::OptionDoc;
use crate::source::gazetteer::Entry;

/// The format `obo`.
pub(super) const IMPORTER: Importer = Importer {
    name: "obo",
    doc: "An ontology: an entry for the name and each synonym of a term that is not obsolete, with \
          the id of the term.",
    options: &[
        OptionDoc {
            name: "namespace",
            value: "NAMESPACE=LABEL",
            doc: "The label of the terms of a namespace; terms of others are left out. Without it (and \
                  `label`) the namespace is the label.",
        },
        OptionDoc {
            name: "label",
            value: "label",
            doc: "The label of all terms for whose namespace `namespace` has none.",
        },
        OptionDoc {
            name: "synonyms",
            value: "list of exact, narrow, broad, related or none, exact",
            doc: "Which synonyms are taken, by scope; exact ones weigh 1, narrow ones 0.8, broad ones \
                  0.6, related ones 0.5, and the attribute `scope` tells which they are.",
        },
    ],
    is_noisy: false,
    recognises: |name, head| name.ends_with(".obo") || head.starts_with("format-version: 1."),
    open: |settings| Ok(Box::new(Obo::open(settings)?)),
    write: None,
};

/// Scopes as users write them, and what they weigh.
const SCOPES: [(&str, f32); 4] =
    [("exact", 1.0), ("narrow", 0.8), ("broad", 0.6), ("related", 0.5)];

/// A term has fewer synonyms; a file of one endless term must not fill the memory.
const MAX_SYNONYMS: usize = 1 << 16;

struct Obo {
    labels: Vec<(String, String)>,
    label: Option<String>,
    scopes: Vec<&'static str>,
}

/// A term as far as it has been read.
struct Term {
    place: Location,
    id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    /// Text and weight, and the name of the scope.
    synonyms: Vec<(String, f32, &'static str)>,
    is_obsolete: bool,
}

impl Term {
    fn new(place: Location) -> Self {
        let (id, name, namespace, synonyms) = (None, None, None, Vec::new());
        Self { place, id, name, namespace, synonyms, is_obsolete: false }
    }
}

impl Obo {
    fn open(settings: &Settings) -> Result<Self> {
        let names: Vec<&str> = settings.list("synonyms").collect();
        let known = SCOPES.map(|(name, _)| name);
        let scope = |name: &&str| {
            let found = known.iter().copied().find(|known| known == name);
            found.ok_or_else(|| Error::unknown("scope of synonyms", name, &known))
        };
        let scopes = match names.as_slice() {
            [] => vec!["exact"],
            ["none"] => vec![],
            names => names.iter().map(scope).collect::<Result<_>>()?,
        };
        let pairs = settings.pairs("namespace")?;
        Ok(Self {
            labels: pairs.iter().map(|(n, l)| ((*n).to_owned(), (*l).to_owned())).collect(),
            label: settings.text("label").map(str::to_owned),
            scopes,
        })
    }

    /// Hands on what has been read of a term, if one has.
    fn finish(
        &self,
        term: Option<Term>,
        namespace: Option<&str>,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let Some(term) = term else { return Ok(()) };
        let place = term.place.clone();
        match self.add(term, namespace, sink) {
            Err(error) if error.kind() != ErrorKind::Io => sink.problem(error.at(place)),
            other => return other,
        }
        Ok(())
    }

    fn add(&self, term: Term, default_namespace: Option<&str>, sink: &mut Sink<'_>) -> Result<()> {
        if term.is_obsolete {
            sink.leave_out("obsolete terms");
            return Ok(());
        }
        let id = term.id.ok_or_else(|| wrong("the term has no id"))?;
        let name = term.name.ok_or_else(|| wrong(format!("the term {id} has no name")))?;
        let namespace = term.namespace.as_deref().or(default_namespace);
        let mapped = self.labels.iter().find(|(known, _)| Some(known.as_str()) == namespace);
        let label = match (mapped, &self.label, namespace) {
            (Some((_, label)), _, _) | (None, Some(label), _) => label,
            (None, None, Some(namespace)) if self.labels.is_empty() => namespace,
            (None, None, Some(_)) => {
                sink.leave_out("of a namespace not asked for");
                return Ok(());
            }
            (None, None, None) => {
                let message = format!("the term {id} has no namespace");
                return Err(wrong(message).with_help("--label LABEL gives a label to all terms"));
            }
        };
        let mut entry = Entry::new(&name, sink.label(label));
        entry.id = Some(id);
        sink.add(entry.clone())?;
        for (text, weight, scope) in term.synonyms.into_iter().filter(|(text, ..)| *text != name) {
            let attributes = vec![("scope".to_owned(), scope.to_owned())];
            let surface = text;
            sink.add_one_of_many(Entry { surface, weight, attributes, ..entry.clone() })?;
        }
        Ok(())
    }

    /// Reads a line of a term.
    fn read(&self, row: Row<'_>, term: &mut Term) -> Result<()> {
        let Some((tag, value)) = row.text.split_once(':') else {
            return Err(wrong(format!("'{}' is not of the form TAG: VALUE", row.text.trim())));
        };
        match tag {
            "id" => term.id = Some(plain(value)),
            "name" => term.name = Some(plain(value)).filter(|name| !name.is_empty()),
            "namespace" => term.namespace = Some(plain(value)),
            "is_obsolete" => term.is_obsolete = plain(value) == "true",
            "synonym" => {
                let (text, rest) = quoted(value).ok_or_else(|| {
                    wrong("the synonym is not in quotes").at(row.at_part(value.trim_start()))
                })?;
                let scope = rest.split_whitespace().next().unwrap_or("").to_lowercase();
                // A synonym without a scope is a related one.
                let (scope, weight) =
                    SCOPES.into_iter().find(|(name, _)| *name == scope).unwrap_or(SCOPES[3]);
                let is_wanted = self.scopes.contains(&scope) && !text.trim().is_empty();
                if is_wanted && term.synonyms.len() < MAX_SYNONYMS {
                    term.synonyms.push((text.trim().to_owned(), weight, scope));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Import for Obo {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let mut term: Option<Term> = None;
        let mut is_header = true;
        let mut default_namespace: Option<String> = None;
        input.each_line(sink, |row, sink| {
            let text = row.text.trim();
            if text.starts_with('[') {
                is_header = false;
                let last = term.take();
                term = (text == "[Term]").then(|| Term::new(row.at(0)));
                return self.finish(last, default_namespace.as_deref(), sink);
            }
            if text.is_empty() || text.starts_with('!') {
                return Ok(());
            }
            if let Some(term) = &mut term {
                return self.read(row, term);
            }
            if let Some(value) = text.strip_prefix("default-namespace:").filter(|_| is_header) {
                default_namespace = Some(plain(value));
            }
            Ok(())
        })?;
        self.finish(term, default_namespace.as_deref(), sink)
    }
}

/// An unquoted value: without its escapes, and the modifiers and comment after it.
fn plain(value: &str) -> String {
    let mut text = String::new();
    let mut characters = value.trim().chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => text.extend(characters.next().map(unescaped)),
            '!' | '{' => break,
            c => text.push(c),
        }
    }
    text.trim_end().to_owned()
}

/// The text in quotes that `value` begins with, and what follows it.
fn quoted(value: &str) -> Option<(String, &str)> {
    let mut characters = value.trim_start().strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return Some((text, characters.as_str())),
            '\\' => text.push(unescaped(characters.next()?)),
            c => text.push(c),
        }
    }
}

/// What a backslash before `c` stands for.
fn unescaped(c: char) -> char {
    match c {
        'n' | 'W' | 't' => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{import, messages, refusal};
    use super::*;

    const ONTOLOGY: &str = r#"format-version: 1.2
default-namespace: disease_ontology

[Term]
id: DOID:0001816
name: angiosarcoma ! a tumour
synonym: "hemangiosarcoma" EXACT []
synonym: "vessel \"tumour\"" RELATED [NCI:1]
synonym: "angiosarcoma" EXACT []
synonym: "no scope" []

[Term]
id: DOID:4
name: obsolete disease
is_obsolete: true

[Typedef]
id: part_of
name: part of

[Term]
id: GO:1
name: reproduction \{of cells\} {source="x"}
namespace: biological_process
"#;

    #[test]
    fn terms_and_synonyms_are_read() {
        let text = ONTOLOGY.replace("\\\\", "\\");
        let (entries, imported) = import(&IMPORTER, &[], &text);
        assert_eq!(
            entries,
            [
                "angiosarcoma disease_ontology DOID:0001816 1 ",
                "hemangiosarcoma disease_ontology DOID:0001816 1 scope=exact",
                "reproduction {of cells} biological_process GO:1 1 ",
            ]
        );
        assert_eq!((imported.left_out["obsolete terms"], imported.problem_count), (1, 0));
        let options = [("namespace", "disease_ontology=DISEASE"), ("synonyms", "related")];
        let (entries, _) = import(&IMPORTER, &options, &text);
        assert_eq!(
            entries,
            [
                "angiosarcoma DISEASE DOID:0001816 1 ",
                "vessel \"tumour\" DISEASE DOID:0001816 0.5 scope=related",
                "no scope DISEASE DOID:0001816 0.5 scope=related",
            ]
        );
        let (entries, _) = import(&IMPORTER, &[("label", "X"), ("synonyms", "none")], &text);
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn wrong_terms_are_named_and_the_others_read() {
        let text = "\n[Term]\nname: a\n[Term]\nid: 1\n\n[Term]\nid: 2\nname: b\nnonsense\nsynonym: c EXACT\n\
                    [Term]\nid: 3\nname: d\nnamespace: n\n";
        let (entries, _) = import(&IMPORTER, &[], text);
        assert_eq!(entries, ["d n 3 1 "]);
        assert_eq!(
            messages(&IMPORTER, &[], text),
            [
                "in:2: the term has no id",
                "in:4: the term 1 has no name",
                "in:10: 'nonsense' is not of the form TAG: VALUE",
                "in:11:10: the synonym is not in quotes",
                "in:7: the term 2 has no namespace",
            ]
        );
        let message = "unknown scope of synonyms 'exactly'";
        assert_eq!(refusal(&IMPORTER, &[("synonyms", "exactly")]), message);
    }
}
