//! A log run again under other rules: only what came from outside is taken from it.
//!
//! The nouns: [`Outside`] is what a log holds of the world, [`Changed`] a ride that ends otherwise, with the reason. Knows
//! logs and reports; refuses to know how they are shown.

mod changed;
mod outside;

pub use changed::{Changed, changed};
pub use outside::Outside;
