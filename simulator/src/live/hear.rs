//! Facts of a stream, as the city's people hear them.

use std::collections::BTreeMap;

use hansom_engine::domain::Terms;
use hansom_engine::record::{self, Entry, Event};
use hansom_engine::{Command, DriverId, Money, Offset, RideId, Turn};
use hansom_geo_index::{Coord, Millis, Position, WeightsVersion};
use hansom_market::ingest::{Body, Fact, Published, event, order};

use super::LiveCity;
use crate::agent::Sender;
use crate::demand::Request;

/// Coordinates are rounded: a place on a street is this near to it, in mm.
const NEAR_MM: i64 = 1_000_000;

/// Where the rides lead that the city's drivers may drive, and who drives which: what a driver's app tells him of the way.
#[derive(Debug, Default)]
pub(super) struct Ways {
    places: BTreeMap<RideId, (Position, Position)>,
    plans: BTreeMap<DriverId, Vec<RideId>>,
}

impl LiveCity {
    /// Takes a fact in. A ride that somebody else asked for is a guest's; others' drivers are passed over.
    pub fn hear(&mut self, published: &Published) {
        let at = published.time;
        match &published.fact {
            Fact::Refused(it) => {
                if let Some((sender, command)) = it.order.and_then(|key| self.sent.remove(&key)) {
                    self.tally.refused += 1;
                    self.world.forbidden(sender, at, &command);
                }
            }
            Fact::ShiftStarted(it) => self.shift_started(at, it),
            Fact::SessionOpened(it) => {
                if let Some(driver) = self.names.driver_id(&it.driver) {
                    self.names.take_over(driver, it.session);
                    // The older device does not know yet, and sends its driver home.
                    let (driver, session) = (it.driver.clone(), it.session - 1);
                    self.outdated.push(Body::EndShift(order::EndShift { driver, session }));
                }
            }
            Fact::ShiftEnded(it) => {
                if let Some(driver) = self.names.driver_id(&it.driver) {
                    self.tell(at, Event::ShiftEnded { driver });
                }
            }
            Fact::RideRequested(it) => self.ride_requested(at, it),
            Fact::RequestRefused(it) => {
                if let Some(ride) = it.request.and_then(|key| self.names.numbered(key, it.ride)) {
                    self.unheard -= 1;
                    self.tell(at, Event::RequestRefused { ride, reason: record::RequestRefusal::PickupOffStreet });
                }
            }
            fact => {
                if let Some(event) = self.of_ride(fact) {
                    self.ride_goes_on(at, event);
                }
            }
        }
    }

    fn tell(&mut self, at: Millis, event: Event) {
        self.tell_to(Sender::Other, at, event);
    }

    fn tell_to(&mut self, sender: Sender, at: Millis, event: Event) {
        let turn = Turn { offset: Offset(0), at, key: None, command: Command::Tick, events: vec![event] };
        self.world.hear(sender, &turn);
    }

    fn shift_started(&mut self, at: Millis, it: &event::ShiftStarted) {
        let Some(place) = self.place(it.place) else { return };
        let Some((vehicle, driver)) = self.names.start(&it.driver) else { return };
        let started = record::ShiftStarted {
            driver,
            name: it.driver.clone(),
            coord: it.place,
            place,
            seats: it.seats,
            class: it.class,
            autonomous: it.autonomous,
            until: it.until,
            home: None,
            rating: 500,
        };
        self.tell_to(Sender::Driver(vehicle), at, Event::ShiftStarted(Box::new(started)));
    }

    fn ride_requested(&mut self, at: Millis, it: &event::RideRequested) {
        let own = it.request.and_then(|key| self.names.numbered(key, it.ride));
        self.unheard -= u64::from(own.is_some());
        let (Some(pickup), Some(dropoff)) = (self.place(it.pickup), self.place(it.dropoff)) else { return };
        let ride = own.unwrap_or_else(|| self.welcome(at, it));
        self.ways.places.insert(ride, (pickup, dropoff));
        let requested = record::RideRequested {
            ride,
            rider: it.rider.clone(),
            pickup,
            dropoff,
            seats: it.seats,
            class: it.class,
            tier: 0,
            blocked: Box::default(),
            weights: WeightsVersion(0),
            direct_ms: it.direct_ms,
            direct_mm: it.direct_mm,
            fare: it.fare_minor,
            first_eta_ms: it.first_eta_ms,
            review_at: at,
        };
        self.tell(at, Event::RideRequested(Box::new(requested)));
    }

    /// Somebody who is not of the city has asked for a ride: its drivers take it as any other, and a guest waits at the pickup.
    fn welcome(&mut self, at: Millis, it: &event::RideRequested) -> RideId {
        let ride = self.world.welcome(Request { at, pickup: it.pickup, dropoff: it.dropoff, seats: it.seats });
        self.names.pair(ride, it.ride);
        self.tally.others += 1;
        ride
    }

