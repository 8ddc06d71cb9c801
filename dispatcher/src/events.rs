//! What a market told the outside: the last of it in memory, the rest in its log.
//!
//! A reader has a place of its own and reads when it likes: nothing is queued for it, so that a slow one costs no memory
//! and misses nothing. One that fell behind reads the log until it has caught up. One that waits for a single ride or driver
//! is woken for that alone ([`Interest`]): a thousand of them cost no more than what happens to them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hansom_engine::{Name, RideId};
use hansom_market::ingest::Published;
use tokio::sync::{Notify, watch};

use crate::trace::Offers;

/// So many bytes of what a market told are kept in memory, unless somebody says otherwise.
pub const KEEP_TOLD_BYTES: usize = 16 << 20;

/// The facts of one turn, as CloudEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which turn.
    pub offset: u64,
    /// A line of JSON for each, in order, each with its end.
    pub lines: Arc<[u8]>,
    /// Each of them.
    pub facts: Arc<[Published]>,
    /// The offers among them that are part of a trace.
    pub offers: Offers,
}

impl Told {
    fn bytes(&self) -> usize {
        self.lines.len() + size_of_val(&*self.facts)
    }
}

/// What a market told.
#[derive(Debug)]
pub struct Events {
    recent: Mutex<Recent>,
    /// Offset of the next turn to be released.
    next: watch::Sender<u64>,
    interests: Arc<Interests>,
    kept_bytes: usize,
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What happens to a ride.
    Ride(RideId),
    /// What concerns a driver.
    Driver(Name),
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiting {
    /// The first turn that tells of the topic since it was looked at last; [`u64::MAX`]: none does.
    first: AtomicU64,
    came: Notify,
}

/// All who wait.
#[derive(Debug, Default)]
struct Interests(Mutex<HashMap<Topic, Vec<Arc<Waiting>>>>);

/// That somebody waits for a topic, until it is dropped.
#[derive(Debug)]
pub struct Interest {
    interests: Arc<Interests>,
    topic: Topic,
    waiting: Arc<Waiting>,
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
    /// None yet; the first turn will have this offset, and about so many bytes are kept in memory.
    pub fn from(first: u64, kept_bytes: usize) -> Self {
        Self {
            recent: Mutex::new(Recent { first, ..Recent::default() }),
            next: watch::Sender::new(first),
            interests: Arc::default(),
            kept_bytes,
        }
    }

    /// From here on, whoever holds the answer is woken for what is told of this topic.
    pub fn wait_for(&self, topic: Topic) -> Interest {
        let waiting = Arc::new(Waiting { first: AtomicU64::new(u64::MAX), came: Notify::new() });
        self.interests.lock().entry(topic.clone()).or_default().push(waiting.clone());
        Interest { interests: self.interests.clone(), topic, waiting }
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
        let facts: Vec<_> = told.iter().map(|told| (told.offset, told.facts.clone())).collect();
        recent.bytes += told.iter().map(Told::bytes).sum::<usize>();
        recent.told.extend(told);
        while recent.bytes > self.kept_bytes
            && let Some(told) = recent.told.pop_front()
        {
            recent.bytes -= told.bytes();
            recent.first = told.offset + 1;
        }
        drop(recent);
        self.next.send_replace(next);
        self.interests.wake(&facts);
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

impl Interests {
    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Arc<Waiting>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for what these turns tell. They can read it already.
    fn wake(&self, told: &[(u64, Arc<[Published]>)]) {
        let waiting = self.lock();
        if waiting.is_empty() {
            return;
        }
        for (offset, facts) in told {
            for published in &**facts {
                let fact = &published.fact;
                let topics = [fact.ride().map(Topic::Ride), fact.driver().cloned().map(Topic::Driver)];
                for one in topics.iter().flatten().filter_map(|topic| waiting.get(topic)).flatten() {
                    one.first.fetch_min(*offset, Ordering::AcqRel);
                    one.came.notify_one();
                }
            }
        }
    }
}

impl Interest {
    /// The first turn that tells of the topic since this was asked last.
    pub fn first(&self) -> Option<u64> {
        let first = self.waiting.first.swap(u64::MAX, Ordering::AcqRel);
        (first != u64::MAX).then_some(first)
    }

    /// Returns once there may be one.
    pub async fn came(&self) {
        self.waiting.came.notified().await;
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut waiting = self.interests.lock();
        if let Some(all) = waiting.get_mut(&self.topic) {
            all.retain(|one| !Arc::ptr_eq(one, &self.waiting));
            if all.is_empty() {
                waiting.remove(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_engine::Offset;
    use hansom_geo_index::Millis;
    use hansom_market::ingest::Fact;
    use hansom_market::ingest::event::{DriverDark, RideExhausted};

    fn told(offset: u64, bytes: usize) -> Told {
        Told { offset, lines: vec![b'x'; bytes].into(), facts: [].into(), offers: Offers::default() }
    }

    #[test]
    fn who_waits_for_a_ride_is_woken_for_that_alone() {
        let events = Events::from(0, KEEP_TOLD_BYTES);
        let of = |offset, fact| {
            let (market, time) = ("town".into(), Millis(0));
            let facts = [Published { market, offset: Offset(offset), index: 0, time, fact }].into();
            Told { facts, ..told(offset, 1) }
        };
        let exhausted = |ride| Fact::RideExhausted(RideExhausted { ride: RideId(ride), request: None });
        let ride = events.wait_for(Topic::Ride(RideId(7)));
        let ann = events.wait_for(Topic::Driver("ann".into()));
        events.extend(0, vec![of(0, exhausted(6)), of(1, exhausted(7)), of(2, exhausted(7))], 3);
        assert_eq!((ride.first(), ride.first(), ann.first()), (Some(1), None, None));
        events.extend(3, vec![of(3, Fact::DriverDark(DriverDark { driver: "ann".into() }))], 4);
        assert_eq!((ride.first(), ann.first()), (None, Some(3)));
        drop((ride, ann));
        assert!(events.interests.lock().is_empty(), "nothing is left of those who went");
    }

    #[test]
    fn a_reader_gets_each_fact_once() {
        let events = Events::from(0, KEEP_TOLD_BYTES);
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
        let events = Events::from(0, KEEP_TOLD_BYTES);
        events.extend(0, vec![told(0, KEEP_TOLD_BYTES / 2), told(3, KEEP_TOLD_BYTES / 2)], 5);
        assert!(matches!(events.read(0, 1), Read::Told { .. }));
        events.extend(5, vec![told(7, 1)], 9);
        assert_eq!(events.read(0, 1), Read::Log { until: 1 });
        assert!(matches!(events.read(1, 1), Read::Told { next: 4, .. }));
    }

    #[test]
    fn a_market_that_was_opened_again_goes_on_elsewhere() {
        let events = Events::from(0, KEEP_TOLD_BYTES);
        events.extend(0, vec![told(0, 1)], 1);
        events.extend(40, vec![told(41, 1)], 42);
        assert_eq!(events.read(0, 9), Read::Log { until: 40 });
        assert_eq!(events.read(40, 9), Read::Told { told: vec![told(41, 1)], next: 42 });
    }
}
