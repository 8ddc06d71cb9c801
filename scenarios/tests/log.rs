//! `hansom log`, `replay`, `why` and `batch`: what can be learnt from a log.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Desk, shape};

/// A desk with a run of the town in `run`.
fn with_run(change: &str) -> Desk {
    let desk = Desk::with_town();
    let run = desk.hansom(&format!("simulate town.toml --out run {change}"));
    assert_eq!(run.code, 0, "{}", run.err);
    desk
}

fn first_segment(desk: &Desk) -> PathBuf {
    let entries = fs::read_dir(desk.path("run/log")).expect("the log");
    entries.map(|entry| entry.expect("an entry").path()).min().expect("a segment")
}

#[test]
fn a_log_leads_to_the_digests_of_its_run_both_ways() {
    let desk = with_run("");
    for arguments in ["replay run", "replay run --verify", "replay run/log --verify", "log ls run", "log verify run"] {
        let said = desk.hansom(arguments);
        assert_eq!(said.code, 0, "{arguments}: {}", said.err);
        insta::assert_snapshot!(arguments.replace([' ', '/'], "_"), shape(&said.out));
    }
    let summary: Value = serde_json::from_str(&desk.read("run/summary.json")).expect("JSON");
    let replayed: Value = serde_json::from_str(&desk.hansom("replay run --verify --format json").out).expect("JSON");
    for key in ["event_chain", "state_digest", "turns", "pings"] {
        assert_eq!(summary[key], replayed[key], "{key}");
    }
}

#[test]
fn cat_prints_one_turn_a_line() {
    let desk = with_run("");
    let said = desk.hansom("log cat run --from 5 --count 3");
    assert_eq!(said.code, 0, "{}", said.err);
    let turns: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(turns.iter().map(|turn| turn["offset"].as_u64()).collect::<Vec<_>>(), [Some(5), Some(6), Some(7)]);
    assert!(turns.iter().all(|turn| turn["command"]["type"].is_string() && turn["events"].is_array()));
}

#[test]
fn a_ride_has_a_story_up_to_any_time() {
    let desk = with_run("");
    let whole = desk.hansom("replay run --ride 1");
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(whole.out.contains("requested by r1"), "{}", whole.out);
    assert!(whole.out.contains("1 seat, ") && whole.out.contains("fare USD "), "{}", whole.out);
    let driver = desk.read("run/trips.csv").lines().nth(1).and_then(|row| row.split(',').nth(9).map(str::to_owned));
    let driver = driver.filter(|name| !name.is_empty()).expect("the first ride was matched");
    assert!(
        whole.out.contains(&format!("driver {driver} accepted")),
        "{driver} is the name in trips.csv: {}",
        whole.out
    );
    assert!(whole.out.contains("settled: rider USD -"), "{}", whole.out);
    let early = desk.hansom("replay run --ride 1 --until 2026-03-05T08:20:00+01:00");
    assert!(whole.out.starts_with(&early.out));
    insta::assert_snapshot!(shape(&desk.hansom("replay run --ride 100000").err));
    insta::assert_snapshot!(desk.hansom("replay run --until noon").whole());
}

#[test]
fn why_shows_what_an_offer_was_chosen_from() {
    let desk = with_run("--set policy.kind=nearest");
    let text = desk.hansom("why run 1");
    assert_eq!(text.code, 0, "{}", text.err);
    assert!(text.out.contains("chosen"), "{}", text.out);
    let why: Value = serde_json::from_str(&desk.hansom("why run 1 --format json").out).expect("one JSON object");
    let offer = &why["offers"][0];
    let candidates = offer["nearest"]["candidates"].as_array().expect("candidates");
    assert_eq!(candidates[0]["driver"], offer["driver"], "the cheapest that may serve is chosen");
    let may_serve = |candidate: &&Value| candidate["ruled_out"].is_null();
    for (place, other) in candidates.iter().filter(may_serve).enumerate() {
        let gap = other["cost"].as_i64().expect("a cost") - offer["cost"].as_i64().expect("a cost");
        let number = |driver: &Value| driver.as_str().and_then(|name| name[1..].parse::<u32>().ok()).expect("a driver");
        // Equal cost goes to the lower number.
        let least = gap + i64::from(number(&other["driver"]) > number(&offer["driver"]));
        let expected =
            if place == 0 { serde_json::json!([]) } else { serde_json::json!([{ "term": "eta", "by": -least }]) };
        assert_eq!(other["flips"], expected, "with ETA at 1000 per mille alone");
    }
    assert_eq!(desk.hansom("why run 100000").code, 2);
}

