//! Bad input: each kind that was thought of, and what it gets, held against the table in `docs/bad-input.md`.

use std::cell::Cell;

use serde_json::{Value, json};
use tungstenite::Message;

use crate::graphql::client::operation;
use crate::served::{Served, corner, order, request_ride, uuid};

/// The page that says it to people.
const PAGE: &str = include_str!("../../../docs/bad-input.md");

/// What is sent, and what it gets.
type Case<'a> = (&'a str, String);

#[test]
fn bad_input_gets_what_the_page_says() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let parts = [
        ("To `/graphql`, in the body", bodies(&town)),
        ("… an operation", operations(&town)),
        ("… a value of an order or question", values(&town)),
        ("Over a socket", sockets(&town)),
        ("To `/v1`", lines(&town)),
        ("As a request", requests(&town)),
    ];
    let row = |(what, got): Case<'_>| format!("| {what} | {got} |\n");
    let table = parts.map(|(to, cases)| {
        let rows: String = cases.into_iter().map(row).collect();
        format!("\n| {to} | |\n| --- | --- |\n{rows}")
    });
    let table = table.concat();
    assert!(PAGE.ends_with(&table), "docs/bad-input.md has other tables than these:\n{table}");
    let (_, figures) = town.get("/metrics");
    assert!(figures.contains("hansom_halts_total{market=\"town\"} 0"), "{figures}");
    assert_eq!(town.get("/readyz").0, 200, "and it serves as before");
}

/// What is said of an operation: the status if it is not 200, and the code of the error or the type of the answer.
fn said(status: u16, text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{status}: {text}"));
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    let field = answer["data"].as_object().and_then(|data| data.values().next());
    let word = match (code, field.and_then(|field| field["__typename"].as_str())) {
        (Some(code), _) => format!("error `{code}`"),
        (None, Some(kind)) => match field.and_then(|field| field["code"].as_str()) {
            Some(code) => format!("`{kind}`, `{code}`"),
            None => format!("`{kind}`"),
        },
        (None, None) => panic!("{text}"),
    };
    if status == 200 { word } else { format!("{status}, {word}") }
}

fn bodies(town: &Served) -> Vec<Case<'static>> {
    let send = |body: &str| {
        let (status, text) = town.graphql(body);
        said(status, &text)
    };
    let typed = |kind: &str| {
        let (status, text) = town.post_as(kind, "/graphql", b"{\"query\":\"{markets{__typename}}\"}");
        said(status, &text)
    };
    let packed = |encoding: &str| {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let reply = town.request("POST", "/graphql", &headers, "{\"query\":\"{markets{__typename}}\"}");
        said(reply.status, &reply.text)
    };
    vec![
        ("nothing", send("")),
        ("no JSON", send("no JSON")),
        ("JSON that breaks off", send("{\"query\": \"{ markets")),
        ("JSON that is no operation", send("7")),
        ("a list of operations", send("[{\"query\":\"{ markets { __typename } }\"}]")),
        ("a query that is no text", send("{\"query\":7}")),
        ("variables that are no object", send("{\"query\":\"{ markets { __typename } }\",\"variables\":[1]}")),
        ("lists in lists, 100,000 deep", send(&format!("{{\"query\":{}", "[".repeat(100_000)))),
        ("another type than `application/json`", typed("text/plain")),
        ("`content-encoding: br`", packed("br")),
        ("what is not packed as it says", packed("gzip")),
        ("more than 1 MiB", send(&json!({ "query": "{ x }", "variables": { "x": "y".repeat(2 << 20) } }).to_string())),
    ]
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    open.repeat(levels) + &close.repeat(levels)
}

