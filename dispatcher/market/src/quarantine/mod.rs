//! Lines that could not be read, kept with the reason until somebody has mended them or the program.
//!
//! A folder of files that are only appended to (`file.rs` has the layout), bounded in size: the oldest file goes when there
//! are too many, and what was in it and still waited is counted. The market's process writes entries ([`Store`]); who hands
//! entries over later writes marks beside them ([`Marks`]), so that either may run while the other does. Nothing damaged is
//! passed over in silence; only a last record that was not written whole is cut off, and that is said.

mod error;
mod file;

pub use error::QuarantineError;

use hansom_geo_index::Millis;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file is full when the next entry would lead beyond this …
const FILE_BYTES: u64 = 4 << 20;
/// … and so many files are kept.
const MOST_FILES: usize = 16;
/// A file is filled with zeros ahead, so much at a time: to sync bytes that have their place on the disk already does not hold
/// up the syncs of others, the market's log among them.
const AHEAD_BYTES: u64 = 256 << 10;
/// The most bytes of a line that are kept. Longer lines are no records of any kind.
pub const MOST_KEPT_BYTES: usize = 64 << 10;
/// The most bytes of a reason or a source that are kept.
const MOST_TEXT_BYTES: usize = 4 << 10;

const MARKS: &str = "handed-over.qua";
/// Name of the marks that are written anew, until they are whole.
const FRESH_MARKS: &str = "handed-over.fresh";
/// Marks are written anew when there are so many of entries that are not there any more, and as many as of those that are.
const STALE_MARKS: usize = 1024;
const LOCK: &str = "lock";

/// The number of an entry: 1, 2, 3, … in order of arrival; never given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A line in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: Id,
    /// When it came.
    pub at: Millis,
    /// Why it could not be read.
    pub reason: Box<str>,
    /// Where it came from.
    pub source: Box<str>,
    /// How long it was.
    pub length: u64,
    /// Its bytes as they came, the first [`MOST_KEPT_BYTES`] of them.
    pub bytes: Box<[u8]>,
    /// When it was handed over to the market again, mended or not; `None`: it waits.
    pub handed_over: Option<Millis>,
}

impl Entry {
    /// Whether all of its bytes are kept.
    pub fn is_whole(&self) -> bool {
        self.length == self.bytes.len() as u64
    }
}

/// What a quarantine holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The entries, in order of arrival.
    pub entries: Vec<Entry>,
    /// How many entries that waited were dropped for room.
    pub dropped: u64,
    /// Bytes at the end that were not written whole.
    pub torn: u64,
}

/// A quarantine that takes entries. One process has it open at a time.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Held as long as the store is open.
    _lock: File,
    /// The files, oldest first: number of the first entry, and path.
    files: Vec<(u64, PathBuf)>,
    file: File,
    size: u64,
    /// Up to where the last file is filled.
    filled: u64,
    next: Id,
    dropped: u64,
    cut: u64,
}

