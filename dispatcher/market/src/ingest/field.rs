//! How a value stands in a line: one [`Field`] a type gives the way in, the way out and the schema.

use super::json::{Json, write_text};
use super::malformed::{Fault, Malformed, cut};
use super::time;
use hansom_engine::record::json::rfc3339;
use hansom_engine::{DriverId, Epoch, Key, Money, Name, RideId};
use hansom_geo_index::{Coord, Millis};
use std::io::Write;

/// A type that can stand in a line.
pub(super) trait Field: Sized {
    /// The value that stands there.
    fn read(value: &Json<'_>) -> Result<Self, Malformed>;
    /// Appends it as JSON.
    fn write(&self, out: &mut Vec<u8>);
    /// Its JSON Schema, compact.
    fn schema() -> String;
    /// What it is where nothing stands; `None`: something has to.
    fn absent() -> Option<Self> {
        None
    }
    /// Whether nothing shall stand for it.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A value of the wrong kind.
pub(super) fn kind<T>(expected: &'static str, value: &Json<'_>) -> Result<T, Malformed> {
    Err(Malformed::new(Fault::Kind { expected, found: value.kind() }))
}

/// A value that is not allowed.
pub(super) fn refuse<T>(expected: &'static str, found: &str) -> Result<T, Malformed> {
    Err(Malformed::new(Fault::Value { expected, found: cut(found) }))
}

/// The text that stands there.
pub(super) fn text<'a>(value: &'a Json<'_>, expected: &'static str) -> Result<&'a str, Malformed> {
    match value {
        Json::Text(text) => Ok(text),
        other => kind(expected, other),
    }
}

/// Whole numbers, each with the range of its type or a part of it.
macro_rules! whole {
    ($($type:ty, $range:expr, $expected:literal;)*) => { $(
        impl Field for $type {
            fn read(value: &Json<'_>) -> Result<Self, Malformed> {
                match value {
                    Json::Integer(number) if $range.contains(number) => Ok(*number as Self),
                    Json::Integer(number) => refuse($expected, &number.to_string()),
                    other => kind($expected, other),
                }
            }

            fn write(&self, out: &mut Vec<u8>) {
                // Writing to memory cannot fail.
                let _ = write!(out, "{self}");
            }

            fn schema() -> String {
                format!(r#"{{"type":"integer","minimum":{},"maximum":{}}}"#, $range.start(), $range.end())
            }
        }
    )* };
}

whole! {
    u8, 0..=255_i64, "a whole number from 0 to 255";
    u32, 0..=4_294_967_295_i64, "a whole number from 0 to 4294967295";
    u64, 0..=i64::MAX, "a whole number from 0 to 9223372036854775807";
    i64, i64::MIN..=i64::MAX, "a whole number";
}

/// Numbers with a name, as plain numbers.
macro_rules! number {
    ($($type:ident($inner:ty),)*) => { $(
        impl Field for $type {
            fn read(value: &Json<'_>) -> Result<Self, Malformed> {
                <$inner>::read(value).map(Self)
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn schema() -> String {
                <$inner>::schema()
            }
        }
    )* };
}

number! { Money(i64), Epoch(u32), RideId(u32), DriverId(u32), }

/// A driver's rating in hundredths of a star, 100 to 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rating(pub u16);

impl Field for Rating {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str = "a whole number from 100 to 500, hundredths of a star";
        match value {
            Json::Integer(number @ 100..=500) => Ok(Self(*number as u16)),
            Json::Integer(number) => refuse(EXPECTED, &number.to_string()),
            other => kind(EXPECTED, other),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        i64::from(self.0).write(out);
    }

    fn schema() -> String {
        r#"{"type":"integer","minimum":100,"maximum":500}"#.to_owned()
    }
}

impl Field for bool {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        match value {
            Json::Bool(value) => Ok(*value),
            other => kind("true or false", other),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn schema() -> String {
        r#"{"type":"boolean"}"#.to_owned()
    }
}

/// Text for people; only ever written by us.
impl Field for Box<str> {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        text(value, "text").map(Into::into)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn schema() -> String {
        r#"{"type":"string"}"#.to_owned()
    }
}

impl Field for Name {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str = "an opaque name: 1 to 64 bytes without white space or control characters";
        let name = text(value, EXPECTED)?;
        let free = |letter: char| letter.is_whitespace() || letter.is_control();
        if name.is_empty() || name.len() > 64 || name.contains(free) {
            return refuse(EXPECTED, name);
        }
        Ok(Self(name.into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_text(&self.0, out);
    }

    fn schema() -> String {
        r#"{"type":"string","minLength":1,"maxLength":64,"pattern":"^[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$"}"#
            .to_owned()
    }
}

impl Field for Key {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str = "a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057";
        let given = text(value, EXPECTED)?;
        uuid(given).map_or_else(|| refuse(EXPECTED, given), Ok)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\"{self}\"");
    }

    fn schema() -> String {
        r#"{"type":"string","format":"uuid"}"#.to_owned()
    }
}

fn uuid(text: &str) -> Option<Key> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    bytes
        .iter()
        .enumerate()
        .try_fold(0, |key, (at, byte)| match at {
            8 | 13 | 18 | 23 => (*byte == b'-').then_some(key),
            _ => Some(key << 4 | u128::from(char::from(*byte).to_digit(16)?)),
        })
        .map(Key)
}

/// Instants are RFC 3339.
impl Field for Millis {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str = "a time in RFC 3339 such as 2026-03-05T17:00:00.250Z";
        let given = text(value, EXPECTED)?;
        time::parse(given).map_or_else(|| refuse(EXPECTED, given), Ok)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\"{}\"", rfc3339(*self));
    }

    fn schema() -> String {
        r#"{"type":"string","format":"date-time"}"#.to_owned()
    }
}

