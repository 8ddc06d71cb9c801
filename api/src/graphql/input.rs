//! What orders and positions say. A field's name is that in a line of `/v1/commands` or `/v1/locations`, whose decoder has the rules: an
//! order's input becomes the line, a position's fields are given to the decoder as they are.

use std::hash::{Hash, Hasher};

use async_graphql::{ID, InputObject, Result};
use hansom_geo_index::Coord;
use hansom_market::ingest::Given;
use serde::{Deserialize, Serialize, Serializer};

use super::code::bad_value;
use super::lists::braced;
use super::scalar::Time;

/// A place on the globe.
#[derive(Debug, Clone, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceInput {
    /// Degrees north, -90 to 90.
    lat: f64,
    /// Degrees east, -180 to 180.
    lon: f64,
}

impl PlaceInput {
    /// The place inside, from the argument of this name.
    pub fn coord(&self, argument: &str) -> Result<Coord> {
        let inside = |field, degrees: f64, most: f64| {
            let within = degrees.abs() <= most;
            let takes = || bad_value(&format!("{argument}.{field}"), &format!("-{most} to {most} degrees"), degrees);
            within.then(|| (degrees * 1e7).round() as i32).ok_or_else(takes)
        };
        Ok(Coord { lat: inside("lat", self.lat, 90.0)?, lon: inside("lon", self.lon, 180.0)? })
    }
}

/// A ride in a line: its number as a number, the key of its request as text.
fn ride<S: Serializer>(ride: &ID, out: S) -> Result<S::Ok, S::Error> {
    match ride.parse::<u32>() {
        Ok(number) => out.serialize_u32(number),
        Err(_) => out.serialize_str(ride),
    }
}

/// Inputs, with what is left out of the line where it is left out here.
macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, InputObject, Serialize)]
        pub struct $name {
            $($(#[$about])* $field: $type,)*
        }
    )* };
}

inputs! {
    /// A rider asks for a ride.
    RequestRideInput {
        /// The name of the rider: opaque, never a person's.
        rider: String,
        /// Where the rider wants to get in.
        pickup: PlaceInput,
        /// Where the rider wants to get out.
        dropoff: PlaceInput,
        /// Seats needed; 1 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        seats: Option<i64>,
        /// Vehicle class wanted; 0 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<i64>,
        /// Tier of the rider; 0 if left out. A higher one is served first as far as the market's weights say.
        #[serde(skip_serializing_if = "Option::is_none")]
        tier: Option<i64>,
        /// Drivers that this rider shall not meet.
        #[serde(skip_serializing_if = "Option::is_none")]
        blocked: Option<Vec<String>>,
    }
    /// A rider cancels.
    CancelRideInput {
        /// Which ride: its number, or the key of the order that asked for it.
        #[serde(serialize_with = "ride")]
        ride: ID,
    }
    /// A driver goes on shift with a vehicle.
    StartShiftInput {
        /// The name of the driver: opaque, never a person's.
        driver: String,
        /// Where the vehicle is.
        place: PlaceInput,
        /// Seats for riders; 4 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        seats: Option<i64>,
        /// Vehicle class; 0 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<i64>,
        /// Whether the vehicle drives itself and takes every offer; it does not if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        autonomous: Option<bool>,
        /// When the driver means to stop: no pickup is promised beyond it.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
        /// Where the driver lives: rides that lead there may be preferred.
        #[serde(skip_serializing_if = "Option::is_none")]
        home: Option<PlaceInput>,
        /// The driver's rating in hundredths of a star, 100 to 500; 500 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        rating: Option<i64>,
    }
    /// Another device takes over for a driver on shift.
    OpenSessionInput {
        /// Who.
        driver: String,
    }
    /// A driver ends the shift; promised rides are finished first.
    EndShiftInput {
        /// Who.
        driver: String,
        /// From which of the driver's sessions; 1, the first of a shift, if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<i64>,
    }
    /// A driver answers an offer.
    OfferInput {
        /// Who.
        driver: String,
        /// Which ride: its number, or the key of the order that asked for it.
        #[serde(serialize_with = "ride")]
        ride: ID,
        /// Which of its offers, as the offer says.
        epoch: i64,
        /// From which of the driver's sessions; 1, the first of a shift, if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<i64>,
    }
    /// A driver and a ride.
    TripInput {
        /// Who.
        driver: String,
        /// Which ride: its number, or the key of the order that asked for it.
        #[serde(serialize_with = "ride")]
        ride: ID,
        /// From which of the driver's sessions; 1, the first of a shift, if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<i64>,
    }
    /// The rider is out of the vehicle.
    EndTripInput {
        /// Whose vehicle.
        driver: String,
        /// Which ride: its number, or the key of the order that asked for it.
        #[serde(serialize_with = "ride")]
        ride: ID,
        /// Where.
        place: PlaceInput,
        /// From which of the driver's sessions; 1, the first of a shift, if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<i64>,
    }
}

/// Where a driver's vehicle is, or was a moment ago.
#[derive(Debug, Clone, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionInput {
    /// Who.
    driver: String,
    /// From which of the driver's sessions; 1, the first of a shift, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<i64>,
    /// Counts the positions of the session, from 1. One with a number that was seen is refused.
    seq: i64,
    /// Where.
    #[serde(deserialize_with = "braced")]
    place: PlaceInput,
    /// When the device measured it; now if left out.
    #[serde(skip_serializing)]
    pub measured: Option<Time>,
}

impl PositionInput {
    /// Feeds a hash, bit by bit.
    pub fn feed(&self, hasher: &mut impl Hasher) {
        let Self { driver, session, seq, place: PlaceInput { lat, lon }, measured } = self;
        let measured = measured.map(|Time(measured)| measured.0);
        (driver, session, seq, lat.to_bits(), lon.to_bits(), measured).hash(hasher);
    }

    /// What its line says, under this name.
    pub fn given<'a>(&'a self, id: &'a str) -> Given<'a> {
        let Self { driver, session, seq, place: PlaceInput { lat, lon }, measured } = self;
        let measured = measured.map(|Time(measured)| measured);
        Given { id, measured, driver, session: *session, seq: *seq, lat: *lat, lon: *lon }
    }
}

/// The number of seats, or of a class, from the argument of this name.
pub fn byte(argument: &str, given: i64) -> Result<u8> {
    u8::try_from(given).map_err(|_| bad_value(argument, "0 to 255", given))
}
