//! Reads as much of Oniguruma's Ruby syntax as is needed to know what a match holds.

use std::iter::Peekable;
use std::str::Chars;

use super::literal::{Part, best, either, most};

/// Groups nested deeper than this are not looked into.
const MAX_DEPTH: usize = 64;

/// The alternatives of a pattern as sequences of parts; `None` where there is anything in it that is
/// not understood.
pub(super) fn branches(pattern: &str) -> Option<Vec<Vec<Part>>> {
    let mut parser = Parser { chars: pattern.chars().peekable(), depth: 0 };
    let branches = parser.alternation(Flags::default())?;
    parser.chars.next().is_none().then_some(branches)
}

/// The options that change how a pattern is read.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    extended: bool,
}

/// How often something is repeated; `most` is `None` where there is no bound.
#[derive(Debug, Clone, Copy)]
struct Times {
    least: usize,
    most: Option<usize>,
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
            '^' | '$' => vec![Part::Wall(0)],
            '.' => vec![Part::Wall(1)],
            '*' | '+' | '?' => return None,
            c => vec![Part::Char(c, flags.ignore_case)],
        };
        let Some(times) = self.quantifier(flags)? else {
            out.extend(atom);
            return Some(());
        };
        let most = most(&atom).zip(times.most).map(|(one, times)| one.saturating_mul(times));
        let edge = || Part::Unclear(Some(0));
        let inside = (times.least > 0).then(|| [vec![edge()], atom, vec![edge()]].concat());
        out.push(match inside.and_then(|inside| best(&inside)) {
            Some(required) => Part::Holds(required, most),
            None => Part::Unclear(most),
        });
        Some(())
    }

    /// How often the quantifiers here let the atom before them match, `None` inside where there are
    /// no quantifiers.
    fn quantifier(&mut self, flags: Flags) -> Option<Option<Times>> {
        let mut times: Option<Times> = None;
        loop {
            self.skip_comments(flags)?;
            let interval = self.chars.peek() == Some(&'{');
            let one = match self.chars.peek() {
                Some('?') => Times { least: 0, most: Some(1) },
                Some('*') => Times { least: 0, most: None },
                Some('+') => Times { least: 1, most: None },
                Some('{') => match self.interval() {
                    Some(times) => times,
                    None => return Some(times),
                },
                _ => return Some(times),
            };
            self.chars.next();
            // After an interval, these are quantifiers of their own.
            if !interval && !self.eat('?') {
                self.eat('+');
            }
            let before = times.unwrap_or(Times { least: 1, most: Some(1) });
            times = Some(Times {
                least: before.least.min(one.least),
                most: before.most.zip(one.most).map(|(a, b)| a.saturating_mul(b)),
            });
        }
    }

    /// An interval, read up to its closing brace; `None` where the brace here is a character like
    /// any other. In Ruby, `{3,1}` is 1 to 3 times.
    fn interval(&mut self) -> Option<Times> {
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
        let low: usize = low.parse().unwrap_or(0);
        let high: Option<usize> = high.parse().ok();
        Some(Times {
            least: low.min(high.unwrap_or(usize::MAX)),
            most: high.map(|high| high.max(low)),
        })
    }

    /// What follows a backslash.
    fn escape(&mut self, flags: Flags) -> Option<Part> {
        let c = self.chars.next()?;
        let literal = |c| Some(Part::Char(c, flags.ignore_case));
        match c {
            'b' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'K' | 'y' | 'Y' => Some(Part::Wall(0)),
            'w' | 'W' | 'd' | 'D' | 's' | 'S' | 'h' | 'H' | 'N' | 'O' => Some(Part::Wall(1)),
            'R' => Some(Part::Wall(2)),
            'X' => Some(Part::Unclear(None)),
            'p' | 'P' if self.eat('{') => {
                self.chars.by_ref().find(|c| *c == '}').map(|_| Part::Wall(1))
            }
            'n' => literal('\n'),
            't' => literal('\t'),
            'r' => literal('\r'),
            'f' | 'v' | 'a' | 'e' => Some(Part::Unclear(Some(1))),
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
            '0'..='9' => Some(Part::Unclear(None)),
            'k' | 'g' => {
                let close = match self.chars.next()? {
                    '<' => '>',
                    '\'' => '\'',
                    _ => return None,
                };
                self.chars.by_ref().find(|c| *c == close)?;
                Some(Part::Unclear(None))
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
        Some(match members.first() {
            Some(first) if simple && members.iter().all(|c| c.eq_ignore_ascii_case(first)) => {
                Part::Char(*first, flags.ignore_case)
            }
            _ if flags.ignore_case => Part::Unclear(Some(3)),
            _ => Part::Wall(1),
        })
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
        Some(if assertion { vec![Part::Wall(0)] } else { parts })
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
        let longest = branches.iter().map(|branch| most(branch)).max_by_key(|most| {
            // Unbounded is more than any bound.
            most.unwrap_or(usize::MAX)
        })?;
        Some(vec![match either(&branches) {
            Some(required) => Part::Holds(required, longest),
            None => Part::Unclear(longest),
        }])
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
