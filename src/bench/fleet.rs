//! Drivers and where they are, riders and where they want to go.
//!
//! Drivers stand at street corners, the same number at each, and report where they are in turn, an equal part of them with each
//! bundle, as phones report that do not know of each other. A rider asks at a corner, and wants to go three corners farther.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hansom_engine::{Key, Name};
use hansom_geo_index::{Coord, Network, NodeId};
use hansom_market::ingest::order::{Body, RequestRide, StartShift};
use hansom_market::ingest::{Order, Position, Rating};
use hansom_simulator::rng::{Draw, Purpose, Stream};

/// Streets from one corner to where a ride leads.
const STREETS: u64 = 3;
/// Phones are not exact: every other position is so far north of the one before, in 1e-7 degrees; about 5 m.
const NOISE: i32 = 450;

/// All drivers, and what draws riders.
#[derive(Debug)]
pub struct Fleet {
    /// Street corners, and where one can get to from each.
    corners: Vec<(Coord, Vec<u32>)>,
    /// The corner of each driver.
    places: Vec<AtomicU32>,
    /// How many positions each has reported.
    reports: Vec<AtomicU32>,
    /// What tells this run's people from those of another.
    run: String,
    keys: AtomicU64,
    pickups: Stream,
    dropoffs: Stream,
}

/// A ride that is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Corner of pickup.
    pub pickup: u32,
    /// Corner of dropoff.
    pub dropoff: u32,
}

impl Fleet {
    /// So many drivers on the streets of a network.
    pub fn new(network: &Network, drivers: u32, seed: u64) -> Self {
        let corner = |node: u32| {
            let node = NodeId(node);
            let to = network.out_edges(node).map(|edge| network.to()[edge.0 as usize]).collect();
            (network.node_coord(node), to)
        };
        let corners: Vec<_> = (0..network.node_count() as u32).map(corner).collect();
        let count = corners.len().max(1) as u32;
        Self {
            corners,
            places: (0..drivers).map(|driver| AtomicU32::new(driver % count)).collect(),
            reports: (0..drivers).map(|_| AtomicU32::new(0)).collect(),
            run: format!("{:x}", now_ms() / 1000),
            keys: AtomicU64::new(0),
            pickups: Stream::new(seed, Purpose::Pickup),
            dropoffs: Stream::new(seed, Purpose::Dropoff),
        }
    }

    /// How many drivers.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The name of a driver.
    pub fn name(&self, driver: usize) -> String {
        format!("b{}-{driver}", self.run)
    }

    /// Which driver of ours has this name.
    pub fn driver(&self, name: &str) -> Option<usize> {
        let number = name.strip_prefix('b')?.strip_prefix(&self.run)?.strip_prefix('-')?;
        number.parse().ok().filter(|driver| *driver < self.len())
    }

    /// An order, with a key of its own.
    pub fn order(&self, body: Body) -> Order {
        Order { key: self.key(), source: "/hansom/bench".into(), market: None, time: None, body }
    }

    /// A key: a UUID of version 7.
    pub fn key(&self) -> Key {
        let count = self.keys.fetch_add(1, Ordering::Relaxed);
        let run = u128::from(std::process::id()) & 0xfff;
        Key(u128::from(now_ms()) << 80 | 7 << 76 | run << 64 | 0b10 << 62 | u128::from(count))
    }

    /// All of them go on shift.
    pub fn shifts(&self) -> Vec<Order> {
        let shift = |driver| {
            self.order(Body::StartShift(StartShift {
                driver: Name::from(self.name(driver).as_str()),
                place: self.place(self.at(driver)),
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: Rating(500),
            }))
        };
        (0..self.len()).map(shift).collect()
    }

