//! A small town that lives: drivers who report where they are and take most offers, riders who ask and sometimes cancel.
//! Enough to exercise a market; not a model of anything.

use hansom_engine::domain::{Planner, Policy, Session, Settings};
use hansom_engine::record::{Header, Ping, RequestRide, StartShift};
use hansom_engine::{Command, DriverId, Event, Key, Name, Turn};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, Millis, Network, NodeId};
use hansom_market::log::{Mode, Writer};
use hansom_market::seam::clock::Stepping;
use hansom_market::{Closed, Market, MarketError, Streets, Wakeup};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SIDE: u32 = 21;
const DRIVERS: u32 = 12;
pub const START: Millis = Millis(1_362_124_800_000);
/// What the clock of a market goes on by with each look.
pub const CLOCK_STEP_NS: u64 = 1_000;

/// A chessboard of 21 × 21 crossings, 100 m and 10 s apart.
pub fn streets() -> Streets {
    Streets::new(Arc::new(sample::grid(SIDE, SIDE, 100_000, 10_000)))
}

pub fn header(planner: Planner, planner_latency: Millis, network: &Network) -> Header {
    Header { seed: 1, planner_latency, ..Header::new("town", network, settings(planner), START) }
}

fn settings(planner: Planner) -> Settings {
    let policy = Policy { planner, chain_horizon: Millis::from_secs(60), ..Policy::default() };
    Settings { policy, ..Settings::default() }
}

/// Who answers, how long the answer takes, the seed of the town's draws, and for how many minutes it lives.
#[derive(Clone, Copy)]
pub struct Life {
    pub planner: Planner,
    pub planner_latency: Millis,
    pub seed: u64,
    pub minutes: i64,
}

/// Runs the town and writes its log to `folder`. `visit` sees the market before each turn and the turn.
pub fn live(
    folder: &Path,
    mode: Mode,
    life: Life,
    visit: &mut dyn FnMut(Option<Wakeup>, &Turn),
) -> Result<Closed, MarketError> {
    let streets = streets();
    let header = header(life.planner, life.planner_latency, &streets.network);
    let log = Writer::create(folder, &header, mode)?;
    let mut market = Market::new(&header, &streets, log, Box::new(Stepping::new(CLOCK_STEP_NS)));
    let mut town = Town::new(streets.network, life);
    while let Some((wakeup, turn)) = town.step(&mut market)? {
        visit(wakeup, &turn);
    }
    Ok(market.close()?)
}

/// The people of the town.
pub struct Town {
    network: Arc<Network>,
    end: Millis,
    /// What happens next; of several deeds at one time, in the order in which they were planned.
    agenda: BTreeMap<(Millis, u64), Deed>,
    planned: u64,
    draws: u64,
    /// Where each driver is.
    places: Vec<Coord>,
    /// Pings of each driver so far.
    seqs: Vec<u32>,
    /// Pickup and dropoff of each ride, by its number.
    dropoffs: BTreeMap<u32, (Coord, Coord)>,
}

enum Deed {
    Order(Command),
    Report,
    Ask,
}

impl Town {
    pub fn new(network: Arc<Network>, life: Life) -> Self {
        let mut town = Self {
            network,
            end: START + Millis::from_secs(60 * life.minutes),
            agenda: BTreeMap::new(),
            planned: 0,
            draws: life.seed,
            places: Vec::new(),
            seqs: vec![0; DRIVERS as usize],
            dropoffs: BTreeMap::new(),
        };
        for driver in 0..DRIVERS {
            let place = town.corner();
            town.places.push(place);
            let shift = StartShift {
                driver: Name(format!("driver {driver}").into()),
                place,
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 480,
            };
            town.plan(START, Deed::Order(Command::StartShift(Box::new(shift))));
        }
        town.plan(START + Millis::from_secs(1), Deed::Report);
        town.plan(START + Millis::from_secs(2), Deed::Ask);
        town
    }

    /// What happens next in `market`: when that wanted to be woken, and the turn; `None` at the end of the town's life.
    pub fn step(&mut self, market: &mut Market) -> Result<Option<(Option<Wakeup>, Turn)>, MarketError> {
        let Some((at, wake)) = self.next(market) else { return Ok(None) };
        let wakeup = market.next_wakeup(Millis::MAX);
        let turn = if wake {
            market.wake(at)?.clone()
        } else {
            let Some((_, deed)) = self.agenda.pop_first() else { return Ok(None) };
            let (key, command) = self.command(deed, at, market);
            market.submit(at, key, command)?.clone()
        };
        self.react(&turn);
        Ok(Some((wakeup, turn)))
    }

