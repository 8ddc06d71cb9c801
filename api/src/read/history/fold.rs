//! From turns to rows: what happened to each ride, by the names that the outside uses.
//!
//! A fold of turns and of nothing else: whoever starts with the first turn comes to the same rows as whoever went on from
//! rows of before. Knows no database; keeps in memory what may change: rides that are open, and the names behind the
//! engine's numbers of drivers, which are given out again when a driver is forgotten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hansom_engine::record::{Account, OfferMade, RideRequested, Settlement};
use hansom_engine::{Command, DriverId, Event, RideId, Turn};
use hansom_market::ingest::request_refusal_word;

use super::ride::{Offer, Payment, Place, Quote, Ride, Status, Step, What, release_word};

/// No market is away for longer than this, as far as its promises go; the engine says the same.
const LONGEST_GAP_MS: u64 = 100 * 366 * 86_400_000;

/// What is folded so far.
#[derive(Debug, Default)]
pub struct Fold {
    /// Rides that are open, and those that ended since the rows were written last.
    rides: HashMap<u32, Ride>,
    names: HashMap<DriverId, String>,
    changed: Changed,
}

/// What is not in the rows yet.
#[derive(Debug, Default)]
pub struct Changed {
    /// Rides.
    pub rides: BTreeSet<u32>,
    /// Drivers who took a ride.
    pub taken: BTreeSet<(String, u32)>,
    /// Numbers of drivers: whose they are now, if anybody's.
    pub numbers: BTreeMap<u32, Option<String>>,
}

impl Changed {
    /// Whether there is something.
    pub fn is_empty(&self) -> bool {
        self.rides.is_empty() && self.numbers.is_empty() && self.taken.is_empty()
    }
}

impl Fold {
    /// Goes on from the open rides and the names in the rows.
    pub fn of(rides: impl Iterator<Item = Ride>, names: impl Iterator<Item = (DriverId, String)>) -> Self {
        let rides = rides.map(|ride| (ride.ride, ride)).collect();
        Self { rides, names: names.collect(), changed: Changed::default() }
    }

    /// What changed since this was asked last, with a way to the rides. Those that ended are forgotten by
    /// [`settled`](Self::settled).
    pub fn changed(&self) -> (&Changed, &HashMap<u32, Ride>) {
        (&self.changed, &self.rides)
    }

    /// All that changed is in the rows.
    pub fn settled(&mut self) {
        for ride in std::mem::take(&mut self.changed).rides {
            if self.rides.get(&ride).is_some_and(|ride| !ride.is_open()) {
                self.rides.remove(&ride);
            }
        }
    }

    /// Takes the next turn.
    pub fn take(&mut self, turn: &Turn) {
        for event in &turn.events {
            self.event(turn, event);
        }
    }

