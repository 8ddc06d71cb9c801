//! Facts about drivers.

use crate::domain::{DriverId, Leg, Session};
use crate::lifecycle::session::{self, Cue};
use crate::record::{Fix, ShiftStarted};
use crate::state::{Comms, Driver, State, Timer, TimerKind};
use hansom_geo_index::moving::MovingIndex;
use hansom_geo_index::{Coord, Millis, Network, Position, WeightsVersion};

pub fn shift_started(state: &mut State, network: &Network, at: Millis, e: &ShiftStarted) {
    let fleet = &mut state.fleet;
    let old = fleet.get(e.driver);
    let forget_due = old.and_then(|old| old.forget_due);
    let driver = Driver {
        id: e.driver,
        name: e.name.clone(),
        session: session::transition(old.map_or(session::Status::Off, |old| old.session), Cue::Start)
            .unwrap_or(session::Status::On),
        comms: Comms::Live,
        seq: 0,
        device: Session::FIRST,
        heard: at,
        seen: e.coord,
        seen_at: at,
        anchor: e.place,
        anchor_at: at,
        leg: None,
        plan: crate::domain::Plan::default(),
        offered: None,
        chainable: false,
        seats: e.seats,
        class: e.class,
        autonomous: e.autonomous,
        until: e.until,
        home: e.home,
        rating: e.rating,
        offers: old.map_or(0, |old| old.offers),
        failed_offers: old.map_or(0, |old| old.failed_offers),
        cancels: old.map_or(0, |old| old.cancels),
        silence_due: None,
        chain_due: None,
        forget_due,
    };
    fleet.drivers.put(driver);
    remember(state, at, e.driver);
    repool(state, network, e.driver);
}

pub fn session_opened(state: &mut State, driver: DriverId, session: Session) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.device = session;
        driver.seq = 0;
    }
}

pub fn shift_finishing(state: &mut State, network: &Network, driver: DriverId) {
    set_session(state, driver, Cue::EndCommitted);
    repool(state, network, driver);
}

pub fn shift_ended(state: &mut State, network: &Network, at: Millis, driver: DriverId) {
    let cue = match state.fleet.get(driver).map(|driver| driver.session) {
        Some(session::Status::Finishing) => Cue::Drain,
        _ => Cue::End,
    };
    set_session(state, driver, cue);
    set_silence(state, driver, None);
    set_chain(state, driver, None);
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.leg = None;
    }
    remember(state, at, driver);
    repool(state, network, driver);
}

pub fn kept(state: &mut State, driver: DriverId, until: Millis) {
    set_forget(state, driver, Some(until));
}

pub fn forgotten(state: &mut State, driver: DriverId) {
    set_silence(state, driver, None);
    set_chain(state, driver, None);
    set_forget(state, driver, None);
    state.fleet.free.remove(driver);
    state.fleet.ending.remove(driver);
    if state.fleet.drivers.take(driver).is_some() {
        state.fleet.index.remove(driver.index() as u32);
    }
}

/// Has the driver remembered for a while from now on.
pub fn remember(state: &mut State, at: Millis, driver: DriverId) {
    let life = state.settings.driver_life;
    set_forget(state, driver, (life > Millis::ZERO).then(|| at + life));
}

fn set_session(state: &mut State, driver: DriverId, cue: Cue) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver)
        && let Ok(next) = session::transition(driver.session, cue)
    {
        driver.session = next;
    }
}

