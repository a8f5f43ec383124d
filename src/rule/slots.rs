//! Patterns over entities: `<PER>, <LOC>` is a sequence of slots, which entities fill, and of pieces
//! of regex between them. Groups and alternatives that hold slots are written out, so that nothing
//! but sequences is left. How a sequence is matched is `sequence`'s business.

use super::macros::part;

/// A pattern may be written out as so many sequences.
const MAX_SEQUENCES: usize = 64;

/// So many entities may stand in one sequence.
const MAX_SLOTS: usize = 8;

/// Groups nested deeper than this are not read.
const MAX_DEPTH: usize = 64;

/// The beginnings of the names of empty groups that mark where a group begins and ends that holds
/// entities.
pub(super) const OPENS: &str = "opens__";
/// See [`OPENS`].
pub(super) const CLOSES: &str = "closes__";

/// A place that an entity fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// What the rule calls it.
    pub name: Option<String>,
    /// The labels that may fill it; `None` for any.
    pub labels: Option<Vec<String>>,
}

/// Slots and what stands around them: there is one piece more than slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub slots: Vec<Slot>,
    pub pieces: Vec<String>,
}

/// What a pattern is read into.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Slot(Slot),
    Group(Group),
}

/// A group that holds slots.
#[derive(Debug, Clone)]
struct Group {
    name: Option<String>,
    branches: Vec<Vec<Node>>,
    least: usize,
    most: usize,
}

/// The sequences that a pattern stands for, those that are written first first. All have slots, or
/// the pattern is one without.
///
/// # Errors
/// What is wrong with it, and the part of the pattern that is wrong.
pub(super) fn sequences(pattern: &str) -> Result<Vec<Sequence>, (String, String)> {
    let options = leading_options(pattern);
    let mut parser = Parser {
        pattern,
        at: options.len(),
        extended: options.split('-').next().is_some_and(|on| on.contains('x')),
    };
    let branches = parser.alternation(0)?;
    if parser.at < pattern.len() {
        return Err(parser.wrong("the pattern has a ) too many", parser.at));
    }
    if !branches.iter().flatten().any(is_slotted) {
        return Ok(vec![Sequence { slots: Vec::new(), pieces: vec![pattern.to_owned()] }]);
    }
    let mut sequences = Vec::new();
    for nodes in alternatives(&branches)? {
        let sequence = sequence(nodes, options);
        if sequence.slots.is_empty() {
            let message = "an alternative of the pattern has no entity, where others have";
            return Err((message.to_owned(), pattern.to_owned()));
        }
        if sequence.slots.len() > MAX_SLOTS {
            let count = sequence.slots.len();
            return Err((
                format!("the pattern has {count} entities in a row, at most {MAX_SLOTS}"),
                pattern.to_owned(),
            ));
        }
        if !sequences.contains(&sequence) {
            sequences.push(sequence);
        }
    }
    Ok(sequences)
}

fn is_slotted(node: &Node) -> bool {
    !matches!(node, Node::Text(_))
}

/// The options, such as `(?i)`, that a pattern begins with; they hold for all of it.
fn leading_options(pattern: &str) -> &str {
    let Some(rest) = pattern.strip_prefix("(?") else { return "" };
    let length = rest.find(|c: char| !"imx-".contains(c)).unwrap_or(0);
    if length > 0 && rest.get(length..).is_some_and(|rest| rest.starts_with(')')) {
        part(pattern, 0..length + 3)
    } else {
        ""
    }
}

type Wrong = (String, String);

/// A reader of as much syntax as is needed to know where entities stand.
struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    extended: bool,
}

