//! The walk against the whole table.

use super::super::index::Fst;
use super::super::trie::built;
use super::*;
use proptest::prelude::*;

fn sorted(keys: &[String]) -> Vec<String> {
    let mut keys = keys.to_vec();
    keys.sort();
    keys.dedup();
    keys
}

/// What is found, the nearest surfaces of each stretch, by place.
fn walked(keys: &[String], text: &str, fuzzy: &Fuzzy, common: &CommonWords) -> Vec<Near> {
    let bytes = built(keys);
    let is_surface = |key: &str| keys.iter().any(|known| known == key);
    let known = Known { is_surface: &is_surface, common };
    let mut found = Vec::new();
    find(Fst::new(&bytes).unwrap().start(), text, fuzzy, &known, &mut found);
    found.sort_by_key(|n| (n.start, std::cmp::Reverse(n.end), n.distance, n.surface));
    found
}

fn common(words: &[&str]) -> CommonWords {
    let mut common = CommonWords::default();
    common.add(&words.join("\n"));
    common
}

/// The obvious slow search: every stretch from word to word against every key.
pub(in super::super) fn naive(
    keys: &[String],
    text: &str,
    fuzzy: &Fuzzy,
    known: &Known<'_>,
) -> Vec<Near> {
    let cut = |text: &str| text.chars().take(fuzzy.prefix_length).collect::<String>();
    let mut found = Vec::new();
    for start in starts(text) {
        for (surface, key) in (0..).zip(keys) {
            let windows = (start + 1..=text.len())
                .filter(|&end| text.is_char_boundary(end) && ends(text, start, end));
            let near = windows.filter_map(|end| {
                let window = text.get(start..end).unwrap();
                let distance = distance(window, key, fuzzy.transpositions)?;
                let fits = cut(window) == cut(key)
                    && cut(key).chars().count() == fuzzy.prefix_length
                    && distance <= fuzzy.allowed(letters(key));
                fits.then_some(Near { start, end, distance, surface })
            });
            let best = near.min_by_key(|near| (near.distance, std::cmp::Reverse(near.end)));
            found.extend(best.filter(|near| {
                near.distance > 0 && known.allows(text.get(start..near.end).unwrap(), key)
            }));
        }
    }
    found.sort_by_key(|n| (n.start, std::cmp::Reverse(n.end), n.distance, n.surface));
    found
}

fn found(keys: &[&str], text: &str, fuzzy: &Fuzzy, words: &[&str]) -> Vec<(String, String, usize)> {
    let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
    let keys = sorted(&keys);
    walked(&keys, text, fuzzy, &common(words))
        .into_iter()
        .map(|n| {
            (
                text.get(n.start..n.end).unwrap().to_owned(),
                keys[n.surface as usize].clone(),
                n.distance,
            )
        })
        .collect()
}

#[test]
fn errors_are_counted_and_bounded() {
    let keys = ["paris", "rome", "stockholm", "a320 neo jet", "new york city"];
    let texts = [
        ("pariss", "paris", 1),
        ("pais", "paris", 1),
        ("pairs", "paris", 1),
        ("stokchlom", "stockholm", 2),
        ("stckhlm", "stockholm", 2),
        ("new yrok city", "new york city", 1),
        ("newyork city", "new york city", 1),
    ];
    for (text, key, distance) in texts {
        let got = found(&keys, text, &Fuzzy::default(), &[]);
        assert_eq!(got, [(text.to_owned(), key.to_owned(), distance)]);
    }
    for text in ["parisss", "roma", "baris", "a330 neo jet", "paris"] {
        assert_eq!(found(&keys, text, &Fuzzy::default(), &[]), [], "{text}");
    }
}

#[test]
fn settings_are_heeded() {
    let plain = Fuzzy { transpositions: false, ..Fuzzy::default() };
    assert_eq!(found(&["paris"], "pairs", &plain, &[]), []);
    let free = Fuzzy { prefix_length: 0, ..Fuzzy::default() };
    assert_eq!(found(&["paris"], "baris", &free, &[]).len(), 1);
    let short = Fuzzy { min_letters: vec![4], ..Fuzzy::default() };
    assert_eq!(found(&["rome"], "roma", &short, &[]).len(), 1);
    for (lengths, wrong) in [(vec![], true), (vec![9, 5], true), (vec![0], true), (vec![3], false)]
    {
        assert_eq!(Fuzzy { min_letters: lengths, ..Fuzzy::default() }.problem().is_some(), wrong);
    }
}

#[test]
fn what_is_a_word_is_no_misspelling() {
    let fuzzy = Fuzzy::default();
    assert_eq!(found(&["paris", "parish"], "parish", &fuzzy, &[]), []);
    assert_eq!(found(&["paris"], "pairs", &fuzzy, &["pairs"]), []);
    assert_eq!(found(&["new work city"], "new york city", &fuzzy, &["york"]), []);
    assert_eq!(found(&["united states"], "untied states", &fuzzy, &["untied", "states"]), []);
    assert_eq!(found(&["united states"], "unitde states", &fuzzy, &["states"]).len(), 1);
}

#[test]
fn what_is_like_a_name_is_listed() {
    let keys = ["bari", "parish", "paris", "rome"].map(str::to_owned);
    let bytes = built(&sorted(&keys));
    let root = Fst::new(&bytes).unwrap().start();
    let like: Vec<(usize, String)> =
        nearest(root, "bariss").into_iter().map(|(distance, key, _)| (distance, key)).collect();
    let expected = [(2, "bari"), (2, "paris"), (2, "parish")];
    assert_eq!(like, expected.map(|(distance, key)| (distance, key.to_owned())));
    assert!(nearest(root, "paris").iter().all(|(distance, ..)| *distance > 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_walk_finds_what_the_table_finds(
        keys in prop::collection::vec("[abc]{1,7}|[ab]{2,4}[ -][abç']{1,5}|[ab1.]{3,6}", 1..8),
        text in "([abc]{1,8}[ .'-]|[aç1]{1,3} ){0,6}[ab]{0,4}",
        (one, more) in (1usize..6, 0usize..4),
        prefix_length in 0usize..3,
        transpositions: bool,
        words in prop::collection::vec("[abc]{1,4}", 0..4),
    ) {
        let keys = sorted(&keys);
        let fuzzy = Fuzzy {
            min_letters: if more == 3 { vec![one] } else { vec![one, one + more] },
            prefix_length,
            transpositions,
            ..Fuzzy::default()
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let common = common(&words);
        let is_surface = |key: &str| keys.iter().any(|known| known == key);
        let known = Known { is_surface: &is_surface, common: &common };
        prop_assert_eq!(walked(&keys, &text, &fuzzy, &common), naive(&keys, &text, &fuzzy, &known));
    }
}
