//! Bugs of the rules: a writer like the market's, in which what the engine answers is changed before it is kept.

use super::{RuleBug, Service};
use crate::server::FOLDER;
use crate::town::Setting;
use hansom_engine::decide::{Step, decide};
use hansom_engine::domain::{Planner, Session};
use hansom_engine::lifecycle::{ride, session};
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{
    Account, Fix, Header, Ping, PingRefusal, Proposal, Refusal, RequestRide, RideRequested, fingerprint,
};
use hansom_engine::state::{Driver, TimerKind};
use hansom_engine::{Command, Desk, Event, Key, Money, Offset, Stamp, State, Turn, steps};
use hansom_geo_index::Millis;
use hansom_market::log::{LogError, Outlet, Reader, Writer};
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::seam::sim::SimDisk;
use hansom_market::{MarketError, Wakeup};
use std::collections::BTreeMap;
use std::path::Path;
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

/// What the bug remembers: no rule may remember anything.
#[derive(Debug, Default)]
struct Memory {
    taken: BTreeMap<Key, Offset>,
    steps: u64,
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
        let folder = Path::new(FOLDER).join(LOG_FOLDER);
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

impl Memory {
    fn note(&mut self, turn: &Turn) {
        for event in &turn.events {
            if let Event::Keyed { key, offset, .. } = event {
                self.taken.insert(*key, *offset);
            }
        }
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

/// What the engine answers, changed.
fn rule(
    bug: RuleBug,
    memory: &mut Memory,
    desk: &mut Desk,
    state: &State,
    (stamp, step): (Stamp, Step<'_>),
    out: &mut Vec<Event>,
) {
    memory.steps += 1;
    let first = out.len();
    if !asked_otherwise(bug, memory, desk, state, (stamp, step), out) {
        decide(desk, state, stamp, step, out);
    }
    told_otherwise(bug, memory, state, (stamp, step), &mut out[first..]);
    if let Some(more) = told_more(bug, state, step, &out[first..]) {
        out.push(more);
    }
}

/// Whether the engine was asked something else than it should have been.
fn asked_otherwise(
    bug: RuleBug,
    memory: &Memory,
    desk: &mut Desk,
    state: &State,
    (stamp, step): (Stamp, Step<'_>),
    out: &mut Vec<Event>,
) -> bool {
    let first = out.len();
    match (bug, step) {
        (RuleBug::NoEpochFence, Step::Command(key, Command::AcceptOffer { driver, ride, session, epoch })) => {
            let open = state.rides().get(*ride).and_then(|ride| ride.offer).map_or(*epoch, |offer| offer.epoch);
            let command = Command::AcceptOffer { driver: *driver, ride: *ride, session: *session, epoch: open };
            decide(desk, state, stamp, Step::Command(key, &command), out);
        }
        (RuleBug::NoSessionFence, Step::Command(key, Command::ArriveAtPickup { driver, ride, .. })) => {
            let session = state.fleet().get(*driver).map_or(Session::FIRST, |driver| driver.device);
            let command = Command::ArriveAtPickup { driver: *driver, ride: *ride, session };
            decide(desk, state, stamp, Step::Command(key, &command), out);
        }
        (RuleBug::NoDedupe, Step::Command(Some(key), command)) if memory.taken.contains_key(&key) => {
            decide(desk, state, stamp, Step::Command(None, command), out);
            out.push(Event::Keyed { key, fingerprint: fingerprint(command), offset: stamp.offset, ride: None });
        }
        (RuleBug::NoSeatCheck | RuleBug::NoBlocklist, Step::Command(key, Command::RequestRide(order)))
            if state.settings().policy.planner == Planner::Nearest && order.seats > 0 =>
        {
            let lax = match bug {
                RuleBug::NoSeatCheck => RequestRide { seats: 1, ..(**order).clone() },
                _ => RequestRide { blocked: Box::default(), ..(**order).clone() },
            };
            decide(desk, state, stamp, Step::Command(key, &Command::RequestRide(Box::new(lax))), out);
            for event in &mut out[first..] {
                if let Event::RideRequested(e) = event {
                    let (seats, blocked) = (order.seats, order.blocked.clone());
                    **e = RideRequested { seats, blocked, ..(**e).clone() };
                }
            }
        }
        (RuleBug::TimerTie, Step::Timer(timer)) if timer.kind == TimerKind::Offer => {
            let mut others = state.timers().iter();
            let other = others.find(|other| (other.due, other.kind) == (timer.due, timer.kind) && other.id > timer.id);
            if let Some(other) = other {
                decide(desk, state, stamp, Step::Timer(other), out);
            }
            decide(desk, state, stamp, step, out);
        }
        (RuleBug::Panic, Step::Command(_, Command::DeclineOffer { .. })) => panic!("a rule that panics"),
        _ => return false,
    }
    true
}

/// One fact too many.
fn told_more(bug: RuleBug, state: &State, step: Step<'_>, said: &[Event]) -> Option<Event> {
    match (bug, step) {
        (RuleBug::ChargedTwice, _) => said.iter().find(|event| matches!(event, Event::Settled(_))).cloned(),
        (RuleBug::EarlyForget, Step::Command(_, Command::Tick)) => {
            let off = |driver: &&Driver| driver.session == session::Status::Off;
            state.fleet().drivers().find(off).map(|driver| Event::DriverForgotten { driver: driver.id })
        }
        (RuleBug::EarlyRetire, Step::Command(_, Command::Tick)) => {
            state.rides().iter().find(|ride| !ride.is_open()).map(|ride| Event::RideRetired { ride: ride.id })
        }
        _ => None,
    }
}

/// Changes what was said.
fn told_otherwise(bug: RuleBug, memory: &Memory, state: &State, (stamp, step): (Stamp, Step<'_>), said: &mut [Event]) {
    match (bug, step) {
        (RuleBug::LedgerLeg | RuleBug::ChargeAboveQuote, _) => {
            for event in said {
                if let Event::Settled(e) = event {
                    let short = |account| if account == Account::Rider { -1 } else { 0 };
                    let both = bug == RuleBug::ChargeAboveQuote;
                    e.entries.iter_mut().take(1).for_each(|entry| entry.amount += Money(short(entry.account)));
                    e.entries.iter_mut().skip(1).take(1).for_each(|entry| entry.amount += Money(i64::from(both)));
                }
            }
        }
        (RuleBug::NoConflict, Step::Command(Some(key), _)) => {
            for event in said {
                if let Event::Refused { reason: Refusal::KeyConflict } = event
                    && let Some(first) = memory.taken.get(&key)
                {
                    *event = Event::Repeated { first: *first };
                }
            }
        }
        (RuleBug::TwoDrivers, Step::Command(_, Command::AcceptOffer { driver, ride, epoch, .. })) => {
            let not_his = Event::Refused { reason: Refusal::Ride(ride::Refusal::NotOffered) };
            let taken = state.rides().get(*ride).is_some_and(|ride| ride.status.driver().is_some());
            if taken && *said == [not_his] {
                let (ride, driver, epoch, promised) = (*ride, *driver, *epoch, stamp.at);
                said[0] = Event::OfferAccepted { ride, driver, epoch, promised, slip_at: None };
            }
        }
        (RuleBug::TwoOffers, _) => {
            let thinking = state.fleet().drivers().find(|driver| driver.offered.is_some());
            for event in said {
                if let (Event::OfferMade(e), Some(driver)) = (event, thinking) {
                    e.driver = driver.id;
                }
            }
        }
        (RuleBug::BoardedAfterEnd, Step::Command(_, Command::BoardRider { driver, ride, .. })) => {
            if let [Event::Refused { reason: Refusal::Ride(ride::Refusal::Ended(_)) }] = said {
                said[0] = Event::RiderBoarded { ride: *ride, driver: *driver };
            }
        }
        (RuleBug::StalePosition, Step::Ping(Ping { driver, seq, coord, .. })) => {
            if let [Event::PingRefused { reason: PingRefusal::OutOfOrder, .. }] = said {
                let (driver, seq, coord) = (*driver, *seq, *coord);
                said[0] = Event::DriverMoved { driver, seq, age_ms: 0, clamped: false, coord, fix: Fix::Kept };
            }
        }
        (RuleBug::OutOfLine, _) if state.settings().policy.planner == Planner::Nearest => {
            let places: Vec<_> = (0..said.len()).filter(|at| matches!(said[*at], Event::OfferMade(_))).collect();
            if let (Some(first), Some(last)) = (places.first(), places.last()) {
                said.swap(*first, *last);
            }
        }
        _ => said.iter_mut().for_each(|event| told_wrongly(bug, memory, event)),
    }
}

/// Changes one fact, whatever step it is of.
fn told_wrongly(bug: RuleBug, memory: &Memory, event: &mut Event) {
    match (bug, event) {
        (RuleBug::Unattended, event @ Event::RideReviewed { .. }) => {
            if let Event::RideReviewed { ride, .. } = *event {
                *event = Event::SlipPassed { ride };
            }
        }
        (RuleBug::NoForget, event @ Event::DriverForgotten { .. }) => {
            if let Event::DriverForgotten { driver } = *event {
                *event = Event::DriverKept { driver, until: Millis(i64::MAX) };
            }
        }
        (RuleBug::NoWarning, event @ Event::DriverWarned { .. }) => {
            if let Event::DriverWarned { driver, .. } = *event {
                *event = Event::DriverDark { driver };
            }
        }
        (RuleBug::EarlyNoShow, Event::DriverArrived { until, .. }) => *until -= Millis::from_secs(1),
        (RuleBug::HiddenInput, Event::OfferMade(e)) => e.pickup_eta_ms += (memory.steps % 2) as u32,
        _ => {}
    }
}
