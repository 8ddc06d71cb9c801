//! Reading a log back, in one of two ways that are never mixed up.
//!
//! [`fold`] takes the facts as they stand: it works for the logs of every version of the rules. [`redecide`] gives the
//! commands to the engine again and demands the same facts, to the byte: that is promised for logs of the same version
//! of the rules on the same network.

use crate::log::{LogError, Reader, each_turn};
use crate::planning::propose;
use crate::streets::Streets;
use hansom_engine::decide::decide;
use hansom_engine::domain::Planner;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::canonical::{self, EventChain, blank};
use hansom_engine::record::json::turn_json;
use hansom_engine::record::{Header, LOGIC_VERSION, Proposal};
use hansom_engine::steps::{self, Diverged, Rules};
use hansom_engine::{Command, Offset, Stamp, State, Turn};
use hansom_geo_index::{Millis, Network};
use std::fmt::Write;
use std::ops::ControlFlow::{self, Break, Continue};

/// How far a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To its end.
    End,
    /// Up to and with the turns of this time.
    Time(Millis),
    /// Up to and with this turn.
    Offset(Offset),
}

impl Until {
    fn includes(self, turn: &Turn) -> bool {
        match self {
            Self::End => true,
            Self::Time(at) => turn.at <= at,
            Self::Offset(offset) => turn.offset <= offset,
        }
    }

    /// Whether to read on behind a turn that it includes: what comes behind the last one need not be whole.
    fn after(self, turn: &Turn) -> ControlFlow<()> {
        match self {
            Self::Offset(offset) if turn.offset >= offset => Break(()),
            _ => Continue(()),
        }
    }
}

/// What reading a log back led to.
#[derive(Debug)]
pub struct Replayed {
    /// What the market knew after the last turn that was read.
    pub state: State,
    /// Turns read.
    pub turns: u64,
    /// Pings in them.
    pub pings: u64,
    /// Hash of all their events.
    pub event_chain: u128,
    /// Time of the last one.
    pub at: Option<Millis>,
}

/// What differs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The facts that follow from the command.
    Events,
    /// The planner's answer.
    Proposal,
}

/// The first turn that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Where.
    pub offset: Offset,
    /// When.
    pub at: Millis,
    /// In what.
    pub what: Difference,
    /// The turn as logged, JSON.
    pub logged: String,
    /// The turn as decided now, JSON.
    pub decided: String,
}

/// Why a log was not read back to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log is of a market on another network.
    #[error("the log is of another network: its turns are about {logged}, the network given is {given} ({name})")]
    OtherNetwork {
        /// Hash in the log's header.
        logged: String,
        /// Hash of the network given.
        given: String,
        /// Its name.
        name: String,
    },
    /// The log was written under other rules.
    #[error("the log was decided under version {logged} of the rules; this program decides under version {ours}")]
    OtherLogic {
        /// In the log's header.
        logged: u32,
        /// [`LOGIC_VERSION`].
        ours: u32,
    },
    /// The market was upgraded on the way.
    #[error(
        "at offset {offset} the market was upgraded to other rules or settings; a log is decided again up to there only"
    )]
    Upgraded {
        /// The turn that says so.
        offset: Offset,
    },
    /// Pings were taken out of the log.
    #[error(
        "from offset {offset} on most positions were taken out of the log, as they were old; it is folded, not decided again"
    )]
    Stripped {
        /// The first turn from which they were.
        offset: Offset,
    },
    /// A checkpoint tells of another state than its turns lead to.
    #[error("at offset {offset} slice {} of the state is not what the checkpoint in the log says", .diverged.slice)]
    Checkpoint {
        /// The turn of the checkpoint.
        offset: Offset,
        /// What differs.
        diverged: Diverged,
    },
    /// The engine decides otherwise now.
    #[error("at offset {} the {} differ from those in the log", .0.offset, .0.what.name())]
    Diverged(Box<Divergence>),
}

