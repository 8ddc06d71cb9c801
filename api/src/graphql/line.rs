//! An input as the line that `/v1/commands` and `/v1/locations` would get.

use std::time::Duration;

use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::json;

use super::scalar::Time;

/// An order is answered within this time, or its outcome is not known.
pub const WITHIN: Duration = Duration::from_secs(8);
/// Who says so, in lines made here.
pub const SOURCE: &str = "/graphql";

/// The line that says so, as `/v1/commands` and `/v1/locations` get it.
pub fn line(id: &str, kind: &str, time: Option<Time>, data: &impl Serialize) -> Bytes {
    let mut line = json!({ "specversion": "1.0", "id": id, "source": SOURCE, "type": kind, "data": data });
    if let Some(time) = time {
        line["time"] = json!(time);
    }
    line.to_string().into()
}
