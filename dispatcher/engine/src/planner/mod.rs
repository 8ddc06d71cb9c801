//! Who serves whom.
//!
//! A planner looks at open rides and at vehicles that are free, or will be soon, and answers with assignments. It knows
//! travel times and costs; it refuses to know the clock, the lifecycles and names.

pub mod batch;
mod candidates;
mod cost;
pub mod nearest;
mod problem;
mod ready;

pub use candidates::{RuledOut, first_eta, ready_ms, rule_out, rule_out_at};
pub use cost::{Pairing, natural, terms};
pub use problem::{MatchingProblem, OpenRide, problem};

use crate::domain::{DriverId, Terms};

/// Buffers that planning reuses; nothing in them outlives a call.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Drivers already given a ride in this round, ascending.
    pub(crate) taken: Vec<DriverId>,
    /// Keys of the free vehicles nearest by air line.
    pub(crate) near: Vec<(u64, u32)>,
}

/// One assignment, with what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Who.
    pub driver: DriverId,
    /// Time until he is at the pickup, ms.
    pub eta_ms: u32,
    /// Whether he has to end another ride first.
    pub chained: bool,
    /// What it costs, by term.
    pub terms: Terms,
}
