//! What markets tell, each kind of fact a type of its own.

use async_graphql::{ID, Interface, SimpleObject};
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, ReleaseCause, SettlementCause};
use hansom_engine::{Epoch, Money, Name, RideId};
use hansom_geo_index::{Coord, Millis};
use hansom_market::ingest::event::Entry;
use hansom_market::ingest::{Fact, Published, Word};

use super::scalar::{Key, Minor, Offset, Place, Time, ride_id};
use super::word::{LedgerAccount, RefusalCode, Release, RideOutcome, Settlement};

/// How a value of a fact is shown.
trait Show<As> {
    fn show(&self) -> As;
}

macro_rules! show {
    ($($type:ty as $shown:ty: $value:ident => $how:expr;)*) => { $(
        impl Show<$shown> for $type {
            fn show(&self) -> $shown {
                let $value = self;
                $how
            }
        }
    )* };
}

show! {
    bool as bool: it => *it;
    u8 as u8: it => *it;
    u32 as u32: it => *it;
    u64 as u64: it => *it;
    u64 as Offset: it => Offset(*it);
    Box<str> as String: it => it.to_string();
    Name as String: it => it.to_string();
    RideId as ID: it => ride_id(*it);
    Epoch as u32: it => it.0;
    hansom_engine::Key as Key: it => (*it).into();
    Word as RefusalCode: it => RefusalCode::of(&it.0);
    Coord as Place: it => (*it).into();
    Millis as Time: it => Time(*it);
    Money as Minor: it => (*it).into();
    Outcome as RideOutcome: it => (*it).into();
    ReleaseCause as Release: it => (*it).into();
    SettlementCause as Settlement: it => (*it).into();
    Account as LedgerAccount: it => (*it).into();
    Entry as LedgerEntry: it => LedgerEntry { account: it.account.show(), amount_minor: it.amount_minor.show() };
}

impl<As, T: Show<As>> Show<Option<As>> for Option<T> {
    fn show(&self) -> Option<As> {
        self.as_ref().map(Show::show)
    }
}

impl<As, T: Show<As>> Show<Vec<As>> for Vec<T> {
    fn show(&self) -> Vec<As> {
        self.iter().map(Show::show).collect()
    }
}

/// One movement on one account.
#[derive(Debug, Clone, SimpleObject)]
pub struct LedgerEntry {
    /// Where.
    account: LedgerAccount,
    /// How much; positive: to the account.
    amount_minor: Minor,
}

/// A slow reader fell so far behind that what it missed is not in memory any more. The stream goes on after the gap; what lies
/// in it is read by another subscription, from `offset`.
#[derive(Debug, Clone, SimpleObject)]
pub struct Gap {
    /// Says where it begins, as the id of an event would: after it comes what was missed.
    pub id: ID,
    /// In which market.
    pub market: String,
    /// The first turn that was missed.
    pub offset: Offset,
    /// When the reader was told; by the machine's clock.
    pub time: Time,
    /// The first turn after the gap.
    pub until: Offset,
}

/// The facts of the wire, and their fields. A field's name is that of the wire.
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, SimpleObject)]
            pub struct $name {
                /// What identifies it in its market: the cursor after which another subscription goes on.
                id: ID,
                /// In which market.
                market: String,
                /// In which turn.
                offset: Offset,
                /// When, by the market's time.
                time: Time,
                $($(#[$about])* $field: $type,)*
            }
        )*

        /// Something that happened in a market, or a gap in what was told of it.
        #[derive(Debug, Clone, Interface)]
        #[graphql(
            field(name = "id", ty = "&ID", desc = "What identifies it in its market: the cursor after which another subscription goes on."),
            field(name = "market", ty = "&String", desc = "In which market."),
            field(name = "offset", ty = "&Offset", desc = "In which turn."),
            field(name = "time", ty = "&Time", desc = "When, by the market's time.")
        )]
        pub enum Event {
            $(#[doc = stringify!($name)] $name($name),)*
            /// What was missed.
            Gap(Gap),
        }

        impl From<&Published> for Event {
            fn from(published: &Published) -> Self {
                let id = cursor(published);
                let market = published.market.to_string();
                let (offset, time) = (Offset(published.offset.0), Time(published.time));
                match &published.fact {
                    $(Fact::$name(it) => Self::$name($name { id, market, offset, time, $($field: it.$field.show(),)* }),)*
                }
            }
        }
    };
}

/// The cursor of a fact: `OFFSET.INDEX`.
pub fn cursor(published: &Published) -> ID {
    ID(format!("{}.{}", published.offset, published.index))
}

