//! What is written down: commands (orders from outside), events (facts), and the turn that holds both.

pub mod canonical;
mod command;
mod event;
mod header;
pub mod json;
mod turn;

pub use canonical::fingerprint;
pub use command::{Command, Ping, Proposal, Proposed, RequestRide, StartShift, Upgrade};
pub use event::{
    Account, Entry, Event, Fix, OfferMade, PingRefusal, Poison, ReleaseCause, RequestRefusal, RideRequested,
    Settlement, SettlementCause, ShiftStarted,
};
pub use header::{FORMAT_VERSION, Header, LOGIC_VERSION};
pub use turn::{Refusal, Turn};
