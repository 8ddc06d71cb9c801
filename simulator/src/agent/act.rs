//! What riders, drivers and vehicles do at their own time.

use hansom_engine::domain::Session;
use hansom_engine::record::StartShift;
use hansom_engine::{Command, DriverId, RideId};
use hansom_geo_index::{Millis, Position};

use super::{Duty, OpenStint, Roads, Sender, World};
use crate::clock::{Cue, Due};
use crate::report::{Kind, Stint};
use crate::rng::pair;
use crate::scenario::Idle;

/// The least time between two cruises: where every place is the same, nobody would ever arrive anywhere else.
const CRUISE_PAUSE: Millis = Millis::from_secs(1);

impl World {
    /// Does the next entry of the agenda. Returns the command that it leads to, if it leads to one.
    pub fn act(&mut self) -> Option<(Sender, Command)> {
        let Due { at, cue, id, stamp } = self.agenda.pop()?;
        if cue == Cue::GiveUp {
            return self.give_up(RideId(id), at).map(|command| (Sender::Other, command));
        }
        let vehicle = id;
        let driver = &self.drivers[vehicle as usize];
        let now = stamp == driver.turns;
        let command = match cue {
            Cue::ShiftStart => self.start_shift(vehicle, at),
            Cue::ShiftEnd => self.end_shift(vehicle),
            Cue::Answer if stamp == driver.offers => self.answer(vehicle),
            Cue::GiveBack if now => self.give_back(vehicle),
            Cue::Arrive if now => self.arrive(vehicle, at),
            Cue::Board if now => self.board(vehicle),
            Cue::Alight if now => self.alight(vehicle, at),
            Cue::Cruise if now => {
                self.cruise(vehicle, at);
                None
            }
            Cue::Dark => {
                self.go_dark(vehicle, RideId(stamp), at);
                None
            }
            Cue::Lit => {
                self.light_up(vehicle, at);
                None
            }
            // Out of date: the driver has something else to do by now.
            Cue::Answer | Cue::GiveBack | Cue::Arrive | Cue::Board | Cue::Alight | Cue::Cruise | Cue::GiveUp => None,
        };
        command.map(|command| (Sender::Driver(vehicle), command))
    }

    /// A rider who has waited long enough cancels.
    fn give_up(&self, ride: RideId, at: Millis) -> Option<Command> {
        let rider = self.riders.get(ride)?;
        // Waits longer than when this was put on the agenda: another entry stands there.
        (at >= rider.until()).then_some(Command::CancelRide { ride })
    }

    fn start_shift(&mut self, vehicle: u32, at: Millis) -> Option<Command> {
        let supply = &self.supply[vehicle as usize];
        if supply.end.is_some_and(|end| end <= at) {
            return None;
        }
        if let Some(started) = self.started.get(vehicle as usize) {
            return Some(Command::StartShift(Box::new(started.clone())));
        }
        Some(Command::StartShift(Box::new(StartShift {
            driver: (&*supply.name).into(),
            place: self.city.network.coord(supply.place),
            seats: supply.seats,
            class: 0,
            autonomous: supply.autonomous,
            until: supply.end,
            home: None,
            rating: 500 - self.keys.constants.rating,
        })))
    }

    fn end_shift(&mut self, vehicle: u32) -> Option<Command> {
        let driver = &mut self.drivers[vehicle as usize];
        driver.leaves = driver.dark;
        let wants = driver.duty != Duty::Off && !driver.dark;
        Some(Command::EndShift { driver: driver.id.filter(|_| wants)?, session: Session::FIRST })
    }

    fn answer(&self, vehicle: u32) -> Option<Command> {
        let driver = &self.drivers[vehicle as usize];
        let (id, offer) = (driver.id?, driver.offer?);
        if driver.dark {
            return None;
        }
        let (ride, epoch) = (offer.ride, offer.epoch);
        let nth = self.riders.get(ride).map_or(0, |rider| rider.offers_before(vehicle));
        let draw = self.draws.acceptance.draw(pair(vehicle, ride.0), nth);
        let accepts = self.supply[vehicle as usize].autonomous || draw.chance(self.keys.acceptance);
        Some(if accepts {
            Command::AcceptOffer { driver: id, ride, epoch, session: Session::FIRST }
        } else {
            Command::DeclineOffer { driver: id, ride, epoch, session: Session::FIRST }
        })
    }

