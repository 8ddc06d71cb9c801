//! Of many starting places, those from which a target is reached soonest.
//!
//! Whoever starts leaves his street by a crossing ahead. So all crossings are gone through at once: the time from each to
//! the target, which is one row of the travel times, and on top the least that anybody needs to get to that crossing, is
//! the soonest that anybody arrives by it. What is soon enough is looked at closely, soonest crossing first.
//!
//! On networks too large for rows the crossings are searched outward from the target instead, as far as that costs less
//! than asking everybody.

use super::cch::Cost;
use super::near::Near;
use super::times::Times;
use super::toward::{Lines, Origins, Toward};
use crate::network::{Network, Position};

/// Settling a crossing in a search costs as much as asking this many places.
const PLACES_PER_CROSSING: usize = 24;

/// Going over so many crossings at once costs as much as asking one place.
const CROSSINGS_PER_PLACE: usize = 32;

/// Crossings are looked at in runs of so many, to skip those of which none is soon enough.
const RUN: usize = 32;

/// Where the search within rows starts, ms: about what the nearest few dozen vehicles of a city need.
const FIRST_LOOK_MS: u32 = 60_000;

/// Starting places by the crossings ahead of them. Filled once for a batch, asked for each of its targets.
#[derive(Debug)]
pub struct Soonest {
    near: Near,
    /// Where a crossing's part of `entries` starts; crossings by rank.
    first: Vec<u32>,
    /// Places by crossing: time in ms until the place's vehicle is there, and which place.
    entries: Vec<(u32, u32)>,
    /// The ways on which places are left: to which crossing, time until it is reached, which place.
    ways: Vec<(u32, u32, u32)>,
    places: Vec<Position>,
    ready_ms: Vec<u32>,
    /// In which round a place was last met.
    met: Vec<u32>,
    round: u32,
    short: Scan<u16>,
    long: Scan<u32>,
    etas: Vec<u32>,
    places_per_crossing: usize,
    crossings_per_place: usize,
}

/// Least times by crossing, in units of a row.
#[derive(Debug, Default)]
struct Scan<T> {
    /// Until anybody is at the crossing, rounded down; far if nobody comes by.
    least: Vec<T>,
    /// Until anybody arrives by it, rounded down.
    lower: Vec<T>,
    hits: Vec<(T, u32)>,
}

impl Soonest {
    /// No places on `network` yet.
    pub fn new(network: &Network) -> Self {
        Self {
            near: Near::new(network),
            first: Vec::new(),
            entries: Vec::new(),
            ways: Vec::new(),
            places: Vec::new(),
            ready_ms: Vec::new(),
            met: Vec::new(),
            round: 0,
            short: Scan::default(),
            long: Scan::default(),
            etas: Vec::new(),
            places_per_crossing: PLACES_PER_CROSSING,
            crossings_per_place: CROSSINGS_PER_PLACE,
        }
    }

    /// Takes in places, each with the time in ms before it is left; `u32::MAX`: never.
    pub fn place(&mut self, times: &Times, from: impl IntoIterator<Item = (Position, u32)>) {
        self.places.clear();
        self.ready_ms.clear();
        for (place, ready_ms) in from {
            self.places.push(place);
            self.ready_ms.push(ready_ms);
        }
        self.met.clear();
        self.met.resize(self.places.len(), 0);
        self.round = 0;
        let nodes = times.hierarchy.node_count();
        self.first.clear();
        self.first.resize(nodes + 1, 0);
        self.ways.clear();
        for (index, (place, ready_ms)) in (0..).zip(self.places.iter().zip(&self.ready_ms)) {
            if *ready_ms == u32::MAX {
                continue;
            }
            let street = times.streets[place.edge.0 as usize];
            let ahead = street.ahead(place.along);
            let ways = if street.is_one_way() { 1 } else { 2 };
            for (rank, ms) in ahead.into_iter().take(ways) {
                self.first[rank as usize + 1] += 1;
                self.ways.push((rank, ms.saturating_add(*ready_ms), index));
            }
        }
        for rank in 0..nodes {
            self.first[rank + 1] += self.first[rank];
        }
        let all = self.first[nodes];
        self.entries.resize(all as usize, (0, 0));
        for (rank, ms, index) in &self.ways {
            // The end of each crossing's part is counted down to its start, and moved to where starts belong below.
            let slot = &mut self.first[*rank as usize + 1];
            *slot -= 1;
            self.entries[*slot as usize] = (*ms, *index);
        }
        self.first.rotate_left(1);
        self.first[nodes] = all;
        match times.row_unit_ms() {
            Some((true, unit)) => self.short.place(&self.first, &self.entries, |ms| u16::try_from(ms / unit)),
            Some((false, unit)) => self.long.place(&self.first, &self.entries, |ms| Ok::<_, ()>(ms / unit)),
            None => {}
        }
    }

