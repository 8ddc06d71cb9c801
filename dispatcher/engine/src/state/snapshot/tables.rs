//! Tables of what the state is made of, beside those of records: a field number never changes its meaning within a
//! [version](super::SNAPSHOT_VERSION).

use crate::domain::{DriverId, Key, Leg, Plan, Stop, StopKind};
use crate::lifecycle::offer;
use crate::record::canonical::DecodeError;
use crate::record::canonical::field::{
    Field, Message, Number, Slot, expect, number_fields, optional_fields, repeated_fields,
};
use crate::record::canonical::table::{codes, message, oneof};
use crate::record::canonical::wire::{Input, Wire, Writer};
use crate::record::json::Json;
use crate::state::{Comms, Driver, KeyEntry, Matching, Offer, Ride, Timer, TimerKind};
use hansom_geo_index::Millis;

message!(Ride {
    id = 1,
    rider = 2,
    status = 3,
    requested_at = 4,
    pickup = 5,
    dropoff = 6,
    seats = 7,
    class = 8,
    tier = 9,
    blocked = 10,
    direct_ms = 11,
    fare = 12,
    offer = 13,
    failed_offers = 14,
    resting = 15,
    promised = 16,
    settled = 17,
    extended = 18,
    timer = 19,
    keys = 20,
    request = 21,
});
repeated_fields!(Vec<Ride>);

message!(Offer { driver = 1, status = 2, epoch = 3, chained = 4, terms = 5 });
optional_fields!((|number, value: &Offer, writer: &mut Writer| Field::write(value, number, writer)); Offer);
oneof!(offer::Status { Open = 1 { epoch = 1 }, Settled = 2(outcome) });

/// A pair: its halves are fields 1 and 2.
macro_rules! pair {
    ($one:ty, $one_name:literal, $other:ty, $other_name:literal) => {
        impl Message for ($one, $other) {
            fn write(&self, writer: &mut Writer) {
                Field::write(&self.0, 1, writer);
                Field::write(&self.1, 2, writer);
            }

            fn read(input: &mut Input) -> Result<Self, DecodeError> {
                let (mut one, mut other) = (Slot::new(), Slot::new());
                while let Some((number, wire)) = input.field()? {
                    match number {
                        1 => one.merge(wire, input)?,
                        2 => other.merge(wire, input)?,
                        _ => input.skip(wire)?,
                    }
                }
                Ok((one.finish(input, "pair", $one_name)?, other.finish(input, "pair", $other_name)?))
            }

            fn json(&self, json: &mut Json) {
                json.key($one_name);
                Field::json(&self.0, json);
                json.key($other_name);
                Field::json(&self.1, json);
            }
        }
    };
}

pair!(DriverId, "driver", Millis, "until");
repeated_fields!(Vec<(DriverId, Millis)>);
pair!(TimerKind, "kind", Millis, "due");
optional_fields!(
    (|number, value: &(TimerKind, Millis), writer: &mut Writer| Field::write(value, number, writer));
    (TimerKind, Millis)
);
pair!(Millis, "at", Key, "key");
repeated_fields!(Vec<(Millis, Key)>);

/// A key with what is remembered of it.
pub struct Remembered {
    pub key: Key,
    pub fingerprint: u64,
    pub offset: crate::domain::Offset,
}

impl Remembered {
    pub fn of((key, KeyEntry { fingerprint, offset }): (Key, KeyEntry)) -> Self {
        Self { key, fingerprint, offset }
    }
}
message!(Remembered { key = 1, fingerprint = 2, offset = 3 });
repeated_fields!(Vec<Remembered>);

repeated_fields!(Vec<Timer>);
message!(Matching { due = 1, asked = 2 });

message!(Driver {
    id = 1,
    name = 2,
    session = 3,
    comms = 4,
    seq = 5,
    heard = 6,
    seen = 7,
    seen_at = 8,
    anchor = 9,
    anchor_at = 10,
    leg = 11,
    plan = 12,
    offered = 13,
    chainable = 14,
    seats = 15,
    class = 16,
    autonomous = 17,
    until = 18,
    home = 19,
    rating = 20,
    offers = 21,
    failed_offers = 22,
    cancels = 23,
    silence_due = 24,
    chain_due = 25,
    device = 26,
    forget_due = 27,
});
repeated_fields!(Vec<Driver>);
codes!(Comms { Live = 1, Warned = 2, Dark = 3 });

message!(Leg { origin = 1, started = 2, target = 3, weights = 4, eta_ms = 5, cursor = 6 });
optional_fields!((|number, value: &Leg, writer: &mut Writer| Field::write(value, number, writer)); Leg);
message!(Plan { stops = 1 });
message!(Stop { ride = 1, kind = 2, place = 3 });
repeated_fields!(Vec<Stop>);
codes!(StopKind { Pickup = 1, Dropoff = 2 });

/// Keys side by side, 16 bytes each.
impl Field for Vec<Key> {
    fn write(&self, number: u32, writer: &mut Writer) {
        if !self.is_empty() {
            writer.delimited(number, |writer| {
                writer.out.extend(self.iter().flat_map(|key| key.0.to_be_bytes()));
            });
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Bytes)?;
        let (keys, rest) = input.delimited()?.as_chunks();
        if !rest.is_empty() {
            return Err(DecodeError::Range("list of keys"));
        }
        *slot = Some(keys.iter().map(|key| Key(u128::from_be_bytes(*key))).collect());
        Ok(())
    }

    fn absent(_: &Input) -> Option<Self> {
        Some(Self::default())
    }

    fn json(&self, json: &mut Json) {
        json.list(self, Field::json);
    }
}
