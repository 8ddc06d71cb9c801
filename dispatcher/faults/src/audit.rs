//! What watches the market from outside: everything that is released, and everything that is found again after a start.

mod look;
mod synced;

use crate::broken::{Broken, Checked, Promise, ensure};
use crate::model::Model;
use crate::planted::{Bug, but_poison};
use crate::server::{Begun, Process, log_folder};
use crate::stream::Piece;
use crate::town::{START, Setting};
use hansom_engine::invariant::{Checker, Invariant};
use hansom_engine::record::Header;
use hansom_engine::record::canonical::{self, blank};
use hansom_engine::record::json::turn_json;
use hansom_engine::{Command, Desk, Event, Key, Offset, RideId, Stamp, State, Turn, steps};
use hansom_geo_index::moving::MovingIndex;
use hansom_market::log::{LogError, Reader};
use hansom_market::replay::{self, Check, ReplayError, Until};
use hansom_market::seam::sim::SimDisk;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use synced::Synced;

/// So many turns are told of a failure.
const TOLD: usize = 60;

/// The outside's account of the market.
pub(crate) struct Audit {
    setting: Setting,
    /// The header with which the log began.
    header: Header,
    state: State,
    checker: Checker,
    model: Model,
    /// All that is durable.
    turns: Vec<Arc<Turn>>,
    /// Where commits began.
    commits: Vec<u64>,
    synced: Synced,
    requests: BTreeMap<Key, RideId>,
    upgraded: bool,
    /// There are records that cannot be decided.
    poisons: bool,
    /// The market started again, and has not said so yet.
    comes_back: bool,
}

impl Audit {
    pub fn new(setting: &Setting, bug: Option<Bug>) -> Self {
        let header = setting.header.clone();
        let (settings, network) = (header.settings.clone(), setting.streets.network.clone());
        let poisons = bug.is_some_and(Bug::has_poison);
        Self {
            state: State::of_log(&header, &setting.streets.network),
            checker: Checker::new(),
            model: Model::new(settings, START, network, poisons),
            turns: Vec::new(),
            commits: Vec::new(),
            synced: Synced::new(),
            requests: BTreeMap::new(),
            upgraded: false,
            poisons,
            comes_back: false,
            header,
            setting: setting.clone(),
        }
    }

    /// How many turns are durable.
    pub fn durable(&self) -> u64 {
        self.turns.len() as u64
    }

    /// A commit begins.
    pub fn commit(&mut self) {
        if self.commits.last() != Some(&self.durable()) {
            self.commits.push(self.durable());
        }
    }

    /// A turn was released. `trusts`: the disk does as it says.
    pub fn released(&mut self, disk: &SimDisk, process: &mut Process, turn: &Arc<Turn>, trusts: bool) -> Checked {
        ensure(turn.offset.0 == self.durable(), Promise::Kept, || {
            format!("offset {} is released, {} comes next", turn.offset, self.durable())
        })?;
        let decided = process.decided.remove(&turn.offset.0);
        // What the market says when it starts is decided in there.
        let of_start = matches!(turn.command, Command::Resume { .. } | Command::Upgrade(_));
        ensure(decided.map_or(of_start, |decided| decided == **turn), Promise::Kept, || {
            format!("offset {} is not what was decided", turn.offset)
        })?;
        self.says_so(turn)?;
        self.take(turn)?;
        let mut bytes = Vec::new();
        canonical::encode(turn, self.header.origin, &mut bytes);
        let synced = self.synced.pass(disk, turn, &bytes);
        ensure(synced || !trusts, Promise::Synced, || format!("offset {} would not survive", turn.offset))
    }

    /// A market that comes back begins with how long it was away.
    fn says_so(&mut self, turn: &Turn) -> Checked {
        let upgrades = matches!(turn.command, Command::Upgrade(_));
        if !upgrades && std::mem::take(&mut self.comes_back) {
            let before = self.turns.iter().rev().find(|turn| !matches!(turn.command, Command::Upgrade(_)));
            let since = before.map(|turn| turn.at);
            let says = matches!(turn.command, Command::Resume { since: said } if Some(said) == since);
            ensure(says, Promise::Starts, || format!("offset {}: it does not say that it was away", turn.offset))?;
        }
        Ok(())
    }

    /// A turn is durable.
    fn take(&mut self, turn: &Arc<Turn>) -> Checked {
        let network = &self.setting.streets.network;
        steps::fold(&mut self.state, network, turn);
        if let Some(violation) = self.checker.check(&self.state, network, turn).into_iter().next() {
            return Err(violation.into());
        }
        ensure(steps::diverged(&self.state, turn).is_none(), Promise::Restored, || {
            format!("the checkpoint at offset {} tells of another state", turn.offset)
        })?;
        self.model.take(turn)?;
        self.model.check_index(self.state.fleet())?;
        for event in &turn.events {
            match event {
                Event::RideRequested(e) => {
                    if let Some(key) = turn.key {
                        self.requests.insert(key, e.ride);
                    }
                }
                Event::Upgraded(_) => self.upgraded = true,
                _ => {}
            }
        }
        self.turns.push(turn.clone());
        Ok(())
    }

