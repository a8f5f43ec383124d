//! What was worked out before, kept within a bound of memory: an answer that is asked for again need not be worked
//! out again. It decides nothing; what comes out is the same with and without it.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rayon::prelude::*;

/// After so many questions a cache that knew hardly any answer is given up.
const TRIAL: u64 = 4096;

/// It is kept where it knew one answer in so many.
const WORTH_IT: u64 = 50;

/// What an entry takes besides its key and value, in bytes, about.
const ENTRY: usize = 64;

/// A thread hashes at least so many questions, which takes it longer than to be woken.
const HASHED_AT_ONCE: usize = 256;

/// Answers by what was asked, of which the oldest are forgotten.
///
/// There are two generations, each of half the bytes: what is asked for is in the young one, and when that is
/// full the old one is forgotten and the young one is old.
///
/// All hashes are worked out before the lock is taken, those of several questions by all threads: what one thread does
/// for all documents is little beside what each does for its own.
#[derive(Debug)]
pub struct Cache<K, V> {
    state: Mutex<State<K, V>>,
    hashing: RandomState,
    limit: usize,
}

#[derive(Debug)]
struct State<K, V> {
    young: HashTable<Answer<K, V>>,
    old: HashTable<Answer<K, V>>,
    /// The bytes of the young generation.
    bytes: usize,
    usage: CacheUse,
    is_given_up: bool,
}

/// What is known, with the hash of its key, so that tables grow without looking at keys.
#[derive(Debug)]
struct Answer<K, V> {
    hash: u64,
    key: K,
    value: V,
    bytes: usize,
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
    /// The hash of each, for [`Cache::put`].
    pub hashes: Vec<u64>,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache that takes about so many bytes at most.
    pub fn new(limit: usize) -> Self {
        let state = State {
            young: HashTable::new(),
            old: HashTable::new(),
            bytes: 0,
            usage: CacheUse::default(),
            is_given_up: false,
        };
        Self { state: Mutex::new(state), hashing: RandomState::new(), limit }
    }

    /// Whether it is of use: not where it knew next to nothing of what it was asked.
    pub fn is_on(&self) -> bool {
        !self.state().is_given_up
    }

    /// Notes the answer to a question of this hash (see [`Sorted::hashes`]), that with its key takes so many bytes,
    /// about. What takes more than a sixteenth of the cache is not noted.
    pub fn put(&self, hash: u64, key: K, value: V, bytes: usize) {
        let state = &mut *self.state();
        let bytes = bytes.saturating_add(ENTRY);
        if !state.is_given_up && bytes <= self.limit / 16 {
            state.insert(Answer { hash, key, value, bytes }, self.limit);
        }
    }

    /// Counts a question that it did not know as one that it knew: the same was just asked, and one answer does
    /// for both.
    pub fn count_as_known(&self) {
        self.state().usage.known += 1;
    }

    /// Which of several questions have to be asked, by their numbers: of those that are the same, only the first.
    pub fn sort<Q>(&self, questions: &[&Q]) -> Sorted<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + Sync + ?Sized,
    {
        let hashing = &self.hashing;
        let hash = |question: &&Q| hashing.hash_one(*question);
        let hashes: Vec<u64> =
            questions.par_iter().with_min_len(HASHED_AT_ONCE).map(hash).collect();
        let mut first: HashTable<usize> = HashTable::new();
        let (mut known, mut repeated) = (Vec::with_capacity(questions.len()), Vec::new());
        let mut asked = Vec::new();
        let state = &mut *self.state();
        for (number, (question, hash)) in questions.iter().zip(&hashes).enumerate() {
            let answer = state.get(*hash, *question, self.limit);
            if answer.is_none() {
                let is_same = |other: &usize| questions[*other] == *question;
                match first.entry(*hash, is_same, |other| hashes[*other]) {
                    Entry::Occupied(earlier) => repeated.push((number, *earlier.get())),
                    Entry::Vacant(place) => {
                        place.insert(number);
                        asked.push(number);
                    }
                }
            }
            known.push(answer);
        }
        Sorted { known, asked, repeated, hashes }
    }

