//! Presets against the systems whose merge they are: sets of spans that those systems resolved
//! (`tests/parity/presets.py`).

use super::*;

#[derive(Deserialize)]
struct Fixture {
    labels: Vec<String>,
    sources: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    preset: String,
    options: String,
    /// Whether the text is given as its words, parted by spaces.
    words: bool,
    text: String,
    candidates: Vec<(usize, usize, String, f32, String)>,
    /// The score is not compared where there is none.
    expected: Vec<(usize, usize, String, Option<f32>)>,
}

fn fixture() -> Fixture {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/parity/presets.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn presets_do_what_the_peers_do() {
    let fixture = fixture();
    let (labels, sources): (Vec<&str>, Vec<&str>) = (
        fixture.labels.iter().map(String::as_str).collect(),
        fixture.sources.iter().map(String::as_str).collect(),
    );
    let mut failures = Vec::new();
    for (number, case) in fixture.cases.iter().enumerate() {
        let toml = format!("[[merge]]\npreset = '{}'\n{}", case.preset, case.options);
        let passes = build(&toml, &sources, &labels).unwrap_or_else(|e| panic!("{toml}: {e}"));
        let document = if case.words {
            Document::from_words("d", case.text.split(' '))
        } else {
            Document::new("d", case.text.clone())
        };
        let candidates = case.candidates.iter().map(|(start, end, label, score, source)| {
            candidate(Span::new(*start, *end), label, *score, source)
        });
        let context = PassContext::new(&document, &[], &[]);
        let result = run(&passes, candidates.collect(), &context, &mut Trace::off());
        let mut got: Vec<(usize, usize, String, f32)> = result
            .iter()
            .map(|c| (c.span.start, c.span.end, c.label.to_string(), c.score))
            .collect();
        got.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        let same = got.len() == case.expected.len()
            && got.iter().zip(&case.expected).all(|(got, expected)| {
                (got.0, got.1, &got.2) == (expected.0, expected.1, &expected.2)
                    && expected.3.is_none_or(|score| score == got.3)
            });
        if !same {
            failures.push(format!(
                "{number} {toml}\n{:?}\n got {got:?}\n expected {:?}",
                case.candidates, case.expected
            ));
        }
    }
    let (failed, all) = (failures.len(), fixture.cases.len());
    failures.truncate(3);
    assert!(failed == 0, "{failed} of {all} differ:\n{}", failures.join("\n"));
}

#[test]
fn every_preset_is_documented_and_shown_by_a_case() {
    let golden = golden::texts().concat();
    for preset in PRESETS {
        assert!(preset.doc.ends_with('.'), "{}", preset.name);
        let name = format!("preset = \"{}\"", preset.name);
        assert!(golden.contains(&name), "no case of {}", preset.name);
        for option in preset.options {
            let used = format!("\"${}\"", option.name);
            assert!(
                preset.passes.contains(&used),
                "{}: no pass reads {}",
                preset.name,
                option.name
            );
        }
    }
}
