//! JSON dumps of Wikidata (`latest-all.json`): an array with an entity a line, of which the instances
//! of chosen classes are taken.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use aho_corasick::AhoCorasick;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::input::{Row, wrong};
use super::prior::Prior;
use super::settings::invalid;
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::Result;
use crate::resource::OptionDoc;
use crate::source::gazetteer::Entry;

/// The format `wikidata`.
pub(super) const IMPORTER: Importer = Importer {
    name: "wikidata",
    doc: "A JSON dump of Wikidata: labels and aliases of the instances of chosen classes, with the \
          number of the item (`Q90`) as id.",
    options: &[
        OptionDoc {
            name: "class",
            value: "QID=LABEL, needed",
            doc: "Items that are an instance of this class (P31, not through subclasses; a statement \
                  of rank deprecated does not count) get this label.",
        },
        OptionDoc {
            name: "language",
            value: "list of codes, en",
            doc: "The languages whose labels and aliases are taken.",
        },
        OptionDoc {
            name: "aliases",
            value: "yes | no, yes",
            doc: "Whether aliases are taken besides labels.",
        },
        OptionDoc {
            name: "half-sitelinks",
            value: "number, 4",
            doc: "An item with as many pages in Wikipedias and sister projects weighs 0.5; others 1 / \
                  (1 + sqrt(half / pages)), from 0.05. 0 gives all the weight 1.",
        },
    ],
    is_noisy: true,
    recognises: |name, head| {
        let first = head.lines().find(|line| !matches!(line.trim(), "" | "[")).unwrap_or("");
        name.ends_with(".json") && first.starts_with("{\"type\":\"item\"")
    },
    open: |settings| Ok(Box::new(Wikidata::open(settings)?)),
    write: None,
};

struct Wikidata {
    /// Class and label, in the order of the user.
    classes: Vec<(String, String)>,
    /// The classes as an item names them: one that names none need not be parsed.
    mentions: AhoCorasick,
    languages: Vec<String>,
    takes_aliases: bool,
    prior: Prior,
}

impl Wikidata {
    fn open(settings: &Settings) -> Result<Self> {
        let pairs = settings.pairs("class")?;
        let is_item = |id: &str| {
            id.strip_prefix('Q')
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        if let Some((class, _)) = pairs.iter().find(|(class, _)| !is_item(class)) {
            return Err(invalid("class", format!("'{class}' is no item, expected Q and a number")));
        }
        if pairs.is_empty() {
            return Err(invalid("class", "no class is given, such as Q515=LOC"));
        }
        let mentions = AhoCorasick::new(pairs.iter().map(|(class, _)| format!("\"{class}\"")))
            .map_err(|error| invalid("class", error))?;
        let mut languages: Vec<String> = settings.list("language").map(str::to_owned).collect();
        if languages.is_empty() {
            languages.push("en".to_owned());
        }
        Ok(Self {
            classes: pairs.iter().map(|(c, l)| ((*c).to_owned(), (*l).to_owned())).collect(),
            mentions,
            languages,
            takes_aliases: settings.choice("aliases", &["yes", "no"])? == "yes",
            prior: Prior::read(settings, "half-sitelinks", 4.0)?,
        })
    }

    fn add(&self, row: Row<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let text = row.text.trim_end();
        let text = text.strip_suffix(',').unwrap_or(text);
        if matches!(text.trim(), "" | "[" | "]") || !self.mentions.is_match(text) {
            return Ok(());
        }
        let item: Item<'_> = row.json_object(text)?;
        let labels = self.labels_of(&item);
        if labels.is_empty() {
            return Ok(());
        }
        let Some(id) = item.id else { return Err(wrong("the item has no 'id'")) };
        let mut names: Vec<&str> = Vec::new();
        for language in &self.languages {
            names.extend(item.labels.0.get(&**language).map(|name| &*name.value));
            if self.takes_aliases {
                let aliases = item.aliases.0.get(&**language);
                names.extend(aliases.into_iter().flatten().map(|name| &*name.value));
            }
        }
        for (class, label) in labels {
            let mut entry = Entry::new("", sink.label(label));
            entry.id = Some((*id).into());
            entry.set_weight(self.prior.weight(item.sitelinks.0 as f64))?;
            entry.attributes.push(("class".to_owned(), class.to_owned()));
            for (place, name) in
                names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty())
            {
                if !names[..place].contains(name) {
                    sink.add_one_of_many(Entry { surface: name.trim().into(), ..entry.clone() })?;
                }
            }
        }
        Ok(())
    }

    /// The labels of an item, each with the first class that gives it.
    fn labels_of(&self, item: &Item<'_>) -> Vec<(&str, &str)> {
        let statements = item.claims.p31.iter().filter(|s| s.rank.as_deref() != Some("deprecated"));
        let ids: Vec<&str> = statements
            .filter_map(|statement| statement.mainsnak.datavalue.as_ref()?.value.id.as_deref())
            .collect();
        let mut labels: Vec<(&str, &str)> = Vec::new();
        for (class, label) in self.classes.iter().filter(|(class, _)| ids.contains(&class.as_str()))
        {
            if labels.iter().all(|(_, known)| known != label) {
                labels.push((class, label));
            }
        }
        labels
    }
}

impl Import for Wikidata {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        input.each_line(sink, |row, sink| self.add(row, sink))
    }
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    labels: Languages<'a, Name<'a>>,
    #[serde(borrow, default)]
    aliases: Languages<'a, Vec<Name<'a>>>,
    #[serde(borrow, default)]
    claims: Claims<'a>,
    #[serde(default)]
    sitelinks: Count,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a value")]
