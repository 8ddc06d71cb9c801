//! Pings in columns: what 46 of 50 million facts of a day look like in the log.
//!
//! `ReportPositions` holds a column per field of its pings. Drivers, sequence numbers and ages are steps from the ping
//! before, places steps from the market's origin. Of the events, each run of `DriverMoved` and `PingRefused` that repeats the
//! next pings of the command, in order, is one `PingRun`: what became of each ping, and the place on the streets of those
//! that got a new one. An event that does not repeat its ping stands in full, as any other does.

use super::DecodeError;
use super::columns::{self, Column};
use super::field::{Field, Message, Number, expect, unzigzag, zigzag};
use super::wire::{Input, Wire, Writer};
use crate::domain::{DriverId, Session};
use crate::record::json::Json;
use crate::record::{Event, Fix, Ping, PingRefusal};
use hansom_geo_index::{Coord, EdgeId, Position};

/// Columns of the command.
mod command {
    pub const DRIVER_STEP: u32 = 1;
    pub const SEQ_STEP: u32 = 2;
    pub const AGE_MS_STEP: u32 = 3;
    pub const NORTH: u32 = 4;
    pub const EAST: u32 = 5;
    /// Absent if all are the first of their shift.
    pub const SESSION: u32 = 6;
}

/// Columns of a run of events.
mod run {
    pub const WHAT: u32 = 1;
    pub const EDGE: u32 = 2;
    pub const ALONG: u32 = 3;
    pub const AGE_MS: u32 = 4;
}

/// What became of a ping, in one number: two bits of these, the bit `CLAMPED`, and above them the cursor of `ON_ROUTE` or,
/// for `KEPT`, the refusal, 0 being none.
mod what {
    pub const KEPT: u64 = 0;
    pub const ANCHORED: u64 = 1;
    pub const ON_ROUTE: u64 = 2;
    pub const OFF_ROUTE: u64 = 3;
    pub const KIND: u64 = 3;
    pub const CLAMPED: u64 = 4;
    pub const UPPER: u32 = 3;
}

impl Message for Vec<Ping> {
    fn write(&self, writer: &mut Writer) {
        let count = self.len();
        let origin = writer.origin;
        columns::write(command::DRIVER_STEP, count, steps(self, |ping| i64::from(ping.driver.0)), writer);
        columns::write(command::SEQ_STEP, count, steps(self, |ping| i64::from(ping.seq)), writer);
        columns::write(command::AGE_MS_STEP, count, steps(self, |ping| i64::from(ping.age_ms)), writer);
        let north = self.iter().map(|ping| zigzag(i64::from(ping.coord.lat) - i64::from(origin.lat)));
        columns::write(command::NORTH, count, north, writer);
        let east = self.iter().map(|ping| zigzag(i64::from(ping.coord.lon) - i64::from(origin.lon)));
        columns::write(command::EAST, count, east, writer);
        if self.iter().any(|ping| ping.session != Session::FIRST) {
            columns::write(command::SESSION, count, self.iter().map(|ping| ping.session.encode()), writer);
        }
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        let [mut driver, mut seq, mut age_ms, mut north, mut east, mut session] = [const { Column::absent() }; 6];
        while let Some((number, wire)) = input.field()? {
            let column = match number {
                command::DRIVER_STEP => &mut driver,
                command::SEQ_STEP => &mut seq,
                command::AGE_MS_STEP => &mut age_ms,
                command::NORTH => &mut north,
                command::EAST => &mut east,
                command::SESSION => &mut session,
                _ => {
                    input.skip(wire)?;
                    continue;
                }
            };
            expect(wire, Wire::Bytes)?;
            *column = Column::read(input)?;
        }
        let origin = input.origin;
        let mut pings = std::mem::take(&mut input.pings);
        pings.clear();
        pings.reserve(driver.len_bound());
        let all_first = session.is_empty();
        let mut before = Ping { driver: DriverId(0), session: Session::FIRST, seq: 0, age_ms: 0, coord: origin };
        while !driver.is_empty() {
            before = Ping {
                driver: DriverId(step(before.driver.0, driver.next()?).ok_or(DecodeError::Range("DriverId"))?),
                session: if all_first {
                    Session::FIRST
                } else {
                    Number::decode(session.next()?).ok_or(DecodeError::Range("Session"))?
                },
                seq: step(before.seq, seq.next()?).ok_or(DecodeError::Range("seq"))?,
                age_ms: step(before.age_ms, age_ms.next()?).ok_or(DecodeError::Range("age"))?,
                coord: Coord {
                    lat: step(origin.lat, north.next()?).ok_or(DecodeError::Range("latitude"))?,
                    lon: step(origin.lon, east.next()?).ok_or(DecodeError::Range("longitude"))?,
                },
            };
            pings.push(before);
        }
        if [seq, age_ms, north, east, session].iter().all(Column::is_empty) {
            Ok(pings)
        } else {
            Err(DecodeError::Columns)
        }
    }

    fn json(&self, json: &mut Json) {
        json.key("pings");
        json.list(self, |ping, json| {
            json.object(|json| {
                json.key("driver");
                json.plain(ping.driver);
                if ping.session != Session::FIRST {
                    json.key("session");
                    json.plain(ping.session);
                }
                json.key("seq");
                json.plain(ping.seq);
                json.key("age_ms");
                json.plain(ping.age_ms);
                json.key("coord");
                Field::json(&ping.coord, json);
            });
        });
    }
}

/// A field of pings as a column of steps.
fn steps(pings: &[Ping], field: impl Fn(&Ping) -> i64) -> impl Iterator<Item = u64> {
    let mut before = 0;
    pings.iter().map(move |ping| {
        let step = field(ping) - before;
        before += step;
        zigzag(step)
    })
}

