//! Shifts start and end.

use super::{Desk, find_driver, find_ride, matching, offer};
use crate::domain::{DriverId, Session};
use crate::lifecycle::session::{self, Cue};
use crate::record::{Event, Refusal, ShiftStarted, StartShift};
use crate::state::State;
use hansom_geo_index::Millis;

pub fn start(desk: &Desk, state: &State, at: Millis, order: &StartShift, out: &mut Vec<Event>) -> Result<(), Refusal> {
    let known = state.fleet.by_name(&order.driver);
    let status = known.and_then(|id| state.fleet.get(id)).map_or(session::Status::Off, |driver| driver.session);
    session::transition(status, Cue::Start)?;
    if order.seats == 0 {
        return Err(Refusal::NoSeats);
    }
    let place = desk.snap(state, order.place).ok_or(Refusal::OffStreet)?;
    let driver = known.or_else(|| state.fleet.drivers.next_id()).ok_or(Refusal::TooManyDrivers)?;
    out.push(Event::ShiftStarted(Box::new(ShiftStarted {
        driver,
        name: order.driver.clone(),
        coord: order.place,
        place,
        seats: order.seats,
        class: order.class,
        autonomous: order.autonomous,
        until: order.until,
        home: order.home,
        rating: order.rating,
    })));
    matching::schedule(state, at, out);
    Ok(())
}

/// Another device of the driver takes over.
pub fn open_session(state: &State, id: DriverId, out: &mut Vec<Event>) -> Result<(), Refusal> {
    let driver = find_driver(state, id)?;
    session::transition(driver.session, Cue::TakeOver)?;
    out.push(Event::SessionOpened { driver: id, session: Session(driver.device.0.saturating_add(1)) });
    Ok(())
}

/// An open offer is withdrawn; promised rides are finished first.
pub fn end(state: &State, at: Millis, id: DriverId, out: &mut Vec<Event>) -> Result<(), Refusal> {
    let driver = find_driver(state, id)?;
    let committed = !driver.plan.is_empty();
    session::transition(driver.session, if committed { Cue::EndCommitted } else { Cue::End })?;
    if let Some(ride) = driver.offered {
        offer::withdraw(find_ride(state, ride)?, out);
        matching::schedule_certainly(state, at, out);
    }
    out.push(if committed { Event::ShiftFinishing { driver: id } } else { Event::ShiftEnded { driver: id } });
    Ok(())
}
