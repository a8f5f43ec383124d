//! What is counted, for every action of the merge, in numbers made by hand.

use super::*;
use crate::text::{Annotation, Span};

/// A gazetteer of names, and a pass of the rules that a test is about.
fn engine(rules: &str) -> Engine {
    let sources = r#"
labels = ["PER", "LOC"]
helper-labels = ["NOTE"]
[[source]]
kind = "gazetteer"
name = "names"
entries = [["Ann", "PER", "", 0.5], ["Lee", "PER", "", 0.5], ["Ann and Lee", "PER", "", 0.9], ["Bath", "LOC", "", 0.5]]
match = "all"
[[merge]]
pass = "rules"
"#;
    Engine::parse(&format!("{sources}{rules}")).unwrap()
}

/// A rule that holds for the entity `inside`, without the cases that every rule owes.
fn rule(id: &str, keys: &str, cases: [[&str; 2]; 2]) -> String {
    let cases = cases
        .map(|[text, gives]| format!("[[merge.rule.case]]\ntext = '{text}'\ngives = '{gives}'\n"));
    format!("[[merge.rule]]\nid = '{id}'\ndoc = 'd'\n{keys}\n{}", cases.concat())
}

/// A document whose gold are the first places of these surfaces.
fn document(text: &str, gold: &[(&str, &str)]) -> Document {
    let annotation = |(surface, label): &(&str, &str)| {
        let start = text.find(surface).unwrap();
        Annotation { span: Span::new(start, start + surface.len()), label: (*label).to_owned() }
    };
    Document { gold: Some(gold.iter().map(annotation).collect()), ..Document::new("d", text) }
}

/// `fired won lost dropped helper conflicted, right:wrong, won right:wrong` of each rule.
fn counted(rules: &str, documents: &[Document]) -> Vec<String> {
    let engine = engine(rules);
    assert_eq!(engine.check().len(), 0, "{:?}", engine.check());
    let mut stats = RuleStats::new(&engine);
    assert!(stats.add(documents).iter().all(Result::is_ok));
    let judged = |judged: Judged| format!("{}:{}", judged.right, judged.wrong);
    let shown = |row: RuleRow<'_>| {
        let counts = [row.fired, row.won, row.lost, row.dropped, row.helper, row.conflicted]
            .map(|n| n.to_string());
        let (all, won) = (judged(row.judged), judged(row.won_judged));
        format!("{} {} {all} {won}", row.rule.id, counts.join(" "))
    };
    stats.rows().map(shown).collect()
}

const LONGEST: &str = "[[merge]]\npass = 'longest'\n";

#[test]
fn a_split_counts_as_its_parts_and_a_join_as_one() {
    let split = rule(
        "split",
        "action = 'split'\nat = ' and '\nwhen = { inside = ' and ' }",
        [["[Ann and Lee](PER)", "[Ann](PER) and [Lee](PER)"], ["[Ann](PER)", "[Ann](PER)"]],
    );
    let documents = [document("Ann and Lee", &[("Ann", "PER")])];
    // The parts are Ann and Lee; of them gold has Ann. They conflict with nothing: the gazetteer's own
    // "Ann" and "Lee" say the same, and "Ann and Lee" is what they came from.
    assert_eq!(counted(&split, &documents), ["split 2 2 0 0 0 0 1:1 1:1"]);

    let join = rule(
        "join",
        "action = 'join'\npattern = '<PER> or <PER>'",
        [
            ["[Ann](PER) or [Lee](PER)", "[Ann or Lee](PER)"],
            ["[Ann](PER), [Lee](PER)", "[Ann](PER), [Lee](PER)"],
        ],
    );
    let text = "Ann or Lee, Lee or Ann, Ann";
    let documents = [document(text, &[("Ann or Lee", "PER")])];
    assert_eq!(counted(&join, &documents), ["join 2 2 0 0 0 0 1:1 1:1"]);
}

