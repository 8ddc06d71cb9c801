//! How many commands a second are acknowledged once they are durable, and after how long, by so many clients who each wait
//! for an answer before they ask again; with what one sync of the same disk takes beside it.
//!
//! The clients are places in one loop, not threads: the loop is the market's writer, as an actor would be. Each client asks
//! for a ride and then cancels it, with keys, in a town without drivers.
//!
//! The disk is that of cargo's target folder, or of the folder that `HANSOM_DISK` names: in memory, it shows what the program
//! itself takes.

use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{Header, RequestRide};
use hansom_engine::{Command, Event, Key, Name, RideId, Turn};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Millis, Network, NodeId};
use hansom_market::Streets;
use hansom_market::recovery::{self, Opened};
use hansom_market::seam::disk::{Disk, FileSystem};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

const COMMANDS: u64 = 300_000;
/// With few clients each command waits for the disk.
const SECONDS: u64 = 4;

fn main() {
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let network = synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city");
    let streets = Streets::new(Arc::new(network));
    println!("one client's sync: 4 KiB into zeros, fdatasync: {}", syncs(folder.path()));
    for clients in [1, 16, 256] {
        for _ in 0..3 {
            let data = tempfile::tempdir_in(folder.path()).expect("a folder");
            println!("{clients:4} clients: {}", run(data.path(), &streets, clients));
        }
    }
    println!("one client's sync: 4 KiB into zeros, fdatasync: {}", syncs(folder.path()));
}

/// Processor time of this process so far, all threads, ms; `None` where the system does not tell.
fn processor_ms() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything: user and system time are the 12th and 13th, in hundredths of a second.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// p50 and p99 of some spans, in µs.
fn percentiles(mut spans_ns: Vec<u64>) -> String {
    spans_ns.sort_unstable();
    let of = |per_mille: usize| spans_ns[(spans_ns.len() * per_mille / 1000).min(spans_ns.len() - 1)] / 1000;
    format!("p50 {} µs, p99 {} µs", of(500), of(990))
}

fn syncs(folder: &Path) -> String {
    let path = folder.join("sync");
    let mut file = FileSystem.create(&path).expect("a file");
    file.write_at(&vec![0; 8 << 20], 0).expect("written");
    file.sync().expect("synced");
    let spans = (0..1_000).map(|index| {
        let began = Instant::now();
        file.write_at(&[1; 4096], 4096 * index).expect("written");
        file.sync().expect("synced");
        began.elapsed().as_nanos() as u64
    });
    let told = percentiles(spans.collect());
    FileSystem.remove(&path).expect("removed");
    told
}

fn header(network: &Network) -> Header {
    let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
    Header::new("river-town", network, Settings { policy, ..Settings::default() }, Millis(1_764_000_000_000))
}

/// A client: what it asked last, and when.
#[derive(Clone, Copy)]
struct Client {
    asked: Instant,
    ride: Option<RideId>,
}

fn run(folder: &Path, streets: &Streets, clients: usize) -> String {
    let header = header(&streets.network);
    let (durable, acks) = channel();
    let outlet = Box::new(move |turns: Result<Vec<Arc<Turn>>, _>| {
        // The market is closed before the loop ends.
        let _ = durable.send(turns.expect("the disk works"));
    });
    let start = header.started_at;
    let Opened { mut market, follower, .. } =
        recovery::open(folder, &header, streets, start, recovery::Keep::default(), outlet).expect("a market");
    let began = Instant::now();
    let processor = processor_ms();
    let mut places = vec![Client { asked: began, ride: None }; clients];
    let mut spans = Vec::new();
    let (mut asked, mut answered) = (0, 0);
    let corner = |number: u64| streets.network.node_coord(NodeId((number % 400) as u32));
    let mut ask = |place: &mut Client, number: u64| {
        let command = match place.ride.take() {
            Some(ride) => Command::CancelRide { ride },
            None => Command::RequestRide(Box::new(RequestRide {
                rider: Name(format!("rider {}", number % 1_000).into()),
                pickup: corner(number),
                dropoff: corner(number * 7 + 3),
                seats: 1,
                class: 0,
                tier: 0,
                blocked: Box::default(),
            })),
        };
        place.asked = Instant::now();
        let at = start + Millis(place.asked.duration_since(began).as_millis() as i64);
        let key = Key(u128::from(at.0 as u64) << 80 | 7 << 76 | u128::from(number));
        market.submit(at, Some(key), command).expect("taken");
    };
    // Turn `n` is client `order[n]`'s.
    let mut order = Vec::new();
    for (index, place) in places.iter_mut().enumerate() {
        ask(place, asked);
        order.push(index);
        asked += 1;
    }
    while answered < asked {
        for turn in next(&acks).into_iter().flatten() {
            let place = order[turn.offset.0 as usize];
            answered += 1;
            spans.push(places[place].asked.elapsed().as_nanos() as u64);
            if let Some(Event::RideRequested(request)) =
                turn.events.iter().find(|event| matches!(event, Event::RideRequested(_)))
            {
                places[place].ride = Some(request.ride);
            }
            if asked < COMMANDS && began.elapsed().as_secs() < SECONDS {
                ask(&mut places[place], asked);
                order.push(place);
                asked += 1;
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    market.close().expect("closed");
    follower.close().expect("no panic");
    let took = processor_ms().zip(processor).map_or_else(String::new, |(now, then)| {
        format!(", {:.1} µs of processor time each", (now - then) as f64 * 1e3 / answered as f64)
    });
    format!("{:.0} acknowledged a second, {}{took}", answered as f64 / seconds, percentiles(spans))
}

/// What came meanwhile, at least one batch.
fn next(acks: &Receiver<Vec<Arc<Turn>>>) -> Vec<Vec<Arc<Turn>>> {
    let first = acks.recv().expect("the log lives");
    std::iter::once(first).chain(acks.try_iter()).collect()
}
