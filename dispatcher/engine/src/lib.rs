//! WHO serves whom, for HOW MUCH: the deterministic dispatcher.
//!
//! A market is a state machine. [`decide`](decide::decide) looks at the state and a step and says what happens;
//! [`evolve`](evolve::evolve) is the only code that changes the state. Neither reads a clock, does I/O, draws random
//! numbers or depends on hash order or threads; every quantity is an integer.

pub mod assignment;
pub mod decide;
pub mod domain;
pub mod evolve;
pub mod invariant;
pub mod lifecycle;
pub mod planner;
mod pricing;
pub mod projection;
pub mod record;
pub mod state;
pub mod steps;

pub use decide::{Desk, Stamp};
pub use domain::{DriverId, Epoch, Key, Money, Name, Offset, RideId, Settings};
pub use record::{Command, Event, Turn};
pub use state::State;
