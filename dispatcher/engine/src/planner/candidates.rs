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

/// Of how many vehicles, nearest by air line, the soonest is the first ETA that a rider is told.
const FIRST_ETA_VEHICLES: usize = 16;

/// The pickup ETA that a rider is told at request, ms: of the sixteen free vehicles nearest by air line that may serve him and can
/// be there in time, the soonest; where no free one can, the soonest of those near the end of their plan. A vehicle that could not
/// serve him takes nobody's place.
pub fn first_eta(desk: &mut Desk, state: &State, at: Millis, ride: &OpenRide) -> Option<u32> {
    let times = desk.times(state.weights());
    let toward = times.toward(ride.pickup);
    let (fleet, settings) = (state.fleet(), state.settings());
    // When a vehicle would be there that is ready after so long, if that is in time.
    let in_time = |vehicle: &Vehicle, ready_ms: i64, drive_ms: u32| {
        let eta_ms = ready_ms + i64::from(drive_ms);
        rule_out_at(settings, at, vehicle, eta_ms).is_none().then_some(eta_ms as u32)
    };
    let may = |vehicle: &&Vehicle| rule_out(settings, at, ride, vehicle).is_none();
    let free_eta = |place: u32| {
        let vehicle = fleet.free.at(place as usize).filter(may)?;
        in_time(vehicle, 0, toward.from(vehicle.start))
    };
    let near = &mut desk.scratch.near;
    let (pickup, reach_mm) = (desk.network.point(ride.pickup), times.reach_mm(settings.policy.max_wait.0));
    fleet.index().nearest(pickup, reach_mm, FIRST_ETA_VEHICLES, |place| free_eta(place).is_some(), near);
    let ending_eta = |vehicle: &Vehicle| {
        let drive_ms = toward.from(vehicle.start);
        in_time(vehicle, 0, drive_ms)?;
        let ready_ms = ready_ms(&times, at, vehicle);
        if ready_ms > settings.policy.chain_horizon.0 { None } else { in_time(vehicle, ready_ms, drive_ms) }
    };
    let soonest = near.iter().filter_map(|found| free_eta(found.1)).min();
    soonest.or_else(|| fleet.ending().iter().filter(may).filter_map(ending_eta).min())
}
