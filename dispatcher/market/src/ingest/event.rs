//! Released events as the outside reads them: CloudEvents with the outside's names.

use super::envelope::{self, Attributes};
use super::field::refuse;
use super::malformed::Malformed;
use super::names::Names;
use super::publish;
use super::table::{kinds, record};
use super::words::Word;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, ReleaseCause, SettlementCause};
use hansom_engine::{Epoch, Key, Money, Name, Offset, RideId, Turn};
use hansom_geo_index::{Coord, Millis};

kinds! {
    /// A fact that the outside gets to know.
    Fact: "hansom.event." {
        Refused = "refused.v1",
        Repeated = "repeated.v1",
        ShiftStarted = "shift_started.v1",
        SessionOpened = "session_opened.v1",
        ShiftFinishing = "shift_finishing.v1",
        ShiftEnded = "shift_ended.v1",
        PingRefused = "ping_refused.v1",
        DriverWarned = "driver_warned.v1",
        DriverDark = "driver_dark.v1",
        RideRequested = "ride_requested.v1",
        RequestRefused = "request_refused.v1",
        OfferMade = "offer_made.v1",
        OfferAccepted = "offer_accepted.v1",
        OfferDeclined = "offer_declined.v1",
        OfferExpired = "offer_expired.v1",
        OfferWithdrawn = "offer_withdrawn.v1",
        RideExhausted = "ride_exhausted.v1",
        DriverArrived = "driver_arrived.v1",
        RiderBoarded = "rider_boarded.v1",
        RideReleased = "ride_released.v1",
        RideEnded = "ride_ended.v1",
        Settled = "settled.v1",
        Resumed = "resumed.v1",
        Upgraded = "upgraded.v1",
        Poisoned = "poisoned.v1",
    }
}

record! {
    /// An order was forbidden by a rule.
    Refused {
        /// The id of the order, if it has one.
        order: Option<Key>,
        /// Which rule, as a word that does not change.
        code: Word,
        /// Which rule, for people.
        reason: Box<str>,
    }
}

record! {
    /// An order was taken before; it has no further effect.
    Repeated {
        /// The id of the order.
        order: Option<Key>,
        /// The offset of the turn that took it.
        first: u64,
    }
}

record! {
    /// A driver is on shift.
    ShiftStarted {
        /// The outside's name of the driver.
        driver: Name,
        /// The id of the order, if it has one.
        order: Option<Key>,
        /// Where, as reported.
        place: Coord,
        /// Seats for riders.
        seats: u8,
        /// Vehicle class.
        class: u8,
        /// Whether the vehicle drives itself.
        autonomous: bool,
        /// When the driver means to stop.
        until: Option<Millis>,
    }
}

record! {
    /// Another device speaks for a driver from here on; its positions count from 1.
    SessionOpened {
        /// Who.
        driver: Name,
        /// The id of the order that opened it.
        order: Option<Key>,
        /// The session that is open now.
        session: u32,
    }
}

record! {
    /// A driver's shift is over, rides are still promised.
    ShiftFinishing {
        /// Who.
        driver: Name,
    }
}

record! {
    /// A driver is off shift.
    ShiftEnded {
        /// Who.
        driver: Name,
    }
}

record! {
    /// A position was refused.
    PingRefused {
        /// Whose; nothing: nobody has that name.
        driver: Option<Name>,
        /// Its number in the session.
        seq: u32,
        /// Why, as a word that does not change.
        code: Word,
        /// Why, for people.
        reason: Box<str>,
    }
}

record! {
    /// A driver on a ride has been silent for long.
    DriverWarned {
        /// Who.
        driver: Name,
        /// When rides not on board are released.
        until: Millis,
    }
}

record! {
    /// A driver on a ride is given up as unreachable until heard again.
    DriverDark {
        /// Who.
        driver: Name,
    }
}

record! {
    /// A ride was asked for.
    RideRequested {
        /// Its number.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// The outside's name of the rider.
        rider: Name,
        /// Where the rider will get in, on the streets.
        pickup: Coord,
        /// Where the rider will get out, on the streets.
        dropoff: Coord,
        /// Seats needed.
        seats: u8,
        /// Vehicle class wanted.
        class: u8,
        /// Travel time from pickup to dropoff, ms.
        direct_ms: u32,
        /// Length of that way, mm.
        direct_mm: u32,
        /// Upfront fare in minor units of the market's currency.
        fare_minor: Money,
        /// ETA of the best driver at the pickup, ms, if there is one.
        first_eta_ms: Option<u32>,
    }
}

