//! The embedded log of a market: its turns, in a folder of segments.
//!
//! A segment is a file of at most 64 MiB, named after the offset of its first turn. It starts with a head that repeats
//! the log's [`Header`](hansom_engine::record::Header), so that each file can be read by itself; then come the turns, each
//! with its length and checksum. [`segment`] has the layout.
//!
//! Written by [`Writer`], which is inline or has a thread of its own, with the same bytes; read by [`Reader`], which tells
//! a log whose last turn was not written whole from one that is damaged. Nothing is repaired in silence.

mod ahead;
mod append;
mod error;
mod listing;
mod read;
pub mod segment;
mod write;

pub(crate) use ahead::each_turn;
pub use append::Totals;
pub use error::LogError;
pub use listing::{Listing, Segment, list, verify};
pub use read::{Reader, Record};
pub(crate) use write::Watch;
pub use write::{Mode, Writer};
