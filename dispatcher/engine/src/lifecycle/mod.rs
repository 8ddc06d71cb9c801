//! The lives of a ride, an offer and a driver session: one pure transition function each. No other code writes a
//! status.

pub mod offer;
pub mod ride;
pub mod session;
