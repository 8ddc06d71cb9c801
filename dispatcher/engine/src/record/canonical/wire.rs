//! The protobuf wire format, as far as records use it: varints, and values that are prefixed with their length.

use super::DecodeError;
use crate::record::Ping;
use hansom_geo_index::{Coord, Millis};

/// How a value stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wire {
    /// A number in groups of seven bits, low ones first.
    Varint = 0,
    /// A length, then as many bytes.
    Bytes = 2,
}

/// Field number and wire type in one number.
pub(crate) const fn tag(number: u32, wire: Wire) -> u64 {
    ((number << 3) | wire as u32) as u64
}

/// Appends a message to a buffer.
pub(crate) struct Writer<'a> {
    /// Where the bytes go.
    pub out: &'a mut Vec<u8>,
    /// What the places of pings are counted from.
    pub origin: Coord,
    /// What instants are counted from.
    pub epoch: Millis,
}

impl<'a> Writer<'a> {
    /// A writer to the end of `out`, which counts instants from 1970.
    pub fn new(out: &'a mut Vec<u8>, origin: Coord) -> Self {
        Self { out, origin, epoch: Millis::ZERO }
    }

    /// A number.
    #[inline]
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    /// A field that holds a number.
    #[inline]
    pub fn number(&mut self, number: u32, value: u64) {
        self.varint(tag(number, Wire::Varint));
        self.varint(value);
    }

    /// A field that holds bytes.
    pub fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.varint(tag(number, Wire::Bytes));
        self.varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A field whose length is known once `body` has written it.
    #[inline]
    pub fn delimited(&mut self, number: u32, body: impl FnOnce(&mut Self)) {
        self.varint(tag(number, Wire::Bytes));
        let start = self.out.len();
        self.out.push(0);
        body(self);
        let mut length = self.out.len() - start - 1;
        if length < 0x80 {
            self.out[start] = length as u8;
            return;
        }
        // The length takes more than the one byte that was left for it: move the body up.
        let wider = varint_len(length as u64) - 1;
        let end = self.out.len();
        self.out.resize(end + wider, 0);
        self.out.copy_within(start + 1..end, start + 1 + wider);
        for byte in &mut self.out[start..start + wider] {
            *byte = length as u8 | 0x80;
            length >>= 7;
        }
        self.out[start + wider] = length as u8;
    }
}

/// How many bytes a number takes.
const fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes being read.
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    /// End of the message being read.
    end: usize,
    /// What the places of pings are counted from.
    pub origin: Coord,
    /// What instants are counted from.
    pub epoch: Millis,
    /// A buffer for the pings to be read.
    pub pings: Vec<Ping>,
}

impl<'a> Input<'a> {
    /// Reads `bytes` from their start.
    pub fn new(bytes: &'a [u8], origin: Coord, pings: Vec<Ping>) -> Self {
        Self { bytes, at: 0, end: bytes.len(), origin, epoch: Millis::ZERO, pings }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether the message being read is over.
    pub fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// A number.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let &byte = self.bytes[..self.end].get(self.at).ok_or(DecodeError::Truncated)?;
            self.at += 1;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::LongNumber)
    }

    /// The next field of the message being read: its number and how its value stands.
    #[inline]
    pub fn field(&mut self) -> Result<Option<(u32, Wire)>, DecodeError> {
        if self.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| DecodeError::LongNumber)?;
        match tag & 7 {
            0 => Ok(Some((number, Wire::Varint))),
            2 => Ok(Some((number, Wire::Bytes))),
            other => Err(DecodeError::WireType(other as u8)),
        }
    }

    /// The tag of the next field, which stays to be read.
    pub fn peek(&self) -> Option<u8> {
        self.bytes[..self.end].get(self.at).copied()
    }

    /// A value that is prefixed with its length.
    #[inline]
    pub fn delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
        if length > self.end - self.at {
            return Err(DecodeError::Truncated);
        }
        let body = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(body)
    }

    /// Reads a message that is prefixed with its length.
    #[inline]
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        let length = self.delimited()?.len();
        let outer = std::mem::replace(&mut self.end, self.at);
        self.at -= length;
        let value = read(self);
        self.end = outer;
        value
    }

    /// Passes over the value of a field that this version does not know.
    pub fn skip(&mut self, wire: Wire) -> Result<(), DecodeError> {
        match wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Bytes => self.delimited().map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coord, DecodeError, Input, Writer, varint_len};
    use proptest::prelude::*;

    const ORIGIN: Coord = Coord { lat: 0, lon: 0 };

    proptest! {
        #[test]
        fn numbers_come_back(value in any::<u64>(), shift in 0u32..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            Writer::new(&mut out, ORIGIN).varint(value);
            prop_assert_eq!(out.len(), varint_len(value));
            prop_assert_eq!(Input::new(&out, ORIGIN, Vec::new()).varint(), Ok(value));
        }

        #[test]
        fn a_body_of_any_length_is_prefixed_with_it(length in 0usize..40_000) {
            let body = vec![7; length];
            let (mut patched, mut known) = (Vec::new(), Vec::new());
            Writer::new(&mut patched, ORIGIN).delimited(9, |writer| writer.out.extend_from_slice(&body));
            Writer::new(&mut known, ORIGIN).bytes(9, &body);
            prop_assert_eq!(patched, known);
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        let mut bytes = [0xff; 10];
        bytes[9] = 1;
        assert_eq!(Input::new(&bytes, ORIGIN, Vec::new()).varint(), Ok(u64::MAX));
        bytes[9] = 2;
        assert_eq!(Input::new(&bytes, ORIGIN, Vec::new()).varint(), Err(DecodeError::LongNumber));
        bytes[9] = 0xff;
        assert_eq!(Input::new(&bytes, ORIGIN, Vec::new()).varint(), Err(DecodeError::LongNumber));
    }
}