impl Store {
    /// Opens the quarantine in a folder, which is made if it is not there. A last entry that was not written whole is cut
    /// off.
    pub fn open(folder: &Path) -> Result<Self, QuarantineError> {
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let lock = lock(&folder.join(LOCK))?;
        let mut files = files(folder)?;
        if files.is_empty() {
            let (file, path) = create(folder, 1, 0)?;
            files.push((1, path));
            let size = file::head(1, 0).len() as u64;
            return Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
                files,
                file,
                size,
                filled: size,
                next: Id(1),
                dropped: 0,
                cut: 0,
            });
        }
        // All are read, so that damage is met when the market opens and not when somebody looks.
        for (_, path) in &files[..files.len() - 1] {
            file::read(path, false, file::read_entry)?;
        }
        let (first, path) = files.last().expect("there is one").clone();
        let content = file::read(&path, true, file::read_entry)?;
        let mut file = OpenOptions::new().write(true).open(&path).map_err(failed("open", &path))?;
        let (mut size, dropped) = (content.whole, content.dropped);
        // What was not written whole goes, and zeros that were filled in ahead with it.
        file.set_len(size).and_then(|()| file.sync_all()).map_err(failed("cut", &path))?;
        if size == 0 {
            let head = file::head(first, dropped);
            write_at(&mut file, &head, 0).and_then(|()| file.sync_all()).map_err(failed("write", &path))?;
            size = head.len() as u64;
        }
        let next = Id(content.records.last().map_or(first, |entry| entry.id.0 + 1));
        let folder = folder.to_owned();
        let mut store = Self { folder, _lock: lock, files, file, size, filled: size, next, dropped, cut: content.torn };
        store.trim()?;
        Ok(store)
    }

    /// Keeps a line, and returns once it would survive a loss of power.
    pub fn put(&mut self, reason: &str, source: &str, at: Millis, bytes: &[u8]) -> Result<Id, QuarantineError> {
        let id = self.append(reason, source, at, bytes)?;
        self.sync()?;
        Ok(id)
    }

    /// Keeps a line that is safe after the next [`sync`](Self::sync): for many at once.
    pub fn append(&mut self, reason: &str, source: &str, at: Millis, bytes: &[u8]) -> Result<Id, QuarantineError> {
        let id = self.next;
        let entry = file::entry(&Entry {
            id,
            at,
            reason: cut(reason).into(),
            source: cut(source).into(),
            length: bytes.len() as u64,
            bytes: bytes[..bytes.len().min(MOST_KEPT_BYTES)].into(),
            handed_over: None,
        });
        if self.size + entry.len() as u64 > FILE_BYTES {
            self.next_file()?;
        }
        self.write(&entry)?;
        self.next = Id(id.0 + 1);
        Ok(id)
    }

    /// Adds a record to the last file: all of it, or nothing.
    fn write(&mut self, record: &[u8]) -> Result<(), QuarantineError> {
        let end = self.size + record.len() as u64;
        let mut written = Ok(());
        if end > self.filled {
            let zeros = vec![0; (end + AHEAD_BYTES - self.filled) as usize];
            written = write_at(&mut self.file, &zeros, self.filled);
        }
        if let Err(source) = written.and_then(|()| write_at(&mut self.file, record, self.size)) {
            // What was written of it would make the records behind it unreadable.
            let _ = self.file.set_len(self.size);
            self.filled = self.size;
            return Err(failed("write", &self.path())(source));
        }
        if end > self.filled {
            self.filled = end + AHEAD_BYTES;
        }
        self.size = end;
        Ok(())
    }

    /// Takes the zeros off that were filled in ahead.
    fn trim_file(&self) -> Result<(), QuarantineError> {
        self.file.set_len(self.size).map_err(failed("trim", &self.path()))
    }

    /// Returns once all entries would survive a loss of power.
    pub fn sync(&mut self) -> Result<(), QuarantineError> {
        self.file.sync_data().map_err(failed("sync", &self.path()))
    }

    /// How many entries that waited were dropped for room, ever.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of an entry not written whole that were cut off when this store was opened.
    pub fn cut_at_open(&self) -> u64 {
        self.cut
    }

    fn path(&self) -> PathBuf {
        self.files.last().map_or_else(|| self.folder.clone(), |(_, path)| path.clone())
    }

    /// Starts a new file, and drops the oldest if there are too many.
    fn next_file(&mut self) -> Result<(), QuarantineError> {
        self.trim_file()?;
        self.sync()?;
        if self.files.len() >= MOST_FILES {
            let marks = marks(&self.folder)?;
            let oldest = file::read(&self.files[0].1, false, file::read_entry)?;
            self.dropped += oldest.records.iter().filter(|entry| !marks.contains_key(&entry.id)).count() as u64;
        }
        let (file, path) = create(&self.folder, self.next.0, self.dropped)?;
        self.files.push((self.next.0, path));
        self.file = file;
        self.size = file::head(self.next.0, self.dropped).len() as u64;
        self.filled = self.size;
        self.trim()
    }

    /// The file started last counts what this drops.
    fn trim(&mut self) -> Result<(), QuarantineError> {
        while self.files.len() > MOST_FILES {
            let (_, path) = self.files.remove(0);
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // If that fails, whoever opens it does it.
        let _ = self.trim_file();
    }
}

/// Where it is written down which entries were handed over. One process has it open at a time; the [`Store`] may be open
/// in another.
#[derive(Debug)]
pub struct Marks {
    file: File,
    path: PathBuf,
    size: u64,
    /// The file that was written anew: whoever opened it before has to find it locked.
    _old: Option<File>,
}

impl Marks {
    /// Opens the marks of the quarantine in a folder.
    pub fn open(folder: &Path) -> Result<Self, QuarantineError> {
        let path = folder.join(MARKS);
        let options = OpenOptions::new().create(true).append(true).clone();
        let mut file = options.open(&path).map_err(failed("open", &path))?;
        lock_file(&file, &path)?;
        let content = file::read(&path, true, file::read_mark)?;
        file.set_len(content.whole).map_err(failed("cut", &path))?;
        let mut size = content.whole;
        if size == 0 {
            let head = file::head(0, 0);
            file.write_all(&head).map_err(failed("write", &path))?;
            file.sync_all().map_err(failed("sync", &path))?;
            sync_folder(folder)?;
            size = head.len() as u64;
        }
        let marks = Self { file, path, size, _old: None };
        let first = files(folder)?.first().map_or(0, |(first, _)| *first);
        let (there, gone): (Vec<_>, Vec<_>) = content.records.into_iter().partition(|(id, _)| id.0 >= first);
        if gone.len() >= STALE_MARKS && gone.len() >= there.len() {
            return marks.write_anew(folder, &there);
        }
        Ok(marks)
    }

