//! Facts. What `decide` computed and `evolve` needs is in the event: evolve never routes, snaps or prices.

use super::command::Upgrade;
use super::turn::Refusal;
use crate::domain::{DriverId, Epoch, Key, Money, Name, Offset, RideId, Session, Terms};
use crate::lifecycle::ride::Outcome;
use crate::state::{Timer, TimerKind};
use hansom_geo_index::{Coord, Millis, Position, WeightsVersion};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A keyed command was taken: a repeat of it will get the same answer.
    Keyed {
        /// Its key.
        key: Key,
        /// Fingerprint of its content.
        fingerprint: u64,
        /// The turn that answered it.
        offset: Offset,
        /// The ride with which the key dies; `None`: it lives as long as creation keys do.
        ride: Option<RideId>,
    },
    /// A command was forbidden by a rule.
    Refused {
        /// Which rule.
        reason: Refusal,
    },
    /// The command was taken before.
    Repeated {
        /// The turn that answered it.
        first: Offset,
    },

    /// A driver is on shift.
    ShiftStarted(Box<ShiftStarted>),
    /// A driver's shift is over, rides are still promised.
    ShiftFinishing {
        /// Who.
        driver: DriverId,
    },
    /// A driver is off shift.
    ShiftEnded {
        /// Who.
        driver: DriverId,
    },
    /// A driver is remembered for longer: he holds a ride or an offer, or was heard lately.
    DriverKept {
        /// Who.
        driver: DriverId,
        /// When to look again.
        until: Millis,
    },
    /// A driver who was off shift for long left the state. If he comes back he is a new driver.
    DriverForgotten {
        /// Who.
        driver: DriverId,
    },
    /// Another device speaks for a driver from here on; its pings count from 1.
    SessionOpened {
        /// Who.
        driver: DriverId,
        /// The session that is open now.
        session: Session,
    },
    /// A ping was accepted.
    DriverMoved {
        /// Who.
        driver: DriverId,
        /// Its number in the session.
        seq: u32,
        /// Its age at arrival, ms, clamped to 0 … `max_age`.
        age_ms: u32,
        /// The device claimed an age outside of that.
        clamped: bool,
        /// Where the device says the vehicle is.
        coord: Coord,
        /// What that means on the streets.
        fix: Fix,
    },
    /// A ping was refused.
    PingRefused {
        /// Whose.
        driver: DriverId,
        /// Its number in the session.
        seq: u32,
        /// Why.
        reason: PingRefusal,
    },
    /// The way to the next stop was planned.
    LegPlanned {
        /// Who.
        driver: DriverId,
        /// From where.
        origin: Position,
        /// To where.
        target: Position,
        /// Under which weights.
        weights: WeightsVersion,
        /// Its travel time, ms.
        eta_ms: u32,
    },
    /// A driver on a trip is near enough to its end to be given the next ride.
    DriverChainable {
        /// Who.
        driver: DriverId,
    },
    /// A driver on a trip is not near enough to its end yet.
    ChainDeferred {
        /// Who.
        driver: DriverId,
        /// When to look again.
        until: Millis,
    },
    /// A committed driver was heard in time; the next check is due later.
    SilenceRearmed {
        /// Who.
        driver: DriverId,
        /// When to look again.
        until: Millis,
    },
    /// A committed driver has been silent for long.
    DriverWarned {
        /// Who.
        driver: DriverId,
        /// When rides not on board are released.
        until: Millis,
    },
    /// A committed driver is given up as unreachable until heard again. Never ends a trip.
    DriverDark {
        /// Who.
        driver: DriverId,
    },

    /// A ride was asked for.
    RideRequested(Box<RideRequested>),
    /// A request cannot be served at all; it takes a ride number and is over.
    RequestRefused {
        /// Its number.
        ride: RideId,
        /// Why.
        reason: RequestRefusal,
    },
    /// The matching of waiting rides is due at a time.
    MatchingScheduled {
        /// When.
        due: Millis,
    },
    /// Waiting rides shall be matched by the planner, on the state after this turn.
    MatchingDue {
        /// This turn.
        basis: Offset,
        /// When to ask again if no answer comes.
        retry: Millis,
    },
    /// No ride waits: no matching is due.
    MatchingIdle,
    /// A planner's answer was looked at.
    ProposalTaken {
        /// The turn that asked.
        basis: Offset,
        /// How many of its changes were applied.
        applied: u32,
        /// How many no longer held.
        stale: u32,
    },
    /// A ride was offered to a driver.
    OfferMade(Box<OfferMade>),
    /// The driver took it.
    OfferAccepted {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Which of its offers.
        epoch: Epoch,
        /// When the driver will be at the pickup, as promised to the rider.
        promised: Millis,
        /// For a chained ride: the last moment at which the ride before may end without breaking that promise by more
        /// than the allowed slip.
        slip_at: Option<Millis>,
    },
    /// The driver turned it down.
    OfferDeclined {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Which of its offers.
        epoch: Epoch,
    },
    /// Nobody answered in time.
    OfferExpired {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Which of its offers.
        epoch: Epoch,
    },
    /// The market took it back.
    OfferWithdrawn {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Which of its offers.
        epoch: Epoch,
    },
    /// That was the last offer of the ride.
    RideExhausted {
        /// Which ride.
        ride: RideId,
    },
    /// A ride still waits; the next look is due later.
    RideReviewed {
        /// Which ride.
        ride: RideId,
        /// When to look again.
        until: Millis,
    },
    /// A chained ride is late, but its driver is on the way to it and keeps it.
    SlipPassed {
        /// Which ride.
        ride: RideId,
    },
    /// The driver is at the pickup.
    DriverArrived {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Until when the rider is waited for.
        until: Millis,
    },
    /// The rider is in the vehicle.
    RiderBoarded {
        /// Which ride.
        ride: RideId,
        /// Whose vehicle.
        driver: DriverId,
    },
    /// A driver was taken off a ride, which goes back to its place in line.
    RideReleased {
        /// Which ride.
        ride: RideId,
        /// Who.
        driver: DriverId,
        /// Why.
        cause: ReleaseCause,
    },
    /// A ride is over.
    RideEnded {
        /// Which ride.
        ride: RideId,
        /// How.
        outcome: Outcome,
        /// The driver bound to it then.
        driver: Option<DriverId>,
        /// Where the vehicle is, if the ride ended with a trip.
        place: Option<Position>,
    },
    /// Money moved because of a ride.
    Settled(Box<Settlement>),
    /// A ride that was over left the state.
    RideRetired {
        /// Which ride.
        ride: RideId,
    },
    /// Creation keys taken before a time left the state.
    KeysExpired {
        /// Those taken before it.
        before: Millis,
    },
    /// Other travel times are in force.
    WeightsActivated {
        /// Which.
        version: WeightsVersion,
    },
    /// The market was away and works again.
    Resumed {
        /// How long, ms.
        gap_ms: u64,
    },
    /// Other rules or settings are in force. Turns from here on are folded, not decided again.
    Upgraded(Box<Upgrade>),
    /// A step could not be decided: the program has a fault there. Nothing else of the step happened; a command or ping is
    /// skipped, a timer is put off.
    Poisoned {
        /// Which step.
        step: Poison,
    },
    /// What the market knows at this event.
    Checkpoint {
        /// Of which slice.
        slice: u16,
        /// [`State::slice_digest`](crate::State::slice_digest).
        digest: u64,
    },
}

