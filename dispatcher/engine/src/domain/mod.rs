//! The nouns of dispatching: identities, money, vehicles, plans and the settings of a market.

mod id;
mod money;
mod plan;
mod settings;

pub use id::{DriverId, Epoch, Key, Name, Offset, RideId, Session};
pub use money::{Money, share};
pub use plan::{Leg, Plan, Stop, StopKind};
pub use settings::{Hours, Planner, Policy, Settings, Tariff, Term, Terms, Unserved, Weights};