fn operations(town: &Served) -> Vec<Case<'static>> {
    let ask = |body: Value| {
        let (status, text) = town.graphql(&body.to_string());
        said(status, &text)
    };
    let query = |text: &str| ask(json!({ "query": text }));
    let cycle = "{ markets { ...a } } fragment a on Market { name ...b } fragment b on Market { name ...a }";
    let deep = format!("{{ __schema {{ types {{ {} name {} }} }} }}", "ofType { ".repeat(20), "} ".repeat(20));
    let cancel = |n: u64| format!("a{n}: cancelRide(key: \"{}\", input: {{ ride: 1 }}) {{ __typename }} ", uuid(n));
    let orders: String = (0..60).map(cancel).collect();
    let twice = |n: u32| format!("fragment a{n} on Query {{ ...a{} ...a{} }}", n + 1, n + 1);
    let fragments: Vec<String> = (0..28).map(twice).collect();
    let doubled = format!("{{ ...a0 }} {} fragment a28 on Query {{ markets {{ __typename }} }}", fragments.join(" "));
    // Work for each list times work for each argument would take minutes.
    let lists = |count: usize, list: &str| {
        let lists: Vec<String> = (0..count).map(|n| format!("\"{n:05}\":{list}")).collect();
        let (arguments, lists) = ("a:$b ".repeat(5_400), lists.join(","));
        let (status, text) = town.graphql(&format!(
            "{{\"query\":\"{{ markets({arguments}) {{ __typename }} }}\",\"variables\":{{{lists}}}}}"
        ));
        said(status, &text)
    };
    let position = "[{\"driver\":\"ann\",\"seq\":1,\"place\":{\"lat\":1,\"lon\":1}}]";
    vec![
        ("no text", query("")),
        ("what cannot be parsed", query("{ markets {")),
        ("a field that is not there", query("{ nothing }")),
        ("a field without its selection", query("{ markets }")),
        ("an argument that is not there", query("{ ride(number: 1) { __typename } }")),
        ("two of which none is named", query("query A { markets { __typename } } query B { markets { __typename } }")),
        ("a name that none has", ask(json!({ "query": "query A { markets { __typename } }", "operationName": "B" }))),
        ("fragments in a circle", query(cycle)),
        ("28 fragments, each with the next one twice", query(&doubled)),
        ("a variable that is missing", query("query($id: ID!) { driver(id: $id) { __typename } }")),
        (
            "a variable of another type",
            ask(json!({ "query": "query($n: Int) { rides(first: $n) { __typename } }", "variables": { "n": "ten" } })),
        ),
        ("more than 32 KiB", query(&format!("{{ markets {{ __typename {} }} }}", " ".repeat(40_000)))),
        ("deeper than 15 selections", query(&deep)),
        ("selections in selections, 10,000 deep", query(&nested("{a", "}", 10_000))),
        (
            "lists in lists, 15,000 deep",
            query(&format!("{{ markets(a: {}) {{ __typename }} }}", nested("[", "]", 15_000))),
        ),
        ("a type of lists of lists, 15,000 deep", query(&format!("query($a: {}) {{ a }}", nested("[", "]", 15_000)))),
        (
            "more than 5,000 fields, those of pages counted",
            query(
                "{ rides(first: 200) { ... on RideConnection { nodes {
            a: story { at } b: story { at } c: story { at } d: story { at } e: story { at } f: story { at }
            g: story { at } h: story { at } i: story { at } j: story { at } k: story { at } l: story { at }
            m: story { at } } } } }",
            ),
        ),
        ("5,400 arguments, and 90,000 empty lists", lists(90_000, "[]")),
        ("5,400 arguments, and 16,000 lists of positions", lists(16_000, position)),
        ("60 orders at once", query(&format!("mutation {{ {orders} }}"))),
        (
            "five directives at a field",
            query(&format!("{{ markets {} {{ __typename }} }}", "@include(if: true) ".repeat(5))),
        ),
        (
            "the hash of a query that was never sent",
            ask(json!({ "extensions":
            { "persistedQuery": { "version": 1, "sha256Hash": "00" } } })),
        ),
        ("a subscription over HTTP", query("subscription { events { id } }")),
    ]
}

