//! The life of a ride, from the request to one outcome.

use crate::domain::DriverId;
use std::fmt;

/// How a ride ended. `open_at_end` of a report is no outcome of the market: that ride had none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// Brought to the destination.
    Completed,
    /// The trip ended away from the destination.
    EndedEarly,
    /// The rider cancelled while no driver was assigned.
    CancelledBeforeMatch,
    /// The rider cancelled a driver on the way or at the pickup.
    CancelledAfterMatch,
    /// The rider did not come to the pickup.
    NoShow,
    /// All offers were made and nobody took the ride.
    NoDriver,
    /// The request could not be served at all.
    Refused,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::EndedEarly,
        Self::CancelledBeforeMatch,
        Self::CancelledAfterMatch,
        Self::NoShow,
        Self::NoDriver,
        Self::Refused,
    ];

    /// As in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::EndedEarly => "ended_early",
            Self::CancelledBeforeMatch => "cancelled_before_match",
            Self::CancelledAfterMatch => "cancelled_after_match",
            Self::NoShow => "no_show",
            Self::NoDriver => "no_driver",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a ride is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// In line for a driver.
    Searching,
    /// All offers were made and failed; waits for its end.
    Exhausted,
    /// Offered to a driver, who has not answered.
    Offered(DriverId),
    /// A driver accepted and comes, at once or after his present ride.
    Assigned(DriverId),
    /// The driver waits at the pickup.
    Waiting(DriverId),
    /// The rider is in the vehicle.
    OnBoard(DriverId),
    /// Over.
    Ended(Outcome),
}

impl Status {
    /// The driver who is bound to the ride, if one accepted it.
    pub const fn driver(self) -> Option<DriverId> {
        match self {
            Self::Assigned(driver) | Self::Waiting(driver) | Self::OnBoard(driver) => Some(driver),
            Self::Searching | Self::Exhausted | Self::Offered(_) | Self::Ended(_) => None,
        }
    }

    /// As in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Searching => "searching",
            Self::Exhausted => "exhausted",
            Self::Offered(_) => "offered",
            Self::Assigned(_) => "assigned",
            Self::Waiting(_) => "waiting",
            Self::OnBoard(_) => "on board",
            Self::Ended(outcome) => outcome.name(),
        }
    }
}

/// What can happen to a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// It is offered to a driver.
    Offer(DriverId),
    /// The driver takes the offer.
    Accept(DriverId),
    /// The offer ended without a driver: back in line.
    LoseOffer,
    /// No further offer will be made.
    Exhaust,
    /// The driver is at the pickup.
    Arrive(DriverId),
    /// The rider gets in.
    Board(DriverId),
    /// The trip ended at the destination.
    Complete(DriverId),
    /// The trip ended elsewhere.
    EndEarly(DriverId),
    /// The rider cancels.
    Cancel,
    /// The driver is taken off the ride before pickup, which goes back in line: he cancelled, fell silent or is late.
    Release(DriverId),
    /// The rider did not come.
    NoShow(DriverId),
    /// The market stops searching.
    GiveUp,
}

/// Why a ride refused a cue. Riders and drivers read these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The ride is over.
    #[error("the ride has already ended: {0}")]
    Ended(Outcome),
    /// The ride is not this driver's.
    #[error("the ride is not assigned to this driver")]
    NotYours,
    /// No driver is bound to the ride.
    #[error("the ride is {} and has no driver", .0.name())]
    NoDriver(Status),
    /// The driver has not reported to be at the pickup.
    #[error("the driver has not arrived at the pickup")]
    NotArrived,
    /// The driver has arrived already.
    #[error("the driver has already arrived at the pickup")]
    Arrived,
    /// The rider is not in the vehicle.
    #[error("the rider is not on board")]
    NotOnBoard,
    /// The rider is in the vehicle.
    #[error("the rider is on board; end the trip instead")]
    OnBoard,
    /// A driver holds the ride.
    #[error("the ride is {} and not in line", .0.name())]
    NotSearching(Status),
    /// The ride is not offered to this driver.
    #[error("the ride is not offered to this driver")]
    NotOffered,
}

