//! A log under other rules: `hansom replay --policy`, `gate`, `why-not`.

use serde_json::Value;

use crate::harness::{Desk, root, shape};
use crate::log::best_total;

/// A desk with a run of the town in `run`.
fn with_run(change: &str) -> Desk {
    let desk = Desk::with_town();
    let run = desk.hansom(&format!("simulate town.toml --out run {change}"));
    assert_eq!(run.code, 0, "{}", run.err);
    desk
}

fn json(desk: &Desk, arguments: &str) -> Value {
    let said = desk.hansom(&format!("{arguments} --format json"));
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.whole()))
}

#[test]
fn the_same_policy_leads_to_the_same_event_chain() {
    let desk = Desk::new();
    for scenario in ["small-town", "quiet-night", "evening-peak"] {
        let file = root().join(format!("scenarios/{scenario}.toml"));
        let run = desk.hansom(&format!("simulate {} --out {scenario} --seed 5", file.display()));
        assert_eq!(run.code, 0, "{}", run.err);
        let summary: Value = serde_json::from_str(&desk.read(&format!("{scenario}/summary.json"))).expect("JSON");
        let toml: toml::Table = desk.read(&format!("{scenario}/scenario.toml")).parse().expect("TOML");
        let kind = toml["policy"]["kind"].as_str().expect("a policy");
        // Of the run only its log is needed.
        for file in ["summary.json", "scenario.toml", "trips.csv", "vehicles.csv"] {
            std::fs::remove_file(desk.path(scenario).join(file)).expect("the run wrote it");
        }
        let again = json(&desk, &format!("replay {scenario}/log --policy {kind}"));
        for run in ["baseline", "other"] {
            for key in ["event_chain", "state_digest"] {
                assert_eq!(again[run][key], summary[key], "{scenario}, {run}");
            }
        }
        assert_eq!(again["changed"], Value::Array(Vec::new()));
    }
}

#[test]
fn another_policy_is_compared_on_the_same_world() {
    let desk = with_run("--set policy.kind=nearest --set demand.rate_per_h=120 --set supply.vehicles=5");
    let change = "--policy batch --set policy.batch_window_s=20";
    let other = json(&desk, &format!("replay run {change}"));
    assert_eq!(other["baseline"]["rules"], "as logged");
    // What comes of it is what a run under that policy comes to.
    let run = "simulate town.toml --set policy.kind=batch --set policy.batch_window_s=20 --set demand.rate_per_h=120 \
        --set supply.vehicles=5 --out batch";
    assert_eq!(desk.hansom(run).code, 0);
    let summary: Value = serde_json::from_str(&desk.read("batch/summary.json")).expect("JSON");
    assert_eq!(other["other"]["event_chain"], summary["event_chain"]);
    let compared = json(&desk, "compare run batch");
    assert_eq!(other["kpis"], compared["kpis"]);
    // The rides that end otherwise are those whose rows say so.
    let outcomes = |run: &str| -> Vec<String> {
        let rows = desk.read(&format!("{run}/trips.csv"));
        rows.lines().skip(1).map(|row| row.split(',').nth(8).expect("an outcome").to_owned()).collect()
    };
    let (before, after) = (outcomes("run"), outcomes("batch"));
    let changed = other["changed"].as_array().expect("a list");
    let numbers: Vec<u64> = changed.iter().map(|it| it["ride"].as_u64().expect("a number")).collect();
    let expected: Vec<u64> =
        (1..).zip(before.iter().zip(&after)).filter(|(_, (a, b))| a != b).map(|(n, _)| n).collect();
    assert_eq!(numbers, expected);
    assert!(!changed.is_empty());
    for ride in changed {
        let n = ride["ride"].as_u64().expect("a number") as usize - 1;
        assert_eq!((&ride["before"], &ride["after"]), (&before[n].as_str().into(), &after[n].as_str().into()));
        assert!(ride["reason"].as_str().is_some_and(|reason| reason.contains("before")), "{ride}");
    }
    let text = desk.hansom(&format!("replay run {change}"));
    assert_eq!(text.code, 0, "{}", text.err);
    let table = text.out.split("end otherwise").next().expect("a table");
    insta::assert_snapshot!(shape(table).replace([' ', '+', '-'], " ").replace("  ", " ").replace(" # of", "# of"));
}