fn values(town: &Served) -> Vec<Case<'static>> {
    let ask = |query: &str, variables: Value| {
        let (status, text) = town.graphql(&json!({ "query": query, "variables": variables }).to_string());
        said(status, &text)
    };
    let request = |key: &str, change: &dyn Fn(&mut Value)| {
        let mut input = json!({ "rider": "rob", "pickup": corner(3, 3), "dropoff": corner(9, 9) });
        change(&mut input);
        ask(operation!("request-ride"), json!({ "key": key, "input": input }))
    };
    let keys = Cell::new(1);
    let key = || uuid(keys.replace(keys.get() + 1));
    let field = |name: &'static str, value: Value| request(&key(), &move |input| input[name] = value.clone());
    let positions = |count: usize| {
        let position = json!({ "driver": "ann", "seq": 1, "place": corner(3, 3) });
        ask(operation!("report-positions"), json!({ "key": key(), "positions": vec![position; count] }))
    };
    let kpis = |from: &str, until: &str, bucket: u32| {
        ask(operation!("kpis"), json!({ "from": from, "until": until, "bucketS": bucket }))
    };
    vec![
        ("a key that is no UUID", request("x", &|_| {})),
        ("a key of version 4", request("12345678-1234-4234-8234-123456789012", &|_| {})),
        ("a key of ten years ago", request("0142b4fa-e000-7000-8000-000000000001", &|_| {})),
        ("a key of the year 10889", request("ffffffff-ffff-7fff-bfff-ffffffffffff", &|_| {})),
        ("no input at all", ask(operation!("request-ride"), json!({ "key": key() }))),
        ("a field of the input that is not there", field("colour", json!("red"))),
        ("a name that is empty", field("rider", json!(""))),
        ("a name of 10,000 letters", field("rider", json!("x".repeat(10_000)))),
        ("a name with a control character", field("rider", json!("r\u{0}b"))),
        ("a name that is no text", field("rider", json!(7))),
        ("a latitude of 91°", field("pickup", json!({ "lat": 91, "lon": 0 }))),
        ("a latitude that is no number", field("pickup", json!({ "lat": "north", "lon": 0 }))),
        ("a place far from any street", field("pickup", json!({ "lat": 0, "lon": 90 }))),
        ("no seats", field("seats", json!(0))),
        ("300 seats", field("seats", json!(300))),
        ("1e99 seats", field("seats", json!(1e99))),
        (
            "a market that is not there",
            ask(
                "mutation($key: Key!) { cancelRide(market: \"x\", key: $key, input: { ride: 1 }) { __typename } }",
                json!({ "key": key() }),
            ),
        ),
        (
            "a ride that is not there",
            ask(operation!("cancel-ride"), json!({ "key": key(), "input": { "ride": "77" } })),
        ),
        (
            "a ride that is no number and no key",
            ask(operation!("cancel-ride"), json!({ "key": key(), "input": { "ride": "x" } })),
        ),
        ("1,025 positions", positions(1025)),
        ("`minOffset` below 0", ask("{ market(minOffset: -1) { __typename } }", json!({}))),
        ("`minOffset` far ahead", ask("{ market(minOffset: \"18446744073709551615\") { __typename } }", json!({}))),
        ("`atOffset` far ahead", ask("{ market(atOffset: \"18446744073709551615\") { __typename } }", json!({}))),
        ("a page of −1", ask("{ rides(first: -1) { __typename } }", json!({}))),
        ("a cursor of another list", ask("{ rides(after: \"dann\") { __typename } }", json!({}))),
        ("a window that ends before it begins", kpis("2026-03-06T00:00:00Z", "2026-03-05T00:00:00Z", 60)),
        ("a window cut into a million", kpis("2026-01-01T00:00:00Z", "2026-03-05T00:00:00Z", 1)),
        ("a time that is none", kpis("yesterday", "2026-03-05T00:00:00Z", 60)),
    ]
}

fn sockets(town: &Served) -> Vec<Case<'static>> {
    let subscribe = json!({ "id": "a", "type": "subscribe", "payload": { "query": operation!("events") } });
    let init = json!({ "type": "connection_init" });
    let closed = |messages: &[Message]| {
        let mut socket = town.strange_socket();
        for message in messages {
            socket.send(message.clone());
        }
        format!("closed, {}", u16::from(socket.closed()))
    };
    let text = |message: &Value| Message::text(message.to_string());
    let refused = |query: &str| {
        let mut socket = town.socket();
        socket.subscribe("a", query, &json!({}));
        let said = socket.hear();
        assert_eq!(said["type"], "error", "{said}");
        format!("error `{}`", said["payload"][0]["extensions"]["code"].as_str().expect("a code"))
    };
    vec![
        ("a subscription before `connection_init`", closed(&[text(&subscribe)])),
        ("`connection_init` twice", closed(&[text(&init), text(&init)])),
        ("one id twice", closed(&[text(&init), text(&subscribe), text(&subscribe)])),
        ("a message of no known type", closed(&[text(&init), text(&json!({ "type": "start" }))])),
        ("a message that is no object", closed(&[text(&json!(7))])),
        ("a message that is no JSON", closed(&[Message::text("no JSON")])),
        ("a message in binary", closed(&[Message::binary(vec![1])])),
        ("a message of 2 MiB", closed(&[text(&init), Message::text("x".repeat(2 << 20))])),
        ("a subscription that is not there", refused("subscription { nothing }")),
        ("lists in lists, 15,000 deep", refused(&format!("subscription {{ a(a: {}) }}", nested("[", "]", 15_000)))),
        ("a cursor that is none", refused("subscription { events(after: \"x\") { id } }")),
        ("a market that is not there", refused("subscription { events(market: \"x\") { id } }")),
        ("a ride that is no number", refused("subscription { ride(ride: \"x\") { id } }")),
    ]
}

