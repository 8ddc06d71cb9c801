//! Tables of what commands and events are made of.

use super::DecodeError;
use super::field::{Field, Message, Number, Slot, expect, number_fields, optional_fields, repeated_fields};
use super::table::{codes, message, oneof};
use super::wire::{Input, Wire, Writer};
use crate::domain::{Hours, Planner, Policy, Settings, Tariff, Term, Terms, Unserved, Weights};
use crate::lifecycle::{offer, ride, session};
use crate::record::json::Json;
use crate::record::{Account, Entry, PingRefusal, Poison, Refusal, ReleaseCause, RequestRefusal, SettlementCause};
use crate::state::{Timer, TimerKind};
use hansom_geo_index::{Coord, EdgeId, Millis, Position, WeightsVersion};

/// Counted from the market's origin.
impl Message for Coord {
    fn write(&self, writer: &mut Writer) {
        let origin = writer.origin;
        Field::write(&(i64::from(self.lat) - i64::from(origin.lat)), 1, writer);
        Field::write(&(i64::from(self.lon) - i64::from(origin.lon)), 2, writer);
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        let (mut north, mut east) = (Slot::<i64>::new(), Slot::<i64>::new());
        while let Some((number, wire)) = input.field()? {
            match number {
                1 => north.merge(wire, input)?,
                2 => east.merge(wire, input)?,
                _ => input.skip(wire)?,
            }
        }
        let from = |origin: i32, steps: i64| {
            let place = i64::from(origin).checked_add(steps).and_then(|place| i32::try_from(place).ok());
            place.ok_or(DecodeError::Range("Coord"))
        };
        Ok(Self {
            lat: from(input.origin.lat, north.finish(input, "Coord", "north")?)?,
            lon: from(input.origin.lon, east.finish(input, "Coord", "east")?)?,
        })
    }

    fn json(&self, json: &mut Json) {
        json.key("lat");
        json.plain(self.lat);
        json.key("lon");
        json.plain(self.lon);
    }
}
optional_fields!((|number, value: &Coord, writer: &mut Writer| Field::write(value, number, writer)); Coord);

/// One number: the edge in front of the 16 bits of how far along it.
impl Number for Position {
    fn encode(self) -> u64 {
        u64::from(self.edge.0) << 16 | u64::from(self.along)
    }

    fn decode(number: u64) -> Option<Self> {
        Some(Self { edge: EdgeId(u32::try_from(number >> 16).ok()?), along: number as u16 })
    }

    fn json(self, json: &mut Json) {
        json.object(|json| {
            json.key("edge");
            json.plain(self.edge.0);
            json.key("along");
            json.plain(self.along);
        });
    }
}
number_fields!(Some(Position { edge: EdgeId(0), along: 0 }); Position);

codes!(PingRefusal { UnknownDriver = 1, OffShift = 2, OutOfOrder = 3, Teleport = 4, OffStreet = 5, Superseded = 6, NotOpened = 7 });
codes!(RequestRefusal { PickupOffStreet = 1, DropoffOffStreet = 2, NoSeats = 3 });
codes!(ReleaseCause { DriverCancelled = 1, Silent = 2, Slipped = 3 });
codes!(SettlementCause { Fare = 1, Cancellation = 2, NoShow = 3 });
codes!(Account {
    Rider = 1,
    Driver = 2,
    Platform = 3,
    CancellationFee = 4,
    NoShowFee = 5,
    Tax = 6,
    Tolls = 7,
    Rounding = 8,
});
message!(Entry { account = 1, amount = 2 });
repeated_fields!(Vec<Entry>);

oneof!(Refusal {
    KeyConflict = 1,
    UnknownDriver = 2,
    UnknownRide = 3,
    Ride = 4(reason),
    Offer = 5(reason),
    Session = 6(reason),
    OutOfTurn = 7,
    OffStreet = 8,
    NoSeats = 9,
    StaleProposal = 10,
    NoSuchSlice = 11,
    StaleKey = 12,
    EarlyKey = 13,
    TooManyDrivers = 14,
});

codes!(ride::Outcome {
    Completed = 1,
    EndedEarly = 2,
    CancelledBeforeMatch = 3,
    CancelledAfterMatch = 4,
    NoShow = 5,
    NoDriver = 6,
    Refused = 7,
});
oneof!(ride::Status {
    Searching = 1,
    Exhausted = 2,
    Offered = 3(driver),
    Assigned = 4(driver),
    Waiting = 5(driver),
    OnBoard = 6(driver),
    Ended = 7(outcome),
});
oneof!(ride::Refusal {
    Ended = 1(outcome),
    NotYours = 2,
    NoDriver = 3(status),
    NotArrived = 4,
    Arrived = 5,
    NotOnBoard = 6,
    OnBoard = 7,
    NotSearching = 8(status),
    NotOffered = 9,
});

