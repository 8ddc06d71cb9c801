//! The desk: what deciding needs beside the state. Nothing kept in it changes an answer.

use crate::domain::{DriverId, Leg};
use crate::planner::Scratch;
use crate::record::{Event, Ping};
use crate::state::State;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::{Path, Router, Times, TravelTimes};
use hansom_geo_index::{Coord, Network, Position, WeightsVersion};
use std::sync::Arc;

/// Network, travel times and caches.
#[derive(Debug)]
pub struct Desk {
    pub(crate) network: Arc<Network>,
    snap: Arc<SnapIndex>,
    router: Arc<Router>,
    times: Option<Arc<Times>>,
    /// By the driver's place: of those who drive only, as whoever drove once would keep his last one for ever.
    ways: Vec<Option<Box<Way>>>,
    path: Path,
    pub(crate) scratch: Scratch,
}

/// The edges of a driver's leg. They follow from the leg and the network; this is a memory of them.
#[derive(Debug)]
struct Way {
    of: (Position, Position, WeightsVersion),
    edges: Box<[u32]>,
}

impl Desk {
    /// A desk for markets on one network.
    pub fn new(network: Arc<Network>, router: Arc<Router>, snap: Arc<SnapIndex>) -> Self {
        Self {
            network,
            snap,
            router,
            times: None,
            ways: Vec::new(),
            path: Path::default(),
            scratch: Scratch::default(),
        }
    }

    /// Forgets all that was kept: a step that panicked may have left anything there.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.network.clone(), self.router.clone(), self.snap.clone());
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Travel times of a version.
    pub fn times(&mut self, version: WeightsVersion) -> Arc<Times> {
        match &self.times {
            Some(times) if times.version() == version => times.clone(),
            _ => {
                let times = self.router.times(version);
                self.times = Some(times.clone());
                times
            }
        }
    }

    /// The place on the streets nearest to `coord`, if one is within the market's `snap_mm`.
    pub(crate) fn snap(&self, state: &State, coord: Coord) -> Option<Position> {
        self.snap.nearest(&self.network, coord, state.settings.snap_mm).ok().map(|snap| snap.position)
    }

    /// Travel time and length of the fastest way between two places, ms and mm.
    pub(crate) fn way(&mut self, version: WeightsVersion, from: Position, to: Position) -> (u32, u64) {
        let times = self.times(version);
        times.path(from, to, &mut self.path);
        (self.path.ms, self.path.length_mm(&self.network))
    }

    /// The plan of a driver's way to his next stop under the weights in force.
    pub(crate) fn leg(&mut self, state: &State, driver: DriverId, origin: Position, target: Position) -> Event {
        let weights = state.weights;
        let eta_ms = self.times(weights).time(origin, target);
        Event::LegPlanned { driver, origin, target, weights, eta_ms }
    }

    /// Reads what a bundle of pings will ask for: drivers, then the edges they are on. Reading side by side lets the
    /// processor wait for all of them at once instead of for one after the other; it changes nothing.
    pub(crate) fn foresee(&self, state: &State, pings: &[Ping]) {
        let drivers = || pings.iter().filter_map(|ping| state.fleet.get(ping.driver));
        let mut read = 0;
        for driver in drivers() {
            read ^= driver.seq ^ driver.anchor.edge.0 ^ driver.seen.lat as u32 ^ driver.plan.stops().len() as u32;
        }
        for driver in drivers() {
            let way = self.ways.get(driver.id.index()).and_then(Option::as_ref);
            let edge = way.zip(driver.leg).and_then(|(way, leg)| way.edges.get(usize::from(leg.cursor)));
            read ^= edge.copied().unwrap_or(driver.anchor.edge.0);
        }
        std::hint::black_box(read);
    }

    /// The network, and the edges of a driver's leg from its origin on.
    pub(crate) fn edges(&mut self, driver: DriverId, leg: &Leg) -> (&Network, &[u32]) {
        if self.ways.len() <= driver.index() {
            self.ways.resize_with(driver.index() + 1, || None);
        }
        let of = (leg.origin, leg.target, leg.weights);
        let way = &mut self.ways[driver.index()];
        if way.as_ref().is_some_and(|way| way.of != of) {
            *way = None;
        }
        let way = way.get_or_insert_with(|| {
            self.router.times(leg.weights).path(leg.origin, leg.target, &mut self.path);
            Box::new(Way { of, edges: self.path.edges.iter().map(|edge| edge.0).collect() })
        });
        (&self.network, &way.edges)
    }

    /// A driver has no leg: that of his last one is not needed any more.
    pub(crate) fn stands(&mut self, driver: DriverId) {
        if let Some(way) = self.ways.get_mut(driver.index()) {
            *way = None;
        }
    }

    /// Whether a driver's way is kept.
    pub fn keeps_way(&self, driver: DriverId) -> bool {
        self.ways.get(driver.index()).is_some_and(Option::is_some)
    }
}
