//! 11: a poison record delays only itself: what could not be decided has no effect, all else of its turn has.

use super::{Found, Invariant};
use crate::record::{Command, Event, Ping, Poison};
use crate::state::State;

pub fn check(found: &mut Found<'_>, state: &State) {
    let events = &found.turn.events;
    for (index, event) in events.iter().enumerate() {
        let Event::Poisoned { step } = event else { continue };
        match *step {
            Poison::Command => {
                // A command that goes before timers is the first step, any other the last.
                let goes_first = matches!(found.turn.command, Command::Resume { .. } | Command::Upgrade(_));
                let kept = events.iter().any(|event| matches!(event, Event::Keyed { .. }));
                if kept || (index > 0 && goes_first) || (index + 1 < events.len() && !goes_first) {
                    found.broken(Invariant::Poison, || "a command that could not be decided took effect".into());
                }
            }
            Poison::Ping { driver, seq } => {
                if state.fleet().get(driver).is_some_and(|driver| driver.seq == seq) {
                    found.broken(Invariant::Poison, || format!("driver {driver}: ping {seq} was skipped and taken"));
                }
            }
            Poison::Timer(timer) => {
                if state.timers().contains(timer) {
                    found.broken(Invariant::Poison, || format!("{timer:?} was put off and is still set"));
                }
            }
        }
    }
    if let Command::ReportPositions(pings) = &found.turn.command
        && events.iter().any(|event| matches!(event, Event::Poisoned { .. }))
    {
        let unanswered = |ping: &&Ping| !events.iter().any(|event| answers(event, ping));
        if let Some(ping) = pings.iter().find(unanswered) {
            let (driver, seq) = (ping.driver, ping.seq);
            found.broken(Invariant::Poison, || {
                format!("driver {driver}: ping {seq} got no answer beside a poisoned one")
            });
        }
    }
}

fn answers(event: &Event, ping: &Ping) -> bool {
    match *event {
        Event::DriverMoved { driver, seq, .. }
        | Event::PingRefused { driver, seq, .. }
        | Event::Poisoned { step: Poison::Ping { driver, seq } } => driver == ping.driver && seq == ping.seq,
        _ => false,
    }
}