    /// Goes on in a file that holds these marks only.
    fn write_anew(self, folder: &Path, marks: &[(Id, Millis)]) -> Result<Self, QuarantineError> {
        let Self { file: old, path, .. } = self;
        let fresh = folder.join(FRESH_MARKS);
        let bytes: Vec<u8> = std::iter::once(file::head(0, 0))
            .chain(marks.iter().map(|(id, at)| file::mark(*id, *at)))
            .flatten()
            .collect();
        if fresh.exists() {
            // Of a process that was killed.
            fs::remove_file(&fresh).map_err(failed("remove", &fresh))?;
        }
        let mut file =
            OpenOptions::new().create_new(true).append(true).open(&fresh).map_err(failed("create", &fresh))?;
        lock_file(&file, &fresh)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(failed("name", &path))?;
        sync_folder(folder)?;
        Ok(Self { file, path, size: bytes.len() as u64, _old: Some(old) })
    }

    /// Writes down that an entry was handed over, and returns once that would survive a loss of power.
    pub fn hand_over(&mut self, id: Id, at: Millis) -> Result<(), QuarantineError> {
        let mark = file::mark(id, at);
        write(&mut self.file, &mark, self.size, &self.path)?;
        self.size += mark.len() as u64;
        self.file.sync_data().map_err(failed("sync", &self.path))
    }
}

/// What the quarantine in a folder holds; nothing, if there is no such folder.
pub fn list(folder: &Path) -> Result<Listing, QuarantineError> {
    let mut listing = Listing::default();
    if !folder.is_dir() {
        return Ok(listing);
    }
    let marks = marks(folder)?;
    let files = files(folder)?;
    for (index, (_, path)) in files.iter().enumerate() {
        let content = file::read(path, index + 1 == files.len(), file::read_entry)?;
        listing.dropped = listing.dropped.max(content.dropped);
        listing.torn = content.torn;
        listing.entries.extend(
            content.records.into_iter().map(|entry| Entry { handed_over: marks.get(&entry.id).copied(), ..entry }),
        );
    }
    Ok(listing)
}

/// Tells whether bytes are a quarantine's file: what [`list`] does with the file that was written last.
pub fn check(bytes: &[u8]) -> Result<(), &'static str> {
    file::parse(bytes, true, file::read_entry).map(|_| ()).map_err(|fault| match fault {
        file::Fault::Version(_) => "it is of a later version",
        file::Fault::Damaged { what, .. } => what,
    })
}

fn marks(folder: &Path) -> Result<BTreeMap<Id, Millis>, QuarantineError> {
    let path = folder.join(MARKS);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    Ok(file::read(&path, true, file::read_mark)?.records.into_iter().collect())
}

/// The files with entries in a folder, oldest first.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, QuarantineError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let path = entry.map_err(failed("list", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".qua"));
        if let Some(first) = name.filter(|name| name.len() == 20).and_then(|name| name.parse().ok()) {
            files.push((first, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn create(folder: &Path, first: u64, dropped: u64) -> Result<(File, PathBuf), QuarantineError> {
    let path = folder.join(format!("{first:020}.qua"));
    let options = OpenOptions::new().write(true).create_new(true).clone();
    let mut file = options.open(&path).map_err(failed("create", &path))?;
    let written = file.write_all(&file::head(first, dropped)).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // Or the next attempt would find its name taken.
        let _ = fs::remove_file(&path);
        return Err(failed("write", &path)(source));
    }
    sync_folder(folder)?;
    Ok((file, path))
}

fn write_at(file: &mut File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes))
}

/// Appends a record to a file of `size` bytes: all of it, or nothing.
fn write(file: &mut File, record: &[u8], size: u64, path: &Path) -> Result<(), QuarantineError> {
    file.write_all(record).map_err(|source| {
        // What was written of it would make the records behind it unreadable.
        let _ = file.set_len(size);
        failed("write", path)(source)
    })
}

fn sync_folder(folder: &Path) -> Result<(), QuarantineError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync folder", folder))
}

fn lock(path: &Path) -> Result<File, QuarantineError> {
    let file = File::create(path).map_err(failed("create", path))?;
    lock_file(&file, path)?;
    Ok(file)
}

fn lock_file(file: &File, path: &Path) -> Result<(), QuarantineError> {
    file.try_lock().map_err(|refused| match refused {
        TryLockError::WouldBlock => QuarantineError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => failed("lock", path)(source),
    })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> QuarantineError + use<> {
    let path = path.to_owned();
    move |source| QuarantineError::Io { action, path, source }
}

/// The start of a text, as much of it as is kept.
fn cut(text: &str) -> &str {
    let end = (0..=MOST_TEXT_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}
