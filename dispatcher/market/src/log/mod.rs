//! The embedded log of a market: its turns, in a folder of segments.
//!
//! A segment is a file of at most 64 MiB, named after the offset of its first turn. It starts with a head that repeats
//! the log's [`Header`](hansom_engine::record::Header), so that each file can be read by itself; then come the turns, each
//! with its length and checksum. [`segment`] has the layout.
//!
//! Written by [`Writer`], in one of two ways. A log that is [created](Writer::create) is synced at its end: good for a
//! simulation, which can be run again. A [durable](Writer::open_durable) one hands its turns on once they are on the disk:
//! what was appended while the disk was busy is written and synced together.
//!
//! Read by [`Reader`], which tells a log whose last turns were not written whole from one that is damaged, and knows the
//! [`Tail`] on which a log goes on. Nothing is repaired in silence.

mod ahead;
mod append;
mod commit;
mod error;
mod gate;
mod line;
mod listing;
mod read;
pub mod segment;
mod strip;
mod tail;
mod write;
mod zeros;

pub(crate) use ahead::each_turn;
pub use append::Totals;
pub use commit::Durable;
pub use error::LogError;
pub use gate::Outlet;
pub(crate) use line::Line;
pub use listing::{Listing, Segment, is_unfinished, list, verify};
pub use read::{Reader, Record};
pub use strip::{Stripped, strip};
pub use tail::{Repaired, Tail};
pub(crate) use write::Watch;
pub use write::{Mode, Writer};
