//! One trace follows an order from HTTP to the offer, and reaches a collector as others know it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use hansom_api::auth::Gate;
use hansom_api::{Collector, Edge, Tracing};
use hansom_engine::domain::Planner;
use hansom_geo_index::Millis;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use serde_json::json;

use crate::served::{Served, edge, order, request_ride, spec, start_shift};

/// A collector: takes spans over HTTP, and hands them on.
fn collector() -> (SocketAddr, Receiver<Span>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let (sender, spans) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                loop {
                    let head: Vec<String> =
                        reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                    let Some(first) = head.first() else { return };
                    assert_eq!(first, "POST /v1/traces HTTP/1.1");
                    let header = |name: &str| {
                        let found = head.iter().filter_map(|line| line.split_once(": "));
                        found.clone().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
                    };
                    assert_eq!(header("content-type"), Some("application/x-protobuf"));
                    let mut body = vec![0; header("content-length").and_then(|bytes| bytes.parse().ok()).expect("a length")];
                    reader.read_exact(&mut body).expect("a body");
                    let request = ExportTraceServiceRequest::decode(&*body).expect("the message that others know");
                    for resource in request.resource_spans {
                        let attributes = resource.resource.expect("who it is").attributes;
                        let name = attributes.iter().find(|attribute| attribute.key == "service.name");
                        let name = name.and_then(|name| name.value.clone()?.value);
                        assert_eq!(name, Some(Value::StringValue("hansom".to_owned())));
                        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                            // Once the test has seen enough nobody listens.
                            let _ = sender.send(span);
                        }
                    }
                    write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("it listens");
                }
            });
        }
    });
    (address, spans)
}

fn tracing(address: SocketAddr, share: f64) -> Tracing {
    Tracing::start(&Collector { endpoint: format!("http://{address}"), share })
}

/// The spans of a trace until one of this name is there, by name.
fn until(spans: &Receiver<Span>, trace: &[u8], last: &str) -> BTreeMap<String, Span> {
    let mut found = BTreeMap::new();
    for span in spans.iter().filter(|span| span.trace_id == trace) {
        let is_last = span.name == last;
        found.insert(span.name.clone(), span);
        if is_last {
            return found;
        }
    }
    panic!("no more spans after {found:?}");
}

fn number(span: &Span, key: &str) -> Option<i64> {
    match span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value {
        Some(Value::IntValue(number)) => Some(number),
        _ => None,
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn one_trace_follows_a_request_from_http_to_its_offer() {
    // An offer in the turn of the request, and one that a later turn makes.
    for window in [0, 500] {
        let data = tempfile::tempdir().expect("a folder");
        let (address, spans) = collector();
        let tracing = tracing(address, 0.0);
        let mut market = spec("town", data.path(), 64);
        if window > 0 {
            market.header.settings.policy.planner = Planner::Batch;
            market.header.settings.policy.batch_window = Millis(window);
        }
        let town = Served::at(Edge { tracing: Some(tracing.clone()), ..edge(Gate::open()) }, vec![market]);
        town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3)]);
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let lines = [request_ride(2, "rob", (3, 3), (9, 9)), order(3, "cancel_ride", &json!({ "ride": 99 }))].join("\n");
        let reply = town.ask("POST", "/v1/commands", &[("traceparent", &parent)], &lines);
        let offset = reply.json()[0]["offset"].as_i64().expect("it is taken");
        tracing.end();
        let trace = until(&spans, &bytes(TRACE), "offer");
        let of = |name: &str| trace.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", trace.keys()));
        let entry = of("POST /v1/commands");
        assert_eq!((&entry.parent_span_id, entry.kind), (&bytes(PARENT), SpanKind::Server as i32));
        let asked = of("hansom.command.request_ride.v1");
        assert_eq!((&asked.parent_span_id, asked.kind), (&entry.span_id, SpanKind::Internal as i32));
        assert_eq!(of("receive").parent_span_id, entry.span_id);
        assert_eq!(number(asked, "hansom.offset"), Some(offset));
        assert!(asked.status.is_none());
        // One after another, from the order's start to its end and without a gap.
        let stages: Vec<&Span> = ["queue", "decide", "log", "release"].map(of).to_vec();
        let mut at = asked.start_time_unix_nano;
        for stage in stages {
            assert!(stage.start_time_unix_nano == at && stage.end_time_unix_nano >= at, "{stage:?}");
            at = stage.end_time_unix_nano;
        }
        assert_eq!(at, asked.end_time_unix_nano);
        let offer = of("offer");
        assert_eq!(offer.start_time_unix_nano, asked.start_time_unix_nano);
        assert!(offer.end_time_unix_nano >= asked.end_time_unix_nano);
        let offered = number(offer, "hansom.offset").expect("its turn");
        assert_eq!(offered == offset, window == 0, "{offered} for {offset}");
        assert_eq!(number(offer, "hansom.ride"), Some(1));
    }
}
