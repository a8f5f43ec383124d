//! What a rule does to entities: the values of `action`, and which keys each of them reads. How it is
//! done is the business of the pass `rules`.

use crate::error::{Error, Result};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Makes an entity.
    Add,
    /// Gives it another label.
    Relabel,
    /// Takes it away.
    Drop,
    /// Protects it from being dropped.
    Keep,
    /// Makes it longer.
    Extend,
    /// Makes it shorter.
    Trim,
    /// Makes one of several.
    Join,
    /// Makes several of one.
    Split,
    /// Moves its score.
    Score,
}

/// A value of `action`.
#[derive(Debug)]
pub struct Action {
    /// The value.
    pub name: &'static str,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
    /// The keys it needs.
    pub needs: &'static [&'static str],
    /// The keys it reads besides.
    pub reads: &'static [&'static str],
    pub(crate) deed: Deed,
}

/// All actions.
pub static ACTIONS: &[Action] = &[
    Action {
        name: "add",
        doc: "Makes an entity of `label`: the group `group`, or `entity`, or the whole match. Where \
              the rule has made the same before, nothing is done. Its origin is `merge` and the rule's id.",
        needs: &["label"],
        reads: &["group", "score"],
        deed: Deed::Add,
    },
    Action {
        name: "relabel",
        doc: "Gives the entity the label `label`.",
        needs: &["label"],
        reads: &["on", "score", "add", "scale"],
        deed: Deed::Relabel,
    },
    Action {
        name: "drop",
        doc: "Takes the entity away, unless a rule of the same pass has kept it.",
        needs: &[],
        reads: &["on"],
        deed: Deed::Drop,
    },
    Action {
        name: "keep",
        doc: "No later rule of this pass drops the entity, in this round and those that follow, also \
              when it is changed or joined. Later passes do not know of it.",
        needs: &[],
        reads: &["on", "score", "add", "scale"],
        deed: Deed::Keep,
    },
    Action {
        name: "extend",
        doc: "Makes the entity longer, so that it holds the group `group`, or what `to` says: `match` \
              (the whole match, which is the default), `words` (whole words), `line` or `sentence`. It \
              never becomes shorter.",
        needs: &[],
        reads: &["on", "group", "to", "score", "add", "scale"],
        deed: Deed::Extend,
    },
    Action {
        name: "trim",
        doc: "Makes the entity shorter, so that it lies in the group `group` (of the pattern, or of \
              `inside` in [rule.when]; `entity` where the key is not written), or ends with its first \
              `line` or `sentence`, as `to` says. White space at its ends goes too. It never becomes \
              longer; where nothing would be left, nothing is done.",
        needs: &[],
        reads: &["on", "group", "to", "score", "add", "scale"],
        deed: Deed::Trim,
    },
    Action {
        name: "join",
        doc: "Makes one entity of all entities of the pattern, from the beginning of the first to the \
              end of the last, or as far as `group` or `to` says. Its label is `label`, or that of the \
              first; its score the highest; its origins are all of theirs.",
        needs: &[],
        reads: &["label", "group", "to", "score", "add", "scale"],
        deed: Deed::Join,
    },
    Action {
        name: "split",
        doc: "Makes an entity of every part of the entity between matches of the pattern `at`, each \
              with its label, score and origins; `label` gives them another label. Where there are not \
              at least two parts, nothing is done.",
        needs: &["at"],
        reads: &["on", "label", "score", "add", "scale"],
        deed: Deed::Split,
    },
    Action {
        name: "score",
        doc: "Moves the score: `score` sets it, `scale` multiplies it, `add` adds to its log-odds \
              ln(p / (1 - p)), as the pass `context` does. A rule moves a score once a document, however \
              often its pattern or the pass comes by.",
        needs: &[],
        reads: &["on", "score", "add", "scale"],
        deed: Deed::Score,
    },
];

/// The action that does this.
pub(crate) fn action_of(deed: Deed) -> &'static Action {
    ACTIONS.iter().find(|action| action.deed == deed).expect("every deed is an action")
}

/// The action of this name.
///
/// # Errors
/// Where there is none; the error lists those there are.
pub(crate) fn action(name: &str) -> Result<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name).ok_or_else(|| {
        let known: Vec<&str> = ACTIONS.iter().map(|action| action.name).collect();
        Error::unknown("action", name, &known)
    })
}
