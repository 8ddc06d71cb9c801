//! The writer of a log, inline or with a thread of its own.

use super::append::{Appender, Totals};
use super::commit::{Committer, Durable};
use super::error::LogError;
use super::gate::{Outlet, Releasing};
use super::tail::{Repaired, Tail};
use crate::seam::disk::{Disk, FileSystem};
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Command, Event, Header, Ping, Turn};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Who encodes, checksums and writes. The bytes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The thread that appends.
    Inline,
    /// A thread of the log.
    Threaded,
}

/// Turns go to the log's thread in batches: one is full with so many turns …
const BATCH_TURNS: usize = 256;
/// … or with so many events.
const BATCH_EVENTS: usize = 2_048;
/// So many batches may wait; whoever appends waits for the disk then.
const BATCHES: usize = 4;
/// More used buffers than this are not kept.
const SPARE: usize = 2 * BATCH_TURNS;
/// So many turns that were handed on are watched for the buffers in them.
const WATCHED: usize = 64;

/// Sees every turn once it was appended, in order, in the thread that writes.
pub(crate) type Watch = Box<dyn FnMut(&Turn) + Send>;

/// A log being written. It takes turns, and gives their buffers back once they are written.
///
/// Dropped without [`close`](Self::close), it still writes what it took, but has no one to tell if that fails, and the log
/// reads as one that was not finished.
pub struct Writer {
    home: Home,
    spare_events: Vec<Vec<Event>>,
    spare_pings: Vec<Vec<Ping>>,
}

enum Home {
    Inline {
        /// `None` once it failed or was closed.
        appender: Option<Box<Appender>>,
        watch: Watch,
        last: Turn,
    },
    Threaded {
        /// Turns not yet handed over; the last is the one appended last.
        batch: Vec<Turn>,
        /// Their events.
        events: usize,
        thread: Stage,
    },
    Durable {
        /// `None` once it was closed.
        releasing: Option<Releasing>,
        /// Turns appended lately, the last one last. Others may still hold them.
        lately: VecDeque<Arc<Turn>>,
    },
}

/// How far a log's thread is.
enum Stage {
    /// It starts with the first batch.
    Ready(Box<Appender>, Watch),
    Running(Thread),
    /// It failed or was closed.
    Gone,
}

/// What a log's thread is told.
enum Task {
    /// To write turns.
    Write(Vec<Turn>),
    /// That these were all.
    Close,
}

struct Thread {
    tasks: SyncSender<Task>,
    used: Receiver<Vec<Turn>>,
    handle: JoinHandle<Result<Totals, LogError>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (durable, mode) = match &self.home {
            Home::Inline { .. } => (false, Some(Mode::Inline)),
            Home::Threaded { .. } => (false, Some(Mode::Threaded)),
            Home::Durable { releasing, .. } => (true, releasing.as_ref().map(Releasing::mode)),
        };
        f.debug_struct("Writer").field("durable", &durable).field("mode", &mode).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts a log in `folder`, which is made if need be and must not hold a log yet.
    pub fn create(folder: &Path, header: &Header, mode: Mode) -> Result<Self, LogError> {
        Self::create_on(Arc::new(FileSystem), folder, header, mode)
    }

    /// The same on a disk of the caller's.
    pub fn create_on(disk: Arc<dyn Disk>, folder: &Path, header: &Header, mode: Mode) -> Result<Self, LogError> {
        let appender = Box::new(Appender::create(disk, folder, header)?);
        let home = match mode {
            Mode::Inline => Home::Inline { appender: Some(appender), watch: Box::new(|_| {}), last: blank() },
            Mode::Threaded => {
                let thread = Stage::Ready(appender, Box::new(|_| {}));
                Home::Threaded { batch: Vec::new(), events: 0, thread }
            }
        };
        Ok(Self { home, spare_events: Vec::new(), spare_pings: Vec::new() })
    }

    /// Shows `watch` every turn to come, in the thread that writes. Before the first turn.
    pub(crate) fn watched(mut self, watch: Watch) -> Self {
        match &mut self.home {
            Home::Inline { watch: slot, .. } | Home::Threaded { thread: Stage::Ready(_, slot), .. } => *slot = watch,
            Home::Threaded { .. } | Home::Durable { .. } => {}
        }
        self
    }

    /// Opens a log whose turns go to `outlet` once they are durable: a new one in `folder`, which must not hold one yet,
    /// or one that goes on at its `tail` and keeps the header that it has. What was cut off there is in
    /// [`take_repaired`](Self::take_repaired).
    pub fn open_durable(
        disk: Arc<dyn Disk>,
        folder: &Path,
        header: &Header,
        tail: Option<Tail>,
        durable: Durable,
        outlet: Outlet,
    ) -> Result<Self, LogError> {
        let committer = match tail {
            None => Committer::create(disk, folder, header, durable)?,
            Some(tail) => Committer::resume(disk, folder, tail, durable)?,
        };
        let releasing = Some(Releasing::new(committer, durable.mode, outlet));
        let home = Home::Durable { releasing, lately: VecDeque::with_capacity(WATCHED) };
        Ok(Self { home, spare_events: Vec::new(), spare_pings: Vec::new() })
    }

    /// What was cut off when a durable log was opened; asked for a second time, nothing.
    pub fn take_repaired(&mut self) -> Option<Repaired> {
        match &mut self.home {
            Home::Durable { releasing, .. } => releasing.as_mut().and_then(Releasing::take_repaired),
            Home::Inline { .. } | Home::Threaded { .. } => None,
        }
    }

