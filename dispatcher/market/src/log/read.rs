//! The reader of a log: a stream of turns through one buffer.

use super::append::failed;
use super::error::LogError;
use super::segment::{
    self, FRAME_BYTES, Frame, HEAD_BYTES, Head, LAYOUT_LATEST, LAYOUT_PLAIN, LAYOUT_SEALED, LAYOUT_STRIPPED,
};
use super::tail::{Tail, TailSegment};
use crate::seam::disk::{Disk, DiskFile, FileSystem};
use hansom_engine::Turn;
use hansom_engine::record::canonical::Decoder;
use hansom_engine::record::{FORMAT_VERSION, Header};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes are taken from the disk in pieces of this many.
const PIECE_BYTES: usize = 1 << 20;

/// A log being read.
#[derive(Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
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
    /// Offset of its first turn.
    first: u64,
    file: Box<dyn DiskFile>,
    /// Version of its layout.
    layout: u32,
    /// Version of the records in it.
    format: u32,
    /// Bytes of the file from `at - start` on.
    buffer: Vec<u8>,
    /// Where in `buffer` the next frame starts.
    start: usize,
    /// Where in the file the next frame starts.
    at: u64,
    /// Where in the file the last frame with a mark starts, or the first frame.
    marked: u64,
    /// Whether the last frame was a seal.
    sealed: bool,
    /// Size of the file; without the zeros filled in ahead, once they are reached.
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
    /// Opens the log in `folder`, or in the folder `log` of it, at its first turn.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        Self::open_on(Arc::new(FileSystem), folder, 0)
    }

    /// The same on a disk of the caller's, so that the next turn is that at offset `from`, or the end if the log ends
    /// before it. What lies in segments before that turn's is not looked at.
    pub fn open_on(disk: Arc<dyn Disk>, folder: &Path, from: u64) -> Result<Self, LogError> {
        let segments_in = |folder: &Path| disk.files(folder).map(segment::files).map_err(failed("read folder", folder));
        let mut files = segments_in(folder)?;
        if files.is_empty() {
            files = segments_in(&folder.join("log"))?;
        }
        let passed = files.partition_point(|(first, _)| *first <= from).saturating_sub(1);
        let mut ahead = files.split_off(passed);
        ahead.reverse();
        let Some((first, path)) = ahead.pop() else { return Err(LogError::NoLog { path: folder.to_owned() }) };
        let mut segment = Open::new(&*disk, path)?;
        if passed == 0 && first != 0 {
            let what = "it is the first one, but does not start with the first turn".to_owned();
            return Err(segment.damaged(0, what));
        }
        let header = segment.head(first)?;
        let decoder = Decoder::new(header.origin);
        let segments = passed as u64 + 1;
        let mut reader = Self { disk, header, ahead, segment, decoder, next: first, bytes_before: 0, segments };
        while reader.next < from && reader.pass_frame()?.is_some() {}
        Ok(reader)
    }

    /// What holds for all turns.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the next turn into `turn`; `None` at the end of the log.
    ///
    /// A log that was not written to its end, or lost it, is an error after its last whole turn.
    pub fn next(&mut self, turn: &mut Turn) -> Result<Option<Record<'_>>, LogError> {
        let offset = self.next;
        let Some((byte, size)) = self.pass_frame()? else { return Ok(None) };
        let segment = &self.segment;
        let bytes = &segment.buffer[segment.start - size..segment.start];
        let undecodable = |source| LogError::Undecodable { segment: segment.path.clone(), byte, offset, source };
        let events = self.decoder.decode(bytes, turn).map_err(undecodable)?;
        if turn.offset.0 != offset {
            let what = format!("it holds the turn at offset {}", turn.offset);
            return Err(LogError::Damaged { segment: segment.path.clone(), byte, offset, what });
        }
        Ok(Some(Record { bytes, events: &bytes[events..] }))
    }

    /// Passes the next turn: where in the file its frame starts, and its length. Its bytes are those before `start`.
    fn pass_frame(&mut self) -> Result<Option<(u64, usize)>, LogError> {
        loop {
            if self.segment.is_over()? {
                let Some((first, path)) = self.ahead.pop() else { return self.end() };
                self.bytes_before += self.segment.size;
                self.segments += 1;
                let buffer = std::mem::take(&mut self.segment.buffer);
                self.segment = Open { buffer, ..Open::new(&*self.disk, path)? };
                self.segment.buffer.clear();
                if first != self.next {
                    let what = format!("it starts with the turn at offset {first}: those before are missing");
                    return Err(self.segment.damaged(self.next, what));
                }
                self.segment.head(first)?;
                continue;
            }
            let byte = self.segment.at;
            let size = self.segment.frame(self.next, self.ahead.is_empty())?;
            // A seal is no turn.
            if size > 0 {
                self.next += 1;
                return Ok(Some((byte, size)));
            }
        }
    }

    /// The end of the last segment.
    fn end(&self) -> Result<Option<(u64, usize)>, LogError> {
        let Open { path, layout, sealed, .. } = &self.segment;
        if *layout == LAYOUT_SEALED && !sealed {
            return Err(LogError::Unfinished { segment: path.clone(), offset: self.next });
        }
        Ok(None)
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
            let size = self.disk.open(path).and_then(|file| file.size()).map_err(failed("read", path))?;
            Ok(sum + size)
        })
    }

    /// Where the log goes on. To be asked once [`next`](Self::next) said that it ends, or that its last turn was not
    /// written whole: then what is left of that turn is cut off.
    pub fn tail(&self) -> Tail {
        let Open { ref path, first, layout, format, at, marked, .. } = self.segment;
        let segment = TailSegment { path: path.clone(), first, layout, format, at, marked };
        Tail { header: self.header.clone(), next: self.next, segment }
    }

    /// The offset from which on pings were taken out of the log, in the segments not yet passed: from there on the log is
    /// folded, not decided again, and what its checkpoints say of positions is not what its turns lead to.
    pub fn stripped_from(&self) -> Result<Option<u64>, LogError> {
        if self.segment.layout == LAYOUT_STRIPPED {
            return Ok(Some(self.segment.first));
        }
        for (first, path) in self.ahead.iter().rev() {
            let mut segment = Open::new(&*self.disk, path.clone())?;
            segment.head(*first)?;
            if segment.layout == LAYOUT_STRIPPED {
                return Ok(Some(*first));
            }
        }
        Ok(None)
    }

    /// Whether pings were taken out of the segment being read.
    pub fn is_stripped(&self) -> bool {
        self.segment.layout == LAYOUT_STRIPPED
    }

    /// Version of the layout of the segment being read.
    pub(super) fn layout(&self) -> u32 {
        self.segment.layout
    }

    /// The file being read, and how many were before it.
    pub(super) fn segment(&self) -> (&Path, u64) {
        (&self.segment.path, self.segments - 1)
    }
}

