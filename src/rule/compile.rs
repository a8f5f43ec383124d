//! From a rule as written to one that matches: patterns compiled, names looked up, everything that
//! is wrong with it reported at its place.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use onig::Regex;
use toml::Spanned;

use super::check::{self, Check};
use super::limit::{Budget, Exceeded, Search, ceil, matches_at, matches_in};
use super::prefilter::Patterns;
use super::schema::{Rule, Written};
use super::tokens::TokenEdges;
use crate::error::{Error, ErrorKind, Location};
use crate::span::Label;
use crate::text::Span;

/// The group that is the entity where a rule names none.
const ENTITY: &str = "entity";

/// How far back `left` and `not-left` see, in characters.
const LEFT_CONTEXT: usize = 200;

/// A rule that can be run.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub id: Arc<str>,
    pub label: Label,
    pub score: f32,
    pub written: Written,
    pattern: Regex,
    /// The numbers of the groups that may be the entity; empty for the whole match.
    groups: Vec<usize>,
    left: Option<Regex>,
    not_left: Option<Regex>,
    right: Option<Regex>,
    not_right: Option<Regex>,
    check: Option<&'static Check>,
}

/// Compiles all rules of a source.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) fn compile_all(rules: Vec<Written>) -> Result<Vec<Compiled>, Vec<Error>> {
    let (mut compiled, mut errors) = (Vec::with_capacity(rules.len()), Vec::new());
    let mut seen: HashMap<String, Location> = HashMap::new();
    for written in rules {
        let id = &written.rule.id;
        let place = written.file.location(id.span());
        if let Some(first) = seen.get(id.get_ref()) {
            let message = format!("the rule id '{}' is taken by {first}", id.get_ref());
            errors.push(written.error(id.span(), message));
        } else {
            seen.insert(id.get_ref().clone(), place);
        }
        match compile(written) {
            Ok(rule) => compiled.push(rule),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

fn compile(written: Written) -> Result<Compiled, Vec<Error>> {
    let rule = &written.rule;
    let mut errors = missing(&written);
    let mut regex = |pattern: Option<&Spanned<String>>, at_end: bool| {
        let pattern = pattern?;
        match build(pattern.get_ref(), at_end) {
            Ok(regex) => Some(regex),
            Err(message) => {
                errors.push(written.error(pattern.span(), message));
                None
            }
        }
    };
    let pattern = regex(Some(&rule.pattern), false);
    let (left, not_left) = (regex(rule.left.as_ref(), true), regex(rule.not_left.as_ref(), true));
    let (right, not_right) =
        (regex(rule.right.as_ref(), false), regex(rule.not_right.as_ref(), false));

    let groups = match pattern.as_ref().map(|p| groups(p, rule.group.as_ref())) {
        Some(Err(error)) => {
            let place = rule.group.as_ref().map_or(rule.pattern.span(), Spanned::span);
            errors.push(in_rule(error, written.file.location(place)));
            Vec::new()
        }
        found => found.and_then(Result::ok).unwrap_or_default(),
    };
    let score = rule.score.as_ref().map_or(1.0, |s| *s.get_ref());
    if let Some(place) = rule.score.as_ref().filter(|_| !(0.0..=1.0).contains(&score)) {
        errors.push(written.error(place.span(), format!("the score is {score}, expected 0 to 1")));
    }
    let check = match rule.check.as_ref().map(|c| (c.span(), check::check(c.get_ref()))) {
        Some((place, Err(error))) => {
            errors.push(in_rule(error, written.file.location(place)));
            None
        }
        found => found.and_then(|(_, check)| check.ok()),
    };
    match pattern {
        Some(pattern) if errors.is_empty() => Ok(Compiled {
            id: rule.id.get_ref().as_str().into(),
            label: Label::new(rule.label.get_ref()),
            score: score as f32,
            pattern,
            groups,
            left,
            not_left,
            right,
            not_right,
            check,
            written,
        }),
        _ => Err(errors),
    }
}

/// What every rule must have and this one has not.
fn missing(written: &Written) -> Vec<Error> {
    let Rule { id, doc, label, cases, .. } = &written.rule;
    let mut errors = Vec::new();
    let mut add = |place: &Spanned<String>, message: String| {
        errors.push(written.error(place.span(), message));
    };
    let name = id.get_ref();
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(kebab) {
        add(
            id,
            format!("the rule id '{name}' is not in kebab-case, expected a-z, 0-9 and hyphens"),
        );
    }
    if doc.trim().is_empty() {
        add(
            id,
            format!("rule '{name}' has no 'doc', expected a sentence on what it finds and why"),
        );
    }
    if label.get_ref().trim().is_empty() {
        add(label, format!("rule '{name}' has an empty label"));
    }
    for (kind, positive) in [("positive", true), ("negative", false)] {
        if !cases.iter().any(|case| case.get_ref().finds.is_empty() != positive) {
            let finds = if positive { "finds = [\"…\"]" } else { "finds = []" };
            let message =
                format!("rule '{name}' has no {kind} case, expected [[rule.case]] with {finds}");
            add(id, message);
        }
    }
    errors
}

/// Compiles a pattern, so that it ends at the end of the text where it is a left context.
fn build(pattern: &str, at_end: bool) -> Result<Regex, String> {
    let message = |error: onig::Error| format!("bad pattern: {}", error.description());
    let regex = Regex::new(pattern).map_err(message)?;
    if at_end { Regex::new(&format!("(?:{pattern})\\z")).map_err(message) } else { Ok(regex) }
}

/// The numbers of the groups that are the entity.
fn groups(pattern: &Regex, wanted: Option<&Spanned<String>>) -> Result<Vec<usize>, Error> {
    let mut names: Vec<(String, Vec<usize>)> = Vec::new();
    pattern.foreach_name(|name, numbers| {
        names.push((name.to_owned(), numbers.iter().map(|n| *n as usize).collect()));
        true
    });
    names.sort();
    let name = wanted.map_or(ENTITY, |w| w.get_ref());
    match names.iter().find(|(known, _)| known == name) {
        Some((_, numbers)) => Ok(numbers.clone()),
        None if wanted.is_none() => Ok(Vec::new()),
        None => {
            let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
            Err(Error::unknown("group", name, &known))
        }
    }
}

/// A failed look-up as an error of a rule.
fn in_rule(error: Error, place: Location) -> Error {
    let made = Error::new(ErrorKind::Rule, error.message()).at(place);
    match error.help_text() {
        Some(help) => made.with_help(help),
        None => made,
    }
}

impl Compiled {
    /// The patterns that tell where the rule can find something.
    pub(crate) fn patterns(&self) -> Patterns<'_> {
        let Rule { pattern, left, right, .. } = &self.written.rule;
        let contexts = [left, right].into_iter().flatten();
        Patterns {
            main: pattern.get_ref(),
            contexts: contexts.map(|p| p.get_ref().as_str()).collect(),
        }
    }

    /// Adds what the rule finds in `text` to `out`, in order, without overlaps: its matches begin at
    /// `places`. Entities that do not
    /// begin and end at the edges of tokens, where there are tokens, are left out.
    ///
    /// # Errors
    /// Where a limit is exceeded; what was found before stays in `out`.
    pub(crate) fn find(
        &self,
        text: &str,
        places: &[Range<usize>],
        tokens: Option<&TokenEdges>,
        retries: u32,
        out: &mut Vec<Span>,
    ) -> Result<(), Exceeded> {
        let budget = Budget::new(retries, text.len());
        let mut search = Search::new(&self.pattern, text, places, &budget);
        let mut at = 0;
        let mut taken = 0;
        while let Some(whole) = search.next(at)? {
            let entity = if self.groups.is_empty() {
                Some(whole)
            } else {
                self.groups.iter().find_map(|number| search.group(*number))
            };
            at = after(text, whole, entity);
            let Some(entity) = entity.filter(|e| !e.is_empty() && e.start >= taken) else {
                continue;
            };
            if tokens.is_none_or(|tokens| tokens.fit(entity))
                && self.holds(text, entity, &budget)?
            {
                taken = entity.end;
                out.push(entity);
            }
        }
        Ok(())
    }

    /// Whether the contexts and the validator accept the entity.
    fn holds(&self, text: &str, entity: Span, budget: &Budget) -> Result<bool, Exceeded> {
        if !self.check.is_none_or(|check| (check.valid)(entity.slice(text).unwrap_or(""))) {
            return Ok(false);
        }
        for (regex, expected) in [(&self.right, true), (&self.not_right, false)] {
            if let Some(regex) = regex
                && matches_at(regex, text, entity.end, budget)? != expected
            {
                return Ok(false);
            }
        }
        for (regex, expected) in [(&self.left, true), (&self.not_left, false)] {
            if let Some(regex) = regex {
                let (before, from) = left_of(text, entity.start);
                if matches_in(regex, before, from, budget)? != expected {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Where the search goes on: after the entity, so that what follows it can also precede the next
/// one, and in any case past the beginning of the match.
fn after(text: &str, whole: Span, entity: Option<Span>) -> usize {
    let end = entity.filter(|e| !e.is_empty()).map_or(whole.end, |e| e.end);
    end.max(ceil(text, whole.start + 1))
}

/// The text before the byte `end` as far as a left context sees it, and where in it a match may
/// begin: one character more is there where the text was cut, so that the cut does not look like the
/// beginning of the text or of a word.
fn left_of(text: &str, end: usize) -> (&str, usize) {
    let before = text.get(..end).unwrap_or("");
    let mut backwards = before.char_indices().rev();
    let Some((first, _)) = backwards.nth(LEFT_CONTEXT - 1) else { return (before, 0) };
    let start = backwards.next().map_or(first, |(index, _)| index);
    (before.get(start..).unwrap_or(""), first - start)
}
