//! The figures of a run: `summary.json`, one object. A mean or share of nothing is no number, `null` in the file.

use std::path::PathBuf;

use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::Millis;
use serde::Serialize;

use super::{Totals, Trip};
use crate::scenario::Scenario;

/// The figures of a run. Shares and seconds are rounded to their last printed decimal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// The key of all draws.
    pub seed: u64,
    /// Rows of the period, refused ones too.
    pub requests: u64,
    /// Rides brought to their destination.
    pub completed: u64,
    /// Of all requests.
    pub service_rate: f64,
    /// How rides ended.
    pub outcomes: Outcomes,
    /// Request until picked up, over rides picked up.
    pub wait_s: Spread,
    /// Request until first offer, over rides that were offered.
    pub time_to_offer_s: Spread,
    /// Picked up until dropped off.
    pub in_vehicle_s: Spread,
    /// Mean of in-vehicle time over direct time, where that is above 0.
    pub detour: f64,
    /// Share of shift time inside the period in which a vehicle was for a ride.
    pub utilisation: f64,
    /// Share of metres driven without a rider, cruising included.
    pub deadhead_share: f64,
    /// Rider-metres over loaded metres: riders per loaded km.
    pub occupancy: f64,
    /// Wall time of the work that led to an offer. Differs from run to run.
    pub match_latency_us: Latency,
    /// The money.
    pub fares: Fares,
    /// From the period's start to the end of the run.
    pub simulated_s: f64,
    /// Wall time. Differs from run to run.
    pub wall_s: f64,
    /// Processor time of the process. Differs from run to run.
    pub cpu_s: f64,
    /// Most memory held, file-backed pages apart, sampled every five simulated minutes. Differs from run to run.
    pub peak_rss_bytes: u64,
    /// Commands taken by the market.
    pub turns: u64,
    /// Positions reported.
    pub pings: u64,
    /// Size of the log; 0: there is none.
    pub log_bytes: u64,
    /// Running xxh3-128 over the canonical bytes of all events.
    pub event_chain: String,
    /// Hash of the market's last state.
    pub state_digest: String,
    /// BLAKE3 of the network.
    pub network_hash: String,
    /// Version of the dispatcher's rules.
    pub logic_version: u32,
    /// Broken invariants: a run with any is a fault of the program.
    pub invariant_violations: u64,
    /// How far turns were made durable before they were acted upon: always `unsynced` in a simulation.
    pub durable: &'static str,
    /// Interrupted: figures are of what was done until then.
    pub partial: bool,
    /// The folder of the run's files; `None`: it left none.
    pub out: Option<PathBuf>,
}

impl Summary {
    /// How many rides ended so, by the name in the file.
    pub fn outcome(&self, outcome: &str) -> u64 {
        self.outcomes.named(outcome)
    }
}

/// How rides ended: counts that sum to `requests`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Brought to the destination.
    pub completed: u64,
    /// The trip ended away from the destination.
    pub ended_early: u64,
    /// The rider cancelled while no driver was assigned.
    pub cancelled_before_match: u64,
    /// The rider cancelled a driver on the way.
    pub cancelled_after_match: u64,
    /// The rider did not come to the pickup.
    pub no_show: u64,
    /// All offers were made and nobody took the ride.
    pub no_driver: u64,
    /// The request could not be served at all.
    pub refused: u64,
    /// Not over when the run ended.
    pub open_at_end: u64,
}

impl Outcomes {
    /// How many ended so, by the name in the file.
    pub fn named(&self, outcome: &str) -> u64 {
        match outcome {
            "completed" => self.completed,
            "ended_early" => self.ended_early,
            "cancelled_before_match" => self.cancelled_before_match,
            "cancelled_after_match" => self.cancelled_after_match,
            "no_show" => self.no_show,
            "no_driver" => self.no_driver,
            "refused" => self.refused,
            "open_at_end" => self.open_at_end,
            _ => 0,
        }
    }

    fn add(&mut self, outcome: Option<Outcome>) {
        *match outcome {
            Some(Outcome::Completed) => &mut self.completed,
            Some(Outcome::EndedEarly) => &mut self.ended_early,
            Some(Outcome::CancelledBeforeMatch) => &mut self.cancelled_before_match,
            Some(Outcome::CancelledAfterMatch) => &mut self.cancelled_after_match,
            Some(Outcome::NoShow) => &mut self.no_show,
            Some(Outcome::NoDriver) => &mut self.no_driver,
            Some(Outcome::Refused) => &mut self.refused,
            None => &mut self.open_at_end,
        } += 1;
    }
}

