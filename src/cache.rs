//! What was worked out before, kept within a bound of memory: an answer that is asked for again need not be worked
//! out again. It decides nothing; what comes out is the same with and without it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// After so many questions a cache that knew hardly any answer is given up.
const TRIAL: u64 = 4096;

/// It is kept where it knew one answer in so many.
const WORTH_IT: u64 = 50;

/// What an entry takes besides its key and value, in bytes, about.
const ENTRY: usize = 64;

/// Answers by what was asked, of which the oldest are forgotten.
///
/// There are two generations, each of half the bytes: what is asked for is in the young one, and when that is
/// full the old one is forgotten and the young one is old.
#[derive(Debug)]
pub struct Cache<K, V> {
    state: Mutex<State<K, V>>,
    limit: usize,
}

#[derive(Debug)]
struct State<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    /// The bytes of the young generation.
    bytes: usize,
    usage: CacheUse,
    is_given_up: bool,
}

/// How often a cache was asked, and how often it knew the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// The questions.
    pub asked: u64,
    /// Those of which the answer was known.
    pub known: u64,
}

/// Several questions, by their numbers.
#[derive(Debug)]
pub struct Sorted<V> {
    /// The answers that are known.
    pub known: Vec<Option<V>>,
    /// Which have to be asked.
    pub asked: Vec<usize>,
    /// Which are not known and the same as an earlier one that has to be asked, with that one.
    pub repeated: Vec<(usize, usize)>,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache that takes about so many bytes at most.
    pub fn new(limit: usize) -> Self {
        let state = State {
            young: HashMap::new(),
            old: HashMap::new(),
            bytes: 0,
            usage: CacheUse::default(),
            is_given_up: false,
        };
        Self { state: Mutex::new(state), limit }
    }

    /// Whether it is of use: not where it knew next to nothing of what it was asked.
    pub fn is_on(&self) -> bool {
        !self.state().is_given_up
    }

    /// The answer to a question, where it is known.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let state = &mut *self.state();
        if state.is_given_up {
            return None;
        }
        state.usage.asked += 1;
        let known = match state.young.get(key) {
            Some((value, _)) => Some(value.clone()),
            None => {
                let moved = state.old.remove_entry(key);
                moved.map(|(key, (value, bytes))| {
                    let answer = value.clone();
                    state.insert(key, value, bytes, self.limit);
                    answer
                })
            }
        };
        state.usage.known += u64::from(known.is_some());
        let CacheUse { asked, known: hits } = state.usage;
        if asked >= TRIAL && hits < asked / WORTH_IT {
            state.is_given_up = true;
            (state.young, state.old) = (HashMap::new(), HashMap::new());
        }
        known
    }

    /// Notes an answer that with its key takes so many bytes, about. What takes more than a sixteenth of the cache
    /// is not noted.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        let state = &mut *self.state();
        let bytes = bytes.saturating_add(ENTRY);
        if !state.is_given_up && bytes <= self.limit / 16 {
            state.insert(key, value, bytes, self.limit);
        }
    }

    /// Counts a question that it did not know as one that it knew: the same was just asked, and one answer does
    /// for both.
    pub fn count_as_known(&self) {
        self.state().usage.known += 1;
    }

    /// Which of several questions have to be asked, by their numbers: of those that are the same, only the first.
    pub fn sort<'q, Q>(&self, questions: impl IntoIterator<Item = &'q Q>) -> Sorted<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'q,
    {
        let (mut first, mut known, mut repeated) = (HashMap::new(), Vec::new(), Vec::new());
        let mut asked = Vec::new();
        for (number, question) in questions.into_iter().enumerate() {
            let answer = self.get(question);
            if answer.is_none() {
                match first.entry(question) {
                    Entry::Occupied(earlier) => repeated.push((number, *earlier.get())),
                    Entry::Vacant(place) => {
                        place.insert(number);
                        asked.push(number);
                    }
                }
            }
            known.push(answer);
        }
        Sorted { known, asked, repeated }
    }

    /// How often it was asked so far, and knew the answer.
    pub fn usage(&self) -> CacheUse {
        self.state().usage
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> State<K, V> {
    fn insert(&mut self, key: K, value: V, bytes: usize, limit: usize) {
        if self.bytes.saturating_add(bytes) > limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += bytes;
        if let Some((_, before)) = self.young.insert(key, (value, bytes)) {
            self.bytes -= before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let cache: Cache<String, usize> = Cache::new(64 * (ENTRY + 100));
        cache.put("often".to_owned(), 0, 100);
        for number in 1..200 {
            cache.put(number.to_string(), number, 100);
            assert_eq!(cache.get("often"), Some(0), "{number}");
        }
        assert_eq!(cache.get("199"), Some(199));
        assert_eq!(cache.get("1"), None);
        assert_eq!(cache.usage(), CacheUse { asked: 201, known: 200 });
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let cache: Cache<u8, u8> = Cache::new(16_000);
        cache.put(1, 1, 1_000 - ENTRY);
        cache.put(2, 2, 1_001 - ENTRY);
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), None));
    }

    #[test]
    fn one_that_knows_nothing_is_given_up_and_one_that_knows_something_is_not() {
        for (repeats, is_on) in [(0, false), (WORTH_IT / 2, true)] {
            let cache: Cache<u64, u64> = Cache::new(1 << 20);
            for number in 0..2 * TRIAL {
                if repeats > 0 && number % repeats == 0 {
                    cache.put(number, number, 8);
                }
                assert!(cache.get(&number).is_none_or(|known| known == number));
            }
            assert_eq!(cache.is_on(), is_on, "{repeats}");
        }
    }

    proptest! {
        #[test]
        fn what_it_knows_is_what_it_was_told_and_its_bytes_are_bounded(
            questions in proptest::collection::vec((0u8..40, 0usize..60), 0..300),
        ) {
            let limit = 16 * (ENTRY + 60);
            let cache: Cache<u8, usize> = Cache::new(limit);
            let mut told = HashMap::new();
            for (key, bytes) in questions {
                let known = cache.get(&key);
                prop_assert!(known.is_none() || known == told.get(&key).copied());
                if known.is_none() {
                    cache.put(key, bytes, bytes);
                    told.insert(key, bytes);
                }
                let state = cache.state();
                let held = |map: &HashMap<u8, (usize, usize)>| map.values().map(|v| v.1).sum::<usize>();
                prop_assert_eq!(state.bytes, held(&state.young));
                prop_assert!(held(&state.young) + held(&state.old) <= limit);
            }
        }
    }
}
