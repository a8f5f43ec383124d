//! Conditions on an entity: `[rule.when]` and `[rule.slot.NAME]`. Whether they hold is asked of a
//! candidate in its `World`.

use std::sync::Arc;

use onig::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::context::{Contexts, WrittenContexts, as_rule_error, compile};
use super::limit::{Budget, Exceeded, matches_in};
use super::macros::Vocabulary;
use super::shape::{SHAPES, Shape};
use super::world::World;
use crate::error::{Error, ErrorKind};
use crate::resource::{OptionDoc, TomlFile};
use crate::span::{Candidate, Label};

/// The keys of a condition.
pub static CONDITIONS: &[OptionDoc] = &[
    doc("label", "label or list of labels", "Its label is one of these."),
    doc("not-label", "label or list of labels", "Its label is none of these."),
    doc("source", "source or list of sources", "One of these is among those who proposed it."),
    doc("not-source", "source or list of sources", "None of these is among those who proposed it."),
    doc(
        "proposed-by",
        "source or list of sources",
        "One of these, a gazetteer say, proposed exactly this span before the first pass, under any label.",
    ),
    doc(
        "not-proposed-by",
        "source or list of sources",
        "None of these proposed exactly this span.",
    ),
    doc("min-score", "number 0 to 1", "Its score is at least this."),
    doc("max-score", "number 0 to 1", "Its score is at most this."),
    doc("min-words", "integer", "It has at least so many words."),
    doc("max-words", "integer", "It has at most so many words."),
    doc("min-characters", "integer", "It has at least so many characters."),
    doc("max-characters", "integer", "It has at most so many characters."),
    doc("shape", "shape or list of shapes", "Its casing is one of these shapes."),
    doc("not-shape", "shape or list of shapes", "Its casing is none of these shapes."),
    doc(
        "position",
        "`first`, `last` or both as a list",
        "It holds the first (last) word of its sentence, or one of both.",
    ),
    doc("not-position", "`first`, `last` or both as a list", "It does not hold that word."),
    doc(
        "repeated",
        "boolean",
        "Whether its exact text stands elsewhere in the document, as whole words.",
    ),
    doc(
        "elsewhere",
        "label or list of labels",
        "Another candidate of one of these labels has the same text elsewhere in the document.",
    ),
    doc("not-elsewhere", "label or list of labels", "No other candidate of these labels has."),
    doc(
        "inside",
        "pattern",
        "Matches somewhere in it, whose ends are the ends of what the pattern sees; its groups can be \
         named by `group`.",
    ),
    doc("not-inside", "pattern", "Matches nowhere in it."),
    doc("left", "pattern", "Matches so that it ends where the entity begins; sees 200 characters."),
    doc("not-left", "pattern", "Does not match so."),
    doc("right", "pattern", "Matches so that it begins where the entity ends; sees 1 KiB."),
    doc("not-right", "pattern", "Does not match so."),
    doc("check", "validator", "The validator accepts its text."),
];

const fn doc(name: &'static str, value: &'static str, doc: &'static str) -> OptionDoc {
    OptionDoc { name, value, doc }
}

/// A name or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// A condition as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct When {
    label: Option<Spanned<Names>>,
    not_label: Option<Spanned<Names>>,
    source: Option<Spanned<Names>>,
    not_source: Option<Spanned<Names>>,
    proposed_by: Option<Spanned<Names>>,
    not_proposed_by: Option<Spanned<Names>>,
    min_score: Option<Spanned<f64>>,
    max_score: Option<Spanned<f64>>,
    min_words: Option<usize>,
    max_words: Option<usize>,
    min_characters: Option<usize>,
    max_characters: Option<usize>,
    shape: Option<Spanned<Names>>,
    not_shape: Option<Spanned<Names>>,
    position: Option<Spanned<Names>>,
    not_position: Option<Spanned<Names>>,
    repeated: Option<bool>,
    elsewhere: Option<Spanned<Names>>,
    not_elsewhere: Option<Spanned<Names>>,
    inside: Option<Spanned<String>>,
    not_inside: Option<Spanned<String>>,
    left: Option<Spanned<String>>,
    not_left: Option<Spanned<String>>,
    right: Option<Spanned<String>>,
    not_right: Option<Spanned<String>>,
    check: Option<Spanned<String>>,
}