    /// The places taken in.
    pub fn places(&self) -> &[Position] {
        &self.places
    }

    /// Visits, each once, the places from which `to` is reached in at most `within` ms, waiting included, with that time,
    /// and perhaps others. `visit` answers with the time within which it is still worth to look. `times` are those of
    /// [`place`](Self::place).
    pub fn visit(&mut self, times: &Times, to: Position, within: u32, visit: impl FnMut(usize, u32) -> u32) {
        self.round += 1;
        let toward = times.toward(to);
        let Self {
            near,
            first,
            entries,
            places,
            ready_ms,
            met,
            round,
            short,
            long,
            etas,
            places_per_crossing,
            crossings_per_place,
            ..
        } = self;
        let mut search =
            Search { toward: &toward, first, entries, places, ready_ms, met, round: *round, within, visit };
        if search.places.len() * *crossings_per_place <= times.hierarchy.node_count() {
            (0..search.places.len()).for_each(|index| search.ask(index));
            return;
        }
        // Who stands on the target's own street may reach it without a crossing.
        let street = times.streets[to.edge.0 as usize];
        search.meet(street.ahead(to.along)[0].0, 0);
        search.meet(street.ahead(to.along)[1].0, 0);
        match toward.lines() {
            Lines::Short(rows, unit) => {
                let rest = toward.rest_ms().map(|ms| u16::try_from(ms / unit).unwrap_or(u16::MAX));
                short.visit(*rows, rest, *unit, |unit, lower| u32::from(lower) * unit, &mut search);
            }
            Lines::Long(rows) => long.visit(*rows, toward.rest_ms(), 1, |_, lower| lower, &mut search),
            Lines::Label(..) => {
                let mut budget = search.places.len() / *places_per_crossing;
                let mut found_all = true;
                near.toward(times, to, |node, ms| {
                    if ms > search.within {
                        return false;
                    }
                    if budget == 0 {
                        found_all = false;
                        return false;
                    }
                    budget -= 1;
                    search.meet(times.hierarchy.rank(node.0), ms);
                    true
                });
                if !found_all {
                    etas.resize(search.places.len(), 0);
                    toward.fill(&Origins::new(times, search.places), etas);
                    for (index, drive_ms) in etas.iter().enumerate() {
                        search.look(index, |_| *drive_ms);
                    }
                }
            }
        }
    }
}

/// One target being looked for.
struct Search<'a, 't, V> {
    toward: &'a Toward<'t>,
    first: &'a [u32],
    entries: &'a [(u32, u32)],
    places: &'a [Position],
    ready_ms: &'a [u32],
    met: &'a mut [u32],
    round: u32,
    within: u32,
    visit: V,
}

impl<V: FnMut(usize, u32) -> u32> Search<'_, '_, V> {
    /// Looks at the places that lead to a crossing `ms` from the target.
    fn meet(&mut self, rank: u32, ms: u32) {
        for slot in self.first[rank as usize]..self.first[rank as usize + 1] {
            let (ahead_ms, index) = self.entries[slot as usize];
            if ms == 0 || ms.saturating_add(ahead_ms) <= self.within {
                self.ask(index as usize);
            }
        }
    }

    fn ask(&mut self, index: usize) {
        let place = self.places[index];
        self.look(index, |toward| toward.from(place));
    }

    fn look(&mut self, index: usize, drive_ms: impl FnOnce(&Toward<'_>) -> u32) {
        if self.met[index] != self.round && self.ready_ms[index] != u32::MAX {
            self.met[index] = self.round;
            let eta_ms = self.ready_ms[index].saturating_add(drive_ms(self.toward));
            if eta_ms <= self.within {
                self.within = (self.visit)(index, eta_ms);
            }
        }
    }
}

impl<T: Cost> Scan<T> {
    fn place<E>(&mut self, first: &[u32], entries: &[(u32, u32)], units: impl Fn(u32) -> Result<T, E>) {
        self.least.clear();
        self.least.extend(first.windows(2).map(|part| {
            let part = &entries[part[0] as usize..part[1] as usize];
            let least = part.iter().map(|(ms, _)| *ms).min();
            least.map_or(T::FAR, |ms| units(ms).unwrap_or(T::FAR))
        }));
    }

