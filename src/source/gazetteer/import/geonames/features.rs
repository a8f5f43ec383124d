//! Which label has a feature of GeoNames? A table of classes (`P`) and codes (`P.PPLC`), the user's
//! rows before the default ones.

use std::collections::BTreeMap;
use std::fs;

use crate::error::{Error, Location, Result};
use crate::source::gazetteer::import::Settings;
use crate::source::gazetteer::import::input::wrong;
use crate::source::gazetteer::import::settings::invalid;
use crate::source::gazetteer::{Case, Entry};
use crate::span::Label;

/// The classes that GeoNames has: countries and regions, waters, areas, places where people live,
/// roads, buildings, mountains, the sea floor, vegetation.
const CLASSES: [&str; 9] = ["A", "H", "L", "P", "R", "S", "T", "U", "V"];

/// The classes that are taken where the user's table says nothing, as `LOC`.
const DEFAULT: [&str; 6] = ["A", "H", "L", "P", "T", "U"];

/// What an entry of a feature is.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub(super) label: Label,
    pub(super) case: Option<Case>,
    pub(super) attributes: Vec<(String, String)>,
}

/// By class or code; `None` is left out.
#[derive(Debug)]
pub(super) struct Features(BTreeMap<String, Option<Feature>>);

impl Features {
    /// The table that the options `features` and `feature` describe, over the default one.
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let location = Feature { label: Label::new("LOC"), case: None, attributes: Vec::new() };
        let default = DEFAULT.map(|class| (class.to_owned(), Some(location.clone())));
        let mut table = Self(BTreeMap::from(default));
        if let Some(path) = settings.text("features") {
            let text = fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
            for (number, line) in (1..).zip(text.lines()) {
                if line.trim().is_empty() || line.starts_with('#') {
                    continue;
                }
                let mut cells = line.split('\t').map(str::trim);
                let (code, label) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
                let attributes = cells.next().unwrap_or("");
                table
                    .add(code, label, attributes)
                    .map_err(|message| wrong(message).at(Location::line(path, number, 0)))?;
            }
        }
        for (code, feature) in settings.pairs("feature")? {
            let (label, attributes) = feature.split_once(';').unwrap_or((feature, ""));
            table.add(code, label, attributes).map_err(|message| invalid("feature", message))?;
        }
        Ok(table)
    }

    fn add(
        &mut self,
        code: &str,
        label: &str,
        attributes: &str,
    ) -> std::result::Result<(), String> {
        let class = code.split_once('.').map_or(code, |(class, _)| class);
        if !CLASSES.contains(&class) {
            let known = CLASSES.join(", ");
            return Err(format!("'{class}' is no feature class of GeoNames ({known})"));
        }
        if label.is_empty() {
            return Err(format!("no label is given for '{code}'"));
        }
        let mut entry = Entry::new("", Label::new(label));
        entry.set_attributes(attributes).map_err(|error| error.message().to_owned())?;
        let feature =
            Feature { label: entry.label, case: entry.case, attributes: entry.attributes };
        self.0.insert(code.to_owned(), (label != "-").then_some(feature));
        Ok(())
    }

    /// What a feature is; `None` where it is left out.
    pub(super) fn of(&self, class: &str, code: &str) -> Option<&Feature> {
        let known = self.0.get(&format!("{class}.{code}")).or_else(|| self.0.get(class));
        known?.as_ref()
    }
}
