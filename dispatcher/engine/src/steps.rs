//! The one way in: due timers, then the command; each decided on the state that the step before left.
//!
//! Two commands of the market itself go before timers that are due: what was put off by an outage shall not fire first,
//! and what fires shall be decided under the rules that the log says.

use crate::decide::{Desk, Stamp, Step, decide};
use crate::domain::Key;
use crate::evolve::evolve;
use crate::record::{Command, Event, Turn};
use crate::state::State;
use hansom_geo_index::{Millis, Network};

/// Takes one command at `at`, which is not earlier than that of the turn before. `events` is a buffer to reuse.
///
/// Timers due before `at` fire first, in (due, kind, id) order; at equality the command wins, and always if it is one
/// that goes first.
pub fn turn(
    desk: &mut Desk,
    state: &mut State,
    stamp: Stamp,
    key: Option<Key>,
    command: Command,
    mut events: Vec<Event>,
) -> Turn {
    events.clear();
    let goes_first = matches!(command, Command::Resume { .. } | Command::Upgrade(_));
    if goes_first {
        step(desk, state, stamp, Step::Command(key, &command), &mut events);
    }
    while let Some(timer) = state.timers.first().filter(|timer| timer.due < stamp.at) {
        step(desk, state, stamp, Step::Timer(timer), &mut events);
        assert!(!state.timers.contains(timer), "a timer that fired was neither removed nor re-armed: {timer:?}");
    }
    if let Command::ReportPositions(pings) = &command {
        desk.foresee(state, pings);
        for ping in pings {
            step(desk, state, stamp, Step::Ping(ping), &mut events);
        }
    } else if !goes_first {
        step(desk, state, stamp, Step::Command(key, &command), &mut events);
    }
    Turn { offset: stamp.offset, at: stamp.at, key, command, events }
}

fn step(desk: &mut Desk, state: &mut State, stamp: Stamp, step: Step<'_>, events: &mut Vec<Event>) {
    let first = events.len();
    decide(desk, state, stamp, step, events);
    for event in &events[first..] {
        evolve(state, &desk.network, stamp.at, event);
    }
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
    pub slice: u8,
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
