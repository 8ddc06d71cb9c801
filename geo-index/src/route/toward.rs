//! Look-ups: how far a prepared target is from here.

use super::cch::{Hierarchy, Labels, Leave, Reach};
use super::times::{Store, Street, Times};
use super::trip::staying;
use crate::network::{NodeId, Position};

/// A target, prepared: how far is it from here, and here, and here?
#[derive(Debug)]
pub struct Toward<'a> {
    times: &'a Times,
    to: Position,
    street: Street,
    /// Time in ms from the two ends of the target's street to the target; the same twice on a one-way street.
    rest_ms: [u32; 2],
    one_way: bool,
    lines: Lines<'a>,
}

/// Times to the two ends of a street.
#[derive(Debug)]
pub(super) enum Lines<'a> {
    Short([&'a [u16]; 2], u32),
    Long([&'a [u32]; 2]),
    Label(&'a Labels, Reach),
}

impl<'a> Toward<'a> {
    pub(super) fn new(times: &'a Times, to: Position) -> Self {
        let street = times.streets[to.edge.0 as usize];
        let ends = street.behind(to.along);
        let hierarchy = &times.hierarchy;
        let lines = match &times.store {
            Store::Short(rows, unit) => Lines::Short(ends.map(|(rank, _)| rows.toward(hierarchy, rank)), *unit),
            Store::Long(rows) => Lines::Long(ends.map(|(rank, _)| rows.toward(hierarchy, rank))),
            Store::Pairs(labels) => Lines::Label(labels, labels.reach(hierarchy, ends)),
        };
        Self { times, to, street, rest_ms: ends.map(|(_, ms)| ms), one_way: street.is_one_way(), lines }
    }

    /// Where times to the ends of the target's street come from.
    pub(super) fn lines(&self) -> &Lines<'a> {
        &self.lines
    }

    /// Time in ms from each end of the target's street to the target.
    pub(super) fn rest_ms(&self) -> [u32; 2] {
        self.rest_ms
    }

    /// Travel time in ms from `from` to the target.
    #[inline]
    pub fn from(&self, from: Position) -> u32 {
        let street = self.times.streets[from.edge.0 as usize];
        let starts = street.ahead(from.along);
        let over = match &self.lines {
            Lines::Short(rows, unit) => self.least(starts, |end, rank| u32::from(rows[end][rank as usize]) * unit),
            Lines::Long(rows) => self.least(starts, |end, rank| rows[end][rank as usize]),
            Lines::Label(labels, reach) => labels.time(&self.times.hierarchy, starts, reach),
        };
        if street.joins_as(self.street) { over.min(self.staying_ms(from)) } else { over }
    }

    /// Travel times in ms from all `origins`, in their order. `out` is as long as they are.
    ///
    /// # Panics
    ///
    /// If `origins` were prepared by other times than this target.
    pub fn fill(&self, origins: &Origins, out: &mut [u32]) {
        match (&self.lines, &origins.prepared) {
            (Lines::Short(rows, unit), Prepared::Starts(all)) => {
                for (out, &starts) in out.iter_mut().zip(all) {
                    *out = self.least(starts, |end, rank| u32::from(rows[end][rank as usize]) * unit);
                }
            }
            (Lines::Long(rows), Prepared::Starts(all)) => {
                for (out, &starts) in out.iter_mut().zip(all) {
                    *out = self.least(starts, |end, rank| rows[end][rank as usize]);
                }
            }
            (Lines::Label(_, reach), Prepared::Labels(all)) => {
                for (out, leave) in out.iter_mut().zip(all) {
                    *out = reach.time(&self.times.hierarchy, leave);
                }
            }
            _ => unreachable!("origins and target were prepared by the same times"),
        }
        for (out, &from) in out.iter_mut().zip(origins.places) {
            if self.times.streets[from.edge.0 as usize].joins_as(self.street) {
                *out = (*out).min(self.staying_ms(from));
            }
        }
    }

    /// The least of the times from either of `starts` to either end of the target's street and on to the target.
    #[inline]
    fn least(&self, starts: [(u32, u32); 2], between: impl Fn(usize, u32) -> u32) -> u32 {
        let over = |(rank, ms): (u32, u32), end: usize| {
            ms.saturating_add(between(end, rank)).saturating_add(self.rest_ms[end])
        };
        let [own, turned] = starts;
        let by_own = over(own, 0).min(over(turned, 0));
        if self.one_way { by_own } else { by_own.min(over(own, 1)).min(over(turned, 1)) }
    }

    #[cold]
    fn staying_ms(&self, from: Position) -> u32 {
        let network = &self.times.network;
        staying(network, network.times_ms(self.times.version()), from, self.to).map_or(u32::MAX, |(ms, _)| ms)
    }
}

/// Origins, prepared for many targets: a look-up costs half of what [`Toward::from`] does.
#[derive(Debug)]
pub struct Origins<'a> {
    places: &'a [Position],
    prepared: Prepared,
}

#[derive(Debug)]
enum Prepared {
    Starts(Vec<[(u32, u32); 2]>),
    Labels(Vec<Leave>),
}

impl<'a> Origins<'a> {
    /// Prepares `places` for targets of `times`.
    pub fn new(times: &Times, places: &'a [Position]) -> Self {
        let starts = places.iter().map(|from| times.streets[from.edge.0 as usize].ahead(from.along));
        let prepared = match &times.store {
            Store::Short(..) | Store::Long(_) => Prepared::Starts(starts.collect()),
            Store::Pairs(labels) => {
                Prepared::Labels(starts.map(|starts| labels.leave(&times.hierarchy, starts)).collect())
            }
        };
        Self { places, prepared }
    }

    /// The places.
    pub fn places(&self) -> &'a [Position] {
        self.places
    }
}

/// Times in ms from any node to one, to be asked along a path.
pub(super) enum NodeTimes<'a> {
    Short(&'a [u16], u32),
    Long(&'a [u32]),
    Label(&'a Hierarchy, &'a Labels, Reach),
}

impl<'a> NodeTimes<'a> {
    pub fn new(times: &'a Times, target: NodeId) -> Self {
        let hierarchy = &*times.hierarchy;
        let rank = hierarchy.rank(target.0);
        match &times.store {
            Store::Short(rows, unit) => Self::Short(rows.toward(hierarchy, rank), *unit),
            Store::Long(rows) => Self::Long(rows.toward(hierarchy, rank)),
            Store::Pairs(labels) => Self::Label(hierarchy, labels, labels.reach(hierarchy, [(rank, 0); 2])),
        }
    }

    /// The time from the node of rank `rank`.
    pub fn from(&self, rank: u32) -> u32 {
        match self {
            Self::Short(row, unit) => u32::from(row[rank as usize]) * unit,
            Self::Long(row) => row[rank as usize],
            Self::Label(hierarchy, labels, reach) => labels.time(hierarchy, [(rank, 0); 2], reach),
        }
    }
}