const _: () = assert!(size_of::<Event>() <= 64);

/// A step that could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// The turn's command.
    Command,
    /// A ping of the turn's command.
    Ping {
        /// Whose.
        driver: DriverId,
        /// Its number in the session.
        seq: u32,
    },
    /// A deadline that had passed.
    Timer(Timer),
}

impl Poison {
    /// The ride whose deadline it is, or that could not be matched.
    pub fn ride(&self) -> Option<RideId> {
        match self {
            Self::Timer(timer) => match timer.kind {
                TimerKind::Offer | TimerKind::NoShow | TimerKind::Slip | TimerKind::Review | TimerKind::Retire => {
                    Some(RideId(timer.id))
                }
                // Of all that wait, or of one: rides are numbered from 1.
                TimerKind::Matching => (timer.id > 0).then_some(RideId(timer.id)),
                TimerKind::Weights
                | TimerKind::Silence
                | TimerKind::Chain
                | TimerKind::KeyExpiry
                | TimerKind::Forget => None,
            },
            Self::Command | Self::Ping { .. } => None,
        }
    }

    /// The driver whose ping or deadline it is.
    pub fn driver(&self) -> Option<DriverId> {
        match self {
            Self::Ping { driver, .. } => Some(*driver),
            Self::Timer(Timer { kind: TimerKind::Silence | TimerKind::Chain | TimerKind::Forget, id, .. }) => {
                Some(DriverId(*id))
            }
            Self::Command | Self::Timer(_) => None,
        }
    }
}

/// See [`Event::ShiftStarted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftStarted {
    /// Who; a new number if the name is new.
    pub driver: DriverId,
    /// The outside's name.
    pub name: Name,
    /// Where, as reported.
    pub coord: Coord,
    /// Where, on the streets.
    pub place: Position,
    /// Seats for riders.
    pub seats: u8,
    /// Vehicle class.
    pub class: u8,
    /// Drives itself.
    pub autonomous: bool,
    /// When the driver means to stop.
    pub until: Option<Millis>,
    /// Where the driver lives.
    pub home: Option<Coord>,
    /// Rating in hundredths of a star.
    pub rating: u16,
}

