//! The layout of a segment. All numbers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `HANSOMLG` |
//! | 4 | layout version, 1 to 4 |
//! | 4 | length `h` of the log's header |
//! | 8 | offset of the first turn |
//! | 4 | CRC-32C of the 24 bytes before and the `h` bytes after |
//! | `h` | the log's header, a `Header` of `turn.proto` |
//! | then, per turn: 4 | its length `n`; in layout 2 with the top bit as a mark |
//! | 4 | CRC-32C of the 4 bytes before and the `n` bytes after |
//! | `n` | a `Turn` of `turn.proto` |
//!
//! The head is the same in every layout, in those to come too, so that a newer one is told from a damaged head.
//!
//! Layout 4 is written by a log that is synced at its end, layout 2 by one whose turns are released once they are durable.
//! There, the mark says that all that stands before was synced when this was written, so that what is lost in front of a
//! mark is damage, and what is lost behind the last one may be a write that was cut off. A marked length of 0 with its
//! checksum is a seal: no turn, only that promise; a log closed in order ends with one. Behind the last frame of a
//! segment of layout 2 there may be zeros, filled in ahead of the turns. Layout 3 is layout 2 after most of the pings were
//! taken out.
//!
//! Layout 4 has no marks, but a log in it that was finished ends with a seal as well: without one, turns may be missing.
//! Layout 1 is layout 4 without that seal, as it was written first.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A segment is full when the next turn would lead beyond this.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Version of the layout in which a log was written that was synced at its end, when it did not end with a seal yet.
pub const LAYOUT_PLAIN: u32 = 1;

/// Version of the layout in which a log is written whose turns are released once they are durable.
pub const LAYOUT_MARKED: u32 = 2;

/// Version of the layout in which a segment is written again without its pings.
pub const LAYOUT_STRIPPED: u32 = 3;

/// Version of the layout in which a log is written that is synced at its end, and sealed there.
pub const LAYOUT_SEALED: u32 = 4;

/// The last version of the layout.
pub(super) const LAYOUT_LATEST: u32 = LAYOUT_SEALED;

/// Whether frames of a layout are marked, so that the last write can be told from those before.
pub(super) fn is_marked(layout: u32) -> bool {
    matches!(layout, LAYOUT_MARKED | LAYOUT_STRIPPED)
}

/// The mark in the length of a frame.
const MARK: u32 = 1 << 31;

const MAGIC: &[u8; 8] = b"HANSOMLG";

/// Bytes of a head before the log's header.
pub(super) const HEAD_BYTES: usize = 28;

/// Bytes of a frame before its turn.
pub(super) const FRAME_BYTES: usize = 8;

/// The file of the segment that starts with the turn at `first`.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.seg"))
}

/// Those of some files that are segments: offset of the first turn, and file, in order.
pub(super) fn files(paths: impl IntoIterator<Item = PathBuf>) -> Vec<(u64, PathBuf)> {
    let first_turn = |path: &Path| {
        let name = path.file_stem().and_then(OsStr::to_str)?;
        let is_segment = path.extension() == Some(OsStr::new("seg")) && name.len() == 20;
        if is_segment { name.parse().ok() } else { None }
    };
    let mut files: Vec<_> = paths.into_iter().filter_map(|path| Some((first_turn(&path)?, path))).collect();
    files.sort_unstable();
    files
}

/// The head of a segment, the log's header included.
pub(super) fn head(layout: u32, first: u64, header: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES + header.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&layout.to_le_bytes());
    head.extend_from_slice(&(header.len() as u32).to_le_bytes());
    head.extend_from_slice(&first.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&head), header);
    head.extend_from_slice(&checksum.to_le_bytes());
    head.extend_from_slice(header);
    head
}

/// What the fixed part of a head says.
pub(super) struct Head {
    pub version: u32,
    pub header_len: usize,
    pub first: u64,
    checksum: u32,
    of_fixed: u32,
}

