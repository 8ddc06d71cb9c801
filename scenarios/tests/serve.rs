//! Markets that are served by the real binary, on real sockets: their ends, good and bad, and what they know after.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hansom_geo_index::NodeId;
use hansom_geo_index::import::synthetic;
use serde_json::{Value, json};

use crate::harness::{Desk, TOWN};

pub const MARKET: &str = r#"name = "town"
network = { synthetic = "small-town" }
policy = { kind = "nearest" }
"#;

const SERVE: &str = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json --insecure-dev";

/// A process that serves.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    printed: BufReader<ChildStdout>,
    said: Option<JoinHandle<String>>,
}

impl Server {
    /// Serves `market.toml` of the desk; returns once it takes commands.
    pub fn start(desk: &Desk) -> Self {
        Self::run(desk.command(SERVE))
    }

    /// Runs a command that serves and tells its log as JSON; returns once it takes commands.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut printed = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut address = String::new();
        printed.read_line(&mut address).expect("it says where it listens");
        let (_, address) = address.trim_end().split_once("://").expect("a URL");
        let address = address.parse().expect("an address");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut said = String::new();
        let ready = log.by_ref().map_while(Result::ok).any(|text| {
            let line: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            said += &(text + "\n");
            line["fields"]["message"] == "ready"
        });
        assert!(ready, "it ended before it was ready");
        // So that it never waits for a reader.
        let said = std::thread::spawn(move || said + &log.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Self { child, address, printed, said: Some(said) }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in good order; what it said of itself until then.
    pub fn stop(mut self) -> String {
        let said = self.said.take().expect("it is read to its end once");
        assert_eq!(self.end("-TERM"), Some(0));
        said.join().expect("it reads on")
    }

    /// Waits until it ends by itself; what it printed and what it said of itself until then.
    pub fn await_end(mut self) -> (String, String) {
        let mut printed = String::new();
        self.printed.read_to_string(&mut printed).expect("it prints text");
        let said = self.said.take().expect("it is read to its end once");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "{printed}");
        (printed, said.join().expect("it reads on"))
    }

    pub fn order(&self, line: &Value) -> Value {
        let answer = self.post("/v1/commands", &line.to_string());
        serde_json::from_str(&answer).expect("one line")
    }

    /// Sends lines; the answer lines.
    pub fn post(&self, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    }

    /// What it shows at `path`, line by line, the first of which tells the status.
    pub fn get(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("it is open");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        BufReader::new(stream).lines().map_while(Result::ok)
    }

    /// Sends a signal, and waits for the end.
    pub fn end(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("there is `kill`");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

/// A driver goes on shift in the middle of the town.
pub fn shift(key: u64) -> Value {
    order(key, "start_shift", &json!({ "driver": format!("d{key}"), "place": place(7) }))
}

/// An order. `key` makes it unique.
pub fn order(key: u64, kind: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": uuid(key),
        "source": "/test",
        "type": format!("hansom.command.{kind}.v1"),
        "data": data,
    })
}

/// A UUID of version 7, of now.
pub fn uuid(key: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    uuid_of(now, key)
}

/// The same of another time, in ms.
pub fn uuid_of(now: u64, key: u64) -> String {
    format!("{:08x}-{:04x}-7000-8000-{key:012x}", now >> 16, now & 0xffff)
}

/// A crossing of the town.
pub fn place(node: u32) -> Value {
    let network = synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known");
    let place = network.node_coord(NodeId(node));
    json!({ "lat": f64::from(place.lat) / 1e7, "lon": f64::from(place.lon) / 1e7 })
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
        if code == Some(0) {
            let last = sent.iter().filter_map(|(_, answer)| answer["offset"].as_u64()).max().expect("some were taken");
            let snapshots = std::fs::read_dir(desk.path("data/town/snapshots")).expect("a folder");
            let names = snapshots.map(|file| file.expect("it can be read").file_name());
            let reach = names.filter_map(|name| name.to_str()?.strip_suffix(".snap")?.parse::<u64>().ok()).max();
            assert!(reach.is_some_and(|reach| reach > last), "{reach:?}: no snapshot up to {last}");
        }
    }
    let said = desk.hansom("replay data/town --verify");
    assert_eq!(said.code, 0, "{}", said.whole());
}

/// To fill a huge page with zeros takes about as long as an answer.
#[cfg(target_os = "linux")]
#[test]
fn who_answers_has_its_memory_in_small_pages() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let server = Server::start(&desk);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("it runs");
    let huge = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
    assert_eq!(huge.map(str::trim), Some("0"));
    server.stop();
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

    // It is opened again and again, as there may be room; in between it says why not, and what is durable can be read.
    let ready = loop {
        let ready: Vec<String> = server.get("/readyz").collect();
        if ready.iter().any(|line| line.contains("halted")) {
            break ready;
        }
    };
    assert!(ready[0].contains("503") && ready.iter().any(|line| line.contains("File too large")), "{ready:?}");
    assert!(server.get("/healthz").next().is_some_and(|status| status.contains("200")));
    let told: Vec<u64> = server
        .get("/v1/events?from=0")
        .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
        .take(taken.len())
        .collect();
    let offsets: Vec<u64> = taken.iter().filter_map(|(_, answer)| answer["offset"].as_u64()).collect();
    assert_eq!(told, offsets);
    server.end("-KILL");

    let server = Server::start(&desk);
    for (order, answer) in &taken {
        assert_eq!(&server.order(order), answer);
    }
    assert_eq!(server.end("-TERM"), Some(0));
}

