//! How much the sources contradict each other: the entropy of their votes on each cluster of mentions that
//! hang together by overlap.
//!
//! This is the *vote entropy* of Dagan and Engelson, "Committee-Based Sampling for Training Probabilistic
//! Classifiers" (ICML 1995), with votes that weigh as much as the source is sure. A source votes for a span
//! and label: its mention of the highest score in the cluster, of equals the longer one. Where a model
//! proposes nothing, it votes for that, as it has seen every word; the silence of a gazetteer or of rules
//! only means that they do not know the name. For the same reason a gazetteer or rule that votes for a part
//! of a longer vote with the same label votes for the longer one: who knows the forename agrees.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::uncertainty::outside;
use super::{Opinion, normalised_entropy};
use crate::pipeline::proposals::Proposals;
use crate::span::order::{compare, overlap_clusters};
use crate::span::{Candidate, Label, Span};

/// Mentions that hang together, and what the sources make of them.
pub(super) struct Cluster {
    /// What its mentions cover.
    pub(super) span: Span,
    /// A vote for every source that has one, the surest first.
    pub(super) votes: Vec<Opinion>,
    /// The entropy of the votes, as a fraction of the greatest that so many can have, 0..=1.
    pub(super) entropy: f64,
}

/// The clusters of what was proposed with one of `labels`, in text order. Others are seen by the merge alone.
pub(super) fn clusters(labels: &[Label], proposals: &Proposals) -> Vec<Cluster> {
    let given = proposals.mentions.iter().filter(|mention| labels.contains(&mention.label));
    let mut candidates: Vec<Candidate> = given.cloned().map(Candidate::from).collect();
    candidates.sort_by(compare);
    let ranges = overlap_clusters(&candidates).into_iter();
    ranges.map(|range| cluster(&candidates[range], proposals)).collect()
}

fn cluster(candidates: &[Candidate], proposals: &Proposals) -> Cluster {
    let start = candidates[0].span.start;
    let end = candidates.iter().map(|candidate| candidate.span.end).max().unwrap_or(start);
    let span = Span::new(start, end);
    let mut best: BTreeMap<&Arc<str>, &Candidate> = BTreeMap::new();
    for candidate in candidates {
        for origin in &candidate.origins {
            let best = best.entry(&origin.source).or_insert(candidate);
            // Candidates come longest first.
            let is_better = candidate.score > best.score
                || (candidate.score == best.score && candidate.span.len() > best.span.len());
            if is_better {
                *best = candidate;
            }
        }
    }
    let silent = proposals.evidence.iter().filter(|model| {
        let knows = |candidate: &Candidate| model.labels().contains(&candidate.label);
        !best.contains_key(model.source()) && candidates.iter().any(knows)
    });
    let silent = silent.filter_map(|model| {
        let score = outside(model, span)?;
        Some(Opinion { source: model.source().clone(), span, label: None, score })
    });
    let mut votes: Vec<Opinion> = silent.collect();
    votes.extend(best.into_iter().map(|(source, candidate)| Opinion {
        source: source.clone(),
        span: candidate.span,
        label: Some(candidate.label.clone()),
        score: candidate.score,
    }));
    votes.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.source.cmp(&b.source)));
    let has_seen_all =
        |vote: &Opinion| proposals.evidence.iter().any(|e| *e.source() == vote.source);
    Cluster { span, entropy: vote_entropy(&votes, has_seen_all), votes }
}

