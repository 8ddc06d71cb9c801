//! The `nearest` planner: the best driver of all for one request, at once. By default the best is the one who is there
//! first, by network ETA. Equal cost: lower driver number.

use super::candidates::{ready_ms, rule_out, rule_out_at};
use super::cost::{Pairing, terms};
use super::{Choice, OpenRide};
use crate::decide::Desk;
use crate::domain::DriverId;
use crate::state::{State, Vehicle};
use hansom_geo_index::Millis;
use hansom_geo_index::moving::MovingIndex;

/// So many of the free vehicles are looked at first, in air-line order; then four times as many, and so on …
const FIRST: usize = 16;
/// … but never more than one in so many of them: asking all in turn is quicker then.
const ONE_IN: usize = 8;

/// The best driver for `ride` at `at` of all that may serve it and are not among `taken` (ascending).
pub fn best<'a>(desk: &mut Desk, state: &'a State, at: Millis, ride: &OpenRide, taken: &[DriverId]) -> Option<Choice> {
    let settings = state.settings();
    let times = desk.times(state.weights());
    let toward = times.toward(ride.pickup);
    let Desk { network, scratch, .. } = desk;
    let price = |vehicle, eta_ms| terms(settings, network, at, Pairing { ride, vehicle, eta_ms });
    // By ETA alone, what is not sooner than the best cannot win, and only the winner is priced.
    let by_eta = settings.policy.weights.eta_only().is_some_and(|weight| weight > 0);
    let mut best: Option<(i64, i64, &'a Vehicle)> = None;
    let mut look_at = |vehicle: &'a Vehicle| {
        let drive_ms = i64::from(toward.from(vehicle.start));
        let least = best.map(|(least, ..)| least);
        if by_eta && least.is_some_and(|least| drive_ms > least) {
            return least;
        }
        let ready_ms = ready_ms(&times, at, vehicle);
        let eta_ms = ready_ms + drive_ms;
        if rule_out(settings, at, ride, vehicle).is_some()
            || rule_out_at(settings, at, vehicle, eta_ms).is_some()
            || (vehicle.ahead.is_some() && ready_ms > settings.policy.chain_horizon.0)
            || taken.binary_search(&vehicle.driver).is_ok()
        {
            return least;
        }
        let cost = if by_eta { eta_ms } else { price(vehicle, eta_ms).total() };
        if best.is_none_or(|(least, _, other)| (cost, vehicle.driver) < (least, other.driver)) {
            best = Some((cost, eta_ms, vehicle));
        }
        best.map(|(least, ..)| least)
    };
    let fleet = state.fleet();
    let mut least = fleet.ending().iter().fold(None, |_, vehicle| look_at(vehicle));
    let (pickup, near) = (network.point(ride.pickup), &mut scratch.near);
    let (mut count, mut seen) = (FIRST, 0);
    let is_found = loop {
        if !by_eta || count * ONE_IN > fleet.free().len() {
            break false;
        }
        fleet.index().nearest(pickup, u32::MAX, count, |_| true, near);
        for vehicle in near.iter().skip(seen).filter_map(|found| fleet.free.at(found.1 as usize)) {
            least = look_at(vehicle);
        }
        // Nobody comes from farther, by air line, than the fastest street of all would bring him within the best time.
        let reach2 = |least: i64| u64::from(times.reach_mm(least)).pow(2);
        if near.last().is_none_or(|farthest| least.is_some_and(|least| reach2(least) < farthest.0)) {
            break true;
        }
        (seen, count) = (near.len(), 4 * count);
    };
    if !is_found {
        for vehicle in fleet.free() {
            look_at(vehicle);
        }
    }
    best.map(|(_, eta_ms, vehicle)| Choice {
        driver: vehicle.driver,
        eta_ms: eta_ms as u32,
        chained: vehicle.ahead.is_some(),
        terms: price(vehicle, eta_ms),
    })
}
