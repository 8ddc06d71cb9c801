//! Traces of the real binary, as a collector gets them: one follows a request from HTTP to the offer that its driver is given.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Given;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::harness::Desk;
use crate::serve::{MARKET, Server, order, place, shift, uuid};

const SERVE: &str = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json --insecure-dev";
/// Whoever waits longer than this waits in vain.
const AT_LAST: Duration = Duration::from_secs(60);

/// What a collector was sent.
struct Sent {
    /// Of the request that brought it.
    head: String,
    resource: Vec<KeyValue>,
    span: Span,
}

/// A collector. Each span that it is sent comes out.
fn collector() -> (SocketAddr, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let (sender, spans) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                while let Some((head, body)) = request(&mut reader) {
                    assert!(head.starts_with("POST /v1/traces HTTP/1.1\n"), "{head}");
                    assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
                    let request = ExportTraceServiceRequest::decode(&*body).expect("the message of the protocol");
                    for traces in request.resource_spans {
                        let resource = traces.resource.expect("who it is").attributes;
                        for span in traces.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                            // Once the test has seen enough nobody listens.
                            let _ = sender.send(Sent { head: head.clone(), resource: resource.clone(), span });
                        }
                    }
                    write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("it listens");
                }
            });
        }
    });
    (address, spans)
}

/// The next request on a connection: its head, and its body.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let head: Vec<String> = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = |line: &String| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok();
    let mut body = vec![0; head.iter().find_map(length)?];
    reader.read_exact(&mut body).ok()?;
    Some((head.join("\n"), body))
}