fn lines(town: &Served) -> Vec<Case<'static>> {
    let send = |path: &str, body: &[u8]| {
        let (status, text) = town.post(path, None, body);
        if status == 200 && text.is_empty() {
            return "200, no line".to_owned();
        }
        let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        let code = line["error"]["code"].as_str().unwrap_or_else(|| panic!("{line}"));
        if status == 200 { format!("its line: `{code}`") } else { format!("{status}, `{code}`") }
    };
    let to_commands = |line: &str| send("/v1/commands", line.as_bytes());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut line: Value = serde_json::from_str(&request_ride(1, "rob", (3, 3), (9, 9))).expect("JSON");
        change(&mut line);
        to_commands(&line.to_string())
    };
    vec![
        ("nothing", to_commands("")),
        ("no JSON", to_commands("no JSON")),
        ("bytes that are no UTF-8", send("/v1/commands", b"{\"id\":\"\xff\xfe\"}")),
        ("JSON that is no event", to_commands("[]")),
        ("an event of another type", changed(&|line| line["type"] = json!("com.example.other"))),
        ("an event of a version to come", changed(&|line| line["specversion"] = json!("2.0"))),
        ("an order without its data", changed(&|line| line["data"] = Value::Null)),
        ("a field that is not there", changed(&|line| line["data"]["colour"] = json!("red"))),
        ("a latitude of 91°", changed(&|line| line["data"]["pickup"]["lat"] = json!(91))),
        ("a line of 2 MiB", to_commands(&"x".repeat(2 << 20))),
        ("a body of 9 MiB", to_commands(&"x".repeat(9 << 20))),
        ("an order as a position", send("/v1/locations", request_ride(1, "rob", (3, 3), (9, 9)).as_bytes())),
        ("a position as an order", to_commands(&order(1, "location", &json!({})))),
        ("a market that is not there", send("/v1/commands?market=x", b"x")),
        ("a query that cannot be read", send("/v1/commands?market=town&market=town", b"x")),
    ]
}

fn requests(town: &Served) -> Vec<Case<'static>> {
    let host = town.address;
    let status = |head: &str| {
        let line = town.first_line(&format!("{head}\r\n\r\n"));
        line.split(' ').nth(1).unwrap_or("hung up").to_owned()
    };
    let upgrade = |more: &str| {
        status(&format!(
            "GET /graphql HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}"
        ))
    };
    vec![
        ("what is no HTTP", status("\u{1}\u{2}\u{3}")),
        ("a path that is not there", status(&format!("GET /nothing HTTP/1.1\r\nHost: {host}"))),
        (
            "a method that a path has not",
            status(&format!("PUT /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0")),
        ),
        ("a length that is none", status(&format!("POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Length: many"))),
        (
            "two lengths",
            status(&format!("POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2")),
        ),
        ("a header of 200 kB", status(&format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nX: {}", "x".repeat(200_000)))),
        ("1,000 headers", status(&format!("GET /healthz HTTP/1.1\r\nHost: {host}{}", "\r\nX: x".repeat(1000)))),
        ("a socket of another protocol", upgrade("Sec-WebSocket-Protocol: graphql-ws")),
        ("a socket without a protocol", upgrade("X: x")),
        (
            "a socket of a foreign page",
            upgrade("Origin: https://elsewhere.example\r\nSec-WebSocket-Protocol: graphql-transport-ws"),
        ),
        ("an offset that is none", status(&format!("GET /v1/events?from=x HTTP/1.1\r\nHost: {host}"))),
        ("an order by GET", {
            let order = "mutation%7BcancelRide(key:%22x%22,input:%7Bride:1%7D)%7B__typename%7D%7D";
            let (status, text) = town.get(&format!("/graphql?query={order}"));
            said(status, &text)
        }),
        ("the files of the machine", status(&format!("GET /graphiql/..%2F..%2FCargo.toml HTTP/1.1\r\nHost: {host}"))),
    ]
}
