//! A served market that is killed under load, again and again: the real binary, real sockets, a real disk, which is full now and
//! then.
//!
//! `cargo xtask kill --kills N` kills it N times, and once more as often under a trace of its system calls; here it is a few.
//! `cargo xtask full-disk` has it run out of a disk of its own; elsewhere its files may not grow. Needs `strace`.

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
use server::{MARKET, Server};
use trace::Trace;

/// How often it is killed where nothing is said.
const KILLS: u64 = 6;
/// A market is killed so often before there is a new one: its log is read as a whole each time.
const KILLS_OF_A_MARKET: u64 = 8;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A folder with a market file, and where the market will keep what it knows.
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

/// The disk of a market.
enum Disk {
    /// A small one of its own, and what takes the rest of its room.
    Small { ballast: PathBuf },
    /// One that others need, too: the market's files may not grow on it.
    Shared,
}

impl Disk {
    /// Whose name is in the environment, and a folder on it.
    fn given() -> (Self, tempfile::TempDir) {
        match std::env::var_os("HANSOM_SMALL_DISK").map(PathBuf::from) {
            Some(disk) => (Self::Small { ballast: disk.join("ballast") }, folder_in(&disk)),
            None => (Self::Shared, folder_in(&std::env::temp_dir())),
        }
    }

    /// Leaves no room, until the market says so.
    fn fill(&self, server: &Server) {
        let (mut ballast, why) = match self {
            Self::Small { ballast } => {
                (Some(fs::File::create(ballast).expect("there is room for a name")), "No space left")
            }
            Self::Shared => (None, "File too large"),
        };
        let piece = vec![1; 1 << 16];
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match &mut ballast {
                // What the server had taken and gave back is taken, too.
                Some(ballast) => {
                    let full = std::iter::repeat_with(|| ballast.write_all(&piece)).find_map(Result::err);
                    assert_eq!(full.expect("a small disk").kind(), ErrorKind::StorageFull);
                }
                None => server.limit_files(Some(0)),
            }
            // The first alarm may come before it is known why.
            let said = server.says("ALARM: the market is halted", Duration::from_millis(100));
            if said.is_some_and(|said| said["fields"]["standing"].as_str().is_some_and(|it| it.contains(why))) {
                return;
            }
            assert!(Instant::now() < end, "it does not say that the disk is full");
        }
    }

    fn make_room(&self, server: &Server) {
        match self {
            Self::Small { ballast } => fs::remove_file(ballast).expect("it is there"),
            Self::Shared => server.limit_files(None),
        }
    }
}

/// How many ends of the log were cut off and kept.
fn torn_ends(market: &Path) -> usize {
    let Ok(files) = fs::read_dir(market.join("log")) else { return 0 };
    let names = files.map(|file| file.expect("it can be read").file_name());
    names.filter(|name| name.to_string_lossy().contains(".torn")).count()
}

/// What the lives of a market showed.
#[derive(Default)]
struct Shown {
    opened: Vec<Duration>,
    first_answers: Vec<Duration>,
    full: u64,
    orders: usize,
    pings: u64,
    /// Of traces: acknowledgements, lives that would have been seen to fail, and what was written and not synced, in bytes.
    acknowledged: usize,
    would_be_seen: u64,
    lost: u64,
}

