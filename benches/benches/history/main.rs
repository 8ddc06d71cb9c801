//! What it costs to keep history, and to ask it: three embedded databases with the same rows, and Hansom's own on a run's log.
//!
//! The rows are as large as a ride's with its story, each is written six times as the ride goes on, and beside it go what of it
//! counts and the index by rider. The disk is that of cargo's target folder, or of the folder that `HANSOM_DISK` names.

mod fjall;
mod ours;
mod redb;
mod sqlite;

use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rides that are there when questions are asked.
const RIDES: u32 = 100_000;
/// Times that a row is written until its ride is over.
const WRITES: u32 = 6;
/// Riders who ask for them.
const RIDERS: u32 = 20_000;
/// Bytes of a row whose ride is over.
const ROW_BYTES: usize = 320;

/// A row as it is written.
pub struct Row {
    /// The ride.
    pub ride: u32,
    /// Whose.
    pub rider: String,
    /// The row.
    pub bytes: Vec<u8>,
    /// What of it counts.
    pub figure: [u8; 52],
    /// Whether it is the first time.
    pub is_new: bool,
}

/// A database that keeps rides, what of them counts, and their numbers by rider.
pub trait Store: Sized {
    /// Its name.
    const NAME: &'static str;
    /// A new one in a folder.
    fn create(folder: &Path) -> Self;
    /// The one in a folder.
    fn open(folder: &Path) -> Self;
    /// Writes rows at once, with how far they reach. With `sync` they would survive a loss of power.
    fn write(&mut self, rows: &[Row], next: u64, sync: bool);
    /// Bytes of a row.
    fn get(&self, ride: u32) -> usize;
    /// Bytes of the rows of a rider's rides, up to `limit`.
    fn page(&self, rider: &str, limit: usize) -> usize;
    /// Sum over what counts of the rides from one number to before another.
    fn scan(&self, from: u32, until: u32) -> u64;
}

fn row(random: &mut ChaCha8Rng, ride: u32, nth: u32) -> Row {
    let mut bytes = vec![0; ROW_BYTES * (nth as usize + 1) / WRITES as usize];
    random.fill(&mut bytes[..]);
    let rider = format!("rider {}", ride.wrapping_mul(2_654_435_761) % RIDERS);
    Row { ride, rider, bytes, figure: [ride.to_le_bytes()[0]; 52], is_new: nth == 0 }
}

/// Rides that go on side by side: in each batch so many rows, each of a ride at another point of its life.
fn batches(random: &mut ChaCha8Rng, first: u32, rides: u32, batch: usize) -> Vec<Vec<Row>> {
    let lag = batch as u32;
    let order = (0..rides + WRITES * lag).flat_map(|step| {
        (0..WRITES).filter_map(move |nth| Some((step.checked_sub(nth * lag).filter(|ride| *ride < rides)?, nth)))
    });
    let rows: Vec<Row> = order.map(|(ride, nth)| row(random, first + ride, nth)).collect();
    let mut rows = rows.into_iter().peekable();
    let mut batches = Vec::new();
    while rows.peek().is_some() {
        batches.push(rows.by_ref().take(batch).collect());
    }
    batches
}

fn percentiles(mut spans: Vec<Duration>) -> String {
    spans.sort_unstable();
    let of = |per_mille: usize| spans[(spans.len() * per_mille / 1000).min(spans.len() - 1)].as_secs_f64() * 1e6;
    format!("p50 {:.0}, p99 {:.0} µs", of(500), of(990))
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = act();
    (done, began.elapsed())
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| {
            let about = entry.metadata().expect("an entry");
            if about.is_dir() { bytes_in(&entry.path()) } else { about.len() }
        })
        .sum()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a disk");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { _ = std::fs::copy(&path, target).expect("a disk") }
    }
}

fn measure<S: Store>(place: &Path) {
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let home = folder.path().join("home");
    std::fs::create_dir_all(&home).expect("a disk");
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut store = S::create(&home);
    println!("{}", S::NAME);

    // As it is when made from a log.
    let batches_made = batches(&mut random, 1, RIDES, 4096);
    let rows: usize = batches_made.iter().map(Vec::len).sum();
    let ((), took) = timed(|| {
        for (nth, batch) in batches_made.iter().enumerate() {
            store.write(batch, nth as u64, nth % 32 == 31);
        }
        store.write(&[], 0, true);
    });
    println!("  made: {:.0} rows/s, {} MiB", rows as f64 / took.as_secs_f64(), bytes_in(&home) >> 20);

    // As it is while a market works: what one sync of its log released.
    let mut next = RIDES + 1;
    for (batch, count) in [(1, 3_000), (16, 20_000)] {
        let live = batches(&mut random, next, count / WRITES, batch);
        next += count / WRITES;
        let spans = live.iter().map(|rows| timed(|| store.write(rows, 0, false)).1).collect();
        println!("  shown, {batch} rows at a time: {}", percentiles(spans));
    }
    let live = batches(&mut random, next, 100, 16);
    let spans = live.iter().map(|rows| timed(|| store.write(rows, 0, true)).1).collect();
    println!("  synced, 16 rows at a time: {}", percentiles(spans));

    let asked: Vec<u32> = (0..20_000).map(|_| random.random_range(1..=RIDES)).collect();
    let (_, took) = timed(|| asked.iter().map(|ride| store.get(*ride)).sum::<usize>());
    println!("  a ride: {:.2} µs", took.as_secs_f64() * 1e6 / asked.len() as f64);
    let riders: Vec<String> = (0..5_000).map(|_| format!("rider {}", random.random_range(0..RIDERS))).collect();
    let (found, took) = timed(|| riders.iter().map(|rider| store.page(rider, 20)).sum::<usize>());
    println!(
        "  a page of a rider's rides: {:.1} µs, {} bytes",
        took.as_secs_f64() * 1e6 / riders.len() as f64,
        found / riders.len()
    );
    let (_, took) = timed(|| store.scan(1, RIDES + 1));
    println!("  what counts of 100,000 rides: {:.1} ms", took.as_secs_f64() * 1e3);

    // Killed: what the disk has while it is open.
    let live = batches(&mut random, next + 100, 500, 16);
    for rows in &live {
        store.write(rows, 0, false);
    }
    let killed = folder.path().join("killed");
    copy(&home, &killed);
    let ((), took) = timed(|| drop(store));
    println!("  closed: {:.1} ms", took.as_secs_f64() * 1e3);
    let (_, took) = timed(|| S::open(&home).get(RIDES));
    println!("  opened, and a ride: {:.1} ms", took.as_secs_f64() * 1e3);
    let (_, took) = timed(|| S::open(&killed).get(RIDES));
    println!("  opened after a kill, and a ride: {:.1} ms", took.as_secs_f64() * 1e3);
}

fn main() {
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let place = Path::new(&place);
    measure::<redb::Redb>(place);
    measure::<fjall::Fjall>(place);
    measure::<sqlite::Sqlite>(place);
    ours::measure(place);
}
