//! The world of a market that was served, as far as its log tells.
//!
//! What people did is taken as it came: who asked, who was on shift. What they would have done otherwise is learnt from all
//! of them together: how long riders wait, how often drivers take offers and how soon, how long streets take.

use std::collections::BTreeMap;

use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, Event, ReleaseCause, RequestRide, StartShift};
use hansom_engine::{Command, DriverId, RideId, Turn};
use hansom_geo_index::{Millis, Position, WeightsVersion};
use hansom_market::Streets;
use hansom_market::log::Reader;
use hansom_market::replay::{ReplayError, Until, fold};

use super::outside::{request, was_taken};
use super::pace::Traversals;
use super::patience::{Patience, Wait};
use crate::agent::{Known, Traits};
use crate::report::{Payment, Quote, Trip};
use crate::rng::{Purpose, Stream};
use crate::run::Cast;
use crate::scenario::{Dist, Driver, Period, Pings, Rider, Scenario, TrafficKeys};
use crate::supply;

/// What a log tells of the world around a market that was served.
#[derive(Debug)]
pub struct Served {
    /// What became of the requests, in order.
    pub trips: Vec<Trip>,
    /// The orders they were made with.
    pub asked: Vec<RequestRide>,
    /// The shifts, in order of their start; a driver may have several.
    pub shifts: Vec<supply::Driver>,
    /// The orders they were started with.
    pub started: Vec<StartShift>,
    /// How long each rider waited for a match.
    pub waits: Vec<Wait>,
    /// By how much the driver was late against the promise when the ride was picked up or given up.
    pub late: Vec<Millis>,
    /// How many ways were driven whole …
    pub ways: usize,
    /// … how much longer they took, all together, than the dispatcher believes …
    pub pace: f64,
    /// … and what that makes of each edge: a factor on the dispatcher's time.
    pub factors: Vec<f64>,
    /// How people behave.
    pub habits: Habits,
    /// Time of the last turn.
    pub ended: Millis,
}

/// How the people of a log behave, all together.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// How long riders wait for a match; `None`: nobody gave up.
    pub patience: Option<Patience>,
    /// Share of offers that were answered and taken.
    pub acceptance: f64,
    /// How long an answer takes.
    pub reaction: Dist,
    /// Share of accepted rides that drivers cancelled.
    pub cancel: f64,
    /// Share of riders who did not come, of those who were waited for.
    pub no_show: f64,
    /// From arrival at the pickup to departure.
    pub boarding: Millis,
    /// Time between two reports of a vehicle.
    pub interval: Millis,
}

impl Served {
    /// Reads a log from its first turn to its end.
    pub fn read(reader: &mut Reader, streets: &Streets, alighting: Millis) -> Result<Self, ReplayError> {
        let mut seen = Seen { alighting, ..Seen::default() };
        let replayed = fold(reader, &streets.network, Until::End, |_, turn| seen.take(turn, streets))?;
        Ok(seen.close(replayed.at.unwrap_or(Millis::ZERO), streets))
    }

    /// Its people. Riders who cancelled keep the wait that they bore as their patience; the others would have waited longer than
    /// they did: by how much is drawn with `seed` from the fitted distribution.
    pub fn cast(&self, seed: u64) -> Cast {
        let draws = Stream::new(seed, Purpose::Patience);
        let usual = Scenario::default().rider.lateness.pick(draws.draw(0, 0));
        let traits = |(n, trip): (usize, &Trip)| {
            let gave_up = matches!(trip.outcome, Some(Outcome::CancelledBeforeMatch | Outcome::CancelledAfterMatch));
            let bore = self.waits[n].span;
            let patience = match (self.habits.patience, trip.ended_at.filter(|_| gave_up)) {
                (_, Some(ended)) => ended - trip.request.at,
                (Some(patience), None) => patience.above(bore, draws.draw(n as u64 + 1, 0)),
                (None, None) => Millis::MAX,
            };
            let lateness = match trip.outcome {
                Some(Outcome::CancelledAfterMatch) => self.late[n],
                _ => self.late[n].max(usual),
            };
            let shows = match trip.outcome {
                Some(Outcome::NoShow) => Some(false),
                _ => trip.picked_up_at.map(|_| true),
            };
            Traits { patience, lateness, shows }
        };
        Cast {
            requests: self.trips.iter().map(|trip| trip.request).collect(),
            drivers: self.shifts.clone(),
            quarantined: Vec::new(),
            known: Some(Known {
                asked: self.asked.clone(),
                riders: self.trips.iter().enumerate().map(traits).collect(),
                started: self.started.clone(),
                factors: self.factors.clone(),
            }),
        }
    }

