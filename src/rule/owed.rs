//! What a rule about entities owes: cases of its kind, the keys that its action needs, and none that it does
//! not read.

use super::action::{Action, Deed};
use super::schema::{Rule, Written};
use crate::error::Error;

/// Cases that are not those of a rule about entities.
pub(super) fn wrong_cases(written: &Written) -> Vec<Error> {
    let Rule { id, cases, .. } = &written.rule;
    let name = id.get_ref();
    let mut errors = Vec::new();
    for case in cases {
        let (finds, gives) = (&case.get_ref().finds, &case.get_ref().gives);
        if finds.is_some() {
            let message =
                format!("a case of rule '{name}' has 'finds', expected 'gives' in a pass");
            errors.push(written.error(case.span(), message));
        } else if gives.is_none() {
            let message = format!("a case of rule '{name}' has no 'gives'");
            errors.push(written.error(case.span(), message));
        }
    }
    errors
}

/// Keys that the action needs and that are not there, and those that it does not read.
pub(super) fn wrong_keys(written: &Written, action: &Action) -> Vec<Error> {
    let rule = &written.rule;
    let name = rule.id.get_ref();
    let mut errors = Vec::new();
    for key in action.needs.iter().filter(|key| rule.place_of(key).is_none()) {
        let message =
            format!("rule '{name}' has no '{key}', which the action '{}' needs", action.name);
        errors.push(written.error(rule.id.span(), message));
    }
    for key in ["label", "group", "score", "on", "to", "at", "add", "scale"] {
        let is_read = action.needs.contains(&key) || action.reads.contains(&key);
        if let Some(place) = rule.place_of(key).filter(|_| !is_read) {
            let message = format!("the action '{}' does not read '{key}'", action.name);
            let reads = [action.needs, action.reads].concat().join(", ");
            let error = written.error(place, message);
            errors.push(error.with_help(format!(
                "it reads: {}; conditions stand under [rule.when]",
                if reads.is_empty() { "no key of its own" } else { &reads }
            )));
        }
    }
    let is_moved = rule.score.is_some() || rule.add.is_some() || rule.scale.is_some();
    if action.deed == Deed::Score && !is_moved {
        let message = format!("rule '{name}' moves no score, expected 'score', 'scale' or 'add'");
        errors.push(written.error(rule.id.span(), message));
    }
    if let (Some(group), Some(_)) = (&rule.group, &rule.to) {
        let message = format!("rule '{name}' has both 'group' and 'to', expected one");
        errors.push(written.error(group.span(), message));
    }
    if action.deed == Deed::Add && written.patterns().next().is_none() {
        let message = format!("rule '{name}' has no 'pattern', which the action 'add' needs");
        errors.push(written.error(rule.id.span(), message));
    }
    errors
}
