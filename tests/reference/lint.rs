//! `docs/lint.md`, made from the registry of lints.

use spanloom::pipeline::LINTS;

use super::{cell, rows};

const INTRODUCTION: &str = "\
<!-- Made from the registry in src/pipeline/lint/ by tests/reference/lint.rs: do not edit. After a change there:
     SPANLOOM_BLESS=1 cargo test --test tests reference -->

# `spanloom lint`

`spanloom check` says what is wrong with an engine: what is reported there keeps it from being built, or
breaks a promise that a rule makes. `spanloom lint` looks at an engine that is sound, for what has no effect or
not the one it seems to have: rules that other rules leave nothing to do, entries that never match, passes
that can change nothing. Sources that are switched off are looked at too. No text is tagged and no model is
asked.

```sh
spanloom lint                                        # ./spanloom.toml, else the built-in engine
spanloom lint -e my-engine.toml --deny all --allow ambiguous-surface
spanloom lint --format json | jq .message
```

A finding is a *warning*, where something is hardly meant, or a *note*, where it may well be. `--deny LINT` makes
the findings of a lint errors, `--allow LINT` leaves them out; `all` is every lint, and one that is named
besides has its own say. The exit code is 1 where there is an error, and where the engine cannot be built;
warnings and notes leave it at 0.

With `--format json` a finding is a line: `lint`, `level` (`error`, `warning` or `note`), `message`, `advice`,
`place` (`file`, `line`, `column`; 0 where the whole file is meant) and `others`, the places that it conflicts with.
They come by file, line, column and lint.

Gazetteers are read one after another and side by side, never more than the entries of one surface at a time, so
that one of millions of names is looked at in seconds.

";

pub(super) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let lints = LINTS
        .iter()
        .map(|lint| [format!("`{}`", lint.name), lint.level.name().to_owned(), cell(lint.doc)]);
    rows(&mut page, ["lint", "level", "what it finds"], lints);
    page
}
