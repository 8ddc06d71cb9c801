//! What the model remembers of rides and drivers.

use hansom_engine::lifecycle::offer;
use hansom_engine::lifecycle::ride::{Outcome, Status};
use hansom_engine::lifecycle::session;
use hansom_engine::record::{RideRequested, ShiftStarted};
use hansom_engine::{DriverId, Money, Name};
use hansom_geo_index::{Millis, Position};

/// Where a ride is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Line,
    Used,
    Offered(u32),
    Coming(u32),
    AtPickup(u32),
    Aboard(u32),
    Over(Outcome),
}

impl Stage {
    /// The driver who is bound to the ride.
    pub fn driver(self) -> Option<u32> {
        match self {
            Self::Coming(driver) | Self::AtPickup(driver) | Self::Aboard(driver) => Some(driver),
            Self::Line | Self::Used | Self::Offered(_) | Self::Over(_) => None,
        }
    }

    /// As refusals name it.
    pub fn status(self) -> Status {
        match self {
            Self::Line => Status::Searching,
            Self::Used => Status::Exhausted,
            Self::Offered(driver) => Status::Offered(DriverId(driver)),
            Self::Coming(driver) => Status::Assigned(DriverId(driver)),
            Self::AtPickup(driver) => Status::Waiting(DriverId(driver)),
            Self::Aboard(driver) => Status::OnBoard(DriverId(driver)),
            Self::Over(outcome) => Status::Ended(outcome),
        }
    }
}

/// What a ride waits for, in the order in which equal deadlines pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Offer,
    NoShow,
    Slip,
    Review,
    Retire,
}

#[derive(Debug, Clone, Copy)]
pub struct Offer {
    pub driver: u32,
    pub epoch: u32,
    pub over: Option<offer::Outcome>,
}

#[derive(Debug, Clone)]
pub struct Ride {
    pub stage: Stage,
    pub asked: Millis,
    pub seats: u8,
    pub class: u8,
    pub blocked: Box<[DriverId]>,
    pub fare: Money,
    pub pickup: Position,
    pub offer: Option<Offer>,
    /// Offers that were declined or expired.
    pub failed: u32,
    pub resting: Vec<(u32, Millis)>,
    /// Patience added by outages.
    pub extended: Millis,
    pub timer: Option<(Kind, Millis)>,
    pub paid: bool,
}

impl Ride {
    pub fn new(e: &RideRequested, asked: Millis, review: Millis) -> Self {
        Self {
            stage: Stage::Line,
            asked,
            seats: e.seats,
            class: e.class,
            blocked: e.blocked.clone(),
            fare: e.fare,
            pickup: e.pickup,
            offer: None,
            failed: 0,
            resting: Vec::new(),
            extended: Millis::ZERO,
            timer: Some((Kind::Review, review)),
            paid: false,
        }
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Over(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    Off,
    On,
    Finishing,
}

impl Shift {
    /// As refusals name it.
    pub fn status(self) -> session::Status {
        match self {
            Self::Off => session::Status::Off,
            Self::On => session::Status::On,
            Self::Finishing => session::Status::Finishing,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comms {
    Live,
    Warned { until: Millis },
    Dark,
}

#[derive(Debug, Clone)]
pub struct Driver {
    pub name: Name,
    pub shift: Shift,
    /// Since when he is off shift.
    pub off_since: Option<Millis>,
    /// The session that is open.
    pub session: u32,
    pub seats: u8,
    pub class: u8,
    pub comms: Comms,
    /// Where on the streets his vehicle is looked for.
    pub anchor: Position,
    pub heard: Millis,
    pub seq: u32,
    pub offered: Option<u32>,
    /// Rides he accepted that are not over, in that order.
    pub held: Vec<u32>,
}

impl Driver {
    pub fn start(e: &ShiftStarted, at: Millis) -> Self {
        Self {
            name: e.name.clone(),
            shift: Shift::On,
            off_since: None,
            session: 1,
            seats: e.seats,
            class: e.class,
            comms: Comms::Live,
            anchor: e.place,
            heard: at,
            seq: 0,
            offered: None,
            held: Vec::new(),
        }
    }
}
