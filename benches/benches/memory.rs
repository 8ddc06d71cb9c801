//! Whether a market at work stays as large as it is: two hours of 25,000 positions a second, as fast as the machine goes, in
//! which everything that is remembered for a while comes and goes all the time.
//!
//! 100,000 drivers on shift, each for twenty minutes, then another name takes the vehicle; twenty requests a second, of which
//! one in ten is cancelled and the others are driven to their end. Orders, rides, drivers and positions are remembered for ten
//! minutes. The market is durable, its follower writes snapshots, and old positions leave its log, as in service. What counts is
//! the most that the process had in each ten minutes: snapshots and the rewriting of old segments come and go.
//!
//! `cargo bench -p hansom-benches --bench memory -- 30` goes on for thirty minutes only.

use hansom_engine::domain::{DriverId, Epoch, Key, Name, RideId, Session, Settings};
use hansom_engine::record::{Command, Event, Header, Ping, RequestRide, StartShift, Turn};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{EdgeId, Millis, Network, Position};
use hansom_market::follower::Following;
use hansom_market::ingest::{MOST_PINGS, Names};
use hansom_market::recovery::{self, Keep, Opened, forget_positions};
use hansom_market::{Market, Streets};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VEHICLES: usize = 100_000;
/// Each vehicle says where it is once in so many ticks …
const PING_TICKS: usize = 16;
/// … of this long: 25,000 positions a second.
const TICK: Millis = Millis(250);
const SHIFT: Millis = Millis::from_secs(20 * 60);
const LIFE: Millis = Millis::from_secs(10 * 60);
const REQUESTS_PER_TICK: usize = 5;
const SAMPLE: Millis = Millis::from_secs(10 * 60);
/// From here on the market should stay as large as it is; the ten minutes before do not count.
const SETTLED: Millis = Millis::from_secs(20 * 60);
const START: Millis = Millis(1_764_000_000_000);

fn main() {
    // As in a program that serves.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).expect("pages are small");
    // Cargo says `--bench`, too.
    let minutes = std::env::args().find_map(|argument| argument.parse::<i64>().ok()).unwrap_or(120);
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let mut town = Town::open(folder.path());
    let began = Instant::now();
    let mut settled = Vec::new();
    while town.now < START + Millis::from_secs(minutes * 60) {
        town.tick();
        let passed = town.now - START;
        if passed.0 % SAMPLE.0 == 0 {
            let resident = most_resident_mib();
            if passed > SETTLED {
                settled.push(resident);
            }
            println!(
                "{:4} min: {resident:6.1} MiB; {}; {:.0} s",
                passed.0 / 60_000,
                town.told(),
                began.elapsed().as_secs_f64()
            );
        }
    }
    let least = settled.iter().copied().fold(f64::INFINITY, f64::min);
    let most = settled.iter().copied().fold(0.0, f64::max);
    println!("from minute {} on: {least:.1} to {most:.1} MiB, ratio {:.3}", SETTLED.0 / 60_000, most / least);
    town.close();
}

/// The most memory that this process had since this was asked last, MiB.
fn most_resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("a system that tells");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it tells of the most");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    std::fs::write("/proc/self/clear_refs", "5").expect("it forgets the most");
    kib / 1024.0
}

/// A vehicle with whoever drives it.
struct Vehicle {
    driver: DriverId,
    seq: u32,
    place: Position,
    until: Millis,
}

/// What somebody does later.
#[derive(Clone, Copy)]
enum Deed {
    Accept(RideId, DriverId, Epoch),
    Cancel(RideId),
    Arrive(RideId, DriverId),
    Board(RideId, DriverId),
    End(RideId, DriverId),
}

struct Town {
    network: Arc<Network>,
    market: Market,
    follower: Following,
    names: Names,
    folder: std::path::PathBuf,
    draw: ChaCha8Rng,
    now: Millis,
    keys: u128,
    people: u64,
    vehicles: Vec<Vehicle>,
    deeds: BTreeMap<(Millis, u128), Deed>,
    stripped: u64,
    pings: u64,
}

