//! What the market tells: the records of trips hear everything, drivers what is addressed to them.

use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, Event, OfferMade, RideRequested, Settlement};
use hansom_engine::{Command, DriverId, RideId, Turn};
use hansom_geo_index::{Millis, Position};

use super::rider::guests_before;
use super::{Duty, Sender, World, driver};
use crate::clock::Cue;
use crate::report::{Kind, Payment, Quote, Trip};
use crate::rng::pair;

impl World {
    /// Takes the events of a turn in, at the turn's own time. `sender` sent its command.
    pub fn hear(&mut self, sender: Sender, turn: &Turn) {
        let at = turn.at;
        for event in &turn.events {
            match event {
                Event::Refused { .. } => self.forbidden(sender, at, &turn.command),
                Event::ShiftStarted(e) => self.shift_started(sender, at, e.driver),
                Event::RideRequested(e) => self.requested(at, e),
                Event::RequestRefused { ride, .. } => {
                    let trip = self.trip(*ride);
                    (trip.outcome, trip.ended_at) = (Some(Outcome::Refused), Some(at));
                }
                Event::OfferMade(e) => self.offer_made(at, e, event),
                Event::OfferAccepted { ride, driver, promised, .. } => {
                    let vehicle = self.vehicle_of[driver.index()];
                    let trip = self.trip(*ride);
                    (trip.vehicle, trip.matched_at) = (Some(vehicle), Some(at));
                    if let Some(rider) = self.riders.get_mut(*ride) {
                        rider.match_until(*promised);
                        self.agenda.add(rider.until(), Cue::GiveUp, ride.0, 0);
                    }
                    self.notify(*driver, at, event);
                }
                Event::DriverArrived { ride, driver, .. } => {
                    if let Some(rider) = self.riders.get_mut(*ride) {
                        rider.meet();
                    }
                    self.notify(*driver, at, event);
                }
                Event::RiderBoarded { ride, driver } => {
                    self.trip(*ride).picked_up_at = Some(at);
                    self.notify(*driver, at, event);
                }
                Event::RideReleased { ride, driver, .. } => {
                    let trip = self.trip(*ride);
                    (trip.vehicle, trip.matched_at) = (None, None);
                    if let Some(rider) = self.riders.get_mut(*ride) {
                        rider.release();
                        self.agenda.add(rider.until().max(at), Cue::GiveUp, ride.0, 0);
                    }
                    self.walk_away(*driver, at, *ride);
                    self.notify(*driver, at, event);
                }
                Event::RideEnded { ride, outcome, driver, .. } => {
                    let trip = self.trip(*ride);
                    (trip.outcome, trip.ended_at) = (Some(*outcome), Some(at));
                    self.completed += u64::from(*outcome == Outcome::Completed);
                    self.riders.remove(*ride);
                    if let Some(driver) = driver {
                        self.walk_away(*driver, at, *ride);
                        self.notify(*driver, at, event);
                    }
                }
                Event::Settled(e) => self.settled(e),
                Event::OfferDeclined { driver, .. }
                | Event::OfferExpired { driver, .. }
                | Event::OfferWithdrawn { driver, .. }
                | Event::LegPlanned { driver, .. }
                | Event::ShiftEnded { driver } => self.notify(*driver, at, event),
                // Nobody outside hears of these.
                Event::DriverMoved { .. }
                | Event::PingRefused { .. }
                | Event::Keyed { .. }
                | Event::Repeated { .. }
                | Event::ShiftFinishing { .. }
                | Event::DriverChainable { .. }
                | Event::ChainDeferred { .. }
                | Event::SilenceRearmed { .. }
                | Event::DriverWarned { .. }
                | Event::DriverDark { .. }
                | Event::MatchingScheduled { .. }
                | Event::MatchingDue { .. }
                | Event::MatchingIdle
                | Event::ProposalTaken { .. }
                | Event::RideExhausted { .. }
                | Event::RideReviewed { .. }
                | Event::SlipPassed { .. }
                | Event::RideRetired { .. }
                | Event::DriverKept { .. }
                | Event::DriverForgotten { .. }
                | Event::KeysExpired { .. }
                | Event::WeightsActivated { .. }
                | Event::SessionOpened { .. }
                | Event::Resumed { .. }
                | Event::Poisoned { .. }
                | Event::Upgraded(_)
                | Event::Checkpoint { .. } => {}
            }
        }
    }

    /// What is kept of a ride.
    pub(super) fn trip(&mut self, ride: RideId) -> &mut Trip {
        match guests_before(ride) {
            Some(before) => &mut self.guests[before],
            None => &mut self.trips[ride.index() - 1],
        }
    }

