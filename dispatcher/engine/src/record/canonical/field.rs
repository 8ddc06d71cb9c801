//! How values stand in a message: what the tables of [`super::table`] are made of.
//!
//! A number that is 0 and a list that is empty are not written, as in any proto3 message; an `Option` that is there is,
//! and so is a message.

use super::DecodeError;
use super::wire::{Input, Wire, Writer};
use crate::domain::{DriverId, Epoch, Key, Money, Name, Offset, RideId, Session};
use crate::record::json::Json;
use hansom_geo_index::{EdgeId, Millis, WeightsVersion};

/// A value that is one number on the wire.
pub(crate) trait Number: Copy {
    /// As a varint.
    fn encode(self) -> u64;
    /// From a varint; `None`: out of range.
    fn decode(number: u64) -> Option<Self>;
    /// For people.
    fn json(self, json: &mut Json);
}

/// A value that is a message of its own.
pub(crate) trait Message: Sized {
    /// Writes its fields.
    fn write(&self, writer: &mut Writer);
    /// Reads its fields, up to the end of the message.
    fn read(input: &mut Input) -> Result<Self, DecodeError>;
    /// For people: its fields, into the JSON object that is open.
    fn json(&self, json: &mut Json);
}

/// A value that can be a field.
pub(crate) trait Field: Sized {
    /// Writes it with its tag, unless it is what an absent field stands for.
    fn write(&self, number: u32, writer: &mut Writer);
    /// Reads one occurrence of the field.
    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError>;
    /// What an absent field stands for; `None`: it must be there.
    fn absent(input: &Input) -> Option<Self>;
    /// For people.
    fn json(&self, json: &mut Json);
}

/// A field whose message is being read. Its type follows from where the value goes.
pub(crate) struct Slot<F>(Option<F>);

impl<F: Field> Slot<F> {
    pub fn new() -> Self {
        Self(None)
    }

    pub fn merge(&mut self, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        F::merge(&mut self.0, wire, input)
    }

    pub fn finish(self, input: &Input, message: &'static str, field: &'static str) -> Result<F, DecodeError> {
        self.0.or_else(|| F::absent(input)).ok_or(DecodeError::Missing { message, field })
    }
}

/// Protobuf's `sint64`: small numbers of either sign are short.
#[inline]
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
#[inline]
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Refuses a field that does not stand on the wire as it should.
pub(crate) fn expect(wire: Wire, expected: Wire) -> Result<(), DecodeError> {
    if wire == expected { Ok(()) } else { Err(DecodeError::WireType(wire as u8)) }
}

impl<M: Message> Field for M {
    fn write(&self, number: u32, writer: &mut Writer) {
        writer.delimited(number, |writer| Message::write(self, writer));
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Bytes)?;
        *slot = Some(input.nested(M::read)?);
        Ok(())
    }

    fn absent(_: &Input) -> Option<Self> {
        None
    }

    fn json(&self, json: &mut Json) {
        json.object(|json| Message::json(self, json));
    }
}

impl<M: Message> Message for Box<M> {
    fn write(&self, writer: &mut Writer) {
        M::write(self, writer);
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        M::read(input).map(Self::new)
    }

    fn json(&self, json: &mut Json) {
        M::json(self, json);
    }
}

/// Makes [`Number`]s fields, given what the absence of one stands for.
macro_rules! number_fields {
    ($absent:expr; $($type:ty),*) => {$(
        impl Field for $type {
            fn write(&self, number: u32, writer: &mut Writer) {
                match self.encode() {
                    0 => {}
                    value => writer.number(number, value),
                }
            }

            fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
                expect(wire, Wire::Varint)?;
                *slot = Some(Number::decode(input.varint()?).ok_or(DecodeError::Range(stringify!($type)))?);
                Ok(())
            }

            fn absent(_: &Input) -> Option<Self> {
                $absent
            }

            fn json(&self, json: &mut Json) {
                Number::json(*self, json);
            }
        }

        optional_fields!((|number, value: &$type, writer: &mut Writer| writer.number(number, value.encode())); $type);
    )*};
}

/// Makes `Option`s of fields fields, given how one that is there is written.
macro_rules! optional_fields {
    ($write:expr; $($type:ty),*) => {$(
        impl Field for Option<$type> {
            fn write(&self, number: u32, writer: &mut Writer) {
                if let Some(value) = self {
                    $write(number, value, writer);
                }
            }

            fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
                let mut value = None;
                <$type as Field>::merge(&mut value, wire, input)?;
                *slot = Some(value);
                Ok(())
            }

            fn absent(_: &Input) -> Option<Self> {
                Some(None)
            }

            fn json(&self, json: &mut Json) {
                match self {
                    Some(value) => Field::json(value, json),
                    None => json.null(),
                }
            }
        }
    )*};
}

/// Makes lists of messages fields.
macro_rules! repeated_fields {
    ($($list:ty),*) => {$(
        impl Field for $list {
            fn write(&self, number: u32, writer: &mut Writer) {
                for item in self {
                    Field::write(item, number, writer);
                }
            }

            fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
                expect(wire, Wire::Bytes)?;
                slot.get_or_insert_default().push(input.nested(Message::read)?);
                Ok(())
            }

            fn absent(_: &Input) -> Option<Self> {
                Some(Self::default())
            }

            fn json(&self, json: &mut Json) {
                json.list(self, Field::json);
            }
        }
    )*};
}

pub(crate) use {number_fields, optional_fields, repeated_fields};

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[inline]
            fn encode(self) -> u64 {
                u64::from(self)
            }

            #[inline]
            fn decode(number: u64) -> Option<Self> {
                Self::try_from(number).ok()
            }

            fn json(self, json: &mut Json) {
                json.plain(self);
            }
        }
        number_fields!(Some(0); $type);
    )*};
}

