//! The seams to the machine, sole callers of its clock and its disk, so that a test can stand in for either.

pub mod clock;
pub mod disk;
pub mod peer;
pub mod sim;
