//! An iterator that runs in threads of its own, ahead of whoever takes its items: how the stages of a run
//! over a corpus work beside each other in bounded memory.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// The items of an iterator that runs in a thread of its own, or what several threads make of them, in their order. Of each thread
/// one waits while the next is made.
///
/// The threads end with the iterator, or with the items at hand once this is dropped. Where one panics, so does who
/// asks for its item: an end is never taken for one that is none.
#[derive(Debug)]
pub struct Ahead<'scope, T> {
    /// What each thread has made, the one whose turn it is first.
    made: VecDeque<Receiver<T>>,
    threads: Vec<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope, T: Send + 'scope> Ahead<'scope, T> {
    /// Starts the thread.
    pub fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        items: impl Iterator<Item = T> + Send + 'scope,
    ) -> Self {
        Self::working(scope, items, 1, |item| item)
    }

    /// Starts `workers` threads (at least one) which make something of the items, side by side. They take them one after
    /// another, each when it has nothing at hand and those before it have taken theirs.
    pub fn working<'env, I: Iterator + Send + 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        items: I,
        workers: usize,
        work: impl Fn(I::Item) -> T + Send + Sync + 'scope,
    ) -> Self {
        let workers = workers.max(1);
        let work = Arc::new(work);
        // The iterator goes round from thread to thread: who has it takes the next item.
        let (mut hands, mut given) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (hand, take) = sync_channel::<I>(1);
            hands.push(hand);
            given.push(take);
        }
        hands[0].send(items).expect("nobody has dropped the other end");
        hands.rotate_left(1);
        let start = |(hand_on, given): (SyncSender<I>, Receiver<I>)| {
            let (sender, made) = sync_channel(1);
            let work = Arc::clone(&work);
            let thread = scope.spawn(move || {
                while let Ok(mut items) = given.recv() {
                    let Some(item) = items.next() else { return };
                    // Nobody is there to take it where a thread has panicked.
                    let is_taken = hand_on.send(items).is_ok();
                    if sender.send(work(item)).is_err() || !is_taken {
                        return;
                    }
                }
            });
            (made, thread)
        };
        let (made, threads) = hands.into_iter().zip(given).map(start).unzip();
        Self { made, threads }
    }
}

impl<T> Iterator for Ahead<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Some(Ok(item)) = self.made.front().map(Receiver::recv) {
            self.made.rotate_left(1);
            return Some(item);
        }
        // Whoever waits to hand something over is let go.
        self.made.clear();
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
        None
    }
}

impl<T> FusedIterator for Ahead<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn items_come_in_their_order_through_two_stages() {
        thread::scope(|scope| {
            let numbers = Ahead::new(scope, 0..1000);
            let squares = Ahead::new(scope, numbers.map(|n| n * n));
            assert!(squares.eq((0..1000).map(|n| n * n)));
        });
    }

    #[test]
    fn a_thread_whose_items_nobody_takes_ends() {
        let made = AtomicUsize::new(0);
        thread::scope(|scope| {
            let mut numbers = Ahead::new(
                scope,
                (0..).inspect(|_| {
                    made.fetch_add(1, Ordering::Relaxed);
                }),
            );
            assert_eq!(numbers.next(), Some(0));
        });
        // The one that was taken, one that waited, and one at hand.
        assert!(made.into_inner() <= 3);
    }

    #[test]
    fn what_several_threads_make_comes_in_the_order_of_the_items() {
        for workers in [0, 1, 2, 3, 7] {
            for count in [0, 1, 2, 5, 500] {
                thread::scope(|scope| {
                    let squares = Ahead::working(scope, 0..count, workers, |n| n * n);
                    assert!(squares.eq((0..count).map(|n| n * n)), "{count} by {workers}");
                });
            }
        }
    }

    #[test]
    fn as_many_threads_work_side_by_side_as_there_are() {
        // Each waits for the other: alone, neither would end.
        let both = Barrier::new(2);
        thread::scope(|scope| {
            let waits = Ahead::working(scope, 0..10, 2, |n| {
                both.wait();
                n
            });
            assert!(waits.eq(0..10));
        });
    }

    #[test]
    fn threads_whose_items_nobody_takes_end() {
        let made = AtomicUsize::new(0);
        thread::scope(|scope| {
            let mut numbers = Ahead::working(scope, 0.., 3, |n: usize| {
                made.fetch_add(1, Ordering::Relaxed);
                n
            });
            assert_eq!(numbers.next(), Some(0));
        });
        // Of each thread one that waited and one at hand, and the one that was taken.
        assert!(made.into_inner() <= 7);
    }

    #[test]
    fn a_panic_is_not_an_end() {
        let of_panic = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|scope| {
                let items =
                    Ahead::new(scope, (0..3).map(|n| if n < 2 { n } else { panic!("at {n}") }));
                Ahead::new(scope, items).count()
            })
        }));
        assert_eq!(of_panic.unwrap_err().downcast_ref::<String>().unwrap(), "at 2");
    }

    #[test]
    fn a_panic_of_one_of_several_is_not_an_end() {
        for at in 0..5 {
            let of_panic = catch_unwind(AssertUnwindSafe(|| {
                thread::scope(|scope| {
                    let work = |n| if n == at { panic!("at {n}") } else { n };
                    Ahead::working(scope, 0..100, 3, work).count()
                })
            }));
            let message = format!("at {at}");
            assert_eq!(*of_panic.unwrap_err().downcast_ref::<String>().unwrap(), message);
        }
    }
}
