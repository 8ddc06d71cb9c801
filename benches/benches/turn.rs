//! One turn of the market: `decide` and `evolve` by command, and pings by the thousand.
//!
//! A river town with 8,000 drivers (or 100,000 for the large fleet), half of them on a trip.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hansom_engine::domain::{DriverId, Epoch, Key, Name, Offset, Planner, Policy, RideId, Session, Settings};
use hansom_engine::record::{Command, Event, Ping, RequestRide, StartShift, Turn};
use hansom_engine::state::{SLICES, State};
use hansom_engine::{Desk, Stamp, steps};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::{Path, Router, TravelTimes};
use hansom_geo_index::{Coord, EdgeId, Millis, Network, Position, WeightsVersion};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct City {
    network: Arc<Network>,
    router: Arc<Router>,
    desk: Desk,
    state: State,
    turns: u64,
    at: Millis,
    draw: ChaCha8Rng,
    events: Vec<Event>,
}

impl City {
    fn new(drivers: u32, planner: Planner) -> Self {
        let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city"));
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        let policy = Policy { planner, ..Policy::default() };
        let state = State::new(Settings { policy, ..Settings::default() }, &network, Millis::ZERO);
        let desk = Desk::new(network.clone(), router.clone(), snap);
        let draw = ChaCha8Rng::seed_from_u64(1);
        let mut city = Self { network, router, desk, state, turns: 0, at: Millis(0), draw, events: Vec::new() };
        for driver in 0..drivers {
            let place = city.place();
            city.submit(Command::StartShift(Box::new(StartShift {
                driver: Name::from(format!("d{driver}").as_str()),
                place,
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 480,
            })));
        }
        city
    }

    /// A drawn place on a street.
    fn place(&mut self) -> Coord {
        let edge = EdgeId(self.draw.next_u32() % self.network.edge_count() as u32);
        self.network.coord(Position { edge, along: self.draw.next_u32() as u16 })
    }

    fn submit(&mut self, command: Command) -> Turn {
        self.turns += 1;
        let stamp = Stamp { at: self.at, offset: Offset(self.turns) };
        let events = std::mem::take(&mut self.events);
        let key = matches!(command, Command::RequestRide(_)).then_some(Key(u128::from(self.turns)));
        steps::turn(&mut self.desk, &mut self.state, stamp, key, command, events)
    }

    fn request(&mut self) -> Command {
        let (pickup, dropoff) = (self.place(), self.place());
        Command::RequestRide(Box::new(RequestRide {
            rider: Name::from("r"),
            pickup,
            dropoff,
            seats: 1,
            class: 0,
            tier: 0,
            blocked: Box::default(),
        }))
    }

    /// A ride that was offered: who, which, and to which driver.
    fn offered(&mut self) -> (RideId, DriverId, Epoch) {
        let request = self.request();
        let turn = self.submit(request);
        let offer = turn.events.iter().find_map(|event| match event {
            Event::OfferMade(offer) => Some((offer.ride, offer.driver, offer.epoch)),
            _ => None,
        });
        offer.expect("a driver is free")
    }

    fn on_board(&mut self) -> (RideId, DriverId) {
        let (ride, driver, epoch) = self.offered();
        self.submit(Command::AcceptOffer { driver, ride, epoch, session: Session::FIRST });
        self.submit(Command::ArriveAtPickup { driver, ride, session: Session::FIRST });
        self.submit(Command::BoardRider { driver, ride, session: Session::FIRST });
        (ride, driver)
    }

    /// Where each driver is after `step` of 100 steps on his way, or where he stands.
    fn pings(&mut self, seq: u32, step: u32) -> Vec<Vec<Ping>> {
        let mut path = Path::default();
        let times = self.router.times(WeightsVersion(0));
        let pings = self.state.fleet().drivers().map(|driver| {
            let place = driver.leg.map_or(driver.anchor, |leg| {
                times.path(leg.origin, leg.target, &mut path);
                let edge = path.edges[(path.edges.len() - 1) * step as usize / 100];
                Position { edge, along: 30_000 }
            });
            Ping { driver: driver.id, session: Session::FIRST, seq, age_ms: 100, coord: self.network.coord(place) }
        });
        pings.collect::<Vec<_>>().chunks(128).map(<[Ping]>::to_vec).collect()
    }
}

