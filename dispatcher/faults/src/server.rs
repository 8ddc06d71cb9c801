//! The process under test: a market opened by the product's own recovery, behind the product's own ingest.
//!
//! One thread: whoever drives it says when messages come, when turns are committed and when deadlines are looked at.

use crate::client::{Answered, ClientId, Down};
use crate::planted::{self, Bred, Bug, Mutant, Service};
use crate::stream::Stream;
use crate::town::Setting;
use hansom_engine::record::{Header, Poison};
use hansom_engine::{Command, Event, Key, Offset, State, Turn};
use hansom_geo_index::Millis;
use hansom_market::follower::{Follower, Standing};
use hansom_market::ingest::{self, Collector, LOCATION_KIND, Names, is_idle};
use hansom_market::log::{LogError, Outlet};
use hansom_market::recovery::{self, LOG_FOLDER, RecoveryError, Report};
use hansom_market::seam::sim::SimDisk;
use hansom_market::{MarketError, Wakeup};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the market's folder is on its disk.
pub(crate) const FOLDER: &str = "market";

/// Where its log is.
pub(crate) fn log_folder() -> PathBuf {
    Path::new(FOLDER).join(LOG_FOLDER)
}

/// Positions wait for each other this long.
const LINGER: Millis = Millis(200);

/// The process stopped: its log failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopped;

/// A running process.
pub(crate) struct Process {
    service: Box<dyn Service>,
    follower: Option<Follower>,
    names: Names,
    released: Arc<Mutex<Released>>,
    /// What those who follow it are told.
    pub stream: Stream,
    collector: Collector,
    /// When the positions that wait become a turn.
    pub bundle: Option<Millis>,
    /// Turns that were decided, to be compared with what is released.
    pub decided: BTreeMap<u64, Turn>,
    /// Who waits for which turn.
    senders: BTreeMap<u64, ClientId>,
    bug: Option<Bug>,
}

/// How a process began.
pub(crate) struct Begun {
    /// Offset of its first turn.
    pub next: Offset,
    /// What it knew before that.
    pub restored: State,
    /// It began with a snapshot.
    pub snapshot: bool,
    /// Something was cut off from the log.
    pub repaired: bool,
}

/// What came through the release gate.
#[derive(Debug, Default)]
struct Released {
    turns: Vec<Arc<Turn>>,
    failed: bool,
}

/// A malformed line is kept out; nothing else comes of it.
pub(crate) enum Received {
    Order,
    Position,
    Malformed,
}

impl Process {
    /// Starts the process at the time `wall`, as a service manager would.
    pub fn start(
        disk: &SimDisk,
        setting: &Setting,
        header: &Header,
        wall: Millis,
        bug: Option<Bug>,
    ) -> Result<(Self, Begun), RecoveryError> {
        let released = Arc::new(Mutex::new(Released::default()));
        let gate = released.clone();
        let outlet: Outlet = Box::new(move |turns: Result<Vec<Arc<Turn>>, LogError>| {
            let mut released = lock(&gate);
            match turns {
                Ok(turns) => released.turns.extend(turns),
                Err(_) => released.failed = true,
            }
        });
        let (service, begun, open): (Box<dyn Service>, _, _) = if let Some(Bug::Rule(bug)) = bug {
            let Bred { mutant, restored, next, resumed } = Mutant::open(disk, setting, header, wall, bug, outlet)?;
            (Box::new(mutant), Begun { next, restored, snapshot: false, repaired: false }, (None, resumed))
        } else {
            let disk = planted::around(disk, bug);
            let folder = Path::new(FOLDER);
            let opened = recovery::open_on(disk, folder, header, &setting.streets, wall, setting.keep, outlet)?;
            let Report { next, snapshot, repaired, .. } = opened.report;
            let (snapshot, repaired) = (snapshot.is_some(), repaired.is_some());
            let begun = Begun { next, restored: opened.follower.state().clone(), snapshot, repaired };
            (Box::new(opened.market), begun, (Some(opened.follower), None))
        };
        let (follower, resumed) = open;
        let process = Self {
            names: Names::of(service.state(), setting.streets.network.clone()),
            service,
            follower,
            released,
            stream: Stream::from(begun.next, bug),
            collector: Collector::new(64),
            bundle: None,
            decided: resumed.into_iter().map(|turn| (turn.offset.0, turn)).collect(),
            senders: BTreeMap::new(),
            bug,
        };
        Ok((process, begun))
    }

    pub fn service(&self) -> &dyn Service {
        &*self.service
    }

    /// A line came.
    pub fn receive(&mut self, from: ClientId, line: &[u8], now: Millis, wall: Millis) -> Result<Received, Stopped> {
        let malformed = match ingest::decode(line) {
            Ok(order) => {
                let (key, command) = self.names.resolve(order);
                self.submit(Some(from), wall, Some(key), command)?;
                return Ok(Received::Order);
            }
            Err(malformed) => malformed,
        };
        let is_position = malformed.to_string().contains(LOCATION_KIND);
        let Some(location) = is_position.then(|| ingest::decode_location(line).ok()).flatten() else {
            return Ok(Received::Malformed);
        };
        let waiting = self.names.locate(&location, wall);
        let idle = is_idle(self.service.state(), waiting.driver);
        // A full line is the sender's to come again to: the next position does.
        if self.collector.push(waiting, idle) != Some(waiting) {
            self.bundle.get_or_insert(now + LINGER);
        }
        Ok(Received::Position)
    }