impl Town {
    fn open(folder: &Path) -> Self {
        let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city"));
        let streets = Streets::new(network.clone());
        let settings =
            Settings { creation_key_life: LIFE, ride_key_life: LIFE, driver_life: LIFE, ..Settings::default() };
        let header = Header::new("river-town", &network, settings, START);
        let released: Arc<Mutex<Option<Names>>> = Arc::default();
        let learning = released.clone();
        let outlet = Box::new(move |turns: Result<Vec<Arc<Turn>>, _>| {
            let mut names = learning.lock().expect("nobody panics");
            let turns = turns.expect("the disk works");
            names.iter_mut().for_each(|names| turns.iter().for_each(|turn| names.learn(turn)));
        });
        let Opened { market, follower, .. } =
            recovery::open(folder, &header, &streets, START, Keep::default(), outlet).expect("a market");
        let names = Names::of(market.state(), network.clone());
        *released.lock().expect("nobody panics") = Some(names.clone());
        let mut town = Self {
            network,
            market,
            follower,
            names,
            folder: folder.to_owned(),
            draw: ChaCha8Rng::seed_from_u64(1),
            now: START,
            keys: 0,
            people: 0,
            vehicles: Vec::with_capacity(VEHICLES),
            deeds: BTreeMap::new(),
            stripped: 0,
            pings: 0,
        };
        for index in 0..VEHICLES {
            // Shifts end all the time from the first second on.
            let until = START + Millis(SHIFT.0 * index as i64 / VEHICLES as i64);
            let vehicle = town.start_shift(until);
            town.vehicles.push(vehicle);
        }
        town
    }

