//! The `nearest` planner: the best driver of all for one request, at once. By default the best is the one who is there
//! first, by network ETA. Equal cost: lower driver number.

use super::candidates::{ready_ms, rule_out, rule_out_at};
use super::cost::{Pairing, terms};
use super::{Choice, OpenRide};
use crate::decide::Desk;
use crate::domain::DriverId;
use crate::state::{State, Vehicle};
use hansom_geo_index::Millis;

/// The best driver for `ride` at `at` of all that may serve it and are not among `taken` (ascending).
pub fn best(desk: &mut Desk, state: &State, at: Millis, ride: &OpenRide, taken: &[DriverId]) -> Option<Choice> {
    let settings = state.settings();
    let times = desk.times(state.weights());
    let toward = times.toward(ride.pickup);
    let price = |vehicle, eta_ms| terms(settings, desk.network(), at, Pairing { ride, vehicle, eta_ms });
    // By ETA alone, what is not sooner than the best cannot win, and only the winner is priced.
    let by_eta = settings.policy.weights.eta_only().is_some_and(|weight| weight > 0);
    let mut best: Option<(i64, i64, &Vehicle)> = None;
    let fleet = state.fleet();
    for vehicle in fleet.free().iter().chain(fleet.ending()) {
        let drive_ms = i64::from(toward.from(vehicle.start));
        if by_eta && best.is_some_and(|(least, ..)| drive_ms > least) {
            continue;
        }
        let ready_ms = ready_ms(&times, at, vehicle);
        let eta_ms = ready_ms + drive_ms;
        if rule_out(settings, at, ride, vehicle).is_some()
            || rule_out_at(settings, at, vehicle, eta_ms).is_some()
            || (vehicle.ahead.is_some() && ready_ms > settings.policy.chain_horizon.0)
            || taken.binary_search(&vehicle.driver).is_ok()
        {
            continue;
        }
        let cost = if by_eta { eta_ms } else { price(vehicle, eta_ms).total() };
        if best.is_none_or(|(least, _, other)| (cost, vehicle.driver) < (least, other.driver)) {
            best = Some((cost, eta_ms, vehicle));
        }
    }
    best.map(|(_, eta_ms, vehicle)| Choice {
        driver: vehicle.driver,
        eta_ms: eta_ms as u32,
        chained: vehicle.ahead.is_some(),
        terms: price(vehicle, eta_ms),
    })
}
