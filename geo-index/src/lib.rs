//! WHERE things are and HOW LONG it takes to get there.
//!
//! The nouns: a [`Coord`] is a place on the globe, a [`Point`] the same place on the flat map of one [`Network`], a
//! [`Position`] a place on one of its edges. Knows roads and times; refuses to know rides, drivers and prices.
//!
//! Everything that an answer depends on is an integer: 1e-7 degrees, millimetres, milliseconds. Floats occur only in
//! [`import`], with operations that give the same bits on every machine.

pub mod coord;
pub mod import;
mod mixer;
pub mod moving;
pub mod network;
pub mod place;
pub mod route;
pub mod units;

pub use coord::{Coord, Point, Projection};
pub use network::{EdgeId, Network, NodeId, Position, WeightsVersion};
pub use units::{Millimetres, Millis};
