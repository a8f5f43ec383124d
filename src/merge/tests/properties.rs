//! Properties of passes over any candidates.

use proptest::prelude::*;

use super::*;

const SOURCES: [&str; 3] = ["rules", "places", "tagger"];
const LABELS: [&str; 3] = ["PER", "LOC", "ORG"];

/// 40 characters of 2 bytes, in words of 4.
fn text() -> String {
    "äÖü ".repeat(10)
}

/// Candidates on char boundaries; scores are few, so that there are ties.
fn candidates(most: usize) -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0usize..39, 1usize..8, 0usize..3, 0u8..=10, 0usize..3);
    proptest::collection::vec(one, 0..=most).prop_map(|list| {
        let text = text();
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let made = list.into_iter().map(|(start, length, label, score, source)| {
            let span = Span::new(places[start], places[(start + length).min(40)]);
            candidate(span, LABELS[label], f32::from(score) / 10.0, SOURCES[source])
        });
        made.collect()
    })
}

const SELECTING: &[&str] = &[
    "pass = 'priority'\norder = ['places']\nlabels = { PER = ['tagger', 'rules'] }",
    "pass = 'priority'\ntie-break = ['label', 'latest']",
    "pass = 'longest'",
    "pass = 'longest'\ntie-break = ['earliest']",
    "pass = 'score'",
    "pass = 'score'\ntie-break = ['shortest', 'source']",
    "pass = 'optimal'",
    "pass = 'optimal'\nweight = 'words'\ntie-break = ['label', 'score']",
    "pass = 'optimal'\ntie-break = []",
];

/// Passes that select and give the origins of those that lost to those that won.
const VOTING: &[&str] = &[
    "pass = 'vote'",
    "pass = 'vote'\nweights = { tagger = 2.5, rules = 0.5 }\nscores = false\nmin = 1.0",
    "pass = 'vote'\noverlap = 0.5\ntie-break = ['earliest']",
];

/// The general greedy pass, which is flat by its options.
const GREEDY: &[&str] = &[
    "pass = 'greedy'",
    "pass = 'greedy'\norder = ['most-words', 'earliest-end', 'alphabetical']",
    "pass = 'greedy'\norder = [{ sources = ['tagger'] }, { labels = ['ORG'] }, 'latest-end']",
];

/// Passes that move edges: spans come out that did not go in.
const MOVING: &[&str] = &[
    "pass = 'snap'",
    "pass = 'snap'\nmode = 'contract'\nsources = ['rules']",
    "pass = 'snap'\nmode = 'drop'",
    "pass = 'boundary'\ntrim = ' Ü'",
    "pass = 'boundary'\nunion = 'overlapping'",
    "pass = 'boundary'\nunion = 'touching'\nsources = ['places', 'tagger']",
    "pass = 'boundary'\ntrim = ' '\ntrim-left = ['äöü']\nextend-right = ['äöü']\nunion = 'near'",
    "pass = 'policy'\norder = ['score']\n[[merge.row]]\na-source = 'places'\nrelation = ['same', 'contains']\n\
     then = 'keep-a'\n[[merge.row]]\nlabels = 'same'\nrelation = ['overlaps', 'touches']\nthen = 'union'\n\
     [[merge.row]]\nmin-score-difference = 0.2\nthen = 'split'\n[[merge.row]]\nthen = 'trim'",
    "pass = 'policy'\norder = ['earliest', 'earliest-end']\n[[merge.row]]\nmin-score-difference = 0\nthen = 'trim'",
    "pass = 'policy'\n[[merge.row]]\nb-label = ['LOC', 'ORG']\nrelation = 'crosses'\nright = ' '\nthen = 'drop-both'\n\
     [[merge.row]]\nlabel-pairs = { PER = ['LOC'] }\nthen = 'keep-b'\n[[merge.row]]\nmin-length-ratio = 1.5\n\
     then = 'compare'\nby = ['score', 'longest']\n[[merge.row]]\nrelation = 'touches'\nthen = 'keep-both'",
    "pass = 'boundary'\ntrim-right = ['äöü']\nextend-left = ['äöü']\nlabels = ['PER']",
];