    fn requested(&mut self, at: Millis, e: &RideRequested) {
        let RideRequested { ride, direct_ms, direct_mm, first_eta_ms, .. } = *e;
        self.trip(ride).quote = Some(Quote { direct_ms, direct_mm, first_eta_ms });
        let until = self.riders.add(ride, at, Millis(i64::from(direct_ms))).until();
        self.agenda.add(until, Cue::GiveUp, ride.0, 0);
    }

    fn offer_made(&mut self, at: Millis, e: &OfferMade, event: &Event) {
        let vehicle = self.vehicle_of[e.driver.index()];
        self.trip(e.ride).offered(at, vehicle);
        if let Some(rider) = self.riders.get_mut(e.ride) {
            rider.offer(vehicle);
        }
        self.notify(e.driver, at, event);
    }

    fn settled(&mut self, e: &Settlement) {
        let sum = |account| e.entries.iter().filter(|entry| entry.account == account).map(|entry| entry.amount.0).sum();
        let rider: i64 = sum(Account::Rider);
        self.trip(e.ride).payment =
            Some(Payment { fare: -rider, driver: sum(Account::Driver), platform: sum(Account::Platform) });
    }

    fn shift_started(&mut self, sender: Sender, at: Millis, id: DriverId) {
        let Sender::Driver(vehicle) = sender else { return };
        // Who was forgotten leaves his place to another.
        match self.vehicle_of.get_mut(id.index()) {
            Some(left) => *left = vehicle,
            None => self.vehicle_of.push(vehicle),
        }
        self.drivers[vehicle as usize].id = Some(id);
        self.sense.start(vehicle, id, at);
        self.idle(vehicle, at);
        if let Some(end) = self.supply[vehicle as usize].end {
            self.agenda.add(end, Cue::ShiftEnd, vehicle, 0);
        }
    }

    /// A command of the driver was forbidden: he is not where the market believes him to be, and gives up what he meant.
    pub fn forbidden(&mut self, sender: Sender, at: Millis, command: &Command) {
        self.refused += 1;
        let Sender::Driver(vehicle) = sender else { return };
        match command {
            Command::AcceptOffer { .. } | Command::DeclineOffer { .. } => {
                self.drivers[vehicle as usize].offer = None;
            }
            Command::ArriveAtPickup { ride, .. }
            | Command::BoardRider { ride, .. }
            | Command::EndTrip { ride, .. }
            | Command::CancelByDriver { ride, .. } => self.lose(vehicle, at, *ride),
            Command::StartShift(_)
            | Command::EndShift { .. }
            | Command::OpenSession { .. }
            | Command::ReportPositions(_)
            | Command::RequestRide(_)
            | Command::CancelRide { .. }
            | Command::Tick
            | Command::Propose(_)
            | Command::Resume { .. }
            | Command::Upgrade(_)
            | Command::Checkpoint { .. } => {}
        }
    }

    /// The rider of a ride that ended, or that is another driver's now, does not get in: the driver sees that, even if he
    /// cannot hear why.
    fn walk_away(&mut self, driver: DriverId, at: Millis, ride: RideId) {
        let vehicle = self.vehicle_of[driver.index()];
        let driver = &self.drivers[vehicle as usize];
        if driver.dark && driver.duty == Duty::Boarding(ride) {
            self.take_up(vehicle, Duty::AtPickup(ride));
            self.turn_to(vehicle, at, Kind::Stand, Some(ride));
        }
    }

    /// An event is addressed to a driver: he hears it now, or when his phone is lit.
    fn notify(&mut self, driver: DriverId, at: Millis, event: &Event) {
        let vehicle = self.vehicle_of[driver.index()];
        let driver = &mut self.drivers[vehicle as usize];
        if driver.dark {
            driver.unheard.push(event.clone());
        } else {
            self.tell(vehicle, at, event);
        }
    }

    /// A driver hears an event.
    pub(super) fn tell(&mut self, vehicle: u32, at: Millis, event: &Event) {
        let driver = &mut self.drivers[vehicle as usize];
        match event {
            Event::OfferMade(e) => self.be_asked(vehicle, at, e),
            Event::OfferDeclined { ride, .. }
            | Event::OfferExpired { ride, .. }
            | Event::OfferWithdrawn { ride, .. } => {
                driver.offer.take_if(|offer| offer.ride == *ride);
            }
            Event::OfferAccepted { ride, promised, .. } => self.take_on(vehicle, at, *ride, *promised),
            Event::LegPlanned { target, .. } => self.head_for(vehicle, at, *target),
            Event::DriverArrived { ride, .. } => self.meet(vehicle, at, *ride),
            Event::RiderBoarded { ride, .. } if driver.duty == Duty::Boarding(*ride) => {
                self.take_up(vehicle, Duty::Aboard(*ride));
            }
            Event::RideReleased { ride, .. } | Event::RideEnded { ride, .. } => self.lose(vehicle, at, *ride),
            Event::ShiftEnded { .. } => {
                self.take_up(vehicle, Duty::Off);
                self.leave(vehicle, at);
                self.sense.end(vehicle);
            }
            // Nothing else is addressed to a driver.
            _ => {}
        }
    }