/// The spans of a trace, once all of these are there.
fn trace(spans: &Receiver<Sent>, trace: &str, names: &[&str]) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let count = |found: &[Span], name: &str| found.iter().filter(|span| span.name == name).count();
    while names.iter().any(|name| count(&found, name) < names.iter().filter(|other| *other == name).count()) {
        match spans.recv_timeout(AT_LAST) {
            Ok(sent) if hex(&sent.span.trace_id) == trace => found.push(sent.span),
            Ok(_) => {}
            Err(cause) => {
                panic!(
                    "{cause}: no more of {names:?} after {:?}",
                    found.iter().map(|span| &span.name).collect::<Vec<_>>()
                )
            }
        }
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn given<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Given> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

/// Sends a request; the head of the answer, and its body.
fn ask(server: SocketAddr, head: &str, body: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(server).expect("it listens");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// A rider asks for a ride, on `/v1/commands` or by GraphQL; the head of the answer, and the turn.
fn ride(server: SocketAddr, by_graphql: bool, key: u64, headers: &str) -> (String, i64) {
    let input = json!({ "rider": format!("rider-{key}"), "pickup": place(7), "dropoff": place(20) });
    if by_graphql {
        let query = include_str!("../../api/operations/request-ride.graphql");
        let body = json!({ "query": query, "variables": { "key": uuid(key), "input": input } }).to_string();
        let head = format!("POST /graphql HTTP/1.0\r\nContent-Type: application/json{headers}");
        let (head, answer) = ask(server, &head, &body);
        let offset = answer["data"]["requestRide"]["offset"].as_str().and_then(|offset| offset.parse().ok());
        (head, offset.unwrap_or_else(|| panic!("{answer}")))
    } else {
        let line = order(key, "request_ride", &input).to_string();
        let (head, answer) = ask(server, &format!("POST /v1/commands HTTP/1.0{headers}"), &line);
        (head, answer["offset"].as_i64().unwrap_or_else(|| panic!("{answer}")))
    }
}

/// A driver's phone, which listens for offers.
struct Phone(WebSocket<TcpStream>);

impl Phone {
    fn of(server: SocketAddr, driver: &str) -> Self {
        let mut request = format!("ws://{server}/graphql").into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
        let stream = TcpStream::connect(server).expect("it listens");
        let mut phone = Self(tungstenite::client(request, stream).expect("a socket").0);
        phone.say(&json!({ "type": "connection_init" }));
        assert_eq!(phone.hear()["type"], "connection_ack");
        let query = include_str!("../../api/operations/offers.graphql");
        let payload = json!({ "query": query, "variables": { "driver": driver, "from": "0" } });
        phone.say(&json!({ "id": "offers", "type": "subscribe", "payload": payload }));
        phone
    }

    fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).expect("it listens");
    }

    fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().expect("a message") {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// Returns once it was offered a ride.
    fn is_offered(&mut self) {
        while self.hear()["payload"]["data"]["offers"]["__typename"] != "OfferMade" {}
    }
}

/// What `/metrics` says of this figure.
fn figure(server: SocketAddr, name: &str) -> u64 {
    let mut stream = TcpStream::connect(server).expect("it listens");
    write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn one_trace_follows_a_request_from_http_to_the_drivers_offer() {
    let at_once = MARKET.to_owned();
    let later = MARKET.replace("\"nearest\"", "\"batch\", batch_window_s = 1");
    for (market, by_graphql) in [(&at_once, false), (&at_once, true), (&later, false), (&later, true)] {
        let desk = Desk::new();
        desk.write("market.toml", market);
        let (address, spans) = collector();
        // Only who asks for it is traced.
        let mut serve = desk.command(&format!("{SERVE} --otlp-endpoint http://{address} --trace-share 0"));
        serve.env("OTEL_BSP_SCHEDULE_DELAY", "50");
        let server = Server::run(serve);
        let mut phone = Phone::of(server.address, "d1");
        ask(server.address, "POST /v1/commands HTTP/1.0", &shift(1).to_string());
        let (id, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let (head, offset) = ride(server.address, by_graphql, 2, &format!("\r\ntraceparent: 00-{id}-{parent}-01"));
        phone.is_offered();

        let route = if by_graphql { "POST /graphql" } else { "POST /v1/commands" };
        let stages = ["queue", "decide", "sync", "release"];
        let mut wanted = [&[route, "receive", "request_ride", "offer", "deliver"], &stages[..]].concat();
        let is_later = *market == later;
        if is_later {
            wanted.extend(["match", "decide", "sync", "release"]);
        }
        let found = trace(&spans, id, &wanted);
        assert_eq!(found.len(), wanted.len(), "{:?}", found.iter().map(|span| &span.name).collect::<Vec<_>>());
        let below = |above: &Span, name: &str| {
            let mut all = found.iter().filter(|span| span.name == name && span.parent_span_id == above.span_id);
            let one = all.next().unwrap_or_else(|| panic!("no {name} below {}", above.name));
            assert!(all.next().is_none());
            one
        };
        // Each begins where the one before ends, and takes no time backwards.
        let one_after_another = |from: u64, spans: &[&Span]| {
            spans.iter().fold(from, |at, span| {
                assert!(span.start_time_unix_nano == at && span.end_time_unix_nano >= at, "{at}: {span:?}");
                span.end_time_unix_nano
            })
        };
        let entry = found.iter().find(|span| span.name == route).expect("it is there");
        assert_eq!((hex(&entry.parent_span_id).as_str(), entry.kind), (parent, SpanKind::Server as i32));
        assert_eq!(given(&entry.attributes, "http.response.status_code"), Some(&Given::IntValue(200)));
        let told = format!("traceresponse: 00-{id}-{}-01", hex(&entry.span_id));
        assert!(head.contains(&told), "{told}: {head}");
        one_after_another(entry.start_time_unix_nano, &[below(entry, "receive")]);

        let asked = below(entry, "request_ride");
        let said = |key| given(&asked.attributes, key).cloned();
        assert_eq!(said("hansom.offset"), Some(Given::IntValue(offset)));
        assert_eq!(said("hansom.market"), Some(Given::StringValue("town".to_owned())));
        assert_eq!(said("hansom.answer"), Some(Given::StringValue("taken".to_owned())));
        let passed = stages.map(|stage| below(asked, stage));
        let released = one_after_another(asked.start_time_unix_nano, &passed);
        assert_eq!(released, asked.end_time_unix_nano);

        let offer = below(asked, "offer");
        assert_eq!(given(&offer.attributes, "hansom.ride"), Some(&Given::IntValue(1)));
        let offered = given(&offer.attributes, "hansom.offset").cloned();
        let decided = passed[1].end_time_unix_nano;
        assert_eq!(offer.start_time_unix_nano, decided);
        let deliver = below(offer, "deliver");
        assert_eq!(given(&deliver.attributes, "hansom.listener"), Some(&Given::StringValue("offers".to_owned())));
        if is_later {
            assert_ne!(offered, Some(Given::IntValue(offset)), "another turn has made it");
            let passed = ["match", "decide", "sync", "release", "deliver"].map(|stage| below(offer, stage));
            assert_eq!(one_after_another(decided, &passed[..4]), offer.end_time_unix_nano);
            one_after_another(offer.end_time_unix_nano, &passed[4..]);
            assert!(passed[0].end_time_unix_nano - decided > 10_000_000, "it waited for its window");
        } else {
            assert_eq!(offered, Some(Given::IntValue(offset)), "the turn of the request has made it");
            one_after_another(offer.end_time_unix_nano, &[deliver]);
        }

        // Nobody who rides or drives, and no place.
        let all = format!("{found:?}");
        for personal in ["rider-2", "d1\"", "lat", "10.99", &uuid(2)[14..]] {
            assert!(!all.contains(personal), "{personal}: {all}");
        }
        assert!(found.iter().all(|span| span.status.as_ref().is_none_or(|it| it.code() == StatusCode::Unset)));
        // Neither the shift, nor who does not want it.
        let (head, _) = ride(server.address, by_graphql, 3, &format!("\r\ntraceparent: 00-{id}-{parent}-00"));
        assert!(head.contains(&format!("traceresponse: 00-{id}-")) && head.contains("-00\r\n"), "{head}");
        server.stop();
        assert!(spans.try_iter().next().is_none(), "nothing else was sent");
    }
}

/// What every program that leaves traces is told by its environment.
#[test]
fn the_variables_of_opentelemetry_are_heeded() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let (address, spans) = collector();
    let mut serve = desk.command(SERVE);
    serve
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-of=the-city")
        .env("OTEL_SERVICE_NAME", "dispatch")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let server = Server::run(serve);
    let (head, _) = ask(server.address, "POST /v1/commands HTTP/1.0", &shift(1).to_string());
    let said = server.stop();
    assert!(said.contains("only http/protobuf is spoken"), "{said}");
    // What waited was sent at the end.
    let sent: Vec<Sent> = spans.try_iter().collect();
    let names: Vec<&str> = sent.iter().map(|sent| sent.span.name.as_str()).collect();
    assert!(names.contains(&"POST /v1/commands") && names.contains(&"start_shift"), "{names:?}");
    for Sent { head: request, resource, span } in &sent {
        assert!(request.to_lowercase().contains("x-of: the-city"), "{request}");
        let is =
            |key, value: &str| assert_eq!(given(resource, key), Some(&Given::StringValue(value.to_owned())), "{key}");
        is("service.name", "dispatch");
        is("deployment.environment.name", "test");
        is("service.version", env!("CARGO_PKG_VERSION"));
        assert!(head.contains(&hex(&span.trace_id)), "it is said which trace it is: {head}");
    }
}

#[test]
fn a_collector_that_is_away_hurts_nobody() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    // Nobody listens there any more.
    let away = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut serve = desk.command(&format!("{SERVE} --otlp-endpoint http://{away}"));
    serve.env("OTEL_BSP_SCHEDULE_DELAY", "1");
    let server = Server::run(serve);
    let lost = "hansom_spans_lost_total{cause=\"collector\"}";
    let mut key = 0;
    let mut more_until = |most: u64| {
        while figure(server.address, lost) <= most {
            key += 1;
            let (_, answer) = ask(server.address, "POST /v1/commands HTTP/1.0", &shift(key).to_string());
            assert!(answer["offset"].is_u64(), "{answer}");
        }
        figure(server.address, lost)
    };
    // More than once.
    let first = more_until(0);
    more_until(first);
    assert_eq!(figure(server.address, "hansom_spans_sent_total"), 0);
    let said = server.stop();
    assert_eq!(said.matches("the collector does not take them").count(), 1, "{said}");
    assert!(said.contains("Connection refused"), "it says why: {said}");
}

#[test]
fn a_collector_that_is_slow_holds_up_nobody_and_what_is_lost_is_counted() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    // It takes connections, and never answers.
    let slow = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = slow.local_addr().expect("it has one");
    let mut serve = desk.command(&format!("{SERVE} --otlp-endpoint http://{address}"));
    serve.env("OTEL_BSP_SCHEDULE_DELAY", "1").env("OTEL_BSP_MAX_QUEUE_SIZE", "16");
    serve.env("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
    let server = Server::run(serve);
    let mut key = 0;
    while figure(server.address, "hansom_spans_lost_total{cause=\"queue\"}") < 100 {
        key += 1;
        let (_, answer) = ask(server.address, "POST /v1/commands HTTP/1.0", &shift(key).to_string());
        assert!(answer["offset"].is_u64(), "{answer}");
    }
    let said = server.stop();
    assert_eq!(said.matches("more are made than the collector takes").count(), 1, "{said}");
}

#[test]
fn an_endpoint_that_cannot_be_meant_is_explained() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let serve = "serve --market market.toml --listen 127.0.0.1:0 --insecure-dev";
    let said = desk.transcript(&[
        &format!("{serve} --otlp-endpoint localhost:4318"),
        &format!("{serve} --otlp-endpoint http://a:b:c"),
        &format!("{serve} --trace-share 2"),
    ]);
    insta::assert_snapshot!(said.replace(char::is_numeric, "#"));
}
