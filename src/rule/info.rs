//! A rule as its source or pass lists it, for whoever reports on rules. What it matches is not told.

use std::sync::Arc;

use super::action::action_of;
use super::compile::Compiled;
use super::entity::EntityRule;
use crate::error::Location;
use crate::span::Label;

/// What a rule is called, what it is about and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInfo {
    /// Its id, unique in its source or pass.
    pub id: Arc<str>,
    /// What it does to entities, the name of one of the [`ACTIONS`](super::action::ACTIONS); `None` for
    /// a rule about text, which finds them.
    pub action: Option<&'static str>,
    /// The label of what it finds or makes; `None` where it keeps the label that is there.
    pub label: Option<Label>,
    /// Where it is written.
    pub place: Location,
}

impl From<&Compiled> for RuleInfo {
    fn from(rule: &Compiled) -> Self {
        let place = rule.written.place();
        Self { id: rule.id.clone(), action: None, label: Some(rule.label.clone()), place }
    }
}

impl From<&EntityRule> for RuleInfo {
    fn from(rule: &EntityRule) -> Self {
        let action = Some(action_of(rule.deed).name);
        Self { id: rule.id.clone(), action, label: rule.label.clone(), place: rule.place() }
    }
}
