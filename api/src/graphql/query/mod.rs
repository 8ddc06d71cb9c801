//! What can be asked: of read models, beside the market.
//!
//! Every question may name a turn that the answer has to know of (`minOffset`). It waits shortly for it; if it is not there
//! then the answer is [`Stale`](answer::Stale), never an old one.

pub mod answer;
pub mod ask;
mod drivers;
mod kpis;
mod market;
mod page;
mod quarantine;
mod quote;
mod rides;
mod why;

use async_graphql::MergedObject;

pub use rides::Ride;

/// What can be asked.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    market::Markets,
    rides::Rides,
    drivers::Drivers,
    quote::Quotes,
    why::Explanations,
    kpis::Performance,
    quarantine::Quarantine,
);