/// The hot path: 8,000 drivers send 46 million of these a day.
pub fn moved(
    state: &mut State,
    network: &Network,
    id: DriverId,
    seq: u32,
    (at, seen_at): (Millis, Millis),
    coord: Coord,
    fix: Fix,
) {
    let Some(driver) = state.fleet.drivers.get_mut(id) else { return };
    driver.seq = seq;
    driver.heard = at;
    driver.seen = coord;
    driver.seen_at = seen_at;
    match fix {
        Fix::Kept => {
            if driver.comms == Comms::Live {
                if let Some(vehicle) = state.fleet.free.get_mut(id) {
                    vehicle.heard = at;
                }
                return;
            }
        }
        Fix::Anchored(place) | Fix::OffRoute(place) => {
            driver.anchor = place;
            driver.anchor_at = seen_at;
        }
        Fix::OnRoute { cursor, place } => {
            driver.anchor = place;
            driver.anchor_at = seen_at;
            if let Some(leg) = &mut driver.leg {
                leg.cursor = cursor;
            }
        }
    }
    if driver.comms != Comms::Live {
        driver.comms = Comms::Live;
        if !driver.plan.is_empty() && driver.silence_due.is_none() {
            let due = at + state.settings.silence_warn;
            set_silence(state, id, Some(due));
        }
        repool(state, network, id);
        return;
    }
    if driver.plan.is_empty() {
        if let Some(vehicle) = state.fleet.free.get_mut(id) {
            vehicle.heard = at;
            vehicle.start = driver.anchor;
            state.fleet.index.update(id.index() as u32, network.point(driver.anchor));
        }
    } else if driver.chainable
        && let Some(vehicle) = state.fleet.ending.get_mut(id)
    {
        vehicle.heard = at;
        if let Some(ahead) = &mut vehicle.ahead {
            ahead.anchor = driver.anchor;
            ahead.anchor_at = driver.anchor_at;
        }
    }
}

pub fn leg_planned(
    state: &mut State,
    at: Millis,
    driver: DriverId,
    (origin, target): (Position, Position),
    weights: WeightsVersion,
    eta_ms: u32,
) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.leg = Some(Leg { origin, started: at, target, weights, eta_ms, cursor: 0 });
    }
}

pub fn chainable(state: &mut State, network: &Network, driver: DriverId) {
    set_chain(state, driver, None);
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.chainable = true;
    }
    repool(state, network, driver);
}

pub fn chain_deferred(state: &mut State, driver: DriverId, until: Millis) {
    set_chain(state, driver, Some(until));
}

pub fn silence_rearmed(state: &mut State, driver: DriverId, until: Millis) {
    set_silence(state, driver, Some(until));
}

pub fn warned(state: &mut State, driver: DriverId, until: Millis) {
    set_silence(state, driver, Some(until));
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.comms = Comms::Warned;
    }
}

pub fn dark(state: &mut State, network: &Network, driver: DriverId) {
    set_silence(state, driver, None);
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        driver.comms = Comms::Dark;
    }
    repool(state, network, driver);
}

/// Sets or removes the driver's silence timer.
pub fn set_silence(state: &mut State, driver: DriverId, due: Option<Millis>) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        let timer = |due| Timer { due, kind: TimerKind::Silence, id: driver.id.0 };
        let old = std::mem::replace(&mut driver.silence_due, due);
        state.timers.replace(old.map(timer), due.map(timer));
    }
}

/// Sets or removes the timer that looks at the end of the driver's plan.
pub fn set_chain(state: &mut State, driver: DriverId, due: Option<Millis>) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        let timer = |due| Timer { due, kind: TimerKind::Chain, id: driver.id.0 };
        let old = std::mem::replace(&mut driver.chain_due, due);
        state.timers.replace(old.map(timer), due.map(timer));
    }
}

/// Sets or removes the timer that looks at whether the driver is still to be remembered.
pub fn set_forget(state: &mut State, driver: DriverId, due: Option<Millis>) {
    if let Some(driver) = state.fleet.drivers.get_mut(driver) {
        let timer = |due| Timer { due, kind: TimerKind::Forget, id: driver.id.0 };
        let old = std::mem::replace(&mut driver.forget_due, due);
        state.timers.replace(old.map(timer), due.map(timer));
    }
}

/// Puts the driver's vehicle where matching looks for it, or takes it out: derived from the driver alone.
pub fn repool(state: &mut State, network: &Network, id: DriverId) {
    let service_ms = (state.settings.boarding.0, state.settings.alighting.0);
    let fleet = &mut state.fleet;
    let Some(driver) = fleet.drivers.get(id) else { return };
    if driver.is_available() {
        fleet.free.insert(driver.vehicle(service_ms));
        fleet.index.update(id.index() as u32, network.point(driver.anchor));
    } else {
        fleet.free.remove(id);
        fleet.index.remove(id.index() as u32);
    }
    if driver.is_ending() {
        fleet.ending.insert(driver.vehicle(service_ms));
    } else {
        fleet.ending.remove(id);
    }
}