    /// Goes through the crossings, those with the soonest arrivals first. `ms` turns units into ms, rounded down.
    fn visit<V: FnMut(usize, u32) -> u32>(
        &mut self,
        rows: [&[T]; 2],
        rest: [T; 2],
        unit: u32,
        ms: impl Fn(u32, T) -> u32,
        search: &mut Search<'_, '_, V>,
    ) {
        let Self { least, lower, hits } = self;
        lower.resize(least.len(), T::FAR);
        // Written so that the compiler takes many crossings in one instruction.
        for (((lower, &least), &own), &twin) in lower.iter_mut().zip(least.iter()).zip(rows[0]).zip(rows[1]) {
            *lower = own.plus(rest[0]).min(twin.plus(rest[1])).plus(least);
        }
        let (mut beyond, mut up_to_ms) = (None, FIRST_LOOK_MS);
        loop {
            let last = up_to_ms >= search.within;
            let up_to_ms_now = up_to_ms.min(search.within);
            hits.clear();
            for (run, values) in lower.chunks(RUN).enumerate() {
                let soonest = values.iter().fold(T::FAR, |soonest, value| soonest.min(*value));
                if ms(unit, soonest) > up_to_ms_now {
                    continue;
                }
                for (at, &value) in values.iter().enumerate() {
                    let value_ms = ms(unit, value);
                    if value_ms <= up_to_ms_now && beyond.is_none_or(|beyond| value_ms > beyond) {
                        hits.push((value, (run * RUN + at) as u32));
                    }
                }
            }
            hits.sort_unstable();
            for &(value, rank) in hits.iter() {
                if ms(unit, value) > search.within {
                    return;
                }
                // What anybody needs to the crossing is in `value`; what each needs is in the entries.
                let over = rows[0][rank as usize].plus(rest[0]).min(rows[1][rank as usize].plus(rest[1]));
                search.meet(rank, ms(unit, over));
            }
            if last {
                return;
            }
            beyond = Some(up_to_ms_now);
            up_to_ms = up_to_ms.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{EdgeId, WeightsVersion, sample};
    use crate::route::TravelTimes;
    use crate::route::cch::Hierarchy;
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// The soonest five of a search are the soonest five of all, ties by index included, whatever times come from.
        #[test]
        fn a_search_finds_what_asking_all_finds(
            seed in any::<u64>(),
            nodes in 2..40_u32,
            places_per_crossing in 1..30_usize,
            crossings_per_place in 0..3_usize,
            room in prop::sample::select(vec![1_usize << 30, 6_000, 0]),
            targets in prop::collection::vec((any::<u32>(), any::<u16>()), 1..4),
            places in prop::collection::vec((any::<u32>(), any::<u16>(), prop::option::of(0..120_000_u32)), 1..60),
            within in prop::sample::select(vec![0, 5_000, 60_000, 400_000, u32::MAX]),
        ) {
            let network = Arc::new(sample::town(seed, nodes, 1));
            let hierarchy = Arc::new(Hierarchy::new(network.order(), network.from(), network.to()));
            let times = Times::new(network.clone(), hierarchy, WeightsVersion(0), room);
            let place = |edge: u32, along| Position { edge: EdgeId(edge % network.edge_count() as u32), along };
            let from: Vec<(Position, u32)> = places
                .iter()
                .map(|&(edge, along, ready_ms)| (place(edge, along), ready_ms.unwrap_or(u32::MAX)))
                .collect();
            let mut soonest = Soonest { places_per_crossing, crossings_per_place, ..Soonest::new(&network) };
            soonest.place(&times, from.iter().copied());
            for to in targets.iter().map(|&(edge, along)| place(edge, along)) {
                let eta_ms = |index: usize| from[index].1.saturating_add(times.time(from[index].0, to));
                let mut found: Vec<(u32, usize)> = Vec::new();
                soonest.visit(&times, to, within, |index, ms| {
                    assert_eq!(ms, eta_ms(index));
                    assert!(!found.contains(&(ms, index)));
                    found.push((ms, index));
                    found.sort_unstable();
                    found.truncate(5);
                    if found.len() == 5 { found[4].0.min(within) } else { within }
                });
                let may = (0..from.len()).filter(|index| from[*index].1 != u32::MAX);
                let mut all: Vec<(u32, usize)> = may.map(|index| (eta_ms(index), index)).collect();
                all.retain(|(ms, _)| *ms <= within);
                all.sort_unstable();
                all.truncate(5);
                prop_assert_eq!(found, all);
            }
        }
    }
}
