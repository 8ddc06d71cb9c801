//! Orders as a client sends them.

use hansom_engine::Key;
use hansom_geo_index::Millis;
use hansom_market::ingest::{Body, Order};

/// Who says so.
pub(super) const SOURCE: &str = "/hansom/simulated-city";

/// An order given at `now`.
pub(super) fn order(key: Key, now: Millis, body: Body) -> Order {
    Order { key, source: SOURCE.into(), market: None, time: Some(now), body }
}
