//! Short forms of events that repeat what stands beside them.
//!
//! The events of pings are the bulk of a log ([`pings`]). Of the others, two are most of it: that a command was taken under
//! its key, which says nothing but the ride with which the key dies, and that the silence of drivers was put off, which
//! timers say of one driver after the other. An event that is not what its short form would say stands in full.

use super::columns::{self, Column, LIMIT};
use super::field::{Field, Message, Slot, expect, unzigzag, zigzag};
use super::pings;
use super::wire::{Input, Wire, Writer, tag};
use super::{DecodeError, fingerprint};
use crate::domain::{DriverId, Key, Offset, RideId};
use crate::record::{Command, Event, Ping};
use hansom_geo_index::Millis;

/// Numbers of the short forms among the kinds of events.
mod number {
    pub const PING_RUN: u32 = 1;
    pub const KEYED_HERE: u32 = 3;
    pub const SILENCE_RUN: u32 = 15;
}

/// Columns of a run of `SilenceRearmed`.
mod silence {
    pub const DRIVER_STEP: u32 = 1;
    pub const UNTIL_STEP: u32 = 2;
}

/// The first bytes of events in short form.
const PING_RUN: Option<u8> = Some(tag(number::PING_RUN, Wire::Bytes) as u8);
const KEYED_HERE: Option<u8> = Some(tag(number::KEYED_HERE, Wire::Bytes) as u8);
const SILENCE_RUN: Option<u8> = Some(tag(number::SILENCE_RUN, Wire::Bytes) as u8);

/// What the short forms in a turn repeat.
pub(super) struct Beside<'a> {
    key: Option<Key>,
    offset: Offset,
    command: &'a Command,
    /// Those of the command's pings that no event was about yet.
    pings: &'a [Ping],
}

impl<'a> Beside<'a> {
    pub fn new(key: Option<Key>, offset: Offset, command: &'a Command) -> Self {
        let pings: &[Ping] = match command {
            Command::ReportPositions(pings) => pings,
            _ => &[],
        };
        Self { key, offset, command, pings }
    }

    /// Writes as many of the first events as one short form can say; returns how many, 0 if there is none for them.
    pub fn write(&mut self, field: u32, events: &[Event], writer: &mut Writer) -> usize {
        match events.first() {
            Some(Event::DriverMoved { .. } | Event::PingRefused { .. }) => {
                let run = pings::Run::of(events, self.pings);
                if run.len > 0 {
                    self.pings = &self.pings[run.len..];
                    let said = &events[..run.len];
                    writer.delimited(field, |writer| {
                        writer.delimited(number::PING_RUN, |writer| pings::write_run(&run, said, writer));
                    });
                }
                run.len
            }
            Some(Event::Keyed { key, fingerprint: print, offset, ride })
                if Some(*key) == self.key && *offset == self.offset && *print == fingerprint(self.command) =>
            {
                writer.delimited(field, |writer| {
                    writer.delimited(number::KEYED_HERE, |writer| Field::write(ride, 1, writer));
                });
                1
            }
            Some(Event::SilenceRearmed { .. }) => write_silence(field, events, writer),
            _ => 0,
        }
    }
    /// Reads what stands as one event, in short form or in full.
    pub fn read(&mut self, input: &mut Input, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let form = input.peek();
        if !matches!(form, PING_RUN | KEYED_HERE | SILENCE_RUN) {
            events.push(Message::read(input)?);
            return Ok(());
        }
        input.field()?;
        input.nested(|input| match form {
            PING_RUN => pings::read_run(input, &mut self.pings, events),
            KEYED_HERE => {
                events.push(self.read_keyed(input)?);
                Ok(())
            }
            _ => read_silence(input, events),
        })
    }

    fn read_keyed(&self, input: &mut Input) -> Result<Event, DecodeError> {
        let mut ride = Slot::<Option<RideId>>::new();
        while let Some((number, wire)) = input.field()? {
            match number {
                1 => ride.merge(wire, input)?,
                _ => input.skip(wire)?,
            }
        }
        let ride = ride.finish(input, "KeyedHere", "ride")?;
        let key = self.key.ok_or(DecodeError::Missing { message: "Turn", field: "key" })?;
        Ok(Event::Keyed { key, fingerprint: fingerprint(self.command), offset: self.offset, ride })
    }
}

/// Writes a run of two or more `SilenceRearmed`.
fn write_silence(field: u32, events: &[Event], writer: &mut Writer) -> usize {
    // The time of the turn is what the first instant is counted from.
    let mut before = (0, writer.epoch.0);
    let steps = events.iter().map_while(move |event| match *event {
        Event::SilenceRearmed { driver, until } => {
            let step = (i64::from(driver.0) - before.0, until.0.checked_sub(before.1)?);
            before = (i64::from(driver.0), until.0);
            let step = (zigzag(step.0), zigzag(step.1));
            (step.1 < LIMIT).then_some(step)
        }
        _ => None,
    });
    let count = steps.clone().count();
    if count < 2 {
        return 0;
    }
    writer.delimited(field, |writer| {
        writer.delimited(number::SILENCE_RUN, |writer| {
            columns::write(silence::DRIVER_STEP, count, steps.clone().map(|(driver, _)| driver), writer);
            columns::write(silence::UNTIL_STEP, count, steps.map(|(_, until)| until), writer);
        });
    });
    count
}

/// Reads a run of `SilenceRearmed`.
fn read_silence(input: &mut Input, events: &mut Vec<Event>) -> Result<(), DecodeError> {
    let [mut driver, mut until] = [const { Column::absent() }; 2];
    while let Some((number, wire)) = input.field()? {
        let column = match number {
            silence::DRIVER_STEP => &mut driver,
            silence::UNTIL_STEP => &mut until,
            _ => {
                input.skip(wire)?;
                continue;
            }
        };
        expect(wire, Wire::Bytes)?;
        *column = Column::read(input)?;
    }
    let mut before = (0_i64, input.epoch.0);
    while !driver.is_empty() {
        // A step has 35 bits, so a driver's number stays far from the end of 64.
        before.0 += unzigzag(driver.next()?);
        before.1 = before.1.checked_add(unzigzag(until.next()?)).ok_or(DecodeError::Range("instant"))?;
        let number = u32::try_from(before.0).map_err(|_| DecodeError::Range("DriverId"))?;
        events.push(Event::SilenceRearmed { driver: DriverId(number), until: Millis(before.1) });
    }
    if until.is_empty() { Ok(()) } else { Err(DecodeError::Columns) }
}