    fn event(&mut self, turn: &Turn, event: &Event) {
        match event {
            Event::ShiftStarted(e) => self.number(e.driver, Some(e.name.0.to_string())),
            Event::DriverForgotten { driver } => self.number(*driver, None),

            Event::RideRequested(e) => self.requested(turn, e),
            Event::RequestRefused { ride, reason } => {
                let row = self.asked(turn, *ride);
                row.set_status(Status::Refused);
                row.ended_at_ms = Some(turn.at.0);
                let why = Some(request_refusal_word(*reason).to_owned());
                row.story.push(Step { why, ..step(turn, What::Refused) });
            }
            Event::OfferMade(e) => self.offered(turn, e),
            Event::OfferAccepted { ride, driver, epoch, promised, slip_at: _ } => {
                let driver = self.name(*driver);
                self.changed.taken.insert((driver.clone(), ride.0));
                let step = Step {
                    driver: Some(driver.clone()),
                    epoch: Some(epoch.0),
                    until_ms: Some(promised.0),
                    ..step(turn, What::Accepted)
                };
                self.happens(*ride, Some(Status::Assigned), step, |row| {
                    (row.driver, row.offer) = (Some(driver), None);
                    (row.matched_at_ms, row.promised_at_ms) = (Some(turn.at.0), Some(promised.0));
                });
            }
            Event::OfferDeclined { ride, driver, epoch } => self.lost(turn, *ride, *driver, epoch.0, What::Declined),
            Event::OfferExpired { ride, driver, epoch } => self.lost(turn, *ride, *driver, epoch.0, What::Expired),
            Event::OfferWithdrawn { ride, driver, epoch } => self.lost(turn, *ride, *driver, epoch.0, What::Withdrawn),
            Event::RideExhausted { ride } => {
                self.happens(*ride, Some(Status::Exhausted), step(turn, What::Exhausted), |_| {});
            }
            Event::SlipPassed { ride } => self.happens(*ride, None, step(turn, What::Late), |_| {}),
            Event::DriverArrived { ride, driver, until } => {
                let driver = Some(self.name(*driver));
                let step = Step { driver, until_ms: Some(until.0), ..step(turn, What::Arrived) };
                self.happens(*ride, Some(Status::Waiting), step, |_| {});
            }
            Event::RiderBoarded { ride, driver } => {
                let step = Step { driver: Some(self.name(*driver)), ..step(turn, What::Boarded) };
                self.happens(*ride, Some(Status::OnBoard), step, |row| row.picked_up_at_ms = Some(turn.at.0));
            }
            Event::RideReleased { ride, driver, cause } => {
                let (driver, why) = (Some(self.name(*driver)), Some(release_word(*cause).to_owned()));
                let step = Step { driver, why, ..step(turn, What::Released) };
                self.happens(*ride, Some(Status::Searching), step, |row| {
                    (row.driver, row.matched_at_ms, row.promised_at_ms) = (None, None, None);
                });
            }
            Event::RideEnded { ride, outcome, driver, place: _ } => {
                let (driver, why) = (driver.map(|driver| self.name(driver)), Some(outcome.name().to_owned()));
                let step = Step { driver, why, ..step(turn, What::Ended) };
                self.happens(*ride, Some(Status::of(*outcome)), step, |row| {
                    (row.ended_at_ms, row.offer) = (Some(turn.at.0), None);
                });
            }
            Event::Settled(e) => self.settle(turn, e),
            Event::Poisoned { step: poison } => {
                if let Some(ride) = poison.ride() {
                    self.happens(ride, None, step(turn, What::PutOff), |_| {});
                }
            }
            Event::Resumed { gap_ms } => {
                let open: Vec<u32> = self.rides.values().filter(|ride| ride.is_open()).map(|ride| ride.ride).collect();
                // What was promised is put off by as long as the market was away.
                let gap = (*gap_ms).min(LONGEST_GAP_MS).cast_signed();
                for ride in open {
                    let step = Step { span_ms: Some(*gap_ms), ..step(turn, What::Resumed) };
                    self.happens(RideId(ride), None, step, |row| {
                        row.promised_at_ms = row.promised_at_ms.map(|promised| promised + gap);
                    });
                }
            }

            // Listed: whether a new event is a part of history is decided here.
            Event::Keyed { .. }
            | Event::Refused { .. }
            | Event::Repeated { .. }
            | Event::ShiftFinishing { .. }
            | Event::ShiftEnded { .. }
            | Event::DriverKept { .. }
            | Event::SessionOpened { .. }
            | Event::DriverMoved { .. }
            | Event::PingRefused { .. }
            | Event::LegPlanned { .. }
            | Event::DriverChainable { .. }
            | Event::ChainDeferred { .. }
            | Event::SilenceRearmed { .. }
            | Event::DriverWarned { .. }
            | Event::DriverDark { .. }
            | Event::MatchingScheduled { .. }
            | Event::MatchingDue { .. }
            | Event::MatchingIdle
            | Event::ProposalTaken { .. }
            | Event::RideReviewed { .. }
            | Event::RideRetired { .. }
            | Event::KeysExpired { .. }
            | Event::WeightsActivated { .. }
            | Event::Upgraded(_)
            | Event::Checkpoint { .. } => {}
        }
    }

    /// What the outside calls a driver. One without a name would be a fault of ours; his number tells more than nothing.
    fn name(&self, driver: DriverId) -> String {
        self.names.get(&driver).cloned().unwrap_or_else(|| format!("#{driver}"))
    }

