//! What a bundle of 500 positions costs a server, and what an order waits that comes right behind one.
//!
//! The real server on a real socket, its threads and its schema, a market of 8,000 drivers on a procedural city, in one process with one
//! client. The bundle goes by GraphQL and, beside it, as lines to `/v1/locations`. The order is one that a rule refuses: a turn
//! like any other, that leaves nothing behind. Between two measurements the market gets time to do what it was given, so that
//! only the way in is measured.
//!
//! An order waits for the disk. It is that of cargo's target folder, or of the folder that `HANSOM_DISK` names: in memory, the
//! rest is seen.

use criterion::{Criterion, criterion_group, criterion_main};
use hansom_api::auth::Gate;
use hansom_api::read::ReadModels;
use hansom_api::{Edge, Origins, Patience, Server};
use hansom_dispatcher::{Dispatcher, MarketHandle, Spec};
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{Header, StartShift};
use hansom_engine::{Command, Key, Name};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Millis, Network, NodeId};
use hansom_market::Streets;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DRIVERS: u64 = 8_000;
/// Positions of a bundle.
const BUNDLE: u64 = 500;
/// Threads of the server that serve requests, and take connections in turn.
const WORKERS: usize = 2;
/// Longer than a position waits for others to share its turn.
const PAUSE: Duration = Duration::from_millis(30);

const REPORT: &str = "mutation($key: Key!, $positions: [PositionInput!]!) { reportPositions(key: $key, positions: $positions) { \
                      __typename ... on PositionsReceived { received failures { index failure { reason } } } } }";
const CANCEL: &str =
    "mutation($key: Key!, $input: CancelRideInput!) { cancelRide(key: $key, input: $input) { __typename } }";

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(8));
    targets = bundles
}
criterion_main!(benches);

fn bundles(c: &mut Criterion) {
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let data = tempfile::tempdir_in(place).expect("a folder");
    let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city"));
    let served = Served::start(data.path(), &network);
    let mut city = City { network, reported: 0, keys: 0 };
    let told = format!("\"received\":{BUNDLE},\"failures\":[]");
    c.bench_function("bundle/graphql", |b| {
        b.iter_custom(|times| {
            let mut line = Line::open(served.address);
            (0..times).map(|_| line.ask("/graphql", &city.report(), &told)).sum()
        });
    });
    c.bench_function("bundle/lines", |b| {
        b.iter_custom(|times| {
            let mut line = Line::open(served.address);
            (0..times).map(|_| line.ask("/v1/locations", &city.lines(), "\"offset\"")).sum()
        });
    });
    c.bench_function("order/alone", |b| {
        b.iter_custom(|times| {
            let mut line = Line::open(served.address);
            (0..times).map(|_| line.ask("/graphql", &city.cancel(), "RefusedByRule")).sum()
        });
    });
    c.bench_function("order/behind_bundles", |b| {
        b.iter_custom(|times| {
            // Threads take connections in turn: each has one that brings bundles, and one of them the order's.
            let mut lines: Vec<Line> = (0..WORKERS).map(|_| Line::open(served.address)).collect();
            let mut order = Line::open(served.address);
            let behind = |_| {
                let bundles: Vec<String> = lines.iter().map(|_| city.report()).collect();
                let body = city.cancel();
                std::thread::sleep(PAUSE);
                for (line, bundle) in lines.iter_mut().zip(&bundles) {
                    line.send("/graphql", bundle);
                }
                let began = Instant::now();
                order.send("/graphql", &body);
                order.answer("RefusedByRule");
                let took = began.elapsed();
                for line in &mut lines {
                    line.answer(&told);
                }
                took
            };
            (0..times).map(behind).sum()
        });
    });
    served.stop();
}

/// What drivers and riders send.
struct City {
    network: Arc<Network>,
    reported: u64,
    keys: u64,
}

impl City {
    fn key(&mut self) -> Key {
        self.keys += 1;
        key(self.keys)
    }

    /// The next positions, each with driver, number and place.
    fn positions(&mut self) -> impl Iterator<Item = (String, u64, Coord)> {
        let first = self.reported;
        self.reported += BUNDLE;
        let position = |number: u64| {
            let (driver, seq) = (number % DRIVERS, 1 + number / DRIVERS);
            (name(driver), seq, place(&self.network, driver + seq % 3))
        };
        (first..first + BUNDLE).map(position)
    }

