//! Positions from outside, one a line.

use super::envelope::{self, Attributes};
use super::field::Field as _;
use super::malformed::Malformed;
use super::table::record;
use hansom_engine::Name;
use hansom_geo_index::{Coord, Millis};

/// The type of a position, as in the attribute `type` of its line.
pub const LOCATION_KIND: &str = "hansom.location.v1";

record! {
    /// Where a driver's vehicle is.
    Position {
        /// The outside's name of the driver.
        driver: Name,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
        /// Counts the positions of the session, from 1. One with a number that was seen is refused.
        seq: u32,
        /// Where.
        place: Coord,
    }
}

/// One position of one vehicle, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The sender's name of the line: its answer repeats it.
    pub id: Box<str>,
    /// For which market; `None`: the only one.
    pub market: Option<Name>,
    /// When the device measured it, by the device's clock. Advisory.
    pub measured: Option<Millis>,
    /// Who, which and where.
    pub position: Position,
}

/// The position that a line is.
pub fn decode_location(line: &[u8]) -> Result<Location, Malformed> {
    envelope::read(line, |envelope| {
        if envelope.kind != LOCATION_KIND {
            return envelope.unknown_kind(&[LOCATION_KIND]);
        }
        Ok(Location {
            id: envelope.id.into(),
            market: envelope.market.clone(),
            measured: envelope.time,
            position: Position::read(envelope.data).map_err(|fault| fault.within("data"))?,
        })
    })
}

impl Location {
    /// Appends the line that it is read from, without its end.
    pub fn write(&self, source: &str, out: &mut Vec<u8>) {
        let attributes = Attributes {
            id: &self.id,
            source,
            kind: LOCATION_KIND,
            time: self.measured,
            market: self.market.as_ref().map(|market| &*market.0),
        };
        envelope::write(&attributes, |_| {}, |out| self.position.write(out), out);
    }
}