    fn number(&mut self, driver: DriverId, name: Option<String>) {
        match &name {
            Some(name) if self.names.get(&driver) == Some(name) => return,
            Some(name) => _ = self.names.insert(driver, name.clone()),
            None => _ = self.names.remove(&driver),
        }
        self.changed.numbers.insert(driver.0, name);
    }

    /// Something happens to a ride. It is not known if it ended before the rows were written last: then it is over.
    fn happens(&mut self, ride: RideId, status: Option<Status>, step: Step, change: impl FnOnce(&mut Ride)) {
        let Some(row) = self.rides.get_mut(&ride.0) else { return };
        if let Some(status) = status {
            row.set_status(status);
        }
        change(row);
        row.story.push(step);
        self.changed.rides.insert(ride.0);
    }

    /// The row of a ride that the turn's command asks for.
    fn asked(&mut self, turn: &Turn, ride: RideId) -> &mut Ride {
        let mut row = Ride { ride: ride.0, requested_at_ms: turn.at.0, ..Ride::default() };
        if let Command::RequestRide(order) = &turn.command {
            row.rider = order.rider.0.to_string();
            row.request = turn.key.map(|key| key.0.to_be_bytes().to_vec()).unwrap_or_default();
            (row.pickup, row.dropoff) = (Place::from(order.pickup), Place::from(order.dropoff));
            (row.seats, row.class, row.tier) = (order.seats.into(), order.class.into(), order.tier.into());
        }
        self.changed.rides.insert(ride.0);
        self.rides.entry(ride.0).insert_entry(row).into_mut()
    }

    fn requested(&mut self, turn: &Turn, e: &RideRequested) {
        let row = self.asked(turn, e.ride);
        row.quote = Some(Quote {
            direct_ms: e.direct_ms,
            direct_mm: e.direct_mm,
            fare_minor: e.fare.0,
            first_eta_ms: e.first_eta_ms,
        });
        let span_ms = e.first_eta_ms.map(u64::from);
        row.story.push(Step { span_ms, amount_minor: Some(e.fare.0), ..step(turn, What::Requested) });
    }

    fn offered(&mut self, turn: &Turn, e: &OfferMade) {
        let driver = self.name(e.driver);
        let step = Step {
            driver: Some(driver.clone()),
            epoch: Some(e.epoch.0),
            until_ms: Some(e.deadline.0),
            span_ms: Some(e.pickup_eta_ms.into()),
            ..step(turn, What::Offered)
        };
        self.happens(e.ride, Some(Status::Offered), step, |row| {
            row.offers += 1;
            row.first_offer_at_ms.get_or_insert(turn.at.0);
            row.offer = Some(Offer {
                driver,
                epoch: e.epoch.0,
                deadline_ms: e.deadline.0,
                pickup_eta_ms: e.pickup_eta_ms,
                chained: e.chained,
            });
        });
    }

    fn lost(&mut self, turn: &Turn, ride: RideId, driver: DriverId, epoch: u32, what: What) {
        let step = Step { driver: Some(self.name(driver)), epoch: Some(epoch), ..step(turn, what) };
        self.happens(ride, None, step, |row| {
            row.offer = None;
            // The offer of a ride that its rider cancelled is withdrawn after the ride ended.
            if row.is_open() {
                row.set_status(Status::Searching);
            }
        });
    }

    fn settle(&mut self, turn: &Turn, e: &Settlement) {
        let sum = |account| e.entries.iter().filter(|entry| entry.account == account).map(|entry| entry.amount.0).sum();
        let rider: i64 = sum(Account::Rider);
        let payment =
            Payment { fare_minor: -rider, driver_minor: sum(Account::Driver), platform_minor: sum(Account::Platform) };
        let step = Step { amount_minor: Some(-rider), ..step(turn, What::Settled) };
        self.happens(e.ride, None, step, |row| row.payment = Some(payment));
    }
}

fn step(turn: &Turn, what: What) -> Step {
    Step { offset: turn.offset.0, at_ms: turn.at.0, what: what.into(), ..Step::default() }
}