struct Name<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
struct Claims<'a> {
    #[serde(rename = "P31", borrow, default)]
    p31: Vec<Statement<'a>>,
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(borrow)]
    mainsnak: Snak<'a>,
    #[serde(borrow)]
    rank: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Snak<'a> {
    #[serde(borrow)]
    datavalue: Option<DataValue<'a>>,
}

#[derive(Deserialize)]
struct DataValue<'a> {
    #[serde(borrow)]
    value: ItemValue<'a>,
}

#[derive(Deserialize)]
struct ItemValue<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

/// Something by language; the dumps write an empty object as `[]`.
struct Languages<'a, T>(BTreeMap<Cow<'a, str>, T>);

impl<T> Default for Languages<'_, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'a, 'de: 'a, T: Deserialize<'de>> Deserialize<'de> for Languages<'a, T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> std::result::Result<Self, D::Error> {
        struct MapOrNothing<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOrNothing<T> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or an empty array")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    all.insert(key, value);
                }
                Ok(all)
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                match seq.next_element::<IgnoredAny>()? {
                    Some(_) => Err(serde::de::Error::invalid_length(1, &self)),
                    None => Ok(BTreeMap::new()),
                }
            }
        }
        let map = value.deserialize_any(MapOrNothing(std::marker::PhantomData))?;
        Ok(Self(map.into_iter().map(|(key, value)| (Cow::Owned(key), value)).collect()))
    }
}

/// How many members an object has.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(value: D) -> std::result::Result<Self, D::Error> {
        let members = Languages::<IgnoredAny>::deserialize(value)?;
        Ok(Self(members.0.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{import, messages, refusal};
    use super::*;

    fn item(
        id: &str,
        classes: &[(&str, &str)],
        labels: &str,
        aliases: &str,
        links: &str,
    ) -> String {
        let claims: Vec<String> = classes
            .iter()
            .map(|(class, rank)| {
                format!(
                    r#"{{"mainsnak":{{"snaktype":"value","property":"P31","datavalue":{{"value":{{"entity-type":"item","id":"{class}"}},"type":"wikibase-entityid"}}}},"type":"statement","rank":"{rank}"}}"#
                )
            })
            .collect();
        let claims = claims.join(",");
        format!(
            r#"{{"type":"item","id":"{id}","labels":{labels},"descriptions":{{}},"aliases":{aliases},"claims":{{"P31":[{claims}],"P17":[]}},"sitelinks":{links}}}"#
        )
    }

    fn dump(items: &[String]) -> String {
        format!("[\n{}\n]\n", items.join(",\n"))
    }

    #[test]
    fn instances_of_the_classes_are_taken() {
        let labels = r#"{"en":{"language":"en","value":"Paris"},"de":{"language":"de","value":"Paris"},"ru":{"language":"ru","value":"Париж"}}"#;
        let aliases = r#"{"en":[{"language":"en","value":"City of Light"},{"language":"en","value":"75"}],"ru":[]}"#;
        let links = r#"{"enwiki":{},"dewiki":{},"frwiki":{},"ruwiki":{}}"#;
        let items = [
            item("Q90", &[("Q515", "normal"), ("Q5119", "preferred")], labels, aliases, links),
            item("Q1", &[("Q515", "deprecated")], labels, "[]", "[]"),
            item("Q2", &[("Q5", "normal")], labels, "[]", "[]"),
            item("Q3", &[("Q5119", "normal")], labels, "[]", "[]"),
        ];
        let options =
            [("class", "Q515=LOC,Q5119=CAPITAL"), ("class", "Q486972=LOC"), ("language", "en,de")];
        let (entries, imported) = import(&IMPORTER, &options, &dump(&items));
        assert_eq!(
            entries,
            [
                "Paris LOC Q90 0.5 class=Q515",
                "City of Light LOC Q90 0.5 class=Q515",
                "Paris CAPITAL Q90 0.5 class=Q5119",
                "City of Light CAPITAL Q90 0.5 class=Q5119",
                "Paris CAPITAL Q3 0.05 class=Q5119",
            ]
        );
        assert_eq!(imported.left_out["too short"], 2);
        assert_eq!(imported.problem_count, 0);
        let options = [("class", "Q515=LOC"), ("aliases", "no"), ("half-sitelinks", "0")];
        let (entries, _) = import(&IMPORTER, &options, &dump(&items));
        assert_eq!(entries, ["Paris LOC Q90 1 class=Q515"]);
    }

    #[test]
    fn odd_items_are_read_and_broken_ones_named() {
        let text = concat!(
            "[\n",
            r#"{"id":"Q1","labels":[],"aliases":[],"claims":[],"sitelinks":[],"x":"Q515"},"#,
            "\n",
            r#"{"id":"Q2","claims":{"P31":[{"mainsnak":{"snaktype":"somevalue"}}]},"x":"Q515"},"#,
            "\n",
            r#"{"id":"Q3","labels":{"en":5},"x":"Q515"},"#,
            "\n{\"Q515\"\n]"
        );
        assert_eq!(
            messages(&IMPORTER, &[("class", "Q515=LOC")], text),
            [
                "in:4:27: invalid JSON: invalid type: integer `5`, expected an object with a value",
                "in:5:7: invalid JSON: EOF while parsing an object"
            ]
        );
    }

    #[test]
    fn classes_are_needed() {
        assert_eq!(refusal(&IMPORTER, &[]), "--class: no class is given, such as Q515=LOC");
        assert_eq!(
            refusal(&IMPORTER, &[("class", "city=LOC")]),
            "--class: 'city' is no item, expected Q and a number"
        );
    }
}
