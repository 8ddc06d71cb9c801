//! A state as bytes, and back.
//!
//! The encoding is canonical: equal states have equal bytes, so its hash is the digest of the state. It is that of records
//! (`record::canonical`), by tables of the same kind. Derived, and so left out: the pools and the index of free vehicles.
//! A market that goes on from a decoded state answers as the one that was encoded would have.

pub(super) mod tables;
#[cfg(test)]
mod tests;

use super::{Driver, Drivers, Fleet, KeyEntry, Keys, Ledger, Matching, Ride, Rides, State, Timer, Timers};
use crate::domain::{DriverId, Key, Money, RideId, Settings};
use crate::evolve::repool;
use crate::record::Account;
use crate::record::canonical::DecodeError;
use crate::record::canonical::field::{Field, Slot, expect};
use crate::record::canonical::wire::{Input, Wire, Writer};
use hansom_geo_index::{Coord, Millis, Network, Position, WeightsVersion};
use std::sync::Arc;
use tables::Remembered;
use xxhash_rust::xxh3::xxh3_128;

/// Version of the encoding. States of another one are not decoded: the log they stem from is folded instead.
pub const SNAPSHOT_VERSION: u32 = 1;

/// What places are counted from.
const ORIGIN: Coord = Coord { lat: 0, lon: 0 };

/// Numbers of a state's fields.
mod number {
    pub const VERSION: u32 = 1;
    pub const LOGIC_VERSION: u32 = 2;
    pub const SETTINGS: u32 = 3;
    pub const WEIGHTS: u32 = 4;
    /// The lowest number of a ride that may still be in the state.
    pub const FIRST_RIDE: u32 = 5;
    /// The number that the next request takes.
    pub const NEXT_RIDE: u32 = 6;
    /// From the lowest number on, a bit each, low ones first: whether the ride is in the state.
    pub const PRESENT: u32 = 7;
    pub const RIDES: u32 = 8;
    pub const LINE: u32 = 9;
    pub const DRIVERS: u32 = 10;
    pub const TIMERS: u32 = 11;
    pub const KEYS: u32 = 12;
    pub const CREATION_KEYS: u32 = 13;
    pub const EXPIRY_DUE: u32 = 14;
    /// Of each account, in their order.
    pub const BALANCES: u32 = 15;
    pub const MATCHING: u32 = 16;
    /// The numbers of drivers to come whose places were left.
    pub const LEFT: u32 = 17;
}

impl State {
    /// Its canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.fleet.drivers.len() * 160 + 4096);
        self.encode_into(&mut out);
        out
    }

    /// Puts its [bytes](Self::encode) behind those in `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let writer = &mut Writer::new(out, ORIGIN);
        let Self { logic_version, settings, weights, rides, line, fleet, timers, keys, ledger, matching } = self;
        Field::write(&SNAPSHOT_VERSION, number::VERSION, writer);
        Field::write(logic_version, number::LOGIC_VERSION, writer);
        Field::write(&**settings, number::SETTINGS, writer);
        Field::write(weights, number::WEIGHTS, writer);
        Field::write(&rides.first_id(), number::FIRST_RIDE, writer);
        Field::write(&rides.next_id(), number::NEXT_RIDE, writer);
        writer.bytes(number::PRESENT, &present(rides));
        rides.iter().for_each(|ride| Field::write(ride, number::RIDES, writer));
        writer.delimited(number::LINE, |writer| line.iter().for_each(|ride| writer.varint(u64::from(ride.0))));
        fleet.drivers().for_each(|driver| Field::write(driver, number::DRIVERS, writer));
        timers.iter().for_each(|timer| Field::write(&timer, number::TIMERS, writer));
        keys.iter().for_each(|key| Field::write(&Remembered::of(key), number::KEYS, writer));
        keys.creation().for_each(|taken| Field::write(&taken, number::CREATION_KEYS, writer));
        Field::write(&keys.expiry_due, number::EXPIRY_DUE, writer);
        writer.delimited(number::BALANCES, |writer| {
            for account in Account::ALL {
                writer.out.extend_from_slice(&ledger.balance(account).0.to_be_bytes());
            }
        });
        Field::write(matching, number::MATCHING, writer);
        if fleet.drivers.left().len() > 0 {
            writer.delimited(number::LEFT, |writer| fleet.drivers.left().for_each(|id| writer.varint(u64::from(id.0))));
        }
    }

    /// The state of these bytes, of a market on `network`.
    pub fn decode(bytes: &[u8], network: &Network) -> Result<Self, DecodeError> {
        let parts = Parts::read(bytes)?;
        let rides = parts.rides(network)?;
        for driver in &parts.drivers {
            check_driver(driver, network)?;
        }
        let drivers = Drivers::of(parts.drivers, parts.left).ok_or(DecodeError::Range("place of its own"))?;
        let timers = Timers::of(parts.timers);
        let mut state = Self {
            logic_version: parts.logic_version,
            settings: Arc::new(parts.settings),
            weights: parts.weights,
            rides,
            line: parts.line.into_iter().collect(),
            fleet: Fleet::of(network, drivers),
            timers,
            keys: Keys::of(
                parts
                    .keys
                    .into_iter()
                    .map(|Remembered { key, fingerprint, offset }| (key, KeyEntry { fingerprint, offset })),
                parts.creation,
                parts.expiry_due,
            ),
            ledger: Ledger::of(parts.balances),
            matching: parts.matching,
        };
        let drivers: Vec<DriverId> = state.fleet.drivers().map(|driver| driver.id).collect();
        for driver in drivers {
            repool(&mut state, network, driver);
        }
        Ok(state)
    }

    /// The digest of everything the market knows: xxh3-128 of its [bytes](Self::encode). Equal digests mean markets that
    /// will answer alike.
    pub fn digest(&self) -> u128 {
        xxh3_128(&self.encode())
    }
}