impl Head {
    /// `None`: no segment starts like this.
    pub fn parse(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (magic, rest) = bytes.split_first_chunk()?;
        let first = rest.get(8..)?.first_chunk()?;
        (magic == MAGIC).then(|| Self {
            version: number(8),
            header_len: number(12) as usize,
            first: u64::from_le_bytes(*first),
            checksum: number(24),
            of_fixed: crc32c::crc32c(&bytes[..24]),
        })
    }

    /// Whether the checksum is that of this head and header.
    pub fn holds(&self, header: &[u8]) -> bool {
        self.checksum == crc32c::crc32c_append(self.of_fixed, header)
    }
}

/// Opens a frame at the end of `out`: [`close_frame`] follows once the turn's bytes are behind it. Returns where it starts.
pub(super) fn open_frame(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES]);
    start
}

/// Puts length and checksum before the turn's bytes, which reach to the end of `out`. `marked`: all that stands before
/// was synced.
pub(super) fn close_frame(out: &mut [u8], start: usize, marked: bool) {
    let (frame, turn) = out[start..].split_at_mut(FRAME_BYTES);
    let length = u32::try_from(turn.len()).ok().filter(|length| length & MARK == 0);
    let length = length.expect("a turn is shorter than 2 GiB");
    let length = if marked { length | MARK } else { length }.to_le_bytes();
    frame[..4].copy_from_slice(&length);
    frame[4..].copy_from_slice(&checksum(length, turn).to_le_bytes());
}

/// A frame without a turn that says that all before it was written whole.
pub(super) fn seal() -> [u8; FRAME_BYTES] {
    let mut seal = [0; FRAME_BYTES];
    close_frame(&mut seal, 0, true);
    seal
}

/// The checksum of a frame.
fn checksum(length: [u8; 4], turn: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), turn)
}

/// What stands at the start of some bytes that reach to the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// A turn of this length, or a seal if that is 0.
    Whole { size: usize, marked: bool },
    /// The start of a turn of this length, or of an unknown one; if it is a turn, the rest of it is missing.
    Cut(usize),
    /// No turn.
    Broken,
}

/// Looks at the start of `bytes`; `left` is how many there are up to the end of the segment.
#[inline]
pub(super) fn frame(layout: u32, bytes: &[u8], left: u64) -> Frame {
    let Some((frame, rest)) = bytes.split_first_chunk::<FRAME_BYTES>() else { return Frame::Cut(0) };
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *frame;
    let length = [l0, l1, l2, l3];
    let word = u32::from_le_bytes(length);
    let marked = layout != LAYOUT_PLAIN && word & MARK != 0;
    let size = if marked { word & !MARK } else { word } as usize;
    if left < (FRAME_BYTES + size) as u64 || rest.len() < size {
        return Frame::Cut(size);
    }
    if (size > 0 || marked) && checksum(length, &rest[..size]) == u32::from_le_bytes([c0, c1, c2, c3]) {
        Frame::Whole { size, marked }
    } else {
        Frame::Broken
    }
}

/// Whether `bytes`, which reach to the end of a segment, show that the turn at `offset` in front of them was once on the
/// disk: a seal stands anywhere in them, or a later turn, in layout 2 one with a mark.
pub(super) fn proves_loss(layout: u32, bytes: &[u8], offset: u64) -> bool {
    let seal = seal();
    (0..bytes.len()).any(|at| {
        let rest = &bytes[at..];
        if layout != LAYOUT_PLAIN && rest.starts_with(&seal) {
            return true;
        }
        // A later turn starts with its offset; this look spares the checksum of nearly all places.
        let turn_offset = rest.get(FRAME_BYTES..).and_then(leading_offset);
        turn_offset.is_some_and(|found| found > offset && found - offset <= rest.len() as u64)
            && matches!(frame(layout, rest, rest.len() as u64), Frame::Whole { marked, .. } if marked || !is_marked(layout))
    })
}

/// The offset with which the bytes of a turn start, other than 0.
pub(super) fn leading_offset(turn: &[u8]) -> Option<u64> {
    let (&[0x08], number) = turn.split_first_chunk()? else { return None };
    let mut value = 0;
    for (index, byte) in number.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}
