//! Digests of slices of the state: what a market at work can compare with whoever folds its log, a bit at a time.
//!
//! A slice is what is of the market as a whole, and of each table the entries whose number modulo [`SLICES`] is the
//! slice's. All of them together cover the state.

use super::snapshot::tables::Remembered;
use super::{Ride, State};
use crate::domain::{Key, RideId};
use crate::record::Account;
use crate::record::canonical::field::Field;
use crate::record::canonical::wire::Writer;
use hansom_geo_index::Coord;
use xxhash_rust::xxh3::xxh3_64;

/// How many slices there are.
pub const SLICES: u8 = 64;

impl State {
    /// The digest of one slice, in the encoding of [snapshots](Self::encode).
    pub fn slice_digest(&self, slice: u8) -> u64 {
        let mut out = Vec::with_capacity(1 << 16);
        let writer = &mut Writer::new(&mut out, Coord { lat: 0, lon: 0 });
        let stride = usize::from(SLICES);
        self.whole(writer);
        let (first, next) = (self.rides.first_id().0, self.rides.next_id().0);
        let start = first + (u32::from(slice) + u32::from(SLICES) - first % u32::from(SLICES)) % u32::from(SLICES);
        for id in (start..next).step_by(stride) {
            if let Some(ride) = self.rides.get(RideId(id)) {
                self.ride(ride, writer);
            }
        }
        for driver in self.fleet.drivers.every(usize::from(slice), stride) {
            Field::write(driver, 3, writer);
        }
        for left in self.fleet.drivers.left().filter(|left| left.0 % u32::from(SLICES) == u32::from(slice)) {
            Field::write(&left, 7, writer);
        }
        for timer in self.timers.iter().filter(|timer| timer.id % u32::from(SLICES) == u32::from(slice)) {
            Field::write(&timer, 6, writer);
        }
        for (at, key) in self.keys.creation().skip(usize::from(slice)).step_by(stride) {
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