    /// The scenario of this world under the rules of `market`, with draws of `seed`.
    pub fn scenario(&self, market: &Scenario, started: Millis, seed: u64) -> Scenario {
        let Habits { acceptance, reaction, cancel, no_show, boarding, interval, .. } = self.habits;
        let last = self.trips.last().map_or(started, |trip| trip.request.at);
        Scenario {
            seed,
            period: Period { start: started, end: last.max(started) + Millis(1) },
            driver: Driver { acceptance, reaction, cancel, ..Driver::default() },
            rider: Rider { patience: Dist::Constant(Millis::MAX), no_show, ..Rider::default() },
            boarding,
            pings: Pings { interval, ..Pings::default() },
            traffic: TrafficKeys { hidden: false, ..TrafficKeys::default() },
            ..market.clone()
        }
    }
}

/// A way that was set out on.
#[derive(Debug, Clone, Copy)]
struct Leg {
    from: Position,
    to: Position,
    since: Millis,
    weights: WeightsVersion,
}

/// What was seen of a log so far.
#[derive(Debug, Default)]
struct Seen {
    trips: Vec<Trip>,
    asked: Vec<RequestRide>,
    shifts: Vec<supply::Driver>,
    started: Vec<StartShift>,
    /// Until when each rider waited for a match.
    waited_until: Vec<Option<Millis>>,
    promised: Vec<Option<Millis>>,
    late: Vec<Millis>,
    /// The shift that a driver is on.
    shift_of: BTreeMap<DriverId, usize>,
    /// The way that a driver is on.
    legs: BTreeMap<DriverId, Leg>,
    arrived: BTreeMap<RideId, Millis>,
    offered: BTreeMap<(RideId, DriverId), Millis>,
    heard: BTreeMap<DriverId, Millis>,
    traversals: Traversals,
    alighting: Millis,
    taken: u64,
    declined: u64,
    reactions: Vec<Millis>,
    given_back: u64,
    no_shows: u64,
    boardings: Vec<Millis>,
    intervals: Vec<Millis>,
}

impl Seen {
    fn take(&mut self, turn: &Turn, streets: &Streets) {
        let at = turn.at;
        if was_taken(turn) {
            self.order(at, &turn.command);
        }
        for event in &turn.events {
            self.fact(at, turn, event, streets);
        }
    }

