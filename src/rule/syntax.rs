//! Reads as much of Oniguruma's Ruby syntax as is needed to know what a match holds and what it
//! looks like. What is not understood becomes weaker, never stronger: every text that the pattern
//! matches, its [`Node`] matches too.

use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::hir::Look;

use super::class::Set;

/// Groups nested deeper than this are not looked into.
const MAX_DEPTH: usize = 64;

/// A class of at most so many characters is read as alternatives.
const MAX_MEMBERS: u32 = 4;

/// A pattern, as far as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// An assertion, which matches nothing.
    Nothing,
    /// The beginning or end of a word.
    Boundary,
    /// What the character before may be, where there is one.
    Behind(Set),
    /// The beginning or end of the text or of a line; only where [`parse_with_edges`] was asked for it.
    Edge(Look),
    /// A character, and whether its case is ignored.
    Char(char, bool),
    /// One character of a set.
    Class(Set),
    /// From so many to so many characters, whatever they are; `None` where there is no bound.
    Any(usize, Option<usize>),
    /// One after the other; no sequence holds another.
    Sequence(Vec<Node>),
    /// One of several.
    Either(Vec<Node>),
    /// A part, how often at least, and at most where there is a bound.
    Repeat(Box<Node>, usize, Option<usize>),
}

impl Node {
    /// The sequence of these parts.
    pub(super) fn sequence(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Sequence(inner) => flat.extend(inner),
                part => flat.push(part),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Sequence(flat) }
    }

    /// The parts of a sequence, or the one part that it is.
    pub(super) fn parts(&self) -> &[Self] {
        match self {
            Self::Sequence(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// How many characters it matches at most; ignoring case, one character is up to three.
    pub(super) fn most(&self) -> Option<usize> {
        match self {
            Self::Nothing | Self::Boundary | Self::Behind(_) | Self::Edge(_) => Some(0),
            Self::Char(_, ignore_case) => Some(if *ignore_case { 3 } else { 1 }),
            Self::Class(_) => Some(1),
            Self::Any(_, most) => *most,
            Self::Sequence(parts) => parts
                .iter()
                .try_fold(0_usize, |sum, part| part.most().map(|most| sum.saturating_add(most))),
            Self::Either(branches) => branches
                .iter()
                .try_fold(0, |longest, branch| branch.most().map(|most| longest.max(most))),
            Self::Repeat(part, _, times) => {
                part.most().zip(*times).map(|(one, times)| one.saturating_mul(times))
            }
        }
    }

    /// Whether the case of any letter is ignored.
    pub(super) fn ignores_case(&self) -> bool {
        match self {
            Self::Char(_, ignore_case) => *ignore_case,
            Self::Class(set) => set.ignores_case,
            Self::Sequence(parts) | Self::Either(parts) => parts.iter().any(Self::ignores_case),
            Self::Repeat(part, ..) => part.ignores_case(),
            Self::Nothing | Self::Boundary | Self::Behind(_) | Self::Edge(_) | Self::Any(..) => {
                false
            }
        }
    }
}

/// The pattern as a node; `None` where there is anything in it that is not understood.
pub(super) fn parse(pattern: &str) -> Option<Node> {
    read(pattern, false)
}

/// [`parse`], with `\A`, `\z`, `^` and `$` as [`Node::Edge`]: for automata that read the same text as Oniguruma, no less and
/// no more.
pub(super) fn parse_with_edges(pattern: &str) -> Option<Node> {
    read(pattern, true)
}

fn read(pattern: &str, keeps_edges: bool) -> Option<Node> {
    let mut parser = Parser { chars: pattern.chars().peekable(), depth: 0, keeps_edges };
    let node = parser.alternation(Flags::default())?;
    parser.chars.next().is_none().then_some(node)
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
    keeps_edges: bool,
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    /// Branches up to `)` or the end, which is left standing.
    fn alternation(&mut self, flags: Flags) -> Option<Node> {
        let mut branches = Vec::new();
        let mut parts = Vec::new();
        loop {
            self.skip_comments(flags)?;
            match self.chars.peek() {
                None | Some(')') => break,
                Some('|') => {
                    self.chars.next();
                    branches.push(Node::sequence(std::mem::take(&mut parts)));
                }
                Some(_) => parts.push(self.piece(flags)?),
            }
        }
        let last = Node::sequence(parts);
        if branches.is_empty() {
            return Some(last);
        }
        branches.push(last);
        Some(Node::Either(branches))
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
    fn piece(&mut self, flags: Flags) -> Option<Node> {
        let atom = match self.chars.next()? {
            '\\' => self.escape(flags)?,
            '[' => self.class(flags)?,
            '(' => self.group(flags)?,
            // Oniguruma has no `^` behind the last line end of a text.
            '^' if self.keeps_edges => Node::Edge(Look::StartLF),
            '$' if self.keeps_edges => Node::Edge(Look::EndLF),
            '^' | '$' => Node::Nothing,
            '.' => Node::Any(1, Some(1)),
            '*' | '+' | '?' => return None,
            c => Node::Char(c, flags.ignore_case),
        };
        Some(match self.quantifier(flags)? {
            Some(times) => Node::Repeat(Box::new(atom), times.least, times.most),
            None => atom,
        })
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
                least: before.least.saturating_mul(one.least),
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

    /// What follows a backslash, outside of classes.
    fn escape(&mut self, flags: Flags) -> Option<Node> {
        let c = *self.chars.peek()?;
        if let Some(set) = Set::escaped(c) {
            self.chars.next();
            return Some(Node::Class(set.ignoring_case(flags.ignore_case)));
        }
        match c {
            'b' => {
                self.chars.next();
                Some(Node::Boundary)
            }
            'A' | 'z' if self.keeps_edges => {
                self.chars.next();
                Some(Node::Edge(if c == 'A' { Look::Start } else { Look::End }))
            }
            'B' | 'A' | 'z' | 'Z' | 'G' | 'K' | 'y' | 'Y' => {
                self.chars.next();
                Some(Node::Nothing)
            }
            'N' | 'O' => {
                self.chars.next();
                Some(Node::Any(1, Some(1)))
            }
            'R' => {
                self.chars.next();
                Some(Node::Any(1, Some(2)))
            }
            'X' => {
                self.chars.next();
                Some(Node::Any(0, None))
            }
            'p' | 'P' => {
                self.chars.next();
                if !self.eat('{') {
                    return Some(Node::Char(c, flags.ignore_case));
                }
                let set = self.property(c == 'P')?;
                Some(Node::Class(set.ignoring_case(flags.ignore_case)))
            }
            'f' | 'v' | 'a' | 'e' => {
                self.chars.next();
                Some(Node::Any(0, Some(1)))
            }
            '0'..='9' => {
                self.chars.next();
                Some(Node::Any(0, None))
            }
            'k' | 'g' => {
                self.chars.next();
                let close = match self.chars.next()? {
                    '<' => '>',
                    '\'' => '\'',
                    _ => return None,
                };
                self.chars.by_ref().find(|c| *c == close)?;
                Some(Node::Any(0, None))
            }
            _ => self.code().map(|c| Node::Char(c, flags.ignore_case)),
        }
    }

    /// The character that an escape stands for, whose backslash is read.
    fn code(&mut self) -> Option<char> {
        match self.chars.next()? {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'x' if self.eat('{') => {
                let hex: String = self.chars.by_ref().take_while(|c| *c != '}').collect();
                char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
            }
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    let digit = self.chars.next_if(char::is_ascii_hexdigit);
                    code = digit.and_then(|d| d.to_digit(16)).map_or(code, |d| 16 * code + d);
                }
                // Above, it is a byte of a character's encoding.
                if code < 0x80 { char::from_u32(code) } else { None }
            }
            'u' => {
                let hex: String = self.chars.by_ref().take(4).collect();
                char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
            }
            c if c.is_alphanumeric() => None,
            c => Some(c),
        }
    }

    /// The property whose opening brace is read.
    fn property(&mut self, negated: bool) -> Option<Set> {
        let mut name = String::new();
        loop {
            match self.chars.next()? {
                '}' => break,
                c => name.push(c),
            }
        }
        let (name, negated) = match name.strip_prefix('^') {
            Some(name) => (name, !negated),
            None => (&*name, negated),
        };
        let set = Set::property(name);
        Some(if negated { set.complement() } else { set })
    }

    /// A character class, whose opening bracket is read.
    fn class(&mut self, flags: Flags) -> Option<Node> {
        let set = self.members(0)?;
        if set.is_exact && !set.others && (1..=MAX_MEMBERS).contains(&set.ascii.count_ones()) {
            let members = (0..128_u8).filter(|byte| set.ascii & (1 << byte) != 0).map(char::from);
            let mut members: Vec<Node> =
                members.map(|c| Node::Char(c, flags.ignore_case)).collect();
            return Some(if members.len() == 1 {
                members.remove(0)
            } else {
                Node::Either(members)
            });
        }
        // Ignoring case, a class may match what its members fold to, up to three characters.
        if flags.ignore_case && set.others {
            return Some(Node::Any(1, Some(3)));
        }
        Some(Node::Class(set.ignoring_case(flags.ignore_case)))
    }

    /// The set in a class, up to its closing bracket, which is read.
    fn members(&mut self, depth: usize) -> Option<Set> {
        if depth > MAX_DEPTH {
            return None;
        }
        let negated = self.eat('^');
        if self.chars.peek() == Some(&']') {
            return None;
        }
        let mut whole: Option<Set> = None;
        let mut set = Set::default();
        loop {
            let first = match self.chars.next()? {
                ']' => break,
                '[' if self.chars.peek() == Some(&':') => {
                    set = set.union(self.bracket()?);
                    continue;
                }
                '[' => {
                    set = set.union(self.members(depth + 1)?);
                    continue;
                }
                '&' if self.chars.peek() == Some(&'&') => {
                    self.chars.next();
                    whole = Some(whole.map_or(set, |whole| whole.intersection(set)));
                    set = Set::default();
                    continue;
                }
                '\\' => match self.class_escape()? {
                    Ok(c) => c,
                    Err(escaped) => {
                        set = set.union(escaped);
                        continue;
                    }
                },
                c => c,
            };
            let mut ahead = self.chars.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
            if !is_range {
                set = set.union(Set::range(first, first));
                continue;
            }
            self.chars.next();
            let last = match self.chars.next()? {
                '[' | '&' => return None,
                '\\' => self.class_escape()?.ok()?,
                c => c,
            };
            set = set.union(Set::range(first, last));
        }
        let set = whole.map_or(set, |whole| whole.intersection(set));
        Some(if negated { set.complement() } else { set })
    }

    /// A POSIX bracket, of which `[` is read: `[:alpha:]`.
    fn bracket(&mut self) -> Option<Set> {
        self.chars.next();
        let negated = self.eat('^');
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(char::is_ascii_alphanumeric) {
            name.push(c);
        }
        let set = (self.eat(':') && self.eat(']')).then(|| Set::property(&name))?;
        Some(if negated { set.complement() } else { set })
    }

    /// What follows a backslash in a class: a character, or a set.
    fn class_escape(&mut self) -> Option<Result<char, Set>> {
        let c = *self.chars.peek()?;
        if let Some(set) = Set::escaped(c) {
            self.chars.next();
            return Some(Err(set));
        }
        match c {
            'p' | 'P' => {
                self.chars.next();
                self.eat('{').then(|| self.property(c == 'P'))?.map(Err)
            }
            'b' => {
                self.chars.next();
                Some(Ok('\u{8}'))
            }
            '0'..='9' => None,
            _ => self.code().map(Ok),
        }
    }

    /// A group, whose opening parenthesis is read.
    fn group(&mut self, mut flags: Flags) -> Option<Node> {
        let (mut assertion, mut behind) = (false, None);
        if self.eat('?') {
            match self.chars.next()? {
                ':' | '>' => {}
                '=' | '!' => assertion = true,
                '<' if self.eat('=') => {
                    assertion = true;
                    behind = Some(true);
                }
                '<' if self.eat('!') => {
                    assertion = true;
                    behind = Some(false);
                }
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
        let node = self.rest(flags)?;
        if !self.eat(')') {
            return None;
        }
        Some(match (assertion, behind) {
            (false, _) => node,
            (true, Some(wanted)) => Set::of(&node).map_or(Node::Nothing, |set| {
                Node::Behind(if wanted { set } else { set.complement() })
            }),
            (true, None) => Node::Nothing,
        })
    }

    /// The alternation up to the closing parenthesis.
    fn rest(&mut self, flags: Flags) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = self.alternation(flags)?;
        self.depth -= 1;
        Some(node)
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
