//! The reader of a log: a stream of turns through one buffer.

use super::append::failed;
use super::error::LogError;
use super::segment::{self, FRAME_BYTES, Frame, HEAD_BYTES, Head, LAYOUT_VERSION};
use hansom_engine::Turn;
use hansom_engine::record::canonical::Decoder;
use hansom_engine::record::{FORMAT_VERSION, Header};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes are taken from the disk in pieces of this many.
const PIECE_BYTES: usize = 1 << 20;

/// A log being read, from its first turn on.
#[derive(Debug)]
pub struct Reader {
    header: Header,
    /// Segments not yet opened, last first, with the offsets of their first turns.
    ahead: Vec<(u64, PathBuf)>,
    segment: Open,
    decoder: Decoder,
    /// Offset of the next turn.
    next: u64,
    /// Bytes of the segments before the present one.
    bytes_before: u64,
    segments: u64,
}

/// The segment being read.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    /// Bytes of the file from `at - start` on.
    buffer: Vec<u8>,
    /// Where in `buffer` the next frame starts.
    start: usize,
    /// Where in the file the next frame starts.
    at: u64,
    /// Size of the file.
    size: u64,
}

/// A turn as it stands in the log.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Those of its events, which are the tail.
    pub events: &'a [u8],
}

impl Reader {
    /// Opens the log in `folder`, or in the folder `log` of it.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let mut files = segment::files_in(folder).map_err(failed("read folder", folder))?;
        let inner = folder.join("log");
        if files.is_empty() && inner.is_dir() {
            files = segment::files_in(&inner).map_err(failed("read folder", &inner))?;
        }
        files.reverse();
        let Some((first, path)) = files.pop() else { return Err(LogError::NoLog { path: folder.to_owned() }) };
        let mut segment = Open::new(path)?;
        if first != 0 {
            let what = "it is the first one, but does not start with the first turn".to_owned();
            return Err(segment.damaged(0, what));
        }
        let header = segment.head(0)?;
        let header = Header::decode(&header).map_err(|source| LogError::Undecodable {
            segment: segment.path.clone(),
            byte: 0,
            offset: 0,
            source,
        })?;
        if header.format_version > FORMAT_VERSION {
            return Err(segment.version("record format", header.format_version, FORMAT_VERSION));
        }
        let decoder = Decoder::new(header.origin);
        Ok(Self { header, ahead: files, segment, decoder, next: 0, bytes_before: 0, segments: 1 })
    }

    /// What holds for all turns.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the next turn into `turn`; `None` at the end of the log.
    ///
    /// A log that was not written to its end is an error after its last whole turn.
    pub fn next(&mut self, turn: &mut Turn) -> Result<Option<Record<'_>>, LogError> {
        while self.segment.is_over() {
            let Some((first, path)) = self.ahead.pop() else { return Ok(None) };
            self.bytes_before += self.segment.size;
            self.segments += 1;
            self.segment = Open { buffer: std::mem::take(&mut self.segment.buffer), ..Open::new(path)? };
            self.segment.buffer.clear();
            if first != self.next {
                let what = format!("it starts with the turn at offset {first}: those before are missing");
                return Err(self.segment.damaged(self.next, what));
            }
            self.segment.head(first)?;
        }
        let offset = self.next;
        let size = self.segment.frame(offset, self.ahead.is_empty())?;
        let start = self.segment.start + FRAME_BYTES;
        let byte = self.segment.at;
        self.segment.pass(FRAME_BYTES + size);
        let bytes = &self.segment.buffer[start..start + size];
        let undecodable = |source| LogError::Undecodable { segment: self.segment.path.clone(), byte, offset, source };
        let events = self.decoder.decode(bytes, turn).map_err(undecodable)?;
        if turn.offset.0 != offset {
            let what = format!("it holds the turn at offset {}", turn.offset);
            return Err(LogError::Damaged { segment: self.segment.path.clone(), byte, offset, what });
        }
        self.next += 1;
        Ok(Some(Record { bytes, events: &bytes[events..] }))
    }

    /// Offset of the next turn.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Bytes read so far, heads included.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_before + self.segment.at
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> Result<u64, LogError> {
        self.ahead.iter().try_fold(self.bytes_before + self.segment.size, |sum, (_, path)| {
            let size = path.metadata().map_err(failed("read", path))?.len();
            Ok(sum + size)
        })
    }

    /// The file being read, and how many were before it.
    pub(super) fn segment(&self) -> (&Path, u64) {
        (&self.segment.path, self.segments - 1)
    }
}

