//! The first ETA that a rider is told, against asking every vehicle by the words of its definition, on random courses: free
//! vehicles, those near the end of their plan, and those that may not serve him or not in time.

mod course;
mod market;

use course::{Driven, Order, order};
use hansom_engine::domain::{Planner, Settings};
use hansom_engine::record::{Command, Event, RequestRide, RideRequested};
use hansom_engine::state::Vehicle;
use hansom_engine::steps;
use hansom_engine::{Desk, Stamp, State};
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::{Dijkstra, Router, TravelTimes};
use hansom_geo_index::{Millis, Network, WeightsVersion};
use market::settings;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::Arc;

/// How the first ETA came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Free,
    Ending,
    Nobody,
}

/// What is to be told of a request in a town of six drivers, so that no free one is too many.
fn expected(
    state: &State,
    network: &Network,
    at: Millis,
    order: &RequestRide,
    asked: &RideRequested,
) -> (By, Option<u32>) {
    let (settings, streets) = (state.settings(), Dijkstra::new(network, WeightsVersion(0)));
    let may = |vehicle: &&Vehicle| {
        vehicle.seats >= order.seats
            && vehicle.class == order.class
            && !order.blocked.contains(&vehicle.driver)
            && at - vehicle.heard <= settings.silence_redispatch
    };
    let time = |from, to| i64::from(streets.time(from, to));
    let in_time = |vehicle: &Vehicle, eta_ms: i64| {
        let is_on_shift = vehicle.until.is_none_or(|until| at + Millis(eta_ms) <= until);
        (eta_ms <= settings.policy.max_wait.0 && is_on_shift).then_some(eta_ms as u32)
    };
    let free = state.fleet().free().iter().filter(may);
    if let Some(soonest) = free.filter_map(|free| in_time(free, time(free.start, asked.pickup))).min() {
        return (By::Free, Some(soonest));
    }
    let ending = state.fleet().ending().iter().filter(may).filter_map(|ending| {
        let ahead = ending.ahead.as_deref().expect("it has something to do");
        let mut place = ahead.anchor;
        let mut ready_ms = 0;
        for (number, (stop, service_ms)) in ahead.stops.iter().enumerate() {
            let driven_ms = if number == 0 { (at - ahead.anchor_at).0 } else { 0 };
            ready_ms += (time(place, *stop) - driven_ms).max(0) + service_ms;
            place = *stop;
        }
        let eta_ms = ready_ms + time(place, asked.pickup);
        (ready_ms <= settings.policy.chain_horizon.0).then(|| in_time(ending, eta_ms))?
    });
    ending.min().map_or((By::Nobody, None), |eta_ms| (By::Ending, Some(eta_ms)))
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let waits = prop::sample::select(vec![60_i64, 600, 3_600]);
    let horizons = prop::sample::select(vec![90_i64, 600, 3_600]);
    (any::<bool>(), any::<bool>(), waits, horizons).prop_map(|(batch, is_strict, max_wait_s, horizon_s)| {
        let mut settings = settings();
        settings.policy.planner = if batch { Planner::Batch } else { Planner::Nearest };
        settings.policy.max_wait = Millis::from_secs(max_wait_s);
        settings.policy.chain_horizon = Millis::from_secs(horizon_s);
        settings.give_up = Millis::from_secs(900);
        if !is_strict {
            settings.silence_warn = Millis::from_secs(3_600);
            settings.silence_redispatch = Millis::from_secs(7_200);
        }
        settings.snap_mm = 3_000_000;
        settings
    })
}

/// Any orders, among them rides that are asked for, taken, and driven as far as somebody is on board.
fn orders() -> impl Strategy<Value = Vec<(Order, u16)>> {
    let each = |order: fn(u8) -> Order| (0..6).map(move |driver| (order(driver), 500));
    let ride = (any::<u16>(), any::<u16>(), 0..20_000_u16).prop_map(move |(from, to, gap_ms)| {
        let taken = each(|driver| Order::Accept(driver, 1));
        let boarded = each(|driver| Order::Arrive(driver, 1)).chain(each(|driver| Order::Board(driver, 1)));
        [(Order::Request(from, to, 1), gap_ms)].into_iter().chain(taken).chain(boarded).collect::<Vec<_>>()
    });
    let any = (order(), 0..20_000_u16).prop_map(|order| vec![order]);
    prop::collection::vec(prop_oneof![ride, any], 1..20).prop_map(|parts| parts.concat())
}

#[test]
fn the_first_eta_is_as_defined() {
    let mut counts = [0; 3];
    let (courses, mut runner) = ((any::<u64>(), any_settings(), orders()), TestRunner::default());
    for _ in 0..600 {
        let (seed, settings, orders) = courses.new_tree(&mut runner).expect("a course").current();
        let mut driven = Driven::new(sample::town(seed, 30, 1), settings.clone(), false);
        for driver in [2, 3] {
            driven.play(&Order::Start(driver, 7 * u16::from(driver) + 2), 0);
        }
        for (order, gap_ms) in &orders {
            driven.play(order, *gap_ms);
        }
        driven.settle();
        let network = driven.market.network.clone();
        let router = Arc::new(Router::new(network.clone()));
        let mut desk = Desk::new(network.clone(), router, Arc::new(SnapIndex::new(&network)));
        let mut state = State::new(settings, &network, Millis::ZERO);
        for turn in driven.market.turns {
            let asked = turn.events.iter().find_map(|event| match event {
                Event::RideRequested(asked) => Some(asked),
                _ => None,
            });
            if let (Command::RequestRide(order), Some(asked)) = (&turn.command, asked) {
                let (by, eta_ms) = expected(&state, &network, turn.at, order, asked);
                assert_eq!(asked.first_eta_ms, eta_ms, "{by:?} in town {seed}, {turn:?}");
                counts[by as usize] += 1;
            }
            let stamp = Stamp { at: turn.at, offset: turn.offset };
            steps::turn(&mut desk, &mut state, stamp, turn.key, turn.command, Vec::new());
        }
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}
