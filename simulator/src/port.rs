//! Where the world meets the market: commands go in, turns come out.

use std::sync::Arc;

use hansom_engine::decide::Desk;
use hansom_engine::domain::{Key, Offset, Settings};
use hansom_engine::invariant::Checker;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::{Event, Proposal};
use hansom_engine::state::TimerKind;
use hansom_engine::{Command, Stamp, State, Turn, steps};
use hansom_geo_index::{Millis, Network};

use crate::city::City;
use crate::rng::{Purpose, Stream};

/// Nobody outside waits for what silence, retired rides and old keys lead to: those timers fire at the next whole quarter
/// of a second, as if the clock that wakes the market had that grain.
const GRAIN_MS: i64 = 250;

/// When the market wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wakeup {
    /// When.
    pub at: Millis,
    /// Whether somebody outside waits for what it leads to.
    pub urgent: bool,
}

/// The market of a run.
#[derive(Debug)]
pub struct Port {
    desk: Desk,
    state: State,
    planner: BatchPlanner,
    network: Arc<Network>,
    offset: u64,
    latency: Millis,
    answer: Option<(Millis, Proposal)>,
    keys: Stream,
    ordinal: u64,
    checker: Checker,
    /// Broken invariants so far.
    pub violations: u64,
    /// The first of them.
    pub first_violations: Vec<String>,
    turn: Option<Turn>,
    pub pings: u64,
}

impl Port {
    pub fn new(settings: Settings, city: &City, start: Millis, seed: u64, latency: Millis) -> Self {
        Self {
            desk: Desk::new(city.network.clone(), city.router.clone(), city.snap.clone()),
            state: State::new(settings, &city.network, start),
            planner: BatchPlanner::new(city.network.clone(), city.router.clone()),
            network: city.network.clone(),
            offset: 0,
            latency,
            answer: None,
            keys: Stream::new(seed, Purpose::Key),
            ordinal: 0,
            checker: Checker::new(),
            violations: 0,
            first_violations: Vec::new(),
            turn: None,
            pings: 0,
        }
    }

    pub fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        let answer = self.answer.as_ref().map(|(at, _)| Wakeup { at: *at, urgent: true });
        let mut patient = None;
        let mut urgent = None;
        for timer in self.state.timers().iter().take_while(|timer| timer.due < before) {
            let at = timer.due + Millis(1);
            if matches!(timer.kind, TimerKind::Silence | TimerKind::Retire | TimerKind::KeyExpiry) {
                let at = Millis((at.0 + GRAIN_MS - 1).div_euclid(GRAIN_MS) * GRAIN_MS);
                patient.get_or_insert(Wakeup { at, urgent: false });
            } else {
                urgent = Some(Wakeup { at, urgent: true });
                break;
            }
        }
        [answer, urgent, patient].into_iter().flatten().min_by_key(|wakeup| wakeup.at)
    }

    pub fn order(&mut self, at: Millis, command: Command) -> &Turn {
        let key = self.key(at);
        self.submit(at, Some(key), command)
    }

    pub fn report(&mut self, at: Millis, pings: Command) -> &Turn {
        self.submit(at, None, pings)
    }

    pub fn wake(&mut self, at: Millis) -> &Turn {
        match self.answer.take_if(|(due, _)| *due <= at) {
            Some((_, proposal)) => self.submit(at, None, Command::Propose(Box::new(proposal))),
            None => self.submit(at, None, Command::Tick),
        }
    }

    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> &Turn {
        let stamp = Stamp { at, offset: Offset(self.offset) };
        self.offset += 1;
        let buffer = self.turn.take().map(|turn| turn.events).unwrap_or_default();
        let turn = steps::turn(&mut self.desk, &mut self.state, stamp, key, command, buffer);
        for event in &turn.events {
            if let Event::MatchingDue { basis, .. } = event {
                let question = problem(&self.state, *basis, at);
                let proposal = self.planner.propose(&question).expect("optimal");
                self.answer = Some((at + self.latency, proposal));
            }
        }
        for violation in self.checker.check(&self.state, &self.network, &turn) {
            self.violations += 1;
            if self.first_violations.len() < 10 {
                self.first_violations.push(violation.to_string());
            }
        }
        self.turn.insert(turn)
    }

    /// `UUIDv7`: 48 bits of time, the rest from the seed and the command's number.
    fn key(&mut self, at: Millis) -> Key {
        let draw = self.keys.draw(self.ordinal, 0);
        self.ordinal += 1;
        let high = (at.0 as u64) << 16 | 0x7000 | draw.split(1).bits() >> 52;
        let low = 1 << 63 | draw.bits() >> 2;
        Key(u128::from(high) << 64 | u128::from(low))
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn turns(&self) -> u64 {
        self.offset
    }
}
