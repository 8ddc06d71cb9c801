//! What a market told the outside: the last of it in memory, the rest in its log.
//!
//! A reader has a place of its own and reads when it likes: nothing is queued for it, so that a slow one costs no memory
//! and misses nothing. One that fell behind reads the log until it has caught up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// So many bytes are kept in memory.
const KEPT_BYTES: usize = 16 << 20;

/// The facts of one turn, as CloudEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which turn.
    pub offset: u64,
    /// A line of JSON for each, in order, each with its end.
    pub lines: Arc<[u8]>,
}

/// What a market told.
#[derive(Debug)]
pub struct Events {
    recent: Mutex<Recent>,
    /// Offset of the next turn to be released.
    next: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Recent {
    /// From this offset on, all is in memory.
    first: u64,
    told: VecDeque<Told>,
    bytes: usize,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// These facts; the reader goes on from `next`.
    Told {
        /// In order, perhaps none.
        told: Vec<Told>,
        /// Where to read next.
        next: u64,
    },
    /// They are not in memory any more: the log has them, up to this offset.
    Log {
        /// The first that is in memory.
        until: u64,
    },
    /// Nothing yet.
    Wait,
}

impl Events {
    /// None yet; the first turn will have this offset.
    pub fn from(first: u64) -> Self {
        Self { recent: Mutex::new(Recent { first, ..Recent::default() }), next: watch::Sender::new(first) }
    }

    /// Offset of the next turn to be released, as it goes on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    /// Offset of the next turn to be released.
    pub fn next(&self) -> u64 {
        *self.next.borrow()
    }

    /// Adds what was told by the turns from `from` to before `next`. If `from` is not where the last ended, what lies between
    /// is in the log.
    pub fn extend(&self, from: u64, told: Vec<Told>, next: u64) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if from != self.next() {
            *recent = Recent { first: from, ..Recent::default() };
        }
        recent.bytes += told.iter().map(|told| told.lines.len()).sum::<usize>();
        recent.told.extend(told);
        while recent.bytes > KEPT_BYTES
            && let Some(told) = recent.told.pop_front()
        {
            recent.bytes -= told.lines.len();
            recent.first = told.offset + 1;
        }
        drop(recent);
        self.next.send_replace(next);
    }

    /// What was told from the turn at `at` on, by at most `most` turns.
    pub fn read(&self, at: u64, most: usize) -> Read {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next();
        if at < recent.first {
            return Read::Log { until: recent.first };
        }
        if at >= next {
            return Read::Wait;
        }
        let start = recent.told.partition_point(|told| told.offset < at);
        let told: Vec<Told> = recent.told.iter().skip(start).take(most).cloned().collect();
        let next = told.last().filter(|_| told.len() == most).map_or(next, |last| last.offset + 1);
        Read::Told { told, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(offset: u64, bytes: usize) -> Told {
        Told { offset, lines: vec![b'x'; bytes].into() }
    }

    #[test]
    fn a_reader_gets_each_fact_once() {
        let events = Events::from(0);
        assert_eq!(events.read(0, 10), Read::Wait);
        events.extend(0, vec![told(1, 1), told(4, 1)], 6);
        assert_eq!(events.read(0, 10), Read::Told { told: vec![told(1, 1), told(4, 1)], next: 6 });
        assert_eq!(events.read(0, 1), Read::Told { told: vec![told(1, 1)], next: 2 });
        assert_eq!(events.read(2, 1), Read::Told { told: vec![told(4, 1)], next: 5 });
        assert_eq!(events.read(5, 1), Read::Told { told: vec![], next: 6 });
        assert_eq!(events.read(6, 1), Read::Wait);
    }

    #[test]
    fn what_is_too_much_for_memory_is_in_the_log() {
        let events = Events::from(0);
        events.extend(0, vec![told(0, KEPT_BYTES / 2), told(3, KEPT_BYTES / 2)], 5);
        assert!(matches!(events.read(0, 1), Read::Told { .. }));
        events.extend(5, vec![told(7, 1)], 9);
        assert_eq!(events.read(0, 1), Read::Log { until: 1 });
        assert!(matches!(events.read(1, 1), Read::Told { next: 4, .. }));
    }

    #[test]
    fn a_market_that_was_opened_again_goes_on_elsewhere() {
        let events = Events::from(0);
        events.extend(0, vec![told(0, 1)], 1);
        events.extend(40, vec![told(41, 1)], 42);
        assert_eq!(events.read(0, 9), Read::Log { until: 40 });
        assert_eq!(events.read(40, 9), Read::Told { told: vec![told(41, 1)], next: 42 });
    }
}
