//! Generated names, and English-like text in which a known number of them stand, the same in every
//! run: for benches of gazetteers of any size.

use std::collections::HashSet;

/// The words that English text is mostly made of, the most frequent first.
const FREQUENT: &str = "the of and to in a is that for it as was with be by on not he his but at are this \
                        have from or had an they which one you were all her she there would their we him \
                        been has when who will no more if out so up said what its about than into them can \
                        only other time new some could these two may first then do any like my now over \
                        such our man me even most made after also did many off before must well back through \
                        years much where your way down should because long each just state those people too \
                        mister little good world make very year still see own work men day get here old life";

/// Common words of English, for the rest of the text and for parts of names.
pub(crate) const COMMON: &str = include_str!("../../gazetteers/common/en.txt");

/// One word of running text in this many begins a name.
const NAME_EVERY: usize = 15;

/// A small generator of numbers that is the same everywhere (Knuth's MMIX constants).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    /// A number below `limit` that is as likely as its rank says (Zipf's law).
    fn ranked(&mut self, limit: usize) -> usize {
        let part = self.next() as f64 / (1u64 << 31) as f64;
        ((limit as f64).powf(part) - 1.0) as usize
    }
}

/// The words of English, the most frequent first.
pub(crate) struct English(Vec<&'static str>);

impl English {
    pub(crate) fn new() -> Self {
        let mut words: Vec<&str> = FREQUENT.split_whitespace().collect();
        let common: Vec<&str> = COMMON.lines().collect();
        // Any order but the alphabet's: the step shares no factor with the count of words.
        words.extend((0..common.len()).map(|i| common[i * 15_013 % common.len()]));
        Self(words)
    }

    /// The word of this rank, from 0.
    pub(crate) fn nth(&self, rank: usize) -> &'static str {
        self.0[rank % self.0.len()]
    }

    /// A word, as often as English has it.
    pub(crate) fn word(&self, numbers: &mut Numbers) -> &'static str {
        self.0[numbers.ranked(self.0.len())]
    }
}

/// A pronounceable word of 2 to 4 syllables that is no English one: it ends in `q`.
fn invented(numbers: &mut Numbers, out: &mut String) {
    let start = out.len();
    for _ in 0..2 + numbers.below(3) {
        out.push(char::from(b"bcdfghklmnprstvz"[numbers.below(16)]));
        out.push(char::from(b"aeiou"[numbers.below(5)]));
    }
    out.push('q');
    capitalise(out, start);
}

fn capitalised(word: &str, out: &mut String) {
    let start = out.len();
    out.push_str(word);
    capitalise(out, start);
}

/// That many names, all different: 1 to 4 words, one of them invented, the others as often English
/// words, so that text begins many names that it does not hold.
pub(crate) fn names(count: usize, english: &English) -> Vec<String> {
    let mut numbers = Numbers::new(42);
    let mut known = HashSet::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    while names.len() < count {
        let mut name = String::new();
        let words = 1 + numbers.below(4).min(numbers.below(4) + 1).min(3);
        let invented_at = numbers.below(words);
        for word in 0..words {
            if word > 0 {
                name.push(' ');
            }
            if word == invented_at || numbers.below(2) == 0 {
                invented(&mut numbers, &mut name);
            } else {
                capitalised(english.word(&mut numbers), &mut name);
            }
        }
        if known.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// Documents of about 20 kB, `bytes` in all, in which names of the list stand.
pub(crate) fn documents(names: &[String], english: &English, bytes: usize) -> Vec<String> {
    let mut numbers = Numbers::new(7);
    let mut documents = Vec::new();
    let mut text = String::new();
    let (mut total, mut words) = (0, 0);
    while total + text.len() < bytes {
        let start_of_sentence = words % 22 == 0;
        words += 1;
        if numbers.below(NAME_EVERY) == 0 {
            text.push_str(&names[numbers.below(names.len())]);
            // A comma keeps two names apart that would make a third together.
            text.push(',');
        } else if start_of_sentence {
            capitalised(english.word(&mut numbers), &mut text);
        } else {
            text.push_str(english.word(&mut numbers));
        }
        match words % 22 {
            0 if words % 110 == 0 => text.push_str(".\n\n"),
            0 => text.push_str(". "),
            _ => text.push(' '),
        }
        if text.len() > 20_000 {
            total += text.len();
            documents.push(std::mem::take(&mut text));
        }
    }
    documents.push(text);
    documents
}

/// Makes the ASCII letter at the byte `at` a capital.
pub(crate) fn capitalise(text: &mut str, at: usize) {
    if let Some(letter) = text.get_mut(at..=at) {
        letter.make_ascii_uppercase();
    }
}
