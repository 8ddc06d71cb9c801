//! The world in small cities: what must hold of every run.

mod town;

use town::{Run, town};

#[test]
fn a_small_town_is_served() {
    let report = town("").autonomous().quiet().run();
    println!("{}", serde_json::to_string_pretty(&report.summary).expect("plain data"));
    println!("{:?} {}", report.violations, report.refused_commands);
    assert_eq!(report.summary.invariant_violations, 0);
    assert!(report.summary.service_rate > 0.9);
    let _ = Run::keys;
}