const IDEMPOTENT: &[&str] = &[
    "pass = 'greedy'\nnested = 'allow'",
    "pass = 'greedy'\nnested = 'allow-if-labels-differ'\nsame-span = 'allow-if-labels-differ'\norder = ['longest']",
    "pass = 'greedy'\nsources = ['rules', 'tagger']",
    "pass = 'filter'\nsources = ['rules']\nlabels = ['PER']",
    "pass = 'filter'\ndeny = ['aou']\ncompare = 'folded'",
    "pass = 'filter'\nallow = ['äÖü', 'Öü ä']\ncompare = 'exact'\nlabels = ['LOC']",
    "pass = 'combine'\nmethod = 'vote'\nweights = { places = 0.5 }",
    "pass = 'combine'\nmethod = 'log-odds'\nweights = { places = 2, rules = 0.1 }",
    "pass = 'threshold'\nsources = { places = { PER = 0.9 }, rules = 0.4 }",
    "pass = 'combine'",
    "pass = 'combine'\nmethod = 'noisy-or'",
    "pass = 'combine'\nmethod = 'mean'",
    "pass = 'combine'\nmethod = 'log-odds'",
    "pass = 'threshold'\nlabels = { PER = 0.2 }\nsources = { places = 0.7 }",
];

fn pass(toml: &str) -> Vec<Box<dyn Pass>> {
    build(&format!("[[merge]]\n{toml}"), &SOURCES, &LABELS).unwrap()
}

/// The result of a pass on candidates just as they come, in the order of output.
fn applied(toml: &str, candidates: Vec<Candidate>, trace: &mut Trace) -> Vec<Candidate> {
    let document = Document::new("d", text());
    let evidence = evidence();
    let context = PassContext::new(&document, &evidence, &[]);
    let mut result = pass(toml)[0].apply(candidates, &context, trace);
    result.sort_by(order::compare);
    result
}

/// What a model thinks of the words of [`text`].
fn evidence() -> Vec<Evidence> {
    let words: Vec<Span> = (0..10).map(|i| Span::new(i * 7, i * 7 + 6)).collect();
    let parts = words.iter().flat_map(|_| [3_000, 1_000, 2_000, 2_000]).collect();
    vec![Evidence::new("tagger".into(), vec!["PER".into(), "LOC".into()], words, parts)]
}

fn is_flat(candidates: &[Candidate]) -> bool {
    candidates.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start)
}

/// All sets of candidates that do not overlap.
fn flat_sets(candidates: &[Candidate]) -> Vec<Vec<Candidate>> {
    let all = 0u32..1 << candidates.len();
    all.map(|bits| {
        let chosen = candidates.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
        let mut set: Vec<Candidate> = chosen.map(|(_, c)| c.clone()).collect();
        set.sort_by(order::compare);
        set
    })
    .filter(|set| is_flat(set))
    .collect()
}

/// A candidate's score in tenths, as generated.
fn tenths(candidate: &Candidate) -> usize {
    (candidate.score * 10.0).round() as usize
}

fn characters(candidate: &Candidate) -> usize {
    candidate.span.slice(&text()).unwrap().chars().count()
}

fn without_overruled(candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.into_iter().map(|c| Candidate { overruled: Vec::new(), ..c }).collect()
}