    /// A process came up again: nothing that was released is missing, what it knows is what was known, and what it found
    /// beyond that is what was decided before.
    pub fn restarted(
        &mut self,
        disk: &SimDisk,
        begun: &Begun,
        decided: &BTreeMap<u64, Turn>,
        trusts: bool,
    ) -> Result<(), Reread> {
        let next = begun.next;
        ensure(next.0 >= self.durable(), Promise::Kept, || {
            let last = self.commits.last();
            format!("turns up to {} were released, {next} is left, the last commit began at {last:?}", self.durable())
        })?;
        if next.0 > self.durable() {
            self.commit();
            let mut reader =
                Reader::open_on(Arc::new(disk.clone()), &log_folder(), self.durable()).map_err(Reread::Log)?;
            let mut turn = blank();
            while reader.next(&mut turn).map_err(Reread::Log)?.is_some() {
                let known = decided.get(&turn.offset.0).is_some_and(|decided| *decided == turn);
                let of_start = matches!(turn.command, Command::Resume { .. } | Command::Upgrade(_));
                ensure(known || of_start, Promise::Kept, || format!("nobody decided offset {}", turn.offset))?;
                let turn = Arc::new(turn.clone());
                self.says_so(&turn)?;
                self.take(&turn)?;
                let mut bytes = Vec::new();
                canonical::encode(&turn, self.header.origin, &mut bytes);
                let synced = self.synced.pass(disk, &turn, &bytes);
                ensure(synced || !trusts, Promise::Synced, || format!("offset {} was not made safe", turn.offset))?;
            }
        }
        let same = next.0 == self.durable() && begun.restored.digest() == self.state.digest();
        ensure(same, Promise::Restored, || format!("up to offset {next} another state was restored"))?;
        self.has_same_index(&begun.restored)?;
        self.comes_back = self.durable() > 0;
        Ok(())
    }

    /// What the market decides on is what its facts lead to, once all of them are released.
    pub fn agrees(&self, process: &Process) -> Checked {
        if let Some(standing) = process.standing() {
            if let Some(violation) = standing.violations.first.first() {
                return Err(violation.clone().into());
            }
            ensure(standing.diverged.is_none(), Promise::Restored, || "the follower sees another state".into())?;
        }
        if self.comes_back || !process.decided.is_empty() {
            return Ok(());
        }
        ensure(process.service().state().digest() == self.state.digest(), Promise::Restored, || {
            format!("the facts up to {} lead elsewhere", self.durable())
        })?;
        self.has_same_index(process.service().state())
    }

    /// Where a market looks for free vehicles is where its facts say that they are. No digest tells of that.
    fn has_same_index(&self, state: &State) -> Checked {
        let [here, there] = [&self.state, state].map(|state| state.fleet().index());
        let mut places = self.state.fleet().drivers().map(|driver| driver.id.index() as u32);
        let same = here.len() == there.len() && places.all(|place| here.get(place) == there.get(place));
        ensure(same, Promise::Holds(Invariant::Index), || {
            format!("up to {} the market looks for vehicles elsewhere", self.durable())
        })
    }

    /// What a reader is told is what was released.
    pub fn told(&self, piece: &Piece) -> Checked {
        let was_released = |turn: &Arc<Turn>| self.turns.get(turn.offset.0 as usize) == Some(turn);
        let other = piece.turns.iter().find(|turn| !was_released(turn));
        ensure(other.is_none(), Promise::Followed, || {
            format!("another turn was released than is told from {} on: {other:?}", piece.from)
        })
    }

    /// Whether a log that ends at `next` can do so without any of it proving that more was released: what is missing is the
    /// last commit, behind which nothing stands. Where names of segments were lost, that holds of each of them with all that
    /// came after it, and of the last commit before it.
    pub fn is_lost_in_silence(&self, next: Offset, names_lost: bool) -> bool {
        let segments = self.synced.firsts.iter().copied().filter(|_| names_lost);
        segments.chain([self.durable()]).any(|end| {
            // A commit that failed has released nothing.
            let last = self.commits.iter().rev().find(|first| **first < end);
            next.0 <= end && last.is_some_and(|last| next.0 >= *last)
        })
    }

    /// Whether no ride is open, and the market has said all that it says when it starts.
    pub fn is_quiet(&self) -> bool {
        !self.comes_back && self.state.rides().iter().all(|ride| !ride.is_open())
    }

