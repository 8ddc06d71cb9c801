//! Somebody builds an app on a simulated city that is served: the rides that it orders are driven.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use hansom_engine::RideId;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_market::ingest::event::RideRequested;
use hansom_market::ingest::{Fact, decode_event, parse_time};
use serde_json::{Value, json};

use crate::harness::{Desk, TOWN};
use crate::serve::{Server, order, place, uuid_of};

const SERVE: &str =
    "serve --scenario town.toml --speed 60 --data data --listen 127.0.0.1:0 --log-format json --insecure-dev";

/// What the app orders with, in the time of the city.
struct App<'a> {
    server: &'a Server,
    orders: u64,
}

impl App<'_> {
    fn graphql(&self, query: &str, variables: &Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut stream = TcpStream::connect(self.server.address).expect("it listens");
        let head = "POST /graphql HTTP/1.0\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        let mut answer: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].take()
    }

    fn key(&mut self) -> String {
        self.orders += 1;
        let markets = self.graphql(include_str!("../../api/operations/markets.graphql"), &json!({}));
        let now = markets["markets"][0]["now"].as_str().and_then(parse_time).expect("the market's time");
        uuid_of(now.0 as u64, self.orders)
    }

    /// Asks for a ride by GraphQL; its number.
    fn ask(&mut self, from: u32, to: u32, seats: u32) -> RideId {
        let input = json!({ "rider": "somebody", "pickup": place(from), "dropoff": place(to), "seats": seats });
        let variables = json!({ "key": self.key(), "input": input });
        let answer = self.graphql(include_str!("../../api/operations/request-ride.graphql"), &variables);
        let number = answer["requestRide"]["ride"].as_str().and_then(|ride| ride.parse().ok());
        RideId(number.unwrap_or_else(|| panic!("{answer}")))
    }

    /// Asks for a ride on `/v1/commands`; the key that it is asked for with.
    fn ask_by_line(&mut self, from: u32, to: u32) -> String {
        let data = json!({ "rider": "somebody", "pickup": place(from), "dropoff": place(to) });
        let mut line = order(0, "request_ride", &data);
        let key = self.key();
        line["id"] = json!(key);
        let answer = self.server.order(&line);
        assert!(answer["offset"].is_u64(), "{answer}");
        key
    }

    fn cancel(&mut self, ride: RideId) {
        let variables = json!({ "key": self.key(), "input": { "ride": ride.0.to_string() } });
        let answer = self.graphql(include_str!("../../api/operations/cancel-ride.graphql"), &variables);
        assert_eq!(answer["cancelRide"]["__typename"], "Taken", "{answer}");
    }
}

/// How far apart two places of the town are, in 1e-7 degrees of latitude, each 11 mm.
fn apart(one: hansom_geo_index::Coord, other: hansom_geo_index::Coord) -> f64 {
    let (dy, dx) = (f64::from(one.lat - other.lat), f64::from(one.lon - other.lon) * 0.67);
    (dx * dx + dy * dy).sqrt()
}

fn others_order(policy: &str) {
    let desk = Desk::new();
    // Riders get in slowly, so that whoever cancels when a driver is on the way is in time.
    let keys = format!("boarding_s = 90\npolicy = {policy}\n");
    desk.write("town.toml", &(TOWN.replace("09:00:00", "08:06:00").replace("= 8", "= 4") + &keys));
    let server = Server::run(desk.command(SERVE));
    let mut app = App { server: &server, orders: 0 };

    // As soon as there is somebody to ask: no driver is on shift yet, or hardly one.
    let mut asked: Vec<RideId> = (0..4).map(|n| app.ask(7 + 9 * n, 60 - 9 * n, 1)).collect();
    let by_line = [app.ask_by_line(20, 70), app.ask_by_line(80, 12)];
    // No car of the town has so many seats.
    let (unserved, gone) = (app.ask(5, 50, 9), asked[0]);

    let mut requests: BTreeMap<RideId, RideRequested> = BTreeMap::new();
    let mut boarded = BTreeMap::new();
    let mut ends = BTreeMap::new();
    let mut chained = false;
    let events = server.get("/v1/events?market=town&from=0");
    for data in events.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)) {
        let published = decode_event(data.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {data}"));
        let mine = |ride: RideId| requests.get(&ride).is_some_and(|request| &*request.rider.0 == "somebody");
        match published.fact {
            Fact::RideRequested(it) => {
                if it.request.is_some_and(|key| by_line.contains(&key.to_string())) {
                    asked.push(it.ride);
                }
                requests.insert(it.ride, it);
            }
            // A driver is on the way.
            Fact::OfferAccepted(it) if it.ride == gone => {
                app.cancel(gone);
                app.cancel(unserved);
            }
            Fact::OfferMade(it) => chained |= it.chained && mine(it.ride),
            Fact::RiderBoarded(it) if mine(it.ride) => {
                boarded.insert(it.ride, published.time);
            }
            Fact::RideEnded(it) if mine(it.ride) => {
                ends.insert(it.ride, (published.time, it.outcome, it.place));
                if ends.len() == 7 {
                    break;
                }
            }
            _ => {}
        }
    }
    assert_eq!((asked.len(), ends.len()), (6, 7), "{ends:?}");
    assert_eq!(ends[&unserved].1, Outcome::CancelledBeforeMatch);
    assert_eq!(ends[&gone].1, Outcome::CancelledAfterMatch);
    for ride in asked.into_iter().filter(|ride| *ride != gone) {
        let (ended_at, outcome, place) = ends[&ride];
        assert_eq!(outcome, Outcome::Completed, "{ride:?}");
        let request = &requests[&ride];
        assert!(place.is_some_and(|place| apart(place, request.dropoff) < 1_000.0), "{place:?}, {request:?}");
        let took = (ended_at - boarded[&ride]).0;
        assert!(took > i64::from(request.direct_ms) / 3, "{took} ms on a way of {} ms", request.direct_ms);
    }
    assert!(chained, "there are four cars: one ride comes after another");

    let (printed, said) = server.await_end();
    let figure = |what: &str| -> u64 {
        let line = printed.lines().find(|line| line.starts_with(what)).expect("it is told");
        line[what.len()..].trim().replace(',', "").parse().expect("a number")
    };
    assert_eq!((figure("others' requests"), figure("not over")), (7, 0), "{printed}");
    assert!(figure("completed") >= 5, "{printed}");
    assert!(!said.contains("ALARM"), "{said}");
    let replay = desk.hansom("replay data/town --verify");
    assert_eq!(replay.code, 0, "{}", replay.whole());
}

#[test]
fn rides_that_others_order_are_driven_by_the_nearest() {
    others_order(r#"{ kind = "nearest" }"#);
}

#[test]
fn rides_that_others_order_are_driven_in_batches() {
    others_order(r#"{ kind = "batch", batch_window_s = 5 }"#);
}
