//! Scenarios: a city, who asks, who drives and who decides, in one TOML file.
//!
//! The nouns: a [`Scenario`] is the resolved whole, an [`Override`] a `key=value` of the command line, [`Faults`] all
//! that is wrong with one, a [`Timezone`] what picks the travel times of an hour. Knows the keys of `scenario show`;
//! refuses to know what a run does with them. Reading a scenario opens none of the files it names.
//!
//! A text becomes a tree with places (`document`); one walk over all keys (`keys`), each with its form (`form`), reads
//! the tree (`read`) or prints it (`show`); what keys must be to each other is seen afterwards (`check`). `streets` loads the network.

mod check;
mod defaults;
mod dist;
mod document;
mod fault;
mod form;
mod keys;
mod model;
mod read;
mod show;
mod streets;
mod sweep;
mod timezone;

pub use dist::Dist;
pub use document::Override;
pub use fault::{Fault, Faults, Place as FaultPlace};
pub use model::{
    Constants, Demand, DemandModel, Driver, Fleet, Idle, Incident, Keep, Period, Pings, Place, Policy, PolicyKind,
    RUN_OUT, Reanchor, Rider, Scenario, Silence, StreetSource, Streets, Supply, Tariff, TrafficKeys, Unserved, Weights,
    Zone,
};
pub use streets::StreetsError;
pub use sweep::{Arm, SweepRun, seeds, sweep};
pub use timezone::{HourSpan, Timezone};