/// Which of the numbers given out are rides in the state.
fn present(rides: &Rides) -> Vec<u8> {
    let mut bits = vec![0; (rides.next_id().0 - rides.first_id().0).div_ceil(8) as usize];
    for ride in rides.iter() {
        let place = ride.id.0 - rides.first_id().0;
        bits[(place / 8) as usize] |= 1 << (place % 8);
    }
    bits
}

/// Whether places are on the streets of the market.
fn check_places(network: &Network, places: impl IntoIterator<Item = Position>) -> Result<(), DecodeError> {
    let on_a_street = |place: Position| (place.edge.0 as usize) < network.edge_count();
    if places.into_iter().all(on_a_street) { Ok(()) } else { Err(DecodeError::Range("place on the network")) }
}

fn check_driver(driver: &Driver, network: &Network) -> Result<(), DecodeError> {
    let leg = driver.leg.iter().flat_map(|leg| [leg.origin, leg.target]);
    let stops = driver.plan.stops().iter().map(|stop| stop.place);
    check_places(network, [driver.anchor].into_iter().chain(leg).chain(stops))
}

/// A state's fields as they stand.
struct Parts {
    logic_version: u32,
    settings: Settings,
    weights: WeightsVersion,
    first: RideId,
    next: RideId,
    present: Vec<u8>,
    rides: Vec<Ride>,
    line: Vec<RideId>,
    drivers: Vec<Driver>,
    left: Vec<DriverId>,
    timers: Vec<Timer>,
    keys: Vec<Remembered>,
    creation: Vec<(Millis, Key)>,
    expiry_due: Option<Millis>,
    balances: [Money; Account::COUNT],
    matching: Matching,
}