    /// What came from outside.
    fn order(&mut self, at: Millis, command: &Command) {
        match command {
            Command::RequestRide(asked) => {
                self.trips.push(Trip::new(request(at, asked)));
                self.asked.push((**asked).clone());
                self.waited_until.push(None);
                self.promised.push(None);
                self.late.push(Millis::ZERO);
            }
            Command::EndShift { driver, .. } => {
                if let Some(shift) = self.shift_of.remove(driver) {
                    self.shifts[shift].end.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    fn trip(&mut self, ride: RideId) -> Option<&mut Trip> {
        self.trips.get_mut(ride.index().checked_sub(1)?)
    }

    fn fact(&mut self, at: Millis, turn: &Turn, event: &Event, streets: &Streets) {
        match event {
            Event::ShiftStarted(e) => {
                let Command::StartShift(started) = &turn.command else { return };
                self.shift_of.insert(e.driver, self.shifts.len());
                self.shifts.push(supply::Driver {
                    vehicle: e.name.0.clone(),
                    name: e.name.0.clone(),
                    place: e.place,
                    start: at,
                    end: None,
                    seats: e.seats,
                    autonomous: e.autonomous,
                });
                self.started.push((**started).clone());
            }
            Event::DriverMoved { driver, age_ms, .. } => {
                let measured = at - Millis(i64::from(*age_ms));
                if let Some(before) = self.heard.insert(*driver, measured) {
                    self.intervals.push(measured - before);
                }
            }
            Event::LegPlanned { driver, origin, target, weights, .. } => {
                let leg = Leg { from: *origin, to: *target, since: at, weights: *weights };
                self.legs.insert(*driver, leg);
            }
            Event::DriverArrived { ride, driver, .. } => {
                self.arrived.insert(*ride, at);
                self.is_late(*ride, at);
                self.drove(*driver, at, streets);
            }
            _ => self.of_ride(at, event, streets),
        }
    }

    /// A driver is where his leg led.
    fn drove(&mut self, driver: DriverId, at: Millis, streets: &Streets) {
        if let Some(Leg { from, to, since, weights }) = self.legs.remove(&driver) {
            let times = streets.router.times(weights);
            self.traversals.add(&streets.network, &times, (from, to), at - since);
        }
    }

    fn of_ride(&mut self, at: Millis, event: &Event, streets: &Streets) {
        match event {
            Event::RideRequested(e) => {
                let (direct_ms, direct_mm, first_eta_ms) = (e.direct_ms, e.direct_mm, e.first_eta_ms);
                if let Some(trip) = self.trip(e.ride) {
                    trip.quote = Some(Quote { direct_ms, direct_mm, first_eta_ms });
                }
            }
            Event::RequestRefused { ride, .. } => {
                if let Some(trip) = self.trip(*ride) {
                    (trip.outcome, trip.ended_at) = (Some(Outcome::Refused), Some(at));
                }
            }
            Event::OfferMade(e) => {
                let shift = self.shift_of.get(&e.driver).map_or(u32::MAX, |shift| *shift as u32);
                self.offered.insert((e.ride, e.driver), at);
                if let Some(trip) = self.trip(e.ride) {
                    trip.offered(at, shift);
                }
            }
            Event::OfferAccepted { ride, driver, promised, .. } => {
                self.taken += 1;
                self.reacted(at, *ride, *driver);
                let shift = self.shift_of.get(driver).map(|shift| *shift as u32);
                let Some(trip) = self.trip(*ride) else { return };
                (trip.vehicle, trip.matched_at) = (shift, Some(at));
                let n = ride.index() - 1;
                self.waited_until[n].get_or_insert(at);
                self.promised[n] = self.promised[n].max(Some(*promised));
            }
            Event::OfferDeclined { ride, driver, .. } => {
                self.declined += 1;
                self.reacted(at, *ride, *driver);
            }
            Event::OfferExpired { ride, driver, .. } => {
                self.declined += 1;
                self.offered.remove(&(*ride, *driver));
            }
            Event::RideReleased { ride, driver, cause } => {
                self.given_back += u64::from(*cause == ReleaseCause::DriverCancelled);
                self.legs.remove(driver);
                if let Some(trip) = self.trip(*ride) {
                    (trip.vehicle, trip.matched_at) = (None, None);
                }
            }
            Event::RiderBoarded { ride, .. } => {
                if let Some(arrived) = self.arrived.remove(ride) {
                    self.boardings.push(at - arrived);
                }
                if let Some(trip) = self.trip(*ride) {
                    trip.picked_up_at = Some(at);
                }
            }
            Event::RideEnded { ride, outcome, driver, .. } => self.ended(at, *ride, *outcome, *driver, streets),
            Event::Settled(e) => {
                let sum = |account| {
                    e.entries.iter().filter(|entry| entry.account == account).map(|entry| entry.amount.0).sum::<i64>()
                };
                let (fare, driver, platform) = (-sum(Account::Rider), sum(Account::Driver), sum(Account::Platform));
                if let Some(trip) = self.trip(e.ride) {
                    trip.payment = Some(Payment { fare, driver, platform });
                }
            }
            _ => {}
        }
    }

    fn reacted(&mut self, at: Millis, ride: RideId, driver: DriverId) {
        if let Some(asked) = self.offered.remove(&(ride, driver)) {
            self.reactions.push(at - asked);
        }
    }

    /// The driver came, or the rider left, by so much after what was promised.
    fn is_late(&mut self, ride: RideId, at: Millis) {
        let n = ride.index() - 1;
        if let Some(promised) = self.promised.get(n).copied().flatten() {
            self.late[n] = self.late[n].max(at - promised);
        }
    }

    fn ended(&mut self, at: Millis, ride: RideId, outcome: Outcome, driver: Option<DriverId>, streets: &Streets) {
        match outcome {
            Outcome::Completed => {
                if let Some(driver) = driver {
                    self.drove(driver, at - self.alighting, streets);
                }
            }
            Outcome::CancelledAfterMatch => self.is_late(ride, at),
            Outcome::NoShow => self.no_shows += 1,
            Outcome::EndedEarly | Outcome::CancelledBeforeMatch | Outcome::NoDriver | Outcome::Refused => {}
        }
        if let Some(driver) = driver {
            self.legs.remove(&driver);
        }
        self.arrived.remove(&ride);
        let Some(trip) = self.trip(ride) else { return };
        (trip.outcome, trip.ended_at) = (Some(outcome), Some(at));
        self.waited_until[ride.index() - 1].get_or_insert(at);
    }

    fn close(self, ended: Millis, streets: &Streets) -> Served {
        let wait = |(trip, until): (&Trip, &Option<Millis>)| Wait {
            span: until.unwrap_or(ended) - trip.request.at,
            // Who had a driver before has shown how long he waits for one.
            gave_up: trip.outcome == Some(Outcome::CancelledBeforeMatch) && *until == trip.ended_at,
        };
        let waits: Vec<Wait> = self.trips.iter().zip(&self.waited_until).map(wait).collect();
        let share =
            |part: u64, whole: u64, otherwise: f64| if whole > 0 { part as f64 / whole as f64 } else { otherwise };
        let usual = Scenario::default();
        let habits = Habits {
            patience: Patience::fit(&waits),
            acceptance: share(self.taken, self.taken + self.declined, usual.driver.acceptance),
            reaction: spread(self.reactions).unwrap_or(usual.driver.reaction),
            cancel: share(self.given_back, self.taken, usual.driver.cancel),
            no_show: share(self.no_shows, self.no_shows + self.boardings.len() as u64, usual.rider.no_show),
            boarding: median(self.boardings).unwrap_or(usual.boarding),
            interval: median(self.intervals).unwrap_or(usual.pings.interval).max(Millis::from_secs(1)),
        };
        let Self { trips, asked, shifts, started, late, traversals, .. } = self;
        let (ways, pace) = (traversals.count(), traversals.pace());
        let factors = traversals.factors(streets.network.edge_count());
        Served { trips, asked, shifts, started, waits, late, ways, pace, factors, habits, ended }
    }
}

fn percentile(spans: &[Millis], p: usize) -> Millis {
    spans[(spans.len() * p).div_ceil(100).max(1) - 1]
}

fn median(mut spans: Vec<Millis>) -> Option<Millis> {
    spans.sort_unstable();
    (!spans.is_empty()).then(|| percentile(&spans, 50))
}

/// A distribution with the median and the 90th percentile of these spans.
fn spread(mut spans: Vec<Millis>) -> Option<Dist> {
    spans.sort_unstable();
    (!spans.is_empty()).then(|| {
        let p50 = percentile(&spans, 50).max(Millis(1));
        Dist::LogNormal { p50, p90: percentile(&spans, 90).max(p50) }
    })
}
