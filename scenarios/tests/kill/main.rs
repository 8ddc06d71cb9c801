//! A served market that is killed under load, again and again: the real binary, real sockets, a real disk.
//!
//! `cargo xtask kill --kills N` kills it N times; here it is a few. `cargo xtask full-disk` has it run out of a real disk; here
//! its files may not grow. Needs `strace`.

mod evidence;
mod load;
mod server;
mod trace;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evidence::{Evidence, streets};
use load::{Draws, Load};
use server::{MARKET, Server, Under};
use trace::Trace;

/// How often it is killed where nothing is said.
const KILLS: u64 = 6;
/// A market is killed so often before there is a new one: its log is read as a whole each time.
const KILLS_OF_A_MARKET: u64 = 8;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A folder with a market file, and where the market will keep what it knows.
fn folder() -> tempfile::TempDir {
    folder_in(&std::env::temp_dir())
}

fn folder_in(place: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(place).expect("a temporary folder");
    fs::write(folder.path().join("market.toml"), MARKET).expect("it can be written");
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("there is one") {
        let path = entry.expect("it can be read").path();
        let to = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("it can be copied");
        }
    }
}

/// Lets the clients go on until a moment that nobody can foresee.
fn moment(load: &Load, draws: &mut Draws) {
    load.wait_for(load.answered() + 1 + draws.below(400) as usize);
    std::thread::park_timeout(Duration::from_micros(draws.below(20_000)));
}