    /// The driver is asked, and thinks about it.
    fn be_asked(&mut self, vehicle: u32, at: Millis, e: &OfferMade) {
        let thinks = if self.supply[vehicle as usize].autonomous {
            Millis::ZERO
        } else {
            let nth = self.riders.get(e.ride).map_or(0, |rider| rider.offers_before(vehicle));
            self.keys.reaction.pick(self.draws.reaction.draw(pair(vehicle, e.ride.0), nth))
        };
        let driver = &mut self.drivers[vehicle as usize];
        driver.offers += 1;
        driver.offer = Some(driver::Offer { ride: e.ride, epoch: e.epoch, answer_at: at + thinks });
        self.agenda.add(at + thinks, Cue::Answer, vehicle, driver.offers);
    }

    /// The driver has a ride, or one more.
    fn take_on(&mut self, vehicle: u32, at: Millis, ride: RideId, promised: Millis) {
        let driver = &mut self.drivers[vehicle as usize];
        driver.offer = None;
        if driver.duty == Duty::Idle {
            self.take_up(vehicle, Duty::Bound(ride));
        } else {
            driver.pending = Some(ride);
        }
        let draw = self.draws.dark.draw(pair(vehicle, ride.0), 0);
        if !self.supply[vehicle as usize].autonomous && draw.chance(self.keys.dark) {
            let direct = self.riders.get(ride).map_or(Millis::ZERO, |rider| rider.direct);
            let lasts = (promised - at + direct).0.max(0) as f64;
            let share = self.draws.dark_span.draw(pair(vehicle, ride.0), 0).unit();
            self.agenda.add(at + Millis((lasts * share) as i64), Cue::Dark, vehicle, ride.0);
        }
    }

    /// The driver is told where to drive.
    fn head_for(&mut self, vehicle: u32, at: Millis, target: Position) {
        let driver = &self.drivers[vehicle as usize];
        let (kind, ride) = match driver.duty {
            Duty::Bound(ride) => (Kind::Empty, ride),
            Duty::Aboard(ride) => (Kind::Loaded, ride),
            // Already there.
            Duty::Off | Duty::Idle | Duty::AtPickup(_) | Duty::Boarding(_) | Duty::Alighting(_) => return,
        };
        if driver.heading == Some(target) {
            return;
        }
        self.turn_to(vehicle, at, kind, Some(ride));
        let arrives = self.depart(vehicle, target, at);
        self.drivers[vehicle as usize].heading = Some(target);
        self.later(arrives, Cue::Arrive, vehicle);
        if kind == Kind::Empty && !self.supply[vehicle as usize].autonomous {
            let nth = self.riders.get(ride).map_or(0, |rider| rider.offers_before(vehicle));
            let key = pair(vehicle, ride.0);
            if self.draws.cancel.draw(key, nth).chance(self.keys.cancel) {
                let share = self.draws.cancel_moment.draw(key, nth).unit();
                let after = ((arrives - at).0 as f64 * share) as i64;
                self.later(at + Millis(after), Cue::GiveBack, vehicle);
            }
        }
    }

    /// The market knows that the driver is at the pickup: the rider gets in, if he is there.
    fn meet(&mut self, vehicle: u32, at: Millis, ride: RideId) {
        let shows = self.riders.get(ride).is_some_and(|rider| rider.shows);
        if shows && self.drivers[vehicle as usize].duty == Duty::AtPickup(ride) {
            self.take_up(vehicle, Duty::Boarding(ride));
            self.turn_to(vehicle, at, Kind::Board, Some(ride));
            self.later(at + self.keys.boarding, Cue::Board, vehicle);
        }
    }

    /// A ride of the driver is over, or no longer his: on to the next one, if there is one.
    fn lose(&mut self, vehicle: u32, at: Millis, ride: RideId) {
        let driver = &mut self.drivers[vehicle as usize];
        if driver.pending == Some(ride) {
            driver.pending = None;
        } else if driver.duty.ride() == Some(ride) {
            match driver.pending.take() {
                Some(next) => self.take_up(vehicle, Duty::Bound(next)),
                None => self.idle(vehicle, at),
            }
        }
    }
}
