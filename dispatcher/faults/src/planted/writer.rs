//! A writer like the market's, in which bugs of the rules are planted.

use super::rules::{Memory, rule};
use super::{RuleBug, Service};
use crate::server::log_folder;
use crate::town::Setting;
use hansom_engine::decide::Step;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Header, Poison, Proposal, fingerprint};
use hansom_engine::state::TimerKind;
use hansom_engine::{Command, Desk, Event, Key, Offset, Stamp, State, Turn, steps};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Millis, Network};
use hansom_market::log::{LogError, Outlet, Reader, Writer};
use hansom_market::seam::sim::SimDisk;
use hansom_market::{MarketError, Wakeup};
use std::sync::Arc;

/// A writer with a bug.
pub(crate) struct Mutant {
    bug: RuleBug,
    desk: Desk,
    planner: BatchPlanner,
    latency: Millis,
    state: State,
    log: Writer,
    next: Offset,
    now: Millis,
    answer: Option<(Millis, Proposal)>,
    memory: Memory,
}

/// A mutant, what it restored, and its first turn.
pub(crate) struct Bred {
    pub mutant: Mutant,
    pub restored: State,
    pub next: Offset,
    pub resumed: Option<Turn>,
}

impl Mutant {
    /// Opens the market as the product would, but for snapshots.
    pub fn open(
        disk: &SimDisk,
        setting: &Setting,
        header: &Header,
        wall: Millis,
        bug: RuleBug,
        outlet: Outlet,
    ) -> Result<Bred, LogError> {
        let streets = &setting.streets;
        let folder = log_folder();
        let mut state = State::of_log(&setting.header, &streets.network);
        let (mut next, mut now, mut memory) = (Offset(0), header.started_at, Memory::default());
        let tail = match Reader::open_on(Arc::new(disk.clone()), &folder, 0) {
            Err(LogError::NoLog { .. }) => None,
            Err(fault) => return Err(fault),
            Ok(mut reader) => {
                let mut turn = blank();
                loop {
                    match reader.next(&mut turn) {
                        Ok(Some(_)) => {}
                        Ok(None) | Err(LogError::Torn { .. }) => break,
                        Err(fault) => return Err(fault),
                    }
                    steps::fold(&mut state, &streets.network, &turn);
                    memory.note(&turn);
                    (next, now) = (Offset(turn.offset.0 + 1), turn.at);
                }
                Some(reader.tail())
            }
        };
        let is_new = tail.is_none();
        if bug == RuleBug::StaleIndex && !is_new {
            state = on_other_streets(state, &streets.network);
        }
        let log = Writer::open_durable(Arc::new(disk.clone()), &folder, header, tail, setting.keep.log, outlet)?;
        let restored = state.clone();
        let mut mutant = Self {
            bug,
            desk: Desk::new(streets.network.clone(), streets.router.clone(), streets.snap.clone()),
            planner: BatchPlanner::new(streets.network.clone(), streets.router.clone()),
            latency: header.planner_latency,
            state,
            log,
            next,
            now,
            answer: None,
            memory,
        };
        let speaks = !is_new && bug != RuleBug::NoResume;
        let resumed = speaks.then(|| mutant.turn(wall, None, Command::Resume { since: now })).transpose();
        Ok(Bred { resumed: resumed.map_err(|_| LogError::Failed)?, mutant, restored, next })
    }

    fn turn(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError> {
        let stamp = Stamp { at: at.max(self.now), offset: self.next };
        self.now = stamp.at;
        self.next = Offset(stamp.offset.0 + 1);
        let Self { bug, desk, state, memory, .. } = self;
        let mut decided = stamp;
        let tie = state.timers().first().is_some_and(|timer| timer.kind == TimerKind::Offer && timer.due == stamp.at);
        if *bug == RuleBug::DeadlineBeforeCommand && tie {
            decided.at = stamp.at + Millis(1);
        }
        let rules = |desk: &mut Desk, state: &State, stamp, step: Step<'_>, out: &mut Vec<Event>| {
            rule(*bug, memory, desk, state, (stamp, step), out);
        };
        let mut turn = steps::turn_by(rules, desk, state, decided, key, command, Vec::new());
        turn.at = stamp.at;
        if *bug == RuleBug::Drift {
            for event in &mut turn.events {
                if let Event::LegPlanned { eta_ms, .. } = event {
                    *eta_ms += 1;
                }
            }
        }
        let poison = turn.events.iter().find(|event| matches!(event, Event::Poisoned { .. }));
        match (*bug, poison, key) {
            (RuleBug::PoisonStops, Some(_), _) => return Err(LogError::Failed.into()),
            (RuleBug::PoisonTakesEffect, Some(Event::Poisoned { step: Poison::Command }), Some(key)) => {
                let fingerprint = fingerprint(&turn.command);
                turn.events.push(Event::Keyed { key, fingerprint, offset: turn.offset, ride: None });
            }
            _ => {}
        }
        memory.note(&turn);
        if state.matching_due() == Some(stamp.offset) {
            let question = problem(state, stamp.offset, stamp.at);
            let proposal = self.planner.propose(&question);
            let proposal = proposal.map_err(|source| MarketError::Planner { basis: stamp.offset, source })?;
            self.answer = Some((stamp.at + self.latency, proposal));
        }
        Ok(self.log.append(turn)?.clone())
    }
}

impl Service for Mutant {
    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError> {
        self.turn(at, key, command)
    }

    fn next_wakeup(&self, _: Millis) -> Option<Wakeup> {
        let answer = self.answer.as_ref().map(|(due, _)| *due);
        let timer = self.state.next_deadline().map(|due| due + Millis(1));
        answer.into_iter().chain(timer).min().map(|at| Wakeup { at, urgent: true })
    }

    fn wake(&mut self, at: Millis) -> Result<Turn, MarketError> {
        match self.answer.take_if(|(due, _)| *due <= at) {
            Some((_, proposal)) => self.turn(at, None, Command::Propose(Box::new(proposal))),
            None => self.turn(at, None, Command::Tick),
        }
    }

    fn checkpoint(&mut self, at: Millis) -> Result<Turn, MarketError> {
        self.turn(at, None, Command::Checkpoint { slice: (self.next.0 % 64) as u16 })
    }

    fn commit(&mut self) -> Result<(), MarketError> {
        Ok(self.log.commit()?)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        self.log.close().map(|_| ())
    }
}

/// The same state on streets that are wider apart, where there are such: its vehicles are looked for in other places.
fn on_other_streets(state: State, network: &Network) -> State {
    let wider = sample::grid(7, 7, 150_000, 10_000);
    if wider.edge_count() != network.edge_count() {
        return state;
    }
    State::decode(&state.encode(), &wider).unwrap_or(state)
}
