//! Generated English for benches of whole sources and engines: sentences of 25 words in which a
//! known number of names stand, the same in every run. It imitates the shape of news, not its sense.

/// Words of a sentence, without its full stop.
pub(crate) const WORDS_PER_SENTENCE: usize = 25;

const PEOPLE: &[&str] = &["Angela Merkel", "Barack Obama", "Kofi Annan", "Nelson Mandela"];
const PLACES: &[&str] = &["Paris", "Berlin", "Nairobi", "Tokyo", "Stockholm", "Madrid", "Ottawa"];
const ORGANISATIONS: &[&str] = &["Microsoft", "Siemens", "UNESCO", "Toyota", "Reuters"];

/// What stands between names.
const WORDS: &str = "a about after agreement and answer because before budget but change committee \
                     could decision during early for had his is large late market meeting more new \
                     not of old on only over people plan price report said that the their under was \
                     were which will with without year";

/// A small generator of numbers that is the same everywhere (Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list[(self.0 >> 33) as usize % list.len()]
    }
}

/// That many sentences, a line break after every fifth, and how many names they hold.
pub(crate) fn sentences(count: usize) -> (String, usize) {
    let common: Vec<&str> = WORDS.split(' ').collect();
    let mut numbers = Numbers(42);
    let mut text = String::new();
    let mut names = 0;
    for number in 1..=count {
        text.push_str("Yesterday");
        let mut words = 1;
        for list in [PEOPLE, PLACES, ORGANISATIONS] {
            for _ in 0..6 {
                push(&mut text, numbers.pick(&common), &mut words);
            }
            push(&mut text, numbers.pick(list), &mut words);
            names += 1;
        }
        while words < WORDS_PER_SENTENCE {
            push(&mut text, numbers.pick(&common), &mut words);
        }
        text.push('.');
        text.push(if number % 5 == 0 { '\n' } else { ' ' });
    }
    (text, names)
}

fn push(text: &mut String, phrase: &str, words: &mut usize) {
    text.push(' ');
    text.push_str(phrase);
    *words += phrase.split(' ').count();
}
