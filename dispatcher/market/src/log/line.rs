//! Turns in line for a thread: many come one by one, and are taken all at once.

use hansom_engine::Turn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// So many turns may wait.
const TURNS: usize = 16_384;

/// Turns in line for a thread.
#[derive(Debug)]
pub(crate) struct Line {
    /// So many events may wait; whoever brings more waits then.
    most_events: usize,
    inner: Mutex<Waiting>,
    /// Something came, or nothing more will.
    came: Condvar,
    /// Something went, or nobody takes any more.
    went: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    turns: Vec<Arc<Turn>>,
    events: usize,
    /// Nothing more will come.
    closed: bool,
    /// Nobody takes any more.
    abandoned: bool,
}

/// Nobody takes turns from the line any more.
#[derive(Debug)]
pub(crate) struct Abandoned;

impl Line {
    /// One with room for so many events.
    pub fn of(most_events: usize) -> Self {
        Self { most_events, inner: Mutex::default(), came: Condvar::new(), went: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts turns into line, once there is room for the first of them.
    pub fn join(&self, turns: impl IntoIterator<Item = Arc<Turn>>) -> Result<(), Abandoned> {
        let mut waiting = self.lock();
        while !waiting.abandoned && (waiting.turns.len() >= TURNS || waiting.events >= self.most_events) {
            waiting = self.went.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.abandoned {
            return Err(Abandoned);
        }
        let was_empty = waiting.turns.is_empty();
        for turn in turns {
            waiting.events += turn.events.len();
            waiting.turns.push(turn);
        }
        if was_empty {
            self.came.notify_one();
        }
        Ok(())
    }

    /// Everything in line, as soon as there is something; nothing once the line is closed.
    pub fn take(&self) -> Vec<Arc<Turn>> {
        let mut waiting = self.lock();
        while waiting.turns.is_empty() && !waiting.closed {
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.events = 0;
        self.went.notify_all();
        std::mem::take(&mut waiting.turns)
    }

    /// Says that nothing more will come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.came.notify_one();
    }

    /// Says that nobody takes any more, when what is returned is dropped: however the thread ends.
    pub fn taker(&self) -> Taker<'_> {
        Taker(self)
    }
}

/// Whoever takes turns from a line.
#[derive(Debug)]
pub(crate) struct Taker<'a>(&'a Line);

impl Drop for Taker<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.abandoned = true;
        waiting.turns = Vec::new();
        self.0.went.notify_all();
    }
}
