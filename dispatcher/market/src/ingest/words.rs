//! Words of the wire: what stands there is one of a few, and does not change.

use super::field::{Field, refuse, text};
use super::json::{Json, write_text};
use super::malformed::Malformed;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::lifecycle::{offer, ride, session};
use hansom_engine::record::{Account, PingRefusal, Refusal, ReleaseCause, RequestRefusal, SettlementCause};

/// A word for programs: lower case, with `_` for spaces. New ones may come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word(pub Box<str>);

impl From<&str> for Word {
    fn from(word: &str) -> Self {
        Self(word.into())
    }
}

impl Field for Word {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str = "a word of small letters and `_`";
        let word = text(value, EXPECTED)?;
        if word.is_empty() || word.len() > 64 || word.bytes().any(|byte| !byte.is_ascii_lowercase() && byte != b'_') {
            return refuse(EXPECTED, word);
        }
        Ok(Self(word.into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_text(&self.0, out);
    }

    fn schema() -> String {
        r#"{"type":"string","pattern":"^[a-z_]{1,64}$"}"#.to_owned()
    }
}

/// Enums of the engine, as one word each.
macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal,)* })*) => { $(
        impl Field for $type {
            fn read(value: &Json<'_>) -> Result<Self, Malformed> {
                const EXPECTED: &str = concat!("one of", $(" ", $word),*);
                match text(value, EXPECTED)? {
                    $($word => Ok(Self::$variant),)*
                    other => refuse(EXPECTED, other),
                }
            }

            fn write(&self, out: &mut Vec<u8>) {
                write_text(match self { $(Self::$variant => $word,)* }, out);
            }

            fn schema() -> String {
                let words: &[&str] = &[$(concat!("\"", $word, "\"")),*];
                format!(r#"{{"enum":[{}]}}"#, words.join(","))
            }
        }
    )* };
}

words! {
    Outcome {
        Completed = "completed",
        EndedEarly = "ended_early",
        CancelledBeforeMatch = "cancelled_before_match",
        CancelledAfterMatch = "cancelled_after_match",
        NoShow = "no_show",
        NoDriver = "no_driver",
        Refused = "refused",
    }
    ReleaseCause {
        DriverCancelled = "driver_cancelled",
        Silent = "silent",
        Slipped = "slipped",
    }
    SettlementCause {
        Fare = "fare",
        Cancellation = "cancellation",
        NoShow = "no_show",
    }
    Account {
        Rider = "rider",
        Driver = "driver",
        Platform = "platform",
        CancellationFee = "cancellation_fee",
        NoShowFee = "no_show_fee",
        Tax = "tax",
        Tolls = "tolls",
        Rounding = "rounding",
    }
}

/// Why a command was forbidden, as a word for programs.
pub const fn refusal_word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::KeyConflict => "key_conflict",
        Refusal::UnknownDriver => "unknown_driver",
        Refusal::UnknownRide => "unknown_ride",
        Refusal::OutOfTurn => "out_of_turn",
        Refusal::OffStreet => "off_street",
        Refusal::NoSeats => "no_seats",
        Refusal::StaleProposal => "stale_proposal",
        Refusal::StaleKey => "stale_key",
        Refusal::EarlyKey => "early_key",
        Refusal::TooManyDrivers => "too_many_drivers",
        Refusal::NoSuchSlice => "no_such_slice",
        Refusal::Ride(ride::Refusal::Ended(_)) => "ride_ended",
        Refusal::Ride(ride::Refusal::NotYours) => "not_yours",
        Refusal::Ride(ride::Refusal::NoDriver(_)) => "no_driver",
        Refusal::Ride(ride::Refusal::NotArrived) => "not_arrived",
        Refusal::Ride(ride::Refusal::Arrived) => "already_arrived",
        Refusal::Ride(ride::Refusal::NotOnBoard) => "not_on_board",
        Refusal::Ride(ride::Refusal::OnBoard) => "on_board",
        Refusal::Ride(ride::Refusal::NotSearching(_)) => "not_in_line",
        Refusal::Ride(ride::Refusal::NotOffered) => "not_offered",
        Refusal::Offer(offer::Refusal::StaleEpoch { .. }) => "stale_epoch",
        Refusal::Offer(offer::Refusal::Settled(_)) => "offer_over",
        Refusal::Session(session::Refusal::OnShift(_)) => "already_on_shift",
        Refusal::Session(session::Refusal::OffShift) => "not_on_shift",
        Refusal::Session(session::Refusal::Superseded { .. }) => "session_superseded",
        Refusal::Session(session::Refusal::NotOpened { .. }) => "session_not_opened",
    }
}

/// Why a ping was refused, as a word for programs.
pub const fn ping_refusal_word(refusal: PingRefusal) -> &'static str {
    match refusal {
        PingRefusal::UnknownDriver => "unknown_driver",
        PingRefusal::OffShift => "not_on_shift",
        PingRefusal::OutOfOrder => "out_of_order",
        PingRefusal::Teleport => "teleport",
        PingRefusal::OffStreet => "off_street",
        PingRefusal::Superseded => "session_superseded",
        PingRefusal::NotOpened => "session_not_opened",
    }
}

/// Why a request cannot be served, as a word for programs.
pub const fn request_refusal_word(refusal: RequestRefusal) -> &'static str {
    match refusal {
        RequestRefusal::PickupOffStreet => "pickup_off_street",
        RequestRefusal::DropoffOffStreet => "dropoff_off_street",
        RequestRefusal::NoSeats => "no_seats",
    }
}
