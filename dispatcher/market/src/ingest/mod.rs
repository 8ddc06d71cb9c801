//! What comes in from outside and what goes out: lines of JSON with the attributes of CloudEvents.
//!
//! [`decode`] makes an [`Order`] of a line, or says what is wrong where ([`Malformed`]); [`Names`] makes a command of an order;
//! [`cloud_event`] makes a line of an event. Positions are bundled on their way by a
//! [`Collector`]. Knows the wire form and the outside's names. Refuses to know sockets, files
//! and clocks: whoever calls has a line and a turn.
//!
//! A record's fields stand in one table each ([`order`], [`event`], [`Position`]), which gives the type, the way in, the
//! way out and the schema. A version of a record never changes: it gets a successor.

mod collector;
mod decode;
mod envelope;
pub mod event;
mod field;
mod json;
mod location;
mod malformed;
mod names;
pub mod order;
mod publish;
pub mod schema;
mod table;
mod time;
mod words;

pub use collector::{Collected, Collector, MOST_PINGS, NOBODY, Waiting, is_idle};
pub use decode::{Order, decode};
pub use envelope::MOST_LINE_BYTES;
pub use event::{Fact, Published, cloud_event, decode_event};
pub use field::{Rating, RideRef};
pub use location::{Given, LOCATION_KIND, Location, Position, decode_location};
pub use malformed::{Fault, Malformed};
pub use names::Names;
pub use order::Body;
pub use time::parse as parse_time;
pub use words::{Word, ping_refusal_word, refusal_word, request_refusal_word};
