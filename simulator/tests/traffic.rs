//! Hidden traffic against plain stepping.

use std::path::Path;

use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, EdgeId, Millis, Network};
use hansom_simulator::scenario::{Incident, Scenario};
use hansom_simulator::traffic::{EDGE_END, Traffic};
use proptest::prelude::*;

/// A Saturday night in spring: at 01:00Z the clocks go from 2 to 3, at 23:00Z Saturday turns into Sunday.
fn scenario() -> Scenario {
    let text = "period = { start = \"2026-03-28T22:10:00+01:00\", end = \"2026-03-29T04:00:00+02:00\" }\n\
                timezone = \"Europe/Berlin\"\nnetwork = { synthetic = \"small-town\" }\nsupply = { vehicles = 3 }\n\
                demand = { rate_per_h = 9 }\n";
    Scenario::parse("night.toml", text, Path::new("/"), &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn open_roads() -> Scenario {
    let mut scenario = scenario();
    scenario.traffic.hidden = false;
    scenario
}

fn town() -> Network {
    sample::town(3, 12, 72)
}

/// Incidents around the first crossing that start and end within the night, overlapping.
fn incidents(network: &Network, start: Millis) -> Vec<Incident> {
    let center = network.node_coord(hansom_geo_index::NodeId(0));
    let radius = hansom_geo_index::Millimetres(700_000);
    let incident = |at: i64, duration: i64, factor: f64| Incident {
        at: start + Millis::from_secs(at),
        duration: Millis::from_secs(duration),
        center,
        radius,
        factor,
    };
    vec![incident(100, 3000, 3.0), incident(1000, 400, 0.5), incident(3200, 700, 7.5)]
}

/// Leaves by driving one millisecond at a time.
fn step(traffic: &Traffic, edge: EdgeId, from: u32, to: u32, enter: Millis) -> Millis {
    let mark = |time: u64, along: u32| (time * u64::from(along)) >> 16;
    let mut time = traffic.time_ms(edge, enter);
    let (mut at, mut driven) = (enter.0, mark(time, from));
    loop {
        let now = traffic.time_ms(edge, Millis(at));
        if driven == mark(time, to) {
            return Millis(at);
        }
        if now != time {
            driven = driven * now / time;
            time = now;
        }
        if driven == mark(time, to) {
            return Millis(at);
        }
        driven += 1;
        at += 1;
    }
}

/// Seconds from the period's start: any, or some minutes before the hour.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![0i64..5 * 3600, (0i64..5, 0i64..300).prop_map(|(hour, before)| 3000 + hour * 3600 - before)]
}

proptest! {
    #[test]
    fn leaving_equals_stepping(
        edge in 0u32..24, ends in (0..EDGE_END, 0..=EDGE_END), start in seconds(), slowdown in 0.5..8.0f64, with_incidents: bool,
    ) {
        let network = town();
        let mut scenario = scenario();
        scenario.traffic.slowdown = slowdown;
        if with_incidents {
            scenario.traffic.incidents = incidents(&network, scenario.period.start);
        }
        let traffic = Traffic::new(&scenario, &network);
        let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let enter = scenario.period.start + Millis(start * 1000 + 7);
        let edge = EdgeId(edge);
        let leave = traffic.leave(edge, from, to, enter);
        prop_assert_eq!(leave, step(&traffic, edge, from, to, enter));
        // Who enters later does not leave earlier.
        prop_assert!(traffic.leave(edge, from, to, enter + Millis(1)) >= leave);
        // On the way it is where it should be: at the end when it leaves, not beyond before, never backwards.
        let (mut before, duration) = (from, (leave - enter).0);
        for part in 0..=8 {
            let along = u32::from(traffic.along(edge, from, enter, enter + Millis(duration * part / 8)));
            prop_assert!(along >= before.min(EDGE_END - 1) && along <= to.max(from), "{} {} {} {}", from, before, along, to);
            before = along;
        }
        let one_ms = (u64::from(EDGE_END) / traffic.time_ms(edge, leave)) as u32 + 2;
        prop_assert!(u32::from(traffic.along(edge, from, enter, leave)) + one_ms >= to.min(EDGE_END - 1));
    }

    /// The exact share of the edge that is driven by then is the part asked for, but for a ms at each rounding.
    #[test]
    fn the_part_is_driven(edge in 0u32..24, start in seconds(), slowdown in 0.5..8.0f64) {
        let network = town();
        let mut scenario = scenario();
        scenario.traffic.slowdown = slowdown;
        scenario.traffic.incidents = incidents(&network, scenario.period.start);
        let traffic = Traffic::new(&scenario, &network);
        let (edge, enter) = (EdgeId(edge), scenario.period.start + Millis(start * 1000));
        let leave = traffic.leave(edge, 0, EDGE_END, enter);
        let (mut share, mut changes, mut fastest) = (0.0, 0, 0.0f64);
        for at in enter.0..leave.0 {
            let time = traffic.time_ms(edge, Millis(at));
            share += 1.0 / time as f64;
            fastest = fastest.max(1.0 / time as f64);
            changes += u32::from(at > enter.0 && traffic.time_ms(edge, Millis(at - 1)) != time);
        }
        prop_assert!((share - 1.0).abs() <= fastest * f64::from(changes) + 1e-9, "{} after {} changes", share, changes);
    }

    /// Without anything hidden, within an hour: the dispatcher's own figures.
    #[test]
    fn open_roads_take_the_dispatchers_times(edge in 0u32..24, part in 0..EDGE_END, minute in 0i64..40) {
        let (network, scenario) = (town(), open_roads());
        let traffic = Traffic::new(&scenario, &network);
        // From 22:10 to 22:50 it is Saturday, 22 h.
        let enter = scenario.period.start + Millis::from_secs(minute * 60);
        let version = hansom_geo_index::WeightsVersion(24 + 22);
        let w = u64::from(network.times_ms(version)[edge as usize]);
        let edge = EdgeId(edge);
        let takes = |from, to| (traffic.leave(edge, from, to, enter) - enter).0 as u64;
        prop_assert_eq!(takes(0, EDGE_END), w);
        prop_assert_eq!(takes(part, EDGE_END), w - ((w * u64::from(part)) >> 16));
        prop_assert_eq!(takes(0, part), (w * u64::from(part)) >> 16);
        prop_assert_eq!(traffic.time_ms(edge, enter), w);
    }
}

#[test]
fn hours_follow_local_time_and_the_day() {
    let (network, scenario) = (town(), open_roads());
    let traffic = Traffic::new(&scenario, &network);
    let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().expect("a time").as_millisecond());
    for (time, version) in [
        ("2026-03-28T22:10:00+01:00", 24 + 22),
        ("2026-03-28T23:59:59.999+01:00", 24 + 23),
        ("2026-03-29T00:00:00+01:00", 48),
        ("2026-03-29T01:59:59.999+01:00", 48 + 1),
        ("2026-03-29T03:00:00+02:00", 48 + 3),
        ("2026-03-29T06:30:00+02:00", 48 + 6),
        // Before and after the run: as at its ends.
        ("2026-03-28T12:00:00+01:00", 24 + 22),
        ("2026-03-30T12:00:00+02:00", 48 + 6),
    ] {
        let times = network.times_ms(hansom_geo_index::WeightsVersion(version));
        for (edge, &expected) in times.iter().enumerate() {
            assert_eq!(traffic.time_ms(EdgeId(edge as u32), at(time)), u64::from(expected), "{time}");
        }
    }
}

