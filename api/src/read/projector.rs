//! What keeps the read models of a market current: two threads, each with a line of its own to the released turns.
//!
//! Neither is ever waited for. One that was too slow, or starts, reads from the log what it does not find in its line. What goes
//! wrong with history is said, tried again, and stops nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hansom_dispatcher::{Fed, Feed, Standing};
use hansom_engine::Turn;
use hansom_engine::record::canonical::blank;
use hansom_market::log::{LogError, Reader};
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::seam::disk::FileSystem;
use tracing::{error, info, warn};

use super::history::{History, HistoryError, Source, Useless, Writer};
use super::models::{Kept, Reading};
use super::past::PastError;

/// What is not ready yet is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What failed is tried again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// So often what history took in is put on the disk for good. What a loss of power takes is read from the log again.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Rides changed before they are written, while the log is read.
const MOST_PENDING: usize = 4096;
/// … and so many such writes before they are put on the disk for good: the database reuses no room before.
const MOST_UNSYNCED: u32 = 32;
/// Turns that the view takes in at a time: who asks it waits meanwhile.
const BREATH: usize = 64;

/// Keeps the view of a market current.
pub fn keep_view(reading: Arc<Reading>) -> JoinHandle<()> {
    let feed = reading.market.feed();
    std::thread::spawn(move || {
        let mut failed = Backoff::default();
        loop {
            let turns = match feed.take(LOOK_EVERY) {
                Fed::Turns(turns) => turns,
                Fed::Nothing => Vec::new(),
                Fed::Closed => return,
            };
            let Some(until) = wanted(&reading, &turns) else { continue };
            let before = turns.first().map_or(until, |turn| turn.offset.0);
            let done = match reading.standing().view {
                None if failed.is_over() => reading.log().before(before, None).map(|view| reading.show(Some(view))),
                // What was released without having come yet is on its way.
                Some(next) if !turns.is_empty() && next < before => see(&reading, next, before),
                None | Some(_) => Ok(()),
            };
            if let Err(fault) = done {
                failed.begin();
                reading.show(None);
                error!(market = reading.market.name(), %fault, "there is no view of the market: tried again");
            }
            for turns in turns.chunks(BREATH) {
                reading.move_on(|view| {
                    // Those it knows were read from the log.
                    for turn in turns {
                        if turn.offset.0 == view.reach().next {
                            view.take(turn);
                        }
                    }
                });
            }
        }
    })
}

/// Has the view take in what the log has from one turn to before another: it was too slow for its line.
fn see(reading: &Reading, next: u64, until: u64) -> Result<(), PastError> {
    let mut reader = reader(reading, next)?;
    let mut turns = vec![blank(); BREATH];
    while reader.position() < until {
        let mut read = 0;
        for turn in &mut turns {
            if reader.position() >= until || reader.next(turn)?.is_none() {
                break;
            }
            read += 1;
        }
        if read == 0 {
            return Err(PastError::Ahead { next: reader.position() });
        }
        reading.move_on(|view| turns[..read].iter().for_each(|turn| view.take(turn)));
    }
    Ok(())
}

/// The log of a market from a turn on.
fn reader(reading: &Reading, from: u64) -> Result<Reader, LogError> {
    Reader::open_on(Arc::new(FileSystem), &reading.spec.folder.join(LOG_FOLDER), from)
}

/// The offset up to which read models are to come, once the market has been opened: what is in the log before that may not be
/// durable.
fn wanted(reading: &Reading, turns: &[Arc<Turn>]) -> Option<u64> {
    let released = reading.market.events().next();
    let is_new = released == 0 && matches!(reading.market.standing(), Standing::Serving);
    (released > 0 || is_new).then(|| turns.last().map_or(released, |turn| turn.offset.0 + 1).max(released))
}

