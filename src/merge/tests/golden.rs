//! Golden cases: merges, candidates and what comes of them, as data.

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    text: Option<String>,
    tokens: Option<Vec<String>>,
    merge: String,
    candidates: Vec<Proposal>,
    #[serde(default)]
    evidence: Vec<Told>,
    expected: Vec<String>,
    #[serde(default)]
    reasons: Vec<String>,
    /// The lines that decided, where they are not those of the pass; one an event, "" for none.
    #[serde(default)]
    places: Vec<String>,
}

/// Source, label, surface, score, and which occurrence of the surface is meant (1 is the first).
#[derive(Deserialize)]
struct Proposal(String, String, String, f32, #[serde(default = "first")] usize);

fn first() -> usize {
    1
}

/// A model's probabilities for words, by surface; what is not told is outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    source: String,
    words: std::collections::BTreeMap<String, std::collections::BTreeMap<String, f32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: Vec<String>,
    labels: Vec<String>,
    #[serde(default)]
    golden: Vec<Case>,
    #[serde(default)]
    wrong: Vec<Wrong>,
}

/// A merge that is wrong, and what is said about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    merge: String,
    error: String,
    help: Option<String>,
}

/// All files of cases, `merge*.toml`.
fn files() -> Vec<File> {
    texts().iter().map(|text| toml::from_str(text).unwrap_or_else(|e| panic!("{e}"))).collect()
}

/// Their texts.
pub(super) fn texts() -> Vec<String> {
    let folder = crate::resource::Files::Folder(env!("CARGO_MANIFEST_DIR").into());
    let names = folder.expand("tests/data/golden/merge*.toml").unwrap();
    names.iter().map(|name| folder.read_text(name).unwrap()).collect()
}

fn build_in(file: &File, toml: &str) -> Result<Vec<Box<dyn Pass>>> {
    let names = |list: &[String]| list.iter().map(String::as_str).map(str::to_owned).collect();
    let (sources, labels): (Vec<String>, Vec<String>) = (names(&file.sources), names(&file.labels));
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    build(toml, &sources, &labels)
}

impl Case {
    fn document(&self) -> Document {
        match (&self.tokens, &self.text) {
            (Some(tokens), None) => Document::from_words("d", tokens.iter().map(String::as_str)),
            (None, Some(text)) => Document::new("d", text.clone()),
            _ => panic!("'{}' needs either text or tokens", self.name),
        }
    }
}

impl Proposal {
    fn candidate(&self, text: &str) -> Candidate {
        let Self(source, label, surface, score, occurrence) = self;
        let (start, found) = text.match_indices(surface.as_str()).nth(occurrence - 1).unwrap();
        candidate(Span::new(start, start + found.len()), label, *score, source)
    }
}

impl Told {
    fn evidence(&self, document: &Document) -> Evidence {
        let labels: std::collections::BTreeSet<&String> =
            self.words.values().flat_map(|w| w.keys()).collect();
        let words = Segments::of(document).words().to_vec();
        let mut parts = Vec::new();
        for word in &words {
            let told = self.words.get(word.slice(&document.text).unwrap());
            let p = |label: &String| told.and_then(|t| t.get(label)).copied().unwrap_or(0.0).into();
            parts.extend(labels.iter().flat_map(|l| [Evidence::part(p(l)), 0]));
        }
        let labels = labels.into_iter().map(|l| Label::new(l)).collect();
        Evidence::new(self.source.as_str().into(), labels, words, parts)
    }
}

/// `LABEL surface score sources`, and `> LABEL surface` for everything it beat.
fn shown(candidate: &Candidate, text: &str) -> String {
    let surface = |span: Span| span.slice(text).unwrap();
    let mut sources: Vec<&str> = candidate.origins.iter().map(|o| &*o.source).collect();
    sources.dedup();
    let Candidate { label, span, score, .. } = candidate;
    let mut shown = format!("{label} {} {score:.2} {}", surface(*span), sources.join("+"));
    for beaten in &candidate.overruled {
        shown.push_str(&format!(" > {} {}", beaten.label, surface(beaten.span)));
    }
    shown
}

#[test]
fn golden() {
    let files = files();
    let mut seen = std::collections::BTreeSet::new();
    let mut failures = String::new();
    for (file, case) in files.iter().flat_map(|file| file.golden.iter().map(move |c| (file, c))) {
        assert!(seen.insert(&case.name), "'{}' twice", case.name);
        let document = case.document();
        let evidence: Vec<Evidence> = case.evidence.iter().map(|e| e.evidence(&document)).collect();
        let passes = build_in(file, &case.merge).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let candidates: Vec<Candidate> =
            case.candidates.iter().map(|c| c.candidate(&document.text)).collect();
        let mut proposed = candidates.clone();
        proposed.sort_by(order::compare);
        let context = PassContext::new(&document, &evidence, &proposed);
        let mut trace = Trace::recording();
        let got = run(&passes, candidates.clone(), &context, &mut trace);
        let mut check = |what: &str, got: Vec<String>, expected: &[String]| {
            if got != expected {
                failures.push_str(&format!(
                    "{}: {what}\n got {got:#?}\n expected {expected:#?}\n",
                    case.name
                ));
            }
        };
        check("result", got.iter().map(|c| shown(c, &document.text)).collect(), &case.expected);
        let of_events = |of: fn(&trace::Event) -> String| trace.events().iter().map(of).collect();
        if !case.reasons.is_empty() {
            check("reasons", of_events(|e| e.reason.clone()), &case.reasons);
        }
        if !case.places.is_empty() {
            let place =
                |e: &trace::Event| e.place.as_ref().map_or(String::new(), ToString::to_string);
            check("places", of_events(place), &case.places);
        }
        assert_eq!(run(&passes, candidates, &context, &mut Trace::off()), got, "{}", case.name);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let files = files();
    for (file, wrong) in files.iter().flat_map(|file| file.wrong.iter().map(move |w| (file, w))) {
        let Err(error) = build_in(file, &wrong.merge) else { panic!("{} builds", wrong.merge) };
        let messages: Vec<String> = error.into_list().iter().map(ToString::to_string).collect();
        assert!(messages[0].starts_with(&wrong.error), "{messages:?}, expected {}", wrong.error);
        if let Some(help) = &wrong.help {
            let Err(error) = build_in(file, &wrong.merge) else { unreachable!() };
            assert_eq!(error.help_text(), Some(help.as_str()));
        }
    }
}
