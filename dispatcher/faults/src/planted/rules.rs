//! Bugs of the rules: what the engine answers is changed before it is kept.

use super::RuleBug;
use crate::poison;
use hansom_engine::decide::{Step, decide};
use hansom_engine::domain::{Planner, Session};
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::lifecycle::{ride, session};
use hansom_engine::record::{Account, Fix, Ping, PingRefusal, Refusal, RequestRide, RideRequested, fingerprint};
use hansom_engine::state::{Driver, TimerKind};
use hansom_engine::{Command, Desk, Epoch, Event, Key, Money, Offset, Stamp, State, Turn};
use hansom_geo_index::Millis;
use std::collections::BTreeMap;
use std::panic::resume_unwind;

/// What the bug remembers: no rule may remember anything.
#[derive(Debug, Default)]
pub(super) struct Memory {
    taken: BTreeMap<Key, Offset>,
    steps: u64,
    /// The last turn in which something could not be decided.
    poisoned: Option<Offset>,
}

impl Memory {
    pub fn note(&mut self, turn: &Turn) {
        for event in &turn.events {
            if let Event::Keyed { key, offset, .. } = event {
                self.taken.insert(*key, *offset);
            }
        }
    }
}

/// What the engine answers, changed.
pub(super) fn rule(
    bug: RuleBug,
    memory: &mut Memory,
    desk: &mut Desk,
    state: &State,
    (stamp, step): (Stamp, Step<'_>),
    out: &mut Vec<Event>,
) {
    memory.steps += 1;
    if bug.has_poison() && is_lost(bug, memory, stamp, step) {
        return;
    }
    let first = out.len();
    if !asked_otherwise(bug, memory, desk, state, (stamp, step), out) {
        decide(desk, state, stamp, step, out);
    }
    told_otherwise(bug, memory, state, (stamp, step), &mut out[first..]);
    if let Some(more) = told_more(bug, state, step, &out[first..]) {
        out.push(more);
    }
}

/// Decides as the engine does, but for what no rule can decide.
pub(crate) fn but_poison(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    rule(RuleBug::Poison, &mut Memory::default(), desk, state, (stamp, step), out);
}

/// Panics on what no rule can decide; of what comes after it in the same turn, whether a bug has it lost, too.
fn is_lost(bug: RuleBug, memory: &mut Memory, stamp: Stamp, step: Step<'_>) -> bool {
    let is_poison = match step {
        Step::Ping(ping) => poison::is_ping(ping.seq),
        Step::Command(key, command) => poison::is_order(key, command),
        Step::Timer(_) => false,
    };
    if is_poison {
        memory.poisoned = Some(stamp.offset);
        // A panic that tells nobody: there are many.
        resume_unwind(Box::new("a record that no rule can decide"));
    }
    bug == RuleBug::PoisonTakesBundle && matches!(step, Step::Ping(_)) && memory.poisoned == Some(stamp.offset)
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
        (RuleBug::PassedOver, _) => {
            decide(desk, state, stamp, step, out);
            let passed_over = |event: &Event| matches!(event, Event::OfferMade(made) if made.epoch > Epoch(1));
            let kept: Vec<Event> = out.drain(first..).filter(|event| !passed_over(event)).collect();
            out.extend(kept);
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
        (RuleBug::NeverGivenUp, Step::Timer(_)) => {
            let until = stamp.at + state.settings().review;
            for event in said {
                if let Event::RideEnded { ride, outcome: Outcome::NoDriver, .. } = *event {
                    *event = Event::RideReviewed { ride, until };
                }
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
        (RuleBug::MissedPing, Event::DriverMoved { fix: fix @ Fix::Anchored(_), .. }) => *fix = Fix::Kept,
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
