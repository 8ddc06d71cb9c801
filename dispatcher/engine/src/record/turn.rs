//! One command with the events it caused: the record of the log.

use super::{Command, Event};
use crate::domain::{Key, Offset};
use crate::lifecycle::{offer, ride, session};
use hansom_geo_index::Millis;

/// One command processed by the market's writer, with the events it caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Where it is in the log.
    pub offset: Offset,
    /// The market's time of it.
    pub at: Millis,
    /// The key of its command, if that has one.
    pub key: Option<Key>,
    /// The order.
    pub command: Command,
    /// The facts: those of due timers first, then those of the command.
    pub events: Vec<Event>,
}

/// Why a command was forbidden. Senders read these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The key was used for another command.
    #[error("the key was used before for a different command")]
    KeyConflict,
    /// Nobody has this number.
    #[error("no such driver")]
    UnknownDriver,
    /// No ride has this number, or it ended long ago.
    #[error("no such ride, or it ended long ago")]
    UnknownRide,
    /// A rule of the ride's life.
    #[error("{0}")]
    Ride(#[from] ride::Refusal),
    /// A rule of the offer's life.
    #[error("{0}")]
    Offer(#[from] offer::Refusal),
    /// A rule of the session's life.
    #[error("{0}")]
    Session(#[from] session::Refusal),
    /// The vehicle has another stop to serve first.
    #[error("the vehicle has another stop to serve first")]
    OutOfTurn,
    /// No street is near the place.
    #[error("no street is near the place")]
    OffStreet,
    /// A vehicle has 1 to 255 seats.
    #[error("a vehicle needs at least one seat")]
    NoSeats,
    /// The answer is to no open question.
    #[error("no matching was asked for at that turn, or it was answered")]
    StaleProposal,
    /// The key is older than keys are remembered: whether it was taken before cannot be told.
    #[error("the key is too old; whether it was used before is not remembered")]
    StaleKey,
    /// The key is of a time to come: it could outlive what is remembered of it.
    #[error("the key is of a time to come; the sender's clock is wrong")]
    EarlyKey,
    /// As many drivers are remembered as there can be.
    #[error("the market remembers as many drivers as it can")]
    TooManyDrivers,
    /// The state has fewer slices.
    #[error("there is no such slice of the state")]
    NoSuchSlice,
}
