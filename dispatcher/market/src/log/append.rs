//! Turns into segments, in the thread that calls.

use super::error::LogError;
use super::segment::{self, FRAME_BYTES, SEGMENT_BYTES};
use crate::seam::disk::{Disk, DiskFile};
use hansom_engine::record::canonical::{self, EventChain};
use hansom_engine::record::{Command, Header, Turn};
use hansom_geo_index::Coord;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes are handed to the disk in pieces of about this many.
const PIECE_BYTES: usize = 1 << 20;

/// What a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Turns.
    pub turns: u64,
    /// Pings in them.
    pub pings: u64,
    /// Bytes of all segments, heads included.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
    /// [`EventChain`] over all turns.
    pub event_chain: u128,
}

/// A log being written: encodes, chains, checksums, and writes in pieces.
pub(super) struct Appender {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    header: Vec<u8>,
    origin: Coord,
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// Size of the present segment, `piece` included.
    size: u64,
    /// Not yet handed to the disk.
    piece: Vec<u8>,
    chain: EventChain,
    totals: Totals,
}

impl Appender {
    /// Starts a log in a folder that holds none.
    pub fn create(disk: Arc<dyn Disk>, folder: &Path, header: &Header) -> Result<Self, LogError> {
        start(&*disk, folder)?;
        let path = segment::path(folder, 0);
        let file = disk.create(&path).map_err(failed("create", &path))?;
        disk.sync_folder(folder).map_err(failed("sync folder", folder))?;
        let mut appender = Self {
            disk,
            folder: folder.to_owned(),
            header: header.encode(),
            origin: header.origin,
            file,
            path,
            size: 0,
            piece: Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4),
            chain: EventChain::new(),
            totals: Totals::default(),
        };
        appender.open_segment(0);
        Ok(appender)
    }

    /// Appends a turn. After an error the log takes no more.
    pub fn append(&mut self, turn: &Turn) -> Result<(), LogError> {
        let start = segment::open_frame(&mut self.piece);
        let events = canonical::encode(turn, self.origin, &mut self.piece);
        self.chain.extend(&self.piece[events..]);
        segment::close_frame(&mut self.piece, start, false);
        let frame = (self.piece.len() - start) as u64;
        if self.size + frame > SEGMENT_BYTES && self.totals.turns > 0 {
            self.next_segment(turn.offset.0, start)?;
        }
        self.size += frame;
        self.totals.turns += 1;
        if let Command::ReportPositions(pings) = &turn.command {
            self.totals.pings += pings.len() as u64;
        }
        if self.piece.len() >= PIECE_BYTES { self.hand_over() } else { Ok(()) }
    }

    /// Writes what is left and a seal behind it, and returns once all of it would survive a loss of power.
    pub fn close(&mut self) -> Result<Totals, LogError> {
        self.piece.extend_from_slice(&segment::seal());
        self.size += FRAME_BYTES as u64;
        self.finish()
    }

    /// Writes what is left of a log that nobody closes, and syncs it. It has no seal.
    pub fn finish(&mut self) -> Result<Totals, LogError> {
        self.hand_over()?;
        self.sync()?;
        self.totals.bytes += self.size;
        self.totals.event_chain = self.chain.digest();
        Ok(self.totals)
    }

    /// Closes the segment before the frame at `start` of the piece, and puts that frame into a new one.
    fn next_segment(&mut self, first: u64, start: usize) -> Result<(), LogError> {
        let frame = self.piece.split_off(start);
        self.hand_over()?;
        self.sync()?;
        self.totals.bytes += self.size;
        self.path = segment::path(&self.folder, first);
        self.file = self.disk.create(&self.path).map_err(failed("create", &self.path))?;
        self.disk.sync_folder(&self.folder).map_err(failed("sync folder", &self.folder))?;
        self.open_segment(first);
        self.piece.extend_from_slice(&frame);
        Ok(())
    }

    fn open_segment(&mut self, first: u64) {
        self.piece.extend_from_slice(&segment::head(segment::LAYOUT_SEALED, first, &self.header));
        self.size = self.piece.len() as u64;
        self.totals.segments += 1;
    }

    fn hand_over(&mut self) -> Result<(), LogError> {
        let at = self.size - self.piece.len() as u64;
        self.file.write_at(&self.piece, at).map_err(failed("write", &self.path))?;
        self.piece.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync().map_err(failed("sync", &self.path))
    }
}

/// Makes the folder of a log that starts, unless there is one already.
pub(super) fn start(disk: &dyn Disk, folder: &Path) -> Result<(), LogError> {
    disk.make_folder(folder).map_err(failed("make folder", folder))?;
    let files = disk.files(folder).map_err(failed("read folder", folder))?;
    if segment::files(files).is_empty() { Ok(()) } else { Err(LogError::Exists { path: folder.to_owned() }) }
}

/// Says what was tried on what when the machine refuses.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}
