//! Retention: pings leave the segments of a log after some time, all else stays for ever.
//!
//! A segment is written again without most of its pings and of the facts that only say where a vehicle was. What stays of
//! them is each driver's first and last in the segment, and the first after he had been missed: so that whoever folds the
//! log finds everybody where he was at the segment's ends, and nobody missing who had been heard. Turns keep their offsets.
//! Such a segment has a layout of its own: it is folded, and not decided again.

use super::append::failed;
use super::error::LogError;
use super::read::Reader;
use super::segment::{self, LAYOUT_STRIPPED};
use crate::seam::disk::Disk;
use hansom_engine::record::canonical::{self, blank};
use hansom_engine::{Command, DriverId, Event, Turn};
use hansom_geo_index::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of a segment until it is whole.
const FRESH: &str = "stripped";

/// A segment that was written again without most of its pings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripped {
    /// The file.
    pub segment: PathBuf,
    /// Pings before.
    pub pings: u64,
    /// Pings that stayed.
    pub kept: u64,
    /// Bytes before.
    pub bytes: u64,
    /// Bytes now.
    pub bytes_left: u64,
}

/// Takes the pings out of the segments whose turns are all before the time `before` and below the offset `below`.
///
/// The last segment is left alone, so that the log may be written meanwhile.
pub fn strip(disk: &Arc<dyn Disk>, folder: &Path, before: Millis, below: u64) -> Result<Vec<Stripped>, LogError> {
    let files = segment::files(disk.files(folder).map_err(failed("read folder", folder))?);
    let mut stripped = Vec::new();
    for pair in files.windows(2) {
        let [(first, path), (next, _)] = pair else { continue };
        if *next > below {
            break;
        }
        let mut reader = Reader::open_on(disk.clone(), folder, *first)?;
        if reader.layout() == LAYOUT_STRIPPED {
            continue;
        }
        let Some(kept) = Kept::of(&mut reader, *next, before)? else { break };
        stripped.push(rewrite(disk, folder, path, *first, *next, &kept)?);
    }
    Ok(stripped)
}

/// The pings of a segment that stay: driver and number.
struct Kept(BTreeSet<(DriverId, u32)>);

impl Kept {
    /// `None`: some turn is not before the time.
    fn of(reader: &mut Reader, next: u64, before: Millis) -> Result<Option<Self>, LogError> {
        let mut kept = BTreeSet::new();
        let mut last = BTreeMap::new();
        let mut missed = BTreeSet::new();
        let mut turn = blank();
        while reader.position() < next && reader.next(&mut turn)?.is_some() {
            if turn.at >= before {
                return Ok(None);
            }
            for event in &turn.events {
                match event {
                    Event::DriverMoved { driver, seq, .. } => {
                        let is_first = last.insert(*driver, *seq).is_none();
                        if missed.remove(driver) || is_first {
                            kept.insert((*driver, *seq));
                        }
                    }
                    Event::DriverWarned { driver, .. } | Event::DriverDark { driver } => {
                        missed.insert(*driver);
                    }
                    // A number may come again in another session.
                    Event::ShiftStarted(started) => {
                        last.remove(&started.driver);
                    }
                    _ => {}
                }
            }
        }
        kept.extend(last);
        Ok(Some(Self(kept)))
    }

    /// Takes the other pings out of a turn.
    fn thin(&self, turn: &mut Turn) {
        if let Command::ReportPositions(pings) = &mut turn.command {
            pings.retain(|ping| self.0.contains(&(ping.driver, ping.seq)));
            turn.events.retain(|event| match event {
                Event::DriverMoved { driver, seq, .. } => self.0.contains(&(*driver, *seq)),
                Event::PingRefused { .. } => false,
                _ => true,
            });
        }
    }
}

fn rewrite(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    path: &Path,
    first: u64,
    next: u64,
    kept: &Kept,
) -> Result<Stripped, LogError> {
    let mut reader = Reader::open_on(disk.clone(), folder, first)?;
    let header = reader.header().clone();
    let mut bytes = segment::head(LAYOUT_STRIPPED, first, &header.encode());
    let mut stripped = Stripped { segment: path.to_owned(), pings: 0, kept: 0, bytes: 0, bytes_left: 0 };
    let mut turn = blank();
    while reader.position() < next && reader.next(&mut turn)?.is_some() {
        stripped.pings += pings(&turn);
        kept.thin(&mut turn);
        stripped.kept += pings(&turn);
        let start = segment::open_frame(&mut bytes);
        canonical::encode(&turn, header.origin, &mut bytes);
        segment::close_frame(&mut bytes, start, turn.offset.0 == first);
    }
    stripped.bytes = reader.bytes_read();
    stripped.bytes_left = bytes.len() as u64;
    let fresh = folder.join(FRESH);
    let write = || {
        if disk.files(folder)?.contains(&fresh) {
            // Of a process that was killed.
            disk.remove(&fresh)?;
        }
        let mut file = disk.create(&fresh)?;
        file.write_at(&bytes, 0)?;
        file.sync()?;
        disk.rename(&fresh, path)?;
        disk.sync_folder(folder)
    };
    if let Err(fault) = write() {
        // Where the disk is full, the log needs the room more. It has its other name, or nobody needs it.
        let _ = disk.remove(&fresh);
        return Err(failed("write", path)(fault));
    }
    Ok(stripped)
}

fn pings(turn: &Turn) -> u64 {
    match &turn.command {
        Command::ReportPositions(pings) => pings.len() as u64,
        _ => 0,
    }
}
