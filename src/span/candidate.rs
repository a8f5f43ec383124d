//! A mention on its way through the merge.

use super::{Entity, Label, Mention, Origin, Overruled, Span};

/// What a merge pass works on: a mention whose origins have become a set, and what it has beaten.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where.
    pub span: Span,
    /// What.
    pub label: Label,
    /// How sure, 0..=1, finite.
    pub score: f32,
    /// Who proposed it: sorted, without duplicates, never empty.
    pub origins: Vec<Origin>,
    /// What it won against.
    pub overruled: Vec<Overruled>,
}

impl Candidate {
    /// Whether `source` is among those who proposed it.
    pub fn is_from(&self, source: &str) -> bool {
        self.origins.iter().any(|o| &*o.source == source)
    }

    /// Adds origins, keeping them a sorted set.
    pub fn add_origins(&mut self, origins: impl IntoIterator<Item = Origin>) {
        self.origins.extend(origins);
        self.origins.sort();
        self.origins.dedup();
    }

    /// Notes that this candidate won against `loser`, and takes over what that one had beaten.
    pub fn overrule(&mut self, loser: Candidate) {
        self.overrule_all([loser]);
    }

    /// [`Candidate::overrule`] for several losers at once.
    pub fn overrule_all(&mut self, losers: impl IntoIterator<Item = Candidate>) {
        for Candidate { span, label, score, origins, overruled } in losers {
            self.overruled.push(Overruled { span, label, score, origins });
            self.overruled.extend(overruled);
        }
        self.sort_overruled();
    }

    /// Takes over what `other`, now a part of this candidate, had beaten.
    pub fn inherit_overruled(&mut self, other: Vec<Overruled>) {
        self.overruled.extend(other);
        self.sort_overruled();
    }

    /// Takes in `other`, of the same label: the hull of both spans, the higher score, all origins and
    /// all that both had beaten.
    pub fn absorb(&mut self, other: Candidate) {
        let Candidate { span, score, origins, overruled, .. } = other;
        self.span = Span::new(self.span.start.min(span.start), self.span.end.max(span.end));
        self.score = self.score.max(score);
        self.add_origins(origins);
        self.inherit_overruled(overruled);
    }

    fn sort_overruled(&mut self) {
        self.overruled.sort_by(|a, b| {
            (a.span, &a.label, &a.origins)
                .cmp(&(b.span, &b.label, &b.origins))
                .then(a.score.total_cmp(&b.score))
        });
        self.overruled.dedup();
    }
}

impl From<Mention> for Candidate {
    fn from(mention: Mention) -> Self {
        let Mention { span, label, score, origin } = mention;
        Self { span, label, score, origins: vec![origin], overruled: Vec::new() }
    }
}

impl From<Candidate> for Entity {
    fn from(candidate: Candidate) -> Self {
        let Candidate { span, label, score, origins, overruled } = candidate;
        Self { span, label, score, origins, overruled }
    }
}
