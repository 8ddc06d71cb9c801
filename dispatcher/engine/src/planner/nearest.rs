//! The `nearest` planner: the best driver of all for one request, at once. By default the best is the one who is there
//! first, by network ETA. Equal cost: lower driver number.

use super::candidates::{ready_ms, rule_out, rule_out_at};
use super::cost::{Pairing, terms};
use super::{Choice, OpenRide};
use crate::decide::Desk;
use crate::domain::DriverId;
use crate::state::State;
use hansom_geo_index::Millis;

/// The best driver for `ride` at `at` of all that may serve it and are not among `taken` (ascending).
pub fn best(desk: &mut Desk, state: &State, at: Millis, ride: &OpenRide, taken: &[DriverId]) -> Option<Choice> {
    let settings = state.settings();
    let times = desk.times(state.weights());
    let toward = times.toward(ride.pickup);
    let network = desk.network();
    let mut best: Option<(i64, Choice)> = None;
    let fleet = state.fleet();
    for vehicle in fleet.free().iter().chain(fleet.ending()) {
        if rule_out(settings, at, ride, vehicle).is_some() || taken.binary_search(&vehicle.driver).is_ok() {
            continue;
        }
        let ready_ms = ready_ms(&times, at, vehicle);
        let chained = vehicle.ahead.is_some();
        if chained && ready_ms > settings.policy.chain_horizon.0 {
            continue;
        }
        let eta_ms = ready_ms + i64::from(toward.from(vehicle.start));
        if rule_out_at(settings, at, vehicle, eta_ms).is_some() {
            continue;
        }
        let terms = terms(settings, network, at, Pairing { ride, vehicle, eta_ms });
        let cost = terms.total();
        let driver = vehicle.driver;
        if best.is_none_or(|(least, choice)| (cost, driver) < (least, choice.driver)) {
            best = Some((cost, Choice { driver, eta_ms: eta_ms as u32, chained, terms }));
        }
    }
    best.map(|(_, choice)| choice)
}
