//! What waits for a market: two bounded lanes, one for commands and one for positions. Commands go first.
//!
//! Nothing waits anywhere else: a command that finds its lane full is turned away at once, with a time after which it is
//! worth to come again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hansom_engine::{Command, Key, Name};
use hansom_geo_index::Millis;
use hansom_market::ingest::{MOST_PINGS, Order, Position};
use tokio::sync::{Notify, oneshot};

use crate::answer::{Answer, NotTaken, Standing};
use crate::trace::Trace;

/// How whoever sent a command hears of it.
pub type Reply = oneshot::Sender<Result<Answer, NotTaken>>;

/// What a market is to do.
#[derive(Debug)]
pub enum Work {
    /// An order from outside, with the outside's names. If a rider is named, the ride it is about has to be that rider's.
    Order(Box<Order>, Option<Name>),
    /// A command in the market's own words.
    Command(Option<Key>, Command),
}

/// A command on its way to the market.
#[derive(Debug)]
pub struct Waiting {
    /// What is to be done.
    pub work: Work,
    /// Since when it waits.
    pub since: Instant,
    /// Who waits for the answer.
    pub reply: Reply,
    /// What it leaves behind on its way, if anybody looks.
    pub trace: Option<Box<Trace>>,
}

/// The mailbox of a market.
#[derive(Debug)]
pub struct Lanes {
    commands: Mutex<Commands>,
    capacity: usize,
    positions: Mutex<Positions>,
    wake: Notify,
}

#[derive(Debug)]
struct Commands {
    waiting: VecDeque<Waiting>,
    standing: Standing,
}

#[derive(Debug, Default)]
struct Positions {
    waiting: Vec<Received>,
    /// How many ever came before those that wait.
    before: u64,
}

/// A position on its way to the market.
#[derive(Debug)]
pub struct Received {
    /// The position, with the outside's name of the driver.
    pub position: Position,
    /// When it was measured, or received where the device does not say.
    pub measured: Millis,
}

/// At most so many positions wait that the market has not looked at. It looks often, and sheds what is too much for it; this
/// bound is met only by one that is stuck.
const MOST_POSITIONS: usize = 1 << 16;

/// Nobody is told to come back sooner …
const SOONEST: Duration = Duration::from_millis(20);
/// … or later.
const LATEST: Duration = Duration::from_secs(5);

