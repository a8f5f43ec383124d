//! The matcher against the obvious slow way, for every set of options.

use proptest::prelude::*;

use super::super::casing::Shape;
use super::super::context::Context;
use super::super::fuzzy::tests::naive as naive_fuzzy;
use super::super::spelling::Difference;
use super::super::variants::tests::naive as naive_variants;
use super::super::{Builder, Entry};
use super::*;
use crate::text::boundary::is_boundary;

/// Place, label, detail, score.
type Found = (Span, String, String, f32);

/// An entry that fits at a place of the folded text.
struct Fit<'e> {
    start: usize,
    end: usize,
    found: Found,
    entry: &'e Entry,
}

/// What a matcher must find, by trying every entry at every place.
fn naive(entries: &[Entry], matcher: &Matcher, document: &Document) -> Vec<Found> {
    let folded = fold(&document.text, FoldOptions::ALL);
    let text = folded.text();
    let edges: Vec<usize> =
        (0..=text.len()).filter(|&i| text.is_char_boundary(i) && is_boundary(text, i)).collect();
    let keys: Vec<String> = entries.iter().map(|e| compile::key(&e.surface)).collect();
    let mut readings: Vec<(usize, usize, usize, Spelling)> = Vec::new();
    for &start in &edges {
        for &end in edges.iter().filter(|&&end| end > start) {
            for (entry, key) in keys.iter().enumerate() {
                if text.get(start..end) == Some(key) {
                    readings.push((start, end, entry, Spelling::Same));
                }
            }
        }
    }
    for hit in naive_variants(&keys, text, matcher.spelling.variants) {
        let (start, end, entry) = (hit.start, hit.end, hit.surface as usize);
        if !readings.contains(&(start, end, entry, Spelling::Same)) {
            readings.push((start, end, entry, Spelling::Variant));
        }
    }
    if let Some(fuzzy) = &matcher.fuzzy {
        let is_surface = |key: &str| keys.iter().any(|k| k == key) || matcher.stop.contains(key);
        let known = Known { is_surface: &is_surface, common: &matcher.common_words };
        let near = naive_fuzzy(&keys, text, fuzzy, &known);
        let read: Vec<(usize, usize)> = readings.iter().map(|r| (r.0, r.1)).collect();
        for n in &near {
            let is_nearest = near
                .iter()
                .all(|m| (m.start, m.end) != (n.start, n.end) || m.distance >= n.distance);
            if is_nearest && !read.contains(&(n.start, n.end)) {
                readings.push((n.start, n.end, n.surface as usize, Spelling::Misspelt(n.distance)));
            }
        }
    }
    let mut fits: Vec<Fit<'_>> = Vec::new();
    for (start, end, entry, spelling) in readings {
        let entry = &entries[entry];
        let span = folded.span(start..end).unwrap();
        let tokens = document.tokens.as_deref();
        if let Some(score) =
            score(entry, matcher, document, (span, spelling), text.get(start..end).unwrap())
            && is_at_token_edges(span, tokens)
        {
            let detail = entry.id.clone().unwrap_or_else(|| entry.surface.clone());
            let found = (span, entry.label.to_string(), detail, score);
            fits.push(Fit { start, end, found, entry });
        }
    }
    select(fits, matcher)
}