proptest! {
    #[test]
    fn passes_keep_their_contracts(list in candidates(24), seed in any::<u64>()) {
        let mut shuffled = list.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, (seed.rotate_left(i as u32) % (i as u64 + 1)) as usize);
        }
        let flat = SELECTING.iter().chain(VOTING).chain(GREEDY);
        for toml in flat.chain(IDEMPOTENT).chain(RESCORING).chain(MOVING).chain(PROPOSING) {
            let result = applied(toml, list.clone(), &mut Trace::off());
            prop_assert_eq!(&applied(toml, shuffled.clone(), &mut Trace::recording()), &result, "{}", toml);
            for candidate in &result {
                prop_assert!((0.0..=1.0).contains(&candidate.score));
                prop_assert!(candidate.span.slice(&text()).is_some_and(|inside| !inside.is_empty()));
                prop_assert!(MOVING.contains(toml) || PROPOSING.contains(toml) || list.iter().any(|c| c.span == candidate.span && c.label == candidate.label));
            }
            let rescores = RESCORING.contains(toml) || PROPOSING.contains(toml);
            if !rescores {
                prop_assert_eq!(&applied(toml, result.clone(), &mut Trace::off()), &result, "{}", toml);
            }
            let kind = kind(toml.split('\'').nth(1).unwrap()).unwrap();
            let is_flat_by_kind = SELECTING.contains(toml) || VOTING.contains(toml);
            prop_assert_eq!(kind.flat, is_flat_by_kind);
            prop_assert_eq!(pass(toml)[0].is_flat(), GREEDY.contains(toml), "{}", toml);
            let should_be_flat = is_flat_by_kind || GREEDY.contains(toml);
            prop_assert!(!should_be_flat || is_flat(&result), "{}", toml);
            prop_assert_eq!(kind.rescores, rescores);
        }
    }

    #[test]
    fn nothing_is_lost_without_a_winner(list in candidates(24)) {
        for toml in SELECTING.iter().chain(GREEDY) {
            let mut distinct = list.clone();
            distinct.sort_by(order::compare);
            distinct.dedup();
            let count = distinct.len();
            let mut trace = Trace::recording();
            let result = applied(toml, distinct, &mut trace);
            prop_assert_eq!(result.iter().map(|c| 1 + c.overruled.len()).sum::<usize>(), count);
            prop_assert_eq!(trace.events().len(), count - result.len());
            for winner in &result {
                prop_assert!(winner.overruled.iter().all(|o| o.span.overlaps(winner.span)));
            }
        }
    }

    #[test]
    fn greedy_is_what_it_says(list in candidates(24)) {
        type Better = fn(&Candidate) -> (std::cmp::Reverse<usize>, std::cmp::Reverse<usize>);
        let rankings: [(&str, Better); 3] = [
            ("pass = 'greedy'\norder = ['score', 'longest']", |c| {
                (std::cmp::Reverse(tenths(c)), std::cmp::Reverse(characters(c)))
            }),
            ("pass = 'score'\ntie-break = ['longest']", |c| {
                (std::cmp::Reverse(tenths(c)), std::cmp::Reverse(characters(c)))
            }),
            ("pass = 'longest'\ntie-break = ['score']", |c| {
                (std::cmp::Reverse(characters(c)), std::cmp::Reverse(tenths(c)))
            }),
        ];
        for (toml, better) in rankings {
            let mut left = list.clone();
            left.sort_by(|a, b| better(a).cmp(&better(b)).then_with(|| order::compare(a, b)));
            let mut expected: Vec<Candidate> = Vec::new();
            for candidate in left {
                if expected.iter().all(|kept| !kept.span.overlaps(candidate.span)) {
                    expected.push(candidate);
                }
            }
            expected.sort_by(order::compare);
            let result = applied(toml, list.clone(), &mut Trace::off());
            prop_assert_eq!(without_overruled(result), expected);
        }
    }

    #[test]
    fn nested_greedy_crosses_nothing(list in candidates(24)) {
        let toml = "pass = 'greedy'\nnested = 'allow'";
        let result = applied(toml, list.clone(), &mut Trace::off());
        for (i, a) in result.iter().enumerate() {
            for b in &result[i + 1..] {
                prop_assert!(!a.span.crosses(b.span) && a.span != b.span);
            }
        }
        for lost in &list {
            let stays = |c: &Candidate| c.span == lost.span && c.label == lost.label;
            let excludes = |c: &Candidate| c.span.crosses(lost.span) || c.span == lost.span;
            prop_assert!(result.iter().any(|c| stays(c) || excludes(c)));
        }
    }

    #[test]
    fn a_policy_of_keeping_the_better_is_greedy(list in candidates(24)) {
        let policy = "pass = 'policy'\norder = ['score', 'longest']\n[[merge.row]]\nthen = 'keep-a'";
        let greedy = "pass = 'greedy'\norder = ['score', 'longest']";
        let spans = |toml: &str| {
            without_overruled(applied(toml, list.clone(), &mut Trace::off()))
        };
        prop_assert_eq!(spans(policy), spans(greedy));
    }

    #[test]
    fn votes_of_one_voice_each_are_scores(list in candidates(24)) {
        // Every candidate of a source of its own label: a vote is then its score.
        let list: Vec<Candidate> = list
            .into_iter()
            .map(|c| {
                let source = SOURCES[LABELS.iter().position(|l| *l == c.label.as_str()).unwrap()];
                candidate(c.span, c.label.as_str(), c.score, source)
            })
            .collect();
        let combined = applied("pass = 'combine'", list, &mut Trace::off());
        let spans = |toml: &str| without_overruled(applied(toml, combined.clone(), &mut Trace::off()));
        prop_assert_eq!(spans("pass = 'vote'"), spans("pass = 'score'"));
    }

    #[test]
    fn optimal_is_the_best_of_all_sets(list in candidates(10)) {
        let result = applied("pass = 'optimal'\ntie-break = []", list.clone(), &mut Trace::off());
        let result = without_overruled(result);
        // Of two sets the one with the first candidate that only one of them has; a candidate that
        // stands twice in the list is the same candidate.
        let better = |a: &Vec<Candidate>, b: &Vec<Candidate>| {
            let total = |set: &[Candidate]| set.iter().map(tenths).sum::<usize>();
            total(a).cmp(&total(b)).then_with(|| {
                let differs = |x: &Candidate, other: &[Candidate]| !other.contains(x);
                let first_a = a.iter().find(|x| differs(x, b));
                let first_b = b.iter().find(|x| differs(x, a));
                match (first_a, first_b) {
                    (Some(x), Some(y)) => order::compare(y, x),
                    (x, y) => x.is_some().cmp(&y.is_some()),
                }
            })
        };
        let best = flat_sets(&list).into_iter().max_by(better).unwrap();
        prop_assert_eq!(result, best);
    }
}

