//! Turns made durable: many are encoded, then written at once and synced at once.

use super::append::{Totals, failed, start};
use super::error::LogError;
use super::segment::{self, LAYOUT_MARKED};
use super::tail::{Mended, Repaired, Tail};
use super::write::Mode;
use super::zeros::Zeros;
use crate::seam::disk::{Disk, DiskFile};
use hansom_engine::record::canonical::{self, EventChain};
use hansom_engine::record::{Command, FORMAT_VERSION, Header, Turn};
use hansom_geo_index::{Coord, Millis};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of a segment until its head is on the disk.
const FRESH: &str = "fresh";

/// How a durable log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    /// Who commits: a thread of the log, whatever was appended while it committed the turns before; or, inline, whoever
    /// calls [`Writer::commit`](super::Writer::commit).
    pub mode: Mode,
    /// A segment is full when what is committed next would lead beyond this. So much is filled with zeros ahead.
    pub segment_bytes: u64,
    /// It is full, too, once the first positions in it are so old: those of a segment leave it together, and never the last.
    pub segment_age: Option<Millis>,
}

impl Default for Durable {
    fn default() -> Self {
        Self { mode: Mode::Threaded, segment_bytes: segment::SEGMENT_BYTES, segment_age: None }
    }
}

/// A log whose turns are durable once they are committed.
///
/// After an error it must not be used any more: what a disk that failed once says later is not to be believed.
#[derive(Debug)]
pub(super) struct Committer {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    header: Vec<u8>,
    origin: Coord,
    segment_bytes: u64,
    segment_age: Option<Millis>,
    segment: Segment,
    /// Frames not yet written.
    piece: Vec<u8>,
    /// The time of the first positions in them.
    piece_since: Option<Millis>,
    /// The time of the last turn.
    now: Millis,
    /// Offset of the next turn.
    next: u64,
    /// How many turns are in `piece`.
    waiting: u64,
    zeros: Zeros,
    chain: EventChain,
    totals: Totals,
    repaired: Option<Repaired>,
}

/// The segment that is written.
#[derive(Debug)]
struct Segment {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// Offset of its first turn.
    first: u64,
    /// Where the next frame goes.
    at: u64,
    /// Length of the file.
    filled: u64,
    /// The time of the first positions in it.
    since: Option<Millis>,
}

impl Committer {
    /// Starts a log in a folder that holds none.
    pub fn create(disk: Arc<dyn Disk>, folder: &Path, header: &Header, durable: Durable) -> Result<Self, LogError> {
        start(&*disk, folder)?;
        let segment = fresh(&*disk, folder, 0, &header.encode())?;
        let mut committer = Self::on(disk, folder, header, segment, 0, durable);
        committer.totals.segments = 1;
        committer.totals.bytes = committer.segment.at;
        Ok(committer)
    }

    /// Goes on where a log ends.
    pub fn resume(disk: Arc<dyn Disk>, folder: &Path, tail: Tail, durable: Durable) -> Result<Self, LogError> {
        let Tail { header, next, segment: last } = tail;
        let header = Header { format_version: FORMAT_VERSION, ..header };
        let Mended { file, filled, repaired } = last.mend(&*disk, folder, next)?;
        let (segment, fresh_segments) = if last.takes(FORMAT_VERSION) {
            let first = last.first;
            // No zeros are left in it: it ends once there are some, and need not know how old it is.
            (Segment { file, path: last.path, first, at: last.at, filled, since: None }, 0)
        } else {
            (fresh(&*disk, folder, next, &header.encode())?, 1)
        };
        let mut committer = Self::on(disk, folder, &header, segment, next, durable);
        committer.totals.segments = fresh_segments;
        committer.repaired = repaired;
        Ok(committer)
    }

    fn on(disk: Arc<dyn Disk>, folder: &Path, header: &Header, segment: Segment, next: u64, durable: Durable) -> Self {
        let Durable { mode, segment_bytes, segment_age } = durable;
        Self {
            zeros: Zeros::new(mode, disk.clone(), folder, segment_bytes),
            disk,
            folder: folder.to_owned(),
            header: header.encode(),
            origin: header.origin,
            segment_bytes,
            segment_age,
            segment,
            piece: Vec::new(),
            piece_since: None,
            now: Millis(0),
            next,
            waiting: 0,
            chain: EventChain::new(),
            totals: Totals::default(),
            repaired: None,
        }
    }

    /// What was cut off when the log was opened.
    pub fn take_repaired(&mut self) -> Option<Repaired> {
        self.repaired.take()
    }

