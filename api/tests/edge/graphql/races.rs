//! Races: 64 clients, each with a journal of its own, in which acceptance, cancellation and deadline meet. What their journals
//! say together is a history that could have been: no driver and no ride was given away twice.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hansom_geo_index::Millis;
use serde_json::{Value, json};

use super::client::{Socket, operation};
use super::{kind, ride, shift};
use crate::served::{Served, corner, spec, uuid};

/// Each has two devices, and each device is a client.
const DRIVERS: usize = 16;
const RIDERS: usize = 32;
const REQUESTS: usize = 6;

/// What a client did and was told.
#[derive(Debug, Clone)]
struct Entry {
    order: &'static str,
    driver: Option<usize>,
    ride: u64,
    /// The turn that took it; nothing: it was refused.
    taken: Option<u64>,
}

/// Keys of all clients, each once.
static KEYS: AtomicU64 = AtomicU64::new(1 << 20);

fn key() -> String {
    uuid(KEYS.fetch_add(1, Ordering::Relaxed))
}

fn offset(answer: &Value) -> Option<u64> {
    matches!(kind(answer), "Taken" | "RideTaken" | "SessionTaken")
        .then(|| answer["offset"].as_str().and_then(|text| text.parse().ok()).expect("an offset"))
}

fn number(of: &Value) -> u64 {
    of.as_str().and_then(|text| text.parse().ok()).expect("a number")
}

/// Returns once the ride came so far, or is over.
fn wait(socket: &mut Socket, wanted: &str) {
    loop {
        let message = socket.hear();
        if message["type"] == "complete" || message["payload"]["data"]["ride"]["__typename"] == wanted {
            return;
        }
    }
}

/// A rider who asks, and cancels at once, or once there is an offer, or never.
fn rider(town: &Served, n: usize) -> Vec<Entry> {
    let mut journal = Vec::new();
    for round in 0..REQUESTS {
        let at = ((n * 7 + round * 5) as u32 % 21, (n * 3 + round * 11) as u32 % 21);
        let asked = town.give(operation!("request-ride"), &key(), &ride(&format!("r{n}"), at, (at.1, (at.0 + 9) % 21)));
        let ride = number(&asked["ride"]);
        journal.push(Entry { order: "request", driver: None, ride, taken: offset(&asked) });
        let mut socket = town.socket();
        socket.subscribe("r", operation!("follow-ride"), &json!({ "ride": ride.to_string(), "from": asked["offset"] }));
        match (n + round) % 4 {
            0 => {}
            1 => wait(&mut socket, "OfferMade"),
            2 => wait(&mut socket, "OfferAccepted"),
            _ => continue,
        }
        let answer = town.give(operation!("cancel-ride"), &key(), &json!({ "ride": ride.to_string() }));
        journal.push(Entry { order: "cancel", driver: None, ride, taken: offset(&answer) });
    }
    journal
}

/// One of a driver's two devices: both take every offer, or turn it down, or let it pass; whoever took it drives.
fn device(town: &Served, n: usize, device: usize, over: &AtomicBool) -> Vec<Entry> {
    let mut journal = Vec::new();
    let name = format!("d{n}");
    let mut socket = town.socket();
    socket.subscribe("o", operation!("offers"), &json!({ "driver": name, "from": "0" }));
    let mut session = 1;
    loop {
        let Some(message) = socket.hear_within(Duration::from_millis(50)) else {
            if over.load(Ordering::Acquire) {
                return journal;
            }
            continue;
        };
        let event = &message["payload"]["data"]["offers"];
        if kind(event) != "OfferMade" {
            continue;
        }
        let ride = number(&event["ride"]);
        let answer_by = match (ride as usize + n + device) % 8 {
            0 => continue,
            1 => operation!("decline-offer"),
            _ => operation!("accept-offer"),
        };
        let mut say = |order: &'static str, query: &str, mut input: Value| {
            loop {
                input["session"] = json!(session);
                let answer = town.give(query, &key(), &input);
                journal.push(Entry { order, driver: Some(n), ride, taken: offset(&answer) });
                if answer["code"] != "SESSION_SUPERSEDED" {
                    return offset(&answer).is_some();
                }
                let opened = town.give(operation!("open-session"), &key(), &json!({ "driver": name }));
                session = opened["session"].as_u64().expect("a session");
            }
        };
        let trip = json!({ "driver": name, "ride": ride.to_string() });
        let offer = json!({ "driver": name, "ride": ride.to_string(), "epoch": event["epoch"] });
        let order = if answer_by == operation!("accept-offer") { "accept" } else { "decline" };
        let place = json!({ "driver": name, "ride": ride.to_string(), "place": corner(3, 3) });
        let _ = say(order, answer_by, offer)
            && order == "accept"
            && say("arrive", operation!("arrive-at-pickup"), trip.clone())
            && say("board", operation!("board-rider"), trip)
            && say("end", operation!("end-trip"), place);
    }
}