    fn give_back(&self, vehicle: u32) -> Option<Command> {
        let driver = &self.drivers[vehicle as usize];
        match driver.duty {
            Duty::Bound(ride) if !driver.dark => {
                Some(Command::CancelByDriver { driver: driver.id?, ride, session: Session::FIRST })
            }
            _ => None,
        }
    }

    /// The vehicle is where it was driving to.
    fn arrive(&mut self, vehicle: u32, at: Millis) -> Option<Command> {
        match self.drivers[vehicle as usize].duty {
            Duty::Bound(ride) => {
                self.take_up(vehicle, Duty::AtPickup(ride));
                self.turn_to(vehicle, at, Kind::Stand, Some(ride));
                self.report_arrival(vehicle, ride)
            }
            // It could not be reported before.
            Duty::AtPickup(ride) => self.report_arrival(vehicle, ride),
            Duty::Aboard(ride) => {
                self.take_up(vehicle, Duty::Alighting(ride));
                self.turn_to(vehicle, at, Kind::Alight, Some(ride));
                self.later(at + self.keys.alighting, Cue::Alight, vehicle);
                None
            }
            Duty::Idle => {
                let since = self.drivers[vehicle as usize].stint.map_or(at, |stint| stint.since);
                self.turn_to(vehicle, at, Kind::Stand, None);
                self.later(at.max(since + CRUISE_PAUSE), Cue::Cruise, vehicle);
                None
            }
            Duty::Off | Duty::Boarding(_) | Duty::Alighting(_) => None,
        }
    }

    fn report_arrival(&mut self, vehicle: u32, ride: RideId) -> Option<Command> {
        let id = self.lit(vehicle, Cue::Arrive)?;
        Some(Command::ArriveAtPickup { driver: id, ride, session: Session::FIRST })
    }

    fn board(&mut self, vehicle: u32) -> Option<Command> {
        let Duty::Boarding(ride) = self.drivers[vehicle as usize].duty else { return None };
        let id = self.lit(vehicle, Cue::Board)?;
        Some(Command::BoardRider { driver: id, ride, session: Session::FIRST })
    }

    fn alight(&mut self, vehicle: u32, at: Millis) -> Option<Command> {
        let Duty::Alighting(ride) = self.drivers[vehicle as usize].duty else { return None };
        let Some(id) = self.lit(vehicle, Cue::Alight) else {
            self.turn_to(vehicle, at, Kind::Stand, Some(ride));
            return None;
        };
        let roads = Roads { network: &self.city.network, traffic: &self.traffic };
        let place = self.vehicles[vehicle as usize].position(roads, at);
        Some(Command::EndTrip { driver: id, ride, place: self.city.network.coord(place), session: Session::FIRST })
    }

    /// Whose report it is, if the phone is lit; else `cue` is held until it is.
    fn lit(&mut self, vehicle: u32, cue: Cue) -> Option<DriverId> {
        let driver = &mut self.drivers[vehicle as usize];
        if driver.dark {
            driver.held = Some(cue);
            return None;
        }
        driver.id
    }

    fn cruise(&mut self, vehicle: u32, at: Millis) {
        let driver = &mut self.drivers[vehicle as usize];
        if driver.duty != Duty::Idle {
            return;
        }
        let draw = self.draws.cruise.draw(u64::from(vehicle), u64::from(driver.cruises));
        driver.cruises += 1;
        if let Some(target) = self.draws.places.pick(draw) {
            self.turn_to(vehicle, at, Kind::Cruise, None);
            let arrives = self.depart(vehicle, target, at);
            self.later(arrives, Cue::Arrive, vehicle);
        }
    }

