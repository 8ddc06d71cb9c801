//! Rides that end otherwise under other rules, each with what was different.

use hansom_engine::RideId;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::Millis;

use crate::report::Trip;
use crate::report::number::fixed;
use crate::supply::Driver;

/// A ride that ends otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which: its place among all requests, from 1.
    pub ride: RideId,
    /// How it ended.
    pub before: &'static str,
    /// How it ends under the other rules.
    pub after: &'static str,
    /// What is different, in words.
    pub reason: String,
}

/// The rides whose outcome is not the same in two runs of one cast, in order of request.
pub fn changed(drivers: &[Driver], before: &[Trip], after: &[Trip]) -> Vec<Changed> {
    let pairs = before.iter().zip(after).zip(1..);
    let ended_otherwise = pairs.filter(|((before, after), _)| before.outcome != after.outcome);
    let of = |((before, after), ride): ((&Trip, &Trip), u32)| Changed {
        ride: RideId(ride),
        before: before.outcome_name(),
        after: after.outcome_name(),
        reason: reason(drivers, before, after),
    };
    ended_otherwise.map(of).collect()
}

/// Where the two stories part, and how each ends.
fn reason(drivers: &[Driver], before: &Trip, after: &Trip) -> String {
    let ends = format!("{}, before {}", end(drivers, after), end(drivers, before));
    let first = |trip: &Trip| (trip.first_offer_at, trip.first_offered_to);
    if first(before) == first(after) {
        return ends;
    }
    format!("first offered {}, before {}; {ends}", first_offer(drivers, after), first_offer(drivers, before))
}

fn first_offer(drivers: &[Driver], trip: &Trip) -> String {
    match (trip.first_offer_at, trip.first_offered_to) {
        (Some(at), Some(vehicle)) => format!("to {} after {}", name(drivers, vehicle), seconds(at - trip.request.at)),
        _ => "never".to_owned(),
    }
}

/// How a ride came to its end.
fn end(drivers: &[Driver], trip: &Trip) -> String {
    let waited = |until: Option<Millis>| seconds(until.map_or(Millis::ZERO, |until| until - trip.request.at));
    let driver = trip.vehicle.map_or_else(|| "its driver".to_owned(), |vehicle| name(drivers, vehicle));
    let offers = match trip.offers {
        0 => "without an offer".to_owned(),
        1 => "after one offer came to nothing".to_owned(),
        n => format!("after {n} offers came to nothing"),
    };
    match trip.outcome {
        Some(Outcome::Completed) => format!("picked up by {driver} after {}", waited(trip.picked_up_at)),
        Some(Outcome::EndedEarly) => format!("let out by {driver} away from the destination"),
        Some(Outcome::CancelledBeforeMatch) => {
            format!("given up by the rider after {} {offers}", waited(trip.ended_at))
        }
        Some(Outcome::CancelledAfterMatch) => {
            format!("given up by the rider after {} as {driver} was not there", waited(trip.ended_at))
        }
        Some(Outcome::NoShow) => format!("without the rider when {driver} was there"),
        Some(Outcome::NoDriver) => format!("given up by the market after {} {offers}", waited(trip.ended_at)),
        Some(Outcome::Refused) => "refused".to_owned(),
        None => "not over when the run ended".to_owned(),
    }
}

fn name(drivers: &[Driver], vehicle: u32) -> String {
    drivers.get(vehicle as usize).map_or_else(|| format!("vehicle {vehicle}"), |driver| driver.name.to_string())
}

fn seconds(span: Millis) -> String {
    format!("{} s", fixed(span.0 as f64 / 1000.0, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::Request;
    use hansom_geo_index::Coord;

    const AT: Millis = Millis(1_772_668_800_000);

    fn trip(outcome: Outcome) -> Trip {
        let request = Request { at: AT, pickup: Coord::default(), dropoff: Coord::default(), seats: 1 };
        Trip { outcome: Some(outcome), ..Trip::new(request) }
    }

    #[test]
    fn only_rides_that_end_otherwise_are_told_each_with_what_was_different() {
        let same = trip(Outcome::Completed);
        let mut given_up = trip(Outcome::CancelledBeforeMatch);
        given_up.ended_at = Some(AT + Millis(240_000));
        let mut served = trip(Outcome::Completed);
        served.offered(AT + Millis(4_500), 7);
        (served.vehicle, served.picked_up_at) = (Some(7), Some(AT + Millis(90_000)));
        let told = changed(&[], &[same, given_up], &[same, served]);
        assert_eq!(
            told,
            [Changed {
                ride: RideId(2),
                before: "cancelled_before_match",
                after: "completed",
                reason: "first offered to vehicle 7 after 4.5 s, before never; picked up by vehicle 7 after 90.0 s, \
                         before given up by the rider after 240.0 s without an offer"
                    .to_owned(),
            }]
        );
    }
}
