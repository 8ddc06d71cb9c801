//! The canonical bytes of records: protobuf as `proto/hansom/log/v1/turn.proto` publishes it, with every choice that
//! protobuf leaves open fixed, so that equal turns have equal bytes.
//!
//! Fields stand in order of their numbers; numbers that are 0 and lists that are empty are left out, except in a oneof,
//! an `optional` or a column; lengths and numbers take as few bytes as they can; there are no maps. The instants of
//! events are counted from the time of their turn. The events are the tail of a turn, so that their bytes can be chained
//! without a look at them ([`EventChain`]).
//!
//! Written by hand and not by a generator, because pings are 46 of 50 million facts of a day: in memory a ping's event
//! is complete, in the record it leaves out what the command beside it already says. One table per type gives its bytes,
//! the way back, and its JSON.

pub(crate) mod field;
pub(crate) mod table;
pub(crate) mod wire;

mod columns;
mod commands;
mod domain;
mod events;
mod pings;
mod short;

use super::{Command, Ping, RequestRide, Turn};
use crate::domain::Offset;
use field::{Field, Message, Slot, expect};
use hansom_geo_index::{Coord, Millis};
use short::Beside;
use wire::{Input, Wire, Writer};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Numbers of a turn's fields.
mod number {
    pub const OFFSET: u32 = 1;
    pub const AT: u32 = 2;
    pub const KEY: u32 = 3;
    pub const COMMAND: u32 = 4;
    pub const EVENTS: u32 = 5;
}

/// Why bytes are no record of this format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A length leads beyond the end.
    #[error("the record ends in the middle of a value")]
    Truncated,
    /// A number does not fit.
    #[error("a number has more than 64 bits")]
    LongNumber,
    /// A field does not stand on the wire as the schema says.
    #[error("a field has wire type {0}, which the schema does not give it")]
    WireType(u8),
    /// A value is outside of its type.
    #[error("a value is no {0}")]
    Range(&'static str),
    /// Something that has to be there is not.
    #[error("`{message}` lacks its `{field}`")]
    Missing {
        /// Of which message.
        message: &'static str,
        /// What.
        field: &'static str,
    },
    /// A later version wrote this.
    #[error("`{message}` is of kind {number}, which this version does not know")]
    Unknown {
        /// Of which message.
        message: &'static str,
        /// Its number in the schema.
        number: u32,
    },
    /// Columns do not fit each other or the command.
    #[error("columns differ in length")]
    Columns,
    /// The events are not the tail of the turn.
    #[error("a turn's fields are out of order")]
    Order,
}

/// Appends the canonical bytes of `turn` to `out`. Returns where in `out` those of its events start; they reach to the
/// end.
///
/// `origin` is what the places of pings are counted from: the one in the log's [`Header`](super::Header), best near the
/// middle of the market. A turn has to be read with the origin that it was written with.
pub fn encode(turn: &Turn, origin: Coord, out: &mut Vec<u8>) -> usize {
    let mut writer = Writer::new(out, origin);
    Field::write(&turn.offset, number::OFFSET, &mut writer);
    Field::write(&turn.at, number::AT, &mut writer);
    Field::write(&turn.key, number::KEY, &mut writer);
    Field::write(&turn.command, number::COMMAND, &mut writer);
    let tail = writer.out.len();
    writer.epoch = turn.at;
    let mut beside = Beside::new(turn.key, turn.offset, &turn.command);
    let mut events = turn.events.as_slice();
    while let Some((event, rest)) = events.split_first() {
        events = match beside.write(number::EVENTS, events, &mut writer) {
            0 => {
                Field::write(event, number::EVENTS, &mut writer);
                rest
            }
            said => &events[said..],
        };
    }
    tail
}

/// The turn of these bytes.
pub fn decode(bytes: &[u8], origin: Coord) -> Result<Turn, DecodeError> {
    let mut turn = blank();
    Decoder::new(origin).decode(bytes, &mut turn)?;
    Ok(turn)
}