/// The normalised entropy of `votes`; those of a source that `has_seen_all` stand for nothing else.
fn vote_entropy(votes: &[Opinion], has_seen_all: impl Fn(&Opinion) -> bool) -> f64 {
    let mut weights: BTreeMap<(Option<&Label>, Span), f64> = BTreeMap::new();
    for vote in votes {
        let is_whole =
            |other: &&Opinion| other.label == vote.label && other.span.contains(vote.span);
        let longest = votes.iter().filter(is_whole).max_by_key(|o| (o.span.len(), o.span));
        let stands_for = longest.filter(|_| !has_seen_all(vote)).map_or(vote.span, |o| o.span);
        *weights.entry((vote.label.as_ref(), stands_for)).or_default() += f64::from(vote.score);
    }
    normalised_entropy(weights.into_values().collect::<Vec<_>>().into_iter(), votes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::{Evidence, Mention, Origin};

    fn mention(source: &str, span: (usize, usize), label: &str, score: f32) -> Mention {
        let origin = Origin::new(&source.into(), "");
        Mention { span: Span::new(span.0, span.1), label: label.into(), score, origin }
    }

    fn found(mentions: Vec<Mention>, evidence: Vec<Evidence>) -> Vec<Cluster> {
        let proposals = Proposals { mentions, evidence, ..Proposals::default() };
        clusters(&["LOC".into(), "PER".into(), "DATE".into()], &proposals)
    }

    /// A model that knows `LOC` and saw a word of three letters.
    fn model(begin: u16) -> Evidence {
        Evidence::new("tagger".into(), vec!["LOC".into()], vec![Span::new(0, 3)], vec![begin, 0])
    }

    #[test]
    fn the_entropy_of_votes_is_that_of_dagan_and_engelson() {
        let votes = |labels: &[&str]| {
            let sources = ["a", "b", "c"].into_iter().zip(labels);
            found(sources.map(|(s, l)| mention(s, (0, 3), l, 0.8)).collect(), vec![])[0].entropy
        };
        assert_eq!(votes(&["LOC"]), 0.0);
        assert_eq!(votes(&["LOC", "LOC", "LOC"]), 0.0);
        assert!((votes(&["LOC", "PER"]) - 1.0).abs() < 1e-12);
        assert!((votes(&["LOC", "PER", "DATE"]) - 1.0).abs() < 1e-12);
        // H(1/3, 2/3) = 0.918296 bits of log2(3) = 1.584963.
        assert!((votes(&["LOC", "PER", "LOC"]) - 0.579_380).abs() < 1e-6);
    }

    #[test]
    fn a_vote_weighs_what_its_source_is_sure() {
        let list = vec![mention("a", (0, 3), "LOC", 0.75), mention("b", (0, 3), "PER", 0.25)];
        let cluster = &found(list, vec![])[0];
        assert!((cluster.entropy - 0.811_278).abs() < 1e-6);
        assert_eq!(cluster.votes[0].source.as_ref(), "a");
        let list = vec![mention("a", (0, 3), "LOC", 0.0), mention("b", (0, 3), "PER", 0.0)];
        assert_eq!(found(list, vec![])[0].entropy, 0.0);
    }

    #[test]
    fn a_source_has_one_vote_in_a_cluster_and_edges_count() {
        let list = vec![
            mention("a", (0, 6), "LOC", 0.5),
            mention("a", (0, 3), "LOC", 0.5),
            mention("b", (4, 8), "LOC", 0.5),
            mention("b", (9, 12), "LOC", 0.5),
            mention("c", (9, 12), "TITLE", 0.5),
        ];
        let all = found(list, vec![]);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].votes.iter().map(|v| v.span.len()).collect::<Vec<_>>(), [6, 4]);
        assert!((all[0].entropy - 1.0).abs() < 1e-12);
        assert_eq!((all[1].votes.len(), all[1].entropy), (1, 0.0));
    }

    #[test]
    fn who_knows_a_part_agrees_unless_it_has_seen_all() {
        let whole = || mention("a", (0, 8), "LOC", 0.5);
        let part = |source, label| mention(source, (0, 3), label, 0.5);
        let entropy = |part| found(vec![whole(), part], vec![model(9_000)])[0].entropy;
        // The model, which proposes nothing else, votes for nothing: two against one.
        assert!(
            (entropy(part("b", "LOC")) - entropy(mention("b", (0, 8), "LOC", 0.5))).abs() < 1e-12
        );
        assert!(entropy(part("b", "PER")) > entropy(part("b", "LOC")));
        assert!((entropy(part("tagger", "LOC")) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_model_that_proposes_nothing_says_so_of_what_it_knows() {
        let list = vec![mention("a", (0, 3), "LOC", 0.9)];
        let cluster = &found(list, vec![model(1_000)])[0];
        assert!((cluster.entropy - 1.0).abs() < 1e-6);
        assert!(cluster.votes.iter().any(|vote| vote.label.is_none() && vote.score == 0.9));
        let list = vec![mention("a", (0, 3), "DATE", 0.9)];
        assert_eq!(found(list, vec![model(1_000)])[0].votes.len(), 1);
        let own = vec![mention("a", (0, 3), "LOC", 0.9), mention("tagger", (0, 3), "LOC", 0.9)];
        assert_eq!(found(own, vec![model(9_000)])[0].entropy, 0.0);
    }
}
