//! The follower: folds the turns that are durable into a state of its own, in its own time.
//!
//! What the market decides on is never what is checked here, so a difference between deciding and folding shows: by the
//! checkpoints in the log, by the invariants, and by the digest at the end. It writes the snapshots, so that the market
//! never has to pause for one.

use crate::audit::Violations;
use crate::log::Line;
use crate::snapshot::Snapshots;
use hansom_engine::invariant::Checker;
use hansom_engine::steps::{self, Diverged};
use hansom_engine::{Command, Offset, State, Turn};
use hansom_geo_index::{Millis, Network};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// When a snapshot is due: whatever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotEvery {
    /// Time of the market.
    pub time: Millis,
    /// Turns.
    pub turns: u64,
}

impl Default for SnapshotEvery {
    fn default() -> Self {
        Self { time: Millis::from_secs(60), turns: 1_000_000 }
    }
}

/// How a follower stands.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Offset of the next turn.
    pub next: Offset,
    /// Up to which turn the last snapshot reaches.
    pub snapshot: Option<Offset>,
    /// Why the last attempt at a snapshot failed; the next is made when it is due.
    pub snapshot_fault: Option<String>,
    /// The first checkpoint that tells of another state. From then on no snapshot is written.
    pub diverged: Option<(Offset, Diverged)>,
    /// Checkpoints that agreed.
    pub checkpoints: u64,
    /// Broken invariants.
    pub violations: Violations,
}

/// Folds durable turns.
#[derive(Debug)]
pub struct Follower {
    network: Arc<Network>,
    state: State,
    checker: Checker,
    snapshots: Snapshots,
    every: SnapshotEvery,
    /// Time of the last turn.
    at: Millis,
    /// Next turn and time at the last snapshot, or where the follower began.
    last: (Offset, Millis),
    standing: Standing,
}

impl Follower {
    /// A follower of a market that knows `state` after the turn at `at` and before that at `next`.
    pub(crate) fn new(
        network: Arc<Network>,
        snapshots: Snapshots,
        every: SnapshotEvery,
        state: State,
        next: Offset,
        at: Millis,
    ) -> Self {
        let standing = Standing { next, ..Standing::default() };
        let checker = Checker::of(&state);
        Self { network, state, checker, snapshots, every, at, last: (next, at), standing }
    }

    /// Takes the next turn, which is durable.
    ///
    /// # Panics
    ///
    /// If it is not the next one.
    pub fn take(&mut self, turn: &Turn) {
        assert_eq!(turn.offset, self.standing.next, "a follower gets every turn");
        steps::fold(&mut self.state, &self.network, turn);
        self.at = turn.at;
        self.standing.next = Offset(turn.offset.0 + 1);
        for violation in self.checker.check(&self.state, &self.network, turn) {
            self.standing.violations.push(violation);
        }
        if let Some(diverged) = steps::diverged(&self.state, turn) {
            self.standing.diverged.get_or_insert((turn.offset, diverged));
        } else if let Command::Checkpoint { .. } = turn.command {
            self.standing.checkpoints += 1;
        }
        let (next, at) = self.last;
        if turn.offset.0 - next.0 >= self.every.turns || turn.at - at >= self.every.time {
            self.snapshot();
        }
    }

    /// Writes a snapshot of what it knows; whether that worked is in its [standing](Self::standing).
    pub fn snapshot(&mut self) {
        let next = self.standing.next;
        if self.standing.diverged.is_some() || self.standing.snapshot == Some(next) {
            return;
        }
        self.last = (next, self.at);
        match self.snapshots.write(next, self.at, &self.state, &self.network) {
            Ok(()) => (self.standing.snapshot, self.standing.snapshot_fault) = (Some(next), None),
            Err(fault) => self.standing.snapshot_fault = Some(explain(&fault)),
        }
    }

    /// What it knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How it stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

fn explain(fault: &io::Error) -> String {
    format!("the snapshot was not written: {fault}")
}

/// A follower with a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Following {
    line: Arc<Line>,
    standing: Arc<Mutex<Standing>>,
    /// `None` once it was closed.
    handle: Option<JoinHandle<Follower>>,
}

impl Following {
    /// Has `follower` take what is put into `line`.
    pub(crate) fn start(mut follower: Follower, line: Arc<Line>) -> Self {
        let standing = Arc::new(Mutex::new(follower.standing.clone()));
        let (theirs, shown) = (line.clone(), standing.clone());
        let handle = std::thread::spawn(move || {
            let _taker = theirs.taker();
            loop {
                let turns = theirs.take();
                if turns.is_empty() {
                    return follower;
                }
                for turn in &turns {
                    follower.take(turn);
                }
                lock(&shown).clone_from(&follower.standing);
            }
        });
        Self { line, standing, handle: Some(handle) }
    }

    /// How it stood when it last came up for air.
    pub fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Whether it still follows. If it does not, a fact of a turn could not be folded: nothing follows the market then.
    pub fn is_alive(&self) -> bool {
        self.handle.as_ref().is_some_and(|handle| !handle.is_finished())
    }

    /// Takes what is in line, writes a last snapshot, and ends. The market's log is to be closed before. `Err`: it ended
    /// before, by a panic.
    ///
    /// # Panics
    ///
    /// Never: it is closed once.
    pub fn close(mut self) -> std::thread::Result<Follower> {
        self.line.close();
        let mut follower = self.handle.take().expect("only this takes it").join()?;
        follower.snapshot();
        Ok(follower)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.line.close();
    }
}

/// A panic in between leaves figures that are shown as they are.
fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}
