//! KPIs over the rides that were asked for in a window, as a run's summary defines them.
//!
//! Exact: percentiles are nearest-rank over all rides of the window, not over buckets of them. What the world alone knows, how
//! far vehicles drove and for what, is not here: the market does not see it.

use hansom_engine::lifecycle::ride::Outcome;

use super::history::{Ride, Status};

/// What of a ride counts: a fixed number of bytes, so that a window of a million rides is read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// When it was asked for, ms since 1970.
    pub requested_at_ms: i64,
    /// How it stands.
    pub status: Status,
    /// From the request until the rider was in the vehicle.
    pub wait_ms: Option<u32>,
    /// From the request to its first offer.
    pub time_to_offer_ms: Option<u32>,
    /// From pickup to dropoff.
    pub in_vehicle_ms: Option<u32>,
    /// Travel time as estimated at request.
    pub direct_ms: Option<u32>,
    /// Paid by the rider, to the driver, to the platform, in minor units.
    pub paid_minor: [i64; 3],
}

/// Bytes of a figure.
pub const FIGURE_BYTES: usize = 52;
/// A span that there is none of.
const NONE: u32 = u32::MAX;

impl Figure {
    /// That of a ride.
    pub fn of(ride: &Ride) -> Self {
        let span = |from: i64, to: Option<i64>| to.map(|to| u32::try_from(to - from).unwrap_or(NONE - 1));
        let asked = ride.requested_at_ms;
        let paid = ride.payment.unwrap_or_default();
        Self {
            requested_at_ms: asked,
            status: ride.status(),
            wait_ms: span(asked, ride.picked_up_at_ms),
            time_to_offer_ms: span(asked, ride.first_offer_at_ms),
            in_vehicle_ms: ride.picked_up_at_ms.and_then(|from| span(from, ride.ended_at_ms)),
            direct_ms: ride.quote.map(|quote| quote.direct_ms),
            paid_minor: [paid.fare_minor, paid.driver_minor, paid.platform_minor],
        }
    }

    /// Its bytes, little-endian.
    pub fn encode(&self) -> [u8; FIGURE_BYTES] {
        let mut bytes = [0; FIGURE_BYTES];
        bytes[..8].copy_from_slice(&self.requested_at_ms.to_le_bytes());
        bytes[8..12].copy_from_slice(&(self.status as i32).to_le_bytes());
        let spans = [self.wait_ms, self.time_to_offer_ms, self.in_vehicle_ms, self.direct_ms];
        for (place, span) in bytes[12..28].chunks_exact_mut(4).zip(spans) {
            place.copy_from_slice(&span.unwrap_or(NONE).to_le_bytes());
        }
        for (place, amount) in bytes[28..].chunks_exact_mut(8).zip(self.paid_minor) {
            place.copy_from_slice(&amount.to_le_bytes());
        }
        bytes
    }

    /// The figure of these bytes; `None`: they are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; FIGURE_BYTES] = bytes.try_into().ok()?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| (u64::from(word(at)) | u64::from(word(at + 4)) << 32).cast_signed();
        let span = |at: usize| Some(word(at)).filter(|span| *span != NONE);
        Some(Self {
            requested_at_ms: long(0),
            status: Status::try_from(word(8).cast_signed()).ok()?,
            wait_ms: span(12),
            time_to_offer_ms: span(16),
            in_vehicle_ms: span(20),
            direct_ms: span(24),
            paid_minor: [long(28), long(36), long(44)],
        })
    }
}

/// KPIs of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Kpis {
    /// Rides asked for in the window, refused ones too.
    pub requests: u64,
    /// How they ended so far.
    pub outcomes: Outcomes,
    /// Completed over requests; `None`: there were no requests.
    pub service_rate: Option<f64>,
    /// Request until picked up, over rides picked up.
    pub wait: Spread,
    /// Request until first offer, over rides that were offered.
    pub time_to_offer: Spread,
    /// Picked up until dropped off.
    pub in_vehicle: Spread,
    /// Mean of in-vehicle time over direct time, where that is above 0.
    pub detour: Option<f64>,
    /// Paid by riders, fees included, in minor units.
    pub total_minor: i64,
    /// To drivers.
    pub driver_minor: i64,
    /// To the platform.
    pub platform_minor: i64,
}

/// How rides ended: counts that sum to the requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Nobody took it.
    pub no_driver: u64,
    /// The request could not be served at all.
    pub refused: u64,
    /// Not over yet.
    pub open: u64,
}

