//! What an assignment costs: an integer sum of named terms.

use super::OpenRide;
use crate::domain::{Settings, Term, Terms};
use crate::state::Vehicle;
use hansom_geo_index::{Millis, Network};

/// A ride and a vehicle that may serve it.
#[derive(Debug, Clone, Copy)]
pub struct Pairing<'a> {
    /// The ride.
    pub ride: &'a OpenRide,
    /// The vehicle.
    pub vehicle: &'a Vehicle,
    /// Time until it is at the pickup, ms.
    pub eta_ms: i64,
}

/// The weighted terms of a pairing, in cost units: 1 ms of pickup ETA at weight 1000.
pub fn terms(settings: &Settings, network: &Network, at: Millis, pairing: Pairing<'_>) -> Terms {
    let weights = &settings.policy.weights.0;
    let mut terms = Terms::default();
    for term in Term::ALL {
        let weight = i64::from(weights[term as usize]);
        if weight != 0 {
            let weighted = natural(term, settings, network, at, pairing).saturating_mul(weight) / 1000;
            terms.0[term as usize] = weighted.clamp(-Terms::BOUND, Terms::BOUND);
        }
    }
    terms
}

/// A term in its natural unit, which [`Term`] names.
pub fn natural(term: Term, settings: &Settings, network: &Network, at: Millis, pairing: Pairing<'_>) -> i64 {
    let Pairing { ride, vehicle, eta_ms } = pairing;
    let air_line = |a, b| network.point(a).distance_mm(network.point(b)) as i64;
    match term {
        Term::Eta => eta_ms,
        Term::Wait => -(at - ride.requested_at).0,
        Term::Deadhead => air_line(vehicle.start, ride.pickup),
        Term::Revenue => -ride.fare.0,
        Term::Destination => {
            let detour = vehicle.home.map_or(0, |home| {
                let home = network.projection().point(home);
                let from = |place| network.point(place).distance_mm(home) as i64;
                from(ride.dropoff) - from(vehicle.start)
            });
            detour - settings.policy.destination_value
        }
        Term::Acceptance => expected_loss(settings, vehicle.failed_offers, vehicle.offers),
        Term::Cancellation => expected_loss(settings, vehicle.cancels, vehicle.offers),
        Term::Rating => i64::from(500_u16.saturating_sub(vehicle.rating)),
        Term::Tier => -i64::from(ride.tier),
        Term::Forecast => settings.policy.forecast_value,
    }
}

/// An offer's life times the driver's rate of failures; a newcomer counts as having had one more offer, that held.
fn expected_loss(settings: &Settings, failures: u32, offers: u32) -> i64 {
    settings.offer_life.0 * i64::from(failures) / (i64::from(offers) + 1)
}