    /// The open rides, for a message.
    pub fn open_rides(&self) -> String {
        let open = self.state.rides().iter().filter(|ride| ride.is_open());
        let said: Vec<_> = open.map(|ride| format!("ride {} is {}", ride.id, ride.status.name())).collect();
        said.join(", ")
    }

    /// A hash of what became of every ride.
    pub fn fates(&self) -> u64 {
        let mut told = String::new();
        for turn in &self.turns {
            for event in &turn.events {
                let about_a_ride = matches!(
                    event,
                    Event::RideRequested(_)
                        | Event::OfferMade(_)
                        | Event::OfferAccepted { .. }
                        | Event::RiderBoarded { .. }
                        | Event::RideEnded { .. }
                        | Event::Settled(_)
                );
                if about_a_ride {
                    // Writing to a string cannot fail.
                    let _ = write!(told, "{:?} {event:?}", turn.at);
                }
            }
        }
        told.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Reads the whole log again: it is what was released, and is decided again to the same facts.
    pub fn reread(&self, disk: &SimDisk) -> Result<(), Reread> {
        let open = || Reader::open_on(Arc::new(disk.clone()), &log_folder(), 0).map_err(Reread::Log);
        let mut reader = open()?;
        let mut turn = blank();
        let mut count = 0;
        while reader.next(&mut turn).map_err(Reread::Log)?.is_some() {
            let same = self.turns.get(count).is_some_and(|released| **released == turn);
            ensure(same, Promise::Kept, || format!("offset {} stands in the log as another turn", turn.offset))?;
            count += 1;
        }
        ensure(count == self.turns.len(), Promise::Kept, || {
            format!("{} turns were released, {count} are in the log", self.turns.len())
        })?;
        if self.poisons {
            return Ok(self.redecided_with_poison()?);
        }
        let streets = &self.setting.streets;
        match replay::redecide(&mut open()?, streets, Until::End, Check::EngineAndPlanner, |_, _| {}) {
            Ok(replayed) => {
                let same = !self.upgraded && replayed.state.digest() == self.state.digest();
                Ok(ensure(same, Promise::Redecided, || "it leads elsewhere".into())?)
            }
            Err(ReplayError::Upgraded { .. }) if self.upgraded => Ok(()),
            Err(ReplayError::Log(fault)) => Err(Reread::Log(fault)),
            Err(error) => Err(Reread::Broken(Broken::new(Promise::Redecided, error.to_string()))),
        }
    }

    /// The same where records cannot be decided: they cannot be the second time either.
    fn redecided_with_poison(&self) -> Checked {
        let streets = &self.setting.streets;
        let mut desk = Desk::new(streets.network.clone(), streets.router.clone(), streets.snap.clone());
        let mut state = State::of_log(&self.header, &streets.network);
        for turn in &self.turns {
            let stamp = Stamp { at: turn.at, offset: turn.offset };
            let command = turn.command.clone();
            let again = steps::turn_by(but_poison, &mut desk, &mut state, stamp, turn.key, command, Vec::new());
            ensure(again == **turn, Promise::Redecided, || format!("offset {} is decided otherwise", turn.offset))?;
        }
        Ok(())
    }

    /// Records that could not be decided.
    pub fn poisoned(&self) -> u64 {
        let events = self.turns.iter().flat_map(|turn| &turn.events);
        events.filter(|event| matches!(event, Event::Poisoned { .. })).count() as u64
    }

    /// Every order that was acknowledged took effect once, where it was said.
    pub fn once<'a>(&self, acknowledged: impl Iterator<Item = (&'a Key, &'a Offset)>) -> Checked {
        let mut taken: BTreeMap<Key, Vec<Offset>> = BTreeMap::new();
        for turn in &self.turns {
            for event in &turn.events {
                if let Event::Keyed { key, .. } = event {
                    taken.entry(*key).or_default().push(turn.offset);
                }
            }
        }
        for (key, at) in acknowledged {
            let found = taken.get(key).map_or(&[][..], Vec::as_slice);
            ensure(found == [*at], Promise::Once, || format!("key {key} was taken at {at}, and is at {found:?}"))?;
        }
        Ok(())
    }

    /// The last turns that were released, and those that came after, as text.
    pub fn story(&self, decided: impl Iterator<Item = Turn>) -> Vec<String> {
        let released = self.turns.iter().rev().take(TOLD).rev().map(|turn| turn_json(turn));
        released.chain(decided.map(|turn| format!("not released: {}", turn_json(&turn)))).collect()
    }
}

/// Why a log is not read again.
pub(crate) enum Reread {
    Log(LogError),
    Broken(Broken),
}

impl From<Broken> for Reread {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}
