//! Which literals must stand in every text that a pattern matches? Reads enough of Oniguruma's Ruby
//! syntax to be sure, and says nothing where it is not. Compiling and matching is Oniguruma's work.

use std::iter::Peekable;
use std::str::Chars;

/// More alternatives than this filter little and cost memory.
const MAX_LITERALS: usize = 256;

/// Groups nested deeper than this are not looked into.
const MAX_DEPTH: usize = 64;

/// Literals of which every match holds at least one, comparing ASCII letters without case; `None`
/// where the pattern promises nothing useful.
///
/// The answer may be weaker than the pattern, never stronger.
pub(super) fn required(pattern: &str) -> Option<Vec<String>> {
    let mut parser = Parser { chars: pattern.chars().peekable(), depth: 0 };
    let branches = parser.alternation(Flags::default())?;
    if parser.chars.next().is_some() {
        return None;
    }
    either(&branches)
}

/// How telling the weakest of the literals is; a set weighing 0 is not worth looking for.
pub(super) fn weight(literals: &[String]) -> usize {
    let of = |literal: &String| {
        let sum = literal.chars().map(char_weight).sum::<usize>();
        if sum < 3 { 0 } else { sum }
    };
    literals.iter().map(of).min().unwrap_or(0)
}

/// Two letters, or one rare sign, are enough; white space and full stops are everywhere.
fn char_weight(c: char) -> usize {
    match c {
        c if c.is_whitespace() => 0,
        '.' | ',' | '-' | '\'' | '"' | '(' | ')' | ':' | ';' | '/' => 1,
        c if c.is_ascii_alphanumeric() => 2,
        _ => 3,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    extended: bool,
}

/// A piece of a sequence, as far as literals are concerned.
#[derive(Debug, Clone)]
enum Part {
    /// A character, and whether its case is ignored.
    Char(char, bool),
    /// Something else that Oniguruma never joins with its neighbours: an assertion, `.`, `\w`.
    Wall,
    /// Something that it may join with them.
    Unclear,
    /// One of these literals, then or before whatever else.
    OneOf(Vec<String>),
}

/// What must stand in a match of one of the branches.
fn either(branches: &[Vec<Part>]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for branch in branches {
        all.extend(best(branch)?);
        if all.len() > MAX_LITERALS {
            return None;
        }
    }
    all.sort();
    all.dedup();
    (weight(&all) > 0).then_some(all)
}

/// The most telling literals of a sequence.
fn best(parts: &[Part]) -> Option<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for (i, part) in parts.iter().enumerate() {
        match part {
            Part::Char(c, ignore_case) => {
                let before = i.checked_sub(1).map(|b| &parts[b]);
                if !ignore_case || folds_alone(*c, before, parts.get(i + 1)) {
                    run.push(c.to_ascii_lowercase());
                    continue;
                }
            }
            Part::OneOf(literals) => found.push(literals.clone()),
            Part::Wall | Part::Unclear => {}
        }
        found.push(vec![std::mem::take(&mut run)]);
    }
    found.push(vec![run]);
    found
        .into_iter()
        .filter(|literals| weight(literals) > 0)
        .max_by_key(|literals| (weight(literals), std::cmp::Reverse(literals.len())))
}

/// Whether a character whose case is ignored matches nothing but itself and its ASCII counterpart.
///
/// Not so: `k` (Kelvin sign), `s` (long s), and what takes part in a fold of several characters
/// (`ss`/ß, `ff`, `fi`, `fl`, `st` as ligatures, a letter and a combining mark).
fn folds_alone(c: char, before: Option<&Part>, after: Option<&Part>) -> bool {
    if !c.is_ascii() || matches!(c.to_ascii_lowercase(), 'k' | 's' | 'f') {
        return false;
    }
    if !c.is_ascii_alphabetic() {
        return true;
    }
    let known = |part: Option<&Part>| match part {
        None | Some(Part::Wall) => true,
        Some(Part::Char(c, _)) => c.is_ascii(),
        Some(Part::Unclear | Part::OneOf(_)) => false,
    };
    let follows = |letters: &str| matches!(before, Some(Part::Char(b, _)) if letters.contains(b.to_ascii_lowercase()));
    known(before)
        && known(after)
        && match c.to_ascii_lowercase() {
            'i' | 'l' => !follows("f"),
            't' => !follows("fs"),
            _ => true,
        }
}