    /// What the `number`th rider of all wishes: his pickup among the first `corners` of them.
    pub fn wish(&self, number: u64, corners: usize) -> Wish {
        let among = corners.clamp(1, self.corners.len());
        let pickup = below(self.pickups.draw(number, 0), among);
        let mut dropoff = pickup;
        for street in 0..STREETS {
            let to = &self.corners[dropoff as usize].1;
            // A dead end, or back at the start: he stays where he is, or where he has got to.
            let next = to.get(below(self.dropoffs.draw(number, street), to.len().max(1)) as usize);
            dropoff = next.copied().filter(|next| *next != pickup).unwrap_or(dropoff);
        }
        Wish { pickup, dropoff }
    }

    /// The request of the `number`th rider.
    pub fn request(&self, number: u64, wish: Wish) -> Order {
        self.order(Body::RequestRide(RequestRide {
            rider: Name::from(format!("r{}-{number}", self.run).as_str()),
            pickup: self.place(wish.pickup),
            dropoff: self.place(wish.dropoff),
            seats: 1,
            class: 0,
            tier: 0,
            blocked: Vec::new(),
        }))
    }

    /// A corner on the map.
    pub fn place(&self, corner: u32) -> Coord {
        self.corners[corner as usize].0
    }

    fn at(&self, driver: usize) -> u32 {
        self.places[driver].load(Ordering::Relaxed)
    }

    /// From here on a driver is there.
    pub fn moved(&self, driver: usize, corner: u32) {
        self.places[driver].store(corner, Ordering::Relaxed);
    }

    /// The positions that `count` drivers report, the `turn`th time that so many do.
    pub fn report(&self, turn: u64, count: u32) -> Vec<Position> {
        let first = turn * u64::from(count);
        let drivers = (first..first + u64::from(count)).map(|number| (number % self.len() as u64) as usize);
        let position = |driver: usize| {
            let seq = 1 + self.reports[driver].fetch_add(1, Ordering::Relaxed);
            let Coord { lat, lon } = self.place(self.at(driver));
            let place = Coord { lat: lat + if seq.is_multiple_of(2) { NOISE } else { 0 }, lon };
            Position { driver: Name::from(self.name(driver).as_str()), session: 1, seq, place }
        };
        drivers.map(position).collect()
    }
}

fn below(draw: Draw, most: usize) -> u32 {
    ((draw.unit() * most as f64) as usize).min(most.saturating_sub(1)) as u32
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use hansom_geo_index::import::synthetic;

    use super::*;

    fn fleet(drivers: u32) -> Fleet {
        let network = synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known");
        Fleet::new(&network, drivers, 1)
    }

    #[test]
    fn everybody_reports_once_before_anybody_reports_twice() {
        let fleet = fleet(1_000);
        let bundles: Vec<Position> = (0..4).flat_map(|turn| fleet.report(turn, 400)).collect();
        let numbers: Vec<u32> = bundles.iter().map(|position| position.seq).collect();
        assert_eq!(numbers, [vec![1; 1_000], vec![2; 600]].concat());
        let names: std::collections::BTreeSet<_> = bundles[..1_000].iter().map(|position| &position.driver).collect();
        assert_eq!(names.len(), 1_000);
        assert_eq!(fleet.driver(&fleet.name(999)), Some(999));
        assert_eq!((fleet.driver(&fleet.name(1_000)), fleet.driver("d7")), (None, None));
    }

    #[test]
    fn a_ride_leads_elsewhere_and_not_far() {
        let fleet = fleet(10);
        let mut stay = 0;
        for number in 0..1_000 {
            let Wish { pickup, dropoff } = fleet.wish(number, usize::MAX);
            stay += usize::from(pickup == dropoff);
            assert_eq!(fleet.wish(number, usize::MAX), Wish { pickup, dropoff });
        }
        assert!(stay < 20, "{stay} of 1,000 lead nowhere");
    }

    #[test]
    fn keys_are_new_and_of_version_7() {
        let fleet = fleet(1);
        let (one, two) = (fleet.key(), fleet.key());
        assert_ne!(one, two);
        assert!(one.made_at().is_some());
        assert_eq!(one.0 >> 62 & 0b11, 0b10);
    }
}
