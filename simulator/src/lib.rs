//! The world: riders, drivers and vehicles on streets.

pub mod rng;
pub mod scenario;