    /// Puts a turn into line for the next commit.
    pub fn append(&mut self, turn: &Turn) {
        assert_eq!(turn.offset.0, self.next, "turns come in order");
        let start = segment::open_frame(&mut self.piece);
        let events = canonical::encode(turn, self.origin, &mut self.piece);
        self.chain.extend(&self.piece[events..]);
        // Only the first of those written at once can promise that all before it were synced.
        segment::close_frame(&mut self.piece, start, self.waiting == 0);
        self.next += 1;
        self.waiting += 1;
        self.totals.turns += 1;
        self.now = turn.at;
        if let Command::ReportPositions(pings) = &turn.command {
            self.totals.pings += pings.len() as u64;
            self.piece_since.get_or_insert(turn.at);
        }
    }

    /// Returns once all turns would survive a loss of power.
    pub fn commit(&mut self) -> Result<(), LogError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let end = self.segment.at + self.piece.len() as u64;
        let first = self.next - self.waiting;
        let is_old = self.segment_age.is_some_and(|age| self.holds_positions_of(age));
        if first > self.segment.first && (is_old || end > self.segment.filled.min(self.segment_bytes)) {
            let ready = self.zeros.take();
            if is_old || ready.is_some() || end > self.segment_bytes {
                self.roll(first, ready)?;
            }
        }
        self.write()?;
        self.waiting = 0;
        let ends_soon = self.segment_age.is_some_and(|age| self.holds_positions_of(Millis(age.0 / 2)));
        if ends_soon || self.segment.at + self.segment_bytes / 2 > self.segment.filled {
            self.zeros.ask();
        }
        Ok(())
    }

    /// Whether the segment holds positions that are as old as `age`.
    fn holds_positions_of(&self, age: Millis) -> bool {
        self.segment.since.is_some_and(|since| self.now.0.saturating_sub(since.0) >= age.0)
    }

    /// Goes on in a new segment, in a file that is ready if there is one.
    fn roll(&mut self, first: u64, ready: Option<Box<dyn DiskFile>>) -> Result<(), LogError> {
        let (disk, folder) = (&*self.disk, &*self.folder);
        let segment = match ready {
            Some(file) => begin(disk, folder, file, self.zeros.path(), first, &self.header)?,
            None => fresh(disk, folder, first, &self.header)?,
        };
        self.totals.segments += 1;
        self.totals.bytes += segment.at;
        let full = std::mem::replace(&mut self.segment, segment);
        self.zeros.trim(full.file, full.at);
        Ok(())
    }

    fn write(&mut self) -> Result<(), LogError> {
        let Segment { file, path, at, filled, since, .. } = &mut self.segment;
        file.write_at(&self.piece, *at).map_err(failed("write", path))?;
        file.sync().map_err(failed("sync", path))?;
        *since = since.or(self.piece_since.take());
        *at += self.piece.len() as u64;
        *filled = (*filled).max(*at);
        self.totals.bytes += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }

    /// Says in the log that it was closed in order.
    pub fn close(mut self) -> Result<Totals, LogError> {
        self.commit()?;
        self.piece.extend_from_slice(&segment::seal());
        self.write()?;
        let Segment { file, path, at, .. } = &mut self.segment;
        file.set_size(*at).and_then(|()| file.sync()).map_err(failed("trim", path))?;
        self.zeros.close();
        self.totals.event_chain = self.chain.digest();
        Ok(self.totals)
    }
}

/// Starts a segment in a file without zeros.
fn fresh(disk: &dyn Disk, folder: &Path, first: u64, header: &[u8]) -> Result<Segment, LogError> {
    let path = folder.join(FRESH);
    if disk.files(folder).map_err(failed("read folder", folder))?.contains(&path) {
        // Of a process that was killed.
        disk.remove(&path).map_err(failed("remove", &path))?;
    }
    let file = disk.create(&path).map_err(failed("create", &path))?;
    let begun = begin(disk, folder, file, &path, first, header);
    if begun.is_err() {
        // What there is of it takes room where there may be none. It has its other name, or nobody needs it.
        let _ = disk.remove(&path);
    }
    begun
}

/// Makes the file at `from` a segment. It gets its name once its head is durable: a segment always has a head.
fn begin(
    disk: &dyn Disk,
    folder: &Path,
    mut file: Box<dyn DiskFile>,
    from: &Path,
    first: u64,
    header: &[u8],
) -> Result<Segment, LogError> {
    let head = segment::head(LAYOUT_MARKED, first, header);
    let path = segment::path(folder, first);
    file.write_at(&head, 0).and_then(|()| file.sync()).map_err(failed("write", from))?;
    let named = disk.rename(from, &path).and_then(|()| disk.sync_folder(folder));
    named.map_err(failed("name", &path))?;
    let at = head.len() as u64;
    let filled = file.size().map_err(failed("read", &path))?.max(at);
    Ok(Segment { file, path, first, at, filled, since: None })
}
