//! Which vehicles may serve a ride, and when they would be there.

use super::OpenRide;
use crate::decide::Desk;
use crate::domain::Settings;
use crate::state::{State, Vehicle};
use hansom_geo_index::Millis;
use hansom_geo_index::moving::MovingIndex;
use hansom_geo_index::route::{Times, TravelTimes};

/// Why a vehicle may not serve a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum RuledOut {
    /// Too few seats.
    #[error("the vehicle has too few seats")]
    Seats,
    /// Another vehicle class.
    #[error("the vehicle is of another class")]
    Class,
    /// Not heard for long.
    #[error("the driver was not heard for long")]
    Silent,
    /// The rider shall not meet this driver.
    #[error("the rider blocked this driver")]
    Blocked,
    /// The driver turned this ride down lately.
    #[error("the driver turned this ride down lately")]
    Resting,
    /// Cannot be at the pickup within the maximum wait.
    #[error("farther than the maximum wait")]
    TooFar,
    /// Cannot be at the pickup before the driver means to stop.
    #[error("the shift ends before the pickup")]
    ShiftEnd,
    /// The last stop of the plan is beyond the chain horizon.
    #[error("the present ride ends beyond the chain horizon")]
    Horizon,
}

/// What rules a vehicle out for a ride before any travel time is known.
pub fn rule_out(settings: &Settings, at: Millis, ride: &OpenRide, vehicle: &Vehicle) -> Option<RuledOut> {
    if vehicle.seats < ride.seats {
        Some(RuledOut::Seats)
    } else if vehicle.class != ride.class {
        Some(RuledOut::Class)
    } else if at - vehicle.heard > settings.silence_redispatch {
        Some(RuledOut::Silent)
    } else if !ride.blocked.is_empty() && ride.blocked.binary_search(&vehicle.driver).is_ok() {
        Some(RuledOut::Blocked)
    } else if ride.resting.contains(&vehicle.driver) {
        Some(RuledOut::Resting)
    } else {
        None
    }
}

/// What rules a vehicle out that would be at the pickup after `eta_ms`.
pub fn rule_out_at(settings: &Settings, at: Millis, vehicle: &Vehicle, eta_ms: i64) -> Option<RuledOut> {
    if eta_ms > settings.policy.max_wait.0 {
        Some(RuledOut::TooFar)
    } else if vehicle.until.is_some_and(|until| at + Millis(eta_ms) > until) {
        Some(RuledOut::ShiftEnd)
    } else {
        None
    }
}

/// How long from `at` until a vehicle has done what it has to do, ms; 0 if it is free.
pub fn ready_ms(times: &Times, at: Millis, vehicle: &Vehicle) -> i64 {
    let Some(ahead) = &vehicle.ahead else { return 0 };
    let mut from = ahead.anchor;
    let mut total = 0;
    for (index, (stop, service_ms)) in ahead.stops.iter().enumerate() {
        let mut drive = i64::from(times.time(from, *stop));
        if index == 0 {
            drive = (drive - (at - ahead.anchor_at).0).max(0);
        }
        total += drive + service_ms;
        from = *stop;
    }
    total
}

/// How many vehicles, nearest by air line, are asked for the first ETA that a rider is told.
const FIRST_ETA_VEHICLES: usize = 16;

/// The pickup ETA that a rider is told at request, ms: of the sixteen free vehicles nearest by air line that may serve him, the
/// best that can in time; where no free one may, the best of those near the end of their plan.
pub fn first_eta(desk: &mut Desk, state: &State, at: Millis, ride: &OpenRide) -> Option<u32> {
    let times = desk.times(state.weights());
    let toward = times.toward(ride.pickup);
    let (fleet, settings) = (state.fleet(), state.settings());
    let may = |vehicle: &Vehicle| rule_out(settings, at, ride, vehicle).is_none();
    // When a vehicle that is ready after so long would be there, if that is soon enough.
    let eta = |vehicle: &Vehicle, ready_ms: i64| {
        let eta_ms = ready_ms + i64::from(toward.from(vehicle.start));
        rule_out_at(settings, at, vehicle, eta_ms).is_none().then_some(eta_ms)
    };
    let near = &mut desk.scratch.near;
    let is_wanted = |place: u32| fleet.free.at(place as usize).is_some_and(may);
    fleet.index().nearest(desk.network.point(ride.pickup), FIRST_ETA_VEHICLES, is_wanted, near);
    let best = if near.is_empty() {
        let ending = fleet.ending().iter().filter(|vehicle| may(vehicle));
        ending.filter_map(|vehicle| eta(vehicle, ready_ms(&times, at, vehicle))).min()
    } else {
        near.iter().filter_map(|found| eta(fleet.free.at(found.1 as usize)?, 0)).min()
    };
    best.map(|eta_ms| eta_ms as u32)
}
