//! The market as the simulation drives it, and the same with one bug planted in it: to see that the simulation would see it.
//!
//! Nothing of this is in the product's path. A bug of the rules is planted in a writer of its own, which has the engine
//! answer and changes what it says; one of the disk in a disk around the simulated one; one of recovery in the files, before
//! the market is opened; one of what followers are told in the simulation's own stream.

mod disk;
mod files;
mod rules;
mod writer;

pub(crate) use disk::around;
pub(crate) use files::{snapshots, tamper};
pub(crate) use rules::but_poison;
pub(crate) use writer::{Bred, Mutant};

use hansom_engine::{Command, Key, State, Turn};
use hansom_geo_index::Millis;
use hansom_market::log::LogError;
use hansom_market::{Market, MarketError, Wakeup};

/// What the simulation asks of a market.
pub(crate) trait Service {
    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError>;
    fn next_wakeup(&self, before: Millis) -> Option<Wakeup>;
    fn wake(&mut self, at: Millis) -> Result<Turn, MarketError>;
    fn checkpoint(&mut self, at: Millis) -> Result<Turn, MarketError>;
    fn commit(&mut self) -> Result<(), MarketError>;
    fn state(&self) -> &State;
    fn close(self: Box<Self>) -> Result<(), LogError>;
}

impl Service for Market {
    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError> {
        Self::submit(self, at, key, command).cloned()
    }

    fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        Self::next_wakeup(self, before)
    }

    fn wake(&mut self, at: Millis) -> Result<Turn, MarketError> {
        Self::wake(self, at).cloned()
    }

    fn checkpoint(&mut self, at: Millis) -> Result<Turn, MarketError> {
        Self::checkpoint(self, at).cloned()
    }

    fn commit(&mut self) -> Result<(), MarketError> {
        Self::commit(self)
    }

    fn state(&self) -> &State {
        Self::state(self)
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        Self::close(*self).map(|_| ())
    }
}

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Of the rules.
    Rule(RuleBug),
    /// Between log and disk.
    Disk(DiskBug),
    /// Of recovery.
    Files(FileBug),
    /// Turns are released when they are decided.
    ReleaseBeforeSync,
    /// Some orders are never answered.
    NoAnswer,
    /// What was decided before some error is released after it.
    ReleaseAfterError,
    /// The follower takes turns as they are decided, and its snapshots may tell of more than the log.
    FollowBeforeSync,
    /// Those who follow the market are not told that it came back.
    StreamSkips,
    /// Who fell behind goes on with what is in memory, and is not told of the gap.
    GapUntold,
}

/// A bug of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleBug {
    /// Nothing at all: the writer in which bugs are planted is as good as the market's.
    None,
    /// An offer is taken whatever epoch the answer names.
    NoEpochFence,
    /// A device speaks for a driver after another one took over.
    NoSessionFence,
    /// A command whose key was seen takes effect again.
    NoDedupe,
    /// Another command under a key that was seen gets the first answer.
    NoConflict,
    /// The seats of a ride are not looked at.
    NoSeatCheck,
    /// A rider meets whom he shall not meet.
    NoBlocklist,
    /// Of two offers that expire at the same moment, the later ride's goes first.
    TimerTie,
    /// A deadline passes before a command of the same moment.
    DeadlineBeforeCommand,
    /// A leg of a settlement is short of a cent.
    LedgerLeg,
    /// The rider pays more than was quoted.
    ChargeAboveQuote,
    /// A cancellation is charged twice.
    ChargedTwice,
    /// A ride that is another driver's is accepted.
    TwoDrivers,
    /// A driver who is thinking about an offer gets another one.
    TwoOffers,
    /// A ride that is over is boarded.
    BoardedAfterEnd,
    /// A ride that waits loses its deadline.
    Unattended,
    /// A ride that used all its offers is looked at again for ever.
    NeverGivenUp,
    /// A ride that lost an offer gets no other one.
    PassedOver,
    /// A position is taken that is older than the last.
    StalePosition,
    /// A position is taken, and the vehicle is looked for where it was before.
    MissedPing,
    /// What is restored looks for vehicles on other streets.
    StaleIndex,
    /// A later ride is looked at before an earlier one.
    OutOfLine,
    /// A driver is given up without a warning.
    NoWarning,
    /// The rider is waited for too short a time.
    EarlyNoShow,
    /// A ride is forgotten, with its keys, too early.
    EarlyRetire,
    /// A driver is forgotten as soon as he is off shift.
    EarlyForget,
    /// A driver who is gone is remembered for ever.
    NoForget,
    /// An answer depends on something that is in no log.
    HiddenInput,
    /// What is decided is not what is kept.
    Drift,
    /// The market comes back without saying that it was away.
    NoResume,
    /// A rule panics.
    Panic,
    /// None: there are records that cannot be decided, and each delays only itself.
    Poison,
    /// A position that cannot be decided takes those behind it with it.
    PoisonTakesBundle,
    /// An order that cannot be decided is noted as taken.
    PoisonTakesEffect,
    /// The market stops at what cannot be decided.
    PoisonStops,
}

/// A bug between log and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskBug {
    /// Files are not synced.
    NoSync,
    /// Folders are not synced.
    NoFolderSync,
    /// What goes wrong with a write is passed over.
    WriteErrorsPassedOver,
    /// A sync that failed is tried again, and believed.
    SyncRetried,
    /// Nobody is kept out.
    NoLock,
}

/// A bug of recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileBug {
    /// A turn that was not written whole is taken for one.
    TornTailAccepted,
    /// One turn too many is cut off.
    TailCutTooFar,
    /// The log goes on behind the last turn before some damage.
    DamageCutOff,
    /// A snapshot is taken that tells of another moment.
    WrongSnapshot,
    /// A log that is there is taken for none.
    LogStartedAnew,
    /// Checksums of turns are not looked at.
    NoChecksum,
}

impl Bug {
    /// Whether it is planted in a writer other than the market's.
    pub(crate) fn has_own_writer(self) -> bool {
        matches!(self, Self::Rule(_))
    }

    /// Whether there are records that cannot be decided.
    pub(crate) fn has_poison(self) -> bool {
        matches!(self, Self::Rule(bug) if bug.has_poison())
    }
}

impl RuleBug {
    fn has_poison(self) -> bool {
        matches!(self, Self::Poison | Self::PoisonTakesBundle | Self::PoisonTakesEffect | Self::PoisonStops)
    }
}