/// Kills a market so often. Each time all that was acknowledged has to be in its log, once; if it is `traced`, also when the log is
/// cut back to what was synced, from where it goes on.
fn kill_again_and_again(kills: u64, traced: bool) -> Shown {
    let seed = number("HANSOM_SEED", 1);
    let (streets, mut draws, mut shown) = (streets(), Draws(seed), Shown::default());
    let mut done = 0;
    while done < kills {
        let (disk, folder) = Disk::given();
        let (market, traces) = (folder.path().join("data/town"), tempfile::tempdir().expect("a temporary folder"));
        let load = Load::start(seed * 1000 + done);
        let mut next = 0;
        for life in 0.. {
            let (began, torn) = (Instant::now(), torn_ends(&market));
            let calls = traced.then(|| traces.path().join(format!("calls{life}")));
            let server = Server::start(folder.path(), calls.as_deref());
            shown.opened.push(server.opened);
            load.serve(Some(server.address));
            moment(&load, &mut draws);
            shown.first_answers.extend(load.first_answer().map(|first| first - began));
            // One disk in four is full before the end, and has room again in half of these. One end in four is a good one, for
            // its snapshot.
            let (is_filled, is_stopped) = (life % 4 == 1, life % 4 == 3);
            let has_room = !is_filled || {
                disk.fill(&server);
                shown.full += 1;
                draws.below(2) == 0 && {
                    disk.make_room(&server);
                    load.wait_for(load.answered() + 50);
                    moment(&load, &mut draws);
                    true
                }
            };
            if is_stopped {
                server.stop();
            } else {
                server.kill();
                done += 1;
            }
            if !has_room && let Disk::Small { ballast } = &disk {
                fs::remove_file(ballast).expect("it is there");
            }
            load.serve(None);
            // Attempts in vain leave nothing behind: at most the end that was cut off, once.
            assert!(torn_ends(&market) <= torn + 2, "{} ends that were cut off after {torn}", torn_ends(&market));
            // Answers that were sent in time may be read a little later: they count for the next time.
            let acked = load.acked();
            if let Some(calls) = calls {
                shown.look_at(&calls, folder.path(), &market.join("log"), next);
            }
            let copied = tempfile::tempdir().expect("a temporary folder");
            copy(&market, copied.path());
            let evidence = Evidence::of(copied.path(), &streets);
            evidence.holds(&acked);
            next = evidence.turns;
            let is_over = !is_stopped && (done >= kills || done % KILLS_OF_A_MARKET == 0);
            if is_over {
                break;
            }
        }
        shown.pings += load.pings();
        let acked = load.end();
        Evidence::read(&market, &streets).holds(&acked);
        shown.orders += acked.len();
    }
    shown
}

impl Shown {
    /// Demands that each acknowledgement in a trace followed the sync of its bytes, and cuts what was not synced off the log. `first`:
    /// the first turn that was not there before.
    fn look_at(&mut self, calls: &Path, folder: &Path, log: &Path, first: u64) {
        let calls = String::from_utf8_lossy(&fs::read(calls).expect("strace wrote a trace")).into_owned();
        let trace = Trace::of(&calls, folder);
        assert_eq!(trace.each_follows_its_sync(log, first), Ok(()));
        self.acknowledged += trace.acknowledged(first);
        if trace.acknowledged(first) > 0 {
            let unsynced = Trace::of(&calls.replace("fdatasync", "forgotten"), folder);
            assert!(unsynced.each_follows_its_sync(log, first).is_err(), "a market that never syncs passes");
        }
        // The same calls with the answers first.
        let answers = |line: &&str| line.contains("\\\"offset\\\":") && !line.contains("resumed>");
        let (early, others): (Vec<&str>, Vec<&str>) = calls.lines().partition(answers);
        let early = Trace::of(&[early, others].concat().join("\n"), folder);
        if early.acknowledged(first) > 0 {
            let seen = early.each_follows_its_sync(log, first).is_err();
            assert!(seen, "a market that answers first and syncs later passes");
            self.would_be_seen += 1;
        }
        self.lost += trace.cut(log);
    }
}

#[test]
fn what_was_acknowledged_is_there_once_after_every_kill() {
    let kills = number("HANSOM_KILLS", KILLS);
    let Shown { mut opened, mut first_answers, full, orders, pings, .. } = kill_again_and_again(kills, false);
    assert!(full > 0, "no disk was full");
    let ((open, open_most), (first, first_most)) = (median(&mut opened), median(&mut first_answers));
    println!(
        "{kills} kills, {full} full disks; {orders} orders acknowledged, each there once, {pings} positions received; from the \
         start of the process until it takes commands {open:?}, at most {open_most:?}; until the first answer {first:?}, at \
         most {first_most:?}"
    );
}

#[test]
fn what_was_acknowledged_was_synced_before_every_kill_and_the_rest_may_go() {
    let kills = number("HANSOM_KILLS", KILLS);
    let shown = kill_again_and_again(kills, true);
    let Shown { acknowledged, would_be_seen, lost, full, orders, .. } = shown;
    assert!(would_be_seen > 0 && full > 0, "no trace shows answers, or no disk was full");
    assert!(lost > 0 || kills < 50, "nothing was ever written and not synced");
    println!(
        "{kills} kills and {full} full disks under a trace, after each of which the log was cut back to what was synced; {orders} \
         orders acknowledged, each there once; {acknowledged} acknowledgements in the trace, each after its sync; {lost} bytes \
         were written and not synced; answers before their syncs would have been seen in {would_be_seen} lives"
    );
}
