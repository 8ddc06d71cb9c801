//! What riders and drivers do, seen in what becomes of rides.

use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::Millis;

use crate::repeat::LIVELY;
use crate::town::{Street, town};

#[test]
fn a_town_is_served() {
    let report = town("rider.no_show=0 driver.cancel=0 supply.vehicles=40").run();
    assert_eq!(report.summary.invariant_violations, 0, "{:?}", report.violations);
    assert_eq!(report.refused_commands, 0);
    assert!(report.summary.service_rate > 0.95, "{:?}", report.summary.outcomes);
    assert!(report.summary.pings > 3000, "{}", report.summary.pings);
}

#[test]
fn every_request_has_one_outcome_whatever_happens() {
    for seed in 1..=8 {
        let report = town(LIVELY).keys(&format!("seed={seed}")).run();
        let summary = &report.summary;
        assert_eq!(summary.invariant_violations, 0, "{:?}", report.violations);
        let named = ["completed", "ended_early", "cancelled_before_match", "cancelled_after_match", "no_show"];
        let rest = ["no_driver", "refused", "open_at_end"];
        let sum: u64 = named.iter().chain(&rest).map(|name| summary.outcome(name)).sum();
        assert_eq!(sum, summary.requests);
        assert_eq!(summary.outcome("open_at_end"), 0);
        for name in ["completed", "cancelled_before_match", "no_show"] {
            assert!(summary.outcome(name) > 0, "{name}: {:?}", summary.outcomes);
        }
    }
}

#[test]
fn riders_without_drivers_leave_when_their_patience_ends() {
    let report = town("supply.vehicles=1 supply.shift_end=2026-03-05T08:06:00+01:00 rider.patience_s=120").run();
    for trip in report.trips.iter().filter(|trip| trip.request.at > report.trips[0].request.at + Millis(120_000)) {
        assert_eq!(trip.outcome, Some(Outcome::CancelledBeforeMatch));
        assert_eq!(trip.ended_at, Some(trip.request.at + Millis(120_000)));
    }
}

#[test]
fn who_does_not_come_is_waited_for() {
    let report = town("rider.no_show=1 driver.cancel=0 rider.lateness_s=inf no_show_wait_s=90").run();
    let summary = &report.summary;
    assert!(summary.outcome("no_show") * 10 > summary.requests * 8, "{:?}", summary.outcomes);
    assert_eq!(summary.completed, 0);
}

#[test]
fn nobody_takes_a_ride_that_all_decline() {
    let report = town("driver.acceptance=0 max_offers=2 rider.patience_s=400").run();
    let summary = &report.summary;
    assert_eq!(summary.completed, 0);
    assert!(summary.outcome("no_driver") > 0, "{:?}", summary.outcomes);
    assert_eq!(summary.outcome("no_driver") + summary.outcome("cancelled_before_match"), summary.requests);
}

/// A driver is 60 s away from his next rider, but his receiver shows him where he was when he started.
#[test]
fn a_frozen_receiver_is_dispatched_from_the_stale_place() {
    let street = Street::new(60_000);
    let rides = [(60_000, Street::A, Street::B), (600_000, Street::A, Street::B)];
    let run = |frozen: &str| street.run(&rides, &[Street::A], 1200).keys(frozen).run().trips[1];
    let (true_place, stale_place) = (run("pings.frozen=0"), run("pings.frozen=1"));
    let eta = |trip: hansom_simulator::report::Trip| trip.quote.and_then(|quote| quote.first_eta_ms);
    assert!(eta(true_place).is_some_and(|eta| eta > 59_000), "{true_place:?}");
    assert!(eta(stale_place).is_some_and(|eta| eta < 1_000), "{stale_place:?}");
    for trip in [true_place, stale_place] {
        assert!(trip.wait().is_some_and(|wait| (wait - Millis(60_000)).0.abs() < 1000), "{trip:?}");
    }
}

/// On the street with one car: what is promised, driven and paid is known beforehand.
#[test]
fn a_ride_takes_the_time_and_the_way_it_must() {
    let street = Street::new(60_000);
    let report =
        street.run(&[(1_000, Street::A, Street::B)], &[Street::B], 300).keys("boarding_s=30 alighting_s=20").run();
    let trip = report.trips[0];
    let near = |value: Option<Millis>, expected: i64| value.is_some_and(|value| (value.0 - expected).abs() <= 2);
    assert!(near(trip.wait(), 90_000), "{trip:?}");
    assert!(near(trip.in_vehicle(), 80_000), "{trip:?}");
    assert!(trip.driven_mm.abs_diff(600_000) <= 20, "{trip:?}");
    let payment = trip.payment.expect("a completed ride is paid");
    assert_eq!(payment.fare, 500, "250 + 66 + 35 is below the minimum");
    assert_eq!((payment.driver, payment.platform), (375, 125));
    assert!((report.summary.utilisation - 170.0 / 300.0).abs() < 1e-4, "{}", report.summary.utilisation);
    assert!((report.summary.deadhead_share - 0.5).abs() < 1e-4);
}

/// One car and more riders than it can carry in the two hours that a run goes on after its period.
#[test]
fn who_is_not_served_two_hours_after_the_period_is_open_at_the_end() {
    let street = Street::new(300_000);
    let rides: Vec<_> = (0..20).map(|n| (n, Street::A, Street::B)).collect();
    let report = street.run(&rides, &[Street::B], 60).run();
    let summary = &report.summary;
    assert_eq!(summary.completed, 12, "one in ten minutes: {:?}", summary.outcomes);
    assert_eq!(summary.outcome("open_at_end"), 8);
    assert!((summary.simulated_s - 7260.0).abs() < 1e-9, "{}", summary.simulated_s);
}
