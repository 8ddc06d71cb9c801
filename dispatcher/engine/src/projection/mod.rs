//! Folds of the log that several readers need: a ride's story, and why a driver got it.

pub mod timeline;
pub mod why;