    /// Makes the positions that wait a turn.
    pub fn bundle(&mut self, wall: Millis) -> Result<(), Stopped> {
        self.bundle = None;
        match self.collector.take(wall, Vec::new()) {
            Some(pings) => self.submit(None, wall, None, Command::ReportPositions(pings)),
            None => Ok(()),
        }
    }

    fn submit(
        &mut self,
        from: Option<ClientId>,
        wall: Millis,
        key: Option<Key>,
        command: Command,
    ) -> Result<(), Stopped> {
        let taken = self.service.submit(wall, key, command).map_err(stopped)?;
        self.note(from, taken);
        Ok(())
    }

    fn note(&mut self, from: Option<ClientId>, turn: Turn) {
        self.names.learn(&turn);
        if let Some(from) = from.filter(|_| !self.forgets(&turn)) {
            self.senders.insert(turn.offset.0, from);
        }
        if self.bug == Some(Bug::ReleaseBeforeSync) {
            lock(&self.released).turns.push(Arc::new(turn.clone()));
        }
        self.decided.insert(turn.offset.0, turn);
        if self.bug == Some(Bug::FollowBeforeSync) {
            self.run_ahead();
        }
    }

    pub fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        self.service.next_wakeup(before)
    }

    pub fn wake(&mut self, wall: Millis) -> Result<(), Stopped> {
        let turn = self.service.wake(wall).map_err(stopped)?;
        self.note(None, turn);
        Ok(())
    }

    /// The market was held up since then.
    pub fn resume(&mut self, since: Millis, wall: Millis) -> Result<(), Stopped> {
        self.submit(None, wall, None, Command::Resume { since })
    }

    /// Says what the market knows.
    pub fn checkpoint(&mut self, wall: Millis) -> Result<(), Stopped> {
        let turn = self.service.checkpoint(wall).map_err(stopped)?;
        self.note(None, turn);
        Ok(())
    }

    /// Makes durable what was decided.
    pub fn commit(&mut self) -> Result<(), Stopped> {
        let done = self.service.commit().map_err(stopped);
        if self.bug == Some(Bug::ReleaseAfterError) && done.is_err() {
            self.release_decided();
        }
        done
    }

    fn release_decided(&mut self) {
        let decided = self.decided.values().cloned().map(Arc::new);
        lock(&self.released).turns.extend(decided);
    }

    /// Whether a planted bug forgets who sent an order.
    fn forgets(&self, turn: &Turn) -> bool {
        self.bug == Some(Bug::NoAnswer) && turn.key.is_some_and(|key| key.0 % 5 == 0)
    }

    /// What was released since it was last asked.
    pub fn take_released(&mut self) -> Vec<Arc<Turn>> {
        std::mem::take(&mut lock(&self.released).turns)
    }

    /// Gives a turn that was released to the follower.
    pub fn follow(&mut self, turn: &Turn) {
        let Some(follower) = &mut self.follower else { return };
        let has_it = self.bug == Some(Bug::FollowBeforeSync) && turn.offset < follower.standing().next;
        if !has_it {
            follower.take(turn);
        }
    }

    /// Gives the follower what was decided and not released.
    fn run_ahead(&mut self) {
        let Some(follower) = &mut self.follower else { return };
        while let Some(turn) = self.decided.get(&follower.standing().next.0) {
            follower.take(turn);
        }
    }

    /// How the follower stands.
    pub fn standing(&self) -> Option<&Standing> {
        self.follower.as_ref().map(Follower::standing)
    }

    /// The answer to the order of a turn that was released, and for whom.
    pub fn answer(&mut self, turn: &Turn) -> Option<(ClientId, Down)> {
        let from = self.senders.remove(&turn.offset.0)?;
        let said = turn.events.iter().find_map(|event| match event {
            Event::Refused { reason } => Some(Answered::Refused(*reason)),
            Event::Repeated { first } => Some(Answered::Repeated(*first)),
            Event::Poisoned { step: Poison::Command } => Some(Answered::Skipped),
            _ => None,
        });
        Some((from, Down::Answer(turn.key?, said.unwrap_or(Answered::Taken(turn.offset)))))
    }

    /// Closes the market in order.
    pub fn close(self) -> Result<(), Stopped> {
        self.service.close().map_err(|_| Stopped)
    }
}

fn stopped(_: MarketError) -> Stopped {
    Stopped
}

fn lock(released: &Mutex<Released>) -> MutexGuard<'_, Released> {
    released.lock().unwrap_or_else(PoisonError::into_inner)
}
