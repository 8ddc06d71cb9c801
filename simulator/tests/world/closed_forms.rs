//! Queues whose answers are known: rides from A to B only, and cars that stand at B. A ride keeps a car busy for the way
//! there and back, so N cars are N servers with one deterministic service time: M/D/N.

use hansom_simulator::report::Trip;
use hansom_simulator::rng::{Purpose, Stream};

use crate::town::Street;

/// Time of the street one way, ms.
const T_MS: u32 = 20_000;

/// What the way takes: the places at the ends are the last ones on their edges, a 65,536th before the crossing.
const WAY_MS: i64 = T_MS as i64 - 1;

/// Poisson arrivals with `rate` a ms, as many as `count`.
fn arrivals(seed: u64, rate: f64, count: usize) -> Vec<(i64, usize, usize)> {
    let gaps = Stream::new(seed, Purpose::RequestGap);
    let mut at = 0.0;
    let mut next = |n: u64| {
        at += gaps.draw(1, n).exponential() / rate;
        (at as i64, Street::A, Street::B)
    };
    (0..count as u64).map(&mut next).collect()
}

#[test]
fn an_overloaded_fleet_completes_what_it_can() {
    let street = Street::new(T_MS);
    for (cars, hours) in [(1, 2), (3, 2), (10, 1)] {
        let busy_ms = 2.0 * T_MS as f64;
        let span_ms = hours * 3_600_000;
        let capacity = cars as f64 * span_ms as f64 / busy_ms;
        // Overloaded from the start: one more rider than cars is there already.
        let mut rides = vec![(0, Street::A, Street::B); cars + 1];
        rides.extend(arrivals(1, 2.0 * cars as f64 / busy_ms, (2.0 * capacity) as usize));
        for horizon in [0, 240] {
            let run = street.run(&rides, &vec![Street::B; cars], span_ms / 1000);
            let report = run.keys(&format!("policy.chain_horizon_s={horizon}")).run();
            let end = Street::START.0 + span_ms;
            let ended = report.trips.iter().filter_map(Trip::dropped_off_at);
            let completed = ended.filter(|at| at.0 < end).count() as f64;
            assert!(
                (completed - capacity).abs() <= cars as f64,
                "{cars} cars, horizon {horizon}: {completed} of {capacity}"
            );
            assert_eq!(report.summary.invariant_violations, 0, "{:?}", report.violations);
        }
    }
}

/// Mean wait in M/D/c over the service time, by Crommelin's formula (C. D. Crommelin, "Delay probability formulae when
/// the holding times are constant", Post Office Electrical Engineers' Journal 25, 1932):
/// Σ over i ≥ 1 of P(X ≥ ic) - P(X > ic) / ρ, with X Poisson of mean icρ.
fn crommelin(servers: u32, load: f64) -> f64 {
    let mut sum = 0.0;
    for i in 1..100_000 {
        let k = f64::from(i * servers);
        let mean = k * load;
        let at_k = libm::exp(k * libm::log(mean) - mean - libm::lgamma(k + 1.0));
        let (mut term, mut above, mut n) = (at_k, 0.0, k);
        while term > 1e-18 {
            n += 1.0;
            term *= mean / n;
            above += term;
        }
        let part = at_k + above - above / load;
        sum += part;
        if part < 1e-12 {
            break;
        }
    }
    sum
}

#[test]
fn the_formula_is_that_of_one_server_for_one_server() {
    for load in [0.3, 0.5, 0.8, 0.9] {
        let known = load / (2.0 * (1.0 - load));
        assert!((crommelin(1, load) - known).abs() < 1e-6, "{load}: {} {known}", crommelin(1, load));
    }
}

/// Runs so many seeds; mean wait beyond the way to the rider must be the exact one inside the 99.9 % interval.
fn waits_agree(load: f64, rides: usize, warm_up: usize, horizon_s: u32) {
    const SEEDS: u64 = 30;
    /// The 99.95th percentile of Student's t with 29 degrees of freedom.
    const T: f64 = 3.659;
    for cars in [1, 3, 10] {
        let service_ms = 2.0 * WAY_MS as f64;
        let rate = load * cars as f64 / service_ms;
        let street = Street::new(T_MS);
        let means: Vec<f64> = (0..SEEDS)
            .map(|seed| {
                let rides = arrivals(seed, rate, rides);
                let seconds = rides.last().expect("there are rides").0 / 1000 + 1;
                let run = street.run(&rides, &vec![Street::B; cars], seconds);
                // Nobody moves unseen in between, so reports are rare: they only cost time.
                let report = run.keys(&format!("policy.chain_horizon_s={horizon_s} pings.interval_s=3600")).run();
                assert_eq!(report.summary.invariant_violations, 0, "{:?}", report.violations);
                let waits = report.trips[warm_up..].iter().map(|trip| trip.wait().expect("nobody gives up").0 - WAY_MS);
                waits.sum::<i64>() as f64 / (rides.len() - warm_up) as f64
            })
            .collect();
        let n = SEEDS as f64;
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
        let half = T * libm::sqrt(variance / n);
        let exact = crommelin(cars as u32, load) * service_ms;
        println!("{cars} cars, load {load}, horizon {horizon_s}: {mean:.0} ± {half:.0} ms, exact {exact:.0}");
        assert!((mean - exact).abs() <= half, "{cars} cars, load {load}: {mean} ± {half} ms, exact {exact}");
    }
}

#[test]
fn waits_are_those_of_the_queue_at_half_load() {
    waits_agree(0.5, 1500, 200, 0);
    waits_agree(0.5, 1500, 200, 240);
}

#[test]
fn waits_are_those_of_the_queue_at_load_80() {
    waits_agree(0.8, 2500, 500, 0);
    waits_agree(0.8, 2500, 500, 240);
}

#[test]
fn waits_are_those_of_the_queue_at_load_90() {
    waits_agree(0.9, 4000, 1500, 0);
}

#[test]
fn waits_are_those_of_the_queue_at_load_90_with_chained_rides() {
    waits_agree(0.9, 4000, 1500, 240);
}
