//! Random courses: orders, sensible and not, of six drivers and any riders, as a market was driven by them.

use crate::market::Market;
use hansom_engine::domain::{DriverId, Epoch, Key, Name, RideId, Session, Settings};
use hansom_engine::record::{Command, Ping, RequestRide, StartShift};
use hansom_engine::steps;
use hansom_geo_index::{Coord, EdgeId, Millis, Network, Position};
use proptest::prelude::*;

/// One random order; numbers are taken modulo what exists.
#[derive(Debug, Clone)]
pub enum Order {
    Start(u8, u16),
    EndShift(u8),
    Ping(u8, u16, bool),
    Request(u16, u16, u8),
    Cancel(u8),
    Accept(u8, u8),
    Decline(u8, u8),
    Arrive(u8, u8),
    Board(u8, u8),
    End(u8, u8, Option<u16>),
    Drop(u8, u8),
    /// What the driver's plan says is next, as an honest driver would.
    Next(u8),
    /// Another device takes over.
    TakeOver(u8),
    /// From now on the driver's older device speaks, if he has two.
    Older(u8),
    Repeat,
    Wait,
    /// The market is away for some seconds.
    Away(u16),
    Note(u16),
}

/// Any of them.
pub fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        4 => (0..6_u8, any::<u16>()).prop_map(|(d, p)| Order::Start(d, p)),
        1 => (0..6_u8).prop_map(Order::EndShift),
        8 => (0..6_u8, any::<u16>(), any::<bool>()).prop_map(|(d, p, next)| Order::Ping(d, p, next)),
        6 => (any::<u16>(), any::<u16>(), 0..5_u8).prop_map(|(a, b, s)| Order::Request(a, b, s)),
        1 => any::<u8>().prop_map(Order::Cancel),
        10 => (0..6_u8, any::<u8>()).prop_map(|(d, r)| Order::Accept(d, r)),
        1 => (0..6_u8, any::<u8>()).prop_map(|(d, r)| Order::Decline(d, r)),
        1 => (0..6_u8, any::<u8>()).prop_map(|(d, r)| Order::Arrive(d, r)),
        1 => (0..6_u8, any::<u8>()).prop_map(|(d, r)| Order::Board(d, r)),
        1 => (0..6_u8, any::<u8>(), any::<Option<u16>>()).prop_map(|(d, r, p)| Order::End(d, r, p)),
        1 => (0..6_u8, any::<u8>()).prop_map(|(d, r)| Order::Drop(d, r)),
        12 => (0..6_u8).prop_map(Order::Next),
        1 => (0..6_u8).prop_map(Order::TakeOver),
        1 => (0..6_u8).prop_map(Order::Older),
        2 => Just(Order::Repeat),
        2 => Just(Order::Wait),
        1 => (0..1_000_u16).prop_map(Order::Away),
        1 => prop_oneof![0..64_u16, 64..1_092_u16].prop_map(Order::Note),
    ]
}

/// What the outside calls a driver.
fn name(number: u8) -> Name {
    Name::from(format!("driver {number}").as_str())
}

/// A market that random orders drive.
pub struct Driven {
    pub market: Market,
    at: Millis,
    keys: u128,
    seqs: [u32; 6],
    older: [bool; 6],
    last: Option<(Key, Command)>,
}

impl Driven {
    pub fn new(network: Network, settings: Settings, restored: bool) -> Self {
        Self {
            market: Market::new(network, settings, restored),
            at: Millis::ZERO,
            keys: 0,
            seqs: [0; 6],
            older: [false; 6],
            last: None,
        }
    }

    fn tick_until(&mut self, at: Millis) {
        while let Some(due) = steps::wakeup(&self.market.state).filter(|due| *due <= at) {
            self.at = self.at.max(due);
            self.market.turn(self.at, None, Command::Tick);
            self.market.answer();
        }
        self.at = self.at.max(at);
    }

    /// The number that the market knows a driver by, or one that nobody has.
    fn driver(&self, number: u8) -> DriverId {
        self.market.state.fleet().by_name(&name(number)).unwrap_or(DriverId(u32::from(number)))
    }

    /// The session that a driver's order comes from.
    fn session(&self, number: u8) -> Session {
        let open = self.market.state.fleet().get(self.driver(number)).map_or(Session::FIRST, |d| d.device);
        Session(open.0 - u32::from(self.older[number as usize] && open > Session::FIRST))
    }

    fn place(&self, number: u16) -> Coord {
        let edges = self.market.network.edge_count() as u32;
        let position = Position { edge: EdgeId(u32::from(number) % edges), along: number };
        self.market.network.coord(position)
    }

    /// The ride meant by a number: the driver's own offer or plan if he has one, else any.
    fn ride(&self, driver: DriverId, number: u8) -> RideId {
        let own = self.market.state.fleet().get(driver).and_then(|driver| {
            driver.offered.or(driver.plan.next().map(|stop| stop.ride)).filter(|_| !number.is_multiple_of(4))
        });
        own.unwrap_or(RideId(u32::from(number) % self.market.state.rides().next_id().0.max(1)))
    }