macro_rules! signed {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[inline]
            fn encode(self) -> u64 {
                zigzag(i64::from(self))
            }

            #[inline]
            fn decode(number: u64) -> Option<Self> {
                Self::try_from(unzigzag(number)).ok()
            }

            fn json(self, json: &mut Json) {
                json.plain(self);
            }
        }
        number_fields!(Some(0); $type);
    )*};
}

macro_rules! newtypes {
    ($($type:ident),*) => {$(
        impl Number for $type {
            #[inline]
            fn encode(self) -> u64 {
                self.0.encode()
            }

            #[inline]
            fn decode(number: u64) -> Option<Self> {
                Number::decode(number).map($type)
            }

            fn json(self, json: &mut Json) {
                json.plain(self.0);
            }
        }
        number_fields!(Some($type(0)); $type);
    )*};
}

unsigned!(u8, u16, u32, u64);
signed!(i32, i64);
newtypes!(DriverId, Epoch, Money, Offset, RideId, WeightsVersion, EdgeId);

/// Less 1, so that the first session of a shift, which hardly any driver leaves, takes no bytes.
impl Number for Session {
    fn encode(self) -> u64 {
        self.0.wrapping_sub(1).encode()
    }

    fn decode(number: u64) -> Option<Self> {
        u32::decode(number).map(|later| Self(later.wrapping_add(1)))
    }

    fn json(self, json: &mut Json) {
        json.plain(self);
    }
}
number_fields!(Some(Session::FIRST); Session);

impl Number for bool {
    fn encode(self) -> u64 {
        u64::from(self)
    }

    fn decode(number: u64) -> Option<Self> {
        Some(number != 0)
    }

    fn json(self, json: &mut Json) {
        json.plain(self);
    }
}
number_fields!(Some(false); bool);

/// An instant, or a span where instants are counted from 0. The difference wraps: every instant has one.
impl Field for Millis {
    fn write(&self, number: u32, writer: &mut Writer) {
        match zigzag(self.0.wrapping_sub(writer.epoch.0)) {
            0 => {}
            since => writer.number(number, since),
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Varint)?;
        let since = unzigzag(input.varint()?);
        *slot = Some(Self(input.epoch.0.wrapping_add(since)));
        Ok(())
    }

    fn absent(input: &Input) -> Option<Self> {
        Some(input.epoch)
    }

    fn json(&self, json: &mut Json) {
        json.plain(self.0);
    }
}
optional_fields!(
    (|number, value: &Millis, writer: &mut Writer| writer.number(number, zigzag(value.0.wrapping_sub(writer.epoch.0))));
    Millis
);

/// Text, as UTF-8.
macro_rules! text_fields {
    ($($type:ty: $as_str:expr),*) => {$(
        impl Field for $type {
            fn write(&self, number: u32, writer: &mut Writer) {
                let text: &str = $as_str(self);
                if !text.is_empty() {
                    writer.bytes(number, text.as_bytes());
                }
            }

            fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
                expect(wire, Wire::Bytes)?;
                let text = str::from_utf8(input.delimited()?).map_err(|_| DecodeError::Range("text"))?;
                *slot = Some(text.into());
                Ok(())
            }

            fn absent(_: &Input) -> Option<Self> {
                Some(Self::default())
            }

            fn json(&self, json: &mut Json) {
                json.string($as_str(self));
            }
        }
    )*};
}

text_fields!(String: String::as_str, Box<str>: AsRef::as_ref, Name: name_text);

fn name_text(name: &Name) -> &str {
    &name.0
}

impl Field for Key {
    fn write(&self, number: u32, writer: &mut Writer) {
        writer.bytes(number, &self.0.to_be_bytes());
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Bytes)?;
        let bytes = input.delimited()?.try_into().map_err(|_| DecodeError::Range("Key"))?;
        *slot = Some(Self(u128::from_be_bytes(bytes)));
        Ok(())
    }

    fn absent(_: &Input) -> Option<Self> {
        None
    }

    fn json(&self, json: &mut Json) {
        json.string(&self.to_string());
    }
}
optional_fields!((|number, value: &Key, writer: &mut Writer| Field::write(value, number, writer)); Key);

impl Field for [u8; 32] {
    fn write(&self, number: u32, writer: &mut Writer) {
        writer.bytes(number, self);
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Bytes)?;
        *slot = Some(input.delimited()?.try_into().map_err(|_| DecodeError::Range("hash"))?);
        Ok(())
    }

    fn absent(_: &Input) -> Option<Self> {
        None
    }

    fn json(&self, json: &mut Json) {
        json.hex(self);
    }
}

impl Field for Box<[DriverId]> {
    fn write(&self, number: u32, writer: &mut Writer) {
        if !self.is_empty() {
            writer.delimited(number, |writer| self.iter().for_each(|driver| writer.varint(driver.encode())));
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, input: &mut Input) -> Result<(), DecodeError> {
        expect(wire, Wire::Bytes)?;
        *slot = Some(input.nested(|input| {
            let mut drivers = Vec::new();
            while !input.is_empty() {
                drivers.push(Number::decode(input.varint()?).ok_or(DecodeError::Range("DriverId"))?);
            }
            Ok(drivers.into())
        })?);
        Ok(())
    }

    fn absent(_: &Input) -> Option<Self> {
        Some(Self::default())
    }

    fn json(&self, json: &mut Json) {
        json.list(self, Field::json);
    }
}
