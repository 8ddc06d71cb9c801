//! The HTTP edge of markets that serve, seen from outside.

mod access;
mod asked;
mod browser;
mod crowd;
mod graphql;
mod hostile;
mod jwks;
mod limits;
mod patience;
mod poison;
mod poison_again;
mod reading;
mod seen;
mod served;
mod tls;
mod tokens;

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use served::{Served, corner, order, request_ride, spec, start_shift, uuid};

fn kind(event: &Value) -> &str {
    event["type"].as_str().expect("a type").trim_start_matches("hansom.event.")
}

#[test]
fn every_line_gets_one_answer_in_order() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let answers = town.lines(
        "/v1/commands",
        &[
            start_shift(1, "ann", 3, 3),
            "no JSON".to_owned(),
            request_ride(2, "rob", (4, 4), (9, 9)),
            order(3, "cancel_ride", &json!({ "ride": 77 })),
            start_shift(1, "ann", 3, 3),
        ],
    );
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["key"], uuid(1));
    assert!(answers[0]["offset"].is_u64() && answers[0].get("error").is_none(), "{}", answers[0]);
    assert_eq!((&answers[1]["error"]["code"], &answers[1]["error"]["retryable"]), (&json!("E0902"), &json!(false)));
    assert!(answers[2]["offset"].as_u64() > answers[0]["offset"].as_u64());
    assert_eq!((&answers[3]["key"], &answers[3]["error"]["code"]), (&json!(uuid(3)), &json!("unknown_ride")));
    assert_eq!(answers[4], answers[0], "a repeat gets the first answer");
    let kept = hansom_market::quarantine::list(&data.path().join("town/quarantine")).expect("a quarantine");
    let kept: Vec<_> = kept.entries.iter().map(|entry| &*entry.bytes).collect();
    assert_eq!(kept, [b"no JSON"]);
}

#[test]
fn a_ride_is_driven_to_its_end() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let events = town.events("?from=0", None);
    town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3), request_ride(2, "rob", (3, 3), (3, 4))]);
    let mut met = Vec::new();
    let mut next = |wanted: &str| {
        let (_, event) = events.iter().find(|(_, event)| kind(event) == wanted).expect("the stream goes on");
        met.push(wanted.to_owned());
        event
    };
    let offer = next("offer_made.v1");
    assert_eq!((&offer["data"]["driver"], &offer["data"]["request"]), (&json!("ann"), &json!(uuid(2))));
    let (ride, epoch) = (&offer["data"]["ride"], &offer["data"]["epoch"]);
    let of_ride = json!({ "driver": "ann", "ride": ride });
    let accept = order(3, "accept_offer", &json!({ "driver": "ann", "ride": ride, "epoch": epoch }));
    // By the id of the order that asked for it, too.
    let arrive = order(4, "arrive_at_pickup", &json!({ "driver": "ann", "ride": uuid(2) }));
    let end = order(6, "end_trip", &json!({ "driver": "ann", "ride": ride, "place": corner(3, 4) }));
    let answers = town.lines("/v1/commands", &[accept, arrive, order(5, "board_rider", &of_ride), end]);
    assert!(answers.iter().all(|answer| answer.get("error").is_none()), "{answers:?}");
    assert_eq!(next("ride_ended.v1")["data"]["outcome"], "completed");
    assert_eq!(next("settled.v1")["data"]["cause"], "fare");
}

#[test]
fn bodies_may_be_packed() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(start_shift(1, "ann", 1, 1).as_bytes()).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let zstd = start_shift(2, "bob", 2, 2);
    let zstd = ruzstd::encoding::compress_to_vec(zstd.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    for (encoding, body) in [("gzip", gzip), ("zstd", zstd)] {
        let (status, answer) = town.post("/v1/commands", Some(encoding), &body);
        assert_eq!(status, 200, "{encoding}");
        assert!(answer.contains("\"offset\""), "{encoding}: {answer}");
        let (status, answer) = town.post("/v1/commands", Some(encoding), &body[..body.len() / 2]);
        assert_eq!(status, 400, "{encoding} cut off: {answer}");
        assert!(answer.contains("\"retryable\":false"), "it came whole: {answer}");
    }
    assert_eq!(town.post("/v1/commands", Some("br"), b"x").0, 415);
}

#[test]
fn a_body_that_unpacks_to_more_than_is_allowed_is_not_unpacked() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let blank = vec![b' '; 9 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&blank).expect("memory");
    let gzip = gzip.finish().expect("memory");
    assert!(gzip.len() < 100_000);
    let (status, answer) = town.post("/v1/commands", Some("gzip"), &gzip);
    assert_eq!((status, answer.contains("too_long")), (413, true), "{answer}");
    assert_eq!(town.post("/v1/commands", None, &blank).0, 413);
}

