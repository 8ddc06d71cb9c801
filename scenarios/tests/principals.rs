//! Those for whom the real binary works: tokens by secret and by published keys, and what is not said of anybody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use hansom_api::Certificate;
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::harness::{Desk, TOWN, root};
use crate::serve::{MARKET, Server, place, shift, uuid};

pub const SECRET: &str = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgbG9uZyBlbm91Z2g=\n";
const SERVE: &str = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json";

/// Sends a request; the status, and the body of the answer.
fn ask(server: SocketAddr, head: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server).expect("it listens");
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "{head} HTTP/1.0\r\n{token}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

fn token(desk: &Desk, arguments: &str) -> String {
    let said = desk.hansom(&format!("token {arguments} --auth-secret-file secret"));
    assert_eq!(said.code, 0, "{}", said.whole());
    said.out.trim().to_owned()
}

#[test]
fn a_token_that_the_command_makes_lets_its_bearer_in() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("secret", SECRET);
    let server = Server::run(desk.command(&format!("{SERVE} --auth-secret-file secret")));
    let driver = token(&desk, "d1 --role driver --market town");
    let (status, answer) = ask(server.address, "POST /v1/commands", Some(&driver), &shift(1).to_string());
    assert!(status == 200 && answer.contains("\"offset\""), "{answer}");
    let (_, answer) = ask(server.address, "POST /v1/commands", Some(&driver), &shift(2).to_string());
    assert!(answer.contains("\"forbidden\""), "{answer}");
    assert_eq!(ask(server.address, "POST /v1/commands", None, &shift(3).to_string()).0, 401);
    assert_eq!(ask(server.address, "GET /metrics", Some(&token(&desk, "ops --role operator")), "").0, 200);
    let elsewhere = token(&desk, "ops --role operator --market village");
    assert_eq!(ask(server.address, "GET /metrics", Some(&elsewhere), "").0, 403);
    let for_others = token(&desk, "ops --role operator --auth-audience others");
    assert_eq!(ask(server.address, "GET /metrics", Some(&for_others), "").0, 401);
    assert!(!server.stop().contains("INSECURE"));
}

#[test]
fn a_secret_may_come_by_environment() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("secret", SECRET);
    let mut serve = desk.command(SERVE);
    serve.env("HANSOM_AUTH_SECRET", SECRET);
    let server = Server::run(serve);
    assert_eq!(ask(server.address, "GET /metrics", Some(&token(&desk, "ops --role operator")), "").0, 200);
    assert_eq!(ask(server.address, "GET /metrics", None, "").0, 401);
    let mut made = desk.command("token ops --role operator");
    let made = made.env("HANSOM_AUTH_SECRET", SECRET).output().expect("it starts").stdout;
    assert_eq!(ask(server.address, "GET /metrics", Some(String::from_utf8_lossy(&made).trim()), "").0, 200);
    server.stop();
}

#[test]
fn a_gate_that_stands_open_says_so() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let said = Server::run(desk.command(&format!("{SERVE} --insecure-dev"))).stop();
    assert!(said.contains("INSECURE"), "{said}");
    desk.write("secret", SECRET);
    let serve = SERVE.replace("127.0.0.1", "0.0.0.0") + " --auth-secret-file secret";
    let said = Server::run(desk.command(&serve)).stop();
    assert!(said.contains("not encrypted"), "{said}");
}

