//! The layout of a segment. All numbers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `HANSOMLG` |
//! | 4 | layout version, 1 |
//! | 4 | length `h` of the log's header |
//! | 8 | offset of the first turn |
//! | 4 | CRC-32C of the 24 bytes before and the `h` bytes after |
//! | `h` | the log's header, a `Header` of `turn.proto` |
//! | then, per turn: 4 | its length `n` |
//! | 4 | CRC-32C of the 4 bytes before and the `n` bytes after |
//! | `n` | a `Turn` of `turn.proto` |

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A segment is full when the next turn would lead beyond this.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Version of this layout.
pub const LAYOUT_VERSION: u32 = 1;

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

/// The segments in a folder.
pub(super) fn files_in(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let paths: io::Result<Vec<PathBuf>> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    paths.map(files)
}

/// The head of a segment, the log's header included.
pub(super) fn head(first: u64, header: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES + header.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
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

/// Puts length and checksum before the turn's bytes, which reach to the end of `out`.
pub(super) fn close_frame(out: &mut [u8], start: usize) {
    let (frame, turn) = out[start..].split_at_mut(FRAME_BYTES);
    let length = u32::try_from(turn.len()).expect("a turn is shorter than 4 GiB").to_le_bytes();
    frame[..4].copy_from_slice(&length);
    frame[4..].copy_from_slice(&checksum(length, turn).to_le_bytes());
}

/// The checksum of a frame.
fn checksum(length: [u8; 4], turn: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), turn)
}

/// What stands at the start of some bytes that reach to the end of a segment.
pub(super) enum Frame {
    /// A turn of this length.
    Whole(usize),
    /// The start of a turn of this length, or of an unknown one; if it is a turn, the rest of it is missing.
    Cut(usize),
    /// No turn.
    Broken,
}

/// Looks at the start of `bytes`; `left` is how many there are up to the end of the segment.
#[inline]
pub(super) fn frame(bytes: &[u8], left: u64) -> Frame {
    let Some((frame, rest)) = bytes.split_first_chunk::<FRAME_BYTES>() else { return Frame::Cut(0) };
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *frame;
    let length = [l0, l1, l2, l3];
    let size = u32::from_le_bytes(length) as usize;
    if left < (FRAME_BYTES + size) as u64 || rest.len() < size {
        return Frame::Cut(size);
    }
    if size > 0 && checksum(length, &rest[..size]) == u32::from_le_bytes([c0, c1, c2, c3]) {
        Frame::Whole(size)
    } else {
        Frame::Broken
    }
}

/// Whether a whole turn later than `offset` stands anywhere in `bytes`, which reach to the end of a segment.
pub(super) fn has_later_turn(bytes: &[u8], offset: u64) -> bool {
    (0..bytes.len()).any(|at| {
        let rest = &bytes[at..];
        // A later turn starts with its offset; this look spares the checksum of nearly all places.
        let turn_offset = rest.get(FRAME_BYTES..).and_then(leading_offset);
        turn_offset.is_some_and(|found| found > offset && found - offset <= rest.len() as u64)
            && matches!(frame(rest, rest.len() as u64), Frame::Whole(_))
    })
}

/// The offset with which the bytes of a turn start, other than 0.
fn leading_offset(turn: &[u8]) -> Option<u64> {
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
