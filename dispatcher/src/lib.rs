//! The actors: thin shells around markets, their mailboxes, and who watches over them.
//!
//! A [`Dispatcher`] holds the markets of a process. Each has an actor on a thread of its own, its only writer; what waits
//! for it stands in two bounded lanes, commands before positions. What its log has made durable leaves through an actor
//! of its own: answers to senders, turns to readers, figures. Knows no HTTP; refuses to know what a command means.

mod acks;
mod answer;
mod clock;
mod events;
mod feed;
mod figures;
mod halts;
mod lanes;
mod market;
mod positions;
mod quarantine;
mod release;
mod reports;
mod retention;
mod shared;
mod shifts;
mod supervisor;
pub mod trace;

pub use answer::{Answer, Cause, NotTaken, Refusal, Standing};
pub use clock::WallClock;
pub use events::{Events, Interest, KEEP_TOLD_BYTES, Read, Told, Topic};
pub use feed::{Fed, Feed};
pub use figures::{Figures, SpanFigures};
pub use halts::REOPEN_AFTER;
pub use market::{Farewell, Spec};
pub use quarantine::NotKept;
pub use reports::{NotPlaced, PendingReport, Reported};
pub use supervisor::{Dispatcher, History, MarketHandle, MarketsError, Pending};