#[test]
fn acceptance_races_cancellation_and_deadline_and_nobody_is_given_away_twice() {
    let data = tempfile::tempdir().expect("a folder");
    let mut spec = spec("town", data.path(), 1024);
    spec.header.settings.offer_life = Millis(200);
    spec.header.settings.max_offers = 3;
    spec.header.settings.policy.chain_horizon = Millis::ZERO;
    let town = Served::start(vec![spec]);
    for n in 0..DRIVERS {
        let at = (n as u32 * 5 % 21, n as u32 * 8 % 21);
        assert_eq!(
            kind(&town.give(operation!("start-shift"), &key(), &shift(&format!("d{n}"), at.0, at.1))),
            "SessionTaken"
        );
    }
    let (over, begin) = (AtomicBool::new(false), Barrier::new(2 * DRIVERS + RIDERS));
    let (town, over, begin) = (&town, &over, &begin);
    let journals: Vec<Vec<Entry>> = thread::scope(|clients| {
        let devices: Vec<_> = (0..2 * DRIVERS)
            .map(|n| {
                clients.spawn(move || {
                    begin.wait();
                    device(town, n / 2, n % 2, over)
                })
            })
            .collect();
        let riders: Vec<_> = (0..RIDERS)
            .map(|n| {
                clients.spawn(move || {
                    begin.wait();
                    rider(town, n)
                })
            })
            .collect();
        let mut journals: Vec<_> = riders.into_iter().map(|rider| rider.join().expect("a journal")).collect();
        over.store(true, Ordering::Release);
        journals.extend(devices.into_iter().map(|device| device.join().expect("a journal")));
        journals
    });
    check(town, &journals);
}

/// The journals against each other, and against what the market told.
fn check(town: &Served, journals: &[Vec<Entry>]) {
    let mut rides: BTreeMap<u64, Vec<(u64, &Entry)>> = BTreeMap::new();
    let mut drivers: BTreeMap<usize, Vec<(u64, &Entry)>> = BTreeMap::new();
    for entry in journals.iter().flatten() {
        let Some(taken) = entry.taken else { continue };
        rides.entry(entry.ride).or_default().push((taken, entry));
        if let Some(driver) = entry.driver {
            drivers.entry(driver).or_default().push((taken, entry));
        }
    }
    let mut cancelled = BTreeMap::new();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (ride, story) in &mut rides {
        story.sort_by_key(|(taken, _)| *taken);
        let orders: Vec<&str> =
            story.iter().map(|(_, entry)| entry.order).filter(|order| *order != "decline").collect();
        for order in &orders {
            *count.entry(order).or_default() += 1;
        }
        // Every history that there may be: one request, at most one driver, nothing after the end.
        let whole = ["request", "accept", "arrive", "board", "end"];
        let driven = orders.strip_suffix(&["cancel"]).unwrap_or(&orders);
        assert!(whole.starts_with(driven) && !driven.is_empty(), "ride {ride}: {orders:?}");
        assert!(orders.len() == driven.len() || driven.len() < 4, "cancelled while on board: ride {ride}: {orders:?}");
        let who: Vec<_> =
            story.iter().filter(|(_, it)| it.order != "decline").filter_map(|(_, it)| it.driver).collect();
        assert!(who.windows(2).all(|pair| pair[0] == pair[1]), "ride {ride} had two drivers: {story:?}");
        cancelled.extend(story.iter().filter(|(_, it)| it.order == "cancel").map(|(at, _)| (*ride, *at)));
    }
    for (driver, story) in &mut drivers {
        story.sort_by_key(|(taken, _)| *taken);
        let mut busy: Option<u64> = None;
        for (at, entry) in story.iter() {
            match entry.order {
                "accept" => {
                    let free = busy.is_none_or(|ride| cancelled.get(&ride).is_some_and(|cancelled| cancelled < at));
                    assert!(free, "driver {driver} took ride {} at {at} while bound to {busy:?}", entry.ride);
                    busy = Some(entry.ride);
                }
                "end" => busy = None,
                _ => {}
            }
        }
    }
    for order in ["request", "accept", "cancel", "end"] {
        assert!(count.get(order) > Some(&10), "the race was run: {count:?}");
    }
    let refused = journals.iter().flatten().filter(|entry| entry.taken.is_none()).count();
    assert!(refused > 10, "and met: {refused} orders lost it");

    // Each acceptance that somebody was told of was told to all, and no other was.
    let mut known: Vec<(u64, u64)> = rides
        .iter()
        .flat_map(|(ride, story)| story.iter().filter(|(_, it)| it.order == "accept").map(|(at, _)| (*at, *ride)))
        .collect();
    known.sort_unstable();
    let mut socket = town.socket();
    let query = "subscription { events(from: 0) { __typename offset ... on OfferAccepted { ride } } }";
    socket.subscribe("e", query, &json!({}));
    let last = town.ask("{ markets { next } }", &json!({}))["markets"][0]["next"].clone();
    let mut told = Vec::new();
    while told.len() < known.len() {
        let event = socket.event("e");
        let at = number(&event["offset"]);
        assert!(at < number(&last), "an acceptance in a journal was not told");
        if kind(&event) == "OfferAccepted" {
            told.push((at, number(&event["ride"])));
        }
    }
    assert_eq!(told, known);
}
