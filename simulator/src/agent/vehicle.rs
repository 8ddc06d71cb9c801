//! A vehicle on the streets: where it is at any time, and the ways it drives.

use hansom_geo_index::route::{Path, Times, TravelTimes};
use hansom_geo_index::{EdgeId, Millis, Network, Position};

use crate::traffic::{EDGE_END, Traffic};

/// The streets as vehicles meet them.
#[derive(Debug, Clone, Copy)]
pub struct Roads<'a> {
    /// The map.
    pub network: &'a Network,
    /// How long streets really take.
    pub traffic: &'a Traffic,
}

/// Where a vehicle stands, or the way it drives.
///
/// The way is laid out when it starts: the edges, and when each is entered. So a look at where the vehicle is costs a
/// few steps along the list, and no event happens between its ends.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Vehicle {
    /// The edges of the way; none: the vehicle stands.
    steps: Vec<Step>,
    /// The edge it was last seen on: times are asked for in ascending order.
    cursor: u32,
    first_along: u16,
    last_along: u16,
    /// Where it stands, or where the way began.
    place: Position,
    started: Millis,
    arrives: Millis,
}

/// One edge of a way.
#[derive(Debug, Clone, Copy)]
struct Step {
    edge: EdgeId,
    /// When it is entered, in ms from the start of the way.
    enter_ms: u32,
}

impl Vehicle {
    /// A vehicle that stands at `place`.
    pub fn at(place: Position) -> Self {
        Self {
            steps: Vec::new(),
            cursor: 0,
            first_along: 0,
            last_along: 0,
            place,
            started: Millis::ZERO,
            arrives: Millis::ZERO,
        }
    }

    /// Whether it drives.
    pub fn is_driving(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Sets out from where it stands to `target`, on the way that `times` believe the fastest. Returns when it will be
    /// there, which is for the streets to say. `path` is a buffer.
    pub fn depart(&mut self, roads: Roads<'_>, times: &Times, target: Position, at: Millis, path: &mut Path) -> Millis {
        debug_assert!(!self.is_driving(), "a vehicle stops before it turns to another target");
        times.path(self.place, target, path);
        let (Some(first), Some(last)) = (path.first(), path.last()) else {
            // Over 49 days away: no city of one network has such a place. It stays.
            return at;
        };
        (self.first_along, self.last_along) = (first.along, last.along);
        (self.started, self.cursor) = (at, 0);
        let mut now = at;
        let end = path.edges.len() - 1;
        for (n, &edge) in path.edges.iter().enumerate() {
            self.steps.push(Step { edge, enter_ms: (now - at).0 as u32 });
            let from = if n == 0 { u32::from(first.along) } else { 0 };
            let to = if n == end { u32::from(last.along) } else { EDGE_END };
            now = roads.traffic.leave(edge, from, to, now);
        }
        self.arrives = now;
        now
    }

    /// Reads of itself what [`position`](Self::position) will read, so that it is near by then.
    pub fn foresee(&self) -> u32 {
        self.cursor
    }

    /// The same of its way.
    pub fn foresee_way(&self) -> u32 {
        self.steps.get(self.cursor as usize).map_or(0, |step| step.enter_ms)
    }

    /// Where it is at `at`, which is not earlier than it was asked for before on this way.
    pub fn position(&mut self, roads: Roads<'_>, at: Millis) -> Position {
        let Some(last) = self.steps.last() else { return self.place };
        if at >= self.arrives {
            return Position { edge: last.edge, along: self.last_along };
        }
        let since = (at - self.started).0 as u32;
        while self.steps.get(self.cursor as usize + 1).is_some_and(|next| next.enter_ms <= since) {
            self.cursor += 1;
        }
        let step = self.steps[self.cursor as usize];
        let from = if self.cursor == 0 { u32::from(self.first_along) } else { 0 };
        let enter = self.started + Millis(i64::from(step.enter_ms));
        Position { edge: step.edge, along: roads.traffic.along(step.edge, from, enter, at) }
    }

    /// Stops where it is at `at`, at the end of its way or before. Returns that place, and how far it has driven on
    /// this way in mm.
    pub fn stop(&mut self, roads: Roads<'_>, at: Millis) -> (Position, u64) {
        let place = self.position(roads, at);
        let mut driven_mm = 0;
        if let Some(first) = self.steps.first() {
            let reached = if at >= self.arrives { self.steps.len() - 1 } else { self.cursor as usize };
            let whole = self.steps[..reached].iter().map(|step| u64::from(roads.network.length_mm(step.edge)));
            let skipped = roads.network.driven_mm(Position { edge: first.edge, along: self.first_along });
            driven_mm = (whole.sum::<u64>() + u64::from(roads.network.driven_mm(place))) - u64::from(skipped);
        }
        self.steps.clear();
        self.place = place;
        (place, driven_mm)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hansom_geo_index::network::sample;
    use hansom_geo_index::route::Router;
    use hansom_geo_index::{EdgeId, WeightsVersion};
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{Period, Scenario};

    const START: Millis = Millis(1_772_668_800_000);

    prop_compose! {
        fn place(edges: u32)(edge in 0..edges, along in any::<u16>()) -> Position {
            Position { edge: EdgeId(edge), along }
        }
    }

    proptest! {
        /// A way is driven without a jump in place or distance, wherever the vehicle is stopped, and ends at its target.
        #[test]
        fn a_way_is_driven_whole(seed in 0..50_u64, from in place(30), to in place(30), shares in prop::collection::vec(0..=1000_i64, 1..6)) {
            let network = Arc::new(sample::town(seed, 12, 1));
            let period = Period { start: START, end: START + Millis::from_secs(3600) };
            let traffic = Traffic::new(&Scenario { seed, period, ..Scenario::default() }, &network);
            let roads = Roads { network: &network, traffic: &traffic };
            let times = Router::new(network.clone()).times(WeightsVersion(0));
            let edges = network.edge_count() as u32;
            let [from, to] = [from, to].map(|place| Position { edge: EdgeId(place.edge.0 % edges), ..place });

            let mut path = Path::default();
            let mut vehicle = Vehicle::at(from);
            let arrives = vehicle.depart(roads, &times, to, START, &mut path);
            let end = path.last().expect("every place can be reached");
            // The same place counted from either end of a street, to a 65,536th of up to 2.9 km.
            prop_assert!(network.point(end).distance_mm(network.point(to)) <= 50);

            let (mut driven, mut shares) = (0, shares);
            shares.sort_unstable();
            for share in shares {
                let at = START + Millis((arrives - START).0 * share / 1000);
                let mut stopped = vehicle.clone();
                prop_assert_eq!(vehicle.position(roads, at), stopped.clone().position(roads, at), "asked twice");
                let (place, mm) = stopped.stop(roads, at);
                prop_assert!(path.edges.contains(&place.edge));
                prop_assert!(driven <= mm && mm <= path.length_mm(&network), "{} {} {}", driven, mm, path.length_mm(&network));
                prop_assert!(!stopped.is_driving());
                prop_assert_eq!(stopped.position(roads, arrives), place, "who stands stays");
                driven = mm;
            }
            let (place, mm) = vehicle.stop(roads, arrives);
            prop_assert_eq!((place, mm), (end, path.length_mm(&network)));
        }
    }
}
