//! Dumps of GeoNames (`allCountries.txt`, `cities5000.txt`, `FR.txt`): 19 columns, a place a row with
//! all its names.

mod features;

use self::features::Features;
use super::input::{Row, wrong};
use super::prior::Prior;
use super::settings::invalid;
use super::{Import, Importer, Input, Settings, Sink};
use crate::error::{Error, Result};
use crate::resource::OptionDoc;
use crate::source::gazetteer::Entry;

/// The format `geonames`.
pub(super) const IMPORTER: Importer = Importer {
    name: "geonames",
    doc: "The main dump of GeoNames, 19 columns: a place a row, an entry for each of its names, with \
          the number of the place as id.",
    options: &[
        OptionDoc {
            name: "feature",
            value: "CODE=LABEL[;KEY=VALUE…], A=LOC,H=LOC,L=LOC,P=LOC,T=LOC,U=LOC",
            doc: "The label of a feature class (`P`) or code (`P.PPLC`, before its class), with \
                  attributes where wanted; `-` leaves it out. Added to the table given as default; \
                  classes it does not name (roads, buildings, forests) are left out.",
        },
        OptionDoc {
            name: "features",
            value: "path",
            doc: "A file of the same: rows of `CODE<TAB>LABEL`, and attributes in a third column.",
        },
        OptionDoc {
            name: "alternate-names",
            value: "cased | all | none, cased",
            doc: "Which alternate names are taken: `cased` leaves out those in lower case (mostly \
                  romanisations; `smart` casing would find them in any text) and codes of up to four \
                  capitals (airports).",
        },
        OptionDoc {
            name: "attributes",
            value: "list, country,admin1,feature",
            doc: "What is kept of a place: country, admin1, admin2, feature, population, latitude, \
                  longitude, timezone, name.",
        },
        OptionDoc {
            name: "half-population",
            value: "number, 10000",
            doc: "The population of a place of weight 0.5; others weigh 1 / (1 + sqrt(half / \
                  population)), from 0.05. 0 gives all the weight 1. Features that have no \
                  inhabitants (all but A and P) weigh 0.5.",
        },
    ],
    is_noisy: true,
    recognises: |_, head| is_dump(head),
    open: |settings| Ok(Box::new(GeoNames::open(settings)?)),
    write: None,
};

const COLUMNS: usize = 19;

/// What may be kept, and the column it stands in.
const ATTRIBUTES: [(&str, usize); 9] = [
    ("country", 8),
    ("admin1", 10),
    ("admin2", 11),
    ("feature", 7),
    ("population", 14),
    ("latitude", 4),
    ("longitude", 5),
    ("timezone", 17),
    ("name", 1),
];

/// Whether a file that begins like this is a dump.
pub(super) fn is_dump(head: &str) -> bool {
    let columns: Vec<&str> = head.lines().next().unwrap_or("").split('\t').collect();
    let is_number = |column: usize| columns[column].parse::<f64>().is_ok();
    columns.len() == COLUMNS && is_number(0) && is_number(4) && is_number(5)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AlternateNames {
    Cased,
    All,
    None,
}

struct GeoNames {
    features: Features,
    alternate_names: AlternateNames,
    attributes: Vec<(&'static str, usize)>,
    prior: Prior,
}

impl GeoNames {
    fn open(settings: &Settings) -> Result<Self> {
        let alternate_names = match settings.choice("alternate-names", &["cased", "all", "none"])? {
            "cased" => AlternateNames::Cased,
            "all" => AlternateNames::All,
            _ => AlternateNames::None,
        };
        let mut names: Vec<&str> = settings.list("attributes").collect();
        if settings.text("attributes").is_none() {
            names = vec!["country", "admin1", "feature"];
        }
        let known = ATTRIBUTES.map(|(name, _)| name);
        let attribute = |name: &&str| {
            let found = ATTRIBUTES.iter().find(|(known, _)| known == name).copied();
            found.ok_or_else(|| Error::unknown("attribute of GeoNames", name, &known))
        };
        let attributes: Vec<_> = names.iter().map(attribute).collect::<Result<_>>()?;
        if let Some(at) =
            (1..attributes.len()).find(|at| attributes[..*at].contains(&attributes[*at]))
        {
            return Err(invalid("attributes", format!("'{}' is there twice", attributes[at].0)));
        }
        Ok(Self {
            features: Features::read(settings)?,
            alternate_names,
            attributes,
            prior: Prior::read(settings, "half-population", 10_000.0)?,
        })
    }

    fn add(&self, row: Row<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let columns: Vec<&str> = row.text.split('\t').collect();
        if columns.len() != COLUMNS {
            let message = format!("the row has {} columns, expected {COLUMNS}", columns.len());
            return Err(wrong(message));
        }
        if columns[1].trim().is_empty() {
            return Err(wrong("the name is empty").at(row.at_cell(1)));
        }
        let (class, code) = (columns[6], columns[7]);
        let Some(feature) = self.features.of(class, code) else {
            sink.leave_out("of a feature not asked for");
            return Ok(());
        };
        let population = match columns[14] {
            "" => 0.0,
            text => text.parse().ok().filter(|n: &f64| *n >= 0.0).ok_or_else(|| {
                wrong(format!("population '{text}' is not a number")).at(row.at_cell(14))
            })?,
        };
        let mut entry = Entry::new(columns[1].trim(), feature.label.clone());
        entry.id = (!columns[0].is_empty()).then(|| columns[0].into());
        entry.set_weight(match class {
            "A" | "P" => self.prior.weight(population),
            _ => 0.5,
        })?;
        entry.case = feature.case;
        for (name, column) in &self.attributes {
            let value = match *name {
                "feature" => format!("{class}.{code}"),
                _ => columns[*column].replace(';', ","),
            };
            if !value.is_empty() {
                entry.attributes.push(((*name).to_owned(), value));
            }
        }
        for (name, value) in &feature.attributes {
            if entry.attributes.iter().all(|(known, _)| known != name) {
                entry.attributes.push((name.clone(), value.clone()));
            }
        }
        let main = columns[1].trim();
        let mut names = vec![main];
        names.push(columns[2].trim());
        if self.alternate_names != AlternateNames::None {
            names.extend(columns[3].split(',').map(str::trim));
        }
        self.add_names(&names, &entry, sink)
    }

    /// An entry for each of the names, each once.
    fn add_names(&self, names: &[&str], entry: &Entry, sink: &mut Sink<'_>) -> Result<()> {
        let mut sorted: Vec<(&str, usize)> = names.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(name, _)| *name);
        sorted.sort_unstable_by_key(|(_, place)| *place);
        for (name, place) in sorted.into_iter().filter(|(name, _)| !name.is_empty()) {
            // The first two are the name and its ASCII form.
            if place > 1 && self.alternate_names == AlternateNames::Cased {
                if is_lower(name) {
                    sink.leave_out("alternate names in lower case");
                    continue;
                }
                if is_code(name) {
                    sink.leave_out("codes");
                    continue;
                }
            }
            sink.add_one_of_many(Entry { surface: name.into(), ..entry.clone() })?;
        }
        Ok(())
    }
}

impl Import for GeoNames {
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        input.each_line(sink, |row, sink| match row.text.is_empty() || row.text.starts_with('#') {
            true => Ok(()),
            false => self.add(row, sink),
        })
    }
}