impl<'p> Parser<'p> {
    fn rest(&self) -> &'p str {
        part(self.pattern, self.at..self.pattern.len())
    }

    fn wrong(&self, message: impl Into<String>, from: usize) -> Wrong {
        let part = self.pattern.get(from..self.at.max(from)).unwrap_or("");
        (message.into(), if part.is_empty() { self.pattern } else { part }.to_owned())
    }

    /// Branches up to a `)` that closes none of their groups, or the end.
    fn alternation(&mut self, depth: usize) -> Result<Vec<Vec<Node>>, Wrong> {
        if depth > MAX_DEPTH {
            return Err(self.wrong(format!("groups are nested deeper than {MAX_DEPTH}"), 0));
        }
        let mut branches = vec![Vec::new()];
        while let Some(c) = self.rest().chars().next() {
            let begin = self.at;
            let nodes = branches.last_mut().expect("never empty");
            match c {
                ')' => break,
                '|' => {
                    self.at += 1;
                    branches.push(Vec::new());
                    continue;
                }
                '(' => {
                    if let Some(group) = self.group(depth)? {
                        nodes.push(Node::Group(group));
                        continue;
                    }
                }
                '<' => {
                    let slot = self.slot()?;
                    let (least, most) = self.quantifier(begin)?.unwrap_or((1, 1));
                    let branches = vec![vec![Node::Slot(slot)]];
                    nodes.push(Node::Group(Group { name: None, branches, least, most }));
                    continue;
                }
                _ => self.skip(c),
            }
            push_text(nodes, part(self.pattern, begin..self.at));
        }
        Ok(branches)
    }

    /// Steps over something that is no group, slot or alternative.
    fn skip(&mut self, c: char) {
        let rest = self.rest();
        self.at += match c {
            '\\' => {
                let name = rest.get(1..3).filter(|two| matches!(*two, "k<" | "g<"));
                let end = name.and_then(|_| rest.find('>')).map(|end| end + 1);
                end.unwrap_or_else(|| rest.chars().take(2).map(char::len_utf8).sum())
            }
            '[' => class_length(rest),
            '#' if self.extended => rest.find('\n').map_or(rest.len(), |end| end + 1),
            c => c.len_utf8(),
        };
    }

    /// A group with what repeats it; `None` where it holds no slot and is text like any other.
    fn group(&mut self, depth: usize) -> Result<Option<Group>, Wrong> {
        let begin = self.at;
        let rest = self.rest();
        if rest.starts_with("(?#") {
            self.at += rest.find(')').map_or(rest.len(), |end| end + 1);
            return Ok(None);
        }
        let (name, opening, can_hold) = opening(rest);
        self.at += opening;
        let branches = self.alternation(depth + 1)?;
        if !self.rest().starts_with(')') {
            return Err(self.wrong("a ( in the pattern is not closed", begin));
        }
        self.at += 1;
        if !branches.iter().flatten().any(is_slotted) {
            return Ok(None);
        }
        if !can_hold {
            let message = "an entity stands in a group other than (…), (?:…) and (?<name>…)";
            return Err(self.wrong(message, begin));
        }
        let (least, most) = self.quantifier(begin)?.unwrap_or((1, 1));
        Ok(Some(Group { name, branches, least, most }))
    }

    /// `<LABEL>`, `<A|B>`, `<any>`, `<name:…>` or `<?name>`.
    fn slot(&mut self) -> Result<Slot, Wrong> {
        let begin = self.at;
        let length = self.rest().find('>').map_or(self.rest().len(), |end| end + 1);
        self.at += length;
        let inside = part(self.pattern, begin..self.at).trim_start_matches('<');
        let is_word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
        };
        let read = || {
            let inside = inside.strip_suffix('>')?;
            let (name, labels) = match (inside.strip_prefix('?'), inside.split_once(':')) {
                (Some(name), _) => (Some(name), "any"),
                (None, Some((name, labels))) => (Some(name), labels),
                (None, None) => (None, inside),
            };
            let labels: Vec<String> = labels.split('|').map(str::to_owned).collect();
            if !name.is_none_or(is_word) || !labels.iter().all(|label| is_word(label)) {
                return None;
            }
            let any = labels.iter().any(|label| label == "any");
            let name = name.map(str::to_owned);
            Some(Slot { name, labels: (!any).then_some(labels) })
        };
        read().ok_or_else(|| {
            let part = part(self.pattern, begin..self.at);
            let message = format!(
                "'{part}' is no entity, expected <LABEL>, <A|B>, <any>, <name:LABEL> or <?name>; the \
                 character is written \\<"
            );
            (message, part.to_owned())
        })
    }

    /// How often what begins at `begin` is repeated; greedy or not is all the same.
    fn quantifier(&mut self, begin: usize) -> Result<Option<(usize, usize)>, Wrong> {
        let rest = self.rest();
        let (times, length) = match rest.chars().next() {
            Some('?') => ((0, 1), 1),
            Some('*' | '+') => {
                self.at += 1;
                let message = "entities are repeated without bound, expected a bound such as {0,3}";
                return Err(self.wrong(message, begin));
            }
            Some('{') => {
                let Some((inside, _)) = part(rest, 1..rest.len()).split_once('}') else {
                    return Ok(None);
                };
                let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
                let least = if least.is_empty() { Ok(0) } else { least.parse() };
                let (Ok(least), Ok(most)) = (least, most.parse()) else {
                    self.at += inside.len() + 2;
                    let message =
                        "entities are repeated without bound, expected a bound such as {0,3}";
                    return Err(self.wrong(message, begin));
                };
                ((least, most), inside.len() + 2)
            }
            _ => return Ok(None),
        };
        self.at += length;
        if self.rest().starts_with(['?', '+']) {
            self.at += 1;
        }
        let (least, most): (usize, usize) = times;
        if most > MAX_SLOTS || least > most {
            let message =
                format!("entities are repeated {least} to {most} times, at most {MAX_SLOTS}");
            return Err(self.wrong(message, begin));
        }
        Ok(Some(times))
    }
}