/// Degrees in a line, 1e-7 degrees inside: `{"lat": 40.7128, "lon": -74.006}`.
impl Field for Coord {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        let [lat, lon] = super::table::fields(value, ["lat", "lon"])?;
        Ok(Self {
            lat: degrees(lat, 90, "degrees from -90 to 90").map_err(|fault| fault.within("lat"))?,
            lon: degrees(lon, 180, "degrees from -180 to 180").map_err(|fault| fault.within("lon"))?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"lat\":");
        write_degrees(self.lat, out);
        out.extend_from_slice(b",\"lon\":");
        write_degrees(self.lon, out);
        out.push(b'}');
    }

    fn schema() -> String {
        let part = |limit| format!(r#"{{"type":"number","minimum":-{limit},"maximum":{limit}}}"#);
        format!(
            r#"{{"type":"object","properties":{{"lat":{},"lon":{}}},"required":["lat","lon"],"additionalProperties":false}}"#,
            part(90),
            part(180)
        )
    }
}

/// Degrees as 1e-7 degrees, rounded to the nearest. An `f64` holds 180 degrees to 3e-14, so that no digit that counts is
/// lost.
pub(super) fn degrees(value: Option<&Json<'_>>, limit: i32, expected: &'static str) -> Result<i32, Malformed> {
    let degrees = match value {
        Some(Json::Integer(degrees)) => *degrees as f64,
        Some(Json::Number(degrees)) => *degrees,
        Some(other) => return kind(expected, other),
        None => return Err(Malformed::new(Fault::Missing)),
    };
    if degrees.abs() <= f64::from(limit) {
        Ok((degrees * 1e7).round() as i32)
    } else {
        refuse(expected, &degrees.to_string())
    }
}

/// 1e-7 degrees as degrees, exactly.
pub(super) fn write_degrees(value: i32, out: &mut Vec<u8>) {
    const UNIT: u32 = 10_000_000;
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let fraction = format!("{:07}", size % UNIT);
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    let _ = write!(out, "{sign}{}.{fraction}", size / UNIT);
}

impl<T: Field> Field for Option<T> {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        match value {
            Json::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn schema() -> String {
        T::schema()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        let Json::List(items) = value else { return kind("a list", value) };
        let item = |(index, item)| T::read(item).map_err(|fault| fault.within(&format!("[{index}]")));
        items.iter().enumerate().map(item).collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }

    fn schema() -> String {
        format!(r#"{{"type":"array","items":{}}}"#, T::schema())
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// A ride, as the outside knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RideRef {
    /// By its number, which events name.
    Number(RideId),
    /// By the key of the command that asked for it.
    Request(Key),
}

impl Field for RideRef {
    fn read(value: &Json<'_>) -> Result<Self, Malformed> {
        match value {
            Json::Integer(_) => RideId::read(value).map(Self::Number),
            Json::Text(_) => Key::read(value).map(Self::Request),
            other => kind("the number of a ride, or the UUID of its request", other),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(ride) => ride.write(out),
            Self::Request(key) => key.write(out),
        }
    }

    fn schema() -> String {
        format!(r#"{{"oneOf":[{},{}]}}"#, RideId::schema(), Key::schema())
    }
}