impl Lanes {
    /// Empty, for at most `capacity` commands.
    pub fn new(capacity: usize) -> Self {
        let commands = Commands { waiting: VecDeque::new(), standing: Standing::Opening };
        Self { commands: Mutex::new(commands), capacity, positions: Mutex::default(), wake: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Commands> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a command at the end of its lane.
    pub fn push(
        &self,
        work: Work,
        mut trace: Option<Box<Trace>>,
    ) -> Result<oneshot::Receiver<Result<Answer, NotTaken>>, NotTaken> {
        let now = Instant::now();
        let mut commands = self.lock();
        if !commands.standing.is_serving() {
            return Err(NotTaken::Away(commands.standing.clone()));
        }
        if commands.waiting.len() >= self.capacity {
            // Those in front will be done in about the time that the first of them has waited.
            let waited = commands.waiting.front().map_or(Duration::ZERO, |first| now - first.since);
            return Err(NotTaken::Overloaded { retry_after: waited.clamp(SOONEST, LATEST) });
        }
        if let Some(trace) = &mut trace {
            trace.queue(now);
        }
        let (reply, answer) = oneshot::channel();
        commands.waiting.push_back(Waiting { work, since: now, reply, trace });
        drop(commands);
        self.wake.notify_one();
        Ok(answer)
    }

    /// Moves at most `most` commands to `into`, in the order in which they came.
    pub fn take(&self, most: usize, into: &mut Vec<Waiting>) {
        let mut commands = self.lock();
        let count = commands.waiting.len().min(most);
        into.extend(commands.waiting.drain(..count));
    }

    /// Puts positions into their lane, in this order: the first of them where there is not room for all. How many that were, and
    /// why not the others. `expect` is told their tickets, before the market can see them.
    pub fn report(
        &self,
        received: impl ExactSizeIterator<Item = Received>,
        expect: impl FnOnce(Range<u64>),
    ) -> (usize, Result<(), NotTaken>) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at in here, so that a market that is closed finds all that was taken before.
        let standing = self.standing();
        if !standing.is_serving() {
            return (0, Err(NotTaken::Away(standing)));
        }
        let Positions { waiting, before: tickets } = &mut *positions;
        let (before, given) = (waiting.len(), received.len());
        waiting.extend(received.take(MOST_POSITIONS.saturating_sub(before)));
        let (now, taken) = (waiting.len(), waiting.len() - before);
        expect(*tickets + before as u64..*tickets + now as u64);
        drop(positions);
        // The market is on its way already to those before; but a bundle that is full need not wait.
        if taken > 0 && (before == 0 || before < MOST_PINGS && now >= MOST_PINGS) {
            self.wake.notify_one();
        }
        let full = taken < given;
        (taken, if full { Err(NotTaken::Overloaded { retry_after: LATEST }) } else { Ok(()) })
    }

    /// All positions that wait, in the order in which they came, in exchange for an empty buffer; and the ticket of the first. The
    /// others have those that follow.
    pub fn take_positions(&self, buffer: Vec<Received>) -> (Vec<Received>, u64) {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::replace(&mut positions.waiting, buffer);
        let first = positions.before;
        positions.before += waiting.len() as u64;
        (waiting, first)
    }

    /// Commands that wait.
    pub fn depth(&self) -> usize {
        self.lock().waiting.len()
    }

    /// What the market does.
    pub fn standing(&self) -> Standing {
        self.lock().standing.clone()
    }

    /// The market does something else from now on. Unless it serves or finishes what it has, what waits is turned away.
    pub fn set(&self, standing: &Standing) {
        let mut commands = self.lock();
        commands.standing = standing.clone();
        let stays = matches!(standing, Standing::Serving | Standing::Draining);
        let turned_away = if stays { VecDeque::new() } else { std::mem::take(&mut commands.waiting) };
        drop(commands);
        for waiting in turned_away {
            // Whoever does not wait any more need not know.
            let _ = waiting.reply.send(Err(NotTaken::Away(standing.clone())));
        }
        self.wake.notify_one();
    }

    /// Has the market look at its lanes.
    pub fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Returns when there may be something to do.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use hansom_geo_index::Coord;

    use super::*;

    fn bundle(count: usize) -> impl ExactSizeIterator<Item = Received> {
        (0..count).map(|seq| Received {
            position: Position { driver: "ann".into(), session: 1, seq: seq as u32, place: Coord { lat: 0, lon: 0 } },
            measured: Millis(0),
        })
    }

    #[test]
    fn where_there_is_not_room_for_all_the_first_are_taken() {
        let lanes = Lanes::new(1);
        let report = |count| {
            let mut tickets = 0..0;
            let (taken, reported) = lanes.report(bundle(count), |range| tickets = range);
            (taken, reported, tickets)
        };
        assert!(matches!(report(2), (0, Err(NotTaken::Away(_)), Range { start: 0, end: 0 })));
        lanes.set(&Standing::Serving);
        assert!(matches!(report(0), (0, Ok(()), _)));
        let most = MOST_POSITIONS as u64;
        let (taken, reported, tickets) = report(MOST_POSITIONS - 2);
        assert!(reported.is_ok());
        assert_eq!((taken, tickets), (MOST_POSITIONS - 2, 0..most - 2));
        let (taken, reported, tickets) = report(3);
        assert!(matches!(reported, Err(NotTaken::Overloaded { .. })));
        assert_eq!((taken, tickets), (2, most - 2..most));
        assert!(matches!(report(1), (0, Err(NotTaken::Overloaded { .. }), _)));
        let (taken, first) = lanes.take_positions(Vec::new());
        assert_eq!((taken.len(), taken.last().map(|last| last.position.seq), first), (MOST_POSITIONS, Some(1), 0));
        assert_eq!(report(2).2, most..most + 2, "each has a ticket of its own");
        assert_eq!(lanes.take_positions(Vec::new()).1, most);
    }
}