/// Passes that propose what nobody did.
const PROPOSING: &[&str] = &[
    "pass = 'coherence'\nshort-forms = ['PER', 'LOC']\nmajority = ['LOC', 'ORG']\npropose = 'all'\nmin = 0.2",
    "pass = 'coherence'\nmajority = ['LOC', 'ORG', 'PER']\npropose = 'unlabelled'\nmax-proposals = 2",
];

const RESCORING: &[&str] = &[
    "pass = 'coherence'\nshort-forms = ['PER']\nacronyms = ['ORG']\nmajority = ['LOC', 'ORG']\nwindow = 9",
    "pass = 'calibrate'\n[[merge.fit]]\nsource = 'places'\nlabel = ['PER', 'LOC']\ntemperature = 2\nbias = 0.5\n\
     [[merge.fit]]\npoints = [[0.1, 0.0], [0.5, 0.4], [0.9, 0.4]]",
    "pass = 'evidence'",
    "pass = 'evidence'\nmodel-weight = 2.5\nprior-weight = -1\nbias = 1000\nsources = ['rules']",
    "pass = 'casing'\nlower = -1.5\ncapital = 1",
    "pass = 'context'\n[[merge.cue]]\nlabel = 'PER'\nadd = 1.5\nleft = ' '\nright-label = ['LOC', 'PER']\n\
     [[merge.cue]]\nlabel = ['ORG']\nadd = -1000\ninside = 'ö'",
];