#[test]
fn positions_are_received_and_reach_the_market() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let events = town.events("?from=0", None);
    let position = |driver: &str, seq: u32| {
        json!({
            "specversion": "1.0", "id": format!("{driver}-{seq}"), "source": "/test", "type": "hansom.location.v1",
            "data": { "driver": driver, "seq": seq, "place": corner(5, 5) },
        })
        .to_string()
    };
    town.lines("/v1/commands", &[start_shift(1, "ann", 5, 5)]);
    let answers = town.lines("/v1/locations", &[position("ann", 1), "{}".to_owned(), position("nobody", 1)]);
    assert_eq!(answers[0]["key"], "ann-1");
    assert_eq!(answers[1]["error"]["code"], "E0903");
    assert_eq!(answers[2]["key"], "nobody-1");
    let refused = events.iter().find(|(_, event)| kind(event) == "ping_refused.v1").expect("it is told");
    assert_eq!(refused.1["data"]["code"], "unknown_driver");
    let (_, figures) = town.get("/metrics");
    assert!(figures.contains("hansom_pings_total{market=\"town\"} 2"), "{figures}");
}

#[test]
fn a_reader_comes_back_to_where_it_was() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    for n in 0..5 {
        town.lines("/v1/commands", &[start_shift(n, &format!("d{n}"), n as u32, 0)]);
    }
    let all: Vec<_> = town.events("?market=town&from=0", None).iter().take(5).collect();
    let back: Vec<_> = town.events("", Some(all[2].0)).iter().take(3).collect();
    assert_eq!(all[2..], back[..]);
}

#[test]
fn a_market_opened_again_knows_what_it_knew() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let first = town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3), request_ride(2, "rob", (3, 3), (5, 5))]);
    let told: Vec<_> = town.events("?from=0", None).iter().take(3).collect();
    town.stop();

    let town = Served::town(data.path());
    let again = town.lines("/v1/commands", &[request_ride(2, "rob", (3, 3), (5, 5)), start_shift(1, "ann", 3, 3)]);
    assert_eq!(again, [first[1].clone(), first[0].clone()], "keys are remembered");
    let (_, figures) = town.get("/metrics");
    assert!(figures.contains("hansom_open_requests{market=\"town\"} 1"), "{figures}");
    let from_log: Vec<_> = town.events("?from=0", None).iter().take(3).collect();
    let without_request = |events: Vec<(u64, Value)>| -> Vec<(u64, String)> {
        events.iter().map(|(offset, event)| (*offset, kind(event).to_owned())).collect()
    };
    assert_eq!(without_request(from_log), without_request(told));
}

#[test]
fn markets_are_kept_apart() {
    let data = tempfile::tempdir().expect("a folder");
    let served = Served::start(vec![spec("east", data.path(), 64), spec("west", data.path(), 64)]);
    let shift = start_shift(1, "ann", 3, 3);
    assert!(served.lines("/v1/commands?market=east", std::slice::from_ref(&shift))[0].get("error").is_none());
    let west = |line: &str| {
        let mut named: Value = serde_json::from_str(line).expect("JSON");
        named["market"] = json!("west");
        named
    };
    let elsewhere = &served.lines("/v1/commands", &[west(&shift).to_string()])[0]["error"];
    assert_eq!((&elsewhere["code"], &elsewhere["retryable"]), (&json!("on_shift_elsewhere"), &json!(false)));
    let named = west(&start_shift(2, "bob", 3, 3));
    let answers = served.lines("/v1/commands", &[named.to_string(), shift.clone()]);
    assert!(answers[0].get("error").is_none(), "{answers:?}");
    assert_eq!(answers[1]["error"]["code"], "no_market");
    let answers = served.lines("/v1/commands?market=east", &[named.to_string()]);
    assert_eq!(answers[0]["error"]["code"], "wrong_market");
    assert_eq!(served.post("/v1/commands?market=north", None, shift.as_bytes()).0, 404);
    assert_eq!(served.get("/v1/events").0, 400);
    let (status, ready) = served.get("/readyz");
    assert_eq!(status, 200);
    assert!(ready.contains("\"east\":\"serving\"") && ready.contains("\"west\":\"serving\""), "{ready}");
    assert_eq!(served.get("/healthz"), (200, "ok\n".to_owned()));
}

#[test]
fn a_full_market_says_when_to_come_again() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::start(vec![spec("town", data.path(), 0)]);
    let answers = town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3)]);
    let error = &answers[0]["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("overloaded"), &json!(true)));
    assert!(error["retry_after_ms"].as_u64() >= Some(20), "{error}");
    assert!(town.get("/metrics").1.contains("hansom_overloaded_total{market=\"town\"} 1"));
}

#[test]
fn a_request_longer_than_the_mailbox_is_taken_piece_by_piece() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::start(vec![spec("town", data.path(), 3)]);
    let shifts: Vec<String> = (0..500).map(|n| start_shift(n, &format!("d{n}"), n as u32 % 21, 0)).collect();
    let answers = town.lines("/v1/commands", &shifts);
    assert_eq!(answers.len(), 500);
    let keys: Vec<String> =
        answers.iter().map(|answer| answer["key"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(keys, (0..500).map(uuid).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer["offset"].is_u64()), "{answers:?}");
}

#[test]
fn a_client_that_knows_no_chunks_gets_none() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let body = start_shift(1, "ann", 3, 3);
    let request = format!("POST /v1/commands HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(town.address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers, and closes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.0 200") && !head.contains("chunked"), "{head}");
    let line: Value = serde_json::from_str(body).expect("one line");
    assert_eq!(line["key"], uuid(1));
}
