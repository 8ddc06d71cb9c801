//! Pings: each accepted or refused by itself, and put on the streets by the cheapest means that is exact enough.

use super::{Desk, matching};
use crate::domain::Leg;
use crate::lifecycle;
use crate::record::{Event, Fix, Ping, PingRefusal};
use crate::state::{Comms, Driver, State};
use hansom_geo_index::{EdgeId, Millis, Point, Position};
use std::cmp::Ordering;

/// How many edges of the planned way are tried.
const WINDOW: usize = 8;

/// Decides one ping of a bundle. The next one sees what it changed: a repeat in the same bundle is out of order.
pub fn decide(desk: &mut Desk, state: &State, at: Millis, ping: &Ping, out: &mut Vec<Event>) {
    let Ping { driver: id, session, seq, age_ms, coord } = *ping;
    let refuse = |reason| Event::PingRefused { driver: id, seq, reason };
    let Some(driver) = state.fleet.get(id) else { return out.push(refuse(PingRefusal::UnknownDriver)) };
    if driver.session == lifecycle::session::Status::Off {
        return out.push(refuse(PingRefusal::OffShift));
    }
    match session.cmp(&driver.device) {
        Ordering::Equal => {}
        Ordering::Less => return out.push(refuse(PingRefusal::Superseded)),
        Ordering::Greater => return out.push(refuse(PingRefusal::NotOpened)),
    }
    if seq <= driver.seq {
        return out.push(refuse(PingRefusal::OutOfOrder));
    }
    let age = Millis(i64::from(age_ms)).clamp(Millis::ZERO, state.settings.max_age);
    let projection = desk.network.projection();
    let point = projection.point(coord);
    if is_teleport(state, driver, at - age, point, projection.point(driver.seen)) {
        return out.push(refuse(PingRefusal::Teleport));
    }
    let Some(fix) = fix(desk, state, driver, point, coord) else { return out.push(refuse(PingRefusal::OffStreet)) };
    let clamped = age.0 != i64::from(age_ms);
    out.push(Event::DriverMoved { driver: id, seq, age_ms: age.0 as u32, clamped, coord, fix });
    if let (Fix::OffRoute(place), Some(leg)) = (fix, driver.leg) {
        let leg = desk.leg(state, id, place, leg.target);
        out.push(leg);
    }
    if driver.comms == Comms::Dark && driver.plan.is_empty() {
        matching::schedule(state, at, out);
    }
}

fn is_teleport(state: &State, driver: &Driver, measured: Millis, now: Point, before: Point) -> bool {
    let moved2 = now.distance2(before);
    let settings = &state.settings;
    if moved2 <= (settings.teleport_mm * settings.teleport_mm) as u64 {
        return false;
    }
    let elapsed_ms = (measured - driver.seen_at).0.max(0);
    let reach = i128::from(settings.teleport_mm_s) * i128::from(elapsed_ms) / 1000;
    i128::from(moved2) > reach * reach
}

/// Where on the streets a ping puts a vehicle: on its way, if it follows one; at its anchor, if it stands; else at the
/// nearest street of all.
fn fix(desk: &mut Desk, state: &State, driver: &Driver, point: Point, coord: hansom_geo_index::Coord) -> Option<Fix> {
    let Some(leg) = &driver.leg else {
        desk.stands(driver.id);
        if is_at_anchor(desk, state, driver, point) {
            return Some(Fix::Kept);
        }
        return desk.snap(state, coord).map(Fix::Anchored);
    };
    match on_route(desk, state, driver, leg, point) {
        Some(fix) => Some(fix),
        None => desk.snap(state, coord).map(Fix::OffRoute),
    }
}

/// The nearest place on the edges ahead, from the one last seen on; beyond the first one near enough only as long as the
/// next is nearer still.
fn on_route(desk: &mut Desk, state: &State, driver: &Driver, leg: &Leg, point: Point) -> Option<Fix> {
    let across2 = (state.settings.reanchor_across_mm * state.settings.reanchor_across_mm) as u64;
    let (network, edges) = desk.edges(driver.id, leg);
    let mut best: Option<(u64, usize, Position)> = None;
    for (index, edge) in edges.iter().enumerate().skip(usize::from(leg.cursor)).take(WINDOW) {
        let edge = EdgeId(*edge);
        let (along, distance2) = network.project(edge, point);
        match best {
            Some((least, ..)) if distance2 >= least => {
                if least <= across2 {
                    break;
                }
            }
            _ => best = Some((distance2, index, Position { edge, along })),
        }
    }
    let (distance2, index, place) = best?;
    (distance2 <= across2).then_some(Fix::OnRoute { cursor: index as u16, place })
}

fn is_at_anchor(desk: &Desk, state: &State, driver: &Driver, point: Point) -> bool {
    let network = &desk.network;
    let edge = driver.anchor.edge;
    let (along, distance2) = network.project(edge, point);
    let across = state.settings.reanchor_across_mm as u64;
    let length = u64::from(network.length_mm(edge));
    let moved = (length * u64::from(along.abs_diff(driver.anchor.along))) >> 16;
    distance2 <= across * across && moved <= state.settings.reanchor_along_mm as u64
}
