//! Deadlines: one ordered set. Each entity keeps its own key, so that removal is eager.

use hansom_geo_index::Millis;
use std::collections::BTreeSet;
use std::ops::Bound;

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
    /// A driver who is gone leaves the state; the id is the driver.
    Forget,
}

impl TimerKind {
    /// All kinds, in the order in which they fire.
    const ALL: [Self; 11] = [
        Self::Weights,
        Self::Offer,
        Self::Silence,
        Self::NoShow,
        Self::Slip,
        Self::Review,
        Self::Chain,
        Self::Matching,
        Self::Retire,
        Self::KeyExpiry,
        Self::Forget,
    ];
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

/// A span of time, see [`Timers::every`].
const SPAN_MS: i64 = 1024;
/// No timer that is due at the same time comes before this.
const FIRST: Timer = Timer { due: Millis::ZERO, kind: TimerKind::Weights, id: 0 };

/// A timer as one number, in the order of timers: comparing those is what setting one mostly costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packed(i128);

impl Packed {
    const fn new(timer: Timer) -> Self {
        Self((timer.due.0 as i128) << 40 | (timer.kind as i128) << 32 | timer.id as i128)
    }

    const fn timer(self) -> Timer {
        let kind = TimerKind::ALL[(self.0 >> 32) as usize & 0xff];
        Timer { due: Millis((self.0 >> 40) as i64), kind, id: self.0 as u32 }
    }
}

/// All deadlines, by (due, kind, id).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timers {
    set: BTreeSet<Packed>,
}

impl Timers {
    pub(crate) fn of(timers: Vec<Timer>) -> Self {
        Self { set: timers.into_iter().map(Packed::new).collect() }
    }

    /// The next one.
    pub fn first(&self) -> Option<Timer> {
        self.set.first().map(|packed| packed.timer())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Timer> + '_ {
        self.set.iter().map(|packed| packed.timer())
    }

    /// Those that are due in a span of time whose number, modulo `of`, is `nth`, in order. Goes from one such span to the next in
    /// which there may be some, however far apart they are.
    pub(crate) fn every(&self, nth: u32, of: u32, mut take: impl FnMut(Timer)) {
        let mut next = self.first();
        while let Some(timer) = next {
            let span = timer.due.0.div_euclid(SPAN_MS);
            let ahead = (i64::from(nth) - span).rem_euclid(i64::from(of));
            let begin = |span: i64| Some(Packed::new(Timer { due: Millis(span.checked_mul(SPAN_MS)?), ..FIRST }));
            let Some(from) = begin(span + ahead) else { return };
            let until = begin(span + ahead + 1);
            let here = (Bound::Included(from), until.map_or(Bound::Unbounded, Bound::Excluded));
            self.set.range(here).for_each(|packed| take(packed.timer()));
            next = until.and_then(|until| self.set.range(until..).next()).map(|packed| packed.timer());
        }
    }

    /// Whether `timer` is set.
    pub fn contains(&self, timer: Timer) -> bool {
        self.set.contains(&Packed::new(timer))
    }

    pub(crate) fn insert(&mut self, timer: Timer) {
        self.set.insert(Packed::new(timer));
    }

    pub(crate) fn remove(&mut self, timer: Timer) {
        self.set.remove(&Packed::new(timer));
    }

    /// Removes `old`, if there is one, and sets `new`, if there is one.
    pub(crate) fn replace(&mut self, old: Option<Timer>, new: Option<Timer>) {
        if let Some(old) = old {
            self.remove(old);
        }
        self.set.extend(new.map(Packed::new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// All timers are looked at instead; and each is in one slice.
        #[test]
        fn every_so_many_spans_are_what_they_say(
            dues in prop::collection::vec(prop_oneof![-9_000..9_000_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 0..30),
            of in 1..9_u32,
        ) {
            let timer = |(id, due)| Timer { due: Millis(due), kind: TimerKind::ALL[id % TimerKind::ALL.len()], id: id as u32 };
            let timers = Timers::of(dues.into_iter().enumerate().map(timer).collect());
            for nth in 0..of {
                let is_in = |due: Millis| due.0.div_euclid(1024).rem_euclid(i64::from(of)) == i64::from(nth);
                let mut found = Vec::new();
                timers.every(nth, of, |timer| found.push(timer));
                prop_assert_eq!(found, timers.iter().filter(|timer| is_in(timer.due)).collect::<Vec<_>>());
            }
        }

        /// A packed timer is the same timer, and sorts as it does.
        #[test]
        fn packing_keeps_timers_and_their_order(
            one in (any::<i64>(), 0..TimerKind::ALL.len(), any::<u32>()),
            other in (-3..3_i64, 0..TimerKind::ALL.len(), 0..3_u32),
            offset in -2..3_i64,
        ) {
            let timer = |(due, kind, id): (i64, usize, u32)| Timer { due: Millis(due), kind: TimerKind::ALL[kind], id };
            let near = (one.0.saturating_add(offset), other.1, other.2);
            for pair in [[one, other], [one, near], [other, one]] {
                let [left, right] = pair.map(timer);
                prop_assert_eq!(Packed::new(left).timer(), left);
                prop_assert_eq!(Packed::new(left).cmp(&Packed::new(right)), left.cmp(&right));
            }
            for (index, kind) in TimerKind::ALL.iter().enumerate() {
                prop_assert_eq!(*kind as usize, index);
            }
        }
    }
}
