//! Which sequences of tags mean something: BIO, BIOES, BILOU and IO as an automaton over the tags of words.

use crate::source::model::tags::split;

/// The number of the state before the first word, and after a word outside or at the end of an entity.
const CLOSED: usize = 0;

/// For each state and each tag that a word may have there, the state after it. State 0 is outside of
/// entities; each other one is inside an entity of one label.
#[derive(Debug, Clone)]
pub struct Constraint {
    tags: usize,
    next: Vec<Option<usize>>,
    /// By state, whether the entity must go on.
    is_open: Vec<bool>,
    /// A tag that no sequence forbids.
    outside: usize,
}

/// How the tags of one label mark its entities.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// There is a tag for the first word: one inside must follow another of the label.
    beginning: bool,
    /// There is one for the last word: what was begun must be ended.
    end: bool,
}

impl Constraint {
    /// The automaton of tags with these names, in id order. A label that has a `B` tag needs it at the
    /// beginning, one that has an `E` or `L` tag needs that at the end of what `B` began. `O` and the tags
    /// in `ignored` are outside.
    pub fn new(names: &[String], ignored: &[String]) -> Self {
        let is_outside = |name: &String| name == "O" || ignored.contains(name);
        let parts: Vec<Option<(char, &str)>> =
            names.iter().map(|name| (!is_outside(name)).then(|| split(name))).collect();
        let mut labels: Vec<&str> = parts.iter().flatten().map(|(_, label)| *label).collect();
        labels.sort_unstable();
        labels.dedup();
        let number = |label: &str| labels.partition_point(|known| *known < label);
        let mut marks = vec![Marks::default(); labels.len()];
        for (prefix, label) in parts.iter().flatten() {
            let marks = &mut marks[number(label)];
            marks.beginning |= *prefix == 'B';
            marks.end |= matches!(prefix, 'E' | 'L');
        }
        let is_open: Vec<bool> =
            std::iter::once(false).chain(marks.iter().map(|m| m.beginning && m.end)).collect();
        let mut next = Vec::with_capacity(is_open.len() * names.len());
        for (state, open) in is_open.iter().enumerate() {
            for part in &parts {
                let Some((prefix, label)) = part else {
                    next.push((!open).then_some(CLOSED));
                    continue;
                };
                let label = number(label);
                let inside = label + 1;
                let goes_on = matches!(prefix, 'I' | 'E' | 'L') && marks[label].beginning;
                let fits = if goes_on { state == inside } else { !open };
                let ends = matches!(prefix, 'S' | 'U' | 'E' | 'L');
                next.push(fits.then_some(if ends { CLOSED } else { inside }));
            }
        }
        let outside = names.iter().position(|name| name == "O").unwrap_or(0);
        Self { tags: names.len(), next, is_open, outside }
    }

    /// The automaton that allows every sequence of so many tags.
    pub fn none(tags: usize) -> Self {
        Self { tags, next: vec![Some(CLOSED); tags], is_open: vec![false], outside: 0 }
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.is_open.len()
    }

    /// The state after a word with this tag; `None` where the tag may not stand there.
    pub fn after(&self, state: usize, tag: usize) -> Option<usize> {
        self.next[state * self.tags + tag]
    }

    /// Whether a sequence may end here.
    pub fn may_end(&self, state: usize) -> bool {
        !self.is_open[state]
    }

    /// The tag that says outside.
    pub fn outside(&self) -> usize {
        self.outside
    }

    /// Whether words may have these tags, one after another.
    pub fn allows(&self, tags: &[usize]) -> bool {
        let end = tags.iter().try_fold(CLOSED, |state, tag| self.after(state, *tag));
        end.is_some_and(|state| self.may_end(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(names: &str, tags: &str) -> bool {
        let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
        let id = |tag: &str| names.iter().position(|name| name == tag).unwrap();
        let tags: Vec<usize> = tags.split_whitespace().map(id).collect();
        Constraint::new(&names, &["X".to_owned()]).allows(&tags)
    }

    #[test]
    fn schemes_allow_what_their_definition_says() {
        let bio = "O B-A I-A B-B I-B X";
        for tags in ["", "O", "B-A", "B-A I-A I-A", "B-A B-A", "B-A I-A B-B I-B O", "X B-A X"] {
            assert!(allows(bio, tags), "{tags}");
        }
        for tags in ["I-A", "O I-A", "B-A I-B", "B-A O I-A", "B-A X I-A"] {
            assert!(!allows(bio, tags), "{tags}");
        }
        let bioes = "O B-A I-A E-A S-A B-B E-B X";
        for tags in ["S-A S-A", "B-A E-A", "B-A I-A I-A E-A O", "B-B E-B B-A E-A"] {
            assert!(allows(bioes, tags), "{tags}");
        }
        for tags in ["B-A", "E-A", "B-A O", "B-A X", "B-A S-A", "B-A I-A", "B-A E-B", "E-A I-A"] {
            assert!(!allows(bioes, tags), "{tags}");
        }
        let bilou = "O B-A I-A L-A U-A";
        assert!(allows(bilou, "U-A B-A I-A L-A") && !allows(bilou, "B-A U-A"));
        assert!(allows("O I-A I-B", "I-A I-B I-B O I-A") && allows("O A B", "A B B O A"));
        assert!(Constraint::none(3).allows(&[2, 1, 1, 0, 2]));
    }
}