#[test]
fn what_is_spoken_against_is_right_where_gold_has_it_not() {
    let case = |gives: &'static str| [["[Bath](LOC 0.4)", gives], ["[Ann](PER)", "[Ann](PER)"]];
    let with = |id: &str, keys: &str, gives: &'static str| {
        rule(id, &format!("{keys}\nwhen = {{ label = 'LOC' }}"), case(gives))
    };
    let documents =
        [document("Bath", &[("Bath", "LOC")]), document("a Bath", &[]), document("Ann", &[])];
    for (rule, expected) in [
        (
            with("raise", "action = 'score'\nscore = 0.9", "[Bath](LOC 0.9)"),
            "raise 2 2 0 0 0 0 1:1 1:1",
        ),
        (
            with("lower", "action = 'score'\nscore = 0.1", "[Bath](LOC 0.1)"),
            "lower 2 2 0 0 0 0 1:1 1:1",
        ),
        // The score is the same already: the rule protects, and no more.
        (
            with("keep", "action = 'keep'\nscore = 0.5", "[Bath](LOC 0.5)"),
            "keep 2 2 0 0 0 0 1:1 1:1",
        ),
        (
            with("keep-lower", "action = 'keep'\nscore = 0.1", "[Bath](LOC 0.1)"),
            "keep-lower 2 2 0 0 0 0 1:1 1:1",
        ),
        (with("drop", "action = 'drop'", "Bath"), "drop 2 0 0 2 0 0 1:1 0:0"),
        (
            with("relabel", "action = 'relabel'\nlabel = 'PER'", "[Bath](PER 0.4)"),
            // Gold has no PER: it is not judged.
            "relabel 2 2 0 0 0 0 0:0 0:0",
        ),
        (
            with("note", "action = 'relabel'\nlabel = 'NOTE'", "[Bath](NOTE 0.4)"),
            "note 2 0 0 0 2 0 0:0 0:0",
        ),
    ] {
        assert_eq!(counted(&rule, &documents), [expected]);
    }
    // All three Baths are lowered, the one that gold has wrongly.
    let lower = with("lower", "action = 'score'\nscore = 0.1", "[Bath](LOC 0.1)");
    let more = [&documents[..], &[document("Bath", &[])]].concat();
    assert_eq!(counted(&lower, &more), ["lower 3 3 0 0 0 0 2:1 1:2"]);
}

#[test]
fn what_a_rule_made_may_lose_and_conflict() {
    let add = rule(
        "add",
        "action = 'add'\nlabel = 'PER'\npattern = 'Lee|Bath House'",
        [["Lee", "[Lee](PER)"], ["Ann", "Ann"]],
    );
    let rules = format!("{add}{LONGEST}");
    // Lee loses to "Ann and Lee"; "Bath House" beats the Bath of another source.
    let documents = [document("Ann and Lee at Bath House", &[("Bath House", "PER")])];
    assert_eq!(counted(&rules, &documents), ["add 2 1 1 0 0 2 1:1 1:0"]);
}

#[test]
fn documents_without_gold_are_counted_and_not_judged() {
    let keep = rule(
        "keep",
        "action = 'keep'\nscore = 0.9",
        [["[Ann](PER)", "[Ann](PER 0.9)"], ["Lee", "Lee"]],
    );
    let documents = [Document::new("d", "Ann"), document("Ann", &[("Ann", "PER")])];
    assert_eq!(counted(&keep, &documents), ["keep 2 2 0 0 0 0 1:0 1:0"]);
}

#[test]
fn chunks_do_not_show_and_warnings_come_from_the_first_document() {
    let slow = rule(
        "slow",
        "action = 'add'\nlabel = 'LOC'\npattern = '(a+)+(?=b)'",
        [["ab", "[a](LOC)b"], ["c", "c"]],
    );
    let engine = engine(&slow);
    let named = |id: usize| Document::new(format!("d{id}"), format!("{}-b", "a".repeat(40)));
    let documents: Vec<Document> = (0..12).map(named).collect();
    for size in [1, 5, 12] {
        let mut stats = RuleStats::new(&engine);
        for chunk in documents.chunks(size) {
            let tagged = stats.add(chunk);
            assert!(tagged.iter().all(|tagged| tagged.as_ref().unwrap().warnings.is_empty()));
        }
        let row = stats.rows().next().unwrap();
        assert_eq!((row.given_up, row.fired), (12, 0));
        let warning = row.warning.unwrap().to_string();
        assert!(
            warning.contains("rule 'slow' of the merge was given up in document 'd0'"),
            "{warning}"
        );
        assert!(row.time > Duration::ZERO && stats.shared_times().count() == 1);
    }
}
