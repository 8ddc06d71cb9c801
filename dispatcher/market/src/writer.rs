//! The one writer of a market: stamps commands, has the engine answer, and appends the turns to the log.

use crate::audit::{Audit, Violations};
use crate::latency::Latencies;
use crate::log::{LogError, Totals, Writer};
use crate::planning::{Answered, Beside, Gone, Plan, Planning, Told};
use crate::seam::clock::Clock;
use crate::seam::disk::Lock;
use crate::streets::Streets;
use hansom_engine::assignment::NotOptimal;
use hansom_engine::decide::refusal;
use hansom_engine::planner::problem;
use hansom_engine::record::{Header, Ping, Proposal, RequestRefusal, RequestRide};
use hansom_engine::state::TimerKind;
use hansom_engine::steps::Rules;
use hansom_engine::{Command, Desk, Event, Key, Offset, Stamp, State, Turn, steps};
use hansom_geo_index::Millis;

/// Nobody outside waits for what these timers lead to: the market asks to be woken for them at whole quarters of a
/// second only, so that many of them share a turn.
const GRAIN_MS: i64 = 250;

/// Whether what a timer leads to may be a quarter of a second late.
fn is_patient(kind: TimerKind) -> bool {
    match kind {
        TimerKind::Silence
        | TimerKind::Slip
        | TimerKind::Chain
        | TimerKind::Retire
        | TimerKind::KeyExpiry
        | TimerKind::Forget => true,
        TimerKind::Weights | TimerKind::Offer | TimerKind::NoShow | TimerKind::Review | TimerKind::Matching => false,
    }
}

/// A market at work.
pub struct Market {
    desk: Desk,
    planning: Planning,
    state: State,
    log: Writer,
    clock: Box<dyn Clock>,
    planner_latency: Millis,
    /// Other rules than the engine's.
    rules: Option<Rules>,
    /// What the planner answered, until it is due.
    answer: Option<Answer>,
    /// Offset of the next turn.
    next: Offset,
    /// Time of the last turn.
    now: Millis,
    latencies: Latencies,
    /// That of a market whose turns nobody follows.
    audit: Option<Audit>,
    /// Checkpoints so far.
    checkpoints: u64,
    /// Goes last, when the log is closed.
    _lock: Lock,
}

/// What a market goes on from. A question to the planner that had no answer yet is not part of it: `Resume` has it asked
/// again.
#[derive(Debug)]
pub(crate) struct Past {
    pub state: State,
    /// Offset of the next turn.
    pub next: Offset,
    /// Time of the last turn.
    pub now: Millis,
}

/// A planner's answer on its way.
#[derive(Debug)]
struct Answer {
    due: Millis,
    proposal: Proposal,
    /// Time that problem and planner took.
    took_ns: u64,
}

/// When a market wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wakeup {
    /// When.
    pub at: Millis,
    /// Whether somebody outside waits for what it leads to; such a wakeup goes before all else of the same time.
    pub urgent: bool,
}

/// Why a market stopped. It takes no more commands then.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The planner's answer does not prove to be the best: a fault of the program.
    #[error("the answer to the matching problem of offset {basis} is wrong: {source}")]
    Planner {
        /// The turn that asked.
        basis: Offset,
        /// In what.
        source: NotOptimal,
    },
    /// The planner's thread has ended: a fault of the program.
    #[error("the planner has ended")]
    PlannerEnded,
}

/// What a market leaves.
#[derive(Debug)]
pub struct Closed {
    /// What it knew at the end.
    pub state: State,
    /// What its log holds.
    pub log: Totals,
    /// Times of the work that led to offers.
    pub latencies: Latencies,
    /// Broken invariants.
    pub violations: Violations,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market").field("next", &self.next).field("now", &self.now).finish_non_exhaustive()
    }
}

impl Market {
    /// Opens a market as `header` says, which is that of `log`. `clock` only measures.
    pub fn new(header: &Header, streets: &Streets, log: Writer, clock: Box<dyn Clock>) -> Self {
        let (audit, watch) = Audit::start(header, streets);
        let past = Past::new(header, streets);
        let opened = Self::resume(header, streets, past, log.watched(watch), clock, Box::new(()));
        Self { audit: Some(audit), ..opened }
    }

    /// Opens a market that goes on where an earlier process left it, and keeps others out with `lock`. Its follower audits
    /// it.
    pub(crate) fn resume(
        header: &Header,
        streets: &Streets,
        past: Past,
        log: Writer,
        clock: Box<dyn Clock>,
        lock: Lock,
    ) -> Self {
        let Past { state, next, now } = past;
        Self {
            desk: streets.desk(),
            planning: Planning::Here(Box::new(streets.planner())),
            state,
            log,
            clock,
            planner_latency: header.planner_latency,
            rules: None,
            answer: None,
            next,
            now,
            latencies: Latencies::default(),
            audit: None,
            checkpoints: 0,
            _lock: lock,
        }
    }

    /// Has the planner work in a thread of its own from now on. It calls `told` when it has an answer:
    /// [`hear_planner`](Self::hear_planner) takes it in.
    #[must_use]
    pub fn plan_beside(self, planner: Box<dyn Plan>, told: Told) -> Self {
        Self { planning: Planning::Beside(Beside::start(planner, told)), ..self }
    }

    /// Has this planner answer in the writer's thread from now on.
    #[must_use]
    pub fn plan_by(self, planner: Box<dyn Plan>) -> Self {
        Self { planning: Planning::Here(planner), ..self }
    }