/// The whole life of a ride. No wildcard: a new status or cue is decided here before it compiles.
#[expect(clippy::match_same_arms, reason = "cells of a life are listed by what they mean, not by where they lead")]
pub fn transition(status: Status, cue: Cue) -> Result<Status, Refusal> {
    use Status::{Assigned, Ended, Exhausted, Offered, OnBoard, Searching, Waiting};
    match (status, cue) {
        (Ended(outcome), _) => Err(Refusal::Ended(outcome)),

        (Searching, Cue::Offer(driver)) => Ok(Offered(driver)),
        (Exhausted | Offered(_) | Assigned(_) | Waiting(_) | OnBoard(_), Cue::Offer(_)) => {
            Err(Refusal::NotSearching(status))
        }

        (Offered(to), Cue::Accept(driver)) if to == driver => Ok(Assigned(driver)),
        (Searching | Exhausted | Offered(_) | Assigned(_) | Waiting(_) | OnBoard(_), Cue::Accept(_)) => {
            Err(Refusal::NotOffered)
        }
        (Offered(_), Cue::LoseOffer) => Ok(Searching),
        (Searching | Exhausted | Assigned(_) | Waiting(_) | OnBoard(_), Cue::LoseOffer) => Err(Refusal::NotOffered),
        (Searching, Cue::Exhaust) => Ok(Exhausted),
        (Exhausted | Offered(_) | Assigned(_) | Waiting(_) | OnBoard(_), Cue::Exhaust) => {
            Err(Refusal::NotSearching(status))
        }

        (Assigned(of), Cue::Arrive(driver)) if of == driver => Ok(Waiting(driver)),
        (Waiting(of), Cue::Arrive(driver)) if of == driver => Err(Refusal::Arrived),
        (OnBoard(of), Cue::Arrive(driver)) if of == driver => Err(Refusal::OnBoard),
        (Waiting(of), Cue::Board(driver)) if of == driver => Ok(OnBoard(driver)),
        (Assigned(of), Cue::Board(driver) | Cue::NoShow(driver)) if of == driver => Err(Refusal::NotArrived),
        (OnBoard(of), Cue::Board(driver) | Cue::NoShow(driver) | Cue::Release(driver)) if of == driver => {
            Err(Refusal::OnBoard)
        }
        (Waiting(of), Cue::NoShow(driver)) if of == driver => Ok(Ended(Outcome::NoShow)),
        (Assigned(of) | Waiting(of), Cue::Release(driver)) if of == driver => Ok(Searching),
        (OnBoard(of), Cue::Complete(driver)) if of == driver => Ok(Ended(Outcome::Completed)),
        (OnBoard(of), Cue::EndEarly(driver)) if of == driver => Ok(Ended(Outcome::EndedEarly)),
        (Assigned(of) | Waiting(of), Cue::Complete(driver) | Cue::EndEarly(driver)) if of == driver => {
            Err(Refusal::NotOnBoard)
        }
        (
            Assigned(_) | Waiting(_) | OnBoard(_),
            Cue::Arrive(_) | Cue::Board(_) | Cue::NoShow(_) | Cue::Release(_) | Cue::Complete(_) | Cue::EndEarly(_),
        ) => Err(Refusal::NotYours),
        (
            Searching | Exhausted | Offered(_),
            Cue::Arrive(_) | Cue::Board(_) | Cue::NoShow(_) | Cue::Release(_) | Cue::Complete(_) | Cue::EndEarly(_),
        ) => Err(Refusal::NoDriver(status)),

        // The offers were used up: that nobody took the ride is the market's doing, not the rider's.
        (Exhausted, Cue::Cancel | Cue::GiveUp) => Ok(Ended(Outcome::NoDriver)),
        (Searching | Offered(_), Cue::Cancel) => Ok(Ended(Outcome::CancelledBeforeMatch)),
        (Assigned(_) | Waiting(_), Cue::Cancel) => Ok(Ended(Outcome::CancelledAfterMatch)),
        (OnBoard(_), Cue::Cancel) => Err(Refusal::OnBoard),
        (Searching, Cue::GiveUp) => Ok(Ended(Outcome::NoDriver)),
        (Offered(_) | Assigned(_) | Waiting(_) | OnBoard(_), Cue::GiveUp) => Err(Refusal::NotSearching(status)),
    }
}