/// Whether a name has lower-case letters and no capital.
fn is_lower(name: &str) -> bool {
    name.contains(char::is_lowercase) && !name.contains(char::is_uppercase)
}

/// Whether a name is a code rather: up to four ASCII capitals and digits.
fn is_code(name: &str) -> bool {
    name.len() <= 4 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GEONAMES, import, messages, refusal};
    use super::*;

    #[test]
    fn each_name_is_an_entry() {
        let (entries, imported) = import(&IMPORTER, &[], GEONAMES);
        let paris = "2988507 0.936 country=FR;admin1=11;feature=P.PPLC";
        let expected = [
            format!("Paris LOC {paris}"),
            format!("Lutece LOC {paris}"),
            format!("Parijs LOC {paris}"),
            format!("Париж LOC {paris}"),
            format!("巴黎 LOC {paris}"),
            "Paris LOC 4717560 0.612 country=US;admin1=TX;feature=P.PPLA2".to_owned(),
        ];
        assert_eq!(entries, expected);
        let left_out: Vec<_> = imported.left_out.into_iter().collect();
        assert_eq!(left_out, [("alternate names in lower case", 1), ("codes", 2)]);
    }

    #[test]
    fn the_table_of_features_is_the_users() {
        let options = [
            ("feature", "P.PPLC=CAPITAL;level=national,P=-"),
            ("alternate-names", "none"),
            ("attributes", "population,latitude"),
            ("half-population", "0"),
        ];
        let (entries, imported) = import(&IMPORTER, &options, GEONAMES);
        let attributes = "population=2138551;latitude=48.85341;level=national";
        assert_eq!(entries, [format!("Paris CAPITAL 2988507 1 {attributes}")]);
        assert_eq!(imported.left_out["of a feature not asked for"], 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features.tsv");
        std::fs::write(&path, "# codes\nP\tCITY\tkind=city\nP.PPLA2\t-\n").unwrap();
        let options = [("features", path.to_str().unwrap()), ("attributes", "country")];
        let (entries, _) = import(&IMPORTER, &options, GEONAMES);
        assert_eq!(entries[0], "Paris CITY 2988507 0.936 country=FR;kind=city");
        assert_eq!(entries.len(), 5);
    }

    #[test]
    fn all_alternate_names_are_taken_where_asked() {
        let options = [("alternate-names", "all"), ("min-length", "4")];
        let (entries, imported) = import(&IMPORTER, &options, GEONAMES);
        assert_eq!(entries.len(), 7);
        assert_eq!(imported.left_out["too short"], 2);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rows = "1\tParis\n".to_owned()
            + &GEONAMES.replace("2138551", "many").replace("\tParis\tParis\tPRX", "\t\t\tPRX");
        assert_eq!(
            messages(&IMPORTER, &[], &rows),
            [
                "in:1: the row has 2 columns, expected 19",
                "in:2:102: population 'many' is not a number",
                "in:3:9: the name is empty"
            ]
        );
        let cases = [
            (("attributes", "county"), "unknown attribute of GeoNames 'county'"),
            (("attributes", "name,name"), "--attributes: 'name' is there twice"),
            (("feature", "P"), "--feature: 'P' is not of the form KEY=VALUE"),
            (
                ("feature", "Q=LOC"),
                "--feature: 'Q' is no feature class of GeoNames (A, H, L, P, R, S, T, U, V)",
            ),
            (
                ("features", "/none/f.tsv"),
                "cannot read /none/f.tsv: No such file or directory (os error 2)",
            ),
            (("half-population", "-1"), "--half-population: '-1' is no number of at least 0"),
        ];
        for (option, expected) in cases {
            assert_eq!(refusal(&IMPORTER, &[option]), expected);
        }
    }
}
