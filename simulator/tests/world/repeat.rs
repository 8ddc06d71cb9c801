//! The same again, and what does not change when something else does.

use std::fs;
use std::sync::atomic::AtomicBool;

use crate::town::town;

/// Everything at once: cancelling, dark phones, riders who do not come, cruising, shifts that end.
pub const LIVELY: &str = "driver.acceptance=0.7 driver.cancel=0.2 driver.dark=0.2 rider.no_show=0.1 rider.patience_s=200 \
    supply.idle=cruise pings.frozen=0.1 policy.kind=nearest supply.shift_end=2026-03-05T08:40:00+01:00";

#[test]
fn one_seed_is_one_run_on_one_and_two_threads() {
    for keys in ["policy.kind=batch", LIVELY] {
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder for temporary files"));
        let runs =
            [(0, 1), (1, 1), (2, 2)].map(|(n, threads)| town(keys).out(folders[n].path()).threads(threads).run());
        for (run, folder) in runs.iter().zip(&folders) {
            let (first, given) = (&runs[0].summary, &run.summary);
            assert_eq!(first.event_chain, given.event_chain);
            assert_eq!(first.state_digest, given.state_digest);
            assert!(given.log_bytes > 0);
            for file in ["trips.csv", "vehicles.csv", "scenario.toml"] {
                let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(file)).expect("the run wrote it");
                assert_eq!(read(&folders[0]), read(folder), "{file}");
            }
        }
    }
    assert_ne!(town("").run().summary.event_chain, town("seed=2").run().summary.event_chain);
}

#[test]
fn a_vehicle_is_the_same_in_every_larger_fleet() {
    for keys in ["", "supply.place=uniform"] {
        let large = town(keys).run().drivers;
        let small = town(keys).keys("supply.vehicles=8").run().drivers;
        assert_eq!(small, large[..8]);
    }
}

/// The dispatcher believes what its maps say, whatever the streets do: hidden traffic shows in what happens alone.
#[test]
fn beliefs_do_not_peek_at_hidden_traffic() {
    let still = "traffic.hidden=false pings.noise_m=0 alighting_s=0 supply.vehicles=60 rider.no_show=0";
    let (fast, slow) = (town(still).run(), town(still).keys("traffic.slowdown=1.5").run());
    assert_eq!(fast.trips.len(), slow.trips.len());
    let nine = fast.trips[0].request.at.0 / 3_600_000 * 3_600_000 + 3_600_000;
    let mut compared = 0;
    for (fast, slow) in fast.trips.iter().zip(&slow.trips) {
        let direct = |quote: Option<hansom_simulator::report::Quote>| quote.map(|quote| quote.direct_ms);
        assert_eq!(direct(fast.quote), direct(slow.quote));
        // Where the hour changes on the way, streets take other times.
        let within_hour = |at: Option<hansom_geo_index::Millis>| at.is_some_and(|at| at.0 < nine);
        if let (Some(one), Some(other)) = (fast.in_vehicle(), slow.in_vehicle())
            && within_hour(fast.dropped_off_at())
            && within_hour(slow.dropped_off_at())
        {
            compared += 1;
            let ratio = other.0 as f64 / one.0 as f64;
            assert!((ratio - 1.5).abs() <= 0.03, "{one} and {other}");
        }
    }
    assert!(compared * 10 > fast.trips.len() * 9, "{compared} of {}", fast.trips.len());
}

#[test]
fn a_run_that_is_stopped_says_so() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let report = town("").out(folder.path()).run_until(&AtomicBool::new(true));
    assert!(report.summary.partial);
    assert_eq!(report.summary.requests, report.trips.len() as u64);
    let written = fs::read_to_string(folder.path().join("summary.json")).expect("the run wrote it");
    assert!(written.contains("\"partial\": true"), "{written}");
}