    /// How often it was asked so far, and knew the answer.
    pub fn usage(&self) -> CacheUse {
        self.state().usage
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq, V: Clone> State<K, V> {
    /// The answer to a question of this hash, where it is known; it is young then.
    fn get<Q: Eq + ?Sized>(&mut self, hash: u64, question: &Q, limit: usize) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if self.is_given_up {
            return None;
        }
        self.usage.asked += 1;
        let is_it = |answer: &Answer<K, V>| answer.key.borrow() == question;
        let mut known = self.young.find(hash, is_it).map(|answer| answer.value.clone());
        if known.is_none()
            && let Ok(place) = self.old.find_entry(hash, is_it)
        {
            let (answer, _) = place.remove();
            known = Some(answer.value.clone());
            self.insert(answer, limit);
        }
        self.usage.known += u64::from(known.is_some());
        let CacheUse { asked, known: hits } = self.usage;
        if asked >= TRIAL && hits < asked / WORTH_IT {
            self.is_given_up = true;
            (self.young, self.old) = (HashTable::new(), HashTable::new());
        }
        known
    }

    fn insert(&mut self, answer: Answer<K, V>, limit: usize) {
        if self.bytes.saturating_add(answer.bytes) > limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += answer.bytes;
        let is_it = |other: &Answer<K, V>| other.key == answer.key;
        match self.young.entry(answer.hash, is_it, |other| other.hash) {
            Entry::Occupied(mut place) => {
                self.bytes -= place.get().bytes;
                *place.get_mut() = answer;
            }
            Entry::Vacant(place) => drop(place.insert(answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The answer to one question.
    fn get<K: Hash + Eq + Sync, V: Clone>(cache: &Cache<K, V>, key: &K) -> Option<V> {
        cache.sort(&[key]).known.pop().flatten()
    }

    fn put<K: Hash + Eq, V: Clone>(cache: &Cache<K, V>, key: K, value: V, bytes: usize) {
        let hash = cache.hashing.hash_one(&key);
        cache.put(hash, key, value, bytes);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let cache: Cache<String, usize> = Cache::new(64 * (ENTRY + 100));
        put(&cache, "often".to_owned(), 0, 100);
        for number in 1..200 {
            put(&cache, number.to_string(), number, 100);
            assert_eq!(get(&cache, &"often".to_owned()), Some(0), "{number}");
        }
        assert_eq!(get(&cache, &"199".to_owned()), Some(199));
        assert_eq!(get(&cache, &"1".to_owned()), None);
        assert_eq!(cache.usage(), CacheUse { asked: 201, known: 200 });
    }

    #[test]
    fn what_is_large_is_not_kept() {
        let cache: Cache<u8, u8> = Cache::new(16_000);
        put(&cache, 1, 1, 1_000 - ENTRY);
        put(&cache, 2, 2, 1_001 - ENTRY);
        assert_eq!((get(&cache, &1), get(&cache, &2)), (Some(1), None));
    }

    #[test]
    fn one_that_knows_nothing_is_given_up_and_one_that_knows_something_is_not() {
        for (repeats, is_on) in [(0, false), (WORTH_IT / 2, true)] {
            let cache: Cache<u64, u64> = Cache::new(1 << 20);
            for number in 0..2 * TRIAL {
                if repeats > 0 && number % repeats == 0 {
                    put(&cache, number, number, 8);
                }
                assert!(get(&cache, &number).is_none_or(|known| known == number));
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
            let mut told = std::collections::HashMap::new();
            for (key, bytes) in questions {
                let known = get(&cache, &key);
                prop_assert!(known.is_none() || known == told.get(&key).copied());
                if known.is_none() {
                    put(&cache, key, bytes, bytes);
                    told.insert(key, bytes);
                }
                let state = cache.state();
                let held = |map: &HashTable<Answer<u8, usize>>| map.iter().map(|answer| answer.bytes).sum::<usize>();
                prop_assert_eq!(state.bytes, held(&state.young));
                prop_assert!(held(&state.young) + held(&state.old) <= limit);
            }
        }
    }
}
