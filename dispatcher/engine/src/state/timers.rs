//! Deadlines: one ordered set. Each entity keeps its own key, so that removal is eager.

use hansom_geo_index::Millis;
use std::collections::BTreeSet;

/// What is due. At equal time they fire in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TimerKind {
    /// Other travel times come into force.
    Weights,
    /// An offer expires; the id is the ride.
    Offer,
    /// A committed driver may have fallen silent; the id is the driver.
    Silence,
    /// A waiting rider may not come; the id is the ride.
    NoShow,
    /// A chained ride slips; the id is the ride.
    Slip,
    /// A ride that waits is looked at again; the id is the ride.
    Review,
    /// A driver on a trip may be near its end; the id is the driver.
    Chain,
    /// Waiting rides are matched.
    Matching,
    /// A ride that is over leaves the state; the id is the ride.
    Retire,
    /// Old creation keys leave the state.
    KeyExpiry,
}

/// One deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// When.
    pub due: Millis,
    /// What.
    pub kind: TimerKind,
    /// Whose; 0 for the market's own.
    pub id: u32,
}

/// All deadlines, by (due, kind, id).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timers {
    set: BTreeSet<Timer>,
}

impl Timers {
    /// The next one.
    pub fn first(&self) -> Option<Timer> {
        self.set.first().copied()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Timer> + '_ {
        self.set.iter().copied()
    }

    /// Whether `timer` is set.
    pub fn contains(&self, timer: Timer) -> bool {
        self.set.contains(&timer)
    }

    pub(crate) fn insert(&mut self, timer: Timer) {
        self.set.insert(timer);
    }

    pub(crate) fn remove(&mut self, timer: Timer) {
        self.set.remove(&timer);
    }

    /// Removes `old`, if there is one, and sets `new`, if there is one.
    pub(crate) fn replace(&mut self, old: Option<Timer>, new: Option<Timer>) {
        if let Some(old) = old {
            self.set.remove(&old);
        }
        self.set.extend(new);
    }
}
