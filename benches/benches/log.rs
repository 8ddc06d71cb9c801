//! The log: canonical bytes, appending, and reading back by folding or deciding again.
//!
//! A river town with 8,000 drivers, each heard of every 15 s for ten minutes in bundles of 133 or 134, half of them moving:
//! 320,000 pings, decided by a market at work. See `docs/decisions/0007-log-and-record-format.md`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hansom_engine::domain::{DriverId, Name, Session, Settings};
use hansom_engine::record::canonical::{self, Decoder, EventChain, blank};
use hansom_engine::record::{Command, Header, Ping, StartShift};
use hansom_engine::{Offset, Turn};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, EdgeId, Millis, Position};
use hansom_market::log::{Mode, Reader, Totals, Writer};
use hansom_market::replay::{self, Check, Until};
use hansom_market::seam::clock::Monotonic;
use hansom_market::seam::disk::{Disk, FileSystem, Nowhere};
use hansom_market::{Market, Streets};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::sync::Arc;
use tempfile::TempDir;

const DRIVERS: u32 = 8_000;
const ROUNDS: u32 = 40;
/// Bundles a round of 15 s: one each quarter of a second.
const BUNDLES: u32 = 60;
/// As far as a vehicle moves between two pings, in 1e-7 degrees: about 100 m.
const STRIDE: u32 = 9_000;

/// A log of ten minutes, what wrote it, and its turns.
struct Fixture {
    streets: Streets,
    header: Header,
    folder: TempDir,
    turns: Vec<Turn>,
    totals: Totals,
}

impl Fixture {
    fn new() -> Self {
        let network = synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city");
        let streets = Streets::new(Arc::new(network));
        let header = Header::new("bench", &streets.network, Settings::default(), Millis::ZERO);
        let folder = tempfile::tempdir().expect("a folder");
        let log = Writer::create(folder.path(), &header, Mode::Inline).expect("a log");
        let mut market = Market::new(&header, &streets, log, Box::new(Monotonic::new()));
        let mut turns = Vec::new();
        let mut draw = ChaCha8Rng::seed_from_u64(1);
        let mut places: Vec<Coord> = Vec::new();
        let edges = streets.network.edge_count() as u32;
        for driver in 0..DRIVERS {
            let place = Position { edge: EdgeId(draw.next_u32() % edges), along: draw.next_u32() as u16 };
            let place = streets.network.coord(place);
            let name = Name::from(format!("d{driver}").as_str());
            let (seats, class, rating) = (4, 0, 480);
            let shift =
                StartShift { driver: name, place, seats, class, autonomous: false, until: None, home: None, rating };
            let shift = Command::StartShift(Box::new(shift));
            turns.push(market.submit(Millis::ZERO, None, shift).expect("taken").clone());
            places.push(place);
        }
        for bundle in 0..ROUNDS * BUNDLES {
            let (seq, phase) = (bundle / BUNDLES + 1, bundle % BUNDLES);
            let pings = (phase..DRIVERS).step_by(BUNDLES as usize).map(|driver| {
                let place = &mut places[driver as usize];
                if driver % 2 == 0 {
                    place.lat += (draw.next_u32() % (2 * STRIDE)) as i32 - STRIDE as i32;
                    place.lon += (draw.next_u32() % (2 * STRIDE)) as i32 - STRIDE as i32;
                }
                let age_ms = (draw.next_u32() % 250) as i32;
                Ping { driver: DriverId(driver), session: Session::FIRST, seq, age_ms, coord: *place }
            });
            let command = Command::ReportPositions(pings.collect());
            let at = Millis(i64::from(bundle + 1) * 250);
            turns.push(market.submit(at, None, command).expect("taken").clone());
        }
        let closed = market.close().expect("closed");
        assert_eq!(closed.violations.count, 0);
        let totals = closed.log;
        println!(
            "{} turns, {} pings, {} bytes: {:.2} bytes a ping, shifts included",
            totals.turns,
            totals.pings,
            totals.bytes,
            totals.bytes as f64 / totals.pings as f64
        );
        Self { streets, header, folder, turns, totals }
    }