#[test]
fn the_world_of_a_log_stays_as_it_is() {
    let desk = with_run("");
    let stopped = desk.hansom("replay run --policy nearest --verify");
    assert_eq!(stopped.code, 2, "{}", stopped.whole());
    insta::assert_snapshot!(desk.transcript(&[
        "replay run --set supply.vehicles=9",
        "replay run --policy nearest --set policy.constants.rating=10",
        "replay run --policy neerest",
        "replay run --set policy.batch_windw_s=3",
    ]));
}

#[test]
fn a_world_that_changed_since_is_not_taken_for_the_log_s() {
    let desk = Desk::with_town();
    desk.write("fleet.csv", "vehicle_id,lat,lon,start,end,seats,autonomous\nv1,47.9938,10.9929,,,4,\n");
    assert_eq!(desk.hansom("simulate town.toml --set supply.file=fleet.csv --out run").code, 0);
    assert_eq!(desk.hansom("replay run --policy nearest").code, 0);
    desk.write("fleet.csv", "vehicle_id,lat,lon,start,end,seats,autonomous\nv1,47.9938,10.9929,,,4,true\n");
    let said = desk.hansom("replay run --policy nearest");
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(said.err.starts_with("error[E0708]: "), "{}", said.err);
}

#[test]
fn a_gate_is_shut_by_a_broken_guard_alone() {
    let desk = with_run("--set demand.rate_per_h=120 --set supply.vehicles=5");
    desk.write("same.toml", "network = { synthetic = \"small-town\" }\n");
    desk.write("hasty.toml", "network = { synthetic = \"small-town\" }\npolicy = { max_wait_s = 30 }\n");
    let same = desk.hansom("gate --log run --candidate same.toml --guard wait_s.p95<=+0% service_rate>=-0%");
    assert_eq!(same.code, 0, "{}", same.whole());
    insta::assert_snapshot!("gate_open", shape(&same.out));
    let hasty =
        desk.hansom("gate --log run --candidate hasty.toml --guard wait_s.p95<=+2% --guard service_rate>=-0.5%");
    assert_eq!(hasty.code, 1, "{}", hasty.whole());
    insta::assert_snapshot!("gate_shut", shape(&hasty.out).replace('-', ""));
    let judged = desk.hansom("gate --log run --candidate hasty.toml --guard service_rate>=-0.5% --format json");
    assert_eq!(judged.code, 1);
    let judged: Value = serde_json::from_str(&judged.out).expect("one JSON object");
    let summary: Value = serde_json::from_str(&desk.read("run/summary.json")).expect("JSON");
    assert_eq!((&judged["holds"], &judged["guards"][0]["log"]), (&Value::Bool(false), &summary["service_rate"]));
    // A scenario may be the candidate, too: what it says of the world is passed over.
    let scenario = "gate --log run --candidate town.toml --guard service_rate>=-0%";
    assert_eq!(desk.hansom(scenario).code, 0);
    assert_eq!(desk.hansom(&format!("{scenario} --set policy.max_wait_s=30")).code, 1);
}

#[test]
fn guards_that_make_no_sense_are_explained() {
    let desk = with_run("");
    desk.write("market.toml", "network = { synthetic = \"small-town\" }\n");
    desk.write("river.toml", "network = { synthetic = \"river-town\" }\n");
    desk.write("wrong.toml", "network = { synthetic = \"small-town\" }\npolicy = { kind = \"batsh\" }\n");
    insta::assert_snapshot!(desk.transcript(&[
        "gate --log run --candidate market.toml --guard wait_s.p59<=+2%",
        "gate --log run --candidate market.toml --guard wall_s<=+2%",
        "gate --log run --candidate market.toml --guard service_rate",
        "gate --log run --candidate market.toml --guard service_rate>=much",
        "gate --log run --candidate wrong.toml --guard service_rate>=-1%",
        "gate --log run --candidate river.toml --guard service_rate>=-1%",
        "gate --log run --candidate market.toml",
    ]));
}