/// See [`Event::RideRequested`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RideRequested {
    /// Its number.
    pub ride: RideId,
    /// The outside's name of the rider.
    pub rider: Name,
    /// Where the rider wants to get in, on the streets.
    pub pickup: Position,
    /// Where the rider wants to get out, on the streets.
    pub dropoff: Position,
    /// Seats needed.
    pub seats: u8,
    /// Vehicle class wanted.
    pub class: u8,
    /// Tier of the rider.
    pub tier: u8,
    /// Drivers that this rider shall not meet, ascending.
    pub blocked: Box<[DriverId]>,
    /// Under which weights the following was estimated.
    pub weights: WeightsVersion,
    /// Travel time pickup → dropoff, ms.
    pub direct_ms: u32,
    /// Length of that way, mm.
    pub direct_mm: u32,
    /// Upfront fare.
    pub fare: Money,
    /// ETA of the best driver at the pickup, ms, if there is one.
    pub first_eta_ms: Option<u32>,
    /// When to look again at a ride that still waits.
    pub review_at: Millis,
}

/// See [`Event::OfferMade`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferMade {
    /// Which ride.
    pub ride: RideId,
    /// To whom.
    pub driver: DriverId,
    /// Which of its offers.
    pub epoch: Epoch,
    /// Until when it can be answered.
    pub deadline: Millis,
    /// Time until the driver is at the pickup, ms.
    pub pickup_eta_ms: u32,
    /// Whether the driver has to end another ride first.
    pub chained: bool,
    /// Under which weights.
    pub weights: WeightsVersion,
    /// What the assignment costs, by term.
    pub terms: Terms,
}

/// What an accepted ping means on the streets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// Within tolerance of the anchor, which stays.
    Kept,
    /// Snapped anew.
    Anchored(Position),
    /// On the planned way, on its edge number `cursor`.
    OnRoute {
        /// From 0.
        cursor: u16,
        /// Where.
        place: Position,
    },
    /// Off the planned way: snapped anew, and a new leg follows.
    OffRoute(Position),
}

/// Why a ping was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum PingRefusal {
    /// Nobody has this number.
    #[error("no such driver")]
    UnknownDriver,
    /// The driver is not on shift.
    #[error("the driver is not on shift")]
    OffShift,
    /// A ping with this number or a later one was taken before.
    #[error("a ping with this number or a later one was taken before")]
    OutOfOrder,
    /// Farther from the last place than any vehicle drives in the time between.
    #[error("farther from the last place than any vehicle drives in that time")]
    Teleport,
    /// No street is near.
    #[error("no street is near")]
    OffStreet,
    /// Another device of the driver took over.
    #[error("a newer session is open")]
    Superseded,
    /// Nobody opened the session.
    #[error("the session was never opened")]
    NotOpened,
}

/// Why a request cannot be served at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum RequestRefusal {
    /// No street is near the pickup.
    #[error("no street is near the pickup")]
    PickupOffStreet,
    /// No street is near the dropoff.
    #[error("no street is near the dropoff")]
    DropoffOffStreet,
    /// A ride takes 1 to 255 seats.
    #[error("a ride needs at least one seat")]
    NoSeats,
}

/// Why a driver was taken off a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReleaseCause {
    /// The driver cancelled.
    DriverCancelled,
    /// The driver fell silent on the way to the pickup.
    Silent,
    /// The chained pickup slipped too far against its promise.
    Slipped,
}

/// An account of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Account {
    /// Riders, together: what they paid, negative.
    Rider,
    /// Drivers, together.
    Driver,
    /// The platform.
    Platform,
    /// Fees of rides cancelled after the match.
    CancellationFee,
    /// Fees of riders who did not show up.
    NoShowFee,
    /// Taxes held for the state.
    Tax,
    /// Tolls held for their owners.
    Tolls,
    /// What rounding left.
    Rounding,
}

impl Account {
    /// Number of accounts.
    pub const COUNT: usize = 8;
    /// All accounts.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Rider,
        Self::Driver,
        Self::Platform,
        Self::CancellationFee,
        Self::NoShowFee,
        Self::Tax,
        Self::Tolls,
        Self::Rounding,
    ];

    /// As in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rider => "rider",
            Self::Driver => "driver",
            Self::Platform => "platform",
            Self::CancellationFee => "cancellation_fee",
            Self::NoShowFee => "no_show_fee",
            Self::Tax => "tax",
            Self::Tolls => "tolls",
            Self::Rounding => "rounding",
        }
    }
}

/// One movement on one account; those of a settlement sum to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub account: Account,
    /// How much, positive: to the account.
    pub amount: Money,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SettlementCause {
    /// The upfront fare, as quoted.
    Fare,
    /// The fee of a cancellation after the match.
    Cancellation,
    /// The fee of a no-show.
    NoShow,
}

/// See [`Event::Settled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which ride.
    pub ride: RideId,
    /// Why.
    pub cause: SettlementCause,
    /// The movements.
    pub entries: Vec<Entry>,
}