/// The name of a group, the length of its opening, and whether it may hold entities.
fn opening(rest: &str) -> (Option<String>, usize, bool) {
    let Some(kind) = rest.strip_prefix("(?") else { return (None, 1, !rest.starts_with("(*")) };
    if kind.starts_with(':') {
        return (None, 3, true);
    }
    let named = kind.strip_prefix('<').filter(|name| !name.starts_with(['=', '!']));
    if let Some((name, _)) = named.and_then(|name| name.split_once('>')) {
        return (Some(name.to_owned()), "(?<>".len() + name.len(), true);
    }
    // Past the `<` of a look-behind, which would look like an entity.
    (None, if kind.starts_with('<') { 3 } else { 2 }, false)
}

/// The length of the character class that a text begins with.
fn class_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

fn push_text(nodes: &mut Vec<Node>, text: &str) {
    match nodes.last_mut() {
        Some(Node::Text(last)) => last.push_str(text),
        _ => nodes.push(Node::Text(text.to_owned())),
    }
}

/// All ways through branches, those that are written first, and more of what is repeated, first.
fn alternatives(branches: &[Vec<Node>]) -> Result<Vec<Vec<Node>>, Wrong> {
    let too_many = || {
        let message =
            format!("the pattern stands for more than {MAX_SEQUENCES} sequences of entities");
        (message, String::new())
    };
    let mut all = Vec::new();
    for branch in branches {
        let mut ways: Vec<Vec<Node>> = vec![Vec::new()];
        for node in branch {
            let Node::Group(group) = node else {
                ways.iter_mut().for_each(|way| way.push(node.clone()));
                continue;
            };
            let once = alternatives(&group.branches)?;
            let mut repeated = Vec::new();
            for times in (group.least..=group.most).rev() {
                let mut combined: Vec<Vec<Node>> = vec![Vec::new()];
                for _ in 0..times {
                    if combined.len() * once.len() > MAX_SEQUENCES {
                        return Err(too_many());
                    }
                    combined = product(&combined, &once);
                }
                repeated.extend(combined.into_iter().map(|nodes| marked(nodes, group)));
            }
            if ways.len() * repeated.len() > MAX_SEQUENCES {
                return Err(too_many());
            }
            ways = product(&ways, &repeated);
        }
        all.extend(ways);
        if all.len() > MAX_SEQUENCES {
            return Err(too_many());
        }
    }
    Ok(all)
}

fn product(ways: &[Vec<Node>], then: &[Vec<Node>]) -> Vec<Vec<Node>> {
    ways.iter()
        .flat_map(|way| then.iter().map(|next| [way.as_slice(), next.as_slice()].concat()))
        .collect()
}

/// The nodes of a group between marks where it has a name.
fn marked(nodes: Vec<Node>, group: &Group) -> Vec<Node> {
    let Some(name) = group.name.as_ref().filter(|_| !nodes.is_empty()) else { return nodes };
    let mark = |which: &str| Node::Text(format!("(?<{which}{name}>)"));
    let mut out = vec![mark(OPENS)];
    out.extend(nodes);
    out.push(mark(CLOSES));
    out
}

