//! `hansom simulate`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Desk, shape};

#[test]
fn a_run_leaves_its_files_and_closes_with_a_table() {
    let desk = Desk::with_town();
    let said = desk.hansom("simulate town.toml");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.err, "", "without a terminal there is no progress");
    for file in ["summary.json", "trips.csv", "vehicles.csv", "report.html", "scenario.toml", "log"] {
        assert!(desk.path("runs/town-3").join(file).exists(), "{file} is missing");
    }
    // How many ended otherwise is a figure, and so is how.
    let others = said.out.lines().find(|line| line.starts_with("not served")).expect("a line about them");
    insta::assert_snapshot!(shape(&said.out.replace(others, "not served")));
}

#[test]
fn json_is_the_summary_and_nothing_else() {
    let desk = Desk::with_town();
    let said = desk.hansom("simulate town.toml --format json --out run --seed 8 --set policy.kind=nearest");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(said.out, desk.read("run/summary.json"));
    let summary: Value = serde_json::from_str(&said.out).expect("one JSON object");
    assert_eq!(
        (&summary["scenario"], &summary["seed"], &summary["partial"]),
        (&"town".into(), &8.into(), &false.into())
    );
    let outcomes = summary["outcomes"].as_object().expect("an object").values().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!(summary["requests"].as_u64(), Some(outcomes));
    assert!(desk.read("run/scenario.toml").contains("kind = \"nearest\""));
}

#[test]
fn the_same_seed_is_the_same_run_on_one_thread_and_on_two_and_over_an_old_one() {
    let desk = Desk::with_town();
    let chain = |said: &str| serde_json::from_str::<Value>(said).expect("JSON")["event_chain"].clone();
    let one = desk.hansom("simulate town.toml --format json --threads 1 --out run");
    let two = desk.hansom("simulate town.toml --format json --threads 2 --out run");
    assert_eq!((one.code, two.code), (0, 0), "{}{}", one.err, two.err);
    assert_eq!(chain(&one.out), chain(&two.out));
    assert_ne!(chain(&one.out), chain(&desk.hansom("simulate town.toml --format json --seed 4").out));
}

#[test]
fn the_report_is_one_page_that_loads_nothing() {
    let desk = Desk::with_town();
    assert_eq!(desk.hansom("simulate town.toml --out run").code, 0);
    let page = desk.read("run/report.html");
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    for text in
        ["few cars are enough", "Service rate", "Where riders waited", "rate_per_h", "prefers-color-scheme: dark"]
    {
        assert!(page.contains(text), "{text} is missing");
    }
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "the page loads something: {foreign}");
    }
}

#[test]
fn a_run_without_a_pickup_has_a_report_without_figures_of_one() {
    let desk = Desk::with_town();
    let said = desk.hansom("simulate town.toml --out run --set rider.no_show=1");
    assert_eq!(said.code, 0, "{}", said.err);
    let wait = said.out.lines().find(|line| line.starts_with("wait")).expect("a line about waits");
    assert_eq!(wait.split_whitespace().collect::<Vec<_>>(), ["wait", "–", "p50", "–", "p90", "–", "p95", "–"]);
    let page = desk.read("run/report.html");
    assert!(!page.contains("NaN") && !page.contains("inf"), "a figure of nothing is a dash");
}

#[test]
fn wrong_input_names_file_line_key_and_remedy() {
    let desk = Desk::with_town();
    desk.write("slip.toml", &desk.read("town.toml").replace("vehicles", "vehicels"));
    desk.write("sea.toml", &desk.read("town.toml").replace("small-town", "big-town"));
    desk.write("rows.csv", "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon\n2026-03-05T08:10:00+01:00,48,11,48,11\n2026-03-05T08:09:00+01:00,48,11,48,11\n");
    insta::assert_snapshot!(desk.transcript(&[
        "simulate slip.toml",
        "simulate sea.toml",
        "simulate nowhere.toml",
        "simulate town.toml --set demand.file=rows.csv",
        "simulate town.toml --set network.file=town.toml",
    ]));
}

#[test]
fn a_run_that_cannot_start_leaves_the_one_before_as_it_is() {
    let desk = Desk::with_town();
    assert_eq!(desk.hansom("simulate town.toml --out run").code, 0);
    desk.write("rows.csv", "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon\nsome day,48,11,48,11\n");
    for change in ["demand.file=rows.csv", "network.file=town.toml", "supply.file=nowhere.csv", "supply.vehicels=9"] {
        assert_eq!(desk.hansom(&format!("simulate town.toml --out run --set {change}")).code, 2, "{change}");
        let replayed = desk.hansom("replay run --verify");
        assert!(replayed.out.contains("summary.json of the run says the same"), "{change}: {}", replayed.whole());
    }
    assert!(desk.path("run/report.html").exists() && desk.path("run/trips.csv").exists());
}

#[test]
fn what_a_killed_run_left_gives_way_to_the_next() {
    let desk = Desk::with_town();
    let run = || desk.hansom("simulate town.toml --out run --format json");
    let (files, segment) =
        (["summary.json", "report.html", "trips.csv"], desk.path("run/log/00000000000000000000.seg"));
    let first = run();
    assert_eq!(first.code, 0, "{}", first.err);
    // As after a kill: no figures, and a log that nobody finished.
    let bytes = std::fs::read(&segment).expect("a segment");
    for left in [0, 5, bytes.len() / 2, bytes.len() - 8] {
        std::fs::write(&segment, &bytes[..left]).expect("writing a segment");
        for file in files {
            std::fs::remove_file(desk.path("run").join(file)).expect("it was written");
        }
        assert_eq!(run().code, 0, "{left} bytes were left");
        assert_eq!(std::fs::read(&segment).expect("a segment"), bytes);
    }
    // A whole log that no summary tells of may be somebody's copy.
    std::fs::remove_file(desk.path("run/summary.json")).expect("it was written");
    let (refused, table) = (run(), desk.read("run/trips.csv"));
    assert_eq!(refused.code, 2);
    assert!(refused.err.starts_with("error[E0603]: "), "{}", refused.err);
    assert_eq!((std::fs::read(&segment).expect("a segment"), desk.read("run/trips.csv")), (bytes, table));
}

/// Only a run has something to end in good order; whoever reads stops where he is.
#[test]
fn what_only_reads_stops_at_once() {
    let desk = Desk::with_town();
    let pipe = desk.path("pipe.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let child = desk.command("scenario check pipe.toml").stderr(Stdio::piped()).spawn().expect("the binary starts");
    // Opened once the other end is: it reads, and will wait for ever.
    let _writer = std::fs::File::options().write(true).open(&pipe).expect("a pipe");
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(signal.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(130), b"".as_slice()));
}

#[test]
fn an_interrupted_run_ends_cleanly_with_a_report_marked_partial() {
    let desk = Desk::with_town();
    // Ten days, far more than is simulated before the signal.
    let long = "--set period.end=2026-03-15T08:00:00+01:00 --set demand.rate_per_h=1000";
    let child = desk
        .command(&format!("simulate town.toml --format json --out run {long}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    while !desk.path("run/vehicles.csv").exists() {
        std::thread::yield_now();
    }
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(signal.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(summary["partial"], true);
    assert!(desk.read("run/report.html").contains("This run was interrupted"));
    assert_eq!(desk.hansom("replay run --verify").code, 0);
    insta::assert_snapshot!(desk.hansom("compare run run").whole());
}
