//! What happens, given the state and a step: pure, no clock, no I/O, no randomness.
//!
//! One file per command or timer. Each is a ladder of refusals, then the effect as events.

mod cancel;
mod desk;
mod matching;
mod offer;
mod ping;
mod request;
mod service;
mod shift;
mod timer;
mod trip;

pub use desk::Desk;
pub use request::refusal;

use crate::domain::{DriverId, Key, Offset, RideId};
use crate::lifecycle::session;
use crate::record::{Command, Event, Ping, Poison, Refusal, fingerprint};
use crate::state::{Driver, Ride, State, Timer};
use hansom_geo_index::Millis;

/// By how much the clock of a sender may be ahead of the market's.
const CLOCK_SLACK: Millis = Millis::from_secs(60);

/// When and where in the log a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The market's time.
    pub at: Millis,
    /// The turn's place in the log.
    pub offset: Offset,
}

/// One step of a turn.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// A deadline passed.
    Timer(Timer),
    /// One ping of the turn's command.
    Ping(&'a Ping),
    /// The turn's command, if it does not come in pings.
    Command(Option<Key>, &'a Command),
}

impl Step<'_> {
    /// The step as the record of one that could not be decided says it.
    pub(crate) fn poison(self) -> Poison {
        match self {
            Self::Timer(timer) => Poison::Timer(timer),
            Self::Ping(ping) => Poison::Ping { driver: ping.driver, seq: ping.seq },
            Self::Command(..) => Poison::Command,
        }
    }
}

/// Appends to `out` what happens at `step`. Nothing kept in `desk` changes an answer.
pub fn decide(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    match step {
        Step::Timer(timer) => timer::decide(desk, state, stamp, timer, out),
        Step::Ping(ping) => ping::decide(desk, state, stamp.at, ping, out),
        Step::Command(None, command) => {
            if let Err(reason) = command_events(desk, state, stamp, command, out) {
                out.push(Event::Refused { reason });
            }
        }
        Step::Command(Some(key), command) => keyed(desk, state, stamp, key, command, out),
    }
}

/// Same key and content: the first answer again. Same key, other content: a conflict. A refused command is not
/// remembered: it may be sent again when the cause is gone.
fn keyed(desk: &mut Desk, state: &State, stamp: Stamp, key: Key, command: &Command, out: &mut Vec<Event>) {
    let fingerprint = fingerprint(command);
    if let Some(entry) = state.keys.get(key) {
        out.push(if entry.fingerprint == fingerprint {
            Event::Repeated { first: entry.offset }
        } else {
            Event::Refused { reason: Refusal::KeyConflict }
        });
        return;
    }
    if let Err(reason) = fresh(state, stamp.at, key, command) {
        out.push(Event::Refused { reason });
        return;
    }
    match command_events(desk, state, stamp, command, out) {
        Ok(ride) => out.push(Event::Keyed { key, fingerprint, offset: stamp.offset, ride }),
        Err(reason) => out.push(Event::Refused { reason }),
    }
}

/// Refuses the key of a command that creates, if the key says a time (`UUIDv7`: ms in its first 48 bits) at which what was
/// taken may be forgotten by now, or will be remembered for less long than the key is fresh. A command that is bound to a
/// ride needs no age: with the ride, what it could do is gone.
fn fresh(state: &State, at: Millis, key: Key, command: &Command) -> Result<(), Refusal> {
    let creates = matches!(
        command,
        Command::StartShift(_) | Command::OpenSession { .. } | Command::EndShift { .. } | Command::RequestRide(_)
    );
    let Some(made) = key.made_at().filter(|_| creates) else { return Ok(()) };
    if made > at + CLOCK_SLACK {
        Err(Refusal::EarlyKey)
    } else if at - made >= state.settings.creation_key_life - CLOCK_SLACK {
        Err(Refusal::StaleKey)
    } else {
        Ok(())
    }
}

/// The events of a command, and the ride with which its key dies.
fn command_events(
    desk: &mut Desk,
    state: &State,
    stamp: Stamp,
    command: &Command,
    out: &mut Vec<Event>,
) -> Result<Option<RideId>, Refusal> {
    let at = stamp.at;
    if let Some((driver, given)) = command.session()
        && let Some(driver) = state.fleet.get(driver)
    {
        session::fence(driver.device, given)?;
    }
    match command {
        // Positions are taken ping by ping, each a step of its own.
        Command::ReportPositions(_) | Command::Tick => Ok(None),
        Command::StartShift(order) => shift::start(desk, state, at, order, out).map(|()| None),
        Command::OpenSession { driver } => shift::open_session(state, *driver, out).map(|()| None),
        Command::EndShift { driver, .. } => shift::end(state, at, *driver, out).map(|()| None),
        Command::RequestRide(order) => {
            request::decide(desk, state, at, order, out);
            Ok(None)
        }
        Command::CancelRide { ride } => cancel::by_rider(desk, state, at, *ride, out).map(|()| Some(*ride)),
        Command::AcceptOffer { driver, ride, epoch, .. } => {
            offer::accept(desk, state, at, (*driver, *ride, *epoch), out).map(|()| Some(*ride))
        }
        Command::DeclineOffer { driver, ride, epoch, .. } => {
            offer::decline(state, at, (*driver, *ride, *epoch), out).map(|()| Some(*ride))
        }
        Command::ArriveAtPickup { driver, ride, .. } => {
            trip::arrive(state, at, (*driver, *ride), out).map(|()| Some(*ride))
        }
        Command::BoardRider { driver, ride, .. } => {
            trip::board(desk, state, (*driver, *ride), out).map(|()| Some(*ride))
        }
        Command::EndTrip { driver, ride, place, .. } => {
            trip::end(desk, state, at, (*driver, *ride), *place, out).map(|()| Some(*ride))
        }
        Command::CancelByDriver { driver, ride, .. } => {
            cancel::by_driver(desk, state, at, (*driver, *ride), out).map(|()| Some(*ride))
        }
        Command::Resume { since } => {
            service::resume(at, *since, out);
            Ok(None)
        }
        Command::Upgrade(upgrade) => {
            out.push(Event::Upgraded(upgrade.clone()));
            Ok(None)
        }
        Command::Checkpoint { slice } => service::checkpoint(state, *slice, out).map(|()| None),
        Command::Propose(proposal) => matching::propose(state, at, proposal, out).map(|()| None),
    }
}

fn find_driver(state: &State, driver: DriverId) -> Result<&Driver, Refusal> {
    state.fleet.get(driver).ok_or(Refusal::UnknownDriver)
}

fn find_ride(state: &State, ride: RideId) -> Result<&Ride, Refusal> {
    state.rides.get(ride).ok_or(Refusal::UnknownRide)
}

/// A driver whose rides end: plans his way to the next stop, or lets him finish his shift, or tells matching that he
/// is free. `without` is the ride that just left his plan; he stands at `origin`.
fn continue_plan(
    desk: &mut Desk,
    state: &State,
    at: Millis,
    driver: &Driver,
    without: RideId,
    origin: hansom_geo_index::Position,
    out: &mut Vec<Event>,
) {
    match driver.plan.stops().iter().find(|stop| stop.ride != without) {
        Some(stop) => out.push(desk.leg(state, driver.id, origin, stop.place)),
        None if driver.session == session::Status::Finishing => out.push(Event::ShiftEnded { driver: driver.id }),
        None => matching::schedule(state, at, out),
    }
}
