//! The release gate of a durable log: turns pass it once they are on the disk, in order, or never.

use super::append::Totals;
use super::commit::Committer;
use super::error::LogError;
use super::line::Line;
use super::tail::Repaired;
use super::write::Mode;
use hansom_engine::Turn;
use std::sync::Arc;
use std::thread::JoinHandle;

/// So many events may wait for the disk. A market that gets more positions than it can take fills that all the time, and each
/// command waits behind them.
const EVENTS: usize = 8_192;

/// Where turns go once they are durable, in order. It is called by the thread that syncs, which waits for it.
///
/// When the log fails it is told so once, and never called again: turns that it was not given count as never taken.
pub type Outlet = Box<dyn FnMut(Result<Vec<Arc<Turn>>, LogError>) + Send>;

/// A log at work behind its gate.
pub(super) enum Releasing {
    Inline {
        /// `None` once it failed.
        committer: Option<Box<Committer>>,
        waiting: Vec<Arc<Turn>>,
        outlet: Outlet,
    },
    Threaded {
        line: Arc<Line>,
        handle: JoinHandle<Result<Totals, LogError>>,
        repaired: Option<Repaired>,
    },
}

impl Releasing {
    pub fn new(mut committer: Committer, mode: Mode, outlet: Outlet) -> Self {
        match mode {
            Mode::Inline => Self::Inline { committer: Some(Box::new(committer)), waiting: Vec::new(), outlet },
            Mode::Threaded => {
                let repaired = committer.take_repaired();
                let line = Arc::new(Line::of(EVENTS));
                let mine = line.clone();
                let handle = std::thread::spawn(move || run(&mine, committer, outlet));
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
            Self::Threaded { line, .. } => line.join([turn]).map_err(|_| LogError::Failed),
        }
    }

    pub fn commit(&mut self) -> Result<(), LogError> {
        let Self::Inline { committer, waiting, outlet } = self else { return Ok(()) };
        let mut working = committer.take().ok_or(LogError::Failed)?;
        match working.commit() {
            Ok(()) => {
                *committer = Some(working);
                if !waiting.is_empty() {
                    outlet(Ok(std::mem::take(waiting)));
                }
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
                line.close();
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        }
    }
}

/// The log's thread.
fn run(line: &Line, mut committer: Committer, mut outlet: Outlet) -> Result<Totals, LogError> {
    let taker = line.taker();
    loop {
        let turns = line.take();
        if turns.is_empty() {
            return committer.close();
        }
        for turn in &turns {
            committer.append(turn);
        }
        if let Err(fault) = committer.commit() {
            // Whoever appends learns it no later than whoever waits for an answer.
            drop(taker);
            outlet(Err(fault));
            return Err(LogError::Failed);
        }
        outlet(Ok(turns));
    }
}