    fn reader(&self) -> Reader {
        Reader::open(self.folder.path()).expect("a log")
    }
}

fn bytes(c: &mut Criterion, fixture: &Fixture) {
    let origin = fixture.header.origin;
    let of_pings = |turn: &&Turn| matches!(turn.command, Command::ReportPositions(_));
    let bundles: Vec<&Turn> = fixture.turns.iter().filter(of_pings).skip(BUNDLES as usize).take(8).collect();
    let records: Vec<Vec<u8>> = bundles
        .iter()
        .map(|turn| {
            let mut out = Vec::new();
            canonical::encode(turn, origin, &mut out);
            out
        })
        .collect();
    let pings = bundles.iter().map(|turn| turn.events.len() as u64).sum();

    let mut group = c.benchmark_group("eight bundles of pings");
    group.throughput(Throughput::Elements(pings));
    let mut out = Vec::new();
    group.bench_function("encode", |b| {
        b.iter(|| {
            out.clear();
            bundles.iter().map(|turn| canonical::encode(turn, origin, &mut out)).sum::<usize>()
        });
    });
    let mut chain = EventChain::new();
    group.bench_function("chain", |b| b.iter(|| records.iter().for_each(|record| chain.extend(black_box(record)))));
    let (mut decoder, mut turn) = (Decoder::new(origin), blank());
    group.bench_function("decode", |b| {
        b.iter(|| {
            for record in &records {
                decoder.decode(record, &mut turn).expect("a turn");
            }
        });
    });
    group.finish();
}

fn append(c: &mut Criterion, fixture: &Fixture) {
    let mut group = c.benchmark_group("append ten minutes");
    group.sample_size(10).throughput(Throughput::Elements(fixture.totals.pings));
    let mut run = |name: &str, mode: Mode, disk: fn() -> Arc<dyn Disk>| {
        group.bench_function(name, |b| {
            let setup = || (tempfile::tempdir().expect("a folder"), fixture.turns.clone());
            b.iter_batched(
                setup,
                |(folder, turns)| {
                    let log = Writer::create_on(disk(), folder.path(), &fixture.header, mode);
                    let mut log = log.expect("a log");
                    for turn in turns {
                        log.append(turn).expect("appended");
                    }
                    assert_eq!(log.close().expect("closed"), fixture.totals);
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    };
    run("to nowhere", Mode::Inline, || Arc::new(Nowhere));
    run("to the disk, synced at the end", Mode::Inline, || Arc::new(FileSystem));
    run("to the disk by a thread of the log", Mode::Threaded, || Arc::new(FileSystem));
    group.finish();
}

fn read_back(c: &mut Criterion, fixture: &Fixture) {
    let mut group = c.benchmark_group("read ten minutes back");
    group.sample_size(10).throughput(Throughput::Elements(fixture.totals.pings));
    group.bench_function("decode", |b| {
        b.iter(|| {
            let (mut reader, mut turn) = (fixture.reader(), blank());
            while reader.next(&mut turn).expect("whole").is_some() {}
            assert_eq!(Offset(fixture.totals.turns - 1), turn.offset);
        });
    });
    group.bench_function("fold", |b| {
        b.iter(|| {
            let network = &fixture.streets.network;
            let folded = replay::fold(&mut fixture.reader(), network, Until::End, |_, _| {}).expect("folded");
            assert_eq!(folded.event_chain, fixture.totals.event_chain);
        });
    });
    group.bench_function("decide again", |b| {
        b.iter(|| {
            let (reader, streets) = (&mut fixture.reader(), &fixture.streets);
            let again = replay::redecide(reader, streets, Until::End, Check::EngineAndPlanner, |_, _| {});
            assert_eq!(again.expect("the same").event_chain, fixture.totals.event_chain);
        });
    });
    group.finish();
}

fn log(c: &mut Criterion) {
    let fixture = Fixture::new();
    bytes(c, &fixture);
    append(c, &fixture);
    read_back(c, &fixture);
}

criterion_group!(benches, log);
criterion_main!(benches);
