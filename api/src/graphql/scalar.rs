//! Values that GraphQL has no type for.

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use hansom_engine::record::json::rfc3339;
use hansom_engine::{Money, RideId};
use hansom_geo_index::{Coord, Millis};
use hansom_market::ingest::parse_time;
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

use super::code::{BAD_INPUT, error};

/// Where a turn is in its market's log: 0, 1, 2, …, as text, since clients' numbers may be too short for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub u64);

/// Where a turn is in its market's log: 0, 1, 2, …, as text, since clients' numbers may be too short for it. Taken as a number, too.
#[Scalar]
impl ScalarType for Offset {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An instant of the market's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Millis);

/// An instant in RFC 3339, such as `2026-03-05T17:00:00.250Z`; ms count.
#[Scalar]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        let time = match &value {
            Value::String(text) => parse_time(text),
            _ => None,
        };
        time.map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(rfc3339(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(input)?;
        parse_time(&text).map(Self).ok_or_else(|| D::Error::custom("no instant"))
    }
}

/// Whole numbers with a unit, for which `Int` is too short: it ends at 2^31.
macro_rules! whole_numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub i64);

        $(#[$doc])*
        #[Scalar]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                let number = match &value {
                    Value::Number(number) => number.as_i64(),
                    _ => None,
                };
                number.map(Self).ok_or_else(|| InputValueError::expected_type(value))
            }

            fn to_value(&self) -> Value {
                self.0.into()
            }
        }
    )* };
}

whole_numbers! {
    /// Money: a whole number of minor units (cents) of the market's currency.
    Minor;
    /// What an assignment costs, or a part of that: a whole number, of which 1 is 1 ms of pickup ETA. May be more than an `Int`.
    Cost;
    /// How much of a term, in the term's own unit: ms of `eta`, `wait`, `acceptance` and `cancellation`, mm of `deadhead` and
    /// `destination`, minor units of money of `revenue`, hundredths of a star of `rating`. May be more than an `Int`.
    TermAmount;
}

impl From<Money> for Minor {
    fn from(money: Money) -> Self {
        Self(money.0)
    }
}

/// What makes an order unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub String);

/// What makes an order unique: a UUID, the same in every retry, upon which the first answer is given again. Of version 7 for
/// orders that are about no ride that is there already.
#[Scalar]
impl ScalarType for Key {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Key {
    /// What the market calls it; `None`: it is no UUID.
    pub fn inside(&self) -> Option<hansom_engine::Key> {
        let digits: String = self.0.split('-').collect();
        let is_whole = self.0.len() == 36 && digits.len() == 32;
        u128::from_str_radix(&digits, 16).ok().filter(|_| is_whole).map(hansom_engine::Key)
    }
}

/// The number of a ride, from the argument of this name.
pub fn ride_number(argument: &str, id: &ID) -> async_graphql::Result<u32> {
    id.parse().map_err(|_| error(BAD_INPUT, format!("`{argument}` is the number of a ride")))
}

impl From<hansom_engine::Key> for Key {
    fn from(key: hansom_engine::Key) -> Self {
        Self(key.to_string())
    }
}

/// A place on the globe.
#[derive(Debug, Clone, Copy, PartialEq, SimpleObject)]
pub struct Place {
    /// Degrees north, 1e-7 exact.
    pub lat: f64,
    /// Degrees east, 1e-7 exact.
    pub lon: f64,
}

impl From<Coord> for Place {
    fn from(coord: Coord) -> Self {
        Self { lat: f64::from(coord.lat) / 1e7, lon: f64::from(coord.lon) / 1e7 }
    }
}

/// The number of a ride, as an ID.
pub fn ride_id(ride: RideId) -> ID {
    ID(ride.to_string())
}