    fn go_dark(&mut self, vehicle: u32, ride: RideId, at: Millis) {
        let driver = &mut self.drivers[vehicle as usize];
        if driver.dark || !driver.holds(ride) {
            return;
        }
        driver.dark = true;
        self.sense.set_dark(vehicle, true);
        let draw = self.draws.dark_span.draw(pair(vehicle, ride.0), 0);
        self.agenda.add(at + self.keys.dark_span.pick(draw.split(1)), Cue::Lit, vehicle, 0);
    }

    /// The phone is back: the driver learns what he has missed, and reports what he could not.
    fn light_up(&mut self, vehicle: u32, at: Millis) {
        let driver = &mut self.drivers[vehicle as usize];
        driver.dark = false;
        self.sense.set_dark(vehicle, false);
        for event in std::mem::take(&mut self.drivers[vehicle as usize].unheard) {
            self.tell(vehicle, at, &event);
        }
        let driver = &mut self.drivers[vehicle as usize];
        if let Some(cue) = driver.held.take() {
            self.agenda.add(at, cue, vehicle, driver.turns);
        }
        if driver.offer.is_some_and(|offer| offer.answer_at <= at) {
            self.agenda.add(at, Cue::Answer, vehicle, driver.offers);
        }
        if driver.leaves {
            self.agenda.add(at, Cue::ShiftEnd, vehicle, 0);
        }
    }

    /// Puts something on the agenda that counts only as long as the driver does what he does now.
    pub(super) fn later(&mut self, at: Millis, cue: Cue, vehicle: u32) {
        self.agenda.add(at, cue, vehicle, self.drivers[vehicle as usize].turns);
    }

    /// The driver has something else to do from now on.
    pub(super) fn take_up(&mut self, vehicle: u32, duty: Duty) {
        let driver = &mut self.drivers[vehicle as usize];
        driver.duty = duty;
        driver.turns += 1;
        (driver.heading, driver.held) = (None, None);
    }

    /// Nothing is asked of the driver any more.
    pub(super) fn idle(&mut self, vehicle: u32, at: Millis) {
        self.take_up(vehicle, Duty::Idle);
        self.turn_to(vehicle, at, Kind::Stand, None);
        if self.keys.idle == Idle::Cruise {
            self.later(at, Cue::Cruise, vehicle);
        }
    }

    /// The vehicle stops what it is doing, where it is, and does something else from now on.
    pub(super) fn turn_to(&mut self, vehicle: u32, at: Millis, kind: Kind, ride: Option<RideId>) {
        let from = self.leave(vehicle, at);
        self.drivers[vehicle as usize].stint = Some(OpenStint { kind, ride, from, since: at });
    }

    /// The vehicle stops what it is doing, and its row is written. Returns where that is.
    pub(super) fn leave(&mut self, vehicle: u32, at: Millis) -> Position {
        let roads = Roads { network: &self.city.network, traffic: &self.traffic };
        let body = &mut self.vehicles[vehicle as usize];
        self.sense.settle(vehicle, at, body, roads);
        let (to, driven_mm) = body.stop(roads, at);
        let Some(OpenStint { kind, ride, from, since }) = self.drivers[vehicle as usize].stint.take() else {
            return to;
        };
        // What is done for a ride is told even if it takes no time.
        if at > since || (ride.is_some() && kind != Kind::Stand) {
            let stint = Stint { vehicle, ride, kind, from, to, start: since, end: at, driven_mm };
            let trip = ride.map(|ride| self.trip(ride));
            let mut riders = 0;
            if let (Kind::Loaded, Some(trip)) = (kind, trip) {
                trip.driven_mm += driven_mm;
                riders = trip.request.seats;
            }
            self.totals.add(self.keys.period, &stint, riders);
            self.series.add(&stint);
            self.stints.push(stint);
        }
        to
    }

    /// Sets out for `target`; returns when the vehicle will be there.
    pub(super) fn depart(&mut self, vehicle: u32, target: Position, at: Millis) -> Millis {
        let times = self.times.at(&self.city, at);
        let roads = Roads { network: &self.city.network, traffic: &self.traffic };
        self.vehicles[vehicle as usize].depart(roads, times, target, at, &mut self.path)
    }
}
