//! `trips.csv`: a row per request, in order of request.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::Millis;

use super::field::{Stamps, coord, meters, seconds, signed, whole};
use crate::demand::Request;
use crate::scenario::Scenario;
use crate::supply::Driver;

/// What became of a request. Its ride has the number of its place among all requests, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// What was asked for.
    pub request: Request,
    /// How it ended; `None`: it was open when the run ended.
    pub outcome: Option<Outcome>,
    /// What the rider was told; `None`: the request was refused.
    pub quote: Option<Quote>,
    /// Number of the vehicle bound to it last, unless it was released from it.
    pub vehicle: Option<u32>,
    /// When it was first offered to a driver.
    pub first_offer_at: Option<Millis>,
    /// When that driver took it.
    pub matched_at: Option<Millis>,
    /// When the rider was in the vehicle.
    pub picked_up_at: Option<Millis>,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Driven with the rider.
    pub driven_mm: u64,
    /// What was paid, if anything was.
    pub payment: Option<Payment>,
}

/// The dispatcher's beliefs at request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Travel time from pickup to dropoff, ms; the fare is on it and on the length.
    pub direct_ms: u32,
    /// Length of that way, mm.
    pub direct_mm: u32,
    /// ETA of the best driver at the pickup, ms; `None`: there was none.
    pub first_eta_ms: Option<u32>,
}

/// Who got what of what the rider paid, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payment {
    /// Paid by the rider.
    pub fare: i64,
    /// To the driver.
    pub driver: i64,
    /// To the platform.
    pub platform: i64,
}

impl Trip {
    /// A request that was just made.
    pub fn new(request: Request) -> Self {
        Self {
            request,
            outcome: None,
            quote: None,
            vehicle: None,
            first_offer_at: None,
            matched_at: None,
            picked_up_at: None,
            ended_at: None,
            driven_mm: 0,
            payment: None,
        }
    }

    /// As in files; a ride without an outcome of the market was open at the run's end.
    pub fn outcome_name(&self) -> &'static str {
        self.outcome.map_or("open_at_end", Outcome::name)
    }

    /// From the request until the rider was in the vehicle.
    pub fn wait(&self) -> Option<Millis> {
        self.picked_up_at.map(|at| at - self.request.at)
    }

    /// When the rider was out of the vehicle.
    pub fn dropped_off_at(&self) -> Option<Millis> {
        self.picked_up_at.and(self.ended_at)
    }

    /// From pickup to dropoff.
    pub fn in_vehicle(&self) -> Option<Millis> {
        Some(self.dropped_off_at()? - self.picked_up_at?)
    }

    /// From the request to its first offer.
    pub fn time_to_offer(&self) -> Option<Millis> {
        self.first_offer_at.map(|at| at - self.request.at)
    }
}

/// The columns of the file. Those after `currency` are not in its first version.
const HEADER: &str = "ride_id,rider_id,requested_at,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,seats,outcome,\
    driver_id,matched_at,picked_up_at,dropped_off_at,wait_s,direct_s,first_eta_s,quoted_s,quoted_mm,in_vehicle_s,\
    distance_m,fare_minor,driver_pay_minor,platform_minor,currency,first_offer_at,ended_at\n";

/// Writes all trips to a new file at `path`.
pub fn write(path: &Path, scenario: &Scenario, drivers: &[Driver], trips: &[Trip]) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
    file.write_all(HEADER.as_bytes())?;
    let mut stamps = Stamps::new(scenario);
    let mut line = Vec::with_capacity(512);
    for (trip, ride) in trips.iter().zip(1..) {
        line.clear();
        row(&mut line, &mut stamps, scenario, drivers, ride, trip);
        file.write_all(&line)?;
    }
    file.flush()
}

fn row(line: &mut Vec<u8>, stamps: &mut Stamps, scenario: &Scenario, drivers: &[Driver], ride: u64, trip: &Trip) {
    let Trip { request, quote, .. } = trip;
    whole(line, ride);
    line.extend_from_slice(b",r");
    whole(line, ride);
    line.push(b',');
    stamps.write(line, request.at);
    for place in [request.pickup, request.dropoff] {
        line.push(b',');
        coord(line, place);
    }
    line.push(b',');
    whole(line, u64::from(request.seats));
    line.push(b',');
    line.extend_from_slice(trip.outcome_name().as_bytes());
    line.push(b',');
    if let Some(vehicle) = trip.vehicle {
        line.extend_from_slice(drivers[vehicle as usize].name.as_bytes());
    }
    let mut moment = |line: &mut Vec<u8>, at: Option<Millis>| {
        line.push(b',');
        if let Some(at) = at {
            stamps.write(line, at);
        }
    };
    moment(line, trip.matched_at);
    moment(line, trip.picked_up_at);
    moment(line, trip.dropped_off_at());
    let span = |ms: u32| Millis(i64::from(ms));
    let direct = quote.map(|quote| span(quote.direct_ms));
    let first_eta = quote.and_then(|quote| quote.first_eta_ms).map(span);
    for value in [trip.wait(), direct, first_eta, direct] {
        line.push(b',');
        if let Some(value) = value {
            seconds(line, value);
        }
    }
    line.push(b',');
    if let Some(quote) = quote {
        whole(line, u64::from(quote.direct_mm));
    }
    line.push(b',');
    if let Some(value) = trip.in_vehicle() {
        seconds(line, value);
    }
    line.push(b',');
    if trip.picked_up_at.is_some() {
        meters(line, trip.driven_mm);
    }
    for amount in [|p: Payment| p.fare, |p: Payment| p.driver, |p: Payment| p.platform] {
        line.push(b',');
        if let Some(payment) = trip.payment {
            signed(line, amount(payment));
        }
    }
    line.push(b',');
    if trip.payment.is_some() {
        line.extend_from_slice(scenario.tariff.currency.as_bytes());
    }
    moment(line, trip.first_offer_at);
    moment(line, trip.ended_at);
    line.push(b'\n');
}