/// Keeps the history of a market.
pub fn keep_history(reading: Arc<Reading>) -> JoinHandle<()> {
    let feed = reading.market.feed();
    std::thread::spawn(move || Historian::new(reading).work(&feed))
}

/// Who keeps a history.
struct Historian {
    reading: Arc<Reading>,
    writer: Option<Writer>,
    /// The rows that were found were looked at beside the log.
    checked: bool,
    /// What is there is not to be gone on with.
    suspect: bool,
    synced: Instant,
    failed: Backoff,
}

impl Historian {
    fn new(reading: Arc<Reading>) -> Self {
        Self {
            reading,
            writer: None,
            checked: false,
            suspect: false,
            synced: Instant::now(),
            failed: Backoff::default(),
        }
    }

    fn work(mut self, feed: &Feed) {
        loop {
            let (turns, over) = match feed.take(LOOK_EVERY) {
                Fed::Turns(turns) => (turns, false),
                Fed::Nothing => (Vec::new(), false),
                Fed::Closed => (Vec::new(), true),
            };
            if self.failed.is_over() || over {
                self.try_on(&turns, over);
            }
            self.reading.measure();
            if over {
                return;
            }
        }
    }

    /// Comes as far as it can. What fails is told, and tried again later.
    fn try_on(&mut self, turns: &[Arc<Turn>], over: bool) {
        // A database may panic at bytes that it did not write.
        let done = catch_unwind(AssertUnwindSafe(|| self.come_on(turns, over)));
        let (why, suspect) = match done {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => (told(&fault), is_damage(&fault)),
            Err(_) => ("the database failed at what it found".to_owned(), true),
        };
        let market = self.reading.market.name();
        error!(market, why, "the history is not kept at present: the market goes on, and so will the history");
        let next = self.writer.as_ref().map_or(0, |writer| writer.reach().next);
        (self.writer, self.checked, self.suspect) = (None, false, suspect);
        self.failed.begin();
        self.reading.keep(Kept::Lost { why: why.into() }, next);
    }

    fn come_on(&mut self, turns: &[Arc<Turn>], over: bool) -> Result<(), HistoryError> {
        let Some(until) = wanted(&self.reading, turns) else { return self.show_old() };
        let (mut history, mut writer) = if let Some(writer) = self.writer.take() {
            (None, writer)
        } else {
            let Some((history, writer)) = self.open()? else { return Ok(()) };
            (Some(history), writer)
        };
        let is_first = !self.checked;
        if is_first {
            // No turn that was released before may come again: whoever knows one knows another log.
            let end = turns.first().map_or(until, |turn| turn.offset.0);
            if let Some(useless) = self.compare(&writer, end)? {
                let Some(source) = self.source()? else { return Ok(()) };
                drop((history.take(), writer));
                let (begun, fresh) = self.create(&source, &useless)?;
                (history, writer) = (Some(begun), fresh);
            }
            self.checked = true;
        }
        // What was released without having come yet is on its way, once there is a line.
        let in_line = turns.first().map_or(if is_first { until } else { 0 }, |turn| turn.offset.0);
        if writer.reach().next < in_line {
            self.read(&mut writer, in_line)?;
        }
        for turn in turns {
            // Those it knows were read from the log.
            if turn.offset.0 == writer.reach().next {
                writer.take(turn);
            }
        }
        let sync = over || self.synced.elapsed() >= SYNC_EVERY;
        writer.write(sync)?;
        if sync {
            self.synced = Instant::now();
        }
        let next = writer.reach().next;
        self.writer = Some(writer);
        match history {
            Some(history) => self.reading.keep(Kept::Current(history), next),
            None => self.reading.kept_on(next),
        }
        Ok(())
    }

