//! Races: 64 clients, each with a journal of its own, in which acceptance, cancellation and deadline meet. What their journals
//! say together is a history that could have been, in an order that nobody who waited for an answer would deny: no driver and no
//! ride was given away twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hansom_geo_index::Millis;
use hansom_market::ingest::parse_time;
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
    sent: Instant,
    answered: Instant,
}

impl Entry {
    /// Gives an order about the ride that `ride` finds in its answer.
    fn of(
        town: &Served,
        (order, query): (&'static str, &str),
        driver: Option<usize>,
        input: &Value,
        ride: impl FnOnce(&Value) -> u64,
    ) -> (Self, Value) {
        let sent = Instant::now();
        let answer = town.give(query, &key(), input);
        let entry = Self { order, driver, ride: ride(&answer), taken: offset(&answer), sent, answered: Instant::now() };
        (entry, answer)
    }
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
        let input = ride(&format!("r{n}"), at, (at.1, (at.0 + 9) % 21));
        let request = ("request", operation!("request-ride"));
        let (entry, asked) = Entry::of(town, request, None, &input, |answer| number(&answer["ride"]));
        let ride = entry.ride;
        journal.push(entry);
        let mut socket = town.socket();
        socket.subscribe("r", operation!("follow-ride"), &json!({ "ride": ride.to_string(), "from": asked["offset"] }));
        match (n + round) % 4 {
            0 => {}
            1 => wait(&mut socket, "OfferMade"),
            2 => wait(&mut socket, "OfferAccepted"),
            _ => continue,
        }
        let input = json!({ "ride": ride.to_string() });
        journal.push(Entry::of(town, ("cancel", operation!("cancel-ride")), None, &input, |_| ride).0);
    }
    journal
}

/// What a device does with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Will {
    Accept,
    Decline,
    /// Takes it at the last moment, or just too late.
    AcceptLate,
    Pass,
}

/// What a driver's two devices do with an offer: the same, or one against the other.
fn will(ride: u64, driver: usize, device: usize) -> Will {
    let both = match (ride as usize + driver) % 8 {
        0 => [Will::Pass, Will::Pass],
        1 => [Will::Accept, Will::Decline],
        2 => [Will::AcceptLate, Will::AcceptLate],
        3 => [Will::AcceptLate, Will::Pass],
        _ => [Will::Accept, Will::Accept],
    };
    both[device]
}

/// One of a driver's two devices; whoever took an offer drives.
fn device(town: &Served, n: usize, device: usize, over: &AtomicBool) -> Vec<Entry> {
    let mut journal = Vec::new();
    let name = format!("d{n}");
    let mut socket = town.socket();
    socket.subscribe("o", operation!("offers"), &json!({ "driver": name, "from": "0" }));
    let (mut session, mut waiting) = (1, VecDeque::new());
    loop {
        let Some(message) = waiting.pop_front().or_else(|| socket.hear_within(Duration::from_millis(50))) else {
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
        let answer = match will(ride, n, device) {
            Will::Pass => continue,
            Will::Decline => ("decline", operation!("decline-offer")),
            Will::Accept => ("accept", operation!("accept-offer")),
            Will::AcceptLate => {
                // From some ms before to as many after.
                let around = Duration::from_millis((ride + device as u64) % 8);
                while let Some(left) = left_until(&event["deadline"], around) {
                    waiting.extend(socket.hear_within(left));
                }
                ("accept", operation!("accept-offer"))
            }
        };
        let mut say = |order: (&'static str, &str), mut input: Value| {
            loop {
                input["session"] = json!(session);
                let (entry, answer) = Entry::of(town, order, Some(n), &input, |_| ride);
                journal.push(entry);
                if answer["code"] != "SESSION_SUPERSEDED" {
                    return offset(&answer).is_some();
                }
                let opened = town.give(operation!("open-session"), &key(), &json!({ "driver": name }));
                session = opened["session"].as_u64().expect("a session");
            }
        };
        let trip = json!({ "driver": name, "ride": ride.to_string() });
        let offer = json!({ "driver": name, "ride": ride.to_string(), "epoch": event["epoch"] });
        let place = json!({ "driver": name, "ride": ride.to_string(), "place": corner(3, 3) });
        let _ = say(answer, offer)
            && answer.0 == "accept"
            && say(("arrive", operation!("arrive-at-pickup")), trip.clone())
            && say(("board", operation!("board-rider")), trip)
            && say(("end", operation!("end-trip")), place);
    }
}

/// How long it is until about a deadline: `around` is 0 to 7 ms, of which 4 mean the deadline itself.
fn left_until(deadline: &Value, around: Duration) -> Option<Duration> {
    let deadline = deadline.as_str().and_then(parse_time).expect("a time");
    let deadline = Duration::from_millis(u64::try_from(deadline.0).expect("after 1970")) + around;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + Duration::from_millis(4);
    deadline.checked_sub(now).filter(|left| !left.is_zero())
}

#[test]
fn acceptance_races_cancellation_and_deadline_and_nobody_is_given_away_twice() {
    let data = tempfile::tempdir().expect("a folder");
    let mut spec = spec("town", data.path(), 1024);
    spec.header.settings.offer_life = Millis(200);
    spec.header.settings.max_offers = 3;
    // A ride that nobody takes ends while its rider waits for that.
    spec.header.settings.give_up = Millis(2_000);
    spec.header.settings.review = Millis(500);
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

/// Whatever was taken after the answer to something else was known has a later turn.
fn check_order(journals: &[Vec<Entry>]) {
    let taken: Vec<&Entry> = journals.iter().flatten().filter(|entry| entry.taken.is_some()).collect();
    for later in &taken {
        let before = taken.iter().filter(|earlier| earlier.answered < later.sent);
        if let Some(last) = before.max_by_key(|earlier| earlier.taken) {
            assert!(last.taken < later.taken, "{later:?} was sent when {last:?} was answered");
        }
    }
}

/// The journals against each other, and against what the market told.
fn check(town: &Served, journals: &[Vec<Entry>]) {
    check_order(journals);
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
    for order in ["accept", "cancel"] {
        let lost = journals.iter().flatten().filter(|entry| entry.taken.is_none() && entry.order == order).count();
        assert!(lost > 0, "and met: no {order} came too late");
    }

    // Each acceptance that somebody was told of was told to all, and no other was.
    let mut known: Vec<(u64, u64)> = rides
        .iter()
        .flat_map(|(ride, story)| story.iter().filter(|(_, it)| it.order == "accept").map(|(at, _)| (*at, *ride)))
        .collect();
    known.sort_unstable();
    let mut socket = town.socket();
    let query = "subscription { events(from: 0) { __typename offset ... on OfferAccepted { ride } } }";
    socket.subscribe("e", query, &json!({}));
    let last = town.ask("{ markets { ... on Market { next } } }", &json!({}))["markets"][0]["next"].clone();
    let (mut told, mut expired) = (Vec::new(), 0);
    while told.len() < known.len() {
        let event = socket.event("e");
        let at = number(&event["offset"]);
        assert!(at < number(&last), "an acceptance in a journal was not told");
        if kind(&event) == "OfferAccepted" {
            told.push((at, number(&event["ride"])));
        }
        expired += usize::from(kind(&event) == "OfferExpired");
    }
    assert_eq!(told, known);
    assert!(expired > 10, "{expired} offers ran out");
}