/// A value plus a step of a column.
#[inline]
fn step<T: Into<i64> + TryFrom<i64>>(from: T, step: u64) -> Option<T> {
    // Numbers of columns have 35 bits, so the sum is far from the end of 64.
    T::try_from(from.into() + unzigzag(step)).ok()
}

/// Events at the front of others that repeat the pings at the front of others, one each.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// How many.
    pub len: usize,
    /// How many of them have a place on the streets.
    places: usize,
    /// How many of them have an age of their own.
    clamped: usize,
}

impl Run {
    #[inline]
    pub fn of(events: &[Event], pings: &[Ping]) -> Self {
        let mut run = Self::default();
        for (event, ping) in events.iter().zip(pings) {
            match *event {
                Event::DriverMoved { driver, seq, age_ms, clamped, coord, fix }
                    if driver == ping.driver
                        && seq == ping.seq
                        && coord == ping.coord
                        && (clamped || i64::from(age_ms) == i64::from(ping.age_ms)) =>
                {
                    run.places += usize::from(!matches!(fix, Fix::Kept));
                    run.clamped += usize::from(clamped);
                }
                Event::PingRefused { driver, seq, .. } if driver == ping.driver && seq == ping.seq => {}
                _ => break,
            }
            run.len += 1;
        }
        run
    }
}

/// Writes the events of a run.
pub(super) fn write_run(run: &Run, events: &[Event], writer: &mut Writer) {
    let whats = events.iter().map(|event| match *event {
        Event::DriverMoved { fix, clamped, .. } => {
            let upper = |cursor: u16| u64::from(cursor) << what::UPPER;
            let kind = match fix {
                Fix::Kept => what::KEPT,
                Fix::Anchored(_) => what::ANCHORED,
                Fix::OnRoute { cursor, .. } => what::ON_ROUTE | upper(cursor),
                Fix::OffRoute(_) => what::OFF_ROUTE,
            };
            if clamped { kind | what::CLAMPED } else { kind }
        }
        Event::PingRefused { reason, .. } => what::KEPT | reason.encode() << what::UPPER,
        _ => 0,
    });
    let place = |event: &Event| match *event {
        Event::DriverMoved { fix, .. } => match fix {
            Fix::Kept => None,
            Fix::Anchored(place) | Fix::OnRoute { place, .. } | Fix::OffRoute(place) => Some(place),
        },
        _ => None,
    };
    let clamped_age = |event: &Event| match *event {
        Event::DriverMoved { age_ms, clamped: true, .. } => Some(u64::from(age_ms)),
        _ => None,
    };
    columns::write(run::WHAT, events.len(), whats, writer);
    let edges = events.iter().filter_map(place).map(|place| u64::from(place.edge.0));
    columns::write(run::EDGE, run.places, edges, writer);
    if run.places > 0 {
        writer.delimited(run::ALONG, |writer| {
            let alongs = events.iter().filter_map(place);
            writer.out.extend(alongs.flat_map(|place| place.along.to_le_bytes()));
        });
    }
    columns::write(run::AGE_MS, run.clamped, events.iter().filter_map(clamped_age), writer);
}

/// Reads a run, takes its pings off the front of `pings`, and appends the events that it stands for.
pub(super) fn read_run(input: &mut Input, pings: &mut &[Ping], events: &mut Vec<Event>) -> Result<(), DecodeError> {
    let [mut what, mut edge, mut age_ms] = [const { Column::absent() }; 3];
    let mut along: &[u8] = &[];
    while let Some((number, wire)) = input.field()? {
        if matches!(number, run::WHAT | run::EDGE | run::ALONG | run::AGE_MS) {
            expect(wire, Wire::Bytes)?;
        }
        match number {
            run::WHAT => what = Column::read(input)?,
            run::EDGE => edge = Column::read(input)?,
            run::ALONG => along = input.delimited()?,
            run::AGE_MS => age_ms = Column::read(input)?,
            _ => input.skip(wire)?,
        }
    }
    let mut place = || {
        let edge = EdgeId(u32::try_from(edge.next()?).map_err(|_| DecodeError::Range("EdgeId"))?);
        let (here, rest) = along.split_first_chunk().ok_or(DecodeError::Columns)?;
        along = rest;
        Ok(Position { edge, along: u16::from_le_bytes(*here) })
    };
    events.reserve(what.len_bound());
    while !what.is_empty() {
        let (&ping, rest) = pings.split_first().ok_or(DecodeError::Columns)?;
        *pings = rest;
        let (driver, seq) = (ping.driver, ping.seq);
        let number = what.next()?;
        let (clamped, upper) = (number & what::CLAMPED != 0, number >> what::UPPER);
        let fix = match number & what::KIND {
            what::KEPT if upper > 0 => {
                let reason = PingRefusal::decode(upper).ok_or(DecodeError::Range("PingRefusal"))?;
                events.push(Event::PingRefused { driver, seq, reason });
                continue;
            }
            what::KEPT => Fix::Kept,
            what::ANCHORED => Fix::Anchored(place()?),
            what::ON_ROUTE => {
                let cursor = u16::try_from(upper).map_err(|_| DecodeError::Range("cursor"))?;
                Fix::OnRoute { cursor, place: place()? }
            }
            _ => Fix::OffRoute(place()?),
        };
        let age_ms = if clamped { age_ms.next()? } else { ping.age_ms as u64 };
        let age_ms = u32::try_from(age_ms).map_err(|_| DecodeError::Range("age"))?;
        events.push(Event::DriverMoved { driver, seq, age_ms, clamped, coord: ping.coord, fix });
    }
    if edge.is_empty() && along.is_empty() && age_ms.is_empty() { Ok(()) } else { Err(DecodeError::Columns) }
}
