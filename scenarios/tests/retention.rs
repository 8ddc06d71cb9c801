//! A served market whose old positions leave its log: what can still be learnt from it, and what cannot.
//!
//! The market's clock goes 250 times as fast as that on the wall, by which a process looks once a minute whether something is
//! old. So that nobody waits for that, the look is the test's; the segments that leave together, and the snapshots that have to
//! reach further, are the process's own.

use hansom_engine::Turn;
use hansom_engine::record::Event;
use hansom_engine::record::canonical::blank;
use hansom_geo_index::Millis;
use hansom_market::log::Reader;
use hansom_market::recovery::forget_positions;
use serde_json::Value;

use crate::harness::{Desk, TOWN};
use crate::serve::{MARKET, Server, shift};

/// How long positions stay, minutes.
const KEEP_MIN: i64 = 4;
const CITY: &str = "serve --scenario town.toml --speed 250 --data data --listen 127.0.0.1:0 --insecure-dev";

fn turns(desk: &Desk) -> Vec<Turn> {
    let mut reader = Reader::open(&desk.path("data/town")).expect("a log");
    let (mut turns, mut turn) = (Vec::new(), blank());
    while reader.next(&mut turn).expect("whole").is_some() {
        turns.push(turn.clone());
    }
    turns
}

/// The first turn of each segment.
fn segments(desk: &Desk) -> Vec<usize> {
    let files = std::fs::read_dir(desk.path("data/town/log")).expect("the log");
    let names = files.map(|file| file.expect("an entry").path());
    let mut firsts: Vec<usize> = names.filter_map(|name| name.file_stem()?.to_str()?.parse().ok()).collect();
    firsts.sort_unstable();
    firsts
}

/// What `hansom why` says of a ride, but for the drivers who were not chosen: where they were is what is forgotten.
fn why(desk: &Desk, ride: u32) -> Vec<[Value; 7]> {
    let said = desk.hansom(&format!("why data/town {ride} --format json"));
    assert_eq!(said.code, 0, "{}", said.whole());
    let mut why: Value = serde_json::from_str(&said.out).expect("JSON");
    let offers = why["offers"].as_array_mut().expect("a list");
    let fields = ["at", "offset", "offer", "driver", "pickup_eta_ms", "cost", "terms"];
    offers.iter_mut().map(|offer| fields.map(|field| offer[field].take())).collect()
}

#[test]
fn without_old_positions_a_log_folds_and_explains_and_is_not_decided_again() {
    let desk = Desk::new();
    let pings = "policy = { kind = \"nearest\" }\npings = { interval_s = 5 }\n";
    desk.write("town.toml", &(TOWN.replace("09:00:00", "08:20:00") + pings));
    let served = desk.hansom(&format!("{CITY} --keep-positions-min {KEEP_MIN}"));
    assert_eq!(served.code, 0, "{}", served.whole());
    assert_eq!(desk.hansom("replay data/town --verify").code, 0, "nothing is old yet");
    let before = turns(&desk);
    let end = before.last().expect("turns").at;
    let offers = before.iter().flat_map(|turn| &turn.events);
    let mut rides: Vec<u32> = offers
        .filter_map(|event| match event {
            Event::OfferMade(offer) => Some(offer.ride.0),
            _ => None,
        })
        .collect();
    rides.dedup();
    assert!(rides.len() > 5, "{rides:?}");
    let explained: Vec<_> = rides.iter().map(|ride| why(&desk, *ride)).collect();
    let digest = |text: &str| -> Value { serde_json::from_str::<Value>(text).expect("JSON")["state_digest"].take() };
    let folded = digest(&desk.hansom("replay data/town --format json").out);

    let keep = Millis::from_secs(60 * KEEP_MIN);
    let stripped = forget_positions(&desk.path("data/town"), end - keep).expect("the log can be written");
    let (came, stayed) = stripped.iter().fold((0, 0), |(came, stayed), s| (came + s.pings, stayed + s.kept));
    assert!(stayed < came / 2, "{stayed} of {came} positions stayed");
    // Those of a segment leave together: none stays for longer than the time for which they are kept and a quarter, but for those
    // of the half minute in which a segment looks for its end.
    let first_kept = segments(&desk)[stripped.len()];
    let oldest = end - before[first_kept].at;
    assert!(oldest < Millis(keep.0 + keep.0 / 4) + Millis::from_secs(30), "{oldest:?} ago");

    for (ride, explained) in rides.iter().zip(&explained) {
        assert_eq!(&why(&desk, *ride), explained, "ride {ride}");
        assert!(!explained.is_empty());
        let told = desk.hansom(&format!("replay data/town --ride {ride}"));
        assert!(told.code == 0 && told.out.contains("requested by"), "{}", told.whole());
    }
    assert_eq!(digest(&desk.hansom("replay data/town --format json").out), folded, "it folds to the same state");
    insta::assert_snapshot!(desk.transcript(&["replay data/town --verify", "replay data/town --verify --until 3"]));

    // The market goes on from it.
    desk.write("market.toml", MARKET);
    let server = Server::start(&desk);
    assert!(server.order(&shift(1))["offset"].is_u64());
    assert_eq!(server.end("-TERM"), Some(0));
    assert_eq!(desk.hansom("replay data/town").code, 0);
    assert!(turns(&desk).len() > before.len());
}
