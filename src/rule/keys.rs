//! The keys of a rule and of its cases, for the reference. That they are those that `schema` reads is
//! held by a test.

use std::ops::Range;

use toml::Spanned;

use super::schema::Rule;
use crate::resource::OptionDoc;

/// The keys that every rule has.
pub static RULE_OPTIONS: &[OptionDoc] = &[
    doc("id", "string", "Names the rule: a-z, 0-9 and hyphens; unique in its source or pass."),
    doc("doc", "string", "What it finds or changes, and why, in one sentence."),
    doc("label", "label", "The label of what it finds or makes."),
    doc(
        "pattern",
        "pattern",
        "What it matches, in Oniguruma's Ruby syntax, across tokens and lines. A match is at most 1 KiB \
         long. Entities (`<PER>`) stand only in patterns of a merge pass.",
    ),
    doc(
        "patterns",
        "list of patterns",
        "Several, each tried where those before it do not match; a reference back must be by name.",
    ),
    doc(
        "group",
        "string, `entity` where the pattern has it",
        "The named group that is the entity, or how far it goes; without one it is the whole match.",
    ),
    doc(
        "score",
        "number 0 to 1, 1.0",
        "The score of what it finds; for entities, the score they get.",
    ),
    doc(
        "left",
        "pattern",
        "Matches so that it ends where the entity begins; sees 200 characters. The entity is the one \
         that the rule is about: before the action, but for `add` and `join` the one that it makes.",
    ),
    doc("not-left", "pattern", "Does not match so."),
    doc("right", "pattern", "Matches so that it begins where the entity ends; sees 1 KiB."),
    doc("not-right", "pattern", "Does not match so."),
    doc("check", "validator", "The validator accepts the entity's text."),
    doc(
        "case",
        "tables",
        "[[rule.case]]: what the rule must do and what it must not; spanloom check asks for both.",
    ),
];

/// The keys that only rules about entities have.
pub static ENTITY_RULE_OPTIONS: &[OptionDoc] = &[
    doc("action", "action, `add`", "What the rule does."),
    doc(
        "on",
        "name of an entity of the pattern",
        "The entity that the rule is about, where the pattern has several; without it the one called \
         `entity`, or the only one.",
    ),
    doc(
        "to",
        "`match`, `words`, `line` or `sentence`",
        "How far an entity is extended or trimmed.",
    ),
    doc("at", "pattern", "Where an entity is split."),
    doc("add", "number", "What is added to the log-odds of the score."),
    doc("scale", "number 0 or more", "What the score is multiplied with; more than 1 is 1."),
    doc("when", "table", "[rule.when]: conditions on the entity that the rule is about."),
    doc("slot", "tables", "[rule.slot.NAME]: conditions on the entity of the pattern called so."),
];

/// The keys of [[rule.case]].
pub static CASE_OPTIONS: &[OptionDoc] = &[
    doc(
        "text",
        "string",
        "A text. For a rule in a merge pass, with its candidates: `[Paris](LOC)`, and where it matters \
         with a score and a source: `[Paris](LOC 0.7 places)`. They may stand in each other; `\\[` is \
         the character.",
    ),
    doc("finds", "list of strings", "In a source: the texts of what the rule finds, in order."),
    doc(
        "gives",
        "string",
        "In a merge pass: the text with what the rule makes of the candidates; scores only count where \
         they are written.",
    ),
];

const fn doc(name: &'static str, value: &'static str, doc: &'static str) -> OptionDoc {
    OptionDoc { name, value, doc }
}

impl Rule {
    /// The keys that are written and that only rules about entities have.
    pub(super) fn entity_keys(&self) -> Vec<(&'static str, Range<usize>)> {
        let mut keys = Vec::new();
        for (key, value) in
            [("action", &self.action), ("on", &self.on), ("to", &self.to), ("at", &self.at)]
        {
            keys.extend(value.as_ref().map(|value| (key, value.span())));
        }
        for (key, value) in [("add", &self.add), ("scale", &self.scale)] {
            keys.extend(value.as_ref().map(|value| (key, value.span())));
        }
        keys.extend(self.when.as_ref().map(|when| ("when", when.span())));
        keys.extend(self.slot.keys().next().map(|name| ("slot", name.span())));
        keys
    }

    /// Where the key of an action is written, if it is.
    pub(super) fn place_of(&self, key: &str) -> Option<Range<usize>> {
        match key {
            "label" => self.label.as_ref().map(Spanned::span),
            "group" => self.group.as_ref().map(Spanned::span),
            "score" => self.score.as_ref().map(Spanned::span),
            key => self.entity_keys().into_iter().find(|(known, _)| *known == key).map(|(_, p)| p),
        }
    }
}
