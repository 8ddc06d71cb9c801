//! The one way in: due timers, then the command; each decided on the state that the step before left.

use crate::decide::{Desk, Stamp, Step, decide};
use crate::domain::Key;
use crate::evolve::evolve;
use crate::record::{Command, Event, Turn};
use crate::state::State;
use hansom_geo_index::{Millis, Network};

/// Takes one command at `at`, which is not earlier than that of the turn before. `events` is a buffer to reuse.
///
/// Timers due before `at` fire first, in (due, kind, id) order; at equality the command wins.
pub fn turn(
    desk: &mut Desk,
    state: &mut State,
    stamp: Stamp,
    key: Option<Key>,
    command: Command,
    mut events: Vec<Event>,
) -> Turn {
    events.clear();
    while let Some(timer) = state.timers.first().filter(|timer| timer.due < stamp.at) {
        step(desk, state, stamp, Step::Timer(timer), &mut events);
        assert!(!state.timers.contains(timer), "a timer that fired was neither removed nor re-armed: {timer:?}");
    }
    if let Command::ReportPositions(pings) = &command {
        desk.foresee(state, pings);
        for ping in pings {
            step(desk, state, stamp, Step::Ping(ping), &mut events);
        }
    } else {
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

/// The earliest time at which a `Tick` fires what is due next.
pub fn wakeup(state: &State) -> Option<Millis> {
    state.next_deadline().map(|due| due + Millis(1))
}
