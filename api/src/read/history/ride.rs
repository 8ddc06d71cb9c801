//! A ride as history tells it: one row, from the request on, with its story.
//!
//! Rows are protobuf messages: a field that a later version adds is empty in rows of before, and a version of the
//! [database](super::VERSION) says when that is not enough. Numbers have their units in their names; times are ms since
//! 1970, money is in minor units of the market's currency.

use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::{Key, record};
use prost::{Enumeration, Message};

/// A ride.
#[derive(Clone, PartialEq, Message)]
pub struct Ride {
    /// Its number: rides are numbered from 1 in order of request.
    #[prost(uint32, tag = "1")]
    pub ride: u32,
    /// The outside's name of the rider.
    #[prost(string, tag = "2")]
    pub rider: String,
    /// The id of the order that asked for it, 16 bytes; empty: it had none.
    #[prost(bytes = "vec", tag = "3")]
    pub request: Vec<u8>,
    /// Where it is in its life.
    #[prost(enumeration = "Status", tag = "4")]
    pub status: i32,
    /// When it was asked for.
    #[prost(sint64, tag = "5")]
    pub requested_at_ms: i64,
    /// Where the rider wants to get in, as asked for.
    #[prost(message, required, tag = "6")]
    pub pickup: Place,
    /// Where the rider wants to get out, as asked for.
    #[prost(message, required, tag = "7")]
    pub dropoff: Place,
    /// Seats it takes.
    #[prost(uint32, tag = "8")]
    pub seats: u32,
    /// Vehicle class it wants.
    #[prost(uint32, tag = "9")]
    pub class: u32,
    /// Tier of the rider.
    #[prost(uint32, tag = "10")]
    pub tier: u32,
    /// What was told at request; none: it was refused.
    #[prost(message, optional, tag = "11")]
    pub quote: Option<Quote>,
    /// The driver bound to it last, unless it was released from him.
    #[prost(string, optional, tag = "12")]
    pub driver: Option<String>,
    /// How many offers were made.
    #[prost(uint32, tag = "13")]
    pub offers: u32,
    /// When it was first offered.
    #[prost(sint64, optional, tag = "14")]
    pub first_offer_at_ms: Option<i64>,
    /// When its driver took it.
    #[prost(sint64, optional, tag = "15")]
    pub matched_at_ms: Option<i64>,
    /// When its driver will be at the pickup, as promised.
    #[prost(sint64, optional, tag = "16")]
    pub promised_at_ms: Option<i64>,
    /// When the rider was in the vehicle.
    #[prost(sint64, optional, tag = "17")]
    pub picked_up_at_ms: Option<i64>,
    /// When it ended.
    #[prost(sint64, optional, tag = "18")]
    pub ended_at_ms: Option<i64>,
    /// What was paid, if anything was.
    #[prost(message, optional, tag = "19")]
    pub payment: Option<Payment>,
    /// What happened, in order.
    #[prost(message, repeated, tag = "20")]
    pub story: Vec<Step>,
    /// The offer that a driver has not answered yet.
    #[prost(message, optional, tag = "21")]
    pub offer: Option<Offer>,
}

/// A place on the globe.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Place {
    /// In 1e-7 degrees.
    #[prost(sint32, tag = "1")]
    pub lat: i32,
    /// In 1e-7 degrees.
    #[prost(sint32, tag = "2")]
    pub lon: i32,
}

impl From<hansom_geo_index::Coord> for Place {
    fn from(coord: hansom_geo_index::Coord) -> Self {
        Self { lat: coord.lat, lon: coord.lon }
    }
}

/// The market's beliefs at request.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Quote {
    /// Travel time from pickup to dropoff.
    #[prost(uint32, tag = "1")]
    pub direct_ms: u32,
    /// Length of that way.
    #[prost(uint32, tag = "2")]
    pub direct_mm: u32,
    /// Upfront fare.
    #[prost(sint64, tag = "3")]
    pub fare_minor: i64,
    /// ETA of the best driver at the pickup; none: there was none.
    #[prost(uint32, optional, tag = "4")]
    pub first_eta_ms: Option<u32>,
}

/// Who got what of what the rider paid.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Payment {
    /// Paid by the rider.
    #[prost(sint64, tag = "1")]
    pub fare_minor: i64,
    /// To the driver.
    #[prost(sint64, tag = "2")]
    pub driver_minor: i64,
    /// To the platform.
    #[prost(sint64, tag = "3")]
    pub platform_minor: i64,
}

/// An offer that is open.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Offer {
    /// To whom.
    #[prost(string, tag = "1")]
    pub driver: String,
    /// Which of the ride's offers, from 1.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Until when it can be answered.
    #[prost(sint64, tag = "3")]
    pub deadline_ms: i64,
    /// Time until the driver is at the pickup.
    #[prost(uint32, tag = "4")]
    pub pickup_eta_ms: u32,
    /// Whether the driver has to end another ride first.
    #[prost(bool, tag = "5")]
    pub chained: bool,
}

