//! READ MODELS: what queries are answered from, beside the market and never in its way.
//!
//! Two projections of the released turns, each kept by a thread of its own: a [`View`] of the market as it is, in memory, and
//! its [`History`](history), in an embedded database. Each knows up to which turn it reaches, so that a question may ask for a
//! turn and is told if it is not there yet, rather than get an old answer. Knows no HTTP and no GraphQL.

pub mod history;
pub mod kpi;
mod models;
mod page;
mod past;
mod projector;
mod view;
mod why;

pub use models::{Kept, NotRead, ReadModels, Reading, Standing};
pub use page::{Page, Slice};
pub use past::PastError;
pub use view::{Activity, Counts, Driver, DriverFilter, View};
pub use why::Why;