impl Difference {
    const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Proposal => "changes that the planner proposes",
        }
    }
}

impl ReplayError {
    /// What to do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Log(error) => error.hint(),
            Self::OtherNetwork { .. } => {
                Some("give the network that the run was made on; `summary.json` has its hash".to_owned())
            }
            Self::OtherLogic { .. } => {
                Some("such a log can be folded, not decided again; use the program that wrote it for that".to_owned())
            }
            Self::Upgraded { offset } | Self::Stripped { offset } => {
                let before = offset.0.checked_sub(1);
                let part = before.map(|last| format!(", or decide again what was before it: `--until {last}`"));
                Some(format!("fold it, without `--verify`{}", part.unwrap_or_default()))
            }
            Self::Checkpoint { .. } | Self::Diverged(_) => None,
        }
    }
}

/// Folds the facts of a log. `visit` sees each turn, with the state that it left.
pub fn fold(
    reader: &mut Reader,
    network: &Network,
    until: Until,
    mut visit: impl FnMut(&State, &Turn),
) -> Result<Replayed, ReplayError> {
    same_network(reader.header(), network)?;
    let mut replay = Replay::new(reader.header(), network);
    let stripped = reader.stripped_from()?;
    each_turn(reader, |turn, events| {
        if !until.includes(turn) {
            return Ok::<_, ReplayError>(Break(()));
        }
        replay.chain.extend(events);
        steps::fold(&mut replay.state, network, turn);
        let is_complete = stripped.is_none_or(|first| turn.offset.0 < first);
        if let Some(diverged) = steps::diverged(&replay.state, turn).filter(|_| is_complete) {
            return Err(ReplayError::Checkpoint { offset: turn.offset, diverged });
        }
        replay.count(turn);
        visit(&replay.state, turn);
        Ok(until.after(turn))
    })?;
    Ok(replay.finish())
}

/// What [`redecide`] goes over again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// What the engine decides; answers of the planner are taken from the log.
    Engine,
    /// The planner's answers too: each matching problem is built and solved again.
    EngineAndPlanner,
}

/// Decides the commands of a log again, and stops at the first turn whose facts are not those in the log. `visit` sees
/// each turn, with the state that it left.
pub fn redecide(
    reader: &mut Reader,
    streets: &Streets,
    until: Until,
    check: Check,
    visit: impl FnMut(&State, &Turn),
) -> Result<Replayed, ReplayError> {
    redecide_by(decide, reader, streets, until, check, visit)
}

/// As [`redecide`], by other rules than the engine's: those that a test planted a fault in, which the log tells of.
pub fn redecide_by(
    rules: Rules,
    reader: &mut Reader,
    streets: &Streets,
    until: Until,
    check: Check,
    mut visit: impl FnMut(&State, &Turn),
) -> Result<Replayed, ReplayError> {
    let header = reader.header();
    same_network(header, &streets.network)?;
    if header.logic_version != LOGIC_VERSION {
        return Err(ReplayError::OtherLogic { logged: header.logic_version, ours: LOGIC_VERSION });
    }
    let (origin, by) = (header.origin, header.settings.policy.planner);
    let mut replay = Replay::new(header, &streets.network);
    let stripped = reader.stripped_from()?;
    let mut desk = streets.desk();
    let mut planner = Again::new(streets, check, by);
    let mut decided = blank();
    let mut bytes = Vec::new();
    each_turn(reader, |logged, logged_events| {
        if !until.includes(logged) {
            return Ok(Break(()));
        }
        if stripped.is_some_and(|first| logged.offset.0 >= first) {
            return Err(ReplayError::Stripped { offset: logged.offset });
        }
        if let Command::Upgrade(_) = logged.command {
            return Err(ReplayError::Upgraded { offset: logged.offset });
        }
        planner.compare(logged)?;
        let stamp = Stamp { offset: logged.offset, at: logged.at };
        let command = std::mem::replace(&mut logged.command, Command::Tick);
        let buffer = std::mem::take(&mut decided.events);
        decided = steps::turn_by(rules, &mut desk, &mut replay.state, stamp, logged.key, command, buffer);
        bytes.clear();
        let events = canonical::encode(&decided, origin, &mut bytes);
        if bytes[events..] != *logged_events {
            // The command is the same on both sides.
            logged.command = decided.command.clone();
            return Err(diverged(Difference::Events, logged, &decided));
        }
        replay.chain.extend(logged_events);
        replay.count(&decided);
        planner.solve(&replay.state, stamp);
        visit(&replay.state, &decided);
        // Its pings go back to the reader.
        logged.command = std::mem::replace(&mut decided.command, Command::Tick);
        Ok(until.after(&decided))
    })?;
    Ok(replay.finish())
}