    /// The next bundle, by GraphQL.
    fn report(&mut self) -> String {
        let key = self.key();
        let mut body = format!(r#"{{"query":"{REPORT}","variables":{{"key":"{key}","positions":["#);
        for (driver, seq, Coord { lat, lon }) in self.positions() {
            let comma = if body.ends_with('[') { "" } else { "," };
            let (lat, lon) = (f64::from(lat) / 1e7, f64::from(lon) / 1e7);
            // Writing to memory cannot fail.
            let _ = write!(body, r#"{comma}{{"driver":"{driver}","seq":{seq},"place":{{"lat":{lat},"lon":{lon}}}}}"#);
        }
        body + "]}}"
    }

    /// The next bundle, in lines.
    fn lines(&mut self) -> String {
        let mut body = String::new();
        for (driver, seq, Coord { lat, lon }) in self.positions() {
            let (lat, lon) = (f64::from(lat) / 1e7, f64::from(lon) / 1e7);
            let _ = writeln!(
                body,
                r#"{{"specversion":"1.0","id":"{driver}.{seq}","source":"/bench","type":"hansom.location.v1","data":{{"driver":"{driver}","seq":{seq},"place":{{"lat":{lat},"lon":{lon}}}}}}}"#
            );
        }
        body
    }

    /// An order about a ride that is not there.
    fn cancel(&mut self) -> String {
        let key = self.key();
        format!(r#"{{"query":"{CANCEL}","variables":{{"key":"{key}","input":{{"ride":"4000000000"}}}}}}"#)
    }
}

fn name(driver: u64) -> String {
    format!("b{driver:x}-driver")
}

fn place(network: &Network, number: u64) -> Coord {
    network.node_coord(NodeId((number * 7 % network.node_count() as u64) as u32))
}

/// A UUID of version 7.
fn key(number: u64) -> Key {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Key(now << 80 | 7 << 76 | 0b10 << 62 | u128::from(number))
}

/// A server, in threads of its own.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Served {
    /// Serves one market, whose drivers are on shift.
    fn start(data: &Path, network: &Arc<Network>) -> Self {
        let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
        let header = Header::new("town", network, Settings { policy, ..Settings::default() }, Millis(0));
        let spec = Spec::new(header, Streets::new(network.clone()), data);
        let (stop, stopped) = oneshot::channel();
        let (told, address) = channel();
        let network = network.clone();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let (dispatcher, models) = (Arc::new(Dispatcher::new()), Arc::new(ReadModels::default()));
                let edge = Edge {
                    address: SocketAddr::from(([127, 0, 0, 1], 0)),
                    gate: Gate::open(),
                    certificate: None,
                    origins: Origins::default(),
                    collector: None,
                    patience: Patience::default(),
                };
                let server = Server::open(edge, dispatcher.clone(), models.clone()).expect("a free port");
                let (open, handle) = (server.address(), server.handle());
                let serving = actix_rt::spawn(server.serve());
                let market = dispatcher.open(spec.clone()).expect("a name of its own");
                models.follow(market.clone(), spec);
                assert!(market.ready().await.is_serving());
                start_shifts(&market, &network).await;
                told.send(open).expect("the bench waits");
                // An end of the bench is an end, too.
                let _ = stopped.await;
                dispatcher.close_all().await.expect("logs are closed");
                models.close();
                handle.stop(true).await;
                serving.await.expect("no panic").expect("it serves to its end");
            });
        });
        Self { address: address.recv().expect("it starts"), stop, thread }
    }

    fn stop(self) {
        drop(self.stop);
        self.thread.join().expect("no panic");
    }
}

async fn start_shifts(market: &MarketHandle, network: &Network) {
    for driver in 0..DRIVERS {
        let order = StartShift {
            driver: Name::from(name(driver).as_str()),
            place: place(network, driver),
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
        };
        let command = Command::StartShift(Box::new(order));
        let pending = market.submit(Some(key(1 << 40 | driver)), command).expect("there is room");
        if driver % 1_000 == 999 {
            pending.answer().await.expect("it is taken");
        }
    }
}

/// A connection that is kept.
struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("it is a socket");
        let mut line = Self { stream: BufReader::new(stream) };
        // Taken by its thread before the next one comes.
        line.send("/graphql", r#"{"query":"{ __typename }"}"#);
        line.answer("Query");
        line
    }

    fn send(&mut self, path: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.stream.get_mut().write_all((head + body).as_bytes()).expect("it reads");
    }

    /// How long it takes from a request to its answer, after a pause.
    fn ask(&mut self, path: &str, body: &str, told: &str) -> Duration {
        std::thread::sleep(PAUSE);
        let began = Instant::now();
        self.send(path, body);
        self.answer(told);
        began.elapsed()
    }

    /// Reads an answer, whose body has to tell this.
    fn answer(&mut self, told: &str) {
        let (mut text, mut length) = (String::new(), None);
        while text != "\r\n" {
            text.clear();
            assert_ne!(self.stream.read_line(&mut text).expect("a line of a head"), 0, "the server hung up");
            if let Some((_, value)) = text.split_once("content-length: ") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("a body");
        while length.is_none() && !body.ends_with(b"\r\n0\r\n\r\n") {
            assert_ne!(self.stream.read_until(b'\n', &mut body).expect("a piece of a body"), 0, "the server hung up");
        }
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(told), "{body}");
    }
}
