//! Words: what is one of a few.

use async_graphql::Enum;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, ReleaseCause, SettlementCause};

/// How a ride ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Outcome")]
pub enum RideOutcome {
    /// The rider was driven to the dropoff.
    Completed,
    /// The rider got out before the dropoff.
    EndedEarly,
    /// The rider cancelled before a driver was bound.
    CancelledBeforeMatch,
    /// The rider cancelled after a driver was bound.
    CancelledAfterMatch,
    /// The rider did not come to the pickup.
    NoShow,
    /// Nobody took it.
    NoDriver,
    /// It could not be served at all.
    Refused,
}

/// Why a driver was taken off a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ReleaseCause", name = "ReleaseCause")]
pub enum Release {
    /// The driver gave it back.
    DriverCancelled,
    /// The driver was not heard for too long.
    Silent,
    /// The ride before took too long.
    Slipped,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "SettlementCause", name = "SettlementCause")]
pub enum Settlement {
    /// A ride was driven.
    Fare,
    /// A rider cancelled late.
    Cancellation,
    /// A rider did not come.
    NoShow,
}

/// An account of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Account", name = "Account")]
pub enum LedgerAccount {
    /// The rider's.
    Rider,
    /// The driver's.
    Driver,
    /// The platform's.
    Platform,
    /// Fees for late cancellation.
    CancellationFee,
    /// Fees for not coming.
    NoShowFee,
    /// Taxes.
    Tax,
    /// Tolls.
    Tolls,
    /// What is left by rounding.
    Rounding,
}

/// Rules by which an order can be refused, as words that do not change.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The rule by which an order was refused. New ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        pub enum RefusalCode {
            $($(#[$doc])* $variant,)*
            /// One that this schema does not know yet.
            Other,
        }

        impl RefusalCode {
            /// That of a word of the wire.
            pub fn of(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

codes! {
    /// The key was used for another order.
    KeyConflict = "key_conflict",
    /// The key is older than keys are remembered.
    StaleKey = "stale_key",
    /// The key is of a later time.
    EarlyKey = "early_key",
    /// No such driver was ever on shift.
    UnknownDriver = "unknown_driver",
    /// No such ride, or it was over long ago.
    UnknownRide = "unknown_ride",
    /// Out of turn.
    OutOfTurn = "out_of_turn",
    /// No street is near enough to the place.
    OffStreet = "off_street",
    /// No street is near enough to the pickup.
    PickupOffStreet = "pickup_off_street",
    /// No street is near enough to the dropoff.
    DropoffOffStreet = "dropoff_off_street",
    /// A vehicle or ride without seats, or with more than any vehicle has.
    NoSeats = "no_seats",
    /// The answer of a planner came too late.
    StaleProposal = "stale_proposal",
    /// The market knows as many drivers as it can.
    TooManyDrivers = "too_many_drivers",
    /// No such slice of the state.
    NoSuchSlice = "no_such_slice",
    /// The ride is over.
    RideEnded = "ride_ended",
    /// The ride is another driver's.
    NotYours = "not_yours",
    /// The ride has no driver.
    NoDriver = "no_driver",
    /// The driver is not at the pickup yet.
    NotArrived = "not_arrived",
    /// The driver is at the pickup already.
    AlreadyArrived = "already_arrived",
    /// The rider is not in the vehicle.
    NotOnBoard = "not_on_board",
    /// The rider is in the vehicle.
    OnBoard = "on_board",
    /// The ride does not wait for a driver.
    NotInLine = "not_in_line",
    /// The ride is not offered to anybody now.
    NotOffered = "not_offered",
    /// The answer is for an earlier offer of the ride.
    StaleEpoch = "stale_epoch",
    /// The offer was answered, withdrawn or has expired.
    OfferOver = "offer_over",
    /// The driver is on shift already.
    AlreadyOnShift = "already_on_shift",
    /// The driver is not on shift.
    NotOnShift = "not_on_shift",
    /// Another device took over for the driver.
    SessionSuperseded = "session_superseded",
    /// No such session was opened.
    SessionNotOpened = "session_not_opened",
    /// A position older than one that was seen.
    OutOfOrder = "out_of_order",
    /// A position too far from the one before.
    Teleport = "teleport",
    /// The program has a fault that shows on this order; it was skipped.
    Poisoned = "poisoned",
}