/// What a replay keeps.
struct Replay {
    state: State,
    turns: u64,
    pings: u64,
    chain: EventChain,
    at: Option<Millis>,
}

impl Replay {
    fn new(header: &Header, network: &Network) -> Self {
        Self { state: State::of_log(header, network), turns: 0, pings: 0, chain: EventChain::new(), at: None }
    }

    fn count(&mut self, turn: &Turn) {
        self.turns += 1;
        self.at = Some(turn.at);
        if let Command::ReportPositions(pings) = &turn.command {
            self.pings += pings.len() as u64;
        }
    }

    fn finish(self) -> Replayed {
        let Self { state, turns, pings, chain, at } = self;
        Replayed { state, turns, pings, event_chain: chain.digest(), at }
    }
}

/// The planner, asked again.
struct Again {
    planner: Option<BatchPlanner>,
    /// Its answer to the question that is open.
    answer: Option<Proposal>,
}

impl Again {
    fn new(streets: &Streets, check: Check, by: Planner) -> Self {
        let planner = match (check, by) {
            // What a program of somebody else's would answer now says nothing about the log.
            (Check::Engine, _) | (_, Planner::External) => None,
            (Check::EngineAndPlanner, Planner::Nearest | Planner::Batch) => Some(streets.planner()),
        };
        Self { planner, answer: None }
    }

    /// Answers what the turn that was just decided asked, if it asked.
    fn solve(&mut self, state: &State, stamp: Stamp) {
        if let Some(planner) = &mut self.planner
            && state.matching_due() == Some(stamp.offset)
        {
            let question = problem(state, stamp.offset, stamp.at);
            self.answer = Some(propose(planner, &question));
        }
    }

    /// Compares a logged answer, if the turn brings one, with the own one to the same question.
    fn compare(&mut self, logged: &Turn) -> Result<(), ReplayError> {
        let Command::Propose(proposal) = &logged.command else { return Ok(()) };
        match self.answer.take_if(|mine| mine.basis == proposal.basis) {
            Some(mine) if mine != **proposal => {
                let command = Command::Propose(Box::new(mine));
                Err(diverged(Difference::Proposal, logged, &Turn { command, events: Vec::new(), ..logged.clone() }))
            }
            _ => Ok(()),
        }
    }
}

fn same_network(header: &Header, network: &Network) -> Result<(), ReplayError> {
    if header.network_hash == network.id() {
        return Ok(());
    }
    let mut logged = String::with_capacity(64);
    for byte in header.network_hash {
        // Writing to a string cannot fail.
        let _ = write!(logged, "{byte:02x}");
    }
    Err(ReplayError::OtherNetwork { logged, given: network.id_hex(), name: network.name().to_owned() })
}

fn divergence(what: Difference, logged: &Turn, decided: &Turn) -> Divergence {
    let (offset, at) = (logged.offset, logged.at);
    Divergence { offset, at, what, logged: turn_json(logged), decided: turn_json(decided) }
}

fn diverged(what: Difference, logged: &Turn, decided: &Turn) -> ReplayError {
    ReplayError::Diverged(Box::new(divergence(what, logged, decided)))
}