impl Outcomes {
    fn add(&mut self, outcome: Option<Outcome>) {
        *match outcome {
            Some(Outcome::Completed) => &mut self.completed,
            Some(Outcome::EndedEarly) => &mut self.ended_early,
            Some(Outcome::CancelledBeforeMatch) => &mut self.cancelled_before_match,
            Some(Outcome::CancelledAfterMatch) => &mut self.cancelled_after_match,
            Some(Outcome::NoShow) => &mut self.no_show,
            Some(Outcome::NoDriver) => &mut self.no_driver,
            Some(Outcome::Refused) => &mut self.refused,
            None => &mut self.open,
        } += 1;
    }
}

/// Mean and nearest-rank percentiles of spans, s. `None`: there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    /// How many spans there are.
    pub count: u64,
    /// The mean.
    pub mean_s: Option<f64>,
    /// The median.
    pub p50_s: Option<f64>,
    /// The 90th percentile.
    pub p90_s: Option<f64>,
    /// The 95th percentile.
    pub p95_s: Option<f64>,
    /// The 99th percentile.
    pub p99_s: Option<f64>,
}

impl Spread {
    /// Of spans in ms, in any order.
    fn of(mut spans: Vec<u32>) -> Self {
        spans.sort_unstable();
        let n = spans.len();
        // Nearest rank: the smallest value that at least p % of all do not exceed.
        let percentile = |p: usize| spans.get((n * p).div_ceil(100).max(1) - 1).map(|ms| f64::from(*ms) / 1000.0);
        let sum: u64 = spans.iter().map(|ms| u64::from(*ms)).sum();
        Self {
            count: n as u64,
            mean_s: (n > 0).then(|| sum as f64 / n as f64 / 1000.0),
            p50_s: percentile(50),
            p90_s: percentile(90),
            p95_s: percentile(95),
            p99_s: percentile(99),
        }
    }
}

/// Adds figures up.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: Outcomes,
    wait: Vec<u32>,
    time_to_offer: Vec<u32>,
    in_vehicle: Vec<u32>,
    detour: (f64, u64),
    paid: [i64; 3],
    requests: u64,
}

impl Tally {
    /// Counts a ride.
    pub fn add(&mut self, figure: &Figure) {
        self.requests += 1;
        self.outcomes.add(figure.status.outcome());
        self.wait.extend(figure.wait_ms);
        self.time_to_offer.extend(figure.time_to_offer_ms);
        self.in_vehicle.extend(figure.in_vehicle_ms);
        if let (Some(in_vehicle), Some(direct)) = (figure.in_vehicle_ms, figure.direct_ms.filter(|direct| *direct > 0))
        {
            self.detour.0 += f64::from(in_vehicle) / f64::from(direct);
            self.detour.1 += 1;
        }
        for (sum, amount) in self.paid.iter_mut().zip(figure.paid_minor) {
            *sum = sum.saturating_add(amount);
        }
    }

    /// What they come to.
    pub fn kpis(self) -> Kpis {
        let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
        let [total_minor, driver_minor, platform_minor] = self.paid;
        Kpis {
            requests: self.requests,
            outcomes: self.outcomes,
            service_rate: share(self.outcomes.completed as f64, self.requests),
            wait: Spread::of(self.wait),
            time_to_offer: Spread::of(self.time_to_offer),
            in_vehicle: Spread::of(self.in_vehicle),
            detour: share(self.detour.0, self.detour.1),
            total_minor,
            driver_minor,
            platform_minor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figure() -> impl Strategy<Value = Figure> {
        let span = || prop_oneof![Just(None), (0..NONE).prop_map(Some)];
        let status = prop_oneof![Just(Status::Searching), Just(Status::OnBoard), Just(Status::Completed)];
        (any::<i64>(), status, span(), span(), span(), span(), any::<[i64; 3]>()).prop_map(
            |(requested_at_ms, status, wait_ms, time_to_offer_ms, in_vehicle_ms, direct_ms, paid_minor)| Figure {
                requested_at_ms,
                status,
                wait_ms,
                time_to_offer_ms,
                in_vehicle_ms,
                direct_ms,
                paid_minor,
            },
        )
    }

    proptest! {
        #[test]
        fn a_figure_is_read_as_it_was_written(figure in figure()) {
            prop_assert_eq!(Figure::decode(&figure.encode()), Some(figure));
        }
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let spread = Spread::of(vec![40_000, 10_000, 30_000, 20_000]);
        assert_eq!((spread.mean_s, spread.p50_s, spread.p90_s), (Some(25.0), Some(20.0), Some(40.0)));
        assert_eq!(Spread::of(vec![]), Spread::default());
    }
}