/// A turn to decode into: a tick at the start of time.
pub fn blank() -> Turn {
    Turn { offset: Offset(0), at: Millis(0), key: None, command: Command::Tick, events: Vec::new() }
}

/// Decodes turns one after the other into the same buffers.
#[derive(Debug)]
pub struct Decoder {
    origin: Coord,
    pings: Vec<Ping>,
}

impl Decoder {
    /// A decoder of turns that were written with this `origin`.
    pub fn new(origin: Coord) -> Self {
        Self { origin, pings: Vec::new() }
    }

    /// Replaces `turn` by the one of these bytes. Returns where in `bytes` those of its events start. After an error
    /// the content of `turn` is of no use.
    pub fn decode(&mut self, bytes: &[u8], turn: &mut Turn) -> Result<usize, DecodeError> {
        if let Command::ReportPositions(pings) = &mut turn.command {
            self.pings = std::mem::take(pings);
        }
        turn.command = Command::Tick;
        turn.events.clear();
        let mut input = Input::new(bytes, self.origin, std::mem::take(&mut self.pings));
        let tail = read(&mut input, turn);
        self.pings = input.pings;
        tail
    }
}

fn read(input: &mut Input, turn: &mut Turn) -> Result<usize, DecodeError> {
    let (mut offset, mut at, mut key, mut command) = (Slot::new(), Slot::new(), Slot::new(), Slot::new());
    let mut tail = input.position();
    let mut next = input.field()?;
    while let Some((number, wire)) = next.filter(|(number, _)| *number != number::EVENTS) {
        match number {
            number::OFFSET => offset.merge(wire, input)?,
            number::AT => at.merge(wire, input)?,
            number::KEY => key.merge(wire, input)?,
            number::COMMAND => command.merge(wire, input)?,
            _ => input.skip(wire)?,
        }
        tail = input.position();
        next = input.field()?;
    }
    turn.command = command.finish(input, "Turn", "command")?;
    turn.offset = offset.finish(input, "Turn", "offset")?;
    turn.at = at.finish(input, "Turn", "at")?;
    turn.key = key.finish(input, "Turn", "key")?;
    input.epoch = turn.at;
    let mut beside = Beside::new(turn.key, turn.offset, &turn.command);
    while let Some((number, wire)) = next {
        if number != number::EVENTS {
            return Err(DecodeError::Order);
        }
        expect(wire, Wire::Bytes)?;
        input.nested(|input| beside.read(input, &mut turn.events))?;
        next = input.field()?;
    }
    Ok(tail)
}

/// What tells one keyed command from another: xxh3-64 over the command's canonical bytes, places of pings counted from
/// (0, 0).
///
/// Whom a rider shall not meet is not part of it: those without a number are left out of the command, and one of them may
/// get his between a try and the next.
pub fn fingerprint(command: &Command) -> u64 {
    if let Command::RequestRide(order) = command
        && !order.blocked.is_empty()
    {
        let order = RequestRide { blocked: Box::default(), ..(**order).clone() };
        return fingerprint(&Command::RequestRide(Box::new(order)));
    }
    let mut bytes = Vec::with_capacity(128);
    Message::write(command, &mut Writer::new(&mut bytes, Coord { lat: 0, lon: 0 }));
    xxh3_64(&bytes)
}

/// The hash that tells one course of events from another: xxh3-128 (default secret, seed 0) over the canonical bytes of
/// all events, turn after turn: each event's field of its turn, tag and length included, and nothing between them.
///
/// It detects divergence, no forgery. What an event leaves out because its turn says it is not part of it.
#[derive(Clone, Default)]
pub struct EventChain(Xxh3);

impl EventChain {
    /// The chain of no events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with the events of one turn: the tail of its bytes from where [`encode`] or [`Decoder::decode`] said.
    #[inline]
    pub fn extend(&mut self, events: &[u8]) {
        self.0.update(events);
    }

    /// The hash so far.
    pub fn digest(&self) -> u128 {
        self.0.digest128()
    }
}

impl std::fmt::Debug for EventChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventChain({:032x})", self.digest())
    }
}
