//! A thousand rules as people write them, and text in which they find something: the same in every
//! run.

use std::fmt::Write as _;

use crate::names::{English, Numbers, capitalise};

/// What kinds of rules there are, in equal numbers.
pub(crate) const KINDS: [&str; 5] = ["context", "suffix", "code", "date", "phrases"];

/// One text in so many words is one that a rule finds.
const FIND_EVERY: usize = 40;

/// The words of English that rules are about are no more frequent than these many.
const SKIPPED: usize = 2_000;

/// A rule: its kind, its words and its pattern.
pub(crate) struct Written {
    pub kind: &'static str,
    pub words: Vec<String>,
    pub pattern: String,
}

impl Written {
    fn new(kind: &'static str, words: Vec<String>) -> Self {
        let any = words.join("|");
        let name = r"\p{Lu}\p{Ll}+(?:\s\p{Lu}\p{Ll}+){0,2}";
        let pattern = match kind {
            "context" => format!(r"\b(?:{any})s?:?\s+(?<entity>{name})"),
            "suffix" => format!(r"\b(?<entity>{name}\s(?:{any}))\b"),
            "code" => format!(r"\b(?<entity>(?:{any})-?\d{{3,6}}(?:/\d{{2}})?)\b"),
            "date" => format!(r"(?<!\d)(?<entity>\d{{1,2}}\.?\s(?:{any})\s\d{{4}})\b"),
            _ => format!(r"(?i)\b(?<entity>{any})\b"),
        };
        Self { kind, words, pattern }
    }

    /// The text of a name, code, date or phrase that the rule finds.
    fn example(&self, number: usize) -> String {
        let word = &self.words[number % self.words.len()];
        match self.kind {
            "context" => format!("{word} Walter Stone,"),
            "suffix" => format!("Walter Stone {word},"),
            "code" => format!("{word}-{},", 100 + number % 900),
            "date" => format!("{} {word} {},", 1 + number % 28, 1900 + number % 120),
            _ if number.is_multiple_of(2) => word.to_uppercase(),
            _ => word.clone(),
        }
    }

    /// The rule as an engine file has it.
    pub(crate) fn toml(&self, number: usize, out: &mut String) {
        let (kind, pattern) = (self.kind, &self.pattern);
        write!(
            out,
            "[[rule]]\nid = '{kind}-{number}'\ndoc = 'Generated.'\nlabel = '{}'\n\
             pattern = '{pattern}'\n[[rule.case]]\ntext = '{}'\nfinds = ['x']\n\
             [[rule.case]]\ntext = ''\nfinds = []\n",
            kind.to_uppercase(),
            self.example(0),
        )
        .expect("a string takes everything");
    }
}

/// That many rules.
pub(crate) fn rules(count: usize, english: &English) -> Vec<Written> {
    let mut next = SKIPPED;
    let mut word = || {
        next += 1;
        english.nth(next)
    };
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
    };
    let code = |number: usize| -> String {
        let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
        [letter(number / 26), letter(number), letter(number * 7 + 3)].iter().collect()
    };
    (0..count)
        .map(|number| {
            let kind = KINDS[number % KINDS.len()];
            let words = match kind {
                "context" => (0..3).map(|_| word().to_owned()).collect(),
                "suffix" | "date" => (0..4).map(|_| capitalised(word())).collect(),
                "code" => vec![code(number), code(number + 2_000)],
                _ => (0..8).map(|_| format!("{} {}", word(), word())).collect(),
            };
            Written::new(kind, words)
        })
        .collect()
}

/// Documents of about `size` bytes, `bytes` in all, in which the rules find something; and how many
/// texts were put in that they find.
pub(crate) fn documents(
    rules: &[Written],
    english: &English,
    size: usize,
    bytes: usize,
) -> (Vec<String>, usize) {
    let mut numbers = Numbers::new(11);
    let mut documents = Vec::new();
    let mut text = String::new();
    let (mut total, mut words, mut put) = (0, 0_usize, 0);
    while total + text.len() < bytes {
        if numbers.below(FIND_EVERY) == 0 {
            let number = numbers.below(rules.len() * 1_000);
            text.push_str(&rules[number % rules.len()].example(number / rules.len()));
            put += 1;
        } else {
            let start = text.len();
            text.push_str(english.word(&mut numbers));
            // Sentences begin with a capital, and so does one word in twelve.
            if words.is_multiple_of(22) || numbers.below(12) == 0 {
                capitalise(&mut text, start);
            }
        }
        words += 1;
        match words % 22 {
            0 if words.is_multiple_of(110) => text.push_str(".\n\n"),
            0 => text.push_str(". "),
            11 => text.push_str(", "),
            _ => text.push(' '),
        }
        if text.len() > size {
            total += text.len();
            documents.push(std::mem::take(&mut text));
        }
    }
    documents.push(text);
    (documents, put)
}
