//! What a question comes to: an answer, or one of a few reasons why there is none now.

use async_graphql::{Interface, SimpleObject, Union};

use super::page::{DriverConnection, QuarantineConnection, RideConnection};
use super::{drivers, kpis, market, quote, rides, why};
use crate::graphql::scalar::Offset;

/// Why there is no answer, each with fields of its own beside those of all.
macro_rules! unanswered {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, SimpleObject)]
            pub struct $name {
                $($(#[$about])* pub $field: $type,)*
                /// Why, for people.
                pub reason: String,
                /// Whether the same question may be answered later.
                pub retryable: bool,
                /// If so, after how many ms.
                pub retry_after_ms: Option<u64>,
            }
        )*

        /// Why a question is not answered.
        #[derive(Debug, Clone, Interface)]
        #[graphql(
            field(name = "reason", ty = "&String", desc = "Why, for people."),
            field(name = "retryable", ty = "&bool", desc = "Whether the same question may be answered later."),
            field(name = "retry_after_ms", ty = "&Option<u64>", desc = "If so, after how many ms.")
        )]
        pub enum Unanswered {
            $(#[doc = stringify!($name)] $name($name),)*
        }

        unanswered! { @answer [$($name),*]
            /// A market.
            MarketResult = Market(market::Market),
            /// A ride.
            RideResult = Ride(rides::Ride),
            /// A page of rides.
            RidesResult = Rides(RideConnection),
            /// A driver.
            DriverResult = Driver(drivers::Driver),
            /// A page of drivers.
            DriversResult = Drivers(DriverConnection),
            /// Drivers near a place.
            NearbyResult = Nearby(drivers::NearbyDrivers),
            /// What a ride would cost.
            QuoteResult = Quote(quote::RideQuote),
            /// Why drivers were offered a ride.
            WhyResult = Why(why::WhyMatched),
            /// KPIs of a window.
            KpisResult = Kpis(kpis::WindowKpis),
            /// A page of lines that could not be read.
            QuarantineResult = Quarantine(QuarantineConnection),
        }
    };
    (@answer $names:tt $($(#[$doc:meta])* $answer:ident = $variant:ident($found:ty),)*) => {
        $(unanswered! { @one $names $(#[$doc])* $answer = $variant($found) })*
    };
    (@one [$($name:ident),*] $(#[$doc:meta])* $answer:ident = $variant:ident($found:ty)) => {
        $(#[$doc])*
        #[derive(Union)]
        #[allow(clippy::large_enum_variant, reason = "made once, and moved into the response")]
        pub enum $answer {
            #[doc = stringify!($variant)]
            $variant($found),
            $(#[doc = stringify!($name)] $name($name),)*
        }

        impl From<Result<$found, Unanswered>> for $answer {
            fn from(answer: Result<$found, Unanswered>) -> Self {
                match answer {
                    Ok(found) => Self::$variant(found),
                    $(Err(Unanswered::$name(why)) => Self::$name(why),)*
                }
            }
        }
    };
}

unanswered! {
    /// What is asked for has not been taken in yet, and did not come shortly: an old answer is not given instead.
    Stale {
        /// The turn that was asked for, by `minOffset`.
        wanted: Offset,
        /// The turn that will be taken in next: all before it can be read.
        next: Offset,
        /// The market that was asked.
        market: String,
    }
    /// It cannot be read at present: the market is being opened, or its history is made anew.
    NotReadable {
        /// The market that was asked.
        market: String,
        /// Whether it is the history that cannot be read: rides and KPIs; the market and its drivers can.
        history: bool,
    }
    /// There is no such turn yet.
    NoSuchTurn {
        /// The turn that will come next.
        next: Offset,
    }
    /// Positions of that time were taken out of the log, as they were old.
    PositionsGone {
        /// The turn that was asked for.
        offset: Offset,
    }
    /// It would take longer than a question may take.
    TooFar {
        /// How long it may take, ms.
        within_ms: u64,
    }
    /// No market of this name is open, or several are and none was named.
    UnknownMarket {
        /// As it was named; `null`: it was not.
        market: Option<String>,
        /// Those that are open.
        open: Vec<String>,
    }
}
