//! Where does the time of a run go? Clocks for its stages, read on every thread, which count the time of a stage
//! without that of the stages inside it. A profile that is off reads no clock.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of the work on documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Documents are read and parsed.
    Read,
    /// The engine waits for documents to be read.
    Wait,
    /// Documents are with the engine: what its threads do not account for is their coming together.
    Tag,
    /// Texts are folded.
    Fold,
    /// Words and sentences are found.
    Segment,
    /// Mentions become entities.
    Merge,
    /// Entities are written.
    Write,
    /// A source, by its number in the engine, looks for mentions.
    Source(usize),
}

/// The stages besides the sources.
const OTHERS: usize = 7;

impl Stage {
    fn index(self) -> usize {
        match self {
            Self::Read => 0,
            Self::Wait => 1,
            Self::Tag => 2,
            Self::Fold => 3,
            Self::Segment => 4,
            Self::Merge => 5,
            Self::Write => 6,
            Self::Source(number) => OTHERS + number,
        }
    }
}

/// How long the stages of a run took; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Profile(Option<Arc<Clocks>>);

#[derive(Debug)]
struct Clocks {
    began: Instant,
    nanoseconds: Vec<AtomicU64>,
}

/// A stage that is running on a thread.
struct Lap {
    clocks: Arc<Clocks>,
    stage: usize,
    /// When it began, or went on after a stage inside it.
    since: Instant,
}

thread_local! {
    /// The innermost stage that is running.
    static LAP: RefCell<Option<Lap>> = const { RefCell::new(None) };
}

impl Profile {
    /// A profile that counts nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// A profile of a run, which begins now, of an engine with so many sources.
    pub fn recording(sources: usize) -> Self {
        let nanoseconds = (0..OTHERS + sources).map(|_| AtomicU64::new(0)).collect();
        Self(Some(Arc::new(Clocks { began: Instant::now(), nanoseconds })))
    }

    /// The profile that counts the stage which is running on this thread: for those who hand a part of it to
    /// other threads.
    pub fn here() -> Self {
        Self(LAP.with_borrow(|lap| lap.as_ref().map(|lap| lap.clocks.clone())))
    }

    /// Whether it counts.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Does `work` and counts its time for the stage.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let Some(clocks) = &self.0 else { return work() };
        let _running = Running::start(clocks.clone(), stage.index());
        work()
    }

    /// The same items, and counts for the stage the time that making each takes.
    pub fn times<T>(
        self,
        stage: Stage,
        mut items: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        std::iter::from_fn(move || self.time(stage, || items.next()))
    }

    /// The time of a stage so far, summed over threads; zero where it counts nothing.
    pub fn of(&self, stage: Stage) -> Duration {
        let clock = self.0.as_ref().and_then(|clocks| clocks.nanoseconds.get(stage.index()));
        Duration::from_nanos(clock.map_or(0, |clock| clock.load(Ordering::Relaxed)))
    }

    /// The time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |clocks| clocks.began.elapsed())
    }
}

/// Does `work` and counts its time for a stage inside the one that is running on this thread; counts nothing
/// where none is.
pub fn time_inside<T>(stage: Stage, work: impl FnOnce() -> T) -> T {
    Profile::here().time(stage, work)
}

/// Ends a stage when it is dropped, also by a panic.
struct Running {
    outer: Option<Lap>,
}

impl Running {
    fn start(clocks: Arc<Clocks>, stage: usize) -> Self {
        let since = Instant::now();
        let outer = LAP.replace(Some(Lap { clocks, stage, since }));
        if let Some(outer) = &outer {
            outer.count(since);
        }
        Self { outer }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let now = Instant::now();
        let outer = self.outer.take().map(|lap| Lap { since: now, ..lap });
        if let Some(ended) = LAP.replace(outer) {
            ended.count(now);
        }
    }
}

impl Lap {
    fn count(&self, now: Instant) {
        let nanoseconds = now.saturating_duration_since(self.since).as_nanos();
        if let Some(clock) = self.clocks.nanoseconds.get(self.stage) {
            clock.fetch_add(u64::try_from(nanoseconds).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes until so much time has gone by.
    fn spin(time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {}
    }

    #[test]
    fn a_stage_does_not_count_what_is_inside_it() {
        let profile = Profile::recording(2);
        let (short, long) = (Duration::from_millis(1), Duration::from_millis(20));
        profile.time(Stage::Source(1), || {
            spin(short);
            time_inside(Stage::Fold, || spin(long));
        });
        assert!(profile.of(Stage::Fold) >= long);
        assert!(profile.of(Stage::Source(1)) >= short);
        let (outer, all) = (profile.of(Stage::Source(1)), profile.elapsed());
        assert!(outer + profile.of(Stage::Fold) <= all, "nothing is counted twice");
        assert_eq!(profile.of(Stage::Source(0)), Duration::ZERO);
    }

    #[test]
    fn other_threads_count_for_the_same_run() {
        let profile = Profile::recording(1);
        let time = Duration::from_millis(1);
        profile.time(Stage::Tag, || {
            let here = Profile::here();
            std::thread::scope(|scope| {
                scope.spawn(|| here.time(Stage::Merge, || spin(time)));
            });
        });
        assert!(profile.of(Stage::Merge) >= time);
    }

    #[test]
    fn what_is_off_counts_nothing_and_a_panic_ends_its_stages() {
        assert_eq!(Profile::off().time(Stage::Read, || time_inside(Stage::Fold, || 1)), 1);
        assert!(!Profile::here().is_on());
        let profile = Profile::recording(0);
        let panics = || profile.time(Stage::Read, || panic!("as asked"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert!(!Profile::here().is_on());
    }
}
