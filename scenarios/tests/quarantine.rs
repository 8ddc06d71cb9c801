//! Lines in quarantine, as an operator meets them. The server is played by the test: what a market does with a line is
//! told elsewhere.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use hansom_geo_index::Millis;
use hansom_market::quarantine::Store;

use crate::harness::Desk;

const GARBAGE: &[u8] = b"{\"id\": \x1b[31m";
const MENDED: &str = r#"{"specversion":"1.0","id":"01890a5d-ac96-774b-bcce-b302099a8057","source":"app","type":"hansom.command.cancel_ride.v1",
    "data":{"ride":7}}"#;

/// Two markets, the first with a line that is no JSON and one that lacks a field.
fn data() -> Desk {
    let desk = Desk::new();
    let mut town = Store::open(&desk.path("data/town/quarantine")).expect("it opens");
    let at = Millis(1_772_730_000_000);
    town.put("the line is not JSON: EOF", "POST /v1/commands", at, GARBAGE).expect("it is kept");
    town.put("`data.ride` is missing", "POST /v1/commands", at, MENDED.replace("\"ride\":7", "").as_bytes())
        .expect("it is kept");
    drop(Store::open(&desk.path("data/village/quarantine")).expect("it opens"));
    desk
}

/// A server that answers one request with these lines, and returns the request.
fn server(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let count = stream.read(&mut piece).expect("a request");
            request.extend_from_slice(&piece[..count]);
            if request.ends_with(b"}\n") || count == 0 {
                break;
            }
        }
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n{answer}").expect("it reads");
        String::from_utf8(request).expect("lines are text")
    });
    (address, served)
}

#[test]
fn lines_are_listed_and_shown_with_their_reason() {
    let desk = data();
    let said = desk.transcript(&[
        "quarantine ls --data data",
        "quarantine ls --data data --format json",
        "quarantine show town/1 --data data",
        "quarantine show town/3 --data data",
        "quarantine show 1 --data data",
        "quarantine ls --data nowhere",
    ]);
    insta::assert_snapshot!(said);
    let shown = desk.command("quarantine show town/1 --data data --bytes").output().expect("the binary starts");
    assert_eq!(shown.stdout, GARBAGE);
}

#[test]
fn a_damaged_quarantine_is_an_error() {
    let desk = data();
    let file = desk.path("data/town/quarantine/00000000000000000001.qua");
    let mut bytes = std::fs::read(&file).expect("it reads");
    bytes[50] ^= 1;
    std::fs::write(&file, bytes).expect("it writes");
    insta::assert_snapshot!(desk.transcript(&["quarantine ls --data data"]));
}

#[test]
fn a_mended_line_is_handed_over_once() {
    let desk = data();
    desk.write("line.json", MENDED);
    let (address, served) = server("{\"key\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"offset\":12}\n");
    let said = desk.hansom(&format!("quarantine retry town/2 --data data --mended line.json --server {address}"));
    assert_eq!((said.code, said.out.as_str()), (0, "town/2 is taken at offset 12\n"), "{}", said.err);
    let request = served.join().expect("it served");
    assert!(request.starts_with("POST /v1/commands?market=town HTTP/1.0\r\n"), "{request}");
    // One line, whatever the file looks like.
    assert!(request.ends_with("\r\n\r\n{\"specversion\":\"1.0\",\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"source\":\"app\",\"type\":\"hansom.command.cancel_ride.v1\",\"data\":{\"ride\":7}}\n"), "{request}");
    insta::assert_snapshot!(desk.transcript(&["quarantine ls --data data"]));
    assert_eq!(desk.hansom("quarantine ls --data data --all").out.lines().count(), 3);
}

#[test]
fn a_refused_line_is_done_and_an_overloaded_market_is_not() {
    let desk = data();
    desk.write("line.json", MENDED);
    let retry = "quarantine retry town/2 --data data --mended line.json --server";
    let busy = "{\"key\":\"k\",\"error\":{\"code\":\"overloaded\",\"reason\":\"too many wait\",\"retryable\":true}}\n";
    let said = desk.hansom(&format!("{retry} {}", server(busy).0));
    assert_eq!((said.code, said.out.as_str()), (1, "town/2 stays: too many wait\n"));
    let refused = "{\"key\":\"k\",\"error\":{\"code\":\"unknown_ride\",\"reason\":\"no such ride\",\"retryable\":false,\"offset\":13}}\n";
    let said = desk.hansom(&format!("{retry} {}", server(refused).0));
    assert_eq!((said.code, said.out.as_str()), (0, "town/2 is refused at offset 13: no such ride\n"));
}

#[test]
fn what_cannot_be_handed_over_is_said_and_stays() {
    let desk = data();
    desk.write("line.json", MENDED);
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let away = desk.hansom(&format!("quarantine retry town/1 --data data --mended line.json --server {nobody}"));
    assert_eq!(away.code, 1);
    assert!(away.err.contains("error[E0916]: no server answers at 127.0.0.1:"), "{}", away.err);
    let other = desk.hansom(&format!("quarantine retry 1 --data data --mended line.json --server {}", server("").0));
    assert!(other.err.contains("there is no line `1` in quarantine"), "{}", other.err);
    let other =
        desk.hansom(&format!("quarantine retry town/1 --data data --mended line.json --server {}", server("").0));
    assert!(other.err.contains("error[E0917]"), "{}", other.err);
    insta::assert_snapshot!(desk.transcript(&["quarantine retry --data data"]));
}