/// Something that happened to a ride.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Step {
    /// The turn.
    #[prost(uint64, tag = "1")]
    pub offset: u64,
    /// When.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
    /// What.
    #[prost(enumeration = "What", tag = "3")]
    pub what: i32,
    /// Which driver it is about.
    #[prost(string, optional, tag = "4")]
    pub driver: Option<String>,
    /// Which of the ride's offers it is about.
    #[prost(uint32, optional, tag = "5")]
    pub epoch: Option<u32>,
    /// A time that it names: the deadline of an offer, the promised pickup, until when the rider is waited for.
    #[prost(sint64, optional, tag = "6")]
    pub until_ms: Option<i64>,
    /// How long it says: until the driver is at the pickup; for how long the market was away.
    #[prost(uint64, optional, tag = "7")]
    pub span_ms: Option<u64>,
    /// A reason in a word: why it was refused or released, how it ended.
    #[prost(string, optional, tag = "8")]
    pub why: Option<String>,
    /// Money that was paid.
    #[prost(sint64, optional, tag = "9")]
    pub amount_minor: Option<i64>,
}

/// What can happen to a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum What {
    /// It was asked for.
    Requested = 0,
    /// It cannot be served at all.
    Refused = 1,
    /// It was offered to a driver.
    Offered = 2,
    /// The driver took it.
    Accepted = 3,
    /// The driver turned it down.
    Declined = 4,
    /// The driver did not answer in time.
    Expired = 5,
    /// The market took the offer back.
    Withdrawn = 6,
    /// That was the last offer.
    Exhausted = 7,
    /// The promised pickup has passed; the driver is on the way and keeps the ride.
    Late = 8,
    /// The driver is at the pickup.
    Arrived = 9,
    /// The rider is in the vehicle.
    Boarded = 10,
    /// The driver was taken off the ride, which is back in line.
    Released = 11,
    /// It is over.
    Ended = 12,
    /// Money moved.
    Settled = 13,
    /// The market was away and works again.
    Resumed = 14,
    /// A deadline could not be decided and is tried again later.
    PutOff = 15,
}

/// Where a ride is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Status {
    /// In line for a driver.
    Searching = 0,
    /// All offers were made and failed.
    Exhausted = 1,
    /// Offered to a driver, who has not answered.
    Offered = 2,
    /// A driver accepted and comes.
    Assigned = 3,
    /// The driver waits at the pickup.
    Waiting = 4,
    /// The rider is in the vehicle.
    OnBoard = 5,
    /// Brought to the destination.
    Completed = 16,
    /// The trip ended away from the destination.
    EndedEarly = 17,
    /// The rider cancelled while no driver was assigned.
    CancelledBeforeMatch = 18,
    /// The rider cancelled a driver on the way or at the pickup.
    CancelledAfterMatch = 19,
    /// The rider did not come to the pickup.
    NoShow = 20,
    /// Nobody took the ride.
    NoDriver = 21,
    /// The request could not be served at all.
    Refused = 22,
}

impl Status {
    /// That of a ride which ended so.
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::EndedEarly => Self::EndedEarly,
            Outcome::CancelledBeforeMatch => Self::CancelledBeforeMatch,
            Outcome::CancelledAfterMatch => Self::CancelledAfterMatch,
            Outcome::NoShow => Self::NoShow,
            Outcome::NoDriver => Self::NoDriver,
            Outcome::Refused => Self::Refused,
        }
    }

    /// How a ride that is over ended.
    pub const fn outcome(self) -> Option<Outcome> {
        Some(match self {
            Self::Completed => Outcome::Completed,
            Self::EndedEarly => Outcome::EndedEarly,
            Self::CancelledBeforeMatch => Outcome::CancelledBeforeMatch,
            Self::CancelledAfterMatch => Outcome::CancelledAfterMatch,
            Self::NoShow => Outcome::NoShow,
            Self::NoDriver => Outcome::NoDriver,
            Self::Refused => Outcome::Refused,
            Self::Searching | Self::Exhausted | Self::Offered | Self::Assigned | Self::Waiting | Self::OnBoard => {
                return None;
            }
        })
    }
}

impl Ride {
    /// Whether its end is yet to come.
    pub fn is_open(&self) -> bool {
        self.status().outcome().is_none()
    }

    /// The id of the order that asked for it.
    pub fn request_key(&self) -> Option<Key> {
        self.request.as_slice().try_into().ok().map(|bytes| Key(u128::from_be_bytes(bytes)))
    }

    /// When the rider was out of the vehicle.
    pub fn dropped_off_at_ms(&self) -> Option<i64> {
        self.picked_up_at_ms.and(self.ended_at_ms)
    }
}

/// A word for why a driver was taken off a ride.
pub(super) fn release_word(cause: record::ReleaseCause) -> &'static str {
    match cause {
        record::ReleaseCause::DriverCancelled => "driver_cancelled",
        record::ReleaseCause::Silent => "silent",
        record::ReleaseCause::Slipped => "slipped",
    }
}