#[test]
fn a_batch_can_be_solved_elsewhere() {
    let desk = with_run("--set policy.kind=batch --set policy.batch_window_s=60 --set supply.vehicles=3");
    let turns = desk.hansom("log cat run").out;
    let proposal = turns.lines().find(|line| line.contains("\"type\":\"Propose\"")).expect("a batch");
    let turn: Value = serde_json::from_str(proposal).expect("JSON");
    let offset = turn["offset"].as_u64().expect("an offset");
    let said = desk.hansom(&format!("batch dump run --offset {offset}"));
    assert_eq!(said.code, 0, "{}", said.err);
    let batch: Value = serde_json::from_str(&said.out).expect("one JSON object");
    assert_eq!(batch["offset"], turn["command"]["basis"]);
    let total = batch["total"].as_i64().expect("a total");
    assert_eq!((batch["proved_total"].as_i64(), best_total(&batch, &|_, _| true)), (Some(total), total));
    let csv = desk.hansom(&format!("batch dump run --offset {} --format csv", batch["offset"])).out;
    let chosen: i64 = csv.lines().skip(1).filter(|line| line.ends_with(",1")).map(cost_of).sum();
    assert_eq!(chosen, total);
    insta::assert_snapshot!(shape(&desk.hansom("batch dump run --offset 0").err));
}

fn cost_of(line: &str) -> i64 {
    line.split(',').nth(2).and_then(|cost| cost.parse().ok()).expect("a cost")
}

/// The least total cost, found by trying everything: each ride open or on one of the arcs that `allows` (row and column)
/// leaves it, each driver once.
pub fn best_total(batch: &Value, allows: &dyn Fn(u64, u64) -> bool) -> i64 {
    fn best(batch: &Value, allows: &dyn Fn(u64, u64) -> bool, row: u64, taken: &mut Vec<u64>) -> i64 {
        let Some(open) = batch["unserved"].get(row as usize).and_then(Value::as_i64) else { return 0 };
        let mut least = open + best(batch, allows, row + 1, taken);
        for arc in batch["arcs"].as_array().into_iter().flatten().filter(|arc| arc["row"] == row) {
            let (column, cost) = (arc["column"].as_u64().expect("a column"), arc["cost"].as_i64().expect("a cost"));
            if !taken.contains(&column) && allows(row, column) {
                taken.push(column);
                least = least.min(cost + best(batch, allows, row + 1, taken));
                taken.pop();
            }
        }
        least
    }
    best(batch, allows, 0, &mut Vec::new())
}

#[test]
fn a_damaged_log_is_named_to_the_byte() {
    let desk = with_run("");
    let segment = first_segment(&desk);
    let whole = fs::read(&segment).expect("a segment");
    // The last eight bytes are the seal.
    let damages: [(&str, Vec<u8>); 3] = [
        ("middle", {
            let mut bytes = whole.clone();
            bytes[whole.len() / 2] ^= 1;
            bytes
        }),
        ("end", whole[..whole.len() - 8 - 3].to_vec()),
        ("unfinished", whole[..whole.len() - 8].to_vec()),
    ];
    for (name, bytes) in damages {
        fs::write(&segment, bytes).expect("writing a segment");
        for command in ["log verify run", "log ls run", "replay run"] {
            let said = desk.hansom(command);
            assert_eq!(said.code, 4, "{name}, {command}: {}", said.whole());
        }
        insta::assert_snapshot!(name, shape(&desk.hansom("log verify run").whole()));
    }
}

#[test]
fn a_log_that_does_not_lead_to_its_summary_diverges() {
    let desk = with_run("");
    let summary = desk.read("run/summary.json");
    let at = summary.find("\"event_chain\": \"").expect("a chain") + 16;
    desk.write("run/summary.json", &format!("{}{}{}", &summary[..at], "0".repeat(32), &summary[at + 32..]));
    let said = desk.hansom("replay run");
    assert_eq!(said.code, 3);
    assert!(said.err.starts_with("error[E0704]: "), "{}", said.err);
}

#[test]
fn a_log_on_other_streets_is_refused() {
    let desk = Desk::with_town();
    assert_eq!(desk.hansom("import synthetic small-town --out streets.network").code, 0);
    assert_eq!(desk.hansom("simulate town.toml --set network.file=streets.network --out run").code, 0);
    assert_eq!(desk.hansom("replay run").code, 0);
    assert_eq!(desk.hansom("import synthetic small-town --seed 2 --out streets.network").code, 0);
    insta::assert_snapshot!(desk.hansom("replay run").whole());
    insta::assert_snapshot!(desk.masked(&desk.hansom("log verify .").whole()));
}