impl Parts {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let input = &mut Input::new(bytes, ORIGIN, Vec::new());
        let mut version = Slot::new();
        let (mut logic_version, mut settings, mut weights) = (Slot::new(), Slot::new(), Slot::new());
        let (mut first, mut next, mut rides, mut drivers) = (Slot::new(), Slot::new(), Slot::new(), Slot::new());
        let (mut timers, mut keys, mut creation) = (Slot::new(), Slot::new(), Slot::new());
        let (mut expiry_due, mut matching) = (Slot::new(), Slot::new());
        let (mut present, mut line, mut balances) = (&[][..], Vec::new(), [Money::ZERO; Account::COUNT]);
        let mut left = Vec::new();
        while let Some((number, wire)) = input.field()? {
            match number {
                number::VERSION => version.merge(wire, input)?,
                number::LOGIC_VERSION => logic_version.merge(wire, input)?,
                number::SETTINGS => settings.merge(wire, input)?,
                number::WEIGHTS => weights.merge(wire, input)?,
                number::FIRST_RIDE => first.merge(wire, input)?,
                number::NEXT_RIDE => next.merge(wire, input)?,
                number::PRESENT => present = bytes_of(wire, input)?,
                number::RIDES => rides.merge(wire, input)?,
                number::LINE => line = read_numbers(wire, input)?.into_iter().map(RideId).collect(),
                number::LEFT => left = read_numbers(wire, input)?.into_iter().map(DriverId).collect(),
                number::DRIVERS => drivers.merge(wire, input)?,
                number::TIMERS => timers.merge(wire, input)?,
                number::KEYS => keys.merge(wire, input)?,
                number::CREATION_KEYS => creation.merge(wire, input)?,
                number::EXPIRY_DUE => expiry_due.merge(wire, input)?,
                number::BALANCES => balances = read_balances(wire, input)?,
                number::MATCHING => matching.merge(wire, input)?,
                _ => return Err(DecodeError::Unknown { message: "State", number }),
            }
        }
        let version: u32 = version.finish(input, "State", "version")?;
        if version != SNAPSHOT_VERSION {
            return Err(DecodeError::Unknown { message: "State", number: version });
        }
        Ok(Self {
            logic_version: logic_version.finish(input, "State", "logic_version")?,
            settings: settings.finish(input, "State", "settings")?,
            weights: weights.finish(input, "State", "weights")?,
            first: first.finish(input, "State", "first_ride")?,
            next: next.finish(input, "State", "next_ride")?,
            present: present.to_vec(),
            rides: rides.finish(input, "State", "rides")?,
            line,
            drivers: drivers.finish(input, "State", "drivers")?,
            left,
            timers: timers.finish(input, "State", "timers")?,
            keys: keys.finish(input, "State", "keys")?,
            creation: creation.finish(input, "State", "creation_keys")?,
            expiry_due: expiry_due.finish(input, "State", "expiry_due")?,
            balances,
            matching: matching.finish(input, "State", "matching")?,
        })
    }

    /// The rides, each at its number.
    fn rides(&self, network: &Network) -> Result<Rides, DecodeError> {
        let slots = self.next.0.checked_sub(self.first.0).ok_or(DecodeError::Range("span of rides"))?;
        // The span is as long as its bits, so a damaged number cannot ask for memory that the bytes do not account for.
        if self.present.len() != slots.div_ceil(8) as usize {
            return Err(DecodeError::Columns);
        }
        let mut waiting = self.rides.iter();
        let mut rides = Rides::from(self.first);
        for place in 0..slots {
            let is_present = self.present[(place / 8) as usize] >> (place % 8) & 1 == 1;
            let ride = if is_present { Some(waiting.next().ok_or(DecodeError::Columns)?.clone()) } else { None };
            if let Some(ride) = &ride {
                if ride.id != rides.next_id() {
                    return Err(DecodeError::Range("next ride"));
                }
                check_places(network, [ride.pickup, ride.dropoff])?;
            }
            rides.push(ride);
        }
        if waiting.next().is_some() || rides.first_id() != self.first {
            return Err(DecodeError::Columns);
        }
        Ok(rides)
    }
}

fn bytes_of<'a>(wire: Wire, input: &mut Input<'a>) -> Result<&'a [u8], DecodeError> {
    expect(wire, Wire::Bytes)?;
    input.delimited()
}

fn read_numbers(wire: Wire, input: &mut Input) -> Result<Vec<u32>, DecodeError> {
    expect(wire, Wire::Bytes)?;
    input.nested(|input| {
        let mut numbers = Vec::new();
        while !input.is_empty() {
            numbers.push(u32::try_from(input.varint()?).map_err(|_| DecodeError::Range("number"))?);
        }
        Ok(numbers)
    })
}

fn read_balances(wire: Wire, input: &mut Input) -> Result<[Money; Account::COUNT], DecodeError> {
    let (balances, rest) = bytes_of(wire, input)?.as_chunks();
    let balances = <&[[u8; 8]; Account::COUNT]>::try_from(balances).map_err(|_| DecodeError::Columns)?;
    if rest.is_empty() {
        Ok(balances.map(|balance| Money(i64::from_be_bytes(balance))))
    } else {
        Err(DecodeError::Columns)
    }
}
