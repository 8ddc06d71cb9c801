//! `hansom compare`.

use serde_json::Value;

use crate::harness::{Desk, shape};

#[test]
fn arms_are_run_on_every_seed_and_compared_in_pairs() {
    let desk = Desk::with_town();
    let said = desk.hansom("compare town.toml --arm policy.kind=nearest --arm policy.kind=batch policy.batch_window_s=30 --seeds 1..3 --out both");
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(unjudged(&said.out));
    assert!(desk.read("both/compare.html").contains("policy.kind=batch policy.batch_window_s=30"));

    // The runs it made are runs like any others.
    let runs =
        "both/arm-0/seed-1 both/arm-0/seed-2 both/arm-0/seed-3 both/arm-1/seed-3 both/arm-1/seed-2 both/arm-1/seed-1";
    let again = desk.hansom(&format!("compare {runs} --format json"));
    assert_eq!(again.code, 0, "{}", again.err);
    let figures = |text: &str| serde_json::from_str::<Value>(text).expect("one JSON object")["kpis"].clone();
    assert_eq!(figures(&again.out), figures(&desk.read("both/compare.json")));
}

/// The shape of a comparison without signs and verdicts, which are figures, too.
fn unjudged(text: &str) -> String {
    let shape = shape(text).replace([' ', '+', '-'], " ").replace("  ", " ");
    ["better", "worse", "differs"].iter().fold(shape, |shape, verdict| shape.replace(&format!(" {verdict}\n"), "\n"))
}

#[test]
fn a_run_of_a_comparison_is_the_run_that_simulate_makes() {
    let desk = Desk::with_town();
    assert_eq!(desk.hansom("compare town.toml --arm policy.kind=nearest --seeds 5 --out both").code, 0);
    assert_eq!(desk.hansom("simulate town.toml --seed 5 --out alone").code, 0);
    let chain = |file: &str| serde_json::from_str::<Value>(&desk.read(file)).expect("JSON")["event_chain"].clone();
    assert_eq!(chain("both/arm-0/seed-5/summary.json"), chain("alone/summary.json"));
}

#[test]
fn arms_of_finished_runs_are_named_by_what_sets_them_apart() {
    let desk = Desk::with_town();
    for (seed, kind) in [(1, "batch"), (2, "batch"), (1, "nearest"), (2, "nearest"), (3, "nearest")] {
        let run =
            desk.hansom(&format!("simulate town.toml --seed {seed} --set policy.kind={kind} --out {kind}-{seed}"));
        assert_eq!(run.code, 0, "{}", run.err);
    }
    let said = desk.hansom("compare nearest-1 nearest-2 nearest-3 batch-2 batch-1");
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(unjudged(&said.out));
}

#[test]
fn runs_that_do_not_belong_together_are_refused() {
    let desk = Desk::with_town();
    for (name, change) in [
        ("base", "--seed 1"),
        ("same", "--seed 1"),
        ("seed", "--seed 2"),
        ("busy", "--seed 1 --set demand.rate_per_h=90"),
        ("early", "--seed 1 --set period.end=2026-03-05T08:30:00+01:00"),
        ("city", "--seed 1 --set network.synthetic=river-town"),
        ("few", "--seed 2 --set supply.vehicles=4"),
    ] {
        let run = desk.hansom(&format!("simulate town.toml --out {name} {change}"));
        assert_eq!(run.code, 0, "{}", run.err);
    }
    insta::assert_snapshot!(desk.transcript(&[
        "compare base busy",
        "compare base early",
        "compare base city",
        "compare base same few",
        "compare base seed",
        "compare base",
        "compare base few",
        "compare base nowhere",
    ]));
}

#[test]
fn arms_and_seeds_that_make_no_sense_are_explained() {
    let desk = Desk::with_town();
    insta::assert_snapshot!(desk.transcript(&[
        "compare town.toml --arm policy.kind=nearest --seeds 5..1",
        "compare town.toml --arm policy.kid=nearest --seeds 1..2",
        "compare town.toml --arm nearest --seeds 1..2",
        "compare town.toml town.toml --arm policy.kind=nearest --seeds 1..2",
        "compare town.toml --seeds 1..2",
    ]));
}

#[test]
fn a_scenario_is_held_against_itself_on_disjoint_seeds() {
    let desk = Desk::with_town();
    let said = desk
        .hansom("compare town.toml --itself 3 --seeds 4..6 --format json --set period.end=2026-03-05T08:10:00+01:00");
    assert_eq!(said.code, 0, "{}", said.err);
    let covered: Value = serde_json::from_str(&said.out).expect("one JSON object");
    assert_eq!((&covered["times"], &covered["seeds_an_arm"]), (&Value::from(3), &Value::from(3)));
    let rate = &covered["kpis"][0];
    assert_eq!((&rate["kpi"], &rate["intervals"]), (&Value::from("service_rate"), &Value::from(3)));
    assert_eq!(desk.hansom("compare town.toml --itself 3 --arm policy.kind=nearest").code, 2);
    let text = desk.hansom("compare town.toml --itself 2 --seeds 1..2 --set period.end=2026-03-05T08:10:00+01:00");
    assert!(text.out.contains("cover zero"), "{}", text.whole());
}