#[test]
fn slowdown_holds_without_anything_hidden() {
    let (network, mut scenario) = (town(), open_roads());
    scenario.traffic.slowdown = 1.5;
    scenario.traffic.incidents = incidents(&network, scenario.period.start);
    let traffic = Traffic::new(&scenario, &network);
    let times = network.times_ms(hansom_geo_index::WeightsVersion(24 + 22));
    for (edge, &time) in times.iter().enumerate() {
        let expected = (u64::from(time) * 3).div_ceil(2);
        assert_eq!(traffic.time_ms(EdgeId(edge as u32), scenario.period.start + Millis::from_secs(1200)), expected);
    }
}

#[test]
fn factors_have_their_spread_and_are_the_seeds() {
    let network = sample::grid(40, 40, 100_000, 60_000);
    let factors = |seed: u64| -> Vec<f64> {
        let scenario = Scenario { seed, ..scenario() };
        let traffic = Traffic::new(&scenario, &network);
        let edges = (0..network.edge_count() as u32).map(EdgeId);
        edges.map(|edge| libm::log(traffic.time_ms(edge, scenario.period.start) as f64 / 60_000.0)).collect()
    };
    let moments = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, libm::sqrt(values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64))
    };
    let (_, sd) = moments(&factors(1));
    assert!((0.19..0.21).contains(&sd), "{sd}");
    assert_eq!(factors(1), factors(1));
    // The mean over edges is the day's: over seeds it spreads by 0.10.
    let days: Vec<f64> = (0..200).map(|seed| moments(&factors(seed)).0).collect();
    let (mean, sd) = moments(&days);
    assert!(mean.abs() < 0.03 && (0.08..0.12).contains(&sd), "{mean} {sd}");
}

#[test]
fn incidents_slow_the_streets_around_them_while_they_last() {
    let network = sample::grid(9, 9, 100_000, 60_000);
    let mut scenario = open_roads();
    scenario.traffic.hidden = true;
    (scenario.traffic.day_sigma, scenario.traffic.edge_sigma) = (0.0, 0.0);
    let start = scenario.period.start;
    let center: Coord = network.node_coord(hansom_geo_index::NodeId(40));
    scenario.traffic.incidents = vec![Incident {
        at: start + Millis(1000),
        duration: Millis(2000),
        center,
        radius: hansom_geo_index::Millimetres(50_000),
        factor: 4.0,
    }];
    let traffic = Traffic::new(&scenario, &network);
    // Four streets meet at the middle, each driven both ways.
    let slow = |at: i64| {
        (0..network.edge_count() as u32)
            .filter(|&edge| traffic.time_ms(EdgeId(edge), start + Millis(at)) == 240_000)
            .count()
    };
    assert_eq!([slow(999), slow(1000), slow(2999), slow(3000)], [0, 8, 8, 0]);
    let edge = network.out_edges(hansom_geo_index::NodeId(40)).next().expect("a street");
    // 1 s at full pace, 2 s at a quarter, the rest of 60 s at full pace.
    assert_eq!(traffic.leave(edge, 0, EDGE_END, start), start + Millis(61_500));
    assert_eq!(traffic.fastest_ms(edge), 60_000);
}

#[test]
fn nothing_is_faster_than_the_fastest() {
    let network = town();
    let mut scenario = scenario();
    scenario.traffic.incidents = incidents(&network, scenario.period.start);
    let traffic = Traffic::new(&scenario, &network);
    for edge in (0..network.edge_count() as u32).map(EdgeId) {
        // Every ten seconds: times change only at multiples of that.
        let moments = (0..3 * 3600).map(|n| scenario.period.start + Millis::from_secs(n * 10));
        let least = moments.map(|at| traffic.time_ms(edge, at)).min();
        assert_eq!(Some(traffic.fastest_ms(edge)), least, "{edge:?}");
    }
}
