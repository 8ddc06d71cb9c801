//! Markets that are served by the real binary, on real sockets: their ends, good and bad, and what they know after.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use hansom_geo_index::NodeId;
use hansom_geo_index::import::synthetic;
use serde_json::{Value, json};

use crate::harness::{Desk, TOWN};

const MARKET: &str = r#"name = "town"
network = { synthetic = "small-town" }
policy = { kind = "nearest" }
"#;

const SERVE: &str = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json";

/// A process that serves.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Serves `market.toml` of the desk; returns once it takes commands.
    pub fn start(desk: &Desk) -> Self {
        Self::run(desk.command(SERVE))
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = said.next().and_then(Result::ok).expect("it says where it listens");
        let address = address.trim_start_matches("listening on http://").parse().expect("an address");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let ready = log.by_ref().map_while(Result::ok).any(|line| {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            line["fields"]["message"] == "ready"
        });
        assert!(ready, "it ended before it was ready");
        // So that it never waits for a reader.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address }
    }

    fn order(&self, line: &Value) -> Value {
        let body = line.to_string();
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        write!(stream, "POST /v1/commands HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, line) = answer.split_once("\r\n\r\n").expect("a head");
        serde_json::from_str(line).expect("one line")
    }

    /// Sends a signal, and waits for the end.
    pub fn end(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("there is `kill`");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

/// A driver goes on shift in the middle of the town.
fn shift(key: u64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let id = format!("{:08x}-{:04x}-7000-8000-{key:012x}", now >> 16, now & 0xffff);
    let network = synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known");
    let place = network.node_coord(NodeId(7));
    let place = json!({ "lat": f64::from(place.lat) / 1e7, "lon": f64::from(place.lon) / 1e7 });
    let data = json!({ "driver": format!("d{key}"), "place": place });
    json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": "hansom.command.start_shift.v1", "data": data,
    })
}

#[test]
fn what_was_acknowledged_is_known_after_every_end() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let mut sent: Vec<(Value, Value)> = Vec::new();
    for (round, (signal, code)) in (0..).zip([("-KILL", None), ("-TERM", Some(0)), ("-INT", Some(0)), ("-KILL", None)])
    {
        let server = Server::start(&desk);
        for (order, answer) in &sent {
            assert_eq!(&server.order(order), answer, "after round {round}");
        }
        for key in 0..3 {
            let order = shift(10 * round + key);
            let answer = server.order(&order);
            assert!(answer["offset"].is_u64(), "{answer}");
            sent.push((order, answer));
        }
        assert_eq!(server.end(signal), code, "{signal}");
    }
    let said = desk.hansom("replay data/town --verify");
    assert_eq!(said.code, 0, "{}", said.whole());
}

/// The disk is full for this process: it may write no file beyond a size.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let mut limited = Command::new("sh");
    // Writing beyond the limit is an error and not the end of the process, as with a full disk. 512 blocks are 256 KiB.
    let script = format!("trap '' XFSZ; ulimit -f 512; exec {} {SERVE}", env!("CARGO_BIN_EXE_hansom"));
    limited.args(["-c", &script]).current_dir(desk.path(""));
    let server = Server::run(limited);
    let mut taken = Vec::new();
    let failed = (0..2000).map(shift).find_map(|order| {
        let answer = server.order(&order);
        if answer["offset"].is_u64() {
            taken.push((order, answer));
            None
        } else {
            Some(answer)
        }
    });
    let error = &failed.expect("256 KiB are soon full")["error"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("unknown_outcome"), &json!(true)), "{error}");
    assert!(taken.len() > 10, "{} were taken", taken.len());
    server.end("-KILL");

    let server = Server::start(&desk);
    for (order, answer) in &taken {
        assert_eq!(&server.order(order), answer);
    }
    assert_eq!(server.end("-TERM"), Some(0));
}

#[test]
fn a_city_lives_on_a_market_that_is_served() {
    let desk = Desk::new();
    // Batches, planned beside the writer.
    desk.write(
        "town.toml",
        &(TOWN.replace("09:00:00", "08:20:00") + "policy = { kind = \"batch\", batch_window_s = 5 }\n"),
    );
    let misbehaviour = "retry=0.2,late-accept=0.4,double-accept=0.2,two-devices=0.3,dark=0.1,no-show=0.1";
    let serve = "serve --scenario town.toml --speed 250 --data data --listen 127.0.0.1:0";
    let said = desk.hansom(&format!("{serve} --misbehave {misbehaviour}"));
    assert_eq!(said.code, 0, "{}", said.whole());
    let figure = |what: &str| -> u64 {
        let line = said.out.lines().find(|line| line.starts_with(what)).expect("it is told");
        line[what.len()..].trim().replace(',', "").parse().expect("a number")
    };
    assert!(figure("requests") > 5 && figure("completed") > 0, "{}", said.out);
    assert_eq!(figure("not over"), 0);
    assert!(figure("misbehaviours") > 0);
    let replay = desk.hansom("replay data/town --verify");
    assert_eq!(replay.code, 0, "{}", replay.whole());
    let log = desk.hansom("log cat data/town").out;
    for event in ["SessionOpened", "Superseded", "Repeated", "OfferExpired", "Propose"] {
        assert!(log.contains(event), "no {event} was met");
    }

    let again = desk.hansom(serve);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("error[E1009]"), "{}", again.err);
}

#[test]
fn what_cannot_be_served_is_explained() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    desk.write("misspelt.toml", &MARKET.replace("kind", "kin"));
    desk.write("scenario.toml", TOWN);
    insta::assert_snapshot!(
        desk.transcript(&[
            "serve",
            "serve --market misspelt.toml --listen 127.0.0.1:0",
            "serve --market market.toml --listen 0.0.0.0:0",
            "serve --scenario scenario.toml --misbehave sleep=0.1",
            "serve --market market.toml --speed 2",
        ])
        .replace(char::is_numeric, "#")
    );
}