/// What `why-not` says of each ride and driver, against every assignment of the batch that decided it.
#[test]
fn the_least_change_that_gives_a_ride_to_another_is_the_least() {
    let desk = with_run(
        "--set policy.kind=batch --set policy.batch_window_s=90 --set supply.vehicles=4 --set demand.rate_per_h=120",
    );
    let (mut judged, mut got) = (0, 0);
    for (ride, driver) in (1..=8).flat_map(|ride| ["d0", "d1", "d2", "d3"].map(|driver| (ride, driver))) {
        let why = json(&desk, &format!("why-not run {ride} {driver}"));
        for offer in why["offers"].as_array().expect("offers").iter().filter(|offer| offer["basis"].is_u64()) {
            let batch = json(&desk, &format!("batch dump run --offset {}", offer["basis"]));
            let place = |list: &str, of: &Value| batch[list].as_array().expect("a list").iter().position(|it| it == of);
            let row = place("rides", &why["ride"]).expect("the ride is in the batch");
            let Some(column) = place("drivers", &driver.into()) else { continue };
            let arcs = batch["arcs"].as_array().expect("arcs");
            let Some(arc) = arcs.iter().find(|arc| arc["row"] == row && arc["column"] == column) else { continue };
            let (row, column) = (row as u64, column as u64);
            let open = batch["unserved"][row as usize].as_i64().expect("a cost");
            let with =
                arc["cost"].as_i64().expect("a cost") - open + best_total(&batch, &|r, c| r != row && c != column);
            let without = best_total(&batch, &|r, c| (r, c) != (row, column));
            let cheaper = offer["cheaper"].as_i64().expect("an arc may become as cheap as need be");
            // At a tie either may get it, by the order of drivers.
            assert!(with - cheaper <= without, "ride {ride}, {driver}: {offer}");
            assert!(
                cheaper == 0 || with - (cheaper - 1) >= without,
                "less would have done: ride {ride}, {driver}: {offer}"
            );
            if let Some(nearer) = offer["nearer_ms"].as_i64() {
                assert_eq!(nearer, cheaper, "with ETA at 1000 per mille alone");
            }
            judged += 1;
            got += u32::from(cheaper == 0 && offer["chosen"] == driver);
        }
    }
    assert!(judged > got && got > 0, "{judged} pairs of which {got} were chosen");
}

#[test]
fn why_not_explains_who_could_not_be_asked() {
    let desk = with_run("--set policy.kind=nearest --set supply.vehicles=2");
    let story = desk.hansom("why run 1");
    let chosen = if story.out.contains("to driver d0") { "d0" } else { "d1" };
    let said = desk.hansom(&format!("why-not run 1 {chosen}"));
    assert_eq!((said.code, said.out.ends_with(&format!("{chosen} got it\n"))), (0, true), "{}", said.whole());
    insta::assert_snapshot!(desk.transcript(&["why-not run 1 d00", "why-not run 100000 d0"]));
}

#[test]
fn the_log_of_a_served_market_is_run_again_beside_the_error_of_its_model() {
    let desk = Desk::with_town();
    let city = "serve --scenario town.toml --speed 600 --data data --insecure-dev --listen 127.0.0.1:0 --set demand.rate_per_h=120 \
        --set rider.patience_s=200 --set policy.kind=nearest";
    let served = desk.hansom(city);
    assert_eq!(served.code, 0, "{}", served.whole());
    let other = json(&desk, "replay data/town --policy batch --seeds 1..3");
    let log = desk.hansom("log cat data/town").out;
    let asked = log.lines().filter(|line| line.contains("\"type\":\"RideRequested\"")).count();
    assert_eq!(other["requests"].as_u64(), Some(asked as u64));
    assert_eq!(other["learnt"]["shifts"], 8);
    let errors = other["model_error"].as_array().expect("a list");
    let error = errors.iter().find(|error| error["kpi"] == "service_rate").expect("a log has a service rate");
    let figure = |key: &str| error[key].as_f64().expect("a number");
    assert!((figure("log") - figure("model")).abs() < 0.15, "{error}");
    // Against itself nothing is different, whatever the model is worth.
    let same = json(&desk, "replay data/town --policy nearest --seeds 1..3");
    assert_eq!(same["baseline"]["event_chain"], same["other"]["event_chain"]);
    assert_eq!(same["baseline"]["event_chain"], other["baseline"]["event_chain"], "one seed is one world");
    for kpi in same["kpis"].as_array().expect("figures") {
        let differences = kpi["differences"][0]["by_pair"].as_array().expect("a list");
        assert!(differences.iter().all(|difference| difference.as_f64() == Some(0.0)), "{kpi}");
    }
    let text = desk.hansom("replay data/town --policy batch --seeds 1..3");
    assert_eq!(text.code, 0, "{}", text.err);
    for part in [
        "requests of a market that was served, 3 seeds",
        "learnt: patience",
        "the model against the log",
        "end otherwise, with seed 1",
    ] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
    let gate = "gate --log data/town --candidate town.toml --guard service_rate>=-0% --seeds 1..2";
    assert_eq!(desk.hansom(&format!("{gate} --set policy.kind=nearest")).code, 0);
    assert_eq!(desk.hansom(&format!("{gate} --set policy.max_wait_s=5")).code, 1);
}