fn score(
    entry: &Entry,
    matcher: &Matcher,
    document: &Document,
    (span, spelling): (Span, Spelling),
    read: &str,
) -> Option<f32> {
    let key = compile::key(&entry.surface);
    let stopped = matcher.stop.contains(&key) || matcher.stop.contains(read);
    let is_short = key.chars().count() < matcher.min_length;
    let is_wanted = matcher.labels.as_ref().is_none_or(|labels| labels.contains(&entry.label));
    let slice = span.slice(&document.text).unwrap();
    let is_spelt = matcher.spelling.allows(slice, &entry.surface, spelling, matcher.fuzzy.as_ref());
    if stopped || is_short || !is_wanted || !is_spelt {
        return None;
    }
    let mut judge = Judge::new(&document.text, &matcher.common_words);
    let named = (entry.surface.as_str(), Shape::of(&entry.surface));
    let case = entry.case.unwrap_or(matcher.case);
    let factor = judge.judge(case, named, spelling, span, read)?;
    let attributes = entry.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let context = Context::of(attributes).unwrap();
    if context.is_some_and(|context| context.refusal(&document.text, span).is_some()) {
        return None;
    }
    let errors = if let Spelling::Misspelt(errors) = spelling { errors } else { 0 };
    let forgiven = matcher.fuzzy.as_ref().map_or(1.0, |fuzzy| fuzzy.factor.powi(errors as i32));
    Some(entry.weight * factor * forgiven)
}

/// Of what fits, what the options leave.
fn select(mut fits: Vec<Fit<'_>>, matcher: &Matcher) -> Vec<Found> {
    if matcher.matches != MatchKind::All {
        let mut free_from = 0;
        let mut kept: Vec<Fit<'_>> = Vec::new();
        while let Some((start, end)) = fits
            .iter()
            .filter(|fit| fit.start >= free_from)
            .map(|fit| (fit.start, Reverse(fit.end)))
            .min()
        {
            let (here, rest) =
                fits.into_iter().partition(|fit| (fit.start, Reverse(fit.end)) == (start, end));
            kept.extend::<Vec<Fit<'_>>>(here);
            fits = rest;
            free_from = end.0;
        }
        fits = kept;
    }
    let per_label = matcher.matches != MatchKind::NBest;
    let mut found: Vec<Found> = fits.iter().map(|fit| fit.found.clone()).collect();
    found.sort_by(|a, b| {
        let by_score = b.3.total_cmp(&a.3);
        let place = (a.0.start, Reverse(a.0.end)).cmp(&(b.0.start, Reverse(b.0.end)));
        if per_label {
            return place.then(a.1.cmp(&b.1)).then(by_score).then(a.2.cmp(&b.2));
        }
        place.then(by_score).then((&a.1, &a.2).cmp(&(&b.1, &b.2)))
    });
    assert!(fits.iter().all(|fit| !fit.entry.surface.is_empty()));
    if per_label {
        found.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
        return found;
    }
    let mut best: Vec<Found> = Vec::new();
    for new in found {
        let of_place = || best.iter().filter(|old| old.0 == new.0);
        if of_place().count() < matcher.n && !of_place().any(|o| (&o.1, &o.2) == (&new.1, &new.2)) {
            best.push(new);
        }
    }
    best
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let surface = "[Aab]{1,3}|[Aab]{1,4}[ -][abÉé]{1,4}|[Aabé]{2,3}'[abs]{1,3}|abab(ab)?|[AB]{2}";
    let attributes = prop::sample::select(vec![
        "",
        "",
        "case=fold",
        "case=exact",
        "context.near=ab|b",
        "context.not-left=/a$/;context.words=1",
        "abbreviations=AB|B.A",
    ]);
    let entry = (surface, 0..2, 0..3, prop::sample::select(vec![1.0, 0.5]), attributes);
    let entry = entry.prop_map(|(surface, label, id, weight, attributes)| {
        let mut entry = Entry::new(&surface, ["X", "Y"][label as usize].into());
        entry.id = (id > 0).then(|| format!("id{id}"));
        entry.weight = weight;
        entry.set_attributes(attributes).unwrap();
        entry
    });
    prop::collection::vec(entry, 1..7)
}