    /// Plays one order, `gap_ms` after the one before.
    pub fn play(&mut self, order: &Order, gap_ms: u16) {
        self.tick_until(self.at + Millis(i64::from(gap_ms)));
        let driver = |number: &u8| self.driver(*number);
        let epoch = |ride: RideId| {
            let ride = self.market.state.rides().get(ride);
            ride.and_then(|ride| ride.offer).map_or(Epoch(1), |offer| offer.epoch)
        };
        let command = match order {
            Order::Start(number, place) => Command::StartShift(Box::new(StartShift {
                driver: name(*number),
                place: self.place(*place),
                seats: 1 + number % 4,
                class: 0,
                autonomous: false,
                until: (place % 5 == 0).then(|| self.at + Millis::from_secs(i64::from(*place))),
                home: place.is_multiple_of(3).then(|| self.place(place / 2)),
                rating: 400,
            })),
            Order::EndShift(number) => Command::EndShift { driver: driver(number), session: self.session(*number) },
            Order::Ping(number, place, next) => return self.ping(*number, *place, *next),
            Order::Request(from, to, seats) => Command::RequestRide(Box::new(RequestRide {
                rider: Name::from("rider"),
                pickup: self.place(*from),
                dropoff: self.place(*to),
                seats: *seats,
                class: 0,
                tier: from.to_le_bytes()[0] % 3,
                blocked: if from % 7 == 0 { [DriverId(0), DriverId(2)].into() } else { Box::default() },
            })),
            Order::Cancel(number) => Command::CancelRide { ride: self.ride(DriverId(99), *number) },
            Order::Accept(number, ride) => {
                let ride = self.ride(driver(number), *ride);
                Command::AcceptOffer {
                    driver: driver(number),
                    ride,
                    epoch: epoch(ride),
                    session: self.session(*number),
                }
            }
            Order::Decline(number, ride) => {
                let ride = self.ride(driver(number), *ride);
                Command::DeclineOffer {
                    driver: driver(number),
                    ride,
                    epoch: epoch(ride),
                    session: self.session(*number),
                }
            }
            Order::Arrive(number, ride) => Command::ArriveAtPickup {
                driver: driver(number),
                ride: self.ride(driver(number), *ride),
                session: self.session(*number),
            },
            Order::Board(number, ride) => Command::BoardRider {
                driver: driver(number),
                ride: self.ride(driver(number), *ride),
                session: self.session(*number),
            },
            Order::End(number, ride, place) => {
                let place = place.map_or(Coord { lat: 0, lon: 0 }, |place| self.place(place));
                Command::EndTrip {
                    driver: driver(number),
                    ride: self.ride(driver(number), *ride),
                    place,
                    session: self.session(*number),
                }
            }
            Order::Drop(number, ride) => Command::CancelByDriver {
                driver: driver(number),
                ride: self.ride(driver(number), *ride),
                session: self.session(*number),
            },
            Order::Next(number) => match self.next(driver(number)) {
                Some(command) => command,
                None => Command::Tick,
            },
            Order::TakeOver(number) => {
                self.older[*number as usize] = false;
                self.seqs[*number as usize] = 0;
                Command::OpenSession { driver: self.driver(*number) }
            }
            Order::Older(number) => {
                self.older[*number as usize] ^= true;
                return;
            }
            Order::Repeat => match self.last.clone() {
                Some((key, command)) => return self.submit(Some(key), command),
                None => Command::Tick,
            },
            Order::Away(seconds) => {
                let since = self.at;
                self.at += Millis::from_secs(i64::from(*seconds));
                return self.submit(None, Command::Resume { since });
            }
            Order::Note(slice) => return self.submit(None, Command::Checkpoint { slice: *slice }),
            Order::Wait => return self.tick_until(self.at + Millis::from_secs(90)),
        };
        self.keys += 1;
        let key = Key(self.keys);
        self.last = Some((key, command.clone()));
        self.submit(Some(key), command);
    }

    /// Two pings with the same number.
    fn ping(&mut self, number: u8, place: u16, next: bool) {
        self.seqs[number as usize] += u32::from(next) * 3;
        let coord = self.place(place);
        let ping = Ping {
            driver: self.driver(number),
            session: self.session(number),
            seq: self.seqs[number as usize],
            age_ms: i32::from(place) - 300,
            coord,
        };
        self.submit(None, Command::ReportPositions(vec![ping, ping]));
    }

    fn next(&self, id: DriverId) -> Option<Command> {
        use hansom_engine::domain::StopKind::{Dropoff, Pickup};
        use hansom_engine::lifecycle::ride::Status;
        let driver = self.market.state.fleet().get(id)?;
        let (stop, session) = (driver.plan.next()?, driver.device);
        let ride = self.market.state.rides().get(stop.ride)?;
        Some(match (stop.kind, ride.status) {
            (Pickup, Status::Waiting(_)) => Command::BoardRider { driver: id, ride: stop.ride, session },
            (Pickup, _) => Command::ArriveAtPickup { driver: id, ride: stop.ride, session },
            (Dropoff, _) => {
                Command::EndTrip { driver: id, ride: stop.ride, place: self.market.network.coord(stop.place), session }
            }
        })
    }

    fn submit(&mut self, key: Option<Key>, command: Command) {
        self.market.turn(self.at, key, command);
        self.market.answer();
    }

    /// The noise stops: honest drivers finish what they have, riders in line cancel, time passes.
    pub fn settle(&mut self) {
        for _ in 0..40 {
            for number in 0..6 {
                if let Some(command) = self.next(self.driver(number)) {
                    self.submit(None, command);
                }
            }
            let waiting: Vec<RideId> = self.market.state.line().collect();
            for ride in waiting {
                self.submit(None, Command::CancelRide { ride });
            }
            self.tick_until(self.at + Millis::from_secs(500));
        }
        assert!(self.market.state.rides().iter().all(|ride| !ride.is_open()), "a ride never ends");
    }
}
