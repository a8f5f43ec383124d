//! Random choices of documents. Each round has a stream of its own, so that rounds may run in any order
//! and on any thread.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is drawn of a round's stream.
#[derive(Clone, Copy)]
enum Purpose {
    Documents = 0,
    Coins = 1,
}

fn stream(seed: u64, round: usize, purpose: Purpose) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(2 * round as u64 + purpose as u64);
    random
}

/// As many documents as there are, with replacement.
pub(super) fn documents(seed: u64, round: usize, documents: usize) -> Vec<usize> {
    let mut random = stream(seed, round, Purpose::Documents);
    let Ok(count) = u32::try_from(documents) else {
        return (0..documents).map(|_| random.random_range(0..documents)).collect();
    };
    // A range of 32 bits takes half the random bits of one of 64.
    (0..count).map(|_| random.random_range(0..count) as usize).collect()
}

/// A coin for each document.
pub(super) fn coins(seed: u64, round: usize, documents: usize) -> Vec<bool> {
    let mut random = stream(seed, round, Purpose::Coins);
    let mut coins = Vec::with_capacity(documents);
    while coins.len() < documents {
        let bits = random.next_u64();
        let more = (documents - coins.len()).min(64);
        coins.extend((0..more).map(|bit| bits >> bit & 1 == 1));
    }
    coins
}
