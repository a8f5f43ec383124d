//! Rules that are right but for their patterns: contexts, groups, validators and limits over patterns put
//! together from pieces of regular expressions, which get further than bytes do.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    rules: Vec<Rule>,
    text: String,
}

#[derive(Debug, Arbitrary)]
struct Rule {
    pattern: Vec<Piece>,
    left: Option<Vec<Piece>>,
    not_left: Option<Vec<Piece>>,
    right: Option<Vec<Piece>>,
    not_right: Option<Vec<Piece>>,
    check: Option<u8>,
    score: u8,
}

#[derive(Debug, Arbitrary)]
enum Piece {
    /// As it is.
    Text(String),
    Fragment(u8),
    Group(u8, Vec<Piece>),
    Either(Vec<Piece>, Vec<Piece>),
    Repeated(u8, Vec<Piece>),
}

const FRAGMENTS: &[&str] = &[
    ".", "\\w", "\\W", "\\d", "\\s", "\\b", "\\B", "^", "$", "\\A", "\\z", "\\G", "\\K", "\\R", "\\X", "\\p{Lu}",
    "\\p{L}", "\\p{Greek}", "[[:upper:]]", "[a-z&&[^aeiou]]", "[^\\s,]", "\\1", "\\k<entity>", "\\g<entity>", "\\g<0>",
    "\\x{1F950}", "\\u00e9", "(?i)", "(?m)", "(?x) # c\n", "Paris", "New\\s+York", "paris", "ſ", "İ", "ß",
];

const OPENINGS: &[&str] =
    &["(?:", "(", "(?<entity>", "(?<n>", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?~", "(?mx-i:"];

const REPEATS: &[&str] = &["*", "+", "?", "*?", "++", "{2,3}", "{0,}", "{,4}", "{1000}", "{2}?"];

const CHECKS: &[&str] = &["date", "email", "iban", "ipv4", "ipv6", "luhn"];

/// The deepest nesting of pieces that is written.
const DEPTH: usize = 8;

/// The longest pattern that is written, in bytes; repeats nest, so that little can stand for much.
const LONGEST: usize = 200;

fn write(pieces: &[Piece], depth: usize, out: &mut String) {
    for piece in pieces {
        if depth == 0 || out.len() > LONGEST {
            return;
        }
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Fragment(n) => out.push_str(of(FRAGMENTS, *n)),
            Piece::Group(n, inner) => {
                out.push_str(of(OPENINGS, *n));
                write(inner, depth - 1, out);
                out.push(')');
            }
            Piece::Either(a, b) => {
                out.push_str("(?:");
                write(a, depth - 1, out);
                out.push('|');
                write(b, depth - 1, out);
                out.push(')');
            }
            Piece::Repeated(n, inner) => {
                out.push_str("(?:");
                write(inner, depth - 1, out);
                out.push(')');
                out.push_str(of(REPEATS, *n));
            }
        }
    }
}

fn of<'a>(list: &[&'a str], n: u8) -> &'a str {
    list[usize::from(n) % list.len()]
}

fn engine(rules: &[Rule]) -> String {
    let mut engine = String::from(
        "labels = [\"PER\"]\n[[source]]\nkind = \"rules\"\nname = \"rules\"\nretry-limit = 2000\n",
    );
    // An empty pattern matches everywhere, which takes long and says little.
    let rules = rules.iter().filter(|rule| !rule.pattern.is_empty()).take(4);
    for (number, rule) in rules.enumerate() {
        let mut table = toml::Table::new();
        let mut put = |key: &str, pieces: Option<&Vec<Piece>>| {
            let Some(pieces) = pieces else { return };
            let mut pattern = String::new();
            write(pieces, DEPTH, &mut pattern);
            table.insert(key.to_owned(), pattern.into());
        };
        put("pattern", Some(&rule.pattern));
        put("left", rule.left.as_ref());
        put("not-left", rule.not_left.as_ref());
        put("right", rule.right.as_ref());
        put("not-right", rule.not_right.as_ref());
        table.insert("score".to_owned(), (f64::from(rule.score) / 255.0).into());
        if let Some(check) = rule.check {
            table.insert("check".to_owned(), of(CHECKS, check).into());
        }
        engine.push_str(&format!(
            "[[source.rule]]\nid = \"r{number}\"\ndoc = \"Fuzzed.\"\nlabel = \"PER\"\n{table}"
        ));
        for finds in ["[]", "[\"Paris\"]"] {
            engine.push_str(&format!("[[source.rule.case]]\ntext = \"to Paris\"\nfinds = {finds}\n"));
        }
    }
    engine
}

fuzz_target!(|input: Input| {
    match spanloom_fuzz::load(&engine(&input.rules)) {
        Ok(engine) => spanloom_fuzz::exercise(&engine, &input.text),
        Err(error) => spanloom_fuzz::render(&error),
    }
});
