//! The search, in rounds: every turn by itself, then the good ones together, then nearer around what was
//! taken; and again from there, until nothing more is found. A turn is taken where its gain is clear of what
//! documents scatter; in doubt nothing is turned.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Turn;
use super::evaluate::{Gain, Trials};
use super::fit::Fit;
use super::knob::{Knob, Place, Value};
use super::objective::Objective;
use super::setting::Setting;

/// What a search needs to know.
pub(super) struct Search<'s> {
    pub(super) trials: &'s Trials<'s>,
    pub(super) knobs: &'s [Knob],
    pub(super) fits: &'s [Fit],
    pub(super) objective: Objective,
    /// The documents to learn from.
    pub(super) documents: &'s [bool],
    /// A gain must be so many standard errors over nothing.
    pub(super) errors: f64,
    /// Ends the search; what was reached so far is its result.
    pub(super) stop: &'s AtomicBool,
    /// Is told of every round, by its number, and how many settings it begins by looking at.
    pub(super) begins: &'s dyn Fn(usize, usize),
    /// Is told of every setting that is looked at.
    pub(super) looked: &'s (dyn Fn() + Sync),
}

/// So many rounds at most. Each needs a clear gain of the one before it: that many are not needed.
const ROUNDS: usize = 10;

/// A turn, or several at once, that may be taken.
struct Move {
    name: String,
    turns: Vec<Turn>,
    gain: f64,
}

/// A turn that was taken, in the order they were.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// What was turned, to a reader.
    pub name: String,
    /// What it was.
    pub before: Option<Value>,
    /// To what.
    pub turns: Vec<Turn>,
    /// What the objective gained by it, on the documents that were learnt from.
    pub gain: f64,
}

impl Search<'_> {
    pub(super) fn run(&self) -> (Setting, Vec<Taken>) {
        let (mut setting, mut taken) = (Setting::default(), Vec::new());
        for round in 1..=ROUNDS {
            let before = taken.len();
            self.round(round, &mut setting, &mut taken);
            if taken.len() == before {
                break;
            }
        }
        (setting, taken)
    }

    fn round(&self, number: usize, setting: &mut Setting, taken: &mut Vec<Taken>) {
        let mut ways: Vec<(&str, Vec<Vec<Turn>>)> = Vec::new();
        for knob in self.knobs {
            let now = setting.get(&knob.place).or(knob.now.as_ref());
            let turns = knob.turns.first(now).into_iter();
            ways.push((&knob.name, turns.map(|value| vec![(knob.place.clone(), value)]).collect()));
        }
        for Fit { name, turns } in self.fits {
            let is_turned = turns.iter().any(|(place, _)| setting.get(place).is_some());
            ways.extend((!is_turned).then(|| (name.as_str(), vec![turns.clone()])));
        }
        (self.begins)(number, ways.iter().map(|(_, ways)| ways.len()).sum());
        let moves = ways.into_iter().filter_map(|(name, ways)| self.best(setting, name, ways));
        let mut moves: Vec<Move> = moves.collect();
        // The best first; of equal ones the simpler: what is there already, before what is added to the file.
        moves.sort_by(|a, b| b.gain.total_cmp(&a.gain));
        let mut turned: BTreeSet<Place> = BTreeSet::new();
        for Move { name, turns, .. } in moves {
            if turns.iter().any(|(place, _)| turned.contains(place)) {
                continue;
            }
            let next = setting.with(&turns);
            if let Some(gain) = self.clear_gain(setting, &next) {
                turned.extend(turns.iter().map(|(place, _)| place.clone()));
                taken.push(self.taken(setting, name, turns, gain));
                *setting = next;
            }
        }
        for knob in self.knobs.iter().filter(|knob| turned.contains(&knob.place)) {
            let Some(value) = setting.get(&knob.place).cloned() else { continue };
            let finer = knob.turns.finer(&value).into_iter();
            let tries = finer.filter_map(|value| {
                let turns = vec![(knob.place.clone(), value)];
                let gain = self.gain(setting, &setting.with(&turns))?.value;
                Some((gain, turns))
            });
            let best = tries.max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((gain, turns)) = best.filter(|(gain, _)| *gain > 0.0) {
                taken.push(self.taken(setting, knob.name.clone(), turns.clone(), gain));
                *setting = setting.with(&turns);
            }
        }
    }

    /// The best of some ways to turn something in a setting, where its gain is clear.
    fn best(&self, setting: &Setting, name: &str, ways: Vec<Vec<Turn>>) -> Option<Move> {
        let ways = ways.into_iter().filter_map(|turns| {
            let gain = self.clear_gain(setting, &setting.with(&turns))?;
            Some(Move { name: name.to_owned(), turns, gain })
        });
        ways.max_by(|a, b| a.gain.total_cmp(&b.gain))
    }

    fn taken(&self, setting: &Setting, name: String, turns: Vec<Turn>, gain: f64) -> Taken {
        let before = match turns.as_slice() {
            [(place, _)] => setting.get(place).cloned().or_else(|| {
                let knob = self.knobs.iter().find(|knob| knob.place == *place)?;
                knob.now.clone()
            }),
            _ => None,
        };
        Taken { name, before, turns, gain }
    }

    /// What `to` gains over `from`; `None` where it cannot be built, or the search has been stopped.
    fn gain(&self, from: &Setting, to: &Setting) -> Option<Gain> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        (self.looked)();
        self.trials.gain((from, to), self.objective, self.documents)
    }

    fn clear_gain(&self, from: &Setting, to: &Setting) -> Option<f64> {
        let gain = self.gain(from, to)?;
        gain.is_clear(self.errors).then_some(gain.value)
    }
}
