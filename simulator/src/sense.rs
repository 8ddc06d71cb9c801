//! What vehicles report: their places, late, noisy or frozen, in bundles.
//!
//! Each vehicle measures once an interval, at a phase of its own. What is measured within the same 250 ms travels in one
//! command at their end. Costs tens of nanoseconds a report and allocates once a bundle.

use hansom_engine::DriverId;
use hansom_engine::domain::Session;
use hansom_engine::record::Ping;
use hansom_geo_index::{Coord, Millimetres, Millis, Network, Point, Position};

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
    /// In the order in which they measure in each interval.
    ring: Vec<Receiver>,
    /// Where in the ring a vehicle's is.
    slots: Vec<u32>,
    /// The next of the ring.
    next: usize,
    /// The interval it is in.
    round: i64,
    start: Millis,
    interval: Millis,
    noise: Stream,
    /// Noise in mm; empty: there is none.
    normals: Vec<i32>,
    /// What is measured in the slice that ends now, one for each ping of the bundle.
    fixes: Vec<Fix>,
    bundle: Vec<Ping>,
}

/// A measurement without noise.
#[derive(Debug, Clone, Copy)]
struct Fix {
    /// Whose receiver, in the ring.
    slot: u32,
    /// Whose vehicle.
    vehicle: u32,
    /// In which interval.
    round: u32,
    due: Millis,
    /// Where; known before the end of the slice only if the vehicle has done something else since.
    place: Option<Position>,
}