codes!(offer::Outcome { Accepted = 1, Declined = 2, Expired = 3, Withdrawn = 4 });
oneof!(offer::Refusal { StaleEpoch = 1 { given = 1, open = 2 }, Settled = 2(outcome) });

codes!(session::Status { Off = 1, On = 2, Finishing = 3 });
oneof!(session::Refusal {
    OnShift = 1(status),
    OffShift = 2,
    Superseded = 3 { given = 1, open = 2 },
    NotOpened = 4 { given = 1, open = 2 },
});

codes!(TimerKind {
    Weights = 1,
    Offer = 2,
    Silence = 3,
    NoShow = 4,
    Slip = 5,
    Review = 6,
    Chain = 7,
    Matching = 8,
    Retire = 9,
    KeyExpiry = 10,
    Forget = 11,
});
message!(Timer { due = 1, kind = 2, id = 3 });
oneof!(Poison { Command = 1, Ping = 2 { driver = 1, seq = 2 }, Timer = 3(timer) });

codes!(Planner { Nearest = 1, Batch = 2, External = 3 });
message!(Unserved { base = 1, slope_per_s = 2 });
message!(Policy {
    planner = 1,
    batch_window = 2,
    candidates = 3,
    max_wait = 4,
    chain_horizon = 5,
    chain_slip = 6,
    weights = 7,
    unserved = 8,
    destination_value = 9,
    forecast_value = 10,
});
message!(Tariff {
    currency = 1,
    base = 2,
    per_km = 3,
    per_min = 4,
    minimum = 5,
    driver_share_bp = 6,
    tax_bp = 7,
    cancellation_fee = 8,
    no_show_fee = 9,
});
message!(Settings {
    policy = 1,
    tariff = 2,
    hours = 3,
    offer_life = 4,
    max_offers = 5,
    decline_rest = 6,
    silence_warn = 7,
    silence_redispatch = 8,
    no_show_wait = 9,
    boarding = 10,
    alighting = 11,
    snap_mm = 12,
    teleport_mm_s = 13,
    teleport_mm = 14,
    reanchor_along_mm = 15,
    reanchor_across_mm = 16,
    arrival_mm = 17,
    max_age = 18,
    ride_key_life = 19,
    creation_key_life = 20,
    review = 21,
    give_up = 22,
    planner_patience = 23,
    resume_bound = 24,
    driver_life = 25,
});

/// A number per [`Term`], which is the field of its place in [`Term::ALL`], counted from 1.
macro_rules! term_message {
    ($($type:ident),*) => {$(
        impl Message for $type {
            fn write(&self, writer: &mut Writer) {
                for (value, number) in self.0.iter().zip(1..) {
                    Field::write(value, number, writer);
                }
            }

            fn read(input: &mut Input) -> Result<Self, DecodeError> {
                let mut values = [0; Term::COUNT];
                while let Some((number, wire)) = input.field()? {
                    match values.get_mut((number as usize).wrapping_sub(1)) {
                        Some(value) => {
                            let mut slot = None;
                            Field::merge(&mut slot, wire, input)?;
                            *value = slot.unwrap_or_default();
                        }
                        None => input.skip(wire)?,
                    }
                }
                Ok(Self(values))
            }

            fn json(&self, json: &mut Json) {
                for (term, value) in Term::ALL.iter().zip(&self.0) {
                    json.key(term.name());
                    json.plain(value);
                }
            }
        }
    )*};
}
term_message!(Terms, Weights);

/// From when on which weights are in force.
impl Message for (Millis, WeightsVersion) {
    fn write(&self, writer: &mut Writer) {
        Field::write(&self.0, 1, writer);
        Field::write(&self.1, 2, writer);
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        let (mut from, mut version) = (Slot::new(), Slot::new());
        while let Some((number, wire)) = input.field()? {
            match number {
                1 => from.merge(wire, input)?,
                2 => version.merge(wire, input)?,
                _ => input.skip(wire)?,
            }
        }
        Ok((from.finish(input, "Hour", "from")?, version.finish(input, "Hour", "version")?))
    }

    fn json(&self, json: &mut Json) {
        json.key("from");
        Field::json(&self.0, json);
        json.key("version");
        Field::json(&self.1, json);
    }
}
repeated_fields!(Vec<(Millis, WeightsVersion)>);

impl Message for Hours {
    fn write(&self, writer: &mut Writer) {
        Field::write(&self.0, 1, writer);
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        let mut hours = Slot::new();
        while let Some((number, wire)) = input.field()? {
            match number {
                1 => hours.merge(wire, input)?,
                _ => input.skip(wire)?,
            }
        }
        Ok(Self(hours.finish(input, "Hours", "hours")?))
    }

    fn json(&self, json: &mut Json) {
        json.key("hours");
        Field::json(&self.0, json);
    }
}
