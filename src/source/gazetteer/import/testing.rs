//! Importing from a string, for the tests of the formats.

use super::{Imported, Importer, Input, Settings, Sink};
use crate::source::gazetteer::Entry;

/// Two rows of a GeoNames dump.
pub(super) const GEONAMES: &str = "\
2988507\tParis\tParis\tPAR,Lutece,Parijs,Paris,bali,Париж,巴黎\t48.85341\t2.3488\tP\tPPLC\tFR\t\t11\t75\t751\t75056\t2138551\t\t42\tEurope/Paris\t2022-03-08
4717560\tParis\tParis\tPRX\t33.66094\t-95.55551\tP\tPPLA2\tUS\t\tTX\t277\t\t\t24782\t\t183\tAmerica/Chicago\t2017-03-09
";

/// The entries of `text`, as `surface label id weight attributes`, and what the import came to.
pub(super) fn import(
    importer: &Importer,
    options: &[(&str, &str)],
    text: &str,
) -> (Vec<String>, Imported) {
    let mut settings = Settings::default();
    options.iter().for_each(|(name, value)| settings.set(name, value));
    let mut entries = Vec::new();
    let mut accept = |entry: Entry| {
        let id = entry.id.as_deref().unwrap_or("-");
        let case = entry.case.map(|case| format!("case={}", case.name()));
        let others = entry.attributes.iter().map(|(key, value)| format!("{key}={value}"));
        let attributes = case.into_iter().chain(others).collect::<Vec<_>>().join(";");
        entries
            .push(format!("{} {} {id} {} {attributes}", entry.surface, entry.label, entry.weight));
        Ok(())
    };
    let mut sink = Sink::new(importer, &settings, &mut accept).unwrap();
    let input = Input { name: "in", reader: &mut text.as_bytes() };
    importer.open(&settings).unwrap().import(input, &mut sink).unwrap();
    let imported = sink.finish();
    (entries, imported)
}

/// What is wrong with `text`.
pub(super) fn messages(importer: &Importer, options: &[(&str, &str)], text: &str) -> Vec<String> {
    let (_, imported) = import(importer, options, text);
    imported.problems.iter().map(ToString::to_string).collect()
}

/// What is wrong with the options.
pub(super) fn refusal(importer: &Importer, options: &[(&str, &str)]) -> String {
    let mut settings = Settings::default();
    options.iter().for_each(|(name, value)| settings.set(name, value));
    importer.open(&settings).err().expect("the options are wrong").to_string()
}
