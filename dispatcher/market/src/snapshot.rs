//! Snapshots of a market: what it knew after some turn, in a file, so that a start need not fold the whole log.
//!
//! A snapshot is a file `<offset of the next turn>.snap`. All numbers are little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `HANSOMSN` |
//! | 4 | version of this layout, 1 |
//! | 4 | version of the state's encoding |
//! | 8 | offset of the next turn |
//! | 8 | time of the last turn, ms |
//! | 32 | BLAKE3 of the network |
//! | 8 | length `n` of the state |
//! | `n` | the state |
//! | 32 | BLAKE3 of all before |
//!
//! A snapshot is never needed: one that cannot be used is passed over, and more of the log is folded.

use crate::seam::disk::Disk;
use hansom_engine::record::canonical::DecodeError;
use hansom_engine::state::SNAPSHOT_VERSION;
use hansom_engine::{Offset, State};
use hansom_geo_index::{Millis, Network};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"HANSOMSN";
const LAYOUT_VERSION: u32 = 1;
/// Bytes before the state.
const HEAD_BYTES: usize = 72;
const HASH_BYTES: usize = 32;

/// So many snapshots are kept.
const KEPT: usize = 3;

/// Name of a snapshot until it is whole.
const FRESH: &str = "fresh";

/// The snapshots of a market.
#[derive(Debug)]
pub struct Snapshots {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// The last one's bytes, kept for their room: the next is about as large, so that writing it takes no memory anew.
    bytes: Vec<u8>,
}

/// What a market knew after some turn.
#[derive(Debug)]
pub struct Snapshot {
    /// Offset of the next turn.
    pub next: Offset,
    /// Time of the last turn.
    pub at: Millis,
    /// What it knew.
    pub state: State,
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The machine refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It was cut off or changed.
    #[error("it does not have the checksum that it names")]
    Damaged,
    /// It is of another version.
    #[error("its {what} has version {found}; this program reads {known}")]
    Version {
        /// Of what: layout or state.
        what: &'static str,
        /// As written.
        found: u32,
        /// As known.
        known: u32,
    },
    /// It is of a market elsewhere.
    #[error("it is of another network")]
    OtherNetwork,
    /// Its bytes are as written, but no state.
    #[error("its state cannot be read")]
    Undecodable(#[from] DecodeError),
}

/// A snapshot that was passed over.
#[derive(Debug)]
pub struct PassedOver {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: SnapshotError,
}

impl Snapshots {
    /// Those in `folder`, which is made if need be.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> io::Result<Self> {
        disk.make_folder(folder)?;
        Ok(Self { disk, folder: folder.to_owned(), bytes: Vec::new() })
    }

    /// The files, oldest first, with the offsets that their names say.
    fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found: Vec<_> =
            self.disk.files(&self.folder)?.into_iter().filter_map(|path| Some((offset_of(&path)?, path))).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Up to which turn there is a snapshot, be it good or not: the log was once as long.
    pub fn reach(&self) -> io::Result<Option<Offset>> {
        Ok(self.list()?.last().map(|(next, _)| Offset(*next)))
    }

    /// From which turn on the oldest snapshot needs the log.
    pub fn oldest(&self) -> io::Result<Option<Offset>> {
        Ok(self.list()?.first().map(|(next, _)| Offset(*next)))
    }

    /// The newest snapshot that can be used, and those that were passed over.
    pub fn newest(&self, network: &Network) -> io::Result<(Option<Snapshot>, Vec<PassedOver>)> {
        let mut passed_over = Vec::new();
        for (next, path) in self.list()?.into_iter().rev() {
            match self.read(next, &path, network) {
                Ok(snapshot) => return Ok((Some(snapshot), passed_over)),
                Err(why) => passed_over.push(PassedOver { path, why }),
            }
        }
        Ok((None, passed_over))
    }