    /// A market that is halted before it served can be asked for what became of its rides before.
    fn show_old(&mut self) -> Result<(), HistoryError> {
        if self.writer.is_some() || !matches!(self.reading.market.standing(), Standing::Halted { .. }) {
            return Ok(());
        }
        let Some(source) = self.source()? else { return Ok(()) };
        if let Ok((history, writer)) = History::open(&self.reading.history_file(), &source)? {
            let next = writer.reach().next;
            self.writer = Some(writer);
            self.reading.keep(Kept::Current(history), next);
        }
        Ok(())
    }

    /// Opens what is there, or begins anew; `None`: there is no log yet.
    fn open(&self) -> Result<Option<(Arc<History>, Writer)>, HistoryError> {
        self.reading.keep(Kept::CatchingUp, 0);
        let Some(source) = self.source()? else { return Ok(None) };
        let found = if self.suspect {
            Err(Useless::Damaged("the database failed at it before".to_owned()))
        } else {
            History::open(&self.reading.history_file(), &source)?
        };
        match found {
            Ok(opened) => Ok(Some(opened)),
            Err(useless) => self.create(&source, &useless).map(Some),
        }
    }

    /// The log that this is the history of.
    fn source(&self) -> Result<Option<Source>, HistoryError> {
        match reader(&self.reading, 0) {
            Ok(reader) => Ok(Some(Source::of(reader.header()))),
            Err(LogError::NoLog { .. }) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Begins anew, as what is there is useless.
    fn create(&self, source: &Source, useless: &Useless) -> Result<(Arc<History>, Writer), HistoryError> {
        let (market, path) = (self.reading.market.name(), self.reading.history_file());
        let shown = path.display();
        if *useless == Useless::Missing {
            info!(market, path = %shown, "there is no history: it is made from the log");
        } else {
            warn!(market, path = %shown, why = %useless, "the history cannot be gone on with: it is made anew from the log");
        }
        History::create(&path, source)
    }

    /// Whether what was found is of this log, of which the turns before `end` were durable when the market was opened.
    fn compare(&self, writer: &Writer, end: u64) -> Result<Option<Useless>, HistoryError> {
        let reach = writer.reach();
        if reach.next > end {
            return Ok(Some(Useless::Ahead { history: reach.next, log: end }));
        }
        let Some(last) = reach.next.checked_sub(1) else { return Ok(None) };
        let mut turn = blank();
        let found = reader(&self.reading, last)?.next(&mut turn)?.is_some();
        Ok((!found || turn.at.0 != reach.at_ms).then_some(Useless::OtherLog))
    }

    /// Takes in what the log has before `until`.
    fn read(&self, writer: &mut Writer, until: u64) -> Result<(), HistoryError> {
        let (began, first) = (Instant::now(), writer.reach().next);
        let mut reader = reader(&self.reading, first)?;
        let mut turn = blank();
        let mut unsynced = 0;
        while reader.position() < until && !self.reading.is_closing() && reader.next(&mut turn)?.is_some() {
            writer.take(&turn);
            if writer.pending() >= MOST_PENDING {
                unsynced += 1;
                writer.write(unsynced % MOST_UNSYNCED == 0)?;
                self.reading.kept_on(writer.reach().next);
            }
        }
        writer.write(true)?;
        let (turns, took_ms) = (writer.reach().next - first, began.elapsed().as_millis() as u64);
        info!(market = self.reading.market.name(), first, turns, took_ms, "the history caught up with the log");
        Ok(())
    }
}

/// Whether the file is at fault, and not the disk.
fn is_damage(fault: &HistoryError) -> bool {
    match fault {
        HistoryError::Row { .. } => true,
        HistoryError::Database { source, .. } => matches!(source, redb::Error::Corrupted(_)),
        HistoryError::Io { .. } | HistoryError::Log(_) => false,
    }
}

/// An error with all its causes.
fn told(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Nothing is tried again at once.
#[derive(Debug, Default)]
struct Backoff {
    until: Option<Instant>,
}

impl Backoff {
    fn begin(&mut self) {
        self.until = Some(Instant::now() + AGAIN_AFTER);
    }

    fn is_over(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }
}
