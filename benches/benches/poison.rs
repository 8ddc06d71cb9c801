//! What one bad line in a hundred does to the good ones, in one run: seconds in which all lines are good, in which one in a hundred
//! cannot be read, and in which one in a hundred meets a fault that is planted in the rules, so that its turn is `Poisoned`.
//!
//! The real server on real sockets and 16 clients that wait for their answers, all in one process. An order waits for the disk: it
//! is that of cargo's target folder, or of the folder that `HANSOM_DISK` names.

use hansom_api::auth::Gate;
use hansom_api::read::ReadModels;
use hansom_api::{Edge, Origins, Patience, Server};
use hansom_dispatcher::{Dispatcher, Spec};
use hansom_engine::decide::{Step, decide};
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{Event, Header};
use hansom_engine::{Command, Desk, Key, Stamp, State};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Millis, Network, NodeId};
use hansom_market::Streets;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: u64 = 16;
/// Each client sends so often.
const EVERY: Duration = Duration::from_millis(20);
/// Seconds of each kind, one of each by turns.
const SECONDS: u64 = 20;
/// One line in so many is bad.
const ONE_IN: u64 = 100;

/// What the bad lines of a second are.
const KINDS: [(&str, &str); 3] = [("all healthy", ""), ("1 % unreadable", "E0902"), ("1 % `Poisoned`", "poisoned")];
/// The kind of the seconds when it is over.
const OVER: u64 = KINDS.len() as u64;

/// The engine's rules, but they fail on what a rider of this name asks for.
fn faulty(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    match step {
        Step::Command(_, Command::RequestRide(order)) if &*order.rider.0 == "pandora" => panic!("planted in a command"),
        _ => decide(desk, state, stamp, step, out),
    }
}

fn main() {
    // A line each, as the program has it; a trace of the stack is nothing that a market at work would print.
    std::panic::set_hook(Box::new(|panic| eprintln!("a fault of the program: {panic}")));
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let data = tempfile::tempdir_in(place).expect("a folder");
    let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city"));
    let (address, stop, served) = serve(data.path(), &network);
    for number in 0..CLIENTS {
        let said = post(address, &shift(&network, number));
        assert!(said.contains("\"offset\""), "{said}");
    }
    let second = AtomicU64::new(0);
    let clients = std::thread::scope(|scope| {
        let (network, second) = (&network, &second);
        let start = |number| scope.spawn(move || client(address, network, number, second));
        let clients: Vec<_> = (0..CLIENTS).map(start).collect();
        for kind in (0..OVER).cycle().take((OVER * SECONDS) as usize).chain([OVER]) {
            second.store(kind, Ordering::Relaxed);
            if kind < OVER {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        clients.into_iter().map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    drop(stop);
    served.join().expect("it is closed");
    let healthy: Vec<f64> = (0..KINDS.len()).map(|kind| tell(kind, &clients)).collect();
    for kind in 1..KINDS.len() {
        println!("p99 of the healthy, {} over {}: {:.2}", KINDS[kind].0, KINDS[0].0, healthy[kind] / healthy[0]);
    }
}

/// What a client saw in the seconds of a kind.
#[derive(Default)]
struct Seen {
    /// How long its good lines took.
    healthy: Vec<Duration>,
    bad: u64,
}

/// Prints what was seen in the seconds of a kind; the 99th percentile of the good lines, ms.
fn tell(kind: usize, clients: &[[Seen; KINDS.len()]]) -> f64 {
    let seen = clients.iter().map(|client| &client[kind]);
    let bad: u64 = seen.clone().map(|seen| seen.bad).sum();
    let mut took: Vec<Duration> = seen.flat_map(|seen| seen.healthy.iter().copied()).collect();
    took.sort_unstable();
    let at = |per_mille: usize| took[(took.len() - 1) * per_mille / 1000].as_secs_f64() * 1e3;
    let (p50, p99) = (at(500), at(990));
    println!("{}: {} orders, p50 {p50:.2} ms, p99 {p99:.2} ms; {bad} bad lines", KINDS[kind].0, took.len());
    p99
}

/// Sends a line, waits for its answer, and sends the next when it is time.
fn client(address: SocketAddr, network: &Network, number: u64, second: &AtomicU64) -> [Seen; KINDS.len()] {
    let mut seen: [Seen; KINDS.len()] = Default::default();
    for round in 0_u64.. {
        let kind = second.load(Ordering::Relaxed) as usize;
        let Some((_, code)) = KINDS.get(kind) else { break };
        let began = Instant::now();
        if kind > 0 && (round * CLIENTS + number).is_multiple_of(ONE_IN) {
            let asked = request(network, round);
            let said = post(address, if kind == 1 { &asked[..asked.len() / 2] } else { &asked });
            assert!(said.contains(code), "{said}");
            seen[kind].bad += 1;
        } else {
            let said = post(address, &order("open_session", &format!(r#""driver":"d{number}""#)));
            assert!(said.contains("\"offset\"") && !said.contains("error"), "{said}");
            seen[kind].healthy.push(began.elapsed());
        }
        std::thread::sleep(EVERY.saturating_sub(began.elapsed()));
    }
    seen
}

/// A place in the city.
fn place(network: &Network, number: u64) -> String {
    let coord = network.node_coord(NodeId((number * 131 % network.node_count() as u64) as u32));
    format!(r#"{{"lat":{},"lon":{}}}"#, f64::from(coord.lat) / 1e7, f64::from(coord.lon) / 1e7)
}

fn shift(network: &Network, number: u64) -> String {
    order("start_shift", &format!(r#""driver":"d{number}","place":{}"#, place(network, number)))
}

/// The request at which the rules fail.
fn request(network: &Network, number: u64) -> String {
    let (pickup, dropoff) = (place(network, number), place(network, number + 7));
    order("request_ride", &format!(r#""rider":"pandora","pickup":{pickup},"dropoff":{dropoff}"#))
}

fn order(kind: &str, data: &str) -> String {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let key = Key(now << 80 | 7 << 76 | 0b10 << 62 | u128::from(KEYS.fetch_add(1, Ordering::Relaxed)));
    let kind = format!("hansom.command.{kind}.v1");
    format!(r#"{{"specversion":"1.0","id":"{key}","source":"/bench","type":"{kind}","data":{{{data}}}}}"#)
}

/// Sends a line; the answer.
fn post(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("it is a socket");
    let head = format!("POST /v1/commands HTTP/1.0\r\nContent-Length: {}\r\n\r\n", line.len());
    stream.write_all((head + line).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Serves a market with the fault in its rules, until what stops it is dropped.
fn serve(data: &Path, network: &Arc<Network>) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
    let header = Header::new("town", network, Settings { policy, ..Settings::default() }, Millis(0));
    let spec = Spec { rules: Some(faulty), ..Spec::new(header, Streets::new(network.clone()), data) };
    let (stop, stopped) = oneshot::channel();
    let (told, address) = channel();
    let served = std::thread::spawn(move || {
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
            told.send(open).expect("the bench waits");
            // An end of the bench is an end, too.
            let _ = stopped.await;
            dispatcher.close_all().await.expect("logs are closed");
            models.close();
            handle.stop(true).await;
            serving.await.expect("no panic").expect("it serves to its end");
        });
    });
    (address.recv().expect("it starts"), stop, served)
}
