//! A history made anew from the log of a market that is not served.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hansom_engine::record::canonical::blank;
use hansom_market::log::{LogError, Reader};
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::seam::disk::FileSystem;

use super::{FILE, History, HistoryError, Reach, Source, Useless};

/// Rides changed before they are written.
const MOST_PENDING: usize = 4096;
/// … and so many such writes before they are put on the disk for good: the database reuses no room before.
const MOST_UNSYNCED: u32 = 32;

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// How far it reaches.
    pub reach: Reach,
    /// Rides in it.
    pub rides: u32,
    /// Hash of all rows, in hexadecimal digits.
    pub digest: String,
    /// Whether what was there before was the same; `None`: there was nothing that could be compared.
    pub was_same: Option<bool>,
}

/// Makes the history of the market in `folder` anew, beside what is there, and puts it in its stead. Nobody may have that open.
pub fn rebuild(folder: &Path) -> Result<Rebuilt, HistoryError> {
    let mut reader = Reader::open_on(Arc::new(FileSystem), &folder.join(LOG_FOLDER), 0)?;
    let source = Source::of(reader.header());
    let (path, fresh) = (folder.join(FILE), folder.join("history.fresh"));
    let before = match History::open(&path, &source)? {
        Ok((before, _)) => Some((before.reach()?, before.digest()?)),
        Err(
            Useless::Missing
            | Useless::Damaged(_)
            | Useless::Version { .. }
            | Useless::OtherLog
            | Useless::Ahead { .. },
        ) => None,
    };
    let (history, mut writer) = History::create(&fresh, &source)?;
    let mut turn = blank();
    let mut unsynced = 0;
    loop {
        match reader.next(&mut turn) {
            Ok(Some(_)) => writer.take(&turn),
            // What was not written whole was never released.
            Ok(None) | Err(LogError::Torn { .. } | LogError::Unfinished { .. }) => break,
            Err(fault) => return Err(fault.into()),
        }
        if writer.pending() >= MOST_PENDING {
            unsynced += 1;
            writer.write(unsynced % MOST_UNSYNCED == 0)?;
        }
    }
    writer.write(true)?;
    let (reach, digest, rides) = (writer.reach(), history.digest()?, history.last_ride()?);
    drop((writer, history));
    fs::rename(&fresh, &path).map_err(|source| HistoryError::Io { path, source })?;
    let was_same = before.filter(|(before, _)| *before == reach).map(|(_, before)| before == digest);
    let digest = blake3::Hash::from_bytes(digest).to_hex().to_string();
    Ok(Rebuilt { reach, rides, digest, was_same })
}
