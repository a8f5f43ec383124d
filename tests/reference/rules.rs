//! `docs/rules.md`: the rule language.

use std::fmt::Write as _;

use spanloom::rule::action::ACTIONS;
use spanloom::rule::check::CHECKS;
use spanloom::rule::condition::CONDITIONS;
use spanloom::rule::keys::{CASE_OPTIONS, ENTITY_RULE_OPTIONS, RULE_OPTIONS};
use spanloom::rule::shape::SHAPES;

use super::{cell, rows, table};

const INTRODUCTION: &str = r##"<!-- Made from the registries in src/rule by tests/reference: do not edit. After a change there:
     SPANLOOM_BLESS=1 cargo test --test tests reference -->

# Rules

A rule is a `[[rule]]` table in a TOML file that a source of kind `rules` or a merge pass `rules` names, or a
`[[source.rule]]` or `[[merge.rule]]` table in the engine file. In a source, rules are about text: they
propose entities. In a merge pass they are about candidates: before a pass that selects they see all that
was proposed, after it they repair what was chosen. Every rule has a doc and cases, which `spanloom check`
runs. A key that is not listed here is an error.

```toml
labels = ["PER", "LOC", "ORG"]

[[source]]
kind = "rules"
name = "patterns"
macros = { name = '\p{Lu}\p{Ll}+' }
lists = { title = ["Dr.", "Prof.", "Prof. Dr."] }

[[source.rule]]
id = "titled-person"
doc = "A name after a title."
label = "PER"
pattern = '\b@gazetteer(title)\s+(?<entity>{{name}}(?:\s{{name}})?)'
not-right = '\s+Street'
[[source.rule.case]]
text = "Prof. Dr. Ada Lovelace came."
finds = ["Ada Lovelace"]
[[source.rule.case]]
text = "It is in Dr. King  Street."
finds = []

[[source.rule]]
id = "place-of"
doc = "What is in the north of something."
label = "LOC"
pattern = '\bnorth of (?<entity>\p{Lu}\p{Ll}+(?:, \p{Lu}\p{Ll}+)?)'
[[source.rule.case]]
text = "north of Paris"
finds = ["Paris"]
[[source.rule.case]]
text = "north of here"
finds = []

[[merge]]
pass = "rules"

[[merge.rule]]
id = "title-in-name"
doc = "The title belongs to the name."
action = "extend"
pattern = 'Dr\.\s+<PER>'
[[merge.rule.case]]
text = "Dr. [Lee](PER)"
gives = "[Dr. Lee](PER)"
[[merge.rule.case]]
text = "Dr. [Rome](LOC)"
gives = "Dr. [Rome](LOC)"
```

## Patterns

Patterns are in Oniguruma's Ruby syntax: look-around, named groups, Unicode classes. They may cross tokens
and lines. `{{name}}` stands for a macro (in a group of its own, but as it is in a character class),
`@gazetteer(name)` or `{{name}}` for a list: its strings as they are, the longest first, their white space
matching any. Macros and lists stand under `[macros]` and `[lists]` in any file of the source or pass, and all
its rules share them; a name that is unknown, taken or stands for itself is an error.

## Patterns over entities

In a merge pass, these stand for a candidate; the character is written `\<`:

| written | stands for |
| --- | --- |
| `<PER>` | a candidate of this label |
| `<LOC\|ORG>` | of one of these labels |
| `<any>` | of any label |
| `<home:LOC>` | of this label, called `home` by `on`, `group` and `[rule.slot.home]` |
| `<?home>` | of any label, called `home` |

- What stands between two candidates must be matched exactly, from the end of one to the beginning of the
  next, at most 1 KiB. What stands before the first must be matched so that it ends where that begins (of
  several matches the one that begins first counts; 200 characters are seen), what stands after the last so
  that it begins where that ends.
- All ways to fill the pattern are found, whatever overlaps: `<PER> of <ORG>` is tried with every PER and
  every ORG.
- Look-around sees the text: 1 KiB behind a piece, and ahead of it 64 characters where an entity follows.
- Groups, alternatives and bounded repetitions may hold entities (`(?:<PER>, ){0,2}<PER>`); they are written
  out as at most 64 sequences of at most 8 entities. Options such as `(?i)` stand at the beginning.
- A pattern without an entity is about text; only the action `add` may have it. A rule without a pattern is
  about every candidate: `<any>`.

## What happens in which order

The rules of a pass run in the order in which they are written. Each finds all its places first and then works
through them in text order, of two that begin together the longer first; a candidate that it has changed at
one place it does not change at another. `repeat` runs all rules again until nothing changes. A rule that runs
into a limit is given up for that document with a warning. Where `flat` holds (after a pass that selects it
does by itself), a change is not made that would let two candidates overlap; a change that would cut a given
token is never made. Candidates that become the same are left to the pass `combine`.

"##;

/// The page.
pub(super) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("## Keys of a rule: `[[rule]]`\n\n");
    table(&mut page, RULE_OPTIONS);
    page.push_str("\nOnly in a merge pass:\n\n");
    table(&mut page, ENTITY_RULE_OPTIONS);
    page.push_str("\n## Actions: `action`\n\n");
    let keys =
        |keys: &[&str]| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let actions = ACTIONS.iter().map(|action| {
        [format!("`{}`", action.name), keys(action.needs), keys(action.reads), cell(action.doc)]
    });
    rows(&mut page, ["action", "needs", "reads", "what it does"], actions);
    page.push_str("\n## Conditions: `[rule.when]` and `[rule.slot.NAME]`\n\nAll that are written must hold.\n\n");
    table(&mut page, CONDITIONS);
    page.push_str("\n### Shapes\n\n");
    let shapes = SHAPES.iter().map(|(shape, doc)| [format!("`{}`", shape.name()), cell(doc)]);
    rows(&mut page, ["shape", "what it is"], shapes);
    page.push_str("\n## Cases: `[[rule.case]]`\n\n");
    table(&mut page, CASE_OPTIONS);
    page.push_str("\n## Validators: `check`\n\n");
    let checks = CHECKS.iter().map(|check| [format!("`{}`", check.name), cell(check.doc)]);
    rows(&mut page, ["name", "accepts"], checks);
    writeln!(page).expect("a string takes everything");
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

#[test]
fn the_example_runs() {
    let example = INTRODUCTION.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let engine = spanloom::Engine::parse(example.expect("an example")).unwrap();
    let failed: Vec<String> = engine.check().iter().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let text = "Dr. Ada Lovelace";
    assert_eq!(engine.tag(text).unwrap()[0].text(text), text);
}