    /// The newest snapshot that can be used of those that reach no further than before the turn at `next`.
    pub fn before(&self, next: Offset, network: &Network) -> io::Result<Option<Snapshot>> {
        let mut found = self.list()?.into_iter().rev().filter(|(reach, _)| *reach <= next.0);
        Ok(found.find_map(|(reach, path)| self.read(reach, &path, network).ok()))
    }

    fn read(&self, next: u64, path: &Path, network: &Network) -> Result<Snapshot, SnapshotError> {
        let mut file = self.disk.open(path)?;
        let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX)];
        file.read_at(&mut bytes, 0)?;
        decode(next, &bytes, network)
    }

    /// Writes a snapshot, and removes old ones. When it returns the snapshot would survive a loss of power.
    pub fn write(&mut self, next: Offset, at: Millis, state: &State, network: &Network) -> io::Result<()> {
        // Room for one that is larger by an eighth: a buffer that has to grow is there twice meanwhile. Nor is the most that was
        // ever needed kept for ever.
        let room = self.bytes.len() / 8 * 9;
        if !(room..=2 * room).contains(&self.bytes.capacity()) {
            self.bytes = Vec::new();
            self.bytes.reserve_exact(room / 4 * 5);
        }
        encode(next, at, state, network, &mut self.bytes);
        let fresh = self.folder.join(FRESH);
        if self.disk.files(&self.folder)?.contains(&fresh) {
            // Of an attempt that failed.
            self.disk.remove(&fresh)?;
        }
        let mut file = self.disk.create(&fresh)?;
        let named = self.folder.join(format!("{next:020}.snap", next = next.0));
        let written = file.write_aside(&self.bytes, 0);
        if let Err(fault) = written.and_then(|()| self.disk.rename(&fresh, &named)) {
            // Where the disk is full, the log needs the room more than half a snapshot.
            let _ = self.disk.remove(&fresh);
            return Err(fault);
        }
        self.disk.sync_folder(&self.folder)?;
        let old = self.list()?;
        old.iter().rev().skip(KEPT).try_for_each(|(_, path)| self.disk.remove(path))
    }
}

/// The offset in the name of a snapshot.
fn offset_of(path: &Path) -> Option<u64> {
    let name = path.file_stem().and_then(OsStr::to_str)?;
    let is_snapshot = path.extension() == Some(OsStr::new("snap")) && name.len() == 20;
    if is_snapshot { name.parse().ok() } else { None }
}

fn encode(next: Offset, at: Millis, state: &State, network: &Network, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&next.0.to_le_bytes());
    bytes.extend_from_slice(&at.0.to_le_bytes());
    bytes.extend_from_slice(&network.id());
    bytes.extend_from_slice(&[0; 8]);
    state.encode_into(bytes);
    let length = (bytes.len() - HEAD_BYTES) as u64;
    bytes[HEAD_BYTES - 8..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    let hash = blake3::hash(bytes);
    bytes.extend_from_slice(hash.as_bytes());
}

fn decode(next: u64, bytes: &[u8], network: &Network) -> Result<Snapshot, SnapshotError> {
    let (rest, hash) = bytes.split_last_chunk::<HASH_BYTES>().ok_or(SnapshotError::Damaged)?;
    let (head, state) = rest.split_first_chunk::<HEAD_BYTES>().ok_or(SnapshotError::Damaged)?;
    if *blake3::hash(rest).as_bytes() != *hash || head[..8] != *MAGIC {
        return Err(SnapshotError::Damaged);
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    for (what, at, known) in [("layout", 8, LAYOUT_VERSION), ("state", 12, SNAPSHOT_VERSION)] {
        let found = word(at);
        if found != known {
            return Err(SnapshotError::Version { what, found, known });
        }
    }
    if head[32..64] != network.id() {
        return Err(SnapshotError::OtherNetwork);
    }
    // The name says where the log goes on, so a file that was renamed is as bad as one that was changed.
    if long(16) != next || long(64) != state.len() as u64 {
        return Err(SnapshotError::Damaged);
    }
    Ok(Snapshot { next: Offset(next), at: Millis(long(24) as i64), state: State::decode(state, network)? })
}
