//! Positions on their way to the market, bundled.
//!
//! A driver on a ride has every position taken, in order. An idle one needs only his last: a newer one takes the place of
//! the one that waits. So a market that is behind has at most one position an idle driver in line. Where there is no room, the
//! idle ones make it, who has waited longest first. What was left out is counted. Knows drivers by number, and the market's time; refuses to know threads and clocks.

use hansom_engine::domain::Session;
use hansom_engine::record::Ping;
use hansom_engine::{DriverId, State};
use hansom_geo_index::{Coord, Millis};
use std::collections::{HashMap, VecDeque};

/// A command carries at most so many positions.
pub const MOST_PINGS: usize = 1024;

/// A driver whom no market has: his positions are refused, each by itself.
pub const NOBODY: DriverId = DriverId(u32::MAX);

/// Positions that wait, in the order in which their drivers' turn comes.
#[derive(Debug)]
pub struct Collector {
    /// Where an idle driver's position made room there is none.
    line: VecDeque<Option<Waiting>>,
    /// How many places have left the line.
    left: u64,
    /// How many places in line are of those who made room.
    vacant: usize,
    /// No idle driver's position stands before this place, counted from the first ever.
    sought: u64,
    /// The place, counted from the first ever, of the position of an idle driver that a newer one may replace.
    replaceable: HashMap<DriverId, u64>,
    most: usize,
    counts: Collected,
    /// The tickets of the bundle taken last, in its order.
    tickets: Vec<u64>,
}

/// One position on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whose.
    pub driver: DriverId,
    /// From which of his sessions.
    pub session: Session,
    /// Its number in the session.
    pub seq: u32,
    /// When it was measured, by the device's clock, or received where the device does not say.
    pub measured: Millis,
    /// Where.
    pub coord: Coord,
    /// By what whoever sent it recognises it.
    pub ticket: u64,
}

/// What became of positions so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Handed on.
    pub taken: u64,
    /// Of idle drivers: left out because a newer one was there.
    pub replaced: u64,
    /// Left out because too many others waited.
    pub shed: u64,
}

impl Collector {
    /// Empty, for at most `most` positions.
    pub fn new(most: usize) -> Self {
        Self {
            line: VecDeque::new(),
            left: 0,
            vacant: 0,
            sought: 0,
            replaceable: HashMap::new(),
            most,
            counts: Collected::default(),
            tickets: Vec::new(),
        }
    }

    /// Puts a position in line. `idle`: its driver has nothing to do, as [`is_idle`] says. Returns what is left out because too
    /// many wait: that of the idle driver who has waited longest; if nobody idle waits, or this one is idle, this one.
    pub fn push(&mut self, waiting: Waiting, idle: bool) -> Option<Waiting> {
        if !idle {
            // What waits of this driver stays as it is, or else a newer position could overtake this one.
            self.replaceable.remove(&waiting.driver);
        } else if let Some(place) = self.replaceable.get(&waiting.driver) {
            // Never nobody's, which are those of many.
            if let Some(before) = &mut self.line[(place - self.left) as usize]
                && (before.session, before.seq) < (waiting.session, waiting.seq)
            {
                *before = waiting;
            }
            self.counts.replaced += 1;
            return None;
        }
        let mut left_out = None;
        if self.depth() >= self.most {
            self.counts.shed += 1;
            left_out = if idle { None } else { self.make_room() };
            if left_out.is_none() {
                return Some(waiting);
            }
        }
        if idle && waiting.driver != NOBODY {
            self.replaceable.insert(waiting.driver, self.end());
        }
        self.line.push_back(Some(waiting));
        left_out
    }

    /// Takes the first of an idle driver out of the line.
    fn make_room(&mut self) -> Option<Waiting> {
        self.sought = self.sought.max(self.left);
        while let Some(place) = self.line.get_mut((self.sought - self.left) as usize) {
            let here = Some(self.sought);
            self.sought += 1;
            if let Some(waiting) = *place
                && self.replaceable.get(&waiting.driver).copied() == here
            {
                *place = None;
                self.replaceable.remove(&waiting.driver);
                self.vacant += 1;
                return Some(waiting);
            }
        }
        None
    }

