//! Who is slow: a head or body that never ends is cut off in time, and keeps nobody else waiting.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hansom_api::Patience;
use hansom_api::auth::Gate;

use crate::served::{Served, edge, spec, start_shift};

/// How long the server waits here.
const PATIENCE: Patience = Patience { head: Duration::from_secs(1), body: Duration::from_secs(1) };
/// By then it has waited long enough, on a machine that is busy, too; less than what is usual for a head.
const LATE: Duration = Duration::from_secs(8);
/// The pace of who sends a little at a time.
const PACE: Duration = Duration::from_millis(50);

/// Sends a beginning, and then a letter every while, for ever; the answer, and how long it took to come.
fn drip(server: SocketAddr, beginning: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(server).expect("it listens");
    stream.set_read_timeout(Some(PACE)).expect("a socket");
    let began = Instant::now();
    stream.write_all(beginning.as_bytes()).expect("it reads");
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while began.elapsed() < LATE {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            // Whoever closed it says so when it is read.
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => _ = stream.write(b"x"),
            Err(_) => break,
        }
    }
    (String::from_utf8(answer).expect("text"), began.elapsed())
}

#[test]
fn a_request_that_never_ends_is_cut_off_and_keeps_nobody_waiting() {
    let data = tempfile::tempdir().expect("a folder");
    let edge = hansom_api::Edge { patience: PATIENCE, ..edge(Gate::open()) };
    let town = Served::at(edge, vec![spec("town", data.path(), 64)]);
    let server = town.address;
    let body = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{{"
        )
    };
    let cases = [
        (String::new(), ""),
        ("POST".to_owned(), ""),
        (format!("POST /v1/commands HTTP/1.1\r\nHost: {server}\r\nX: "), ""),
        (body("/v1/commands"), "too_slow"),
        (body("/v1/locations"), "too_slow"),
        (body("/graphql"), "TOO_SLOW"),
    ];
    // Several of each, so that each of the server's threads has some.
    let slow: Vec<_> = (0..4).flat_map(|_| cases.clone()).collect();
    let threads: Vec<_> = slow
        .into_iter()
        .map(|(beginning, code)| (code, std::thread::spawn(move || drip(server, &beginning))))
        .collect();
    // Orders that are answered while all of those hang.
    let mut orders = 0;
    while threads.iter().all(|(_, slow)| !slow.is_finished()) {
        orders += 1;
        let answer = town.lines("/v1/commands", &[start_shift(orders, &format!("d{orders}"), 3, 3)]);
        assert!(answer[0]["offset"].is_u64(), "{answer:?}");
    }
    assert!(orders > 3, "{orders} were answered meanwhile");
    for (code, slow) in threads {
        let (answer, took) = slow.join().expect("no panic");
        assert!(took < LATE, "{code} {took:?}: {answer}");
        assert!(answer.is_empty() && code.is_empty() || answer.starts_with("HTTP/1.1 408"), "{code}: {answer}");
        assert!(answer.contains(code), "{answer}");
        if !code.is_empty() {
            assert!(took >= PATIENCE.body, "{took:?}: {answer}");
            assert!(answer.contains("within 1 s"), "{answer}");
        }
    }
}
