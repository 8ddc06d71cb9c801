//! What vehicles report: their places, late, noisy or frozen, in bundles.
//!
//! Each vehicle measures once an interval, at a phase of its own. What is measured within the same 250 ms travels in one
//! command at their end. Costs tens of nanoseconds a report and allocates once a bundle.

use hansom_engine::DriverId;
use hansom_engine::record::Ping;
use hansom_geo_index::{Coord, Millimetres, Millis, Network, Point};

use crate::agent::{Roads, Vehicle};
use crate::rng::{self, Draw, Purpose, Stream};
use crate::scenario::Scenario;

/// What is measured within so many ms travels together.
const SLICE_MS: i64 = 250;

/// The most reports that one command carries.
const BUNDLE: usize = 1024;

/// Standard normals to draw noise from, at the middles of so many equally likely parts.
const NORMALS: usize = 1 << 16;

/// The receivers of all vehicles.
#[derive(Debug)]
pub struct Sense {
    /// When each vehicle measures, in ms from the start of an interval, ascending; then the vehicle.
    ring: Vec<(u32, u32)>,
    /// The next entry of the ring.
    next: usize,
    /// The interval it is in.
    round: i64,
    start: Millis,
    interval: Millis,
    receivers: Vec<Receiver>,
    noise: Stream,
    /// Noise in mm; empty: there is none.
    normals: Vec<i32>,
    bundle: Vec<Ping>,
    /// When it travels, if it is not empty.
    bundle_at: Millis,
}

/// How many measurements ahead a vehicle is looked at: each is elsewhere in memory.
const FORESEEN: usize = 4;

/// The receiver and phone of a vehicle.
#[derive(Debug, Clone, Copy)]
struct Receiver {
    /// Whose reports they are; `None`: off shift.
    driver: Option<DriverId>,
    /// Reports of this session.
    seq: u32,
    /// The phone is dark.
    dark: bool,
    /// Reports its first place for ever.
    freezes: bool,
    frozen_at: Option<Coord>,
}

impl Sense {
    /// The receivers of a fleet of so many vehicles, silent until they go on shift.
    pub fn new(scenario: &Scenario, vehicles: u32) -> Self {
        let (phases, frozen) =
            (Stream::new(scenario.seed, Purpose::PingPhase), Stream::new(scenario.seed, Purpose::Frozen));
        let interval = scenario.pings.interval;
        let phase = |vehicle: u32| phases.draw(u64::from(vehicle), 0).below(interval.0 as u64) as u32;
        let mut ring: Vec<_> = (0..vehicles).map(|vehicle| (phase(vehicle), vehicle)).collect();
        ring.sort_unstable();
        let receiver = |vehicle: u32| Receiver {
            driver: None,
            seq: 0,
            dark: false,
            freezes: frozen.draw(u64::from(vehicle), 0).chance(scenario.pings.frozen),
            frozen_at: None,
        };
        Self {
            ring,
            next: 0,
            round: 0,
            start: scenario.period.start,
            interval,
            receivers: (0..vehicles).map(receiver).collect(),
            noise: Stream::new(scenario.seed, Purpose::PingNoise),
            normals: normals(scenario.pings.noise),
            bundle: Vec::new(),
            bundle_at: Millis::ZERO,
        }
    }

    /// A vehicle goes on shift.
    pub fn start(&mut self, vehicle: u32, driver: DriverId) {
        let receiver = &mut self.receivers[vehicle as usize];
        (receiver.driver, receiver.seq) = (Some(driver), 0);
    }

    /// A vehicle goes off shift.
    pub fn end(&mut self, vehicle: u32) {
        self.receivers[vehicle as usize].driver = None;
    }

    /// A phone goes dark, or is lit again.
    pub fn set_dark(&mut self, vehicle: u32, dark: bool) {
        self.receivers[vehicle as usize].dark = dark;
    }

    /// When the next bundle travels; `None`: there are no vehicles.
    pub fn next_bundle(&self) -> Option<Millis> {
        if self.bundle.is_empty() { self.next_due().map(slice_end) } else { Some(self.bundle_at) }
    }

    /// Takes all measurements due before `until`, which is not beyond the next bundle. The vehicles are asked where they
    /// are, each in ascending order of time.
    pub fn measure(&mut self, until: Millis, vehicles: &mut [Vehicle], roads: Roads<'_>) {
        while let Some(due) = self.next_due().filter(|due| *due < until) {
            let (_, vehicle) = self.ring[self.next];
            let round = self.round;
            if let Some((_, later)) = self.ring.get(self.next + FORESEEN) {
                vehicles[*later as usize].foresee();
            }
            self.next += 1;
            if self.next == self.ring.len() {
                (self.next, self.round) = (0, round + 1);
            }
            let receiver = &mut self.receivers[vehicle as usize];
            let Some(driver) = receiver.driver.filter(|_| !receiver.dark) else { continue };
            let coord = receiver.frozen_at.unwrap_or_else(|| {
                let place = roads.network.point(vehicles[vehicle as usize].position(roads, due));
                let draw = self.noise.draw(u64::from(vehicle), round as u64);
                blurred(roads.network, &self.normals, place, draw)
            });
            if receiver.freezes {
                receiver.frozen_at = Some(coord);
            }
            receiver.seq += 1;
            self.bundle_at = slice_end(due);
            self.bundle.push(Ping { driver, seq: receiver.seq, age_ms: (self.bundle_at - due).0 as i32, coord });
        }
    }

    /// Whether anything is left of the bundle that travels now.
    pub fn has_bundle(&self) -> bool {
        !self.bundle.is_empty()
    }

    /// Takes as much of the bundle as one command carries. `buffer` is an empty one, to be filled next.
    pub fn bundle(&mut self, mut buffer: Vec<Ping>) -> Vec<Ping> {
        let most = self.bundle.len().min(BUNDLE);
        buffer.extend(self.bundle.drain(most..));
        std::mem::replace(&mut self.bundle, buffer)
    }

    fn next_due(&self) -> Option<Millis> {
        let (phase, _) = self.ring.get(self.next)?;
        Some(self.start + Millis(self.round * self.interval.0 + i64::from(*phase)))
    }
}

/// The end of the slice that `at` is in; its start belongs to it.
fn slice_end(at: Millis) -> Millis {
    Millis((at.0.div_euclid(SLICE_MS) + 1) * SLICE_MS)
}

/// A table of normal deviates with standard deviation `sigma`, in mm; empty if that is 0.
fn normals(sigma: Millimetres) -> Vec<i32> {
    if sigma == Millimetres::ZERO {
        return Vec::new();
    }
    let middle = |n: usize| (n as f64 + 0.5) / NORMALS as f64;
    (0..NORMALS).map(|n| libm::round(rng::inverse_normal(middle(n)) * sigma.0 as f64) as i32).collect()
}

/// Where a receiver believes to be that is at `point`.
fn blurred(network: &Network, normals: &[i32], point: Point, draw: Draw) -> Coord {
    let point = if normals.is_empty() {
        point
    } else {
        let (east, north) = (draw.bits() as usize % NORMALS, (draw.bits() >> 48) as usize);
        Point { x: point.x + normals[east], y: point.y + normals[north] }
    };
    network.projection().coord(point)
}
