//! How long this disk takes to make something durable, while the market does the same.
//!
//! Open loop, as requests are measured: while the disk stands still for a second, more than one write waits for it. Those that
//! became due meanwhile go with one sync, as in a market's log, and each counts from when it was due.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::recorder::{Latency, Recorder};
use super::usage::THREAD;

/// As much as is written at once.
const BLOCK: usize = 4096;
/// In a file of zeros, as a market's log is.
const BLOCKS: u64 = 256;
/// So often: the market shall not feel it.
const EVERY: Duration = Duration::from_millis(100);

/// Writes a block to a disk and syncs it, again and again.
pub struct Probe {
    times: Arc<Recorder>,
    stop: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
    file: PathBuf,
}

impl Probe {
    /// Starts in a folder on the disk.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let path = folder.join("disk-probe");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        file.write_all(&vec![0; BLOCK * BLOCKS as usize])?;
        file.sync_all()?;
        let times = Arc::new(Recorder::new());
        let (stop, stopped) = channel::<()>();
        let mine = times.clone();
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            let mut due = Instant::now() + EVERY;
            for block in (0..BLOCKS).cycle() {
                let wait = due.saturating_duration_since(Instant::now());
                let is_over = stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
                let began = Instant::now();
                if !is_over {
                    if !wait.is_zero() {
                        // Nothing was under way when it was due: if it begins late, that is not the disk's doing.
                        due = began;
                    }
                    sync(&mut file, block)?;
                }
                let done = Instant::now();
                while due <= began {
                    mine.record(due, done);
                    due += EVERY;
                }
                if is_over {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(Self { times, stop, thread, file: path })
    }

    /// Ends it; how long each write took, from when it was due.
    pub fn end(self) -> io::Result<Latency> {
        drop(self.stop);
        let done = self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        fs::remove_file(&self.file)?;
        done?;
        Ok(self.times.latency())
    }
}

fn sync(file: &mut File, block: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(block * BLOCK as u64))?;
    file.write_all(&[block as u8; BLOCK])?;
    file.sync_data()
}
