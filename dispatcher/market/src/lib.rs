//! THE MARKET AT WORK: plain structs over small seams.
//!
//! A log keeps every turn; reading it back folds or re-decides them. No actor, no runtime, no wall clock: whoever drives
//! the market brings the time with each command.

pub mod log;
pub mod seam;
