//! Columns of numbers: protobuf's packed `repeated`, written and read without a branch per byte.
//!
//! Lengths of the numbers of a column are as good as random (a place takes three bytes or four), so a loop over bytes
//! stalls at each number; here a number is spread over eight bytes at once, and as many of them count as it needs.

use super::DecodeError;
use super::wire::{Input, Writer};

/// Numbers of columns are below this: they take at most [`LONGEST`] bytes.
pub(super) const LIMIT: u64 = 1 << 35;
const LONGEST: usize = 5;
/// A number is stored as so many bytes, of which the first count.
const STORE: usize = 8;
/// The top bit of each of eight bytes.
const TOPS: u64 = 0x8080_8080_8080_8080;

/// A field that holds these numbers, packed; absent if there are none.
#[inline]
pub(super) fn write(number: u32, count: usize, numbers: impl Iterator<Item = u64>, writer: &mut Writer) {
    if count == 0 {
        return;
    }
    writer.delimited(number, |writer| {
        let mut at = writer.out.len();
        writer.out.resize(at + count * LONGEST + STORE, 0);
        for value in numbers {
            let (bytes, length) = spread(value);
            writer.out[at..at + STORE].copy_from_slice(&bytes.to_le_bytes());
            at += length;
        }
        writer.out.truncate(at);
    });
}

/// The varint of a number, low byte first, and how many bytes it takes.
#[inline]
fn spread(value: u64) -> (u64, usize) {
    debug_assert!(value < LIMIT, "{value} in a column");
    let groups = (value & 0x7f)
        | (value & (0x7f << 7)) << 1
        | (value & (0x7f << 14)) << 2
        | (value & (0x7f << 21)) << 3
        | (value & (0x7f << 28)) << 4;
    let bits = 64 - (value | 1).leading_zeros();
    // ⌈bits / 7⌉ for up to 64 bits, without a division.
    let length = (bits * 9 + 64) / 64;
    let more = TOPS & ((1 << (8 * (length - 1))) - 1);
    (groups | more, length as usize)
}

/// A column being read.
pub(super) struct Column<'a>(&'a [u8]);

impl<'a> Column<'a> {
    /// The column that stands next.
    pub fn read(input: &mut Input<'a>) -> Result<Self, DecodeError> {
        input.delimited().map(Self)
    }

    /// A column that is not there.
    pub const fn absent() -> Self {
        Self(&[])
    }

    /// No more numbers than this are left.
    pub fn len_bound(&self) -> usize {
        self.0.len()
    }

    /// Whether no number is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next number.
    #[inline]
    pub fn next(&mut self) -> Result<u64, DecodeError> {
        let Some(bytes) = self.0.first_chunk::<STORE>() else { return self.next_slow() };
        let bytes = u64::from_le_bytes(*bytes);
        let last = !bytes & TOPS;
        let length = last.trailing_zeros() as usize / 8 + 1;
        if length > LONGEST {
            return Err(DecodeError::LongNumber);
        }
        self.0 = &self.0[length..];
        // All bits up to and with the last byte's top one.
        let groups = bytes & (last ^ (last - 1));
        Ok((groups & 0x7f)
            | (groups & (0x7f << 8)) >> 1
            | (groups & (0x7f << 16)) >> 2
            | (groups & (0x7f << 24)) >> 3
            | (groups & (0x7f << 32)) >> 4)
    }

    /// The same near the end of the column, where eight bytes cannot be read at once.
    fn next_slow(&mut self) -> Result<u64, DecodeError> {
        if self.0.is_empty() {
            return Err(DecodeError::Columns);
        }
        let mut value = 0;
        for (index, &byte) in self.0.iter().enumerate().take(LONGEST) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.0 = &self.0[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.0.len() < LONGEST { DecodeError::Truncated } else { DecodeError::LongNumber })
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, DecodeError, Input, LIMIT, Writer, write};
    use hansom_geo_index::Coord;
    use proptest::prelude::*;

    const ORIGIN: Coord = Coord { lat: 0, lon: 0 };

    proptest! {
        /// Against the plain loop of [`Writer::varint`], and back.
        #[test]
        fn columns_are_packed_varints(numbers in prop::collection::vec((0..LIMIT, 0u32..35), 0..40)) {
            let numbers: Vec<u64> = numbers.into_iter().map(|(number, shift)| number >> shift).collect();
            let (mut column, mut plain) = (Vec::new(), Vec::new());
            write(1, numbers.len(), numbers.iter().copied(), &mut Writer::new(&mut column, ORIGIN));
            if !numbers.is_empty() {
                Writer::new(&mut plain, ORIGIN).delimited(1, |writer| numbers.iter().for_each(|&n| writer.varint(n)));
                let mut input = Input::new(&column, ORIGIN, Vec::new());
                input.field().expect("a tag");
                let mut read = Column::read(&mut input).expect("a column");
                for &number in &numbers {
                    prop_assert_eq!(read.next(), Ok(number));
                }
                prop_assert!(read.is_empty());
                prop_assert_eq!(read.next(), Err(DecodeError::Columns));
            }
            prop_assert_eq!(column, plain);
        }

        /// Both ways of reading agree on any bytes.
        #[test]
        fn near_the_end_columns_are_read_alike(bytes in prop::collection::vec(prop_oneof![0u8..128, 128u8..=255], 8..24)) {
            let (mut fast, mut slow) = (Column(&bytes), Column(&bytes));
            while fast.len_bound() >= 8 {
                let (one, other) = (fast.next(), slow.next_slow());
                prop_assert_eq!(&one, &other);
                prop_assert_eq!(fast.0, slow.0);
                if one.is_err() {
                    break;
                }
            }
        }
    }
}
