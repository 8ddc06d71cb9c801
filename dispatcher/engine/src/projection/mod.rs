//! Folds of the log that several readers need: a ride's story, why a driver got it, and why another did not.

pub mod timeline;
pub mod why;
pub mod why_not;
