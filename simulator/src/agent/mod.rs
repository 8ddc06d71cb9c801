//! Riders, drivers and vehicles: what they do at their own time, and what they do when the market tells them something.
//!
//! Commands go out, events come in. Drivers know only what events addressed to them say, and only while their phone is
//! lit; the records of trips, which reports are made of, know everything.

mod act;
mod driver;
mod hear;
mod known;
mod rider;
mod vehicle;

use std::sync::Arc;

use hansom_engine::domain::Hours;
use hansom_engine::record::{Ping, RequestRide, StartShift};
use hansom_engine::{Command, DriverId, RideId};
use hansom_geo_index::Millis;
use hansom_geo_index::route::{Path, Times};

use crate::city::City;
use crate::clock::{Agenda, Cue};
use crate::demand::{Places, Request};
use crate::report::{Series, Stints, Totals, Trip};
use crate::rng::{Purpose, Stream};
use crate::scenario::{Constants, Dist, Idle, Period, Scenario};
use crate::sense::Sense;
use crate::supply;
use crate::traffic::Traffic;

use driver::{Driver, Duty, OpenStint};
pub use known::Known;
pub use rider::Traits;
use rider::{Riders, guest};
pub use vehicle::{Roads, Vehicle};

/// Who sent a command, and so who is told what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The driver of a vehicle.
    Driver(u32),
    /// A rider, or nobody.
    Other,
}

/// Everything outside of the dispatcher.
#[derive(Debug)]
pub struct World {
    city: City,
    traffic: Traffic,
    times: TimesInForce,
    path: Path,
    draws: Draws,
    keys: Behaviour,
    supply: Vec<supply::Driver>,
    drivers: Vec<Driver>,
    vehicles: Vec<Vehicle>,
    /// Which vehicle a driver of the market drives.
    vehicle_of: Vec<u32>,
    riders: Riders,
    /// The orders of riders, in order of request, where they are known …
    asked: Vec<RequestRide>,
    /// … and those of drivers, by vehicle.
    started: Vec<StartShift>,
    agenda: Agenda,
    sense: Sense,
    trips: Vec<Trip>,
    /// What is kept of the rides of guests.
    guests: Vec<Trip>,
    stints: Stints,
    totals: Totals,
    series: Series,
    completed: u64,
    refused: u64,
}

/// The keys of a scenario that say how drivers behave.
#[derive(Debug)]
struct Behaviour {
    period: Period,
    acceptance: f64,
    reaction: Dist,
    cancel: f64,
    dark: f64,
    dark_span: Dist,
    idle: Idle,
    boarding: Millis,
    alighting: Millis,
    /// What every rider and driver is worth, as long as nobody says more of them.
    constants: Constants,
}

/// Chance, by purpose.
#[derive(Debug)]
struct Draws {
    acceptance: Stream,
    reaction: Stream,
    cancel: Stream,
    cancel_moment: Stream,
    dark: Stream,
    dark_span: Stream,
    cruise: Stream,
    places: Places,
}

/// The dispatcher's travel times of the present hour, by which drivers find their way.
#[derive(Debug)]
struct TimesInForce {
    hours: Hours,
    until: Millis,
    times: Arc<Times>,
}

impl TimesInForce {
    fn at(&mut self, city: &City, at: Millis) -> &Times {
        if at >= self.until {
            self.until = self.hours.next_after(at).map_or(Millis::MAX, |(until, _)| until);
            self.times = city.router.times(self.hours.at(at));
        }
        &self.times
    }
}

impl World {
    /// The world of a scenario before anything happens.
    pub fn new(scenario: &Scenario, city: City, hours: Hours, supply: Vec<supply::Driver>, stints: Stints) -> Self {
        let stream = |purpose| Stream::new(scenario.seed, purpose);
        let times = city.router.times(hours.at(scenario.period.start));
        let mut agenda = Agenda::default();
        for (driver, vehicle) in supply.iter().zip(0..) {
            agenda.add(driver.start, Cue::ShiftStart, vehicle, 0);
        }
        Self {
            traffic: Traffic::new(scenario, &city.network),
            times: TimesInForce { hours, until: Millis(i64::MIN), times },
            path: Path::default(),
            draws: Draws {
                acceptance: stream(Purpose::Acceptance),
                reaction: stream(Purpose::Reaction),
                cancel: stream(Purpose::DriverCancel),
                cancel_moment: stream(Purpose::DriverCancelMoment),
                dark: stream(Purpose::Dark),
                dark_span: stream(Purpose::DarkSpan),
                cruise: stream(Purpose::Cruise),
                places: Places::everywhere(&city.network),
            },
            keys: Behaviour {
                period: scenario.period,
                acceptance: scenario.driver.acceptance,
                reaction: scenario.driver.reaction,
                cancel: scenario.driver.cancel,
                dark: scenario.driver.dark,
                dark_span: scenario.driver.dark_span,
                idle: scenario.supply.idle,
                boarding: scenario.boarding,
                alighting: scenario.alighting,
                constants: scenario.policy.constants,
            },
            drivers: vec![Driver::new(); supply.len()],
            vehicles: supply.iter().map(|driver| Vehicle::at(driver.place)).collect(),
            sense: Sense::new(scenario, supply.len() as u32),
            supply,
            vehicle_of: Vec::new(),
            riders: Riders::new(scenario),
            asked: Vec::new(),
            started: Vec::new(),
            agenda,
            trips: Vec::new(),
            guests: Vec::new(),
            stints,
            totals: Totals::default(),
            series: Series::new(scenario.period.start),
            completed: 0,
            refused: 0,
            city,
        }
    }

