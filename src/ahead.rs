//! An iterator that runs in a thread of its own, one item ahead of whoever takes its items: how the stages of a run
//! over a corpus work beside each other in bounded memory.

use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// The items of an iterator that runs in a thread of its own. One waits while the next is made.
///
/// The thread ends with the iterator, or with the item at hand once this is dropped. Where it panics, so does who
/// asks for the next item: an end is never taken for one that is none.
#[derive(Debug)]
pub struct Ahead<'scope, T> {
    items: Receiver<T>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope, T: Send + 'scope> Ahead<'scope, T> {
    /// Starts the thread.
    pub fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        items: impl Iterator<Item = T> + Send + 'scope,
    ) -> Self {
        let (sender, receiver) = sync_channel(1);
        let thread = scope.spawn(move || {
            for item in items {
                if sender.send(item).is_err() {
                    return;
                }
            }
        });
        Self { items: receiver, thread: Some(thread) }
    }
}

impl<T> Iterator for Ahead<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Ok(item) = self.items.recv() {
            return Some(item);
        }
        if let Some(Err(panic)) = self.thread.take().map(ScopedJoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}

impl<T> FusedIterator for Ahead<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
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
}