    /// The event that a fact about a ride is, if the city has heard of the ride and its driver.
    fn of_ride(&self, fact: &Fact) -> Option<Event> {
        let ride = |market: RideId| self.names.ride(market);
        let driver = |name| self.names.driver_id(name);
        Some(match fact {
            Fact::OfferMade(it) => Event::OfferMade(Box::new(record::OfferMade {
                ride: ride(it.ride)?,
                driver: driver(&it.driver)?,
                epoch: it.epoch,
                deadline: it.deadline,
                pickup_eta_ms: it.pickup_eta_ms,
                chained: it.chained,
                weights: WeightsVersion(0),
                terms: Terms::default(),
            })),
            Fact::OfferAccepted(it) => Event::OfferAccepted {
                ride: ride(it.ride)?,
                driver: driver(&it.driver)?,
                epoch: it.epoch,
                promised: it.promised,
                slip_at: None,
            },
            Fact::OfferDeclined(it) => {
                Event::OfferDeclined { ride: ride(it.ride)?, driver: driver(&it.driver)?, epoch: it.epoch }
            }
            Fact::OfferExpired(it) => {
                Event::OfferExpired { ride: ride(it.ride)?, driver: driver(&it.driver)?, epoch: it.epoch }
            }
            Fact::OfferWithdrawn(it) => {
                Event::OfferWithdrawn { ride: ride(it.ride)?, driver: driver(&it.driver)?, epoch: it.epoch }
            }
            Fact::DriverArrived(it) => {
                Event::DriverArrived { ride: ride(it.ride)?, driver: driver(&it.driver)?, until: it.until }
            }
            Fact::RiderBoarded(it) => Event::RiderBoarded { ride: ride(it.ride)?, driver: driver(&it.driver)? },
            Fact::RideReleased(it) => {
                Event::RideReleased { ride: ride(it.ride)?, driver: driver(&it.driver)?, cause: it.cause }
            }
            Fact::RideEnded(it) => Event::RideEnded {
                ride: ride(it.ride)?,
                outcome: it.outcome,
                driver: it.driver.as_ref().and_then(driver),
                place: it.place.and_then(|place| self.place(place)),
            },
            Fact::Settled(it) => {
                let entry =
                    |entry: &event::Entry| Entry { account: entry.account, amount: Money(entry.amount_minor.0) };
                let entries = it.entries.iter().map(entry).collect();
                Event::Settled(Box::new(record::Settlement { ride: ride(it.ride)?, cause: it.cause, entries }))
            }
            // The city's people need no word of these, or heard it before.
            _ => return None,
        })
    }

    /// People hear of a ride, and its driver of the way.
    fn ride_goes_on(&mut self, at: Millis, event: Event) {
        let mut on_the_way = None;
        match &event {
            Event::OfferMade(it) => self.mischief.offered(it.ride, it.deadline),
            Event::OfferDeclined { ride, .. }
            | Event::OfferExpired { ride, .. }
            | Event::OfferWithdrawn { ride, .. } => {
                self.mischief.settled(*ride);
            }
            Event::OfferAccepted { ride, driver, .. } => {
                self.mischief.settled(*ride);
                self.ways.plans.entry(*driver).or_default().push(*ride);
                on_the_way = Some(*driver);
            }
            Event::RiderBoarded { driver, .. } => on_the_way = Some(*driver),
            Event::RideReleased { ride, driver, .. } | Event::RideEnded { ride, driver: Some(driver), .. } => {
                self.ways.plans.entry(*driver).or_default().retain(|other| other != ride);
                on_the_way = Some(*driver);
            }
            _ => {}
        }
        let boarded = matches!(event, Event::RiderBoarded { .. });
        if let Event::RideEnded { ride, .. } = &event {
            self.ways.places.remove(ride);
        }
        self.tell(at, event);
        let Some(driver) = on_the_way else { return };
        let next = self.ways.plans.get(&driver).and_then(|plan| plan.first());
        if let Some((pickup, dropoff)) = next.and_then(|ride| self.ways.places.get(ride)).copied() {
            // A driver with a rider on board hears of a further ride, and drives on to where he was driving.
            let aboard = boarded || self.world.is_aboard(driver);
            let target = if aboard { dropoff } else { pickup };
            let (origin, weights) = (target, WeightsVersion(0));
            self.tell(at, Event::LegPlanned { driver, origin, target, weights, eta_ms: 0 });
        }
    }

    /// The place on the streets that a coordinate on the streets is; `None`: the market's streets are not the city's.
    fn place(&self, coord: Coord) -> Option<Position> {
        self.city.snap.nearest(&self.city.network, coord, NEAR_MM).ok().map(|snap| snap.position)
    }
}