    /// When something happens next.
    pub fn next_at(&self) -> Option<Millis> {
        self.agenda.next_at()
    }

    /// When the next bundle of positions travels.
    pub fn next_bundle(&self) -> Option<Millis> {
        self.sense.next_bundle()
    }

    /// Vehicles measure where they are, for the bundle that travels now.
    pub fn measure(&mut self) {
        let roads = Roads { network: &self.city.network, traffic: &self.traffic };
        self.sense.measure(&mut self.vehicles, roads);
    }

    /// Whether positions are left that travel now.
    pub fn has_bundle(&self) -> bool {
        self.sense.has_bundle()
    }

    /// The positions that travel now, a command's worth at a time. `buffer` is an empty one.
    pub fn bundle(&mut self, buffer: Vec<Ping>) -> Vec<Ping> {
        self.sense.bundle(buffer)
    }

    /// How many rides are not over.
    pub fn open_rides(&self) -> usize {
        self.riders.len()
    }

    /// Whether a driver has a rider in the vehicle, as far as he knows.
    pub fn is_aboard(&self, driver: DriverId) -> bool {
        let duty = self.vehicle_of.get(driver.index()).map(|vehicle| self.drivers[*vehicle as usize].duty);
        matches!(duty, Some(Duty::Aboard(_) | Duty::Alighting(_)))
    }

    /// How many rides were completed.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// A rider asks for a ride.
    pub fn request(&mut self, request: Request) -> Command {
        self.trips.push(Trip::new(request));
        if let Some(asked) = self.asked.get(self.trips.len() - 1) {
            return Command::RequestRide(Box::new(asked.clone()));
        }
        Command::RequestRide(Box::new(RequestRide {
            rider: format!("r{}", self.trips.len()).as_str().into(),
            pickup: request.pickup,
            dropoff: request.dropoff,
            seats: request.seats,
            class: 0,
            tier: self.keys.constants.tier,
            blocked: Box::default(),
        }))
    }

    /// Somebody outside has asked for a ride, and there is one more rider: a guest, for whom that one speaks. Returns the ride's
    /// number, under which the world will hear of it.
    pub fn welcome(&mut self, request: Request) -> RideId {
        self.guests.push(Trip::new(request));
        guest(self.guests.len() - 1)
    }

    /// The run ends: the drivers who are still on shift, in order of vehicle.
    pub fn on_shift(&self) -> Vec<(u32, DriverId)> {
        let on_shift = |(driver, vehicle): (&Driver, u32)| {
            if driver.duty == Duty::Off { None } else { Some((vehicle, driver.id?)) }
        };
        self.drivers.iter().zip(0..).filter_map(on_shift).collect()
    }

    /// The run is over: what vehicles are doing is cut off at `at`.
    pub fn finish(mut self, at: Millis) -> std::io::Result<Outcome> {
        for vehicle in 0..self.drivers.len() as u32 {
            self.leave(vehicle, at);
        }
        self.stints.finish()?;
        self.series.finish(at);
        let Self { trips, totals, series, refused, supply, .. } = self;
        Ok(Outcome { trips, totals, series, refused, supply })
    }
}

/// What remains of a world.
#[derive(Debug)]
pub struct Outcome {
    /// What became of the requests, in order.
    pub trips: Vec<Trip>,
    /// What vehicles did, added up.
    pub totals: Totals,
    /// The same over time.
    pub series: Series,
    /// Commands that a rule forbade.
    pub refused: u64,
    /// The vehicles and their drivers.
    pub supply: Vec<supply::Driver>,
}