events! {
    /// An order was forbidden by a rule.
    Refused {
        /// The key of the order, if it has one.
        order: Option<Key>,
        /// Which rule.
        code: RefusalCode,
        /// Which rule, for people.
        reason: String,
    }
    /// An order was taken before; it has no further effect.
    Repeated {
        /// The key of the order.
        order: Option<Key>,
        /// The turn that took it.
        first: Offset,
    }
    /// A driver is on shift.
    ShiftStarted {
        /// Who.
        driver: String,
        /// The key of the order, if it has one.
        order: Option<Key>,
        /// Where, as reported.
        place: Place,
        /// Seats for riders.
        seats: u8,
        /// Vehicle class.
        class: u8,
        /// Whether the vehicle drives itself.
        autonomous: bool,
        /// When the driver means to stop.
        until: Option<Time>,
    }
    /// Another device speaks for a driver from here on; its positions count from 1.
    SessionOpened {
        /// Who.
        driver: String,
        /// The key of the order that opened it.
        order: Option<Key>,
        /// The session that is open now.
        session: u32,
    }
    /// A driver's shift is over, rides are still promised.
    ShiftFinishing {
        /// Who.
        driver: String,
    }
    /// A driver is off shift.
    ShiftEnded {
        /// Who.
        driver: String,
    }
    /// A position was refused.
    PingRefused {
        /// Whose; nothing: nobody has that name.
        driver: Option<String>,
        /// Its number in the session.
        seq: u32,
        /// Why.
        code: RefusalCode,
        /// Why, for people.
        reason: String,
    }
    /// A driver on a ride has been silent for long.
    DriverWarned {
        /// Who.
        driver: String,
        /// When rides not on board are released.
        until: Time,
    }
    /// A driver on a ride is given up as unreachable until heard again.
    DriverDark {
        /// Who.
        driver: String,
    }
    /// A ride was asked for.
    RideRequested {
        /// Its number.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who asked.
        rider: String,
        /// Where the rider will get in, on the streets.
        pickup: Place,
        /// Where the rider will get out, on the streets.
        dropoff: Place,
        /// Seats needed.
        seats: u8,
        /// Vehicle class wanted.
        class: u8,
        /// Travel time from pickup to dropoff, ms.
        direct_ms: u32,
        /// Length of that way, mm.
        direct_mm: u32,
        /// Upfront fare.
        fare_minor: Minor,
        /// ETA of the best driver at the pickup, ms, if there is one.
        first_eta_ms: Option<u32>,
    }
    /// A request cannot be served at all; it took a number and is over.
    RequestRefused {
        /// Its number.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Why.
        code: RefusalCode,
        /// Why, for people.
        reason: String,
    }
    /// A ride was offered to a driver.
    OfferMade {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// To whom.
        driver: String,
        /// Which of its offers: the answer names it.
        epoch: u32,
        /// Until when it can be answered.
        deadline: Time,
        /// Time until the driver is at the pickup, ms.
        pickup_eta_ms: u32,
        /// Whether the driver has to end another ride first.
        chained: bool,
        /// Where the rider will get in.
        pickup: Option<Place>,
        /// Where the rider will get out.
        dropoff: Option<Place>,
    }
    /// The driver took the offer.
    OfferAccepted {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who asked for it.
        rider: Option<String>,
        /// Who.
        driver: String,
        /// Which of its offers.
        epoch: u32,
        /// When the driver will be at the pickup, as promised to the rider.
        promised: Time,
    }
    /// The driver turned the offer down.
    OfferDeclined {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: String,
        /// Which of its offers.
        epoch: u32,
    }
    /// Nobody answered the offer in time.
    OfferExpired {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: String,
        /// Which of its offers.
        epoch: u32,
    }
    /// The market took the offer back.
    OfferWithdrawn {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: String,
        /// Which of its offers.
        epoch: u32,
    }
    /// That was the last offer of the ride.
    RideExhausted {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
    }
    /// The driver is at the pickup.
    DriverArrived {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: String,
        /// Until when the rider is waited for.
        until: Time,
    }
    /// The rider is in the vehicle.
    RiderBoarded {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Whose vehicle.
        driver: String,
    }
    /// A driver was taken off a ride, which goes back to its place in line.
    RideReleased {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: String,
        /// Why.
        cause: Release,
    }
    /// A ride is over.
    RideEnded {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// How.
        outcome: RideOutcome,
        /// The driver bound to it then.
        driver: Option<String>,
        /// Where the vehicle is, if the ride ended with a trip.
        place: Option<Place>,
    }
    /// Money moved because of a ride.
    Settled {
        /// Which ride.
        ride: ID,
        /// The key of the order that asked for it.
        request: Option<Key>,
        /// Why.
        cause: Settlement,
        /// The movements; they sum to zero. A rider sees the own ones.
        entries: Vec<LedgerEntry>,
    }
    /// The market was away and works again. Deadlines were put off as its settings say.
    Resumed {
        /// How long, ms.
        gap_ms: u64,
    }
    /// Other rules or settings are in force.
    Upgraded {
        /// The version of the rules.
        logic_version: u32,
    }
    /// The program failed at a deadline, which is looked at again later, or at a position, which had no effect.
    Poisoned {
        /// The ride whose deadline it is.
        ride: Option<ID>,
        /// The key of the order that asked for that ride.
        request: Option<Key>,
        /// The driver whose deadline or position it is.
        driver: Option<String>,
    }
}

impl Settled {
    /// Leaves only what the rider pays.
    pub(super) fn keep_riders(&mut self) {
        self.entries.retain(|entry| entry.account == LedgerAccount::Rider);
    }
}