    /// When it does something next.
    pub fn now(&self) -> Millis {
        self.agenda.keys().next().map_or(self.end, |(at, _)| *at)
    }

    fn draw(&mut self, end: u64) -> u64 {
        self.draws = self.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.draws >> 33) % end
    }

    fn corner(&mut self) -> Coord {
        let node = self.draw(u64::from(SIDE * SIDE)) as u32;
        self.network.node_coord(NodeId(node))
    }

    fn plan(&mut self, at: Millis, deed: Deed) {
        self.agenda.insert((at, self.planned), deed);
        self.planned += 1;
    }

    /// The next time, and whether the market is to be woken then.
    fn next(&self, market: &Market) -> Option<(Millis, bool)> {
        let end = self.end;
        let deed = self.agenda.keys().next().map(|(at, _)| *at);
        let wakeup = market.next_wakeup(deed.unwrap_or(end)).filter(|wakeup| deed.is_none_or(|at| wakeup.at <= at));
        let next = wakeup.map(|wakeup| (wakeup.at, true)).or(deed.map(|at| (at, false)));
        next.filter(|(at, _)| *at < end)
    }

    fn command(&mut self, deed: Deed, at: Millis, market: &mut Market) -> (Option<Key>, Command) {
        // A UUIDv7, as far as the market looks.
        let key = Key(u128::from(at.0 as u64) << 80 | 7 << 76 | u128::from(market.turns()));
        match deed {
            Deed::Order(command) => (Some(key), command),
            Deed::Report => {
                self.plan(at + Millis::from_secs(15), Deed::Report);
                let mut pings = market.pings_buffer();
                for driver in 0..DRIVERS {
                    let age_ms = self.draw(300) as i32 - 10;
                    let index = driver as usize;
                    self.seqs[index] += 1;
                    pings.push(Ping {
                        driver: DriverId(driver),
                        session: Session::FIRST,
                        seq: self.seqs[index],
                        age_ms,
                        coord: self.places[index],
                    });
                }
                (None, Command::ReportPositions(pings))
            }
            Deed::Ask => {
                let wait = Millis(self.draw(40_000) as i64);
                self.plan(at + wait, Deed::Ask);
                let request = RequestRide {
                    rider: Name(format!("rider {}", self.draw(50)).into()),
                    pickup: self.corner(),
                    dropoff: self.corner(),
                    seats: 1,
                    class: 0,
                    tier: 0,
                    blocked: Box::default(),
                };
                (Some(key), Command::RequestRide(Box::new(request)))
            }
        }
    }

    /// What drivers and riders do because of a turn.
    fn react(&mut self, turn: &Turn) {
        if let Command::RequestRide(order) = &turn.command
            && let Some(ride) = turn.events.iter().find_map(|event| match event {
                Event::RideRequested(request) => Some(request.ride),
                _ => None,
            })
        {
            self.dropoffs.insert(ride.0, (order.pickup, order.dropoff));
            if self.draw(8) == 0 {
                let patience = Millis(self.draw(60_000) as i64);
                self.plan(turn.at + patience, Deed::Order(Command::CancelRide { ride }));
            }
        }
        for event in &turn.events {
            let (after_ms, command) = match event {
                Event::OfferMade(offer) => {
                    let (driver, ride, epoch) = (offer.driver, offer.ride, offer.epoch);
                    let takes = self.draw(6) > 0;
                    let order = if takes {
                        Command::AcceptOffer { driver, ride, epoch, session: Session::FIRST }
                    } else {
                        Command::DeclineOffer { driver, ride, epoch, session: Session::FIRST }
                    };
                    (1_000 + self.draw(17_000), order)
                }
                Event::OfferAccepted { ride, driver, .. } => (
                    20_000 + self.draw(60_000),
                    Command::ArriveAtPickup { driver: *driver, ride: *ride, session: Session::FIRST },
                ),
                Event::DriverArrived { ride, driver, .. } => {
                    self.places[driver.index()] = self.dropoffs[&ride.0].0;
                    (self.draw(60_000), Command::BoardRider { driver: *driver, ride: *ride, session: Session::FIRST })
                }
                Event::RiderBoarded { ride, driver } => {
                    let place = self.dropoffs[&ride.0].1;
                    (
                        40_000 + self.draw(120_000),
                        Command::EndTrip { driver: *driver, ride: *ride, place, session: Session::FIRST },
                    )
                }
                Event::RideEnded { ride, driver: Some(driver), .. } => {
                    self.places[driver.index()] = self.dropoffs[&ride.0].1;
                    continue;
                }
                _ => continue,
            };
            self.plan(turn.at + Millis(after_ms as i64), Deed::Order(command));
        }
    }
}
