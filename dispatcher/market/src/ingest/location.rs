//! Positions from outside, one a line.

use super::envelope::{self, Attributes};
use super::field::Field as _;
use super::json::Json;
use super::malformed::Malformed;
use super::table::record;
use super::time;
use hansom_engine::Name;
use hansom_geo_index::{Coord, Millis};
use std::borrow::Cow;

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

/// What a line with a position says, where somebody has taken it apart already.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The sender's name of the line.
    pub id: &'a str,
    /// When the device measured it.
    pub measured: Option<Millis>,
    /// Who.
    pub driver: &'a str,
    /// From which session, if that is said.
    pub session: Option<i64>,
    /// Its number in the session.
    pub seq: i64,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

impl Location {
    /// The position that [`decode_location`] reads from the line that says so: by the same rules, but without the line. `None`: there
    /// may be none, and the line says why.
    pub fn of(given: &Given<'_>) -> Option<Self> {
        let text = |text| Json::Text(Cow::Borrowed(text));
        envelope::label(&text(given.id)).ok()?;
        // A line's time is written and read again.
        given.measured.is_none_or(time::is_written).then_some(())?;
        let number = Json::Integer;
        let place = object([("lat", Json::Number(given.lat)), ("lon", Json::Number(given.lon))]);
        let (driver, seq) = (("driver", text(given.driver)), ("seq", number(given.seq)));
        let data = match given.session {
            Some(session) => object([driver, ("session", number(session)), seq, ("place", place)]),
            None => object([driver, seq, ("place", place)]),
        };
        let position = Position::read(&data).ok()?;
        Some(Self { id: given.id.into(), market: None, measured: given.measured, position })
    }

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

fn object<'a, const N: usize>(fields: [(&'static str, Json<'a>); N]) -> Json<'a> {
    Json::Object(fields.map(|(name, value)| (Cow::Borrowed(name), value)).into())
}