    /// Commits what was appended to a durable log without a thread, and calls its outlet. Other logs see to it themselves.
    pub fn commit(&mut self) -> Result<(), LogError> {
        match &mut self.home {
            Home::Durable { releasing, .. } => releasing.as_mut().ok_or(LogError::Failed)?.commit(),
            Home::Inline { .. } | Home::Threaded { .. } => Ok(()),
        }
    }

    /// Appends a turn, and shows it.
    ///
    /// Whether the disk took it may be known only later: an error is that of this turn or of one before, and after it the
    /// log takes no more.
    pub fn append(&mut self, turn: Turn) -> Result<&Turn, LogError> {
        match &mut self.home {
            Home::Inline { appender, watch, last } => {
                let mut working = appender.take().ok_or(LogError::Failed)?;
                working.append(&turn)?;
                watch(&turn);
                *appender = Some(working);
                let mut used = std::mem::replace(last, turn);
                wipe(&mut used);
                keep(&mut self.spare_events, &mut self.spare_pings, used);
                Ok(last)
            }
            Home::Threaded { batch, events, thread } => {
                if batch.len() >= BATCH_TURNS || *events >= BATCH_EVENTS {
                    *events = 0;
                    let running = thread.take().ok_or(LogError::Failed)?.send(Task::Write(std::mem::take(batch)))?;
                    let used: Vec<_> = running.used.try_iter().collect();
                    *thread = Stage::Running(running);
                    for mut turns in used {
                        turns.drain(..).for_each(|turn| keep(&mut self.spare_events, &mut self.spare_pings, turn));
                        *batch = turns;
                    }
                }
                *events += turn.events.len();
                batch.push(turn);
                Ok(batch.last().expect("it was pushed just now"))
            }
            Home::Durable { releasing, lately } => {
                let turn = Arc::new(turn);
                releasing.as_mut().ok_or(LogError::Failed)?.append(turn.clone())?;
                if lately.len() == WATCHED
                    && let Some(mut used) = lately.pop_front().and_then(Arc::into_inner)
                {
                    wipe(&mut used);
                    keep(&mut self.spare_events, &mut self.spare_pings, used);
                }
                lately.push_back(turn);
                Ok(lately.back().expect("it was pushed just now"))
            }
        }
    }

    /// An empty buffer for the events of the next turn.
    pub fn events_buffer(&mut self) -> Vec<Event> {
        self.spare_events.pop().unwrap_or_default()
    }

    /// An empty buffer for the pings of a command to come.
    pub fn pings_buffer(&mut self) -> Vec<Ping> {
        self.spare_pings.pop().unwrap_or_default()
    }

    /// Says that the log is finished, and returns once all turns would survive a loss of power.
    pub fn close(mut self) -> Result<Totals, LogError> {
        self.end(true).unwrap_or(Err(LogError::Failed))
    }

    /// Writes what is left; `finished`: nothing is missing. `None`: it failed or was closed before.
    fn end(&mut self, finished: bool) -> Option<Result<Totals, LogError>> {
        match &mut self.home {
            Home::Inline { appender, .. } => {
                appender.take().map(|mut appender| if finished { appender.close() } else { appender.finish() })
            }
            Home::Threaded { batch, thread, .. } => {
                let mut running = thread.take()?.send(Task::Write(std::mem::take(batch)));
                if finished {
                    running = running.and_then(|running| running.send(Task::Close));
                }
                Some(running.and_then(Thread::join))
            }
            Home::Durable { releasing, .. } => releasing.take().map(Releasing::close),
        }
    }
}

impl Stage {
    /// The thread, started now if it waited; `None`: it is gone. Whoever takes it puts it back.
    fn take(&mut self) -> Option<Thread> {
        match std::mem::replace(self, Self::Gone) {
            Self::Ready(appender, watch) => Some(Thread::start(appender, watch)),
            Self::Running(thread) => Some(thread),
            Self::Gone => None,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know whether this worked calls `close`.
        let _ = self.end(false);
    }
}

impl Thread {
    fn start(mut appender: Box<Appender>, mut watch: Watch) -> Self {
        let (tasks, ahead) = sync_channel::<Task>(BATCHES);
        // As many as can be under way, so that handing back never waits.
        let (hand_back, used) = sync_channel(BATCHES + 2);
        let handle = std::thread::spawn(move || {
            for task in ahead {
                let Task::Write(mut batch) = task else { return appender.close() };
                for turn in &mut batch {
                    appender.append(turn)?;
                    watch(turn);
                    wipe(turn);
                }
                // If there is no room the buffers are dropped: that costs time, nothing else.
                let _ = hand_back.try_send(batch);
            }
            appender.finish()
        });
        Self { tasks, used, handle }
    }

    /// Hands a task over. If the thread is gone, says why.
    fn send(self, task: Task) -> Result<Self, LogError> {
        match self.tasks.send(task) {
            Ok(()) => Ok(self),
            Err(_) => Err(self.join().err().unwrap_or(LogError::Failed)),
        }
    }

    /// Waits for the thread's end.
    fn join(self) -> Result<Totals, LogError> {
        drop(self.tasks);
        self.handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Empties a turn that was written, but for its pings, whose buffer counts.
fn wipe(turn: &mut Turn) {
    turn.events.clear();
    match &mut turn.command {
        Command::ReportPositions(pings) => pings.clear(),
        other => *other = Command::Tick,
    }
}

/// Keeps the buffers of a wiped turn.
fn keep(events: &mut Vec<Vec<Event>>, pings: &mut Vec<Vec<Ping>>, turn: Turn) {
    if events.len() < SPARE && turn.events.capacity() > 0 {
        events.push(turn.events);
    }
    if let Command::ReportPositions(buffer) = turn.command
        && pings.len() < SPARE
    {
        pings.push(buffer);
    }
}