/// The receiver and phone of a vehicle.
#[derive(Debug, Clone, Copy)]
struct Receiver {
    /// When it measures, in ms from the start of an interval.
    phase_ms: u32,
    /// Whose vehicle's it is.
    vehicle: u32,
    /// Whose reports they are; `None`: off shift.
    driver: Option<DriverId>,
    /// Since when it is on shift.
    since: Millis,
    /// Reports of this session.
    seq: u32,
    /// Where it measured in the slice that is under way, if the vehicle has done something else since.
    early: Option<Position>,
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
        let receiver = |vehicle: u32| Receiver {
            phase_ms: phases.draw(u64::from(vehicle), 0).below(interval.0 as u64) as u32,
            vehicle,
            driver: None,
            since: Millis::ZERO,
            seq: 0,
            early: None,
            dark: false,
            freezes: frozen.draw(u64::from(vehicle), 0).chance(scenario.pings.frozen),
            frozen_at: None,
        };
        let mut ring: Vec<Receiver> = (0..vehicles).map(receiver).collect();
        ring.sort_unstable_by_key(|receiver| (receiver.phase_ms, receiver.vehicle));
        let mut slots = vec![0; ring.len()];
        for (receiver, slot) in ring.iter().zip(0..) {
            slots[receiver.vehicle as usize] = slot;
        }
        Self {
            ring,
            slots,
            next: 0,
            round: 0,
            start: scenario.period.start,
            interval,
            noise: Stream::new(scenario.seed, Purpose::PingNoise),
            normals: normals(scenario.pings.noise),
            fixes: Vec::new(),
            bundle: Vec::new(),
        }
    }

    fn receiver(&mut self, vehicle: u32) -> &mut Receiver {
        &mut self.ring[self.slots[vehicle as usize] as usize]
    }

    /// A vehicle goes on shift.
    pub fn start(&mut self, vehicle: u32, driver: DriverId, at: Millis) {
        let receiver = self.receiver(vehicle);
        (receiver.driver, receiver.since, receiver.seq) = (Some(driver), at, 0);
    }

    /// A vehicle goes off shift.
    pub fn end(&mut self, vehicle: u32) {
        self.receiver(vehicle).driver = None;
    }

    /// A phone goes dark, or is lit again.
    pub fn set_dark(&mut self, vehicle: u32, dark: bool) {
        self.receiver(vehicle).dark = dark;
    }

    /// When the next bundle travels; `None`: there are no vehicles.
    pub fn next_bundle(&self) -> Option<Millis> {
        self.next_due().map(slice_end)
    }

    /// A vehicle does something else from `at` on: a measurement that was due before in this slice is taken now.
    pub fn settle(&mut self, vehicle: u32, at: Millis, body: &mut Vehicle, roads: Roads<'_>) {
        let slot = self.slots[vehicle as usize] as usize;
        let due = self.due(slot, self.round + i64::from(slot < self.next));
        let early = &mut self.ring[slot].early;
        if due < at && early.is_none() {
            *early = Some(body.position(roads, due));
        }
    }

    /// Takes the measurements of the slice that ends now, of the vehicles that are on shift and whose phones are lit.
    ///
    /// All at once, step by step: what is known of a vehicle lies in several far places of memory, and the processor can
    /// fetch them for many vehicles at a time if nothing else stands between.
    pub fn measure(&mut self, vehicles: &mut [Vehicle], roads: Roads<'_>) {
        let Some(end) = self.next_bundle() else { return };
        while let Some(due) = self.next_due().filter(|due| *due < end) {
            let (slot, round) = (self.next, self.round);
            self.next += 1;
            if self.next == self.ring.len() {
                (self.next, self.round) = (0, round + 1);
            }
            let receiver = &mut self.ring[slot];
            let place = receiver.early.take();
            if let Some(driver) = receiver.driver
                && !receiver.dark
                && due >= receiver.since
            {
                receiver.seq += 1;
                let ping = Ping {
                    driver,
                    session: Session::FIRST,
                    seq: receiver.seq,
                    age_ms: (end - due).0 as i32,
                    coord: Coord::default(),
                };
                self.bundle.push(ping);
                self.fixes.push(Fix { slot: slot as u32, vehicle: receiver.vehicle, round: round as u32, due, place });
            }
        }
        for foresee in [Vehicle::foresee, Vehicle::foresee_way] {
            let seen = self.fixes.iter().map(|fix| foresee(&vehicles[fix.vehicle as usize]));
            std::hint::black_box(seen.fold(0, u32::wrapping_add));
        }
        for fix in &mut self.fixes {
            fix.place.get_or_insert_with(|| vehicles[fix.vehicle as usize].position(roads, fix.due));
        }
        for (ping, fix) in self.bundle.iter_mut().zip(self.fixes.drain(..)) {
            let receiver = &mut self.ring[fix.slot as usize];
            ping.coord = match (receiver.frozen_at, fix.place) {
                (Some(coord), _) => coord,
                (None, Some(place)) => {
                    let draw = self.noise.draw(u64::from(fix.vehicle), u64::from(fix.round));
                    blurred(roads.network, &self.normals, roads.network.point(place), draw)
                }
                (None, None) => continue,
            };
            if receiver.freezes {
                receiver.frozen_at = Some(ping.coord);
            }
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
        (self.next < self.ring.len()).then(|| self.due(self.next, self.round))
    }

    fn due(&self, slot: usize, round: i64) -> Millis {
        self.start + Millis(round * self.interval.0 + i64::from(self.ring[slot].phase_ms))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hansom_geo_index::network::sample;
    use hansom_geo_index::{EdgeId, Network};

    use super::*;
    use crate::scenario::{Period, Pings};
    use crate::traffic::Traffic;

    const START: Millis = Millis(1_772_668_800_100);

    struct Fleet {
        network: Arc<Network>,
        traffic: Traffic,
        sense: Sense,
        vehicles: Vec<Vehicle>,
    }

    impl Fleet {
        fn new(vehicles: u32, pings: Pings) -> Self {
            let network = Arc::new(sample::grid(4, 4, 100_000, 9_000));
            let period = Period { start: START, end: START + Millis::from_secs(3600) };
            let scenario = Scenario { period, pings, ..Scenario::default() };
            let place = |n: u32| Position { edge: EdgeId(n % network.edge_count() as u32), along: 1 << 15 };
            let mut sense = Sense::new(&scenario, vehicles);
            (0..vehicles).for_each(|n| sense.start(n, DriverId(n), START));
            let standing = (0..vehicles).map(|n| Vehicle::at(place(n))).collect();
            Self { traffic: Traffic::new(&scenario, &network), network, sense, vehicles: standing }
        }

        /// The pings of the next bundle that has any, each with when it was measured, and how many commands they take.
        fn bundle(&mut self) -> (Vec<(Millis, Ping)>, usize) {
            let roads = Roads { network: &self.network, traffic: &self.traffic };
            let (mut pings, mut commands) = (Vec::new(), 0);
            while pings.is_empty() {
                let at = self.sense.next_bundle().expect("there are vehicles");
                self.sense.measure(&mut self.vehicles, roads);
                while self.sense.has_bundle() {
                    let bundle = self.sense.bundle(Vec::new());
                    assert!(bundle.len() <= BUNDLE);
                    commands += 1;
                    pings.extend(bundle.into_iter().map(|ping| (at - Millis(i64::from(ping.age_ms)), ping)));
                }
            }
            (pings, commands)
        }
    }

    #[test]
    fn each_vehicle_reports_once_an_interval() {
        let pings = Pings { interval: Millis::from_secs(7), ..Pings::default() };
        let mut fleet = Fleet::new(50, pings);
        let mut last: Vec<Option<(Millis, u32)>> = vec![None; 50];
        for (at, ping) in (0..500).flat_map(|_| fleet.bundle().0) {
            assert!((1..=250).contains(&ping.age_ms), "{ping:?}");
            let before = last[ping.driver.index()].replace((at, ping.seq));
            match before {
                Some((then, seq)) => assert_eq!((at, ping.seq), (then + Millis::from_secs(7), seq + 1)),
                None => assert!(ping.seq == 1 && at >= START && at < START + Millis::from_secs(7)),
            }
        }
        assert!(last.iter().all(Option::is_some));
    }

    #[test]
    fn a_bundle_of_many_takes_several_commands() {
        let mut fleet = Fleet::new(20_000, Pings { interval: Millis::from_secs(1), ..Pings::default() });
        // The first slice is cut short by the start.
        fleet.bundle();
        let (pings, commands) = fleet.bundle();
        assert!(pings.len() > 4 * BUNDLE && commands == pings.len().div_ceil(BUNDLE), "{} {commands}", pings.len());
        assert!(pings.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order of time");
    }

    #[test]
    fn noise_has_the_deviation_asked_for() {
        let mut fleet = Fleet::new(400, Pings::default());
        let (mut squares, mut count) = ((0.0, 0.0), 0.0);
        let pings: Vec<_> = (0..1200).flat_map(|_| fleet.bundle().0).collect();
        let roads = Roads { network: &fleet.network, traffic: &fleet.traffic };
        for (_, ping) in pings {
            let place = fleet.vehicles[ping.driver.index()].position(roads, START);
            let (true_point, seen) = (fleet.network.point(place), fleet.network.projection().point(ping.coord));
            let (dx, dy) = (f64::from(seen.x - true_point.x), f64::from(seen.y - true_point.y));
            squares = (squares.0 + dx * dx, squares.1 + dy * dy);
            count += 1.0;
        }
        for sum in [squares.0, squares.1] {
            let deviation = libm::sqrt(sum / count);
            // Four standard errors of a deviation are 4 / sqrt(2 n) of it; n is above 8,000.
            assert!((deviation - 5000.0).abs() < 5000.0 * 0.032, "{deviation} mm");
        }
    }

    #[test]
    fn a_dark_phone_is_silent_and_a_frozen_receiver_stays_where_it_was() {
        let mut fleet = Fleet::new(2, Pings { frozen: 1.0, ..Pings::default() });
        let first: Vec<Ping> = (0..2).flat_map(|_| fleet.bundle().0).map(|(_, ping)| ping).collect();
        fleet.vehicles[0] = Vehicle::at(Position { edge: EdgeId(9), along: 0 });
        fleet.sense.set_dark(1, true);
        let then: Vec<Ping> = (0..4).flat_map(|_| fleet.bundle().0).map(|(_, ping)| ping).collect();
        let of_first = first.iter().find(|ping| ping.driver == DriverId(0)).expect("it reported");
        assert!(then.iter().all(|ping| ping.driver == DriverId(0) && ping.coord == of_first.coord), "{then:?}");
    }

    #[test]
    fn what_was_due_before_a_turn_is_measured_before_it() {
        let mut fleet = Fleet::new(1, Pings { noise: Millimetres::ZERO, ..Pings::default() });
        let (at, ping) = fleet.bundle().0[0];
        let roads = Roads { network: &fleet.network, traffic: &fleet.traffic };
        let due = at + Millis::from_secs(15);
        // It is elsewhere a moment after the next measurement was due.
        fleet.sense.settle(0, due + Millis(1), &mut fleet.vehicles[0], roads);
        fleet.vehicles[0] = Vehicle::at(Position { edge: EdgeId(9), along: 0 });
        let [next, last] = [fleet.bundle().0[0], fleet.bundle().0[0]];
        assert_eq!((next.0, next.1.coord), (due, ping.coord));
        assert_ne!(last.1.coord, ping.coord);
    }
}
