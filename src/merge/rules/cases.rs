//! Does a rule about entities make of its cases what they say? Runs it alone, as often as its pass
//! does, with overlaps allowed.

use super::apply::Run;
use super::{PassContext, Rules, Trace};
use crate::error::Error;
use crate::rule::marked::{Marked, shown};
use crate::rule::schema::Case;
use crate::text::Document;

/// Whether a case shows what a rule does; otherwise it shows what the rule leaves alone.
fn is_positive(case: &Case) -> Option<bool> {
    let read = |text: &str| Marked::parse(text).ok();
    let (gives, given) = read(case.gives.as_deref()?).zip(read(&case.text))?;
    Some(!gives.agrees(&given.candidates()))
}

/// What is wrong with the cases of a rule, each error at its case, and those that it lacks.
pub(super) fn run(pass: &Rules, number: usize) -> Vec<Error> {
    let rule = &pass.rules[number];
    let mut errors = rule.written.unproven(
        is_positive,
        ["whose 'gives' is another than its 'text'", "whose 'gives' is the same as its 'text'"],
    );
    for case in &rule.written.rule.cases {
        let gives = case.get_ref().gives.as_deref().unwrap_or("");
        let mut report = |message: String| {
            let message = format!("rule '{}' {message}", rule.id);
            errors.push(rule.written.error(case.span(), message));
        };
        let (given, expected) = match (Marked::parse(&case.get_ref().text), Marked::parse(gives)) {
            (Ok(given), Ok(expected)) => (given, expected),
            (given, expected) => {
                for (key, read) in [("text", given), ("gives", expected)] {
                    if let Err(message) = read {
                        report(format!("has a case whose '{key}' cannot be read: {message}"));
                    }
                }
                continue;
            }
        };
        if given.text != expected.text {
            report(format!(
                "has a case whose 'gives' is another text: {:?}, expected {:?}",
                expected.text, given.text
            ));
            continue;
        }
        let document = Document::new("case", given.text.clone());
        let candidates = given.candidates();
        let context = PassContext::new(&document, &[], &candidates);
        let mut run = Run::new(pass, &context, candidates.clone(), false);
        for _ in 0..pass.repeat {
            if !run.round(number..number + 1, &mut Trace::off()) {
                break;
            }
        }
        if let Some(limit) = run.limits().next() {
            report(format!("was given up in {:?}: {limit}", given.text));
        } else if !expected.agrees(run.candidates()) {
            let got = shown(run.candidates(), &given.text);
            let expected = shown(&expected.candidates(), &given.text);
            report(format!("makes {got} of {:?}, expected {expected}", given.text));
        }
    }
    errors
}
