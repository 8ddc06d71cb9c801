//! What a log holds, for people.

use super::append::{Totals, failed};
use super::error::LogError;
use super::read::Reader;
use super::segment::{self, FRAME_BYTES, HEAD_BYTES, Head, LAYOUT_SEALED};
use crate::seam::disk::{Disk, FileSystem};
use hansom_engine::record::canonical::{EventChain, blank};
use hansom_engine::record::{Command, Header};
use hansom_geo_index::Millis;
use std::path::{Path, PathBuf};

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The file.
    pub path: PathBuf,
    /// Offset of its first turn.
    pub first: u64,
    /// Turns.
    pub turns: u64,
    /// Pings in them.
    pub pings: u64,
    /// Bytes, head included.
    pub bytes: u64,
    /// Time of its first and its last turn.
    pub times: Option<(Millis, Millis)>,
}

/// What a log holds, as far as it can be read.
#[derive(Debug)]
pub struct Listing {
    /// What holds for all turns.
    pub header: Header,
    /// The files, in order.
    pub segments: Vec<Segment>,
    /// The whole of it.
    pub totals: Totals,
    /// What stopped the reading before the end.
    pub fault: Option<LogError>,
}

/// Reads a whole log and says what it holds, up to the first fault if there is one.
pub fn list(folder: &Path) -> Result<Listing, LogError> {
    let mut reader = Reader::open(folder)?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut chain = EventChain::new();
    let mut turn = blank();
    let mut counted = 0;
    let fault = loop {
        match reader.next(&mut turn) {
            Ok(None) => break None,
            Err(fault) => break Some(fault),
            Ok(Some(record)) => chain.extend(record.events),
        }
        let (path, index) = reader.segment();
        if segments.len() as u64 <= index {
            let path = path.to_owned();
            let (first, bytes) = (turn.offset.0, 0);
            segments.push(Segment { path, first, turns: 0, pings: 0, bytes, times: None });
        }
        let segment = segments.last_mut().expect("pushed when its first turn came");
        segment.turns += 1;
        segment.bytes += reader.bytes_read() - counted;
        counted = reader.bytes_read();
        segment.times = Some((segment.times.map_or(turn.at, |(first, _)| first), turn.at));
        if let Command::ReportPositions(pings) = &turn.command {
            segment.pings += pings.len() as u64;
        }
    };
    // What stands behind the last turn: a seal.
    if let Some(segment) = segments.last_mut() {
        segment.bytes += reader.bytes_read() - counted;
    }
    let totals = Totals {
        turns: segments.iter().map(|segment| segment.turns).sum(),
        pings: segments.iter().map(|segment| segment.pings).sum(),
        bytes: reader.bytes_read(),
        segments: reader.segment().1 + 1,
        event_chain: chain.digest(),
    };
    Ok(Listing { header: reader.header().clone(), segments, totals, fault })
}

/// Whether the log in `folder` is of a simulation that did not come to its end. Only both ends of its last segment are
/// looked at; a folder without a log has none that did not.
pub fn is_unfinished(folder: &Path) -> Result<bool, LogError> {
    let files = segment::files(FileSystem.files(folder).map_err(failed("read folder", folder))?);
    let Some((_, path)) = files.last() else { return Ok(false) };
    let look = || {
        let mut file = FileSystem.open(path)?;
        let size = file.size()?;
        let mut head = [0; HEAD_BYTES];
        if size < HEAD_BYTES as u64 {
            // Not even its head was written.
            return Ok(files.len() == 1);
        }
        file.read_at(&mut head, 0)?;
        let mut end = [0; FRAME_BYTES];
        file.read_at(&mut end, size - FRAME_BYTES as u64)?;
        let is_of_simulation = Head::parse(&head).is_some_and(|head| head.version == LAYOUT_SEALED);
        Ok(is_of_simulation && end != segment::seal())
    };
    look().map_err(failed("read", path))
}

/// Reads a whole log, and fails at the first fault.
pub fn verify(folder: &Path) -> Result<Listing, LogError> {
    let mut listing = list(folder)?;
    match listing.fault.take() {
        Some(fault) => Err(fault),
        None => Ok(listing),
    }
}
