//! Who does things when they are due, whatever became of what was done before.
//!
//! Each of the crew has a connection of its own and does one thing at a time. One waits for the next to fall due; when it goes
//! to do it, another takes the watch, and where none is free, one more is hired. So nothing waits for an answer, and what still
//! begins late, as there are never more than so many at work, counts from when it was due.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Somebody of the crew: does a job that was due then.
pub type Hand<J> = Box<dyn FnMut(Instant, J)>;

/// A crew at work.
pub struct Crew<J: Send + 'static>(Arc<Shared<J>>);

struct Shared<J> {
    work: Mutex<Work<J>>,
    /// The next job is another one than it was, for who has the watch.
    changed: Condvar,
    /// Nobody has the watch.
    vacant: Condvar,
    hire: Box<dyn Fn() -> Hand<J> + Send + Sync>,
    most: usize,
}

struct Work<J> {
    line: BinaryHeap<Reverse<Due<J>>>,
    /// Jobs so far: those of one instant go in the order in which they came.
    count: u64,
    /// Somebody waits for the next to fall due.
    is_watched: bool,
    /// How many wait for the watch.
    free: usize,
    is_over: bool,
    hands: Vec<JoinHandle<()>>,
}

struct Due<J> {
    at: Instant,
    number: u64,
    job: J,
}

impl<J> Due<J> {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<J> PartialEq for Due<J> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<J> Eq for Due<J> {}

impl<J> PartialOrd for Due<J> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> Ord for Due<J> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<J: Send + 'static> Clone for Crew<J> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<J: Send + 'static> Crew<J> {
    /// A crew of `first` at first, and of `most` at most. `hire` is called in the thread of the new one.
    pub fn new(first: usize, most: usize, hire: impl Fn() -> Hand<J> + Send + Sync + 'static) -> Self {
        let work = Work {
            line: BinaryHeap::new(),
            count: 0,
            is_watched: false,
            free: 0,
            is_over: false,
            hands: Vec::with_capacity(most),
        };
        let (changed, vacant) = (Condvar::new(), Condvar::new());
        let shared = Shared { work: Mutex::new(work), changed, vacant, hire: Box::new(hire), most: most.max(1) };
        let crew = Self(Arc::new(shared));
        let mut work = crew.0.lock();
        for _ in 0..first.clamp(1, most.max(1)) {
            crew.0.clone().hire(&mut work);
        }
        drop(work);
        crew
    }

    /// Something is to be done at `at`.
    pub fn push(&self, at: Instant, job: J) {
        let mut work = self.0.lock();
        work.count += 1;
        let due = Due { at, number: work.count, job };
        let is_next = work.line.peek().is_none_or(|Reverse(next)| due < *next);
        work.line.push(Reverse(due));
        if !is_next {
            return;
        }
        if work.is_watched { self.0.changed.notify_one() } else { self.0.vacant.notify_one() }
    }

    /// How many jobs are due and not begun.
    pub fn behind(&self) -> usize {
        let now = Instant::now();
        self.0.lock().line.iter().filter(|Reverse(due)| due.at <= now).count()
    }

    /// How many there are of them.
    pub fn size(&self) -> usize {
        self.0.lock().hands.len()
    }

    /// Leaves undone what is not begun, and returns once nobody is at work.
    pub fn end(&self) {
        let mut work = self.0.lock();
        work.is_over = true;
        work.line.clear();
        let hands = std::mem::take(&mut work.hands);
        drop(work);
        self.0.changed.notify_all();
        self.0.vacant.notify_all();
        for hand in hands {
            if let Err(panic) = hand.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl<J: Send + 'static> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, Work<J>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, unless there are enough.
    fn hire(self: Arc<Self>, work: &mut Work<J>) {
        if work.hands.len() < self.most {
            // By the name its time is told from that of a market in the same process.
            let thread = std::thread::Builder::new().name(super::usage::THREAD.to_owned()).stack_size(256 << 10);
            // Where the machine gives no more threads those that there are do it.
            work.hands.extend(thread.spawn(move || self.work()));
        }
    }

    fn work(self: Arc<Self>) {
        let mut hand = (self.hire)();
        let mut work = self.lock();
        loop {
            while work.is_watched && !work.is_over {
                work.free += 1;
                work = self.vacant.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.free -= 1;
            }
            if work.is_over {
                return;
            }
            work.is_watched = true;
            let next = loop {
                let now = Instant::now();
                let wait = work.line.peek().map(|Reverse(next)| next.at.saturating_duration_since(now));
                match wait {
                    _ if work.is_over => break None,
                    Some(wait) if wait.is_zero() => break work.line.pop(),
                    Some(wait) => {
                        work = self.changed.wait_timeout(work, wait).unwrap_or_else(PoisonError::into_inner).0;
                    }
                    None => work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner),
                }
            };
            work.is_watched = false;
            let Some(Reverse(Due { at, job, .. })) = next else { return };
            if work.free > 0 {
                self.vacant.notify_one();
            } else {
                self.clone().hire(&mut work);
            }
            drop(work);
            hand(at, job);
            work = self.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_waits_for_an_answer_that_does_not_come() {
        let (begun, began) = channel();
        let (answer, answers) = channel::<()>();
        let answers = Arc::new(Mutex::new(answers));
        let crew = Crew::new(1, 64, move || {
            let (begun, answers) = (begun.clone(), answers.clone());
            Box::new(move |_, job: u32| {
                begun.send(job).expect("it is heard");
                // The first one is not answered before all others have begun.
                if job == 0 {
                    let _ = answers.lock().expect("nobody panics").recv();
                }
            })
        });
        let now = Instant::now();
        (0..40).for_each(|job| crew.push(now, job));
        let mut all: Vec<u32> = began.iter().take(40).collect();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
        answer.send(()).expect("it is waited for");
        crew.end();
    }

    #[test]
    fn what_is_due_first_is_begun_first_and_none_too_early() {
        let (done, all) = channel();
        let crew = Crew::new(1, 1, move || {
            let done = done.clone();
            Box::new(move |due: Instant, job: u32| {
                done.send((job, due <= Instant::now())).expect("it is heard");
            })
        });
        let later = Instant::now() + Duration::from_millis(30);
        for (after, job) in [(20, 3), (0, 1), (10, 2), (20, 4)] {
            crew.push(later + Duration::from_millis(after), job);
        }
        assert_eq!(all.iter().take(4).collect::<Vec<_>>(), [(1, true), (2, true), (3, true), (4, true)]);
        crew.end();
    }
}