fn matchers() -> impl Strategy<Value = Matcher> {
    let case = prop::sample::select(vec![Case::Exact, Case::Smart, Case::Fold]);
    let kind = prop::sample::select(vec![MatchKind::Longest, MatchKind::All, MatchKind::NBest]);
    let ignored = prop::sample::subsequence(
        vec![
            Difference::Accents,
            Difference::Hyphens,
            Difference::Apostrophes,
            Difference::WhiteSpace,
            Difference::Width,
            Difference::HyphenSpace,
            Difference::MissingApostrophe,
        ],
        0..=7,
    );
    let fuzzy = prop::option::of((2usize..5, 0usize..2, any::<bool>()));
    let words = prop::option::of(prop::collection::vec("[ab]{1,3}", 0..4));
    let stop = prop::collection::btree_set("[ab]{2,3}", 0..2);
    (case, kind, ignored, fuzzy, words, stop, 1usize..3, any::<bool>()).prop_map(
        |(case, matches, ignored, fuzzy, words, stop, n, only_x)| {
            let mut common_words = CommonWords::default();
            if let Some(words) = words {
                common_words.add(&words.join("\n"));
            }
            Matcher {
                case,
                matches,
                n,
                common_words,
                labels: only_x.then(|| vec!["X".into()]),
                min_length: n,
                stop,
                spelling: SpellingOptions::ignoring(&ignored),
                fuzzy: fuzzy.map(|(letters, prefix_length, transpositions)| Fuzzy {
                    min_letters: vec![letters, letters + 2],
                    prefix_length,
                    transpositions,
                    factor: 0.5,
                }),
                ..Matcher::default()
            }
        },
    )
}

fn texts() -> impl Strategy<Value = String> {
    "([Aab]{1,4}[ -]|[AabÉé]{1,3}['’]?[abs]?|[ .\n]|abba(ab)?|AB|B\\.A ){0,9}"
}

fn gazetteer(entries: &[Entry]) -> Gazetteer {
    let mut builder = Builder::new();
    entries.iter().for_each(|entry| builder.add(entry).unwrap());
    builder.build().unwrap()
}

fn found(matcher: &Matcher, gazetteers: &[Gazetteer], document: &Document) -> Vec<Found> {
    let matches = matcher.find(gazetteers, document);
    let found = matches
        .iter()
        .map(|m| (m.span, m.entry.label().to_string(), m.entry.detail().to_owned(), m.score));
    found.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_finds_what_the_slow_way_finds(
        entries in entries(),
        matcher in matchers(),
        text in texts(),
        with_tokens: bool,
    ) {
        let mut document = Document::new("", text);
        if with_tokens {
            document = Document::from_words("", document.text.split_whitespace());
        }
        let all: Vec<Entry> =
            entries.iter().flat_map(|e| std::iter::once(e.clone()).chain(e.abbreviated())).collect();
        let expected = naive(&all, &matcher, &document);
        prop_assert_eq!(found(&matcher, &[gazetteer(&entries)], &document), expected.clone());
        // Neither the order of the entries nor how they are spread over gazetteers shows.
        let mut parts: Vec<Gazetteer> =
            entries.iter().map(|entry| gazetteer(std::slice::from_ref(entry))).collect();
        parts.reverse();
        prop_assert_eq!(found(&matcher, &parts, &document), expected);
    }

    #[test]
    fn hashtags_overlap_nothing(
        entries in entries(),
        matcher in matchers(),
        text in "(#([Aab]{1,4}|abab|AB|_|1){1,3} ?|[Aab]{1,4} ){0,6}",
        whole: bool,
    ) {
        let hashtags = Some(if whole { Hashtags::Whole } else { Hashtags::Inside });
        let matcher = Matcher { hashtags, matches: MatchKind::Longest, ..matcher };
        let document = Document::new("", text);
        let gazetteers = [gazetteer(&entries)];
        let matches = matcher.find(&gazetteers, &document);
        let mut last = Span::new(0, 0);
        for found in matches {
            prop_assert!(found.span.slice(&document.text).is_some_and(|s| !s.is_empty()));
            prop_assert!(found.span == last || found.span.start >= last.end);
            last = found.span;
        }
    }
}
