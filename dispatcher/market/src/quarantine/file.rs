//! The layout of a quarantine's files. All numbers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `HANSOMQU` |
//! | 4 | layout version, 1 |
//! | 8 | number of the first entry, or 0 in `handed-over.qua` |
//! | 8 | entries that were dropped for room before this file was started |
//! | 4 | CRC-32C of the 28 bytes before |
//! | then, per record: 4 | its length `n` |
//! | 4 | CRC-32C of the 4 bytes before and the `n` bytes after |
//! | `n` | the record |
//!
//! The file written last may end in zeros, for records to come.
//!
//! An entry is its number (8), its time in ms (8), the length of the bytes as they came (8), and three texts, each with its
//! length (4) before it: reason, source, bytes kept. A mark in `handed-over.qua` is the number (8) and the time (8).

use super::error::QuarantineError;
use super::{Entry, Id, MOST_KEPT_BYTES};
use hansom_geo_index::Millis;
use std::fs;
use std::path::Path;

/// Version of this layout.
const LAYOUT_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"HANSOMQU";
const HEAD_BYTES: usize = 32;
const FRAME_BYTES: usize = 8;
/// No record is longer.
const MOST_RECORD_BYTES: usize = MOST_KEPT_BYTES + (16 << 10);
/// Bytes of a mark.
const MARK_BYTES: usize = 16;

/// The head of a file.
pub(super) fn head(first: u64, dropped: u64) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    head.extend_from_slice(&first.to_le_bytes());
    head.extend_from_slice(&dropped.to_le_bytes());
    head.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
    head
}

/// A record with its frame.
fn frame(record: &[u8]) -> Vec<u8> {
    let length = u32::try_from(record.len()).expect("records are bounded").to_le_bytes();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&length), record);
    [&length[..], &checksum.to_le_bytes(), record].concat()
}

/// An entry with its frame.
pub(super) fn entry(entry: &Entry) -> Vec<u8> {
    let mut record = Vec::new();
    record.extend_from_slice(&entry.id.0.to_le_bytes());
    record.extend_from_slice(&entry.at.0.to_le_bytes());
    record.extend_from_slice(&entry.length.to_le_bytes());
    for text in [entry.reason.as_bytes(), entry.source.as_bytes(), &entry.bytes] {
        record.extend_from_slice(&(text.len() as u32).to_le_bytes());
        record.extend_from_slice(text);
    }
    frame(&record)
}

/// A mark with its frame.
pub(super) fn mark(id: Id, at: Millis) -> Vec<u8> {
    frame(&[id.0.to_le_bytes(), at.0.to_le_bytes()].concat())
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Content<T> {
    /// Entries dropped before it was started.
    pub dropped: u64,
    /// Its records, in order.
    pub records: Vec<T>,
    /// Bytes up to the end of the last whole record. What follows was not written whole.
    pub whole: u64,
    /// Bytes behind that.
    pub torn: u64,
}

/// Reads a file. `last`: nothing was written after it, so that its end may be torn.
pub(super) fn read<T>(
    path: &Path,
    last: bool,
    record: impl Fn(&[u8]) -> Option<T>,
) -> Result<Content<T>, QuarantineError> {
    let bytes =
        fs::read(path).map_err(|source| QuarantineError::Io { action: "read", path: path.to_owned(), source })?;
    parse(&bytes, last, record).map_err(|fault| match fault {
        Fault::Version(found) => QuarantineError::Version { path: path.to_owned(), found, known: LAYOUT_VERSION },
        Fault::Damaged { byte, what } => QuarantineError::Damaged { path: path.to_owned(), byte: byte as u64, what },
    })
}

/// What is wrong with the bytes of a file.
#[derive(Debug)]
pub(super) enum Fault {
    Version(u32),
    Damaged { byte: usize, what: &'static str },
}

/// Reads the bytes of a file.
pub(super) fn parse<T>(bytes: &[u8], last: bool, record: impl Fn(&[u8]) -> Option<T>) -> Result<Content<T>, Fault> {
    let damaged = |byte, what| Err(Fault::Damaged { byte, what });
    let Some((head, _)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
        // A file whose head was not written whole has never held anything.
        let begun = last && (bytes.is_empty() || MAGIC.starts_with(&bytes[..bytes.len().min(8)]));
        let nothing = Content { dropped: 0, records: Vec::new(), whole: 0, torn: bytes.len() as u64 };
        return if begun { Ok(nothing) } else { damaged(0, "it does not start as a quarantine does") };
    };
    if !head.starts_with(MAGIC) {
        return damaged(0, "it does not start as a quarantine does");
    }
    let version = number4(&head[8..]).unwrap_or(0);
    if version > LAYOUT_VERSION {
        return Err(Fault::Version(version));
    }
    if number4(&head[28..]) != Some(crc32c::crc32c(&head[..28])) {
        return damaged(0, "its head does not have the checksum that it names");
    }
    let dropped = number8(&head[20..]).unwrap_or(0);
    let (mut records, mut at) = (Vec::new(), HEAD_BYTES);
    while at < bytes.len() {
        let Some(whole) = framed(&bytes[at..]) else {
            if last && bytes[at..].iter().all(|byte| *byte == 0) {
                return Ok(Content { dropped, records, whole: at as u64, torn: 0 });
            }
            // A write that was cut off leaves no whole record behind it.
            if last && !(at + 1..bytes.len()).any(|later| framed(&bytes[later..]).and_then(&record).is_some()) {
                break;
            }
            return damaged(at, "the record there does not have the checksum that it names");
        };
        match record(whole) {
            Some(record) => records.push(record),
            None => return damaged(at, "the record there is as it was written, but cannot be read"),
        }
        at += FRAME_BYTES + whole.len();
    }
    Ok(Content { dropped, records, whole: at as u64, torn: (bytes.len() - at) as u64 })
}

/// The record at the start of `bytes`, if it is whole.
fn framed(bytes: &[u8]) -> Option<&[u8]> {
    let length = number4(bytes)? as usize;
    // None is shorter than a mark: zeros are not a record.
    if !(MARK_BYTES..=MOST_RECORD_BYTES).contains(&length) {
        return None;
    }
    let record = bytes.get(FRAME_BYTES..FRAME_BYTES + length)?;
    let whole = number4(&bytes[4..])? == crc32c::crc32c_append(crc32c::crc32c(&bytes[..4]), record);
    whole.then_some(record)
}

/// The entry that a record is.
pub(super) fn read_entry(record: &[u8]) -> Option<Entry> {
    let (id, at, length) = (number8(record)?, number8(&record[8..])?, number8(&record[16..])?);
    let mut rest = &record[24..];
    let mut text = || -> Option<&[u8]> {
        let (text, after) = rest.get(4..)?.split_at_checked(number4(rest)? as usize)?;
        rest = after;
        Some(text)
    };
    let (reason, source, bytes) = (text()?, text()?, text()?);
    let words = |text: &[u8]| std::str::from_utf8(text).ok().map(Into::into);
    let (reason, source) = (words(reason)?, words(source)?);
    rest.is_empty().then(|| Entry {
        id: Id(id),
        at: Millis(at as i64),
        reason,
        source,
        length,
        bytes: bytes.into(),
        handed_over: None,
    })
}

/// The mark that a record is.
pub(super) fn read_mark(record: &[u8]) -> Option<(Id, Millis)> {
    (record.len() == MARK_BYTES).then_some(())?;
    Some((Id(number8(record)?), Millis(number8(&record[8..])? as i64)))
}

fn number4(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn number8(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
