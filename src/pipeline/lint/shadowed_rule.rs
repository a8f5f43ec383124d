//! The lint `shadowed-rule`.

use toml::Spanned;

use super::facts::TextRule;
use super::{Findings, Level, Lint};
use crate::pipeline::build::Engine;
use crate::rule::schema::Case;
use crate::source::Source;
use crate::source::rules::Rules;
use crate::span::Span;
use crate::text::Document;

pub(super) const LINT: Lint = Lint {
    name: "shadowed-rule",
    doc: "A rule that other rules leave nothing to do. About text: all that it finds in its own cases is \
          found there, under the same label and by at least as much, by one rule of the same or a higher \
          score. In a merge pass: an earlier rule leaves it nothing to change in any of its own cases, or it \
          keeps what no rule drops. It is judged by the cases of the rule and by nothing else, so cases that \
          show what it alone finds silence it.",
    level: Level::Note,
    find,
};

fn find(engine: &Engine, findings: &mut Findings) {
    let rules = engine.text_rules();
    let sources: Vec<&Rules> = engine.rule_sources().map(|(_, _, source)| source).collect();
    for (number, rule) in rules.iter().enumerate() {
        // Of two rules that shadow one another, the later one is found.
        let is_before = |other: usize| {
            let (own, score) = (rule.score(), rules[other].score());
            other != number && (score > own || (score == own && other < number))
        };
        let shadow = shadows(number, &rules, &sources).into_iter().find(|n| is_before(*n));
        // What finds the same altogether is a duplicate.
        let Some(shadow) = shadow
            .map(|shadow| &rules[shadow])
            .filter(|shadow| shadow.rule.matching() != rule.rule.matching())
        else {
            continue;
        };
        let message = format!(
            "all that rule '{}' finds in its cases, {} finds too, as {}",
            rule.rule.id,
            shadow.shown_beside(rule),
            rule.rule.label
        );
        let advice = "remove it, or give it a case with what it alone finds";
        findings.add(rule.rule.written.place(), message, advice, [shadow.rule.written.place()]);
    }
    for (_, pass) in engine.rule_steps() {
        for (number, rule) in pass.compiled().iter().enumerate() {
            if let Some(first) = pass.shadow_of(number).map(|first| &pass.compiled()[first]) {
                let message = format!(
                    "rule '{}' has nothing left to change in its cases once rule '{}' has run",
                    rule.id, first.id
                );
                let advice = "remove it, write it before the other, or give it a case with what it alone changes";
                findings.add(rule.place(), message, advice, [first.place()]);
            } else if pass.keeps_in_vain(number) {
                let message = format!("rule '{}' keeps entities that no later rule drops", rule.id);
                let advice = "write it before the rule that it protects them from, or make its action 'score'";
                findings.add(rule.place(), message, advice, []);
            }
        }
    }
}

/// The rules of the same label that find, in every positive case of rule `number`, all that it finds
/// there; by number.
fn shadows(number: usize, rules: &[TextRule<'_>], sources: &[&Rules]) -> Vec<usize> {
    let rule = rules[number].rule;
    let positive = |case: &&Spanned<Case>| {
        case.get_ref().finds.as_ref().is_some_and(|finds| !finds.is_empty())
    };
    let mut left: Option<Vec<usize>> = None;
    for case in rule.written.rule.cases.iter().filter(positive) {
        let mut found = spans_by_rule(&case.get_ref().text, rules, sources);
        let own = std::mem::take(&mut found[number]);
        let covers = |other: &usize| {
            rules[*other].rule.label == rule.label
                && own
                    .iter()
                    .all(|span| found[*other].iter().any(|by_other| by_other.contains(*span)))
        };
        let candidates = left.unwrap_or_else(|| (0..rules.len()).collect());
        let covering: Vec<usize> = candidates.into_iter().filter(covers).collect();
        if own.is_empty() || covering.is_empty() {
            return Vec::new();
        }
        left = Some(covering);
    }
    left.unwrap_or_default()
}

/// What each of the rules finds in a text, by number.
fn spans_by_rule(text: &str, rules: &[TextRule<'_>], sources: &[&Rules]) -> Vec<Vec<Span>> {
    let document = Document::new("case", text);
    let mut spans = vec![Vec::new(); rules.len()];
    for source in sources {
        // What cannot be searched is found by nobody.
        let Ok(found) = source.find(&document) else { continue };
        for mention in found.mentions {
            let is_it = |rule: &TextRule<'_>| {
                std::ptr::eq(rule.source, *source) && rule.rule.id == mention.origin.detail
            };
            if let Some(number) = rules.iter().position(is_it) {
                spans[number].push(mention.span);
            }
        }
    }
    spans
}
