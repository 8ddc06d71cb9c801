//! What must always hold, checked over any stream of turns: after each turn, on what that turn touched.
//!
//! Shares no code with the transitions: it looks at the state from outside, so that a planted bug is seen. Numbers are
//! those of `ARCHITECTURE.md`.

mod money;
mod once;
#[cfg(test)]
mod planted;
mod poison;
mod positions;
mod rides;

use crate::domain::{DriverId, RideId};
use crate::record::{Event, Turn};
use crate::state::State;
use hansom_geo_index::Network;
use std::fmt;

/// A broken promise of the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// The turn after which it was seen.
    pub offset: crate::domain::Offset,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invariant {} ({}) broken at offset {}: {}",
            self.invariant as u8, self.invariant, self.offset, self.detail
        )
    }
}

/// The invariants that events and state can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Invariant {
    /// A vehicle never holds overlapping commitments.
    Commitments = 1,
    /// A ride has at most one current driver.
    OneDriver = 2,
    /// Each acknowledged command takes effect exactly once.
    Once = 3,
    /// Terminal states stay terminal.
    Terminal = 4,
    /// Every open ride has a timer or an active driver.
    Attended = 5,
    /// The ledger sums to zero.
    Ledger = 6,
    /// The charge equals the quote.
    Charge = 7,
    /// Seats never exceed capacity.
    Seats = 8,
    /// The index is the fold of the accepted pings.
    Index = 9,
    /// What is restored is what was there.
    Restored = 10,
    /// A poison record delays only itself.
    Poison = 11,
    /// First in, first out where a queue promises it.
    Line = 14,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commitments => "a vehicle never holds overlapping commitments",
            Self::OneDriver => "a ride has at most one current driver",
            Self::Once => "each acknowledged command takes effect exactly once",
            Self::Terminal => "terminal states stay terminal",
            Self::Attended => "every open ride has a timer or an active driver",
            Self::Ledger => "the ledger sums to zero",
            Self::Charge => "the charge equals the quote",
            Self::Seats => "seats never exceed capacity",
            Self::Index => "the index is the fold of the accepted pings",
            Self::Restored => "the facts restore what was known",
            Self::Poison => "a poison record delays only itself",
            Self::Line => "first in, first out",
        })
    }
}

/// The checker: what it remembers is its own account of the stream.
#[derive(Debug, Default)]
pub struct Checker {
    once: once::Once,
    rides: rides::Rides,
    touched_rides: Vec<RideId>,
    touched_drivers: Vec<DriverId>,
}

impl Checker {
    /// A checker for a market from its first turn on.
    pub fn new() -> Self {
        Self::default()
    }

    /// A checker for a market from the turn on that follows on `state`: it takes that as its account of what was before.
    pub fn of(state: &State) -> Self {
        Self { once: once::Once::of(state), rides: rides::Rides::of(state), ..Self::default() }
    }

    /// What `turn` broke, seen on the state that it left.
    pub fn check(&mut self, state: &State, network: &Network, turn: &Turn) -> Vec<Violation> {
        let mut found = Found { turn, violations: Vec::new() };
        self.touched_rides.clear();
        self.touched_drivers.clear();
        for event in &turn.events {
            match event {
                Event::DriverMoved { driver, .. } => {
                    // The hot path: sampled, one ping in 64, by a rule that repeats.
                    if driver.0 % 64 == (turn.offset.0 % 64) as u32 {
                        positions::check(&mut found, state, network, *driver);
                    }
                }
                Event::PingRefused { .. } => {}
                _ => {
                    self.once.check(&mut found, event);
                    self.rides.check(&mut found, state, event);
                    money::check(&mut found, state, event);
                    let (ride, driver) = subjects(event);
                    self.touched_rides.extend(ride);
                    self.touched_drivers.extend(driver);
                }
            }
        }
        self.touched_rides.sort_unstable();
        self.touched_rides.dedup();
        self.touched_drivers.sort_unstable();
        self.touched_drivers.dedup();
        poison::check(&mut found, state);
        for ride in &self.touched_rides {
            rides::check_ride(&mut found, state, *ride);
        }
        for driver in &self.touched_drivers {
            rides::check_driver(&mut found, state, *driver);
            positions::check(&mut found, state, network, *driver);
        }
        found.violations
    }
}

/// Where violations of a turn are gathered.
struct Found<'a> {
    turn: &'a Turn,
    violations: Vec<Violation>,
}

impl Found<'_> {
    fn broken(&mut self, invariant: Invariant, detail: impl FnOnce() -> String) {
        self.violations.push(Violation { invariant, offset: self.turn.offset, detail: detail() });
    }
}

/// Whom an event is about.
fn subjects(event: &Event) -> (Option<RideId>, Option<DriverId>) {
    match event {
        Event::OfferMade(e) => (Some(e.ride), Some(e.driver)),
        Event::OfferAccepted { ride, driver, .. }
        | Event::OfferDeclined { ride, driver, .. }
        | Event::OfferExpired { ride, driver, .. }
        | Event::OfferWithdrawn { ride, driver, .. }
        | Event::DriverArrived { ride, driver, .. }
        | Event::RiderBoarded { ride, driver }
        | Event::RideReleased { ride, driver, .. } => (Some(*ride), Some(*driver)),
        Event::RideEnded { ride, driver, .. } => (Some(*ride), *driver),
        Event::RideRequested(e) => (Some(e.ride), None),
        Event::RideExhausted { ride }
        | Event::RideReviewed { ride, .. }
        | Event::SlipPassed { ride }
        | Event::RideRetired { ride }
        | Event::RequestRefused { ride, .. } => (Some(*ride), None),
        Event::Settled(e) => (Some(e.ride), None),
        Event::ShiftStarted(e) => (None, Some(e.driver)),
        Event::ShiftFinishing { driver }
        | Event::SessionOpened { driver, .. }
        | Event::ShiftEnded { driver }
        | Event::DriverKept { driver, .. }
        | Event::DriverForgotten { driver }
        | Event::LegPlanned { driver, .. }
        | Event::DriverChainable { driver }
        | Event::ChainDeferred { driver, .. }
        | Event::SilenceRearmed { driver, .. }
        | Event::DriverWarned { driver, .. }
        | Event::DriverDark { driver }
        | Event::DriverMoved { driver, .. }
        | Event::PingRefused { driver, .. } => (None, Some(*driver)),
        Event::Keyed { ride, .. } => (*ride, None),
        Event::Poisoned { step } => (step.ride(), step.driver()),
        Event::Refused { .. }
        | Event::Repeated { .. }
        | Event::MatchingScheduled { .. }
        | Event::MatchingDue { .. }
        | Event::MatchingIdle
        | Event::ProposalTaken { .. }
        | Event::KeysExpired { .. }
        | Event::WeightsActivated { .. }
        | Event::Resumed { .. }
        | Event::Upgraded(_)
        | Event::Checkpoint { .. } => (None, None),
    }
}