/// What names in rules about entities may mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// The names of the engine's sources.
    pub sources: &'s [Arc<str>],
    /// All labels the engine declares.
    pub labels: &'s [Label],
    /// Macros and lists.
    pub vocabulary: &'s Vocabulary,
}

impl Scope<'_> {
    /// The label of this name, which the engine must declare.
    pub(super) fn label(&self, name: &str) -> Result<Label, Error> {
        if self.labels.iter().any(|label| label.as_str() == name) {
            return Ok(Label::new(name));
        }
        let known: Vec<&str> = self.labels.iter().map(Label::as_str).collect();
        Err(as_rule_error(&Error::unknown("label", name, &known)))
    }

    fn source(&self, name: &str) -> Result<Arc<str>, Error> {
        if let Some(known) = self.sources.iter().find(|source| &***source == name) {
            return Ok(known.clone());
        }
        let known: Vec<&str> = self.sources.iter().map(|source| &**source).collect();
        Err(as_rule_error(&Error::unknown("source", name, &known)))
    }
}

/// A place in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    First,
    Last,
}

/// A list that one side of a condition asks for, and one that it asks against.
#[derive(Debug)]
struct Either<T> {
    one_of: Option<Vec<T>>,
    none_of: Option<Vec<T>>,
}

impl<T> Either<T> {
    fn holds(&self, is: impl Fn(&T) -> bool) -> bool {
        self.one_of.as_ref().is_none_or(|list| list.iter().any(&is))
            && !self.none_of.as_ref().is_some_and(|list| list.iter().any(&is))
    }

    fn is_asked(&self) -> bool {
        self.one_of.is_some() || self.none_of.is_some()
    }
}

/// A condition that can be asked.
#[derive(Debug)]
pub(crate) struct Condition {
    label: Either<Label>,
    source: Either<Arc<str>>,
    proposed_by: Either<Arc<str>>,
    score: (f32, f32),
    words: (usize, usize),
    characters: (usize, usize),
    shape: Either<Shape>,
    position: Either<Position>,
    repeated: Option<bool>,
    elsewhere: Either<Label>,
    /// Also asked for its groups.
    pub(super) inside: Option<Regex>,
    not_inside: Option<Regex>,
    contexts: Contexts,
}

impl Condition {
    /// The condition that `when` says; without one, it always holds.
    ///
    /// # Errors
    /// Everything that is wrong with it, each at its place.
    pub(super) fn build(
        when: Option<&When>,
        scope: &Scope<'_>,
        file: &TomlFile,
    ) -> Result<Self, Vec<Error>> {
        let nothing = When::default();
        let when = when.unwrap_or(&nothing);
        let mut errors = Vec::new();
        let label = either(&when.label, &when.not_label, |n| scope.label(n), file, &mut errors);
        let source = either(&when.source, &when.not_source, |n| scope.source(n), file, &mut errors);
        let (by, not_by) = (&when.proposed_by, &when.not_proposed_by);
        let proposed_by = either(by, not_by, |n| scope.source(n), file, &mut errors);
        let (shape, not_shape) = (&when.shape, &when.not_shape);
        let shape = either(shape, not_shape, shape_of, file, &mut errors);
        let (position, not_position) = (&when.position, &when.not_position);
        let position = either(position, not_position, position_of, file, &mut errors);
        let (there, not_there) = (&when.elsewhere, &when.not_elsewhere);
        let elsewhere = either(there, not_there, |n| scope.label(n), file, &mut errors);
        let mut score = |key: &str, written: &Option<Spanned<f64>>, default: f32| {
            let Some(written) = written else { return default };
            let value = *written.get_ref();
            if !(0.0..=1.0).contains(&value) {
                let message = format!("'{key}' is {value}, expected 0 to 1");
                let place = file.location(written.span());
                errors.push(Error::new(ErrorKind::Rule, message).at(place));
            }
            value as f32
        };
        let score =
            (score("min-score", &when.min_score, 0.0), score("max-score", &when.max_score, 1.0));
        let mut regex = |pattern: &Option<Spanned<String>>| {
            let compiled = compile(pattern.as_ref()?, scope.vocabulary, file, false);
            compiled.map_err(|wrong| errors.extend(wrong)).ok().map(|(_, regex)| regex)
        };
        let (inside, not_inside) = (regex(&when.inside), regex(&when.not_inside));
        let keys = WrittenContexts {
            left: when.left.as_ref(),
            not_left: when.not_left.as_ref(),
            right: when.right.as_ref(),
            not_right: when.not_right.as_ref(),
            check: when.check.as_ref(),
        };
        let contexts = Contexts::build(&keys, scope.vocabulary, file)
            .map_err(|wrong| errors.extend(wrong))
            .unwrap_or_default();
        let range = |least: Option<usize>, most: Option<usize>| {
            (least.unwrap_or(0), most.unwrap_or(usize::MAX))
        };
        let condition = Self {
            label,
            source,
            proposed_by,
            score,
            words: range(when.min_words, when.max_words),
            characters: range(when.min_characters, when.max_characters),
            shape,
            position,
            repeated: when.repeated,
            elsewhere,
            inside,
            not_inside,
            contexts,
        };
        if errors.is_empty() { Ok(condition) } else { Err(errors) }
    }

