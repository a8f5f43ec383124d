//! `docs/engine-file.md`, `docs/rules.md` and `docs/lint.md` are made from the registries; this holds them to those. With `SPANLOOM_BLESS=1`
//! the test writes the files anew.

mod lint;
mod rules;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use spanloom::merge::{PASSES, PRESETS};
use spanloom::pipeline::config::{ENGINE_OPTIONS, PASS_OPTIONS, SOURCE_OPTIONS};
use spanloom::resource::OptionDoc;
use spanloom::rule::check::CHECKS;
use spanloom::source::SOURCES;
use spanloom::source::model::head::HeadKind;
use spanloom::source::model::{ARCHITECTURES, HEADS, SYSTEMS};

const FILE: &str = "docs/engine-file.md";
const RULES_FILE: &str = "docs/rules.md";
const LINT_FILE: &str = "docs/lint.md";

const INTRODUCTION: &str = "\
<!-- Made from the registries in src/ by tests/reference.rs: do not edit. After a change there:
     SPANLOOM_BLESS=1 cargo test --test tests reference -->

# The engine file

An engine file (`spanloom.toml`) is TOML: the labels that the engine gives, `[[source]]` tables that say
who proposes entities, and `[[merge]]` tables that say, pass by pass, which proposals survive. Passes run
in the order in which they are written. Paths are relative to the folder of the file. A key that is not
listed here is an error.

```toml
labels = [\"PER\", \"LOC\"]

[[source]]
kind = \"gazetteer\"
name = \"places\"
entries = [[\"Paris\", \"LOC\"], [\"Paris Hilton\", \"PER\"]]

[[merge]]
pass = \"longest\"
```

`spanloom check` says what is wrong with a file, `spanloom list sources` and `spanloom list passes` show
this reference on the terminal. \"Type, default\" gives the default after the type. A key without a default
is either needed or switches on what it describes.
";

#[test]
fn the_reference_is_what_the_registries_say() {
    let pages =
        [(FILE, reference()), (RULES_FILE, rules::reference()), (LINT_FILE, lint::reference())];
    for (file, made) in pages {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("SPANLOOM_BLESS").is_some_and(|value| value == "1") {
            fs::write(&path, &made).expect("the reference can be written");
            continue;
        }
        let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        let differs = made.lines().zip(written.lines()).position(|(made, written)| made != written);
        let line = differs.unwrap_or_else(|| made.lines().count().min(written.lines().count()));
        assert!(
            made == written,
            "{file}:{} is not what the registries say: got {:?}, expected {:?}; run \
             `SPANLOOM_BLESS=1 cargo test --test tests reference`",
            line + 1,
            written.lines().nth(line).unwrap_or(""),
            made.lines().nth(line).unwrap_or(""),
        );
    }
}

#[test]
fn the_example_of_the_reference_runs() {
    let example = INTRODUCTION.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let engine = spanloom::Engine::parse(example.expect("an example")).unwrap();
    assert_eq!(engine.tag("Paris Hilton landed in Paris").unwrap().len(), 2);
}

fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Keys of the file\n\n");
    table(&mut page, ENGINE_OPTIONS);
    page.push_str("\n## Sources: `[[source]]`\n\nEvery source has these keys:\n\n");
    table(&mut page, SOURCE_OPTIONS);
    for kind in SOURCES {
        write_kind(&mut page, &format!("kind = \"{}\"", kind.name), kind.doc, kind.options);
    }
    page.push_str("\n## Merge: `[[merge]]`\n\n");
    page.push_str(
        "What stays after the last pass is given. Every pass has these keys, one of the first two:\n\n",
    );
    table(&mut page, PASS_OPTIONS);
    for kind in PASSES {
        write_kind(&mut page, &format!("pass = \"{}\"", kind.name), kind.doc, kind.options);
        if kind.flat {
            page.push_str("\nNo two of its results overlap.\n");
        }
        if kind.rescores {
            page.push_str("\nWritten twice, it works twice.\n");
        }
    }
    page.push_str("\n## Presets: `[[merge]] preset = \"…\"`\n\n");
    page.push_str(
        "A preset stands for a list of passes that do what another system does; `spanloom explain` shows \
         them one by one.\n",
    );
    for preset in PRESETS {
        let title = format!("preset = \"{}\"", preset.name);
        write_kind(&mut page, &title, preset.doc, preset.options);
    }
    page.push_str("\n## Validators: `check` of a rule\n\n");
    let checks = CHECKS.iter().map(|c| [format!("`{}`", c.name), cell(c.doc)]);
    rows(&mut page, ["name", "accepts"], checks);
    page.push_str("\n## Systems: what a model folder is of, told by its files\n\n");
    let systems = SYSTEMS.iter().map(|s| [format!("`{}`", s.name), cell(s.doc)]);
    rows(&mut page, ["name", "what it is"], systems);
    page.push_str("\n## Architectures: `model_type` in a model's `config.json`\n\n");
    let architectures = ARCHITECTURES.iter().map(|a| [format!("`{}`", a.name), cell(a.doc)]);
    rows(&mut page, ["name", "what it is"], architectures);
    page.push_str("\n## Heads: `spanloom.head.kind` in a model's `config.json`\n\n");
    let keys = |head: &HeadKind| head.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
    let heads = HEADS.iter().map(|h| [format!("`{}`", h.name), cell(h.doc), keys(h).join(", ")]);
    rows(&mut page, ["name", "what it is", "other keys"], heads);
    page
}

fn write_kind(page: &mut String, title: &str, doc: &str, options: &[OptionDoc]) {
    write!(page, "\n### `{title}`\n\n{doc}\n").expect("a string takes everything");
    if !options.is_empty() {
        page.push('\n');
        table(page, options);
    }
}

fn table(page: &mut String, options: &[OptionDoc]) {
    let of = |o: &OptionDoc| [format!("`{}`", o.name), cell(o.value), cell(o.doc)];
    rows(page, ["key", "type, default", "what it does"], options.iter().map(of));
}

fn rows<const N: usize>(
    page: &mut String,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let mut line = |cells: &[String]| {
        writeln!(page, "| {} |", cells.join(" | ")).expect("a string takes everything");
    };
    line(&head.map(str::to_owned));
    line(&[const { "---" }; N].map(str::to_owned));
    rows.for_each(|cells| line(&cells));
}

/// A text as a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
