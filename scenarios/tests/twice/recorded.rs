//! A lively hour: what its riders and drivers order is recorded, can be given to another market, and is told as stories.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Desk;
use crate::serve::{Server, order, place};

const DRIVERS: u32 = 10;
const RIDES: u32 = 48;
/// So many lines go in one request.
const BODY: usize = 32;

/// A recorded line.
pub struct Line {
    pub text: String,
    /// So many offers had been made when it was sent: some of it answers them.
    pub after: usize,
}

/// The offers that a market makes, as they are told.
struct Offers<I> {
    events: I,
    heard: usize,
}

impl<I: Iterator<Item = String>> Offers<I> {
    fn next(&mut self) -> Value {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < Duration::from_secs(60), "the market makes its offers");
            let line = self.events.next().expect("it tells on");
            let event = line.strip_prefix("data: ").map(|event| serde_json::from_str(event).expect("JSON"));
            let event: Value = event.unwrap_or_default();
            if event["type"] == "hansom.event.offer_made.v1" {
                self.heard += 1;
                return event["data"].clone();
            }
        }
    }
}

struct Recorder<'a, I> {
    server: &'a Server,
    offers: Offers<I>,
    lines: Vec<Line>,
}

impl<I: Iterator<Item = String>> Recorder<'_, I> {
    /// Gives an order, which may be refused; its key.
    fn order(&mut self, kind: &str, data: &Value) -> String {
        let line = order(self.lines.len() as u64, kind, data);
        let answer = self.server.order(&line);
        assert!(answer["offset"].is_u64() || answer["error"]["offset"].is_u64(), "{line}: {answer}");
        self.lines.push(Line { text: line.to_string(), after: self.offers.heard });
        line["id"].as_str().expect("a key").to_owned()
    }

    /// A driver says what he does with a ride.
    fn drive(&mut self, kind: &str, offer: &Value) {
        let mut data = json!({ "driver": offer["driver"], "ride": offer["ride"] });
        match kind {
            "accept_offer" | "decline_offer" => data["epoch"] = offer["epoch"].clone(),
            "end_trip" => data["place"] = offer["dropoff"].clone(),
            _ => {}
        }
        self.order(kind, &data);
    }

    /// The next offer of the ride that an order asked for.
    fn offer(&mut self, key: &str) -> Value {
        loop {
            let offer = self.offers.next();
            if offer["request"] == key {
                return offer;
            }
        }
    }
}

/// Records what is ordered in a town: rides that are driven, declined, given back, cancelled before and at the door, orders that no
/// rule allows; the last ones are left open in all ways.
pub fn record(server: &Server) -> Vec<Line> {
    let offers = Offers { events: server.get("/v1/events?from=0"), heard: 0 };
    let mut record = Recorder { server, offers, lines: Vec::new() };
    for driver in 0..DRIVERS {
        record.order("start_shift", &json!({ "driver": format!("d{driver}"), "place": place(19 * driver) }));
    }
    let mut aboard: VecDeque<Value> = VecDeque::new();
    for ride in 0..RIDES {
        let (from, to) = (place((31 * ride + 5) % 200), place((57 * ride + 80) % 200));
        let mut data = json!({ "rider": format!("r{ride}"), "pickup": from, "dropoff": to });
        if ride % 11 == 3 {
            data["blocked"] = json!(["d1", "d4"]);
        }
        let key = record.order("request_ride", &data);
        let mut offer = record.offer(&key);
        match ride % 6 {
            1 => {
                record.drive("decline_offer", &offer);
                offer = record.offer(&key);
            }
            2 => {
                record.order("cancel_ride", &json!({ "ride": key }));
                continue;
            }
            3 => {
                record.drive("accept_offer", &offer);
                record.drive("cancel_by_driver", &offer);
                offer = record.offer(&key);
            }
            4 => {
                record.order("cancel_ride", &json!({ "ride": 4_000_000_000_u32 }));
                record.order("request_ride", &json!({ "rider": "nobody", "pickup": from, "dropoff": to, "seats": 0 }));
            }
            _ => {}
        }
        // The last four get this far.
        let left = RIDES - ride;
        let deeds = ["accept_offer", "arrive_at_pickup", "board_rider"];
        for deed in deeds.into_iter().take(if left <= 4 { left as usize - 1 } else { deeds.len() }) {
            record.drive(deed, &offer);
        }
        match ride % 6 {
            _ if left <= 4 => {}
            5 => {
                // Too late: the rider is on board.
                record.order("cancel_ride", &json!({ "ride": key }));
                aboard.push_back(offer);
            }
            _ => aboard.push_back(offer),
        }
        if aboard.len() > 4 {
            let offer = aboard.pop_front().expect("five are on board");
            record.drive("end_trip", &offer);
        }
    }
    record.lines
}

/// Gives lines to a market, each when as many offers have been made as when it was recorded; their answers.
pub fn play<'a>(server: &Server, lines: impl Iterator<Item = (&'a [u8], usize)>) -> Vec<Value> {
    let mut offers = Offers { events: server.get("/v1/events?from=0"), heard: 0 };
    let mut answers = Vec::new();
    let mut body: Vec<&[u8]> = Vec::new();
    for (line, after) in lines {
        if body.len() == BODY || after > offers.heard {
            answers.extend(post(server, &body));
            body.clear();
        }
        while after > offers.heard {
            offers.next();
        }
        body.push(line);
    }
    answers.extend(post(server, &body));
    answers
}

fn post(server: &Server, lines: &[&[u8]]) -> Vec<Value> {
    let body = lines.join(&b'\n');
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    write!(stream, "POST /v1/commands HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len()).expect("it reads");
    stream.write_all(&body).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (_, text) = answer.split_once("\r\n\r\n").expect("a head");
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), lines.len(), "{answer}");
    answers
}

/// What became of each ride and each driver: all facts about them in order, their instants counted from their turn.
pub fn stories(desk: &Desk) -> BTreeMap<String, Vec<Value>> {
    let mut stories: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for turn in desk.hansom("log cat data/town").out.lines() {
        let turn: Value = serde_json::from_str(turn).expect("JSON");
        let at = turn["at_ms"].as_i64().expect("a time");
        for event in turn["events"].as_array().expect("a list") {
            if event["type"] == "Keyed" {
                continue;
            }
            let whose = ["ride", "driver"].into_iter().find(|name| event[*name].is_u64());
            if let Some(whose) = whose {
                let story = stories.entry(format!("{whose} {}", event[whose])).or_default();
                story.push(from_turn(event, at));
            }
        }
    }
    stories
}

/// A fact whose instants are counted from `at`.
fn from_turn(event: &Value, at: i64) -> Value {
    let year = 366 * 86_400_000;
    let fields = event.as_object().expect("an object").iter().map(|(name, value)| {
        let instant = value.as_i64().filter(|value| (value - at).abs() < year);
        (name.clone(), instant.map_or_else(|| value.clone(), |instant| (instant - at).into()))
    });
    Value::Object(fields.collect())
}
