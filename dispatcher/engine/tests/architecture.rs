//! What the engine must not be built from: nothing that brings a clock, chance, threads or I/O of its own.
//!
//! The engine's own code is kept clean by `clippy.toml`; this test looks at what it is linked with.

#![expect(clippy::disallowed_types, reason = "asks cargo, which is another process")]

use std::process::Command;

/// What would bring answers that no log could repeat, and why. A name ends the crate's name or goes on with `-` or `_`.
const FORBIDDEN: [(&str, &str); 21] = [
    ("tokio", "timers, threads and sockets belong to the shells around a market"),
    ("async", "the engine is called and returns; nothing in it waits"),
    ("futures", "the engine is called and returns; nothing in it waits"),
    ("actix", "actors are shells around a market"),
    ("rdkafka", "the log is the market's"),
    ("hyper", "the edges are the api's"),
    ("reqwest", "the edges are the api's"),
    ("rand", "chance is the world's; the engine has none"),
    ("rand_chacha", "chance is the world's; the engine has none"),
    ("fastrand", "chance is the world's; the engine has none"),
    ("getrandom", "chance is the world's; the engine has none"),
    ("uuid", "ids come from outside or are counted"),
    ("chrono", "the engine's time is `at`, in ms"),
    ("jiff", "the engine's time is `at`, in ms; the market file brings its time zone expanded"),
    ("time", "the engine's time is `at`, in ms"),
    ("rayon", "work is split on an executor that the caller passes in"),
    ("crossbeam", "the engine shares nothing between threads"),
    ("parking_lot", "the engine shares nothing between threads"),
    ("ahash", "its order is drawn anew in each process"),
    ("tracing", "events tell what happened"),
    ("log", "events tell what happened"),
];

/// Names and versions of all that is linked into a program that uses the engine on this machine.
fn tree() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--package",
            "hansom-engine",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo built this test, so it is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names of crates are ASCII").lines().map(str::to_owned).collect()
}

fn is(name: &str, forbidden: &str) -> bool {
    name.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[test]
fn nothing_in_the_engine_has_a_clock_chance_threads_or_io() {
    let tree = tree();
    let names = tree.iter().filter_map(|line| line.split(' ').next());
    let found: Vec<_> = names
        .flat_map(|name| FORBIDDEN.iter().filter(move |(forbidden, _)| is(name, forbidden)).map(move |f| (name, f.1)))
        .collect();
    assert!(found.is_empty(), "the engine is linked with {found:?}");
}

#[test]
fn of_our_crates_the_engine_knows_only_geo_index() {
    let ours: std::collections::BTreeSet<_> = tree()
        .iter()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| is(name, "hansom"))
        .map(str::to_owned)
        .collect();
    assert_eq!(Vec::from_iter(ours), ["hansom-engine", "hansom-geo-index"]);
}

#[test]
fn a_forbidden_name_is_recognised_and_no_other() {
    assert!(is("tokio", "tokio") && is("tokio-util", "tokio") && is("rand_core", "rand"));
    assert!(!is("random", "rand") && !is("logos", "log") && !is("timely", "time"));
}
