//! Names of one label, one a line.
//!
//! A template: copy it to a file of its own, beside this one, and put that file into the registry.
//! It is compiled and run by tests only.

use super::settings::invalid;
use super::{Import, Importer, Input, Sink};
use crate::error::Result;
use crate::resource::OptionDoc;
use crate::source::gazetteer::Entry;

/// The format `names`.
pub(super) const IMPORTER: Importer = Importer {
    name: "names",
    doc: "A name a line, all of one label.",
    options: &[OptionDoc {
        name: "label",
        value: "label, needed",
        doc: "The label of all entries.",
    }],
    is_noisy: false,
    // Any text is a list of names: it must be asked for.
    recognises: |_, _| false,
    open: |settings| {
        let label = settings.text("label").ok_or_else(|| invalid("label", "no label is given"))?;
        Ok(Box::new(Names { label: label.to_owned() }))
    },
    write: None,
};

struct Names {
    label: String,
}

impl Import for Names {
    /// A line that cannot be read is a problem of that line; the next one still comes.
    fn import(&self, input: Input<'_>, sink: &mut Sink<'_>) -> Result<()> {
        input.each_line(sink, |line, sink| {
            if line.text.trim().is_empty() {
                return Ok(());
            }
            let label = sink.label(&self.label);
            sink.add(Entry::new(line.text.trim(), label))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{import, refusal};
    use super::*;

    #[test]
    fn each_line_is_a_name() {
        let (entries, _) = import(&IMPORTER, &[("label", "LOC")], "Paris\r\n\nŁódź\n");
        assert_eq!(entries, ["Paris LOC - 1 ", "Łódź LOC - 1 "]);
        assert_eq!(refusal(&IMPORTER, &[]), "--label: no label is given");
    }
}
