//! Durable turns for readers beside the market, such as those who keep its read models current.
//!
//! Nobody ever waits for a reader: who is too slow loses what is in line, finds a gap, and reads the log instead.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hansom_engine::Turn;

/// So many events may be in line. Above it, all that is in line is in the log only.
const MOST_EVENTS: usize = 1 << 17;
/// So many turns.
const MOST_TURNS: usize = 1 << 15;

/// Durable turns in line for one reader.
#[derive(Debug, Default)]
pub struct Feed {
    line: Mutex<Line>,
    /// Something came, or nothing more will.
    came: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    turns: Vec<Arc<Turn>>,
    events: usize,
    /// Nothing more will come.
    closed: bool,
}

/// What a reader gets.
#[derive(Debug)]
pub enum Fed {
    /// These turns, in order. If the first of them is not the one expected, those between are in the log.
    Turns(Vec<Arc<Turn>>),
    /// Nothing in this time.
    Nothing,
    /// Nothing any more.
    Closed,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it holds the lock.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts turns into line. Never waits for whoever reads.
    fn offer(&self, turns: &[Arc<Turn>]) {
        let mut line = self.lock();
        if line.turns.len() + turns.len() > MOST_TURNS || line.events > MOST_EVENTS {
            line.turns.clear();
            line.events = 0;
        }
        let was_empty = line.turns.is_empty();
        line.events += turns.iter().map(|turn| turn.events.len()).sum::<usize>();
        line.turns.extend_from_slice(turns);
        if was_empty {
            self.came.notify_one();
        }
    }

    /// Nothing more will come.
    fn close(&self) {
        self.lock().closed = true;
        self.came.notify_one();
    }

    /// Everything in line, as soon as there is something, but no later than `within` from now.
    pub fn take(&self, within: Duration) -> Fed {
        let nothing_yet = |line: &mut Line| line.turns.is_empty() && !line.closed;
        let waited = self.came.wait_timeout_while(self.lock(), within, nothing_yet);
        let (mut line, _) = waited.unwrap_or_else(PoisonError::into_inner);
        line.events = 0;
        match std::mem::take(&mut line.turns) {
            turns if !turns.is_empty() => Fed::Turns(turns),
            _ if line.closed => Fed::Closed,
            _ => Fed::Nothing,
        }
    }
}

/// The lines of all who read the turns of a market.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    lines: Mutex<Vec<Weak<Feed>>>,
}

impl Feeds {
    fn each(&self, act: impl Fn(&Feed)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.upgrade().inspect(|feed| act(feed)).is_some());
    }

    /// A line of its own for one more reader, from the next turn on; it ends with the reader's hold on it.
    pub fn open(&self) -> Arc<Feed> {
        let feed = Arc::new(Feed::default());
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&feed));
        feed
    }

    /// Puts turns into all lines. Never waits for whoever reads.
    pub fn offer(&self, turns: &[Arc<Turn>]) {
        self.each(|feed| feed.offer(turns));
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.each(Feed::close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_engine::Offset;
    use hansom_engine::record::canonical::blank;

    fn turns(from: u64, count: usize) -> Vec<Arc<Turn>> {
        (from..).take(count).map(|offset| Arc::new(Turn { offset: Offset(offset), ..blank() })).collect()
    }

    fn offsets(feed: &Feed) -> Option<Vec<u64>> {
        match feed.take(Duration::ZERO) {
            Fed::Turns(turns) => Some(turns.iter().map(|turn| turn.offset.0).collect()),
            Fed::Nothing | Fed::Closed => None,
        }
    }

    #[test]
    fn a_reader_gets_what_comes_once_he_reads() {
        let feeds = Feeds::default();
        feeds.offer(&turns(0, 3));
        let feed = feeds.open();
        assert_eq!(offsets(&feed), None);
        feeds.offer(&turns(3, 2));
        let other = feeds.open();
        feeds.offer(&turns(5, 1));
        assert_eq!(offsets(&feed), Some(vec![3, 4, 5]));
        assert_eq!(offsets(&other), Some(vec![5]));
        drop(other);
        feeds.offer(&turns(6, 1));
        feeds.close();
        assert_eq!(offsets(&feed), Some(vec![6]), "what came before the end is not lost");
        assert!(matches!(feed.take(Duration::from_secs(60)), Fed::Closed));
    }

    #[test]
    fn who_is_too_slow_finds_a_gap_and_costs_no_memory() {
        let feeds = Feeds::default();
        let feed = feeds.open();
        for from in (0..10 * MOST_TURNS as u64).step_by(1024) {
            feeds.offer(&turns(from, 1024));
        }
        let kept = offsets(&feed).expect("the last ones");
        assert!(kept.len() <= MOST_TURNS);
        assert_eq!(kept.last(), Some(&(10 * MOST_TURNS as u64 - 1)));
    }
}
