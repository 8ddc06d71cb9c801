//! The world: riders, drivers and vehicles on streets.

pub mod demand;
pub mod rng;
pub mod scenario;
pub mod traffic;