/// Orders, asks and listens by GraphQL in marked names, well and badly; the token for it.
fn names_by_graphql(desk: &Desk, server: &Server) -> String {
    let phone = token(desk, "marked-phone --role driver");
    let start = include_str!("../../api/operations/start-shift.graphql");
    let input =
        |key: &str, driver: &str, place: Value| json!({ "key": key, "input": { "driver": driver, "place": place } });
    let [first, second, third] = [90, 91, 92].map(uuid);
    for (query, variables, wanted) in [
        (start, input(&first, "marked-phone", place(7)), "SessionTaken"),
        (start, input(&second, "marked-other", place(7)), "NotAllowed"),
        (start, input(&third, "marked-phone", json!("marked-place")), "errors"),
        (start, input("marked-key", "marked-phone", place(7)), "InvalidInput"),
        ("mutation { marked(", json!({ "marked": "marked" }), "GRAPHQL_VALIDATION_FAILED"),
        ("{ marked(id: \"marked\") { marked } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ driver(id: \"marked-other\") { __typename } }", json!({}), "NOT_ALLOWED"),
    ] {
        let head = "POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\nX:";
        let body = json!({ "query": query, "operationName": null, "variables": variables }).to_string();
        let (_, answer) = ask(server.address, head, Some(&phone), &body);
        assert!(answer.contains(wanted), "{query}: {answer}");
    }
    let offers = include_str!("../../api/operations/offers.graphql");
    let bearer = format!("Bearer {phone}");
    let mut listener = socket(server.address, &json!({ "authorization": bearer, "marked": "marked" }));
    assert_eq!(next(&mut listener)["type"], "connection_ack");
    for (driver, wanted) in [("marked-other", "error"), ("marked-phone", "next")] {
        let payload = json!({ "query": offers, "variables": { "driver": driver, "from": "0" } });
        say(&mut listener, &json!({ "id": driver, "type": "subscribe", "payload": payload }));
        let said = next(&mut listener);
        assert_eq!((&said["id"], &said["type"]), (&json!(driver), &json!(wanted)), "{said}");
    }
    say(&mut listener, &json!({ "type": "marked" }));
    assert_eq!(next(&mut listener)["closed"], 4400);
    let mut stranger = socket(server.address, &json!({ "authorization": "Bearer marked.marked.stranger" }));
    assert_eq!(next(&mut stranger)["closed"], 4403);
    phone
}

/// A socket of GraphQL, whose client has introduced itself so.
fn socket(server: SocketAddr, payload: &Value) -> WebSocket<TcpStream> {
    let mut request = format!("ws://{server}/graphql").into_client_request().expect("an address");
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
    let stream = TcpStream::connect(server).expect("it listens");
    let mut socket = tungstenite::client(request, stream).expect("a socket").0;
    say(&mut socket, &json!({ "type": "connection_init", "payload": payload }));
    socket
}

fn say(socket: &mut WebSocket<TcpStream>, message: &Value) {
    socket.send(Message::text(message.to_string())).expect("it listens");
}

/// What it says next, or with which code it is closed.
fn next(socket: &mut WebSocket<TcpStream>) -> Value {
    loop {
        match socket.read().expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Close(frame) => return json!({ "closed": frame.map(|frame| u16::from(frame.code)) }),
            _ => {}
        }
    }
}

/// Whatever is sent, the program's log has no names, no tokens and nothing of what was sent.
#[test]
fn nobody_is_named_in_the_programs_log() {
    const MARKED: &str = "marked";
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("secret", SECRET);
    let server = Server::run(desk.command(&format!("{SERVE} --auth-secret-file secret --rate 5")));
    let named = |key: u64, driver: &str| {
        let mut line = shift(key);
        line["data"]["driver"] = json!(driver);
        line["source"] = json!("/marked-source");
        line
    };
    let driver = token(&desk, "marked-driver --role driver");
    let service = token(&desk, "marked-service --role service");
    let mut tokens = vec![driver.clone(), service.clone()];
    let mut unknown = named(4, "marked-driver");
    unknown["data"]["marked-field"] = json!("marked-value");
    let mut wrong = named(5, "marked-driver");
    wrong["data"]["place"] = json!({ "lat": "marked-lat", "lon": 0 });
    let lines = [
        named(1, "marked-driver").to_string(),
        named(2, "marked-other").to_string(),
        "marked and no JSON".to_owned(),
        unknown.to_string(),
        wrong.to_string(),
    ];
    // More than once: what is too much is told to its sender.
    for bearer in [&driver, &service, &driver, &driver, &driver, &driver, &driver, &driver] {
        for path in ["POST /v1/commands", "POST /v1/locations", "POST /v1/commands?market=marked", "GET /v1/marked"] {
            ask(server.address, path, Some(bearer), &lines.join("\n"));
        }
    }
    let (head, body) = service.rsplit_once('.').expect("a signature");
    for wrong in ["marked", "marked.marked.marked", &format!("{head}.{}", body.replace(char::is_alphabetic, "x"))] {
        tokens.push(wrong.to_owned());
        assert_eq!(ask(server.address, "GET /metrics", Some(wrong), "").0, 401);
    }
    let expired = token(&desk, "marked-late --role operator --auth-issuer marked-issuer --market marked-market");
    ask(server.address, "GET /v1/events?from=0&marked=marked", Some(&expired), "");
    ask(server.address, "GET /v1/events?from=marked", Some(&service), "");
    ask(server.address, "POST /v1/commands HTTP/1.0\r\nContent-Encoding: marked\r\nX:", Some(&service), "marked");
    tokens.push(expired);
    tokens.push(names_by_graphql(&desk, &server));
    let said = server.stop();
    assert!(said.contains("ready") && said.contains("drained"), "{said}");
    assert!(!said.contains(MARKED), "{said}");
    for token in tokens {
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!said.contains(part), "{part} in {said}");
        }
    }
    assert!(!said.contains(SECRET.trim()));
}