/// A reader of Ruby syntax; every method gives `None` where it does not understand something, and
/// the whole pattern is then taken to require nothing.
struct Parser<'p> {
    chars: Peekable<Chars<'p>>,
    depth: usize,
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    /// Branches up to `)` or the end, which is left standing.
    fn alternation(&mut self, flags: Flags) -> Option<Vec<Vec<Part>>> {
        let mut branches = vec![Vec::new()];
        loop {
            self.skip_comments(flags)?;
            match self.chars.peek() {
                None | Some(')') => return Some(branches),
                Some('|') => {
                    self.chars.next();
                    branches.push(Vec::new());
                }
                Some(_) => {
                    let current = branches.last_mut()?;
                    self.piece(flags, current)?;
                }
            }
        }
    }

    /// Skips what stands for nothing: comments, and white space in extended mode.
    fn skip_comments(&mut self, flags: Flags) -> Option<()> {
        loop {
            if flags.extended && self.chars.next_if(|c| c.is_whitespace()).is_some() {
                continue;
            }
            if flags.extended && self.eat('#') {
                self.chars.by_ref().find(|c| *c == '\n');
                continue;
            }
            if !self.chars.clone().take(3).eq("(?#".chars()) {
                return Some(());
            }
            while self.chars.next()? != ')' {
                if self.eat('\\') {
                    self.chars.next()?;
                }
            }
        }
    }

    /// One atom with its quantifiers.
    fn piece(&mut self, flags: Flags, out: &mut Vec<Part>) -> Option<()> {
        let atom = match self.chars.next()? {
            '\\' => vec![self.escape(flags)?],
            '[' => vec![self.class(flags)?],
            '(' => self.group(flags)?,
            '.' | '^' | '$' => vec![Part::Wall],
            '*' | '+' | '?' => return None,
            c => vec![Part::Char(c, flags.ignore_case)],
        };
        match self.quantifier(flags)? {
            None => out.extend(atom),
            Some(0) => out.push(Part::Unclear),
            Some(_) => {
                let inside = [vec![Part::Unclear], atom, vec![Part::Unclear]].concat();
                out.push(best(&inside).map_or(Part::Unclear, Part::OneOf));
            }
        }
        Some(())
    }

    /// The least number of repetitions that the quantifiers here allow, `None` inside where there
    /// are no quantifiers.
    fn quantifier(&mut self, flags: Flags) -> Option<Option<usize>> {
        let mut least: Option<usize> = None;
        loop {
            self.skip_comments(flags)?;
            let min = match self.chars.peek() {
                Some('?' | '*') => 0,
                Some('+') => 1,
                Some('{') => match self.interval() {
                    Some(min) => min,
                    None => return Some(least),
                },
                _ => return Some(least),
            };
            let interval = self.chars.next() == Some('}');
            if !interval && !self.eat('?') {
                self.eat('+');
            }
            least = Some(least.unwrap_or(usize::MAX).min(min));
        }
    }

    /// The least count of an interval, read up to its closing brace; `None` where the brace here is
    /// a character like any other. In Ruby, `{3,1}` is 1 to 3 times.
    fn interval(&mut self) -> Option<usize> {
        let mut ahead = self.chars.clone();
        ahead.next();
        let mut inside = String::new();
        while *ahead.peek()? != '}' {
            inside.push(ahead.next_if(|c| *c == ',' || c.is_ascii_digit())?);
        }
        let (low, high) = inside.split_once(',').unwrap_or((&inside, &inside));
        if (low.is_empty() && high.is_empty()) || high.contains(',') {
            return None;
        }
        self.chars = ahead;
        Some(low.parse().unwrap_or(0).min(high.parse().unwrap_or(usize::MAX)))
    }

    /// What follows a backslash.
    fn escape(&mut self, flags: Flags) -> Option<Part> {
        let c = self.chars.next()?;
        let literal = |c| Some(Part::Char(c, flags.ignore_case));
        match c {
            'b' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'K' | 'y' | 'Y' => Some(Part::Wall),
            'w' | 'W' | 'd' | 'D' | 's' | 'S' | 'h' | 'H' | 'R' | 'X' | 'N' | 'O' => {
                Some(Part::Wall)
            }
            'p' | 'P' if self.eat('{') => {
                self.chars.by_ref().find(|c| *c == '}').map(|_| Part::Wall)
            }
            'n' => literal('\n'),
            't' => literal('\t'),
            'r' => literal('\r'),
            'f' | 'v' | 'a' | 'e' => Some(Part::Unclear),
            'x' if self.eat('{') => {
                let hex: String = self.chars.by_ref().take_while(|c| *c != '}').collect();
                literal(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?)
            }
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    let digit = self.chars.next_if(char::is_ascii_hexdigit);
                    code = digit.and_then(|d| d.to_digit(16)).map_or(code, |d| 16 * code + d);
                }
                // Above, it is a byte of a character's encoding.
                if code < 0x80 { literal(char::from_u32(code)?) } else { None }
            }
            'u' => {
                let hex: String = self.chars.by_ref().take(4).collect();
                literal(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?)
            }
            '0'..='9' => Some(Part::Unclear),
            'k' | 'g' => {
                let close = match self.chars.next()? {
                    '<' => '>',
                    '\'' => '\'',
                    _ => return None,
                };
                self.chars.by_ref().find(|c| *c == close)?;
                Some(Part::Unclear)
            }
            c if c.is_alphanumeric() => None,
            c => literal(c),
        }
    }

    /// A character class, whose opening bracket is read. A class of one letter in both cases is
    /// that letter.
    fn class(&mut self, flags: Flags) -> Option<Part> {
        let mut depth = 1;
        let mut members = Vec::new();
        let mut simple = !self.eat('^');
        if self.chars.peek() == Some(&']') {
            return None;
        }
        while depth > 0 {
            match self.chars.next()? {
                '\\' => {
                    self.chars.next()?;
                    simple = false;
                }
                '[' => {
                    // Also a POSIX bracket, `[:alpha:]`, which nests like a class.
                    simple = false;
                    depth += 1;
                    self.eat('^');
                    if self.chars.peek() == Some(&']') {
                        return None;
                    }
                }
                ']' => depth -= 1,
                c => members.push(c),
            }
        }
        let first = *members.first()?;
        let same = members.iter().all(|c| c.eq_ignore_ascii_case(&first));
        match simple && same {
            true => Some(Part::Char(first, flags.ignore_case)),
            false if flags.ignore_case => Some(Part::Unclear),
            false => Some(Part::Wall),
        }
    }

    /// The parts of a group, whose opening parenthesis is read.
    fn group(&mut self, mut flags: Flags) -> Option<Vec<Part>> {
        let mut assertion = false;
        if self.eat('?') {
            match self.chars.next()? {
                ':' | '>' => {}
                '=' | '!' => assertion = true,
                '<' if self.eat('=') || self.eat('!') => assertion = true,
                '<' => {
                    self.chars.by_ref().find(|c| *c == '>')?;
                }
                '\'' => {
                    self.chars.by_ref().find(|c| *c == '\'')?;
                }
                c => {
                    let isolated = self.options(c, &mut flags)?;
                    if isolated {
                        // Holds to the end of the group around it, alternatives included.
                        return self.rest(flags);
                    }
                }
            }
        } else if self.chars.peek() == Some(&'*') {
            return None;
        }
        let parts = self.rest(flags)?;
        if !self.eat(')') {
            return None;
        }
        Some(if assertion { vec![Part::Wall] } else { parts })
    }

    /// The alternation up to the closing parenthesis as parts of the sequence around it.
    fn rest(&mut self, flags: Flags) -> Option<Vec<Part>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut branches = self.alternation(flags)?;
        self.depth -= 1;
        if branches.len() == 1 {
            return branches.pop();
        }
        Some(vec![either(&branches).map_or(Part::Unclear, Part::OneOf)])
    }

    /// Option letters, the first of which is read; whether they stand alone (`(?i)`), in which case
    /// the closing parenthesis is read, and not in front of a sub-pattern (`(?i:…)`).
    fn options(&mut self, first: char, flags: &mut Flags) -> Option<bool> {
        let mut on = true;
        let mut next = first;
        loop {
            match next {
                '-' => on = false,
                'i' => flags.ignore_case = on,
                'x' => flags.extended = on,
                'm' => {}
                ':' => return Some(false),
                ')' => return Some(true),
                _ => return None,
            }
            next = self.chars.next()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns and what they require, parted by `|`; `-` where they require nothing.
    const CASES: &[(&str, &str)] = &[
        (r"\b(?:Mr|Mrs|Ms|Dr)\.?\s+(?<entity>\p{Lu}\p{L}+)", "dr|mr|mrs|ms"),
        (r"University of (?<entity>\p{Lu}\w+)", "university of "),
        (r"(?<y>\d{4})-(?<m>\d\d)", "-"),
        (r"[\w.]+@[\w.]+", "@"),
        (r"colou?r", "colo"),
        (r"ab+cd", "cd"),
        (r"(?:foo|bar)?baz", "baz"),
        (r"(?:foo|bar){0}", "-"),
        (r"(?:foo|bar){2}", "bar|foo"),
        (r"(?:foo|b)ar", "ar"),
        (r"foo|", "-"),
        (r"(?i)January|March", "january|march"),
        (r"(?i:Mr) Smith", "mr smith"),
        (r"(?i)fish", "-"),
        (r"(?i)fluid", "uid"),
        (r"[Jj]anuary", "january"),
        (r"[A-Z]anuary", "anuary"),
        (r"a(?i)bcd|egh", "bcd|egh"),
        (
            r"(?x) foo # comment
            bar",
            "foobar",
        ),
        (r"foo{2}bar", "bar"),
        (r"foo{bar", "foo{bar"),
        (r"(?=foo)\w+", "-"),
        (r"(?!foo)bar", "bar"),
        (r"(?<=foo)bar", "bar"),
        (r"\$\d+", "$"),
        (r"€\d+|\d+ euros?", " euro|€"),
        (r"foo\x41bar", "fooabar"),
        (r"foo(?#\)x)+", "fo"),
        (r"(?~foo)bar", "-"),
        (r"[[:alpha:]]+ Inc", " inc"),
        (r"[^]]foo", "-"),
        (r"(?<a>foo)\k<a>", "foo"),
        (r"(?i)K\.Smith", "mith"),
        (r"a{,3}foo{1}?bar", "bar"),
    ];

    #[test]
    fn requirements_are_as_strong_as_listed() {
        for (pattern, expected) in CASES {
            let got = required(pattern).map_or("-".to_owned(), |found| found.join("|"));
            assert_eq!(&got, expected, "{pattern}");
        }
    }

    #[test]
    fn deep_nesting_requires_nothing() {
        let pattern = format!("{}foo{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(required(&pattern), None);
    }
}
