//! Orders from outside.

use crate::domain::{DriverId, Epoch, Name, Offset, RideId, Session, Settings, Terms};
use hansom_geo_index::{Coord, Millis};

/// An order to the market. Ids are dense: whoever takes commands in has mapped the outside's names, except where a
/// command introduces one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A driver goes on shift.
    StartShift(Box<StartShift>),
    /// A driver ends the shift; promised rides are finished first.
    EndShift {
        /// Who.
        driver: DriverId,
        /// From which of his sessions.
        session: Session,
    },
    /// Another device takes over for a driver on shift: what older ones send is refused from here on.
    OpenSession {
        /// Who.
        driver: DriverId,
    },
    /// Positions of 1 to 1,024 vehicles, each accepted or refused by itself.
    ReportPositions(Vec<Ping>),
    /// A rider asks for a ride.
    RequestRide(Box<RequestRide>),
    /// The rider cancels.
    CancelRide {
        /// Which ride.
        ride: RideId,
    },
    /// A driver takes an offer.
    AcceptOffer {
        /// Who.
        driver: DriverId,
        /// Which ride.
        ride: RideId,
        /// Which of its offers.
        epoch: Epoch,
        /// From which of his sessions.
        session: Session,
    },
    /// A driver turns an offer down.
    DeclineOffer {
        /// Who.
        driver: DriverId,
        /// Which ride.
        ride: RideId,
        /// Which of its offers.
        epoch: Epoch,
        /// From which of his sessions.
        session: Session,
    },
    /// A driver is at the pickup.
    ArriveAtPickup {
        /// Who.
        driver: DriverId,
        /// For which ride.
        ride: RideId,
        /// From which of his sessions.
        session: Session,
    },
    /// The rider is in the vehicle.
    BoardRider {
        /// Whose vehicle.
        driver: DriverId,
        /// Which ride.
        ride: RideId,
        /// From which of his sessions.
        session: Session,
    },
    /// The rider is out of the vehicle.
    EndTrip {
        /// Whose vehicle.
        driver: DriverId,
        /// Which ride.
        ride: RideId,
        /// Where.
        place: Coord,
        /// From which of his sessions.
        session: Session,
    },
    /// A driver gives a ride back before pickup.
    CancelByDriver {
        /// Who.
        driver: DriverId,
        /// Which ride.
        ride: RideId,
        /// From which of his sessions.
        session: Session,
    },
    /// Time passes: due timers fire.
    Tick,
    /// A planner's answer to a matching problem.
    Propose(Box<Proposal>),
    /// The market works again after it was away. Goes before timers that are due.
    Resume {
        /// Time of the last turn before.
        since: Millis,
    },
    /// Other rules or settings from here on. Goes before timers that are due; stamped at the time of the last turn, so
    /// that a `Resume` that follows meets none that fired.
    Upgrade(Box<Upgrade>),
    /// Says what the market knows, so that whoever folds the log can compare.
    Checkpoint {
        /// Of which slice, below [`SLICES`](crate::state::SLICES).
        slice: u16,
    },
}

/// A driver goes on shift with a vehicle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartShift {
    /// The outside's name of the driver.
    pub driver: Name,
    /// Where the vehicle is.
    pub place: Coord,
    /// Seats for riders, at least 1.
    pub seats: u8,
    /// Vehicle class; a ride asks for one class.
    pub class: u8,
    /// Drives itself: accepts every offer.
    pub autonomous: bool,
    /// When the driver means to stop: no pickup is promised beyond it.
    pub until: Option<Millis>,
    /// Where the driver lives, for the `destination` term.
    pub home: Option<Coord>,
    /// Rating in hundredths of a star, 100 to 500.
    pub rating: u16,
}

/// One position of one vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// Whose.
    pub driver: DriverId,
    /// From which of his sessions.
    pub session: Session,
    /// Counts the pings of the session, from 1.
    pub seq: u32,
    /// How long before the command's arrival the device measured it, ms, by the device's clock. Advisory: clamped.
    pub age_ms: i32,
    /// Where.
    pub coord: Coord,
}

/// A rider asks for a ride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRide {
    /// The outside's name of the rider.
    pub rider: Name,
    /// Where the rider wants to get in.
    pub pickup: Coord,
    /// Where the rider wants to get out.
    pub dropoff: Coord,
    /// Seats needed, at least 1.
    pub seats: u8,
    /// Vehicle class wanted.
    pub class: u8,
    /// Tier of the rider; a higher one is served first as far as `policy.weights.tier` says.
    pub tier: u8,
    /// Drivers that this rider shall not meet, ascending.
    pub blocked: Box<[DriverId]>,
}

/// The rules and settings under which a market goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// [`LOGIC_VERSION`](super::LOGIC_VERSION) of the program.
    pub logic_version: u32,
    /// The settings.
    pub settings: Settings,
}

/// A planner's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The turn whose `MatchingDue` asked.
    pub basis: Offset,
    /// Who shall serve whom, in order of ride.
    pub changes: Vec<Proposed>,
}

/// One assignment of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Which ride.
    pub ride: RideId,
    /// By whom.
    pub driver: DriverId,
    /// Time until the driver is at the pickup, ms, seen from the basis.
    pub pickup_eta_ms: u32,
    /// What it costs, by term.
    pub terms: Terms,
}

impl Command {
    /// The driver who sends it, and from which of his sessions; `None`: it does not come from a session of a driver, or
    /// brings one with each of its pings.
    pub const fn session(&self) -> Option<(DriverId, Session)> {
        match self {
            Self::EndShift { driver, session }
            | Self::AcceptOffer { driver, session, .. }
            | Self::DeclineOffer { driver, session, .. }
            | Self::ArriveAtPickup { driver, session, .. }
            | Self::BoardRider { driver, session, .. }
            | Self::EndTrip { driver, session, .. }
            | Self::CancelByDriver { driver, session, .. } => Some((*driver, *session)),
            Self::StartShift(_)
            | Self::OpenSession { .. }
            | Self::ReportPositions(_)
            | Self::RequestRide(_)
            | Self::CancelRide { .. }
            | Self::Tick
            | Self::Propose(_)
            | Self::Resume { .. }
            | Self::Upgrade(_)
            | Self::Checkpoint { .. } => None,
        }
    }

    /// As in files and on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StartShift(_) => "StartShift",
            Self::EndShift { .. } => "EndShift",
            Self::OpenSession { .. } => "OpenSession",
            Self::ReportPositions(_) => "ReportPositions",
            Self::RequestRide(_) => "RequestRide",
            Self::CancelRide { .. } => "CancelRide",
            Self::AcceptOffer { .. } => "AcceptOffer",
            Self::DeclineOffer { .. } => "DeclineOffer",
            Self::ArriveAtPickup { .. } => "ArriveAtPickup",
            Self::BoardRider { .. } => "BoardRider",
            Self::EndTrip { .. } => "EndTrip",
            Self::CancelByDriver { .. } => "CancelByDriver",
            Self::Tick => "Tick",
            Self::Propose(_) => "Propose",
            Self::Resume { .. } => "Resume",
            Self::Upgrade(_) => "Upgrade",
            Self::Checkpoint { .. } => "Checkpoint",
        }
    }
}
