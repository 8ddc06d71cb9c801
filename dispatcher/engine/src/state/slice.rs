//! Digests of slices of the state: what a market at work can compare with whoever folds its log, a bit at a time.
//!
//! A slice is what is of the market as a whole, and of each table every 64th entry, or every 1,024th. All of them together
//! cover the state. A market is told of in 64 while it is small: one of 64 took 3 ms of a city with 100,000 drivers and 300
//! requests a second, more with each minute, and a market does nothing else meanwhile.

use super::snapshot::tables::Remembered;
use super::{Ride, State, Timer};
use crate::domain::{Key, RideId};
use crate::record::Account;
use crate::record::canonical::field::Field;
use crate::record::canonical::wire::Writer;
use hansom_geo_index::Coord;
use xxhash_rust::xxh3::xxh3_64;

/// Slices with numbers below this are of so many …
const COARSE: u16 = 64;
/// … and the others of so many.
const FINE: u16 = 1024;
/// All numbers of slices are below this.
pub const SLICES: u16 = COARSE + FINE;
/// With so many entries a market is large: one of more than five times as many took 4.6 ms for a slice of 64.
const MANY: usize = 20_000;
/// From one fine slice to the next: each comes once. One by one they would go along with the time, as spans of timers are about
/// a second long, and see none but timers that are as far ahead.
const JUMP: u64 = 389;

impl State {
    /// Whether it is told of in fine slices.
    pub fn is_large(&self) -> bool {
        self.fleet.drivers.len() + self.timers.iter().len() + self.keys.len() >= MANY
    }

    /// The number of the slice that it is told of as the `nth`: after all were told of comes the first again.
    pub fn nth_slice(&self, nth: u64) -> u16 {
        if self.is_large() {
            COARSE + (nth % u64::from(FINE) * JUMP % u64::from(FINE)) as u16
        } else {
            (nth % u64::from(COARSE)) as u16
        }
    }

    /// The digest of one slice, in the encoding of [snapshots](Self::encode). Timers are those with such numbers or, as all would
    /// have to be looked at for that, in a fine slice those of every 1,024th span of time.
    pub fn slice_digest(&self, slice: u16) -> u64 {
        let mut out = Vec::with_capacity(1 << 16);
        let writer = &mut Writer::new(&mut out, Coord { lat: 0, lon: 0 });
        let (slice, of) = if slice < COARSE { (slice, COARSE) } else { (slice - COARSE, FINE) };
        let (nth, of) = (u32::from(slice), u32::from(of));
        let (place, stride) = (nth as usize, of as usize);
        self.whole(writer);
        let (first, next) = (self.rides.first_id().0, self.rides.next_id().0);
        let before = (nth + of - first % of) % of;
        for id in (first..next).skip(before as usize).step_by(stride) {
            if let Some(ride) = self.rides.get(RideId(id)) {
                self.ride(ride, writer);
            }
        }
        for driver in self.fleet.drivers.every(place, stride) {
            Field::write(driver, 3, writer);
        }
        for left in self.fleet.drivers.left().filter(|left| left.0 % of == nth) {
            Field::write(&left, 7, writer);
        }
        let mut write = |timer: Timer| Field::write(&timer, 6, writer);
        if of == u32::from(COARSE) {
            self.timers.iter().filter(|timer| timer.id % of == nth).for_each(&mut write);
        } else {
            self.timers.every(nth, of, &mut write);
        }
        for (at, key) in self.keys.creation().skip(place).step_by(stride) {
            Field::write(&at, 4, writer);
            self.key(key, writer);
        }
        xxh3_64(&out)
    }

    /// What is of the market as a whole.
    fn whole(&self, writer: &mut Writer) {
        Field::write(&self.logic_version, 1, writer);
        Field::write(&*self.settings, 1, writer);
        Field::write(&self.weights, 1, writer);
        Field::write(&self.matching, 1, writer);
        Field::write(&self.keys.expiry_due, 1, writer);
        for account in Account::ALL {
            Field::write(&self.ledger.balance(account), 1, writer);
        }
        let counts = [self.line.len(), self.fleet.drivers.len(), self.timers.iter().len(), self.keys.len()];
        for count in counts {
            writer.varint(count as u64);
        }
        Field::write(&self.rides.first_id(), 1, writer);
        Field::write(&self.rides.next_id(), 1, writer);
    }

    /// A ride, and what is kept of it elsewhere: its place in line, its keys.
    fn ride(&self, ride: &Ride, writer: &mut Writer) {
        Field::write(ride, 2, writer);
        writer.varint(u64::from(self.line.contains(&ride.id)));
        ride.keys.iter().for_each(|key| self.key(*key, writer));
    }

    /// What is remembered of a key.
    fn key(&self, key: Key, writer: &mut Writer) {
        match self.keys.get(key) {
            Some(entry) => Field::write(&Remembered::of((key, entry)), 5, writer),
            None => writer.varint(0),
        }
    }
}
