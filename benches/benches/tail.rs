//! How long a market takes to be opened that was killed just before its next snapshot was due by turns: 100,000 drivers on shift,
//! 20,000 rides in line, and the longest tail that the default interval leaves, 1,000,000 turns.
//!
//! Nine turns in ten are a position each, the tenth is an order with a key. The folder is copied while the market is open, as a
//! process that was killed would have left it, and the copy is opened, with its pages in memory.

use hansom_engine::domain::{DriverId, Key, Name, Session, Settings};
use hansom_engine::record::{Command, Header, Ping, RequestRide, StartShift, Turn};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Millis, NodeId};
use hansom_market::follower::SnapshotEvery;
use hansom_market::recovery::{self, Opened, Report, Took};
use hansom_market::{Market, Streets};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const DRIVERS: u32 = 100_000;
const RIDES: u32 = 20_000;
const START: Millis = Millis(1_764_000_000_000);

fn main() {
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let network = synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city");
    let streets = Streets::new(Arc::new(network));
    let header = Header::new("river-town", &streets.network, Settings::default(), START);
    let data = folder.path().join("lived");
    let end = live(&data, &header, &streets);
    for run in 0..3 {
        let copied = folder.path().join(format!("killed{run}"));
        copy(&data, &copied);
        let began = Instant::now();
        let opened = recovery::open(&copied, &header, &streets, end, recovery::Keep::default(), Box::new(|_| {}))
            .expect("a market");
        let took = began.elapsed();
        let Report { folded, took: Took { snapshot_ms, fold_ms, follow_ms, resume_ms }, .. } = opened.report;
        println!(
            "{folded} turns behind the snapshot: open after {:.2} s; snapshot {snapshot_ms}, tail {fold_ms}, follower {follow_ms}, \
             Resume {resume_ms} ms",
            took.as_secs_f64()
        );
        opened.market.close().expect("closed");
    }
}

/// A market that is about to be killed; what time it is then.
fn live(data: &Path, header: &Header, streets: &Streets) -> Millis {
    let durable = Arc::new(AtomicU64::new(0));
    let told = durable.clone();
    let outlet = Box::new(move |turns: Result<Vec<Arc<Turn>>, _>| {
        told.fetch_add(turns.expect("the disk works").len() as u64, Ordering::Relaxed);
    });
    let Opened { mut market, follower, .. } =
        recovery::open(data, header, streets, START, recovery::Keep::default(), outlet).expect("a market");
    let corner = |number: u32| streets.network.node_coord(NodeId(number % 1_900));
    for number in 0..DRIVERS {
        submit(
            &mut market,
            START,
            Some(u64::from(number)),
            Command::StartShift(Box::new(shift(number, corner(number)))),
        );
    }
    for number in 0..RIDES {
        let order = RequestRide {
            rider: Name(format!("rider {number}").into()),
            pickup: corner(number),
            dropoff: corner(number * 7 + 3),
            seats: 1,
            // Of a class that no vehicle has: they wait.
            class: 9,
            tier: 0,
            blocked: Box::default(),
        };
        let key = u64::from(DRIVERS + number);
        submit(&mut market, START, Some(key), Command::RequestRide(Box::new(order)));
    }
    let SnapshotEvery { time, turns } = SnapshotEvery::default();
    let mut now = START + time;
    submit(&mut market, now, None, Command::Tick);
    while follower.standing().snapshot.is_none() {
        std::thread::yield_now();
    }
    let first = market.turns();
    // Less than what makes the next one due, in turns and in time.
    for number in 0..turns - 1_000 {
        now = START + time + Millis((time.0 - 1_000) * number as i64 / turns as i64);
        let driver = (number % u64::from(DRIVERS)) as u32;
        if number % 10 == 9 {
            let command = Command::OpenSession { driver: DriverId(driver) };
            submit(&mut market, now, Some(1 << 40 | number), command);
        } else {
            let seq = 1 + (number / u64::from(DRIVERS)) as u32;
            let coord = corner(driver + seq % 2);
            let ping = Ping { driver: DriverId(driver), session: Session::FIRST, seq, age_ms: 0, coord };
            submit(&mut market, now, None, Command::ReportPositions(vec![ping]));
        }
    }
    while durable.load(Ordering::Relaxed) < market.turns() {
        std::thread::yield_now();
    }
    println!("{} turns since the snapshot, of {}", market.turns() - first, market.turns());
    // Neither is closed: what is on the disk is what a kill leaves.
    std::mem::forget((market, follower));
    now
}

fn submit(market: &mut Market, at: Millis, key: Option<u64>, command: Command) {
    let key = key.map(|number| Key(u128::from(at.0 as u64) << 80 | 7 << 76 | 0b10 << 62 | u128::from(number)));
    market.submit(at, key, command).expect("taken");
}

fn shift(number: u32, place: Coord) -> StartShift {
    let driver = Name(format!("driver {number}").into());
    StartShift { driver, place, seats: 4, class: 0, autonomous: false, until: None, home: None, rating: 480 }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("it can be read").path();
        let to = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("it can be copied");
        }
    }
}