impl Open {
    fn new(disk: &dyn Disk, path: PathBuf) -> Result<Self, LogError> {
        let file = disk.open(&path).map_err(failed("open", &path))?;
        let size = file.size().map_err(failed("read", &path))?;
        let (layout, format) = (LAYOUT_PLAIN, FORMAT_VERSION);
        Ok(Self {
            path,
            first: 0,
            file,
            layout,
            format,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            marked: 0,
            sealed: false,
            size,
        })
    }

    /// Whether no frame follows. Zeros up to the end of the file are none.
    fn is_over(&mut self) -> Result<bool, LogError> {
        if self.at < self.size
            && segment::is_marked(self.layout)
            && self.fill(1)?.iter().take(FRAME_BYTES).all(|byte| *byte == 0)
        {
            let mut ahead = self.at;
            while ahead < self.size {
                let piece = self.peek(ahead)?;
                if !piece.iter().all(|byte| *byte == 0) {
                    return Ok(false);
                }
                ahead += piece.len() as u64;
            }
            self.size = self.at;
        }
        Ok(self.at >= self.size)
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
                let read = self.file.read_at(&mut self.buffer[have..], self.at + have as u64);
                read.map_err(|error| self.unreadable(error))?;
            }
        }
        Ok(&self.buffer[self.start..])
    }

    /// Some bytes of the file from `at` on, which is before its end. What is in the buffer stays there.
    fn peek(&mut self, at: u64) -> Result<Vec<u8>, LogError> {
        let wanted = usize::try_from(self.size - at).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let mut piece = vec![0; wanted];
        self.file.read_at(&mut piece, at).map_err(|error| self.unreadable(error))?;
        Ok(piece)
    }

    fn unreadable(&self, error: std::io::Error) -> LogError {
        if error.kind() == ErrorKind::UnexpectedEof {
            self.damaged(0, "it became shorter while it was read".to_owned())
        } else {
            failed("read", &self.path)(error)
        }
    }

    /// Reads the head; returns the log's header.
    fn head(&mut self, first: u64) -> Result<Header, LogError> {
        let bytes = self.fill(HEAD_BYTES)?;
        let head = bytes.first_chunk().and_then(Head::parse);
        let Some(head) = head else {
            return Err(self.damaged(first, "it does not start as a segment does".to_owned()));
        };
        let end = HEAD_BYTES + head.header_len;
        let holds = |header: &[u8]| head.holds(header) && head.first == first;
        let header = self.fill(end)?.get(HEAD_BYTES..end).filter(|header| holds(header)).map(<[u8]>::to_vec);
        let Some(header) = header else {
            return Err(self.damaged(first, "its head does not have the checksum that it names".to_owned()));
        };
        // All layouts have this head, those to come too: a changed bit is not taken for a newer program.
        if head.version > LAYOUT_LATEST {
            return Err(self.version("layout", head.version, LAYOUT_LATEST));
        }
        let header = Header::decode(&header).map_err(|source| LogError::Undecodable {
            segment: self.path.clone(),
            byte: 0,
            offset: first,
            source,
        })?;
        if header.format_version > FORMAT_VERSION {
            return Err(self.version("record format", header.format_version, FORMAT_VERSION));
        }
        self.pass(end);
        (self.first, self.layout, self.format, self.marked) = (first, head.version, header.format_version, self.at);
        Ok(header)
    }

    /// Passes the next frame, which should hold the turn at `offset`, and returns the turn's length: 0 for a seal.
    /// `last`: no segment follows.
    fn frame(&mut self, offset: u64, last: bool) -> Result<usize, LogError> {
        let (layout, left) = (self.layout, self.size - self.at);
        let mut found = segment::frame(layout, self.fill(FRAME_BYTES)?, left);
        if let Frame::Cut(size) = found
            && left >= (FRAME_BYTES + size) as u64
        {
            found = segment::frame(layout, self.fill(FRAME_BYTES + size)?, left);
        }
        let what = match found {
            Frame::Whole { size, marked } => {
                if marked {
                    self.marked = self.at;
                }
                self.sealed = size == 0;
                self.pass(FRAME_BYTES + size);
                return Ok(size);
            }
            Frame::Cut(_) => "the turn there leads beyond the end",
            Frame::Broken => "the turn there does not have the checksum that it names",
        };
        // A write that was cut off leaves nothing behind it that was written later.
        let rest = usize::try_from(left).unwrap_or(usize::MAX);
        if last && !segment::proves_loss(layout, self.fill(rest)?, offset) {
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
