//! The first answers to bundles of positions, kept for a while: a bundle that is sent again, with its key, gets the same.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hansom_engine::{Key, Name};

use super::result::PositionsReceived;

/// Answers are kept so long …
const FOR: Duration = Duration::from_secs(600);
/// … and at most so many, failures counted too; those kept longest give way.
const MOST: usize = 1 << 16;

/// Which bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bundle {
    /// Of which market.
    pub market: Name,
    /// Who sent it …
    pub sender: Name,
    /// … and whether as an operator or a service.
    pub is_staff: bool,
    /// What the sender calls it.
    pub key: Key,
}

/// An answer, once there is one. Whoever holds the lock is about to give it.
pub type Slot = Arc<tokio::sync::Mutex<Option<First>>>;

/// What was answered.
#[derive(Debug)]
pub struct First {
    /// A hash of the positions.
    pub positions: u64,
    /// The answer.
    pub answer: PositionsReceived,
}

/// The first answers.
#[derive(Debug, Default)]
pub struct FirstAnswers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<Bundle, (Slot, usize)>,
    /// Oldest first.
    line: VecDeque<(Instant, Bundle)>,
    /// Answers and failures in them.
    total: usize,
}

impl FirstAnswers {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the answer to a bundle is, or will be.
    pub fn slot(&self, bundle: Bundle) -> Slot {
        self.lock().slot(bundle, Instant::now())
    }

    /// The answer to a bundle has so many failures more.
    pub fn grown(&self, bundle: &Bundle, failures: usize) {
        self.lock().grown(bundle, failures);
    }
}

impl Kept {
    fn slot(&mut self, bundle: Bundle, now: Instant) -> Slot {
        while self.line.front().is_some_and(|(since, _)| now.saturating_duration_since(*since) > FOR) {
            self.forget();
        }
        if let Some((slot, _)) = self.of.get(&bundle) {
            return slot.clone();
        }
        let slot = Slot::default();
        self.of.insert(bundle.clone(), (slot.clone(), 1));
        self.line.push_back((now, bundle));
        self.total += 1;
        self.shrink();
        slot
    }

    fn grown(&mut self, bundle: &Bundle, failures: usize) {
        if let Some((_, weight)) = self.of.get_mut(bundle) {
            *weight += failures;
            self.total += failures;
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.total > MOST {
            self.forget();
        }
    }

    /// Forgets the oldest.
    fn forget(&mut self) {
        let oldest = self.line.pop_front().and_then(|(_, bundle)| self.of.remove(&bundle));
        self.total -= oldest.map_or(0, |(_, weight)| weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(number: u64) -> Bundle {
        Bundle { market: Name::from("town"), sender: Name::from("ann"), is_staff: false, key: Key(number.into()) }
    }

    #[test]
    fn an_answer_is_kept_for_ten_minutes() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let first = kept.slot(bundle(1), now);
        let other = kept.slot(Bundle { sender: Name::from("bob"), ..bundle(1) }, now);
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(Arc::ptr_eq(&first, &kept.slot(bundle(1), now + FOR)));
        assert!(!Arc::ptr_eq(&first, &kept.slot(bundle(1), now + FOR + Duration::from_millis(1))));
        assert_eq!((kept.of.len(), kept.line.len(), kept.total), (1, 1, 1));
    }

    #[test]
    fn the_oldest_give_way_and_what_is_left_is_counted() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        for number in 0..3 * MOST as u64 {
            let slot = kept.slot(bundle(number), now);
            if number % 2 == 0 {
                kept.grown(&bundle(number), 1000);
            }
            assert!(Arc::ptr_eq(&slot, &kept.slot(bundle(number), now)), "it is the newest");
            let weights: usize =
                if number % 999 == 0 { kept.of.values().map(|(_, weight)| weight).sum() } else { kept.total };
            assert!(weights == kept.total && kept.total <= MOST && kept.of.len() == kept.line.len());
        }
        // One that is gone weighs nothing.
        kept.grown(&bundle(0), MOST);
        assert!(kept.of.len() > 100);
        // One that is too large by itself is not kept.
        kept.grown(&bundle(3 * MOST as u64 - 1), MOST);
        assert_eq!((kept.of.len(), kept.line.len(), kept.total), (0, 0, 0));
    }
}