record! {
    /// A request cannot be served at all; it took a number and is over.
    RequestRefused {
        /// Its number.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Why, as a word that does not change.
        code: Word,
        /// Why, for people.
        reason: Box<str>,
    }
}

record! {
    /// A ride was offered to a driver.
    OfferMade {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// To whom.
        driver: Name,
        /// Which of its offers: the answer names it.
        epoch: Epoch,
        /// Until when it can be answered.
        deadline: Millis,
        /// Time until the driver is at the pickup, ms.
        pickup_eta_ms: u32,
        /// Whether the driver has to end another ride first.
        chained: bool,
        /// Where the rider will get in.
        pickup: Option<Coord>,
        /// Where the rider will get out.
        dropoff: Option<Coord>,
    }
}

record! {
    /// The driver took the offer.
    OfferAccepted {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// The outside's name of the rider.
        rider: Option<Name>,
        /// Who.
        driver: Name,
        /// Which of its offers.
        epoch: Epoch,
        /// When the driver will be at the pickup, as promised to the rider.
        promised: Millis,
    }
}

record! {
    /// The driver turned the offer down.
    OfferDeclined {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: Name,
        /// Which of its offers.
        epoch: Epoch,
    }
}

record! {
    /// Nobody answered the offer in time.
    OfferExpired {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: Name,
        /// Which of its offers.
        epoch: Epoch,
    }
}

record! {
    /// The market took the offer back.
    OfferWithdrawn {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: Name,
        /// Which of its offers.
        epoch: Epoch,
    }
}

record! {
    /// That was the last offer of the ride.
    RideExhausted {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
    }
}

record! {
    /// The driver is at the pickup.
    DriverArrived {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: Name,
        /// Until when the rider is waited for.
        until: Millis,
    }
}

record! {
    /// The rider is in the vehicle.
    RiderBoarded {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Whose vehicle.
        driver: Name,
    }
}

record! {
    /// A driver was taken off a ride, which goes back to its place in line.
    RideReleased {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Who.
        driver: Name,
        /// Why.
        cause: ReleaseCause,
    }
}

record! {
    /// A ride is over.
    RideEnded {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// How.
        outcome: Outcome,
        /// The driver bound to it then.
        driver: Option<Name>,
        /// Where the vehicle is, if the ride ended with a trip.
        place: Option<Coord>,
    }
}

record! {
    /// Money moved because of a ride.
    Settled {
        /// Which ride.
        ride: RideId,
        /// The id of the order that asked for it.
        request: Option<Key>,
        /// Why.
        cause: SettlementCause,
        /// The movements; they sum to zero.
        entries: Vec<Entry>,
    }
}

record! {
    /// One movement on one account.
    Entry {
        /// Where.
        account: Account,
        /// How much in minor units of the market's currency, positive: to the account.
        amount_minor: Money,
    }
}

record! {
    /// The market was away and works again. Deadlines were put off as its settings say.
    Resumed {
        /// How long, ms.
        gap_ms: u64,
    }
}

record! {
    /// Other rules or settings are in force.
    Upgraded {
        /// The version of the rules.
        logic_version: u32,
    }
}

record! {
    /// The program failed at a deadline, which is looked at again later, or at a position, which had no effect. Nothing else
    /// is affected. An order at which it fails is refused.
    Poisoned {
        /// The ride whose deadline it is.
        ride: Option<RideId>,
        /// The id of the order that asked for that ride.
        request: Option<Key>,
        /// The driver whose deadline or position it is.
        driver: Option<Name>,
    }
}

impl Fact {
    /// The ride that it is about.
    pub fn ride(&self) -> Option<RideId> {
        match self {
            Self::RideRequested(it) => Some(it.ride),
            Self::RequestRefused(it) => Some(it.ride),
            Self::OfferMade(it) => Some(it.ride),
            Self::OfferAccepted(it) => Some(it.ride),
            Self::OfferDeclined(it) => Some(it.ride),
            Self::OfferExpired(it) => Some(it.ride),
            Self::OfferWithdrawn(it) => Some(it.ride),
            Self::RideExhausted(it) => Some(it.ride),
            Self::DriverArrived(it) => Some(it.ride),
            Self::RiderBoarded(it) => Some(it.ride),
            Self::RideReleased(it) => Some(it.ride),
            Self::RideEnded(it) => Some(it.ride),
            Self::Settled(it) => Some(it.ride),
            Self::Poisoned(it) => it.ride,
            Self::Refused(_)
            | Self::Repeated(_)
            | Self::ShiftStarted(_)
            | Self::SessionOpened(_)
            | Self::ShiftFinishing(_)
            | Self::ShiftEnded(_)
            | Self::PingRefused(_)
            | Self::DriverWarned(_)
            | Self::DriverDark(_)
            | Self::Resumed(_)
            | Self::Upgraded(_) => None,
        }
    }

