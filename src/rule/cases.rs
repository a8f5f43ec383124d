//! Does a rule about text find what its cases say? Runs them, and says where there are none.

use super::compile::Compiled;
use super::prefilter::Prefilter;
use crate::error::Error;

/// What is wrong with the cases of a rule, each error at its case, and those that it lacks.
pub(crate) fn run(rule: &Compiled, retries: u32) -> Vec<Error> {
    let prefilter = Prefilter::new([rule.patterns()]);
    let id = &rule.id;
    let mut errors = rule.written.unproven(
        |case| case.finds.as_ref().map(|finds| !finds.is_empty()),
        ["with finds = [\"…\"]", "with finds = []"],
    );
    for case in &rule.written.rule.cases {
        let text = &case.get_ref().text;
        let expected = case.get_ref().finds.as_deref().unwrap_or(&[]);
        let mut spans = Vec::new();
        let places = prefilter.places(text).pop().unwrap_or_default();
        let outcome = rule.find(text, &places, None, retries, &mut spans);
        let got: Vec<&str> = spans.iter().filter_map(|span| span.slice(text)).collect();
        if let Err(exceeded) = outcome {
            let message = format!("rule '{id}' was given up in {text:?}: {exceeded}");
            errors.push(rule.written.error(case.span(), message));
        } else if got != *expected {
            let message = format!("rule '{id}' finds {got:?} in {text:?}, expected {expected:?}");
            errors.push(rule.written.error(case.span(), message));
        }
    }
    errors
}
