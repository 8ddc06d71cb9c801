//! A folder of CSV files, in and out.
//!
//! | file | columns |
//! | --- | --- |
//! | `nodes.csv` | `node_id` (whole number), `lat`, `lon` (degrees, WGS84) |
//! | `edges.csv` | `edge_id`, `from_node`, `to_node`, `length_m`, perhaps `travel_time_s` |
//! | `travel_times.csv` or `.csv.xz`, if there is a profile | `edge_id`, `day_type` (weekday, saturday, sunday), `hour` (0-23, local), `travel_time_s` |
//!
//! Columns may come in any order and others beside them. Numbers may have decimals; coordinates are kept to 7 of them,
//! metres and seconds to 3. Edges are directed. Edges of length 0, self-loops and several edges between two nodes are
//! allowed.

mod read;
mod rows;
mod write;

pub use read::read;
pub use write::write;

/// Names of the day types, in the order of weights versions.
const DAY_TYPES: [&str; 3] = ["weekday", "saturday", "sunday"];