    /// Where the line ends, counted in places from the first ever.
    pub fn end(&self) -> u64 {
        self.left + self.line.len() as u64
    }

    /// How many places have left the line: what stood before is taken, replaced by what was taken, or left out.
    pub fn begin(&self) -> u64 {
        self.left
    }

    /// The next bundle, for a command stamped about `at`, in a buffer to reuse; `None`: nothing waits.
    pub fn take(&mut self, at: Millis, mut buffer: Vec<Ping>) -> Option<Vec<Ping>> {
        buffer.clear();
        self.tickets.clear();
        while buffer.len() < MOST_PINGS
            && let Some(place) = self.line.pop_front()
        {
            let Some(Waiting { driver, session, seq, measured, coord, ticket }) = place else {
                (self.left, self.vacant) = (self.left + 1, self.vacant - 1);
                continue;
            };
            if self.replaceable.get(&driver) == Some(&self.left) {
                self.replaceable.remove(&driver);
            }
            self.left += 1;
            // A device's clock can say anything; the market clamps what is left of it.
            let age = at.0.saturating_sub(measured.0).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            buffer.push(Ping { driver, session, seq, age_ms: age as i32, coord });
            self.tickets.push(ticket);
        }
        self.counts.taken += buffer.len() as u64;
        (!buffer.is_empty()).then_some(buffer)
    }

    /// The tickets of the bundle taken last, in its order.
    pub fn tickets(&self) -> &[u64] {
        &self.tickets
    }

    /// How many wait.
    pub fn depth(&self) -> usize {
        self.line.len() - self.vacant
    }

    /// What became of those that came.
    pub fn counts(&self) -> Collected {
        self.counts
    }
}

/// Whether a driver has no ride and is offered none: only his last position matters then.
pub fn is_idle(state: &State, driver: DriverId) -> bool {
    state.fleet().get(driver).is_none_or(|driver| driver.plan.is_empty() && driver.offered.is_none())
}

#[cfg(test)]
mod tests {
    use super::{Collected, Collector, MOST_PINGS, NOBODY, Waiting};
    use hansom_engine::DriverId;
    use hansom_engine::domain::Session;
    use hansom_geo_index::{Coord, Millis};
    use proptest::prelude::*;

    fn waiting(driver: u32, seq: u32) -> Waiting {
        let (driver, session, coord) = (DriverId(driver), Session::FIRST, Coord { lat: 0, lon: 0 });
        Waiting { driver, session, seq, measured: Millis(1000), coord, ticket: u64::from(seq) }
    }