/// Whoever opens connections takes no file from a market that needs one.
#[test]
fn connections_leave_files_to_the_market() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n 96; exec {} {SERVE}", env!("CARGO_BIN_EXE_hansom"));
    limited.args(["-c", &script]).current_dir(desk.path(""));
    let server = Server::run(limited);
    let connect = || TcpStream::connect(server.address).expect("it listens");
    let mut first = connect();
    let idle: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    let body = format!("no record\n{}", shift(1));
    write!(first, "POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("it reads");
    let answers: Vec<String> =
        BufReader::new(first).lines().map_while(Result::ok).take_while(|line| line != "0").collect();
    assert!(answers.iter().any(|line| line.contains("E0902")), "{answers:?}");
    assert!(answers.iter().any(|line| line.contains("\"offset\":")), "{answers:?}");
    drop(idle);
    let figures: Vec<String> = server.get("/metrics").collect();
    for figure in ["halts", "quarantine_lost"] {
        let none = format!("hansom_{figure}_total{{market=\"town\"}} 0");
        assert!(figures.contains(&none), "{figures:?}");
    }
    assert_eq!(server.end("-TERM"), Some(0));
}

#[test]
fn a_line_that_was_put_aside_is_handed_to_the_server_that_put_it_aside() {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let server = Server::start(&desk);
    let (order, address) = (shift(1).to_string(), server.address);
    // Cut off by whoever sent it.
    let cut: Value = serde_json::from_str(&server.post("/v1/commands", &order[..order.len() - 9])).expect("one line");
    assert_eq!(cut["error"]["code"], "E0902", "{cut}");
    let shown = desk.hansom("quarantine show town/1 --data data --bytes");
    assert_eq!(shown.out, order[..order.len() - 9], "{}", shown.err);

    desk.write("mended.json", &order);
    let retry = format!("quarantine retry town/1 --data data --server {address}");
    let stays = desk.hansom(&retry);
    assert_eq!(stays.code, 1, "as it is nobody can read it: {}", stays.whole());
    let taken = desk.hansom(&format!("{retry} --mended mended.json"));
    assert_eq!(taken.code, 0, "{}", taken.whole());
    let again: Value = serde_json::from_str(&server.post("/v1/commands", &order)).expect("one line");
    assert_eq!(taken.out, format!("town/1 is taken at offset {}\n", again["offset"]), "it has been taken once");
    assert_eq!(desk.hansom("quarantine ls --data data").out.lines().count(), 1, "nothing waits");
    assert_eq!(server.end("-TERM"), Some(0));
}

#[test]
fn markets_come_change_and_go_with_their_files() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("markets")).expect("a folder");
    desk.write("markets/town.toml", MARKET);
    let server = Server::run(desk.command(&SERVE.replace("market.toml", "markets")));
    let until = |markets: &str| {
        let wanted = format!("{{\"markets\":{markets},");
        while !server.get("/readyz").any(|line| line.starts_with(&wanted)) {}
    };
    until(r#"{"town":"serving"}"#);
    let order = shift(1).to_string();
    let send = || serde_json::from_str::<Value>(&server.post("/v1/commands?market=town", &order)).expect("a line");
    let first = send();
    assert!(first["offset"].is_u64(), "{first}");

    desk.write("markets/village.toml", &MARKET.replace("town\"\nn", "village\"\nn"));
    until(r#"{"town":"serving","village":"serving"}"#);
    // What cannot be read changes nothing.
    desk.write("markets/town.toml", "name = 7");
    desk.write("markets/city.toml", &MARKET.replace("town\"\nn", "city\"\nn"));
    until(r#"{"city":"serving","town":"serving","village":"serving"}"#);
    desk.write("markets/town.toml", &format!("{MARKET}offer_s = 20\n"));
    std::fs::remove_file(desk.path("markets/village.toml")).expect("it is there");
    until(r#"{"city":"serving","town":"serving"}"#);
    assert_eq!(send(), first, "it knows what it knew");
    assert_eq!(server.end("-TERM"), Some(0));
    assert!(desk.hansom("log cat data/town").out.contains("Upgraded"), "its file had changed");
    assert_eq!(desk.hansom("replay data/village --verify").code, 0);
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
    let serve = "serve --scenario town.toml --speed 250 --data data --listen 127.0.0.1:0 --insecure-dev";
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
    desk.write("short", "too short for a secret");
    insta::assert_snapshot!(
        desk.transcript(&[
            "serve",
            "serve --market misspelt.toml --listen 127.0.0.1:0",
            "serve --market market.toml --listen 0.0.0.0:0 --insecure-dev",
            "serve --scenario scenario.toml --misbehave sleep=0.1",
            "serve --market market.toml --speed 2",
            "serve --market market.toml",
            "serve --market market.toml --insecure-dev --auth-secret-file secret",
            "serve --market market.toml --auth-secret-file secret",
            "serve --market market.toml --auth-secret-file short",
            "serve --market market.toml --auth-jwks market.toml",
            "serve --market market.toml --auth-jwks http://login.example/jwks.json",
            "serve --market market.toml --insecure-dev --tls-cert market.toml --tls-key market.toml",
            "serve --market market.toml --insecure-dev --cors-origin *",
            "token rob --role rider",
            "token rob --role king --auth-secret-file market.toml",
        ])
        .replace(char::is_numeric, "#")
    );
}
