//! Fuzzing of every decoder that meets bytes from outside.
//!
//! [`targets`] lists the decoders with what they start from; [`mutate`] changes bytes; [`coverage`] tells whether an input
//! has run code that none before it has; [`session`] puts these together; [`memory`] counts what a decoder asks for.
//! Refuses to know how a decoder works: that it returns, in time, without a panic, without asking for much memory, and that
//! what it made goes back to bytes and comes again, is all that is asked of it.

pub mod coverage;
pub mod memory;
pub mod mutate;
pub mod session;
pub mod targets;