    fn drain(collector: &mut Collector) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        while let Some(pings) = collector.take(Millis(1000), Vec::new()) {
            all.extend(pings.iter().map(|ping| (ping.driver.0, ping.seq)));
        }
        all
    }

    #[test]
    fn the_last_position_of_an_idle_driver_wins_and_keeps_its_place() {
        let mut collector = Collector::new(10);
        for (driver, seq) in [(1, 1), (2, 1), (1, 3), (1, 2)] {
            assert_eq!(collector.push(waiting(driver, seq), true), None);
        }
        assert_eq!(drain(&mut collector), [(1, 3), (2, 1)]);
        assert_eq!(collector.counts(), Collected { taken: 2, replaced: 2, shed: 0 });
        assert_eq!(collector.push(waiting(1, 4), true), None);
        // Nobody's are those of many.
        for seq in [1, 3, 2] {
            assert_eq!(collector.push(waiting(NOBODY.0, seq), true), None);
        }
        assert_eq!(drain(&mut collector), [(1, 4), (NOBODY.0, 1), (NOBODY.0, 3), (NOBODY.0, 2)]);
    }

    #[test]
    fn a_full_line_sheds_the_idle_and_turns_the_others_away() {
        let mut collector = Collector::new(3);
        for (driver, idle) in [(1, false), (2, true), (3, true)] {
            assert_eq!(collector.push(waiting(driver, 1), idle), None);
        }
        assert_eq!(collector.push(waiting(1, 2), false), Some(waiting(2, 1)), "an idle one makes room");
        assert_eq!(drain(&mut collector), [(1, 1), (3, 1), (1, 2)]);
        let mut collector = Collector::new(1);
        assert_eq!(collector.push(waiting(1, 1), false), None);
        assert_eq!(collector.push(waiting(2, 1), true), Some(waiting(2, 1)));
        assert_eq!(collector.push(waiting(1, 2), false), Some(waiting(1, 2)));
        assert_eq!(collector.counts().shed, 2);
        assert_eq!(drain(&mut collector), [(1, 1)]);
    }

    #[test]
    fn a_bundle_has_a_bound_and_ages_are_counted_from_the_command() {
        let mut collector = Collector::new(2 * MOST_PINGS);
        for driver in 0..=MOST_PINGS as u32 {
            assert_eq!(collector.push(Waiting { measured: Millis(i64::MIN), ..waiting(driver, 1) }, true), None);
        }
        let pings = collector.take(Millis(5), Vec::new()).expect("a bundle");
        assert_eq!((pings.len(), pings[0].age_ms, collector.depth()), (MOST_PINGS, i32::MAX, 1));
    }

    proptest! {
        /// Against what is promised: all of a driver's positions while he is busy, each driver's in order, the last one
        /// always, and every position counted once.
        #[test]
        fn nothing_that_matters_is_lost(steps in prop::collection::vec((0_u32..4, any::<bool>(), 0_u8..8), 0..60)) {
            let mut collector = Collector::new(1000);
            let (mut out, mut busy, mut last) = (Vec::new(), Vec::new(), [0_u32; 4]);
            for (driver, idle, take) in &steps {
                last[*driver as usize] += 1;
                let seq = last[*driver as usize];
                prop_assert_eq!(collector.push(waiting(*driver, seq), *idle), None);
                if !idle {
                    busy.push((*driver, seq));
                }
                if *take == 0 {
                    out.extend(drain(&mut collector));
                }
            }
            out.extend(drain(&mut collector));
            for driver in 0..4 {
                let seqs: Vec<u32> = out.iter().filter(|(of, _)| *of == driver).map(|(_, seq)| *seq).collect();
                prop_assert!(seqs.windows(2).all(|two| two[0] < two[1]));
                prop_assert_eq!(seqs.last().copied().unwrap_or(0), last[driver as usize]);
            }
            prop_assert!(busy.iter().all(|ping| out.contains(ping)));
            let Collected { taken, replaced, shed } = collector.counts();
            prop_assert_eq!((taken + replaced, shed), (steps.len() as u64, 0));
        }

        /// The same where there is no room: nobody on a ride is turned away while an idle driver's position waits.
        #[test]
        fn the_idle_make_room(steps in prop::collection::vec((0_u32..6, any::<bool>(), 0_u8..12), 0..80)) {
            const MOST: usize = 4;
            let mut collector = Collector::new(MOST);
            // What waits, of whom, and whether it may be replaced or left out.
            let mut line: Vec<(u32, u32, bool)> = Vec::new();
            let mut seq = 0;
            for (driver, idle, take) in steps.iter().copied() {
                seq += 1;
                if !idle {
                    line.iter_mut().filter(|(of, ..)| *of == driver).for_each(|(.., replaceable)| *replaceable = false);
                }
                let before = line.iter_mut().find(|(of, _, replaceable)| idle && *of == driver && *replaceable);
                let mut left_out = None;
                if let Some(before) = before {
                    before.1 = seq;
                } else if line.len() < MOST {
                    line.push((driver, seq, idle));
                } else if !idle && let Some(first) = line.iter().position(|(.., replaceable)| *replaceable) {
                    let (driver_out, seq_out, _) = line.remove(first);
                    left_out = Some(waiting(driver_out, seq_out));
                    line.push((driver, seq, false));
                } else {
                    left_out = Some(waiting(driver, seq));
                }
                prop_assert_eq!(collector.push(waiting(driver, seq), idle), left_out);
                prop_assert_eq!(collector.depth(), line.len());
                if take == 0 {
                    let expected: Vec<_> = line.drain(..).map(|(driver, seq, _)| (driver, seq)).collect();
                    prop_assert_eq!(drain(&mut collector), expected);
                }
            }
            let waiting = collector.depth() as u64;
            let Collected { taken, replaced, shed } = collector.counts();
            prop_assert_eq!(taken + replaced + shed + waiting, steps.len() as u64);
        }
    }
}
