//! Runs seeds, prints how far it is, and stops at the first that fails.

use hansom_faults::{Ending, Failure, Kind, Options, Summary, run};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: soak --seeds N [--first S] [--threads T]";

/// What is said again after this.
const EVERY: Duration = Duration::from_secs(10);

/// Under so many seeds every kind of fault has to happen.
const ENOUGH: u64 = 200;

struct Asked {
    seeds: u64,
    first: u64,
    threads: u64,
}

fn asked() -> Option<Asked> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let mut asked = Asked { seeds: 0, first: 0, threads };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let number = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--seeds" => asked.seeds = number,
            "--first" => asked.first = number,
            "--threads" => asked.threads = number,
            _ => return None,
        }
    }
    (asked.seeds > 0 && asked.threads > 0).then_some(asked)
}

/// What all seeds came to.
#[derive(Default)]
struct Total {
    seeds: u64,
    sum: Summary,
    detected: u64,
    lost: u64,
    failed: Option<Box<Failure>>,
    said: Option<Instant>,
}

impl Total {
    fn add(&mut self, one: &Summary) {
        self.seeds += 1;
        let sum = &mut self.sum;
        sum.turns += one.turns;
        sum.orders += one.orders;
        sum.answers += one.answers;
        sum.malformed += one.malformed;
        sum.crashes += one.crashes;
        sum.starts += one.starts;
        sum.snapshots += one.snapshots;
        sum.repaired += one.repaired;
        sum.operations += one.operations;
        sum.faults = sum.faults.plus(&one.faults);
        self.detected += u64::from(one.ending == Ending::Detected);
        self.lost += u64::from(one.ending == Ending::LostInSilence);
    }

    fn line(&self, since: Instant) -> String {
        let Summary { turns, orders, answers, malformed, crashes, starts, snapshots, repaired, .. } = self.sum;
        let rate = self.seeds as f64 / since.elapsed().as_secs_f64();
        format!(
            "{} seeds, {rate:.0}/s: {turns} turns, {orders} orders, {answers} answers, {malformed} lines of garbage; \
             {crashes} crashes, {starts} starts, {snapshots} from a snapshot, {repaired} with a torn tail; \
             of disks that lied, {} found out, {} lost the last commit",
            self.seeds, self.detected, self.lost
        )
    }

    /// What went wrong how often, a kind a line.
    fn table(&self) -> String {
        let line = |kind: &Kind| format!("{:>12}  {kind}\n", self.sum.faults.of(*kind));
        Kind::ALL.iter().map(line).collect()
    }

    /// Kinds of faults that never happened, though there were enough seeds.
    fn missing(&self) -> Vec<String> {
        let enough = self.seeds >= ENOUGH;
        self.sum.faults.missing().filter(|_| enough).map(|kind| kind.to_string()).collect()
    }
}

fn main() -> ExitCode {
    let Some(Asked { seeds, first, threads }) = asked() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // A panic is a finding, and reported as one.
    std::panic::set_hook(Box::new(|_| {}));
    let since = Instant::now();
    let (next, total) = (AtomicU64::new(first), Mutex::new(Total::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return;
            }
            let result = run(seed, Options::default());
            let mut total = total.lock().expect("nobody panics with it");
            match result {
                Ok(summary) => total.add(&summary),
                Err(failure) => {
                    total.failed.get_or_insert(failure);
                    next.store(first + seeds, Ordering::Relaxed);
                    return;
                }
            }
            if total.said.is_none_or(|said| said.elapsed() > EVERY) {
                total.said = Some(Instant::now());
                eprintln!("{}", total.line(since));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let total = total.into_inner().expect("nobody panics with it");
    println!("{}\n{}", total.line(since), total.table());
    let Some(failure) = total.failed else {
        let missing = total.missing();
        if missing.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("under {} seeds there were no {}", total.seeds, missing.join(", no "));
        return ExitCode::FAILURE;
    };
    // One seed alone is run to see why.
    for turn in failure.story.iter().filter(|_| seeds == 1) {
        println!("{turn}");
    }
    println!("{failure}\nrun it alone: cargo xtask soak --seeds 1 --first {}", failure.seed);
    ExitCode::FAILURE
}
