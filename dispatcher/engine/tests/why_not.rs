//! The least change that would have given a ride to a driver: with it the question, solved again, does; with less it does not.

use hansom_engine::domain::{DriverId, Money, Offset, RideId, Settings, Unserved};
use hansom_engine::planner::batch::{BatchPlanner, Supposed};
use hansom_engine::planner::{MatchingProblem, OpenRide};
use hansom_engine::projection::why_not::{WhyNot, batch};
use hansom_engine::state::Vehicle;
use hansom_geo_index::network::sample;
use hansom_geo_index::route::Router;
use hansom_geo_index::{EdgeId, Millis, Position, WeightsVersion};
use proptest::prelude::*;
use std::sync::Arc;

const NOW: Millis = Millis::from_secs(1000);

fn ride((n, (edge, waited_s)): (usize, (u32, i64))) -> OpenRide {
    OpenRide {
        ride: RideId(n as u32 + 1),
        requested_at: NOW - Millis::from_secs(waited_s),
        pickup: Position { edge: EdgeId(edge), along: 0 },
        dropoff: Position { edge: EdgeId(0), along: 0 },
        fare: Money(1000),
        seats: 1 + (edge % 2) as u8 * 4,
        class: 0,
        tier: 0,
        blocked: Box::default(),
        resting: Vec::new(),
    }
}

fn vehicle((n, (edge, seats)): (usize, (u32, u8))) -> Vehicle {
    Vehicle {
        driver: DriverId(n as u32),
        start: Position { edge: EdgeId(edge), along: 0 },
        ahead: None,
        heard: NOW,
        until: None,
        home: None,
        seats,
        class: 0,
        rating: 500,
        offers: 9,
        failed_offers: 0,
        cancels: 0,
    }
}

prop_compose! {
    /// Few vehicles, small limits: some pairs are too far, some not among the nearest, some seats too few.
    fn question()(
        rides in prop::collection::vec((0..288_u32, 0..120_i64), 1..5),
        vehicles in prop::collection::vec((0..288_u32, prop_oneof![Just(4_u8), Just(6_u8)]), 1..6),
        candidates in 1..4_u32,
        max_wait_s in 40..200_i64,
        base in 30_000..200_000_i64,
    ) -> MatchingProblem<'static> {
        let mut settings = Settings::default();
        settings.policy.candidates = candidates;
        settings.policy.max_wait = Millis::from_secs(max_wait_s);
        settings.policy.unserved = Unserved { base, slope_per_s: 100 };
        MatchingProblem {
            basis: Offset(7),
            at: NOW,
            weights: WeightsVersion(0),
            settings: Arc::new(settings),
            rides: rides.into_iter().enumerate().map(ride).collect(),
            free: vehicles.into_iter().enumerate().map(vehicle).collect(),
            ending: Vec::new().into(),
        }
    }
}

proptest! {
    // Each question is solved some hundred times for each of its pairs.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_least_change_does_and_less_does_not(question in question()) {
        let network = Arc::new(sample::grid(9, 9, 100_000, 10_000));
        let router = Arc::new(Router::new(network.clone()));
        let mut planner = BatchPlanner::new(network, router);
        for (ride, driver) in question.rides.iter().flat_map(|ride| question.free.iter().map(|v| (ride.ride, v.driver))) {
            let why = batch(&mut planner, &question, ride, driver).expect("proved").expect("both are in the question");
            let WhyNot { chosen, eta_ms, lifted, nearer_ms, cheaper, .. } = why;
            let lifted = lifted.is_some();
            let mut wins = |nearer: i64, cheaper: i64| {
                let supposed = Supposed { ride, driver, eta_ms: (eta_ms - nearer) as u32, cheaper, lifted };
                let solved = planner.solve_if(&question, Some(&supposed)).expect("proved");
                let row = solved.matrix.rows.iter().position(|row| row.ride == ride).expect("a row for each ride");
                solved.solution.row_to_col[row].map(|column| solved.matrix.drivers[column as usize]) == Some(driver)
            };
            prop_assert_eq!(chosen == Some(driver), !lifted && nearer_ms == Some(0));
            match nearer_ms {
                Some(nearer) => {
                    prop_assert!(wins(nearer, 0));
                    prop_assert!((0..nearer).rev().take(4).all(|less| !wins(less, 0)), "{} ms are not the least", nearer);
                }
                None => prop_assert!(!wins(eta_ms, 0)),
            }
            match cheaper {
                Some(cheaper) => {
                    prop_assert!(wins(0, cheaper));
                    prop_assert!(cheaper == 0 || !wins(0, cheaper - 1));
                }
                None => prop_assert!(!wins(0, 1 << 39), "no price would have done it"),
            }
        }
    }
}