    /// Has the market decide by other rules than the engine's from now on: so tests plant a fault.
    #[must_use]
    pub fn decide_by(self, rules: Rules) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Takes the planner's answer in, if one is there: the market wants to be woken for it at `at`.
    pub fn hear_planner(&mut self, at: Millis) -> Result<(), MarketError> {
        let Planning::Beside(planner) = &self.planning else { return Ok(()) };
        while let Some(Answered { proposal, took_ns }) = planner.answer().map_err(|Gone| MarketError::PlannerEnded)? {
            self.answer = Some(Answer { due: at.max(self.now), proposal, took_ns });
        }
        Ok(())
    }

    /// Takes a command at `at`, or at the time of the turn before if that is later, and shows the turn once it is
    /// appended.
    ///
    /// A planner's answer goes before commands of the same time: whoever drives the market wakes it first, as
    /// [`next_wakeup`](Self::next_wakeup) says.
    pub fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<&Turn, MarketError> {
        self.turn(at, key, command, 0)
    }

    /// Why nobody can serve a request, whoever is there.
    pub fn refusal(&mut self, request: &RequestRide) -> Option<RequestRefusal> {
        refusal(&mut self.desk, &self.state, request)
    }

    /// When to call [`wake`](Self::wake) next, looking at deadlines before `before` only.
    pub fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        let answer = self.answer.as_ref().map(|answer| Wakeup { at: answer.due, urgent: true });
        let (mut urgent, mut patient) = (None, None);
        for timer in self.state.timers().iter().take_while(|timer| timer.due < before) {
            // A timer fires in a turn that is later than it.
            let at = timer.due + Millis(1);
            if is_patient(timer.kind) {
                let at = Millis((at.0 + GRAIN_MS - 1).div_euclid(GRAIN_MS) * GRAIN_MS);
                patient.get_or_insert(Wakeup { at, urgent: false });
            } else {
                urgent = Some(Wakeup { at, urgent: true });
                break;
            }
        }
        [answer, urgent, patient].into_iter().flatten().min_by_key(|wakeup| wakeup.at)
    }

    /// Takes the planner's answer if it is due at `at`, else a `Tick`: in both cases due timers fire.
    pub fn wake(&mut self, at: Millis) -> Result<&Turn, MarketError> {
        match self.answer.take_if(|answer| answer.due <= at) {
            Some(Answer { proposal, took_ns, .. }) => {
                self.turn(at, None, Command::Propose(Box::new(proposal)), took_ns)
            }
            None => self.turn(at, None, Command::Tick, 0),
        }
    }

    /// Says in a turn what the market knows, of the next of its slices: so that a follower can compare. All have had their
    /// turn after 64 of these, or after 1,024 while the market [is large](State::is_large).
    pub fn checkpoint(&mut self, at: Millis) -> Result<&Turn, MarketError> {
        let slice = self.state.nth_slice(self.checkpoints);
        self.checkpoints += 1;
        self.turn(at, None, Command::Checkpoint { slice }, 0)
    }

    fn turn(&mut self, at: Millis, key: Option<Key>, command: Command, before_ns: u64) -> Result<&Turn, MarketError> {
        let stamp = Stamp { at: at.max(self.now), offset: self.next };
        self.now = stamp.at;
        self.next = Offset(stamp.offset.0 + 1);
        let buffer = self.log.events_buffer();
        let began = self.clock.now_ns();
        let (desk, state) = (&mut self.desk, &mut self.state);
        let turn = match self.rules {
            None => steps::turn(desk, state, stamp, key, command, buffer),
            Some(rules) => steps::turn_by(rules, desk, state, stamp, key, command, buffer),
        };
        let took_ns = before_ns + (self.clock.now_ns() - began);
        if turn.events.iter().any(|event| matches!(event, Event::OfferMade(_))) {
            self.latencies.push(took_ns);
        }
        if self.state.matching_due() == Some(stamp.offset) {
            self.ask(stamp)?;
        }
        Ok(self.log.append(turn)?)
    }

    /// Has the planner answer the question of the turn that was just taken.
    fn ask(&mut self, stamp: Stamp) -> Result<(), MarketError> {
        let began = self.clock.now_ns();
        let question = problem(&self.state, stamp.offset, stamp.at);
        match &mut self.planning {
            Planning::Beside(planner) => planner.ask(question.into_owned()),
            Planning::Here(planner) => {
                let answered = planner.answer(&question);
                let took_ns = self.clock.now_ns() - began;
                let proposal = answered.map_err(|source| MarketError::Planner { basis: stamp.offset, source })?;
                self.answer = Some(Answer { due: stamp.at + self.planner_latency, proposal, took_ns });
            }
        }
        Ok(())
    }

    /// Makes what was appended durable and hands it on, in this thread, if the log has none of its own for that.
    pub fn commit(&mut self) -> Result<(), MarketError> {
        Ok(self.log.commit()?)
    }

    /// What the market knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Time of the last turn.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// How many turns were taken.
    pub fn turns(&self) -> u64 {
        self.next.0
    }

    /// An empty buffer for the pings of a `ReportPositions`: one that the log is done with.
    pub fn pings_buffer(&mut self) -> Vec<Ping> {
        self.log.pings_buffer()
    }

    /// How long the work took that led to offers since this was asked last. Where a market stays open, somebody has to ask.
    pub fn take_latencies(&mut self) -> Latencies {
        std::mem::take(&mut self.latencies)
    }

    /// Closes the log, and returns once it would survive a loss of power.
    pub fn close(self) -> Result<Closed, LogError> {
        let Self { state, log, latencies, audit, .. } = self;
        let log = log.close()?;
        let violations = audit.map(|audit| audit.close(&state)).unwrap_or_default();
        Ok(Closed { state, log, latencies, violations })
    }
}