/// Mean and nearest-rank percentiles of spans in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 95th percentile.
    pub p95: f64,
}

impl Spread {
    /// Of spans in any order.
    pub fn of(spans: impl Iterator<Item = Millis>) -> Self {
        let mut spans: Vec<i64> = spans.map(|span| span.0).collect();
        spans.sort_unstable();
        let n = spans.len();
        if n == 0 {
            return Self { mean: f64::NAN, p50: f64::NAN, p90: f64::NAN, p95: f64::NAN };
        }
        // Nearest rank: the smallest value that at least p % of all do not exceed.
        let percentile = |p: usize| spans[(n * p).div_ceil(100).max(1) - 1] as f64 / 1000.0;
        let mean = spans.iter().map(|ms| i128::from(*ms)).sum::<i128>() as f64 / n as f64 / 1000.0;
        Self { mean: decimals(mean, 3), p50: percentile(50), p90: percentile(90), p95: percentile(95) }
    }
}

/// Latency of matching in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// The money, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fares {
    /// ISO 4217 code.
    pub currency: String,
    /// Paid by riders, fees included.
    pub total_minor: i64,
    /// To drivers.
    pub driver_minor: i64,
    /// To the platform.
    pub platform_minor: i64,
}

/// What trips and stints say about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How rides ended.
    pub outcomes: Outcomes,
    /// See [`Summary::service_rate`].
    pub service_rate: f64,
    /// See [`Summary::wait_s`].
    pub wait_s: Spread,
    /// See [`Summary::time_to_offer_s`].
    pub time_to_offer_s: Spread,
    /// See [`Summary::in_vehicle_s`].
    pub in_vehicle_s: Spread,
    /// See [`Summary::detour`].
    pub detour: f64,
    /// See [`Summary::utilisation`].
    pub utilisation: f64,
    /// See [`Summary::deadhead_share`].
    pub deadhead_share: f64,
    /// See [`Summary::occupancy`].
    pub occupancy: f64,
    /// See [`Summary::fares`].
    pub fares: Fares,
}

impl Figures {
    /// Of a run's trips and what its vehicles did.
    pub fn of(scenario: &Scenario, trips: &[Trip], totals: &Totals) -> Self {
        let mut outcomes = Outcomes::default();
        let mut fares = Fares { currency: scenario.tariff.currency.clone(), ..Fares::default() };
        for trip in trips {
            outcomes.add(trip.outcome);
            if let Some(payment) = trip.payment {
                fares.total_minor += payment.fare;
                fares.driver_minor += payment.driver;
                fares.platform_minor += payment.platform;
            }
        }
        let detours = trips.iter().filter_map(|trip| {
            let direct_ms = trip.quote?.direct_ms;
            (direct_ms > 0).then_some(trip.in_vehicle()?.0 as f64 / f64::from(direct_ms))
        });
        let (sum, count) = detours.fold((0.0, 0_u32), |(sum, count), detour| (sum + detour, count + 1));
        Self {
            service_rate: share(outcomes.completed, trips.len() as u64),
            outcomes,
            wait_s: Spread::of(trips.iter().filter_map(Trip::wait)),
            time_to_offer_s: Spread::of(trips.iter().filter_map(Trip::time_to_offer)),
            in_vehicle_s: Spread::of(trips.iter().filter_map(Trip::in_vehicle)),
            detour: decimals(sum / f64::from(count), 6),
            utilisation: share(totals.busy.0 as u64, totals.shift.0 as u64),
            deadhead_share: share(totals.empty_mm, totals.empty_mm + totals.loaded_mm),
            occupancy: share(totals.rider_mm, totals.loaded_mm),
            fares,
        }
    }
}

/// A part of a whole, to 6 decimals.
fn share(part: u64, whole: u64) -> f64 {
    decimals(part as f64 / whole as f64, 6)
}

/// A number to so many decimals.
pub fn decimals(number: f64, places: i32) -> f64 {
    let unit = (0..places).fold(1.0, |unit, _| unit * 10.0);
    libm::round(number * unit) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let spread = Spread::of([40, 10, 30, 20].map(Millis::from_secs).into_iter());
        assert_eq!(
            spread,
            Spread { mean: 25.0, p50: 20.0, p90: 40.0, p95: 40.0 },
            "the smallest value that at least so many do not exceed"
        );
        assert_eq!(Spread::of((1..=100).map(Millis::from_secs)).p95.to_bits(), 95_f64.to_bits());
        assert!(Spread::of(std::iter::empty()).mean.is_nan());
    }
}
