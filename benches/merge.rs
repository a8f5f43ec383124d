//! Throughput of the merge passes: 2,000 candidates that overlap in chains, in a text of 500
//! sentences. Each pass runs with the trace off, as when tagging; `traced` runs some with it on, as
//! `explain` does.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use spanloom::merge::{Pass, PassContext, PassScope, Trace, kind};
use spanloom::resource::Files;
use spanloom::resource::TomlFile;
use spanloom::span::{Candidate, Label, Origin, order};
use spanloom::{Document, Span};

const SENTENCE: &str = "She saw New York Times Square in May. ";
const SENTENCES: usize = 500;

/// Of every sentence: two names that do not overlap, one across them, and one of them again.
fn candidates() -> Vec<Candidate> {
    let sources: [Arc<str>; 2] = ["places".into(), "tagger".into()];
    let mut candidates = Vec::new();
    for sentence in 0..SENTENCES {
        let found = [
            (8, 16, "LOC", 0.6, 0),
            (12, 22, "ORG", 0.7, 1),
            (17, 29, "LOC", 0.6, 0),
            (17, 29, "LOC", 0.5, 1),
        ];
        for (start, end, label, score, source) in found {
            let at = sentence * SENTENCE.len();
            candidates.push(Candidate {
                span: Span::new(at + start, at + end),
                label: label.into(),
                score,
                origins: vec![Origin::new(&sources[source], "")],
                overruled: Vec::new(),
            });
        }
    }
    candidates.sort_by(order::compare);
    candidates
}

fn build(toml: &str) -> Box<dyn Pass> {
    let file = TomlFile::new("bench.toml", toml);
    let mut section = file.parse().expect("the pass is TOML");
    let (name, _) = section.take_str("pass").expect("the pass has a name");
    let sources: [Arc<str>; 2] = ["places".into(), "tagger".into()];
    let labels: [Label; 2] = ["LOC".into(), "ORG".into()];
    let scope = PassScope {
        sources: &sources,
        labels: &labels,
        files: &Files::Folder(".".into()),
        flat: false,
    };
    (kind(&name).expect("the pass exists").build)(section, &scope).expect("the options are right")
}

/// Passes and how many candidates they leave.
const PASSES: &[(&str, &str, usize)] = &[
    ("filter", "pass = 'filter'\ndeny = ['new york']", 1500),
    ("calibrate", "pass = 'calibrate'\n[[fit]]\nsource = 'tagger'\ntemperature = 1.5", 2000),
    ("snap", "pass = 'snap'", 2000),
    ("boundary", "pass = 'boundary'\ntrim = ' .'\nunion = 'overlapping'", 1500),
    ("combine", "pass = 'combine'", 1500),
    ("casing", "pass = 'casing'\ncapital = 1.0", 2000),
    ("context", "pass = 'context'\n[[cue]]\nlabel = 'LOC'\nadd = 1.0\nright = ' in '", 2000),
    ("coherence", "pass = 'coherence'\nmajority = ['LOC', 'ORG']", 2000),
    (
        "policy",
        "pass = 'policy'\norder = ['score']\n[[row]]\nrelation = 'crosses'\nthen = 'keep-a'",
        500,
    ),
    ("vote", "pass = 'vote'", 1000),
    ("greedy", "pass = 'greedy'\nnested = 'allow'", 500),
    ("threshold", "pass = 'threshold'\nmin = 0.55", 1500),
    ("priority", "pass = 'priority'", 1000),
    ("longest", "pass = 'longest'", 1000),
    ("score", "pass = 'score'", 500),
    ("optimal", "pass = 'optimal'", 1000),
];

fn merge(criterion: &mut Criterion) {
    let document = Document::new("bench", SENTENCE.repeat(SENTENCES));
    let candidates = candidates();
    assert_eq!(candidates.len(), 2000);
    let mut group = criterion.benchmark_group("merge");
    group.throughput(Throughput::Elements(candidates.len() as u64));
    for (name, toml, left) in PASSES {
        let pass = build(toml);
        let run = |candidates: Vec<Candidate>| {
            let context = PassContext::new(&document, &[], &[]);
            pass.apply(candidates, &context, &mut Trace::off())
        };
        assert_eq!(run(candidates.clone()).len(), *left, "{name}");
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(
                || candidates.clone(),
                |candidates| run(black_box(candidates)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// What a trace costs those who ask for one; whoever does not pays what the group `merge` says.
fn traced(criterion: &mut Criterion) {
    let document = Document::new("bench", SENTENCE.repeat(SENTENCES));
    let candidates = candidates();
    let mut group = criterion.benchmark_group("traced");
    group.throughput(Throughput::Elements(candidates.len() as u64));
    for (name, toml, left) in PASSES.iter().filter(|(name, ..)| TRACED.contains(name)) {
        let pass = build(toml);
        let run = |candidates: Vec<Candidate>, mut trace: Trace| {
            let context = PassContext::new(&document, &[], &[]);
            let kept = pass.apply(candidates, &context, &mut trace);
            (kept, trace)
        };
        let (kept, trace) = run(candidates.clone(), Trace::recording());
        assert_eq!(kept.len(), *left, "{name}");
        assert!(trace.events().len() >= candidates.len() - left, "{name}");
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(
                || (candidates.clone(), Trace::recording()),
                |(candidates, trace)| run(black_box(candidates), trace),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// The passes that are also measured with a trace.
const TRACED: &[&str] = &["combine", "context", "policy", "score", "optimal"];

criterion_group!(benches, merge, traced);
criterion_main!(benches);
