//! The first answers to bundles of positions, kept for a while: a bundle that is sent again, with its key, gets the same.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hansom_engine::{Key, Name};

use super::failure::Failure;
use super::result::{PositionFailure, PositionsReceived};
use super::scalar::Offset;
use super::word::RefusalCode;

/// Answers are kept so long …
const FOR: Duration = Duration::from_secs(600);
/// … and at most so many, the oldest giving way: those of ten seconds if each of 100,000 drivers sends his own every four.
const MOST: usize = 1 << 18;
/// So many positions that are still open weigh as much as an answer.
const OPEN_PER_ANSWER: usize = 32;
/// So many bundles are known without a look at whether somebody still tries those without an answer.
const FEW: usize = 4096;

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

/// What is known of a bundle, if anything. Whoever holds the lock is about to learn more.
pub type Slot = Arc<tokio::sync::Mutex<Option<First>>>;

/// What became of the positions of a bundle so far.
#[derive(Debug)]
pub struct First {
    /// A hash of the positions.
    pub positions: u64,
    /// How many they are.
    count: usize,
    /// Those that failed for good.
    settled: Vec<PositionFailure>,
    /// Those that have another try when the bundle comes again, in order.
    open: Vec<Open>,
    /// The turn after which all others are known.
    offset: u64,
}

/// A position of which nothing is known for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Its place in the bundle.
    pub index: u32,
    /// The market may have taken it.
    is_doubtful: bool,
}

impl First {
    /// So many positions of which nothing is known.
    pub fn of(positions: u64, count: usize) -> Self {
        let open = (0..count as u32).map(|index| Open { index, is_doubtful: false }).collect();
        Self { positions, count, settled: Vec::new(), open, offset: 0 }
    }

    /// Those that have another try, in order.
    pub fn open(&self) -> &[Open] {
        &self.open
    }

    /// All that were open were tried: these failed, and what became of the others is known after this turn. What is said of all.
    pub fn tried(&mut self, mut failures: Vec<PositionFailure>, offset: u64) -> PositionsReceived {
        failures.sort_by_key(|failed| failed.index);
        let before = std::mem::take(&mut self.open);
        let mut told = Vec::new();
        for failed in failures {
            let index = failed.index;
            let was = before.binary_search_by_key(&index, |open| open.index);
            let was_doubtful = was.is_ok_and(|at| before[at].is_doubtful);
            match &failed.failure {
                // It was taken, or one after it: that is what was in doubt.
                Failure::RefusedByRule(refused) if was_doubtful && refused.code == RefusalCode::OutOfOrder => {}
                Failure::RefusedByRule(_) | Failure::InvalidInput(_) | Failure::ProgramFault(_) => {
                    self.settled.push(failed);
                }
                other => {
                    let is_doubtful = was_doubtful || matches!(other, Failure::OutcomeUnknown(_));
                    self.open.push(Open { index, is_doubtful });
                    told.push(failed);
                }
            }
        }
        self.offset = self.offset.max(offset);
        self.told_with(told)
    }

    /// What was said when nothing was open any more.
    pub fn told(&self) -> PositionsReceived {
        self.told_with(Vec::new())
    }

    fn told_with(&self, mut failures: Vec<PositionFailure>) -> PositionsReceived {
        failures.extend(self.settled.iter().cloned());
        failures.sort_by_key(|failed| failed.index);
        let received = (self.count - failures.len()) as u32;
        PositionsReceived { received, failures, offset: Offset(self.offset) }
    }

    /// Whether anything is known that a market or its quarantine has, or may have.
    pub fn is_worth_keeping(&self) -> bool {
        self.open.len() < self.count || self.open.iter().any(|open| open.is_doubtful)
    }

    fn weight(&self) -> usize {
        1 + self.settled.len() + self.open.len() / OPEN_PER_ANSWER
    }
}

/// The first answers.
#[derive(Debug, Default)]
pub struct FirstAnswers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<Bundle, Entry>,
    /// Those that are answered, oldest first.
    line: VecDeque<(Instant, Bundle)>,
    /// The weight of all.
    total: usize,
    /// Bundles without an answer that nobody tries any more are forgotten when there are so many of all.
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry {
    slot: Slot,
    /// 0: not answered yet.
    weight: usize,
}

impl FirstAnswers {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a bundle, or will be. Who finds nothing known says what is, in the end, to [`keep`](Self::keep).
    pub fn slot(&self, bundle: &Bundle) -> Slot {
        self.lock().slot(bundle, Instant::now())
    }

    /// Keeps what is now known of a bundle; where that is nothing, forgets it.
    pub fn keep(&self, bundle: Bundle, slot: &Slot, known: Option<&First>) {
        self.lock().keep(bundle, slot, known.map_or(0, First::weight), Instant::now());
    }
}

impl Kept {
    fn slot(&mut self, bundle: &Bundle, now: Instant) -> Slot {
        while self.line.front().is_some_and(|(since, _)| now.saturating_duration_since(*since) > FOR) {
            self.forget_oldest();
        }
        if self.of.len() >= self.sweep_at.max(FEW) {
            // Slots are handed out under the lock of all: of one that is only here nobody else has heard.
            self.of.retain(|_, entry| entry.weight > 0 || Arc::strong_count(&entry.slot) > 1);
            self.sweep_at = 2 * self.of.len();
        }
        let entry = self.of.entry(bundle.clone()).or_insert_with(|| Entry { slot: Slot::default(), weight: 0 });
        entry.slot.clone()
    }

    fn keep(&mut self, bundle: Bundle, slot: &Slot, weight: usize, now: Instant) {
        let entry = self.of.entry(bundle.clone()).or_insert_with(|| Entry { slot: slot.clone(), weight: 0 });
        // It was forgotten meanwhile, and somebody else tries.
        if !Arc::ptr_eq(&entry.slot, slot) {
            return;
        }
        // What is in line stays there.
        let weight = weight.max(entry.weight.min(1));
        let before = std::mem::replace(&mut entry.weight, weight);
        self.total = self.total - before + weight;
        if weight == 0 {
            self.of.remove(&bundle);
        } else if before == 0 {
            self.line.push_back((now, bundle));
        }
        while self.total > MOST {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.line.pop_front().and_then(|(_, bundle)| self.of.remove(&bundle));
        self.total -= oldest.map_or(0, |entry| entry.weight);
    }
}

#[cfg(test)]
mod tests;