impl Open {
    fn new(path: PathBuf) -> Result<Self, LogError> {
        let file = File::open(&path).map_err(failed("open", &path))?;
        let size = file.metadata().map_err(failed("read", &path))?.len();
        Ok(Self { path, file, buffer: Vec::new(), start: 0, at: 0, size })
    }

    fn is_over(&self) -> bool {
        self.at >= self.size
    }

    fn pass(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// Sees to it that `wanted` bytes from `start` on are in the buffer, if the file has so many.
    fn fill(&mut self, wanted: usize) -> Result<&[u8], LogError> {
        if self.buffer.len() - self.start < wanted {
            self.buffer.drain(..self.start);
            self.start = 0;
            let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
            let target = wanted.max(PIECE_BYTES).min(left);
            let have = self.buffer.len();
            if target > have {
                self.buffer.resize(target, 0);
                match self.file.read_exact(&mut self.buffer[have..]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        return Err(self.damaged(0, "it became shorter while it was read".to_owned()));
                    }
                    Err(error) => return Err(failed("read", &self.path)(error)),
                }
            }
        }
        Ok(&self.buffer[self.start..])
    }

    /// Reads the head; returns the log's header.
    fn head(&mut self, first: u64) -> Result<Vec<u8>, LogError> {
        let bytes = self.fill(HEAD_BYTES)?;
        let head = bytes.first_chunk().and_then(Head::parse);
        let Some(head) = head else {
            return Err(self.damaged(first, "it does not start as a segment does".to_owned()));
        };
        if head.version > LAYOUT_VERSION {
            return Err(self.version("layout", head.version, LAYOUT_VERSION));
        }
        let end = HEAD_BYTES + head.header_len;
        let holds = |header: &[u8]| head.holds(header) && head.first == first;
        let header = self.fill(end)?.get(HEAD_BYTES..end).filter(|header| holds(header)).map(<[u8]>::to_vec);
        let Some(header) = header else {
            return Err(self.damaged(first, "its head does not have the checksum that it names".to_owned()));
        };
        self.pass(end);
        Ok(header)
    }

    /// Length of the turn in the next frame, which should hold the turn at `offset`. `last`: no segment follows.
    fn frame(&mut self, offset: u64, last: bool) -> Result<usize, LogError> {
        let left = self.size - self.at;
        let mut found = segment::frame(self.fill(FRAME_BYTES)?, left);
        if let Frame::Cut(size) = found
            && left >= (FRAME_BYTES + size) as u64
        {
            found = segment::frame(self.fill(FRAME_BYTES + size)?, left);
        }
        let what = match found {
            Frame::Whole(size) => return Ok(size),
            Frame::Cut(_) => "the turn there leads beyond the end",
            Frame::Broken => "the turn there does not have the checksum that it names",
        };
        // A write that was cut off leaves no turn behind it.
        let rest = usize::try_from(left).unwrap_or(usize::MAX);
        if last && !segment::has_later_turn(self.fill(rest)?, offset) {
            return Err(LogError::Torn { segment: self.path.clone(), byte: self.at, offset });
        }
        Err(self.damaged(offset, what.to_owned()))
    }

    fn damaged(&self, offset: u64, what: String) -> LogError {
        LogError::Damaged { segment: self.path.clone(), byte: self.at, offset, what }
    }

    fn version(&self, what: &'static str, found: u32, known: u32) -> LogError {
        LogError::Version { segment: self.path.clone(), what, found, known }
    }
}