fn median(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

#[test]
fn what_was_acknowledged_is_there_once_after_every_kill() {
    let (kills, seed) = (number("HANSOM_KILLS", KILLS), number("HANSOM_SEED", 1));
    let (streets, mut draws) = (streets(), Draws(seed));
    let (mut opened, mut first_answers) = (Vec::new(), Vec::new());
    let (mut orders, mut pings, mut turns) = (0, 0, 0);
    let mut done = 0;
    while done < kills {
        let folder = folder();
        let market = folder.path().join("data/town");
        let load = Load::start(seed * 1000 + done);
        for life in 0.. {
            let began = Instant::now();
            let server = Server::start(folder.path(), &Under::Nothing);
            opened.push(server.opened);
            load.serve(Some(server.address));
            moment(&load, &mut draws);
            first_answers.extend(load.first_answer().map(|first| first - began));
            // One end in four is a good one, for its snapshot.
            let is_stopped = life % 4 == 3;
            if is_stopped {
                server.stop();
            } else {
                server.kill();
                done += 1;
            }
            load.serve(None);
            // Answers that were sent in time may be read a little later: they count for the next time.
            let acked = load.acked();
            let copied = tempfile::tempdir().expect("a temporary folder");
            copy(&market, copied.path());
            let evidence = Evidence::of(copied.path(), &streets);
            evidence.holds(&acked);
            turns = evidence.turns;
            let is_over = !is_stopped && (done >= kills || done % KILLS_OF_A_MARKET == 0);
            if is_over {
                break;
            }
        }
        pings += load.pings();
        let acked = load.end();
        Evidence::read(&market, &streets).holds(&acked);
        orders += acked.len();
    }
    let ((open, open_most), (first, first_most)) = (median(&mut opened), median(&mut first_answers));
    println!(
        "seed {seed}: {kills} kills; {orders} orders acknowledged, each there once, {pings} positions received; the last \
         log has {turns} turns; from the start of the process until it takes commands {open:?}, at most {open_most:?}; \
         until the first answer {first:?}, at most {first_most:?}"
    );
}

#[test]
fn an_acknowledgement_follows_the_sync_of_its_bytes_and_what_was_not_synced_may_go() {
    let (streets, mut draws) = (streets(), Draws(number("HANSOM_SEED", 1)));
    let folder = folder();
    let market = folder.path().join("data/town");
    let load = Load::start(7);
    let (mut first, mut lost, mut acknowledged) = (0, 0, 0);
    for life in 0..number("HANSOM_TRACED", 3) {
        let file = folder.path().join(format!("trace{life}"));
        let server = Server::start(folder.path(), &Under::Trace(&file));
        load.serve(Some(server.address));
        moment(&load, &mut draws);
        server.kill();
        load.serve(None);
        let acked = load.acked();
        let calls = String::from_utf8_lossy(&fs::read(&file).expect("strace wrote a trace")).into_owned();
        let (trace, log) = (Trace::of(&calls, folder.path()), market.join("log"));
        assert!(trace.acknowledged() > 0, "the trace shows no answers");
        assert_eq!(trace.each_follows_its_sync(&log, first), Ok(()));
        // It would be seen.
        let unsynced = Trace::of(&calls.replace("fdatasync", "forgotten"), folder.path());
        assert!(unsynced.each_follows_its_sync(&log, first).is_err(), "a market that never syncs passes");
        // So would the same calls with the answers first.
        let answers = |line: &&str| line.contains("\\\"offset\\\":") && !line.contains("resumed>");
        let (early, others): (Vec<&str>, Vec<&str>) = calls.lines().partition(answers);
        let early = Trace::of(&[early, others].concat().join("\n"), folder.path());
        assert!(early.acknowledged() > 0, "the answers are still read as such");
        assert!(
            early.each_follows_its_sync(&log, first).is_err(),
            "a market that answers first and syncs later passes"
        );
        lost += trace.cut(&log);
        acknowledged += trace.acknowledged();
        let copied = tempfile::tempdir().expect("a temporary folder");
        copy(&market, copied.path());
        let evidence = Evidence::of(copied.path(), &streets);
        evidence.holds(&acked);
        first = evidence.turns;
    }
    let acked = load.end();
    Evidence::read(&market, &streets).holds(&acked);
    println!("{acknowledged} acknowledgements in the trace; {lost} bytes were written and not synced");
}

/// Leaves this much room on a small disk.
const ROOM: u64 = 1 << 20;

/// Fills a disk but for [`ROOM`]; the file with which it does.
fn fill(disk: &Path) -> PathBuf {
    let ballast = disk.join("ballast");
    let mut file = fs::File::create(&ballast).expect("the disk is empty");
    let piece = vec![1; 1 << 16];
    let full = std::iter::repeat_with(|| file.write_all(&piece)).find_map(Result::err);
    assert_eq!(full.expect("a small disk").kind(), ErrorKind::StorageFull);
    let size = file.metadata().expect("it is open").len();
    file.set_len(size - ROOM).expect("it may be cut");
    ballast
}

#[test]
fn a_full_disk_halts_the_market_and_room_lets_it_go_on() {
    let streets = streets();
    let small = std::env::var_os("HANSOM_SMALL_DISK").map(PathBuf::from);
    let folder = small.as_ref().map_or_else(folder, |disk| folder_in(disk));
    let ballast = small.as_ref().map(|disk| fill(disk));
    let limit = if small.is_some() { Under::Nothing } else { Under::FileSize(1 << 18) };
    let server = Server::start(folder.path(), &limit);
    let load = Load::start(9);
    load.serve(Some(server.address));
    server.says(|message| message.starts_with("ALARM: the market is halted"));
    let taken = load.answered();
    assert!(taken > 10, "{taken} orders were answered before");
    let again = server.says(|message| message.starts_with("ALARM: the market is halted"));
    let why = again["fields"]["standing"].as_str().unwrap_or_default();
    match &ballast {
        Some(ballast) => {
            assert!(why.contains("No space left"), "{why}");
            fs::remove_file(ballast).expect("it is there");
        }
        None => server.make_room(),
    }
    load.wait_for(load.answered() + 200);
    server.kill();
    load.serve(None);
    let acked = load.end();
    let market = folder.path().join("data/town");
    // Attempts in vain leave nothing behind: at most the end that was cut off, once.
    let left = fs::read_dir(market.join("log")).expect("a log").map(|file| file.expect("it can be read").file_name());
    let torn = left.filter(|name| name.to_string_lossy().contains(".torn")).count();
    assert!(torn <= 2, "{torn} ends that were cut off");
    let copied = tempfile::tempdir().expect("a temporary folder");
    copy(&market, copied.path());
    let evidence = Evidence::of(copied.path(), &streets);
    evidence.holds(&acked);
}
