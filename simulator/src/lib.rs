//! The world: riders, drivers and vehicles on streets.

mod agent;
pub mod city;
mod clock;
pub mod demand;
pub mod live;
mod machine;
mod market;
mod port;
pub mod report;
pub mod rng;
mod run;
pub mod scenario;
mod sense;
mod settings;
pub mod supply;
pub mod traffic;

pub use city::City;
pub use market::MarketFile;
pub use report::RunReport;
pub use run::{Options, Progress, RunError, simulate, simulate_in};
