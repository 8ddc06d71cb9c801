//! What is learnt from a log of the world around its market, against a world that is known.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hansom_engine::lifecycle::ride::Outcome;
use hansom_market::log::Reader;
use hansom_simulator::counterfactual::Served;
use hansom_simulator::report::Trip;
use hansom_simulator::scenario::{Override, Scenario};
use hansom_simulator::{City, Known, Options, RunReport, city, simulate_in};
use tempfile::TempDir;

const TOWN: &str = "
period = { start = \"2026-03-05T08:05:00+01:00\", end = \"2026-03-05T10:35:00+01:00\" }
network = { synthetic = \"small-town\" }
demand = { rate_per_h = 400 }
rider = { patience_s = { p50 = 120, p90 = 240 }, no_show = 0.05 }
driver = { acceptance = 0.8, cancel = 0.05 }
supply = { vehicles = 32 }
traffic = { slowdown = 1.3, day_sigma = 0 }
policy = { kind = \"batch\" }
";

struct World {
    scenario: Scenario,
    city: City,
    report: RunReport,
    served: Served,
    _folder: TempDir,
}

fn world(keys: &str) -> World {
    let changes: Vec<Override> =
        keys.split_whitespace().map(|key| Override::parse(key).unwrap_or_else(|fault| panic!("{fault}"))).collect();
    let scenario =
        Scenario::parse("town.toml", TOWN, Path::new("/"), &changes).unwrap_or_else(|faults| panic!("{faults}"));
    let (city, _) = city::load(&scenario.network).expect("a city of ours");
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let options =
        Options { out: Some(folder.path().to_path_buf()), threads: 1, log: true, stop: &AtomicBool::new(false) };
    let report = simulate_in(&city, &scenario, &options, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
    let mut reader = Reader::open(folder.path()).expect("the run wrote a log");
    let served = Served::read(&mut reader, &city, scenario.alighting).expect("the log folds");
    World { scenario, city, report, served, _folder: folder }
}

fn known(served: &Served, seed: u64) -> Known {
    served.cast(seed).known.expect("people of a log are known")
}

#[test]
fn what_became_of_rides_is_read_as_it_was() {
    let World { report, served, .. } = world("");
    assert_eq!(served.trips.len(), report.trips.len());
    for (read, was) in served.trips.iter().zip(&report.trips) {
        // How far a vehicle drove is not in a log.
        assert_eq!(*read, Trip { driven_mm: 0, ..*was });
    }
    let names = |drivers: &[hansom_simulator::supply::Driver]| -> Vec<Box<str>> {
        drivers.iter().map(|driver| driver.name.clone()).collect()
    };
    assert_eq!(names(&served.shifts), names(&report.drivers));
}

#[test]
fn who_cancelled_keeps_the_wait_and_the_others_would_have_waited_longer() {
    let World { served, .. } = world("");
    let (one, other) = (known(&served, 1), known(&served, 2));
    let mut gave_up = 0;
    for (n, trip) in served.trips.iter().enumerate() {
        let (patience, again) = (one.riders[n].patience, other.riders[n].patience);
        match trip.outcome {
            Some(Outcome::CancelledBeforeMatch | Outcome::CancelledAfterMatch) => {
                let bore = trip.ended_at.expect("it ended") - trip.request.at;
                assert_eq!((patience, again), (bore, bore));
                gave_up += 1;
            }
            _ => assert!(patience >= served.waits[n].span && again >= served.waits[n].span, "{trip:?}"),
        }
        if let Some(shows) = one.riders[n].shows {
            assert_eq!(shows, trip.outcome != Some(Outcome::NoShow));
        }
    }
    assert!(gave_up > 50, "{gave_up}");
    assert_ne!(one.riders, other.riders, "what nobody has seen is drawn with the seed");
}

#[test]
fn habits_and_streets_are_learnt() {
    let World { scenario, city, served, .. } = world("demand.rate_per_h=900 supply.vehicles=60");
    let near = |found: f64, truth: f64, share: f64, what: &str| {
        assert!((found / truth - 1.0).abs() <= share, "{what}: {found} is not near {truth}");
    };
    let habits = &served.habits;
    let patience = habits.patience.expect("some gave up");
    near(patience.p50().0 as f64, 120_000.0, 0.15, "patience");
    near(patience.p90().0 as f64, 240_000.0, 0.25, "patience of the most patient");
    near(habits.acceptance, 0.8, 0.05, "acceptance");
    near(habits.boarding.0 as f64, scenario.boarding.0 as f64, 0.01, "boarding");
    near(habits.interval.0 as f64, scenario.pings.interval.0 as f64, 0.01, "interval");
    near(served.pace, 1.3, 0.05, "pace");
    // The true factor of each edge, against the learnt one and against the pace of all.
    let traffic = hansom_simulator::traffic::Traffic::new(&scenario, &city.network);
    let at = scenario.period.start;
    let believed = city.network.times_ms(scenario.hours(city.network.version_count() > 1)[0].version);
    let (mut learnt_off, mut all_off) = (0.0, 0.0);
    for (edge, factor) in served.factors.iter().enumerate() {
        let truth = traffic.time_ms(hansom_geo_index::EdgeId(edge as u32), at) as f64 / f64::from(believed[edge]);
        learnt_off += (factor - truth).abs();
        all_off += (served.pace - truth).abs();
    }
    assert!(learnt_off < 0.9 * all_off, "an edge is known better by what was driven on it: {learnt_off}, {all_off}");
}

#[test]
fn the_world_of_a_log_runs_again_under_its_own_rules_near_to_what_was() {
    let World { scenario, city, report, served, .. } = world("");
    let again = served.scenario(&scenario, scenario.period.start, 1);
    let options = Options { out: None, threads: 1, log: false, stop: &AtomicBool::new(false) };
    let rerun = |seed| {
        hansom_simulator::simulate_with(&city, &again, served.cast(seed), &options, &mut |_| {})
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let model = rerun(1);
    assert_eq!(model.summary.requests, report.summary.requests);
    assert_eq!(model.summary.invariant_violations, 0);
    assert_eq!(model.summary.event_chain, rerun(1).summary.event_chain);
    let off = (model.summary.service_rate - report.summary.service_rate).abs();
    assert!(off < 0.06, "{} against {}", model.summary.service_rate, report.summary.service_rate);
    let off = model.summary.wait_s.mean / report.summary.wait_s.mean;
    assert!((0.85..1.15).contains(&off), "{} against {}", model.summary.wait_s.mean, report.summary.wait_s.mean);
}
