//! `hansom bench`, as it measures and as it is measured itself.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Desk;
use crate::principals::SECRET;
use crate::serve::{MARKET, Server};

fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().expect("there is `kill`");
    assert!(sent.success(), "kill {signal} {process}");
}

/// How many times are longer than so many ms.
fn above(latency: &Value, ms: u64) -> u64 {
    let all = latency["histogram_us"].as_array().expect("a list");
    let number = |some: &Value, index: usize| some[index].as_u64().expect("a number");
    all.iter().filter(|some| number(some, 0) > ms * 1000).map(|some| number(some, 1)).sum()
}

/// This is not about speed: a machine that is slow makes times longer and more of them long, never fewer.
#[test]
fn a_server_that_stands_still_is_charged_with_all_who_would_have_asked() {
    const PER_S: f64 = 300.0;
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let server = Server::start(&desk);
    let measure = format!(
        "bench --server {} --market market.toml --drivers 1500 --ping-s 0 --ride-s 1 --gaps fixed --rate 300 --seconds 3 \
         --warm-up-s 1 --out bench --format json",
        server.address
    );
    let bench = desk.command(&measure).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut bench = bench.expect("the binary starts");
    let mut said = BufReader::new(bench.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    assert!(said.any(|line| line.starts_with("measuring: 300 requests a second")), "it does not begin");
    signal("-STOP", server.id());
    let stopped = Instant::now();
    // What is measured is this pause.
    std::thread::sleep(Duration::from_millis(500));
    let stood = stopped.elapsed();
    signal("-CONT", server.id());
    let mut text = String::new();
    bench.stdout.take().expect("it is piped").read_to_string(&mut text).expect("it is text");
    let rest: Vec<String> = said.collect();
    assert!(bench.wait().expect("it ends").success(), "{}", rest.join("\n"));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let step = &report["steps"][0];
    assert_eq!((&step["due"], &step["taken"], &step["lost"]), (&899.into(), &899.into(), &0.into()), "{rest:?}");
    for figure in ["request_to_answer", "request_to_offer"] {
        let latency = &step[figure];
        assert!(latency["max_ms"].as_f64() >= Some(490.0), "{figure}: {}", latency["max_ms"]);
        // Who was due until a tenth of a second before it went on: 120 at least. That the generator itself was held up by as much
        // as ten requests' time before the first of them is all that could take some away.
        let least = ((stood.as_secs_f64() - 0.1) * PER_S) as u64 - 10;
        assert!(above(latency, 100) >= least, "{figure}: {} of {least}", above(latency, 100));
    }
    server.stop();
}

#[test]
fn a_server_of_its_own_is_measured_and_gone_afterwards() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let measure = "bench --market market.toml --drivers 60 --ping-s 1 --bundle 20 --ride-s 1 --rate 20:2,30:1 --warm-up-s 0 \
                   --subscriptions 40 --queries 2 --seconds 1 --out bench --format json";
    let said = desk.hansom(measure);
    assert_eq!(said.code, 0, "{}", said.err);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(desk.read("bench/bench.json"), said.out);
    assert_eq!(
        (&report["drivers"], &report["subscriptions"], &report["gaps_heard"]),
        (&60.into(), &40.into(), &0.into())
    );
    let steps = report["steps"].as_array().expect("a list");
    assert_eq!(steps.len(), 2);
    for step in steps {
        let count = |field: &str| step[field].as_u64().unwrap_or_else(|| panic!("{field} of {step}"));
        assert!(count("due") > 10);
        assert_eq!((count("taken"), count("lost"), count("turned_away")), (count("due"), 0, 0), "{step}");
        assert_eq!(step["request_to_answer"]["count"], step["due"]);
        assert!(step["idle_candidate_share"].as_f64() > Some(0.5), "{step}");
        assert!(count("offered") > 0 && step["delivery"]["count"].as_u64() > Some(0), "{step}");
        assert!(step["positions_per_s"].as_f64() > Some(20.0), "{}", step["positions_per_s"]);
        let stages = step["stages"].as_array().expect("a list");
        let names: Vec<&str> = stages.iter().filter_map(|stage| stage["stage"].as_str()).collect();
        assert_eq!(names, ["queue", "decide", "sync", "deliver"]);
        assert!(stages.iter().all(|stage| stage["count"].as_u64() >= Some(count("taken"))), "{stages:?}");
        assert!(step["disk_sync"]["count"].as_u64() > Some(0));
        let cores = |whose: &str| step["processor"][whose].as_f64();
        assert!(cores("market") > Some(0.0) && cores("generator") > Some(0.0), "{}", step["processor"]);
    }
    assert_eq!((&report["queries"]["clients"], &report["queries"]["failed"]), (&2.into(), &0.into()));
    assert!(report["queries"]["per_s"].as_f64() > Some(0.0));
    let page = desk.read("bench/bench.html");
    assert!(page.contains("<svg") && page.contains("p99.9 in ms: ") && !page.contains("src=\"http"));
    let left: Vec<_> = std::fs::read_dir(desk.path("bench")).expect("a folder").collect();
    assert_eq!(left.len(), 3, "the figures, the page and what the server said: {left:?}");
}

#[test]
fn a_market_in_process_is_measured_and_swept() {
    let desk = Desk::new();
    let measure = "bench --in-process --drivers 1000 --ping-s 2 --ride-s 1 --sweep 10..15 --seconds 1 --warm-up-s 0 --out bench \
                   --data . --format json";
    let said = desk.hansom(measure);
    assert_eq!(said.code, 0, "{}", said.err);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    let steps = report["steps"].as_array().expect("a list");
    assert!((1..=4).contains(&steps.len()), "{steps:?}");
    for step in steps {
        assert_eq!((&step["taken"], &step["lost"]), (&step["due"], &0.into()), "{step}");
        assert_eq!(step["idle_candidate_share"].as_f64(), Some(1.0));
        assert!(step["stages"].as_array().is_some_and(|stages| stages.len() == 4), "{step}");
    }
    assert!(report["knee"]["holds_per_s"].as_u64() >= Some(10), "{}", report["knee"]);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    insta::assert_snapshot!(desk.transcript(&[
        "bench --rate 0",
        "bench --sweep 100..50",
        "bench --rate 10 --sweep 1..2",
        "bench --market nowhere.toml --out bench",
        "bench --in-process --subscriptions 3",
    ]));
}

#[test]
fn a_server_that_wants_a_token_is_told_from_one_that_is_not_there() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("secret", SECRET);
    let serve =
        "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json --auth-secret-file secret";
    let server = Server::run(desk.command(serve));
    let rider = desk.hansom("token rob --role rider --auth-secret-file secret");
    assert_eq!(rider.code, 0, "{}", rider.whole());
    desk.write("rider", &rider.out);
    desk.write("none", "no.token.atall\n");
    for given in ["", " --token-file none", " --token-file rider"] {
        let measure = format!(
            "bench --server {}{given} --market market.toml --drivers 20 --rate 5 --seconds 1 --warm-up-s 0 --out bench",
            server.address
        );
        let said = desk.hansom(&measure);
        assert_eq!((said.code, said.err.contains("error[E0919]")), (1, true), "{given}: {}", said.err);
        let told = ["wants a token of an operator or a service", "--token-file FILE", "`hansom token` makes one"];
        assert!(told.iter().all(|part| said.err.contains(part)), "{given}: {}", said.err);
        assert!(!said.err.contains("it is waited for"), "it is there: {}", said.err);
    }
    server.stop();
}