#[test]
fn a_simulated_city_is_let_in_where_tokens_are_wanted() {
    let desk = Desk::new();
    desk.write("town.toml", &TOWN.replace("09:00:00", "08:02:00"));
    desk.write("secret", SECRET);
    let serve = "serve --scenario town.toml --speed 250 --data data --listen 127.0.0.1:0";
    let said = desk.hansom(&format!("{serve} --auth-secret-file secret"));
    assert_eq!(said.code, 0, "{}", said.whole());
    assert!(said.out.contains("completed"), "{}", said.out);
}

#[test]
fn a_line_is_handed_over_by_somebody_whom_the_server_lets_in() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("secret", SECRET);
    let server = Server::run(desk.command(&format!("{SERVE} --auth-secret-file secret")));
    desk.write("token", &token(&desk, "ops --role operator"));
    desk.write("driver", &token(&desk, "d2 --role driver"));
    let ops = desk.read("token");
    ask(server.address, "POST /v1/commands", Some(&ops), "no JSON");
    desk.write("mended.json", &shift(1).to_string());
    let retry = format!("quarantine retry town/1 --data data --mended mended.json --server {}", server.address);
    let said = desk.hansom(&retry);
    assert!(said.code == 1 && said.err.contains("error[E0919]"), "{}", said.whole());
    let said = desk.hansom(&format!("{retry} --token-file driver"));
    assert!(said.code == 1 && said.out.contains("stays"), "{}", said.whole());
    let said = desk.hansom(&format!("{retry} --token-file token"));
    assert_eq!(said.code, 0, "{}", said.whole());
    server.stop();
}

/// An identity provider: what it publishes at an https URL on this machine.
fn provider(says: Vec<u8>) -> SocketAddr {
    let pem = root().join("api/tests/edge/pem");
    let certificate = Certificate { chain: pem.join("first.pem"), key: pem.join("first.key.pem") };
    let config = Arc::new(certificate.config().expect("a certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(config.clone()).expect("a certificate");
            let mut stream = StreamOwned::new(connection, stream);
            // Whoever does not trust this hangs up.
            let head =
                BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            if head > 0 {
                let _ =
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", says.len());
                let _ = stream.write_all(&says).and_then(|()| stream.flush());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

#[test]
fn keys_are_fetched_over_tls_from_whom_the_system_trusts_and_from_nobody_else() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let port = provider(json!({ "keys": [key] }).to_string().into_bytes()).port();
    let serve = format!("{SERVE} --auth-jwks https://localhost:{port}/jwks.json --auth-audience example");
    let said = desk.hansom(&serve);
    assert!(said.code == 2 && said.err.contains("error[E1013]"), "nobody vouches for it: {}", said.whole());
    let mut command = desk.command(&serve);
    command.env("SSL_CERT_FILE", root().join("api/tests/edge/pem/first.pem"));
    let server = Server::run(command);
    // The key of RFC 8037, appendix A, whose signature there is not one of a token for us.
    let (status, answer) = ask(
        server.address,
        "GET /metrics",
        Some(
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
        "",
    );
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(
        (status, &answer["error"]["reason"]),
        (401, &json!("the token is not a JWT with `sub`, `exp` and `aud`"))
    );
    server.stop();
}
