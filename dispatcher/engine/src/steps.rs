//! The one way in: due timers, then the command; each decided on the state that the step before left.
//!
//! Two commands of the market itself go before timers that are due: what was put off by an outage shall not fire first,
//! and what fires shall be decided under the rules that the log says.

use crate::decide::{Desk, Stamp, Step, decide};
use crate::domain::Key;
use crate::evolve::evolve;
use crate::record::{Command, Event, Poison, Turn};
use crate::state::State;
use hansom_geo_index::{Millis, Network};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// By what is decided: [`decide`], or what a test puts around it to plant a fault.
pub type Rules = fn(&mut Desk, &State, Stamp, Step<'_>, &mut Vec<Event>);

/// Takes one command at `at`, which is not earlier than that of the turn before. `events` is a buffer to reuse.
///
/// Timers due before `at` fire first, in (due, kind, id) order; at equality the command wins, and always if it is one
/// that goes first. A step whose decision panics is [`Poisoned`](Event::Poisoned): its events are dropped, the market
/// goes on. A panic in `evolve` is passed on: the state is of no use then.
pub fn turn(
    desk: &mut Desk,
    state: &mut State,
    stamp: Stamp,
    key: Option<Key>,
    command: Command,
    events: Vec<Event>,
) -> Turn {
    turn_by(decide, desk, state, stamp, key, command, events)
}

/// As [`turn`], by other rules than [`decide`]: tests wrap it to plant a fault.
pub fn turn_by(
    mut rules: impl FnMut(&mut Desk, &State, Stamp, Step<'_>, &mut Vec<Event>),
    desk: &mut Desk,
    state: &mut State,
    stamp: Stamp,
    key: Option<Key>,
    command: Command,
    mut events: Vec<Event>,
) -> Turn {
    events.clear();
    let mut step = |desk: &mut Desk, state: &mut State, step: Step<'_>, events: &mut Vec<Event>| {
        let first = events.len();
        // Only the desk and what was appended can be left half changed, and both are thrown away.
        let decided = catch_unwind(AssertUnwindSafe(|| rules(desk, state, stamp, step, events)));
        if decided.is_err() {
            events.truncate(first);
            events.push(Event::Poisoned { step: step.poison() });
            desk.clear();
        }
        for event in &events[first..] {
            evolve(state, &desk.network, stamp.at, event);
        }
    };
    let goes_first = matches!(command, Command::Resume { .. } | Command::Upgrade(_));
    if goes_first {
        step(desk, state, Step::Command(key, &command), &mut events);
    }
    while let Some(timer) = state.timers.first().filter(|timer| timer.due < stamp.at) {
        step(desk, state, Step::Timer(timer), &mut events);
        if state.timers.contains(timer) {
            // Neither removed nor re-armed: a fault of the rules, that would have it fire for ever.
            let poisoned = Event::Poisoned { step: Poison::Timer(timer) };
            evolve(state, &desk.network, stamp.at, &poisoned);
            events.push(poisoned);
        }
    }
    if let Command::ReportPositions(pings) = &command {
        desk.foresee(state, pings);
        for ping in pings {
            step(desk, state, Step::Ping(ping), &mut events);
        }
    } else if !goes_first {
        step(desk, state, Step::Command(key, &command), &mut events);
    }
    Turn { offset: stamp.offset, at: stamp.at, key, command, events }
}

/// Takes the facts of a logged turn, without deciding anything.
pub fn fold(state: &mut State, network: &Network, turn: &Turn) {
    for event in &turn.events {
        evolve(state, network, turn.at, event);
    }
}

/// What differs between a state that was folded and the one that a log's `Checkpoint` tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diverged {
    /// The slice that differs.
    pub slice: u16,
    /// Its digest in the log.
    pub logged: u64,
    /// Its digest here.
    pub folded: u64,
}

/// Whether `state` is what `turn`, which was just folded into it, says; `None` if so, or if the turn is no checkpoint.
pub fn diverged(state: &State, turn: &Turn) -> Option<Diverged> {
    turn.events.iter().find_map(|event| match *event {
        Event::Checkpoint { slice, digest: logged } => {
            let folded = state.slice_digest(slice);
            (folded != logged).then_some(Diverged { slice, logged, folded })
        }
        _ => None,
    })
}

/// The earliest time at which a `Tick` fires what is due next.
pub fn wakeup(state: &State) -> Option<Millis> {
    state.next_deadline().map(|due| due + Millis(1))
}