fn commands(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide and evolve, 8,000 drivers");
    let mut city = City::new(8_000, Planner::Nearest);
    for _ in 0..3_000 {
        city.on_board();
    }
    let (ride, driver, epoch) = city.offered();
    let (aboard, carrier) = city.on_board();
    let dropoff = city.state.rides().get(aboard).map(|ride| city.network.coord(ride.dropoff)).expect("aboard");
    let orders = [
        ("RequestRide, nearest of 5,000", city.request()),
        ("AcceptOffer", Command::AcceptOffer { driver, ride, epoch, session: Session::FIRST }),
        ("DeclineOffer", Command::DeclineOffer { driver, ride, epoch, session: Session::FIRST }),
        ("CancelRide", Command::CancelRide { ride }),
        ("EndTrip", Command::EndTrip { driver: carrier, ride: aboard, place: dropoff, session: Session::FIRST }),
        ("Tick", Command::Tick),
    ];
    for (name, command) in orders {
        group.bench_function(name, |b| {
            b.iter_batched(
                || (city.state.clone(), command.clone()),
                |(mut state, command)| {
                    let stamp = Stamp { at: city.at, offset: Offset(9) };
                    let turn = steps::turn(&mut city.desk, &mut state, stamp, None, command, Vec::new());
                    // Both go back to be dropped outside of the measurement.
                    (black_box(turn), state)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Requests one after another, each of which takes a driver: far fewer of them than there are.
fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("RequestRide, nearest");
    for drivers in [8_000, 100_000] {
        let mut city = City::new(drivers, Planner::Nearest);
        group.bench_function(BenchmarkId::from_parameter(drivers), |b| {
            b.iter_custom(|times| {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    if city.state.fleet().free().len() < drivers as usize / 2 {
                        city = City::new(drivers, Planner::Nearest);
                    }
                    let request = city.request();
                    let began = Instant::now();
                    black_box(city.submit(request));
                    took += began.elapsed();
                }
                took
            });
        });
    }
    group.finish();
}

/// Pings through decide, evolve and the index; half the fleet is on a trip and follows its way, half stands.
fn pings(c: &mut Criterion) {
    let mut group = c.benchmark_group("pings through decide and evolve");
    group.sample_size(10);
    for drivers in [8_000, 100_000] {
        let mut city = City::new(drivers, Planner::Batch);
        city.state = {
            let mut nearest = City::new(drivers, Planner::Nearest);
            for _ in 0..drivers / 2 {
                nearest.on_board();
            }
            city.desk = nearest.desk;
            city.at = nearest.at;
            nearest.state
        };
        let rounds: Vec<Vec<Vec<Ping>>> = (0..20).map(|step| city.pings(step + 1, step * 5)).collect();
        let start = city.state.clone();
        group.throughput(Throughput::Elements(u64::from(drivers) * rounds.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(drivers), |b| {
            b.iter_batched(
                || (start.clone(), rounds.clone()),
                |(mut state, rounds)| {
                    let mut at = city.at;
                    let mut events = Vec::new();
                    for bundle in rounds.into_iter().flatten() {
                        at += Millis(1);
                        let stamp = Stamp { at, offset: Offset(9) };
                        let command = Command::ReportPositions(bundle);
                        events = steps::turn(&mut city.desk, &mut state, stamp, None, command, events).events;
                    }
                    state
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The state as bytes and back, and the digest of a slice of it: 100,000 drivers, 20,000 of them on a trip.
fn snapshots(c: &mut Criterion) {
    let mut group = c.benchmark_group("state of 100,000 drivers");
    group.sample_size(10);
    let mut city = City::new(100_000, Planner::Nearest);
    for _ in 0..20_000 {
        city.on_board();
    }
    let bytes = city.state.encode();
    group.bench_function(format!("encode, {} KiB", bytes.len() >> 10), |b| b.iter(|| city.state.encode()));
    group.bench_function("digest", |b| b.iter(|| city.state.digest()));
    group.bench_function("decode", |b| b.iter(|| State::decode(&bytes, &city.network).expect("its own bytes")));
    for (name, slices) in [("digests of all 64 slices", 0..64), ("digests of all 1,024 slices", 64..SLICES)] {
        group.bench_function(name, |b| {
            b.iter(|| slices.clone().map(|slice| city.state.slice_digest(black_box(slice))).fold(0, u64::wrapping_add));
        });
    }
    group.finish();
}

criterion_group!(benches, commands, requests, pings, snapshots);
criterion_main!(benches);
