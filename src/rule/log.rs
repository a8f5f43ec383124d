//! What the rules of a source or pass did besides what they found: how long each took, and which were
//! given up. Recorded where that is asked for only.

use std::time::{Duration, Instant};

use crate::error::Error;

/// How the rules of one source or pass fared in one document. A log that is off reads no clock and
/// keeps nothing.
#[derive(Debug, Default)]
pub struct RuleLog {
    on: bool,
    shared: Duration,
    times: Vec<Duration>,
    given_up: Vec<(usize, Error)>,
}

impl RuleLog {
    /// A log that records.
    pub fn recording() -> Self {
        Self { on: true, ..Self::default() }
    }

    /// A log that records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether it records.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// The time now; `None` where nothing is recorded.
    pub fn start(&self) -> Option<Instant> {
        self.on.then(Instant::now)
    }

    /// Adds the time since `start` to what the rules share: finding out where each can match.
    pub fn stop_shared(&mut self, start: Option<Instant>) {
        self.shared += start.map_or(Duration::ZERO, |start| start.elapsed());
    }

    /// Adds the time since `start` to rule `number`, counted from 0 as its source or pass lists it.
    pub fn stop_rule(&mut self, number: usize, start: Option<Instant>) {
        let Some(start) = start else { return };
        if self.times.len() <= number {
            self.times.resize(number + 1, Duration::ZERO);
        }
        self.times[number] += start.elapsed();
    }

    /// Takes the warning that rule `number` was given up; gives it back where nothing is recorded.
    pub fn give_up(&mut self, number: usize, warning: Error) -> Option<Error> {
        if !self.on {
            return Some(warning);
        }
        self.given_up.push((number, warning));
        None
    }

    /// The time of what the rules share.
    pub fn shared(&self) -> Duration {
        self.shared
    }

    /// The time of each rule; rules that were not tried may be missing at the end.
    pub fn times(&self) -> &[Duration] {
        &self.times
    }

    /// The rules that were given up, by number, each with the warning that says why.
    pub fn into_given_up(self) -> Vec<(usize, Error)> {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn warning() -> Error {
        Error::new(ErrorKind::Rule, "given up")
    }

    #[test]
    fn a_log_that_is_off_reads_no_clock_and_gives_warnings_back() {
        let mut log = RuleLog::off();
        let start = log.start();
        assert!(start.is_none());
        log.stop_shared(start);
        log.stop_rule(3, start);
        assert!(log.give_up(3, warning()).is_some());
        assert_eq!((log.shared(), log.times().len()), (Duration::ZERO, 0));
        assert!(log.into_given_up().is_empty());
    }

    #[test]
    fn a_log_that_records_keeps_times_and_warnings_by_rule() {
        let mut log = RuleLog::recording();
        let start = Instant::now().checked_sub(Duration::from_millis(5));
        assert!(log.start().is_some());
        log.stop_shared(start);
        log.stop_rule(1, start);
        log.stop_rule(1, start);
        assert!(log.shared() >= Duration::from_millis(5));
        assert_eq!((log.times().len(), log.times()[0]), (2, Duration::ZERO));
        assert!(log.times()[1] >= Duration::from_millis(10));
        assert!(log.give_up(1, warning()).is_none());
        let numbers: Vec<usize> = log.into_given_up().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1]);
    }
}
