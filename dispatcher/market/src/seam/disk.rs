//! Files that are only appended to, and folders.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where logs are written.
pub trait Disk: Send {
    /// Makes a folder, and those above it, if it is not there; returns the files in it.
    fn open_folder(&mut self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes a file that does not exist yet.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Append>>;
    /// Returns once the names in a folder would survive a loss of power.
    fn sync_folder(&mut self, path: &Path) -> io::Result<()>;
}

/// A file being written.
pub trait Append: Write + Send {
    /// Returns once what was written would survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn open_folder(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        fs::create_dir_all(path)?;
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(fs::File::create_new(path)?))
    }

    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }
}

impl Append for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A disk that forgets: for a market whose turns nobody reads again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Disk for Nowhere {
    fn open_folder(&mut self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn create(&mut self, _: &Path) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(io::sink()))
    }

    fn sync_folder(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Append for io::Sink {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
