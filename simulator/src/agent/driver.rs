//! A driver: what he has taken on, where he is in it, and what his phone has told him.

use hansom_engine::record::Event;
use hansom_engine::{DriverId, Epoch, RideId};
use hansom_geo_index::{Millis, Position};

use crate::clock::Cue;
use crate::report::Kind;

/// What a driver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Not on shift.
    Off,
    /// Nothing is asked of him.
    Idle,
    /// To drive to a rider.
    Bound(RideId),
    /// At the pickup, and the rider is not there.
    AtPickup(RideId),
    /// At the pickup, and the rider gets in.
    Boarding(RideId),
    /// To drive a rider.
    Aboard(RideId),
    /// At the dropoff, and the rider gets out.
    Alighting(RideId),
}

impl Duty {
    /// The ride it is for.
    pub const fn ride(self) -> Option<RideId> {
        match self {
            Self::Off | Self::Idle => None,
            Self::Bound(ride)
            | Self::AtPickup(ride)
            | Self::Boarding(ride)
            | Self::Aboard(ride)
            | Self::Alighting(ride) => Some(ride),
        }
    }
}

/// An offer on the driver's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Of which ride.
    pub ride: RideId,
    /// Which of its offers.
    pub epoch: Epoch,
    /// When he will answer.
    pub answer_at: Millis,
}

/// What a vehicle has been doing since when: the row of `vehicles.csv` that is not over yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenStint {
    /// What.
    pub kind: Kind,
    /// For which ride.
    pub ride: Option<RideId>,
    /// From where …
    pub from: Position,
    /// … and when on.
    pub since: Millis,
}

/// A driver.
#[derive(Debug, Clone)]
pub struct Driver {
    /// The market's number of him; `None` before his shift.
    pub id: Option<DriverId>,
    /// What he is doing.
    pub duty: Duty,
    /// Counts what he has done: an entry of the agenda with an older number is out of date.
    pub turns: u32,
    /// The ride after this one.
    pub pending: Option<RideId>,
    /// Where he was told to drive to.
    pub heading: Option<Position>,
    /// What he is asked.
    pub offer: Option<Offer>,
    /// How many offers he got.
    pub offers: u32,
    /// How often he set out to cruise.
    pub cruises: u32,
    /// The phone neither sends nor receives.
    pub dark: bool,
    /// What the market said meanwhile.
    pub unheard: Vec<Event>,
    /// What he could not report meanwhile: his duty goes on only when he has.
    pub held: Option<Cue>,
    /// He wanted to end his shift meanwhile.
    pub leaves: bool,
    /// What his vehicle is doing.
    pub stint: Option<OpenStint>,
}

impl Driver {
    /// A driver before his shift.
    pub fn new() -> Self {
        Self {
            id: None,
            duty: Duty::Off,
            turns: 0,
            pending: None,
            heading: None,
            offer: None,
            offers: 0,
            cruises: 0,
            dark: false,
            unheard: Vec::new(),
            held: None,
            leaves: false,
            stint: None,
        }
    }

    /// Whether he has taken on a ride that is not over.
    pub fn holds(&self, ride: RideId) -> bool {
        self.duty.ride() == Some(ride) || self.pending == Some(ride)
    }
}