/// The sequence that nodes without groups are; the options go to every piece.
fn sequence(nodes: Vec<Node>, options: &str) -> Sequence {
    let mut sequence = Sequence { slots: Vec::new(), pieces: vec![String::new()] };
    for node in nodes {
        match node {
            Node::Text(text) => {
                sequence.pieces.last_mut().expect("never empty").push_str(&text);
            }
            Node::Slot(slot) => {
                sequence.slots.push(slot);
                sequence.pieces.push(String::new());
            }
            Node::Group(_) => unreachable!("groups are written out"),
        }
    }
    for piece in sequence.pieces.iter_mut().filter(|piece| !piece.is_empty()) {
        piece.insert_str(0, options);
    }
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A sequence as it might be written.
    fn shown(sequence: &Sequence) -> String {
        let mut out = sequence.pieces[0].clone();
        for (slot, piece) in sequence.slots.iter().zip(&sequence.pieces[1..]) {
            let name = slot.name.as_ref().map(|name| format!("{name}:")).unwrap_or_default();
            let labels = slot.labels.as_ref().map_or("any".to_owned(), |l| l.join("|"));
            out.push_str(&format!("<{name}{labels}>{piece}"));
        }
        out
    }

    fn all(pattern: &str) -> Vec<String> {
        sequences(pattern)
            .unwrap_or_else(|e| panic!("{pattern}: {e:?}"))
            .iter()
            .map(shown)
            .collect()
    }

    #[test]
    fn groups_and_alternatives_are_written_out() {
        for (pattern, expected) in [
            ("<LOC>,\\s+<LOC>", &["<LOC>,\\s+<LOC>"][..]),
            ("(?:from|in)\\s+<?city>", &["(?:from|in)\\s+<city:any>"]),
            ("<a:PER|ORG> of <any>", &["<a:PER|ORG> of <any>"]),
            ("(?:the )?<LOC>", &["(?:the )?<LOC>"]),
            ("<PER>(?:, <LOC>)?", &["<PER>, <LOC>", "<PER>"]),
            ("(?:<PER>|<ORG> (?:of|in) <LOC>)!", &["<PER>!", "<ORG> (?:of|in) <LOC>!"]),
            ("<PER>(?: <PER>){1,2}?", &["<PER> <PER> <PER>", "<PER> <PER>"]),
            ("<PER><LOC>?", &["<PER><LOC>", "<PER>"]),
            ("(?<x>a <PER>)b", &["(?<opens__x>)a <PER>(?<closes__x>)b"]),
            ("(?i)in <LOC> or", &["(?i)in <LOC>(?i) or"]),
            (
                r"[<>\]]\<(?<=x)(?<!y)(?<n>z)\k<n><LOC>(?#<)(?=,)",
                &[r"[<>\]]\<(?<=x)(?<!y)(?<n>z)\k<n><LOC>(?#<)(?=,)"],
            ),
            ("(?x) a # <b\n <LOC>", &["(?x) a # <b\n <LOC>"]),
            ("(a|b)c", &["(a|b)c"]),
            ("a|b", &["a|b"]),
        ] {
            assert_eq!(all(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (pattern, expected) in [
            ("<PER", "'<PER' is no entity"),
            ("<>", "'<>' is no entity"),
            ("<a b>", "'<a b>' is no entity"),
            ("<?>", "'<?>' is no entity"),
            ("<PER>*", "entities are repeated without bound"),
            ("(?:<PER>,)+", "entities are repeated without bound"),
            ("<PER>{2,}", "entities are repeated without bound"),
            ("<PER>{9}", "entities are repeated 9 to 9 times, at most 8"),
            ("(?=<PER>)", "an entity stands in a group other than"),
            ("(?<!<PER>)x", "an entity stands in a group other than"),
            ("<PER>|x", "an alternative of the pattern has no entity"),
            ("<PER>?", "an alternative of the pattern has no entity"),
            ("(<PER>", "a ( in the pattern is not closed"),
            ("<PER>)", "the pattern has a ) too many"),
            ("(?:<A>|<B>|<C>){4}", "the pattern stands for more than 64 sequences"),
            ("<A><A><A><A><A><A><A><A><A>", "the pattern has 9 entities in a row, at most 8"),
        ] {
            let (message, _) = sequences(pattern).unwrap_err();
            assert!(message.starts_with(expected), "{pattern}: {message}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[<>()?:|A{},0-9\\[\\]\\\\é=!#*+ ]{0,24}") {
            if let Ok(found) = sequences(&pattern) {
                for sequence in found {
                    prop_assert_eq!(sequence.pieces.len(), sequence.slots.len() + 1);
                }
            }
        }
    }
}