    /// Whether it asks for candidates of the label besides the one it is about.
    pub(super) fn looks_for(&self, label: &Label) -> bool {
        let elsewhere = self.elsewhere.one_of.iter().chain(&self.elsewhere.none_of).flatten();
        elsewhere.into_iter().any(|known| known == label)
    }

    /// Whether it asks what the sources proposed before the first pass.
    pub(crate) fn looks_back(&self) -> bool {
        self.proposed_by.is_asked()
    }

    /// Whether it accepts the candidate.
    ///
    /// # Errors
    /// Where a limit is exceeded.
    pub(crate) fn holds(
        &self,
        candidate: &Candidate,
        world: &World<'_>,
        budget: &Budget,
    ) -> Result<bool, Exceeded> {
        let span = candidate.span;
        let text = world.text();
        let surface = span.slice(text).unwrap_or("");
        let within = |(least, most): (usize, usize), count: usize| (least..=most).contains(&count);
        let all = (0, usize::MAX);
        let holds = self.label.holds(|label| *label == candidate.label)
            && self.source.holds(|source| candidate.is_from(source))
            && (self.score.0..=self.score.1).contains(&candidate.score)
            && (self.characters == all || within(self.characters, surface.chars().count()))
            && (self.words == all || within(self.words, world.words(span).len()))
            && (!self.shape.is_asked() || {
                let shape = Shape::of(surface);
                self.shape.holds(|asked| *asked == shape)
            })
            && (!self.position.is_asked() || {
                let (first, last) = (world.begins_sentence(span), world.ends_sentence(span));
                self.position.holds(|asked| if *asked == Position::First { first } else { last })
            })
            && (!self.proposed_by.is_asked()
                || self.proposed_by.holds(|source| world.proposed_by(span, source)))
            && self.repeated.is_none_or(|asked| world.is_repeated(span) == asked)
            && (!self.elsewhere.is_asked()
                || self.elsewhere.holds(|label| world.is_elsewhere(span, label)));
        if !holds {
            return Ok(false);
        }
        for (regex, expected) in [(&self.inside, true), (&self.not_inside, false)] {
            if let Some(regex) = regex
                && matches_in(regex, surface, 0, budget)? != expected
            {
                return Ok(false);
            }
        }
        Ok(self.contexts.objection(text, span, budget)?.is_none())
    }
}

fn either<T>(
    one_of: &Option<Spanned<Names>>,
    none_of: &Option<Spanned<Names>>,
    meaning: impl Fn(&str) -> Result<T, Error>,
    file: &TomlFile,
    errors: &mut Vec<Error>,
) -> Either<T> {
    let mut list = |names: &Option<Spanned<Names>>| {
        let names = names.as_ref()?;
        let place = || file.location(names.span());
        let mut meant = Vec::new();
        for name in names.get_ref().all() {
            match meaning(name) {
                Ok(one) => meant.push(one),
                Err(error) => errors.push(error.at(place())),
            }
        }
        Some(meant)
    };
    Either { one_of: list(one_of), none_of: list(none_of) }
}

fn shape_of(name: &str) -> Result<Shape, Error> {
    SHAPES.iter().find(|(shape, _)| shape.name() == name).map(|(shape, _)| *shape).ok_or_else(
        || {
            let known: Vec<&str> = SHAPES.iter().map(|(shape, _)| shape.name()).collect();
            as_rule_error(&Error::unknown("shape", name, &known))
        },
    )
}

fn position_of(name: &str) -> Result<Position, Error> {
    match name {
        "first" => Ok(Position::First),
        "last" => Ok(Position::Last),
        _ => Err(as_rule_error(&Error::unknown("position", name, &["first", "last"]))),
    }
}
