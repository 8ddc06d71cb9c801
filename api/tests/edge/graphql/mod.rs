//! GraphQL, seen from outside.

mod arguments;
mod bundles;
pub mod client;
mod known;
mod limits;
mod listening;
mod operations;
mod orders;
mod races;

use serde_json::{Value, json};

/// The type of an answer or event.
fn kind(of: &Value) -> &str {
    of["__typename"].as_str().expect("a type")
}

/// A driver on shift at a crossing.
fn shift(driver: &str, x: u32, y: u32) -> Value {
    json!({ "driver": driver, "place": crate::served::corner(x, y) })
}

/// A ride between two crossings.
fn ride(rider: &str, from: (u32, u32), to: (u32, u32)) -> Value {
    let (pickup, dropoff) = (crate::served::corner(from.0, from.1), crate::served::corner(to.0, to.1));
    json!({ "rider": rider, "pickup": pickup, "dropoff": dropoff })
}