    /// The driver whom it concerns.
    pub fn driver(&self) -> Option<&Name> {
        match self {
            Self::ShiftStarted(it) => Some(&it.driver),
            Self::SessionOpened(it) => Some(&it.driver),
            Self::ShiftFinishing(it) => Some(&it.driver),
            Self::ShiftEnded(it) => Some(&it.driver),
            Self::PingRefused(it) => it.driver.as_ref(),
            Self::DriverWarned(it) => Some(&it.driver),
            Self::DriverDark(it) => Some(&it.driver),
            Self::OfferMade(it) => Some(&it.driver),
            Self::OfferAccepted(it) => Some(&it.driver),
            Self::OfferDeclined(it) => Some(&it.driver),
            Self::OfferExpired(it) => Some(&it.driver),
            Self::OfferWithdrawn(it) => Some(&it.driver),
            Self::DriverArrived(it) => Some(&it.driver),
            Self::RiderBoarded(it) => Some(&it.driver),
            Self::RideReleased(it) => Some(&it.driver),
            Self::RideEnded(it) => it.driver.as_ref(),
            Self::Poisoned(it) => it.driver.as_ref(),
            Self::Refused(_)
            | Self::Repeated(_)
            | Self::RideRequested(_)
            | Self::RequestRefused(_)
            | Self::RideExhausted(_)
            | Self::Settled(_)
            | Self::Resumed(_)
            | Self::Upgraded(_) => None,
        }
    }
}

/// A fact with where and when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// In which market.
    pub market: Name,
    /// In which turn.
    pub offset: Offset,
    /// Which of the turn's events, from 0.
    pub index: u32,
    /// The market's time.
    pub time: Millis,
    /// What.
    pub fact: Fact,
}

impl Published {
    /// The event at `index` of a turn; `None`: it is one of those that the outside does not get to know. `names` has learned
    /// from this turn already.
    pub fn of(market: &str, turn: &Turn, index: usize, names: &Names) -> Option<Self> {
        let fact = publish::fact(turn, turn.events.get(index)?, names)?;
        Some(Self { market: market.into(), offset: turn.offset, index: index as u32, time: turn.at, fact })
    }

    /// Appends the line that it is read from, without its end. The `id` is `OFFSET.INDEX`; `offset` is text, as a number of
    /// CloudEvents has 32 bits.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { market, offset, index, time, fact } = self;
        let attributes = Attributes {
            id: &format!("{offset}.{index}"),
            source: &format!("/markets/{market}"),
            kind: fact.kind(),
            time: Some(*time),
            market: Some(&market.0),
        };
        let offset = |out: &mut Vec<u8>| out.extend_from_slice(format!(",\"offset\":\"{offset}\"").as_bytes());
        envelope::write(&attributes, offset, |out| fact.write(out), out);
    }
}

/// Appends the event at `index` of a turn as a line, without its end; `false`: the outside does not get to know it.
pub fn cloud_event(market: &str, turn: &Turn, index: usize, names: &Names, out: &mut Vec<u8>) -> bool {
    let published = Published::of(market, turn, index, names);
    published.is_some_and(|published| {
        published.write(out);
        true
    })
}

/// The fact that a line is, for those who read what a market releases.
pub fn decode_event(line: &[u8]) -> Result<Published, Malformed> {
    envelope::read(line, |envelope| {
        let fact = match Fact::read(envelope.kind, envelope.data) {
            Some(fact) => fact.map_err(|fault| fault.within("data"))?,
            None => return envelope.unknown_kind(Fact::KINDS),
        };
        let offset: Box<str> = envelope.attribute("offset")?;
        let Ok(number) = offset.parse() else {
            return refuse("an offset", &offset).map_err(|fault| fault.within("offset"));
        };
        let index = envelope.id.strip_prefix(&*offset).and_then(|rest| rest.strip_prefix('.')?.parse().ok());
        let Some(index) = index else {
            return refuse("the offset, a dot and the event's index", envelope.id).map_err(|fault| fault.within("id"));
        };
        let (market, time) = (envelope.attribute("market")?, envelope.attribute("time")?);
        Ok(Published { market, offset: Offset(number), index, time, fact })
    })
}
