//! The release gate of a durable log: turns pass it once they are on the disk, in order, or never.

use super::append::Totals;
use super::commit::Committer;
use super::error::LogError;
use super::tail::Repaired;
use super::write::Mode;
use hansom_engine::Turn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Where turns go once they are durable, in order. It is called by the thread that syncs, which waits for it.
///
/// When the log fails it is told so once, and never called again: turns that it was not given count as never taken.
pub type Outlet = Box<dyn FnMut(Result<Vec<Arc<Turn>>, LogError>) + Send>;

/// So many turns may wait for the disk …
const WAITING_TURNS: usize = 16_384;
/// … with so many events; whoever appends waits then.
const WAITING_EVENTS: usize = 65_536;

/// A log at work behind its gate.
pub(super) enum Releasing {
    Inline { committer: Option<Box<Committer>>, waiting: Vec<Arc<Turn>>, outlet: Outlet },
    Threaded { line: Arc<Line>, handle: JoinHandle<Result<Totals, LogError>>, repaired: Option<Repaired> },
}

/// Turns in line for the disk.
#[derive(Debug, Default)]
pub(super) struct Line {
    inner: Mutex<Waiting>,
    /// Something came, or the log is to be closed.
    came: Condvar,
    /// Something went, or the log failed.
    went: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    turns: Vec<Arc<Turn>>,
    events: usize,
    closing: bool,
    failed: bool,
}

impl Releasing {
    pub fn new(mut committer: Committer, mode: Mode, outlet: Outlet) -> Self {
        match mode {
            Mode::Inline => Self::Inline { committer: Some(Box::new(committer)), waiting: Vec::new(), outlet },
            Mode::Threaded => {
                let repaired = committer.take_repaired();
                let line = Arc::new(Line::default());
                let mine = line.clone();
                let handle = std::thread::spawn(move || mine.run(committer, outlet));
                Self::Threaded { line, handle, repaired }
            }
        }
    }

    pub fn mode(&self) -> Mode {
        match self {
            Self::Inline { .. } => Mode::Inline,
            Self::Threaded { .. } => Mode::Threaded,
        }
    }

    pub fn take_repaired(&mut self) -> Option<Repaired> {
        match self {
            Self::Inline { committer, .. } => committer.as_mut()?.take_repaired(),
            Self::Threaded { repaired, .. } => repaired.take(),
        }
    }

    pub fn append(&mut self, turn: Arc<Turn>) -> Result<(), LogError> {
        match self {
            Self::Inline { committer, waiting, .. } => {
                committer.as_mut().ok_or(LogError::Failed)?.append(&turn);
                waiting.push(turn);
                Ok(())
            }
            Self::Threaded { line, .. } => line.join(turn),
        }
    }

    pub fn commit(&mut self) -> Result<(), LogError> {
        let Self::Inline { committer, waiting, outlet } = self else { return Ok(()) };
        let mut working = committer.take().ok_or(LogError::Failed)?;
        if waiting.is_empty() {
            *committer = Some(working);
            return Ok(());
        }
        match working.commit() {
            Ok(()) => {
                *committer = Some(working);
                outlet(Ok(std::mem::take(waiting)));
                Ok(())
            }
            Err(fault) => {
                outlet(Err(fault));
                Err(LogError::Failed)
            }
        }
    }

    pub fn close(mut self) -> Result<Totals, LogError> {
        self.commit()?;
        match self {
            Self::Inline { committer, .. } => committer.ok_or(LogError::Failed)?.close(),
            Self::Threaded { line, handle, .. } => {
                line.lock().closing = true;
                line.came.notify_one();
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        }
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a turn into line, and waits for the disk if that is long.
    fn join(&self, turn: Arc<Turn>) -> Result<(), LogError> {
        let mut waiting = self.lock();
        while !waiting.failed && (waiting.turns.len() >= WAITING_TURNS || waiting.events >= WAITING_EVENTS) {
            waiting = self.went.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.failed {
            return Err(LogError::Failed);
        }
        waiting.events += turn.events.len();
        waiting.turns.push(turn);
        if waiting.turns.len() == 1 {
            self.came.notify_one();
        }
        Ok(())
    }

    /// Everything in line, as soon as there is something; nothing once the log is to be closed.
    fn take(&self) -> Vec<Arc<Turn>> {
        let mut waiting = self.lock();
        while waiting.turns.is_empty() && !waiting.closing {
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.events = 0;
        let turns = std::mem::take(&mut waiting.turns);
        self.went.notify_one();
        turns
    }

    /// The log's thread.
    fn run(&self, mut committer: Committer, mut outlet: Outlet) -> Result<Totals, LogError> {
        // Whoever appends must learn that nobody commits any more, even if the outlet panicked.
        let _end = End(self);
        loop {
            let turns = self.take();
            if turns.is_empty() {
                return committer.close();
            }
            for turn in &turns {
                committer.append(turn);
            }
            match committer.commit() {
                Ok(()) => outlet(Ok(turns)),
                Err(fault) => {
                    self.fail();
                    outlet(Err(fault));
                    return Err(LogError::Failed);
                }
            }
        }
    }

    fn fail(&self) {
        self.lock().failed = true;
        self.went.notify_all();
    }
}

/// The end of the log's thread, however it comes.
struct End<'a>(&'a Line);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.fail();
    }
}
