//! Files and folders: all that logs and snapshots need of a file system.

use std::fmt::Debug;
use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where logs and snapshots are kept.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder, and those above it, if it is not there. What it made would survive a loss of power.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// The files in a folder, in no order; none if there is no such folder.
    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes a file that does not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to read it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to read and to write it.
    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name in its folder, at once or not at all; a file of that name is gone then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once the names in a folder would survive a loss of power.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the file `path`, if it is not there, the sign of somebody at work; fails with [`ErrorKind::WouldBlock`] if
    /// another process or thread is. It ends with the process at the latest.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
}

/// Keeps others out for as long as it lives.
pub type Lock = Box<dyn Debug + Send>;

/// A file, read and written at places.
pub trait DiskFile: Debug + Send {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Fills `bytes` with what stands from `at` on, or fails with [`ErrorKind::UnexpectedEof`].
    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()>;
    /// Writes all of `bytes` from `at` on. If it fails, some of them may have been written.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts the file off, or fills it up with zeros.
    fn set_size(&mut self, size: u64) -> io::Result<()>;
    /// Returns once what was written would survive a loss of power. After a failure nobody knows what of it would.
    fn sync(&mut self) -> io::Result<()>;
    /// Writes all of `bytes` from `at` on, and returns once they would survive a loss of power. For what is large and nobody
    /// waits for: others come to the disk in between, who would wait for all of it if it were written at once.
    fn write_aside(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_at(bytes, at)?;
        self.sync()
    }
}

/// What is written aside goes in pieces of so many bytes …
const ASIDE_BYTES: usize = 256 << 10;
/// … after each of which the disk is left alone for twice as long as it took, and at most for so long.
const ASIDE_PAUSE: Duration = Duration::from_millis(20);

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_folder(parent)?;
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync_folder(parent.unwrap_or(Path::new("."))),
        }
    }

    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(fs::OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DiskFile for fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.read_exact(bytes)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn write_aside(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        for (piece, at) in bytes.chunks(ASIDE_BYTES).zip((at..).step_by(ASIDE_BYTES)) {
            let began = Instant::now();
            self.write_at(piece, at)?;
            self.sync()?;
            std::thread::sleep((2 * began.elapsed()).min(ASIDE_PAUSE));
        }
        Ok(())
    }
}

/// A disk that forgets: for a market whose turns nobody reads again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Disk for Nowhere {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn files(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self))
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(ErrorKind::NotFound.into())
    }

    fn open_to_write(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(ErrorKind::NotFound.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Lock> {
        Ok(Box::new(()))
    }
}

impl DiskFile for Nowhere {
    fn size(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn read_at(&mut self, bytes: &mut [u8], _: u64) -> io::Result<()> {
        if bytes.is_empty() { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }

    fn set_size(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_aside_is_all_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..3 * ASIDE_BYTES + 77).map(|at| (at % 251) as u8).collect();
        let mut file = FileSystem.create(&path).expect("a new file");
        file.write_at(b"head", 0).and_then(|()| file.write_aside(&bytes, 4)).expect("room");
        let found = fs::read(&path).expect("the file");
        assert_eq!((&found[..4], &found[4..]), (&b"head"[..], &bytes[..]));
    }
}
