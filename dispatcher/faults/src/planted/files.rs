//! Bugs of recovery: what it would have made of the files is done to them before the market is opened.

use super::{Bug, FileBug};
use crate::server::FOLDER;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Offset, State, Turn, steps};
use hansom_geo_index::Millis;
use hansom_market::Streets;
use hansom_market::log::{Durable, LogError, Mode, Reader, Writer};
use hansom_market::recovery::{LOG_FOLDER, SNAPSHOT_FOLDER};
use hansom_market::seam::disk::Disk;
use hansom_market::seam::sim::SimDisk;
use hansom_market::snapshot::Snapshots;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Does to the files what a recovery with this bug would have done; `left_behind` is what had been decided when the process
/// stopped. Whatever cannot be done is not.
pub(crate) fn tamper(disk: &SimDisk, streets: &Streets, bug: Option<Bug>, left_behind: &BTreeMap<u64, Turn>) {
    let Some(Bug::Files(bug)) = bug else { return };
    let log = Path::new(FOLDER).join(LOG_FOLDER);
    let _ = match bug {
        FileBug::TornTailAccepted => accept_torn(disk, &log, left_behind),
        FileBug::TailCutTooFar => cut(disk, &log),
        FileBug::DamageCutOff => cut_damage(disk, &log),
        FileBug::WrongSnapshot => mislabel(disk, &log, streets),
        FileBug::LogStartedAnew => remove_all(disk, &log),
        FileBug::NoChecksum => right_checksums(disk, &log),
    };
}

/// Reads as far as it goes.
fn read(disk: &SimDisk, log: &Path) -> Option<(Reader, Option<LogError>)> {
    let mut reader = Reader::open_on(Arc::new(disk.clone()), log, 0).ok()?;
    let mut turn = blank();
    loop {
        match reader.next(&mut turn) {
            Ok(Some(_)) => {}
            Ok(None) => return Some((reader, None)),
            Err(fault) => return Some((reader, Some(fault))),
        }
    }
}

/// The first turn that was not whole stands in the log, without its last fact.
fn accept_torn(disk: &SimDisk, log: &Path, left_behind: &BTreeMap<u64, Turn>) -> Option<()> {
    let (reader, _) = read(disk, log)?;
    let mut torn = left_behind.get(&reader.position())?.clone();
    torn.events.pop()?;
    let durable = Durable { mode: Mode::Inline, ..Durable::default() };
    let (header, tail) = (reader.header().clone(), reader.tail());
    let mut writer =
        Writer::open_durable(Arc::new(disk.clone()), log, &header, Some(tail), durable, Box::new(|_| {})).ok()?;
    writer.append(torn).ok()?;
    writer.commit().ok()
}

fn last_segment(disk: &SimDisk, log: &Path) -> Option<PathBuf> {
    disk.files(log).ok()?.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "seg")).max()
}

/// Where the frames of a segment start that hold turns, and their lengths.
///
/// A segment is a head of 28 bytes and a header, then frames of length (its top bit is a mark), checksum and turn.
fn frames(bytes: &[u8]) -> Vec<(usize, usize)> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let mut at = 28 + word(12).unwrap_or(0);
    let mut frames = Vec::new();
    while let Some(length) = word(at).map(|length| length & !(1 << 31)) {
        if at + 8 + length > bytes.len() || bytes[at..].iter().all(|byte| *byte == 0) {
            break;
        }
        if length > 0 {
            frames.push((at, length));
        }
        at += 8 + length;
    }
    frames
}

/// The last turn is gone.
fn cut(disk: &SimDisk, log: &Path) -> Option<()> {
    let segment = last_segment(disk, log)?;
    let mut bytes = disk.content(&segment)?;
    let (last, _) = *frames(&bytes).last()?;
    bytes.truncate(last);
    disk.plant(&segment, &bytes);
    remove_snapshots(disk);
    Some(())
}

/// Every turn has the checksum that it names.
fn right_checksums(disk: &SimDisk, log: &Path) -> Option<()> {
    for segment in disk.files(log).ok()? {
        let mut bytes = disk.content(&segment)?;
        for (at, length) in frames(&bytes) {
            let (turn, size) = (at + 8..at + 8 + length, at..at + 4);
            let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[size]), &bytes[turn]);
            bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
        }
        disk.plant(&segment, &bytes);
    }
    remove_snapshots(disk);
    Some(())
}

/// All from the damage on is gone.
fn cut_damage(disk: &SimDisk, log: &Path) -> Option<()> {
    let (_, Some(LogError::Damaged { segment, byte, .. })) = read(disk, log)? else { return None };
    for path in disk.files(log).ok()?.into_iter().filter(|path| *path > segment) {
        disk.remove(&path).ok()?;
    }
    let mut bytes = disk.content(&segment)?;
    bytes.truncate(byte as usize);
    disk.plant(&segment, &bytes);
    remove_snapshots(disk);
    Some(())
}

/// The snapshot of some moment stands where one of a later moment should.
fn mislabel(disk: &SimDisk, log: &Path, streets: &Streets) -> Option<()> {
    let mut reader = Reader::open_on(Arc::new(disk.clone()), log, 0).ok()?;
    let mut state = State::of_log(reader.header(), &streets.network);
    let (mut turn, mut next, mut at) = (blank(), Offset(0), Millis::ZERO);
    let mut before = Vec::new();
    while let Ok(Some(_)) = reader.next(&mut turn) {
        if !turn.events.is_empty() {
            before.push(turn.clone());
        }
        (next, at) = (Offset(turn.offset.0 + 1), turn.at);
    }
    before.pop()?;
    for turn in &before {
        steps::fold(&mut state, &streets.network, turn);
    }
    let mut snapshots = Snapshots::open(Arc::new(disk.clone()), &Path::new(FOLDER).join(SNAPSHOT_FOLDER)).ok()?;
    snapshots.write(next, at, &state, &streets.network).ok()
}

/// The snapshots on a disk, and up to which turn each reaches, as its name says.
pub(crate) fn snapshots(disk: &SimDisk) -> impl Iterator<Item = (u64, PathBuf)> + use<> {
    let files = disk.files(&Path::new(FOLDER).join(SNAPSHOT_FOLDER)).unwrap_or_default();
    files.into_iter().filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
}

fn remove_all(disk: &SimDisk, log: &Path) -> Option<()> {
    remove_files(disk, log)?;
    remove_snapshots(disk);
    Some(())
}

fn remove_snapshots(disk: &SimDisk) {
    remove_files(disk, &Path::new(FOLDER).join(SNAPSHOT_FOLDER));
}

fn remove_files(disk: &SimDisk, folder: &Path) -> Option<()> {
    for path in disk.files(folder).ok()? {
        disk.remove(&path).ok()?;
    }
    Some(())
}