    fn tick(&mut self) {
        self.now += TICK;
        let nth = (self.now.0 / TICK.0) as usize;
        self.wake();
        for index in 0..self.vehicles.len() {
            if self.vehicles[index].until <= self.now {
                let driver = self.vehicles[index].driver;
                self.order(Command::EndShift { driver, session: Session::FIRST });
                self.vehicles[index] = self.start_shift(self.now + SHIFT);
            }
        }
        for _ in 0..REQUESTS_PER_TICK {
            self.request();
        }
        while let Some(entry) = self.deeds.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let deed = entry.remove();
            self.act(deed);
        }
        let mut bundle = self.market.pings_buffer();
        for index in (nth % PING_TICKS..VEHICLES).step_by(PING_TICKS) {
            bundle.push(self.ping(index));
            if bundle.len() == MOST_PINGS {
                self.report(bundle);
                bundle = self.market.pings_buffer();
            }
        }
        self.report(bundle);
        // As often as a large market that serves.
        for _ in 0..4 {
            self.market.checkpoint(self.now).expect("it is taken");
        }
        if self.now.0 % 60_000 == 0 {
            let stripped = forget_positions(&self.folder, self.now - LIFE).expect("the disk works");
            self.stripped += stripped.iter().map(|segment| segment.pings - segment.kept).sum::<u64>();
        }
    }

    fn wake(&mut self) {
        while self.market.next_wakeup(self.now + Millis(1)).is_some_and(|wakeup| wakeup.at <= self.now) {
            let turn = self.market.wake(self.now).expect("it wakes");
            self.names.learn(turn);
            let offers = offers(turn);
            self.consider(offers);
        }
    }

    fn order(&mut self, command: Command) -> Option<RideId> {
        self.keys += 1;
        let key = Key((self.now.0 as u128) << 80 | 7 << 76 | 0b10 << 62 | self.keys);
        let turn = self.market.submit(self.now, Some(key), command).expect("it is taken");
        self.names.learn(turn);
        let asked = turn.events.iter().find_map(|event| match event {
            Event::RideRequested(asked) => Some(asked.ride),
            _ => None,
        });
        let offers = offers(turn);
        self.consider(offers);
        asked
    }

    fn later(&mut self, seconds: i64, deed: Deed) {
        self.keys += 1;
        self.deeds.insert((self.now + Millis::from_secs(seconds), self.keys), deed);
    }

    fn consider(&mut self, offers: Vec<(RideId, DriverId, Epoch)>) {
        for (ride, driver, epoch) in offers {
            self.later(3, Deed::Accept(ride, driver, epoch));
        }
    }

    fn act(&mut self, deed: Deed) {
        let session = Session::FIRST;
        match deed {
            Deed::Accept(ride, driver, epoch) => {
                self.order(Command::AcceptOffer { driver, ride, epoch, session });
                self.later(45, Deed::Arrive(ride, driver));
            }
            Deed::Cancel(ride) => {
                self.order(Command::CancelRide { ride });
            }
            Deed::Arrive(ride, driver) => {
                self.order(Command::ArriveAtPickup { driver, ride, session });
                self.later(20, Deed::Board(ride, driver));
            }
            Deed::Board(ride, driver) => {
                self.order(Command::BoardRider { driver, ride, session });
                self.later(200, Deed::End(ride, driver));
            }
            Deed::End(ride, driver) => {
                // Not here any more: another driver was quicker, or the rider cancelled.
                if let Some(dropoff) = self.market.state().rides().get(ride).map(|ride| ride.dropoff) {
                    let place = self.network.coord(dropoff);
                    self.order(Command::EndTrip { driver, ride, place, session });
                }
            }
        }
    }

    fn place(&mut self) -> Position {
        let edge = EdgeId(self.draw.next_u32() % self.network.edge_count() as u32);
        Position { edge, along: self.draw.next_u32() as u16 }
    }

    fn name(&mut self, kind: &str) -> Name {
        self.people += 1;
        Name::from(format!("{kind}-{}", self.people).as_str())
    }

    fn start_shift(&mut self, until: Millis) -> Vehicle {
        let (name, place) = (self.name("driver"), self.place());
        self.order(Command::StartShift(Box::new(StartShift {
            driver: name.clone(),
            place: self.network.coord(place),
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
        })));
        let driver = self.names.driver_id(&name).expect("he is on shift");
        Vehicle { driver, seq: 0, place, until }
    }

    fn request(&mut self) {
        let (rider, pickup, dropoff) = (self.name("rider"), self.place(), self.place());
        let asked = self.order(Command::RequestRide(Box::new(RequestRide {
            rider,
            pickup: self.network.coord(pickup),
            dropoff: self.network.coord(dropoff),
            seats: 1,
            class: 0,
            tier: 0,
            blocked: Box::default(),
        })));
        let ride = asked.expect("it is near a street");
        if ride.0.is_multiple_of(10) {
            self.later(30, Deed::Cancel(ride));
        }
    }

    /// A vehicle moves up and down its street.
    fn ping(&mut self, index: usize) -> Ping {
        let Vehicle { driver, seq, place, .. } = &mut self.vehicles[index];
        *seq += 1;
        place.along = place.along.wrapping_add(7_919);
        let coord = self.network.coord(*place);
        Ping { driver: *driver, session: Session::FIRST, seq: *seq, age_ms: 0, coord }
    }

    fn report(&mut self, bundle: Vec<Ping>) {
        self.pings += bundle.len() as u64;
        let turn = self.market.submit(self.now, None, Command::ReportPositions(bundle)).expect("it is taken");
        let offers = offers(turn);
        self.consider(offers);
    }

    /// What is remembered.
    fn told(&self) -> String {
        let state = self.market.state();
        let standing = self.follower.standing();
        assert_eq!((standing.diverged, standing.violations.count), (None, 0), "the follower agrees");
        format!(
            "{} names so far, {} drivers, {} rides, {} open; {:.1} M positions, {:.1} M left the log; snapshot at {}",
            self.people,
            state.fleet().drivers().count(),
            state.rides().iter().count(),
            state.rides().iter().filter(|ride| ride.is_open()).count(),
            self.pings as f64 / 1e6,
            self.stripped as f64 / 1e6,
            standing.snapshot.unwrap_or_default(),
        )
    }

    fn close(self) {
        self.market.close().expect("closed");
        self.follower.close().expect("no panic");
    }
}

/// What a turn offers to whom.
fn offers(turn: &Turn) -> Vec<(RideId, DriverId, Epoch)> {
    let offer = |event: &Event| match event {
        Event::OfferMade(offer) => Some((offer.ride, offer.driver, offer.epoch)),
        _ => None,
    };
    turn.events.iter().filter_map(offer).collect()
}
