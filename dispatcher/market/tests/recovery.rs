//! A market that is killed over and over: it comes back with what it had, from snapshots and from the log alone.

#[allow(dead_code, reason = "shared with tests that need more of it")]
mod town;

use hansom_engine::domain::{Key, Name, Planner};
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Header, StartShift};
use hansom_engine::{Command, Event, Offset, State, Turn, steps};
use hansom_geo_index::{Millis, NodeId, network::sample};
use hansom_market::follower::{Follower, SnapshotEvery};
use hansom_market::log::{Durable, LogError, Mode, Outlet, Reader};
use hansom_market::recovery::{self, Keep, LOG_FOLDER, Opened, RecoveryError, SNAPSHOT_FOLDER};
use hansom_market::seam::disk::Disk;
use hansom_market::seam::sim::{Fault, Left, SimDisk};
use hansom_market::snapshot::SnapshotError;
use hansom_market::{Streets, replay};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use town::{Life, START, Town};

const LIFE: Life = Life { planner: Planner::Batch, planner_latency: Millis(700), seed: 3, minutes: 60 };
const KEEP: Keep = Keep {
    log: Durable { mode: Mode::Inline, segment_bytes: 16 << 10, segment_age: None },
    snapshots: SnapshotEvery { time: Millis::from_secs(60), turns: 50 },
};

static STREETS: LazyLock<Streets> = LazyLock::new(town::streets);

fn folder() -> &'static Path {
    Path::new("data/town")
}

fn header() -> Header {
    town::header(LIFE.planner, LIFE.planner_latency, &STREETS.network)
}

/// Durable turns that nobody took yet.
#[derive(Default, Clone)]
struct Released(Arc<Mutex<Vec<Arc<Turn>>>>);

impl Released {
    fn outlet(&self) -> Outlet {
        let released = self.0.clone();
        Box::new(move |turns| released.lock().expect("no panic").extend(turns.into_iter().flatten()))
    }

    fn take(&self) -> Vec<Arc<Turn>> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

/// A market on a disk, its town, and everything that was released.
struct World {
    disk: SimDisk,
    town: Town,
    released: Vec<Arc<Turn>>,
    outlet: Released,
    keep: Keep,
}

impl World {
    fn new(seed: u64) -> Self {
        let town = Town::new(STREETS.network.clone(), Life { seed, ..LIFE });
        Self { disk: SimDisk::new(seed), town, released: Vec::new(), outlet: Released::default(), keep: KEEP }
    }

    fn open_at(&self, header: &Header, now: Millis) -> Result<Opened<Follower>, RecoveryError> {
        let disk = Arc::new(self.disk.clone());
        recovery::open_on(disk, folder(), header, &STREETS, now, self.keep, self.outlet.outlet())
    }

    fn open(&self) -> Result<Opened<Follower>, RecoveryError> {
        self.open_at(&header(), self.town.now())
    }

    /// Hands on what was released.
    fn follow(&mut self, follower: &mut Follower) {
        for turn in self.outlet.take() {
            follower.take(&turn);
            self.released.push(turn);
        }
        let standing = follower.standing();
        assert_eq!((standing.violations.first.as_slice(), standing.diverged), (&[][..], None));
    }

    /// Lives on for some turns, committed every few; whether the disk held out.
    fn live(&mut self, opened: &mut Opened<Follower>, turns: u64, batch: u64) -> bool {
        for index in 0..turns {
            let lived = match index % 20 {
                19 => opened.market.checkpoint(self.town.now()).map(drop),
                _ => self.town.step(&mut opened.market).map(drop),
            };
            let lived = lived.and_then(|()| if index % batch == 0 { opened.market.commit() } else { Ok(()) });
            self.follow(&mut opened.follower);
            if lived.is_err() {
                return false;
            }
        }
        true
    }

    /// Opens the market and demands that it is what the log says, all that was released included.
    fn come_back(&mut self) -> Opened<Follower> {
        let mut opened = self.open().expect("opens");
        opened.market.commit().expect("a good disk");
        let turns = read(&self.disk);
        assert!(turns.len() >= self.released.len());
        assert!(turns.iter().zip(&self.released).all(|(found, released)| *found == **released));
        assert_eq!(opened.market.state().digest(), fold(&turns).digest());
        let next = opened.report.next;
        self.released = turns[..next.0 as usize].iter().cloned().map(Arc::new).collect();
        assert_eq!(opened.report.folded + opened.report.snapshot.map_or(0, |used| used.0), next.0);
        self.follow(&mut opened.follower);
        assert_eq!(opened.follower.state().digest(), opened.market.state().digest());
        opened
    }
}

fn read(disk: &SimDisk) -> Vec<Turn> {
    let mut reader = Reader::open_on(Arc::new(disk.clone()), &folder().join(LOG_FOLDER), 0).expect("a log");
    let mut turns = Vec::new();
    let mut turn = blank();
    while reader.next(&mut turn).expect("whole").is_some() {
        turns.push(turn.clone());
    }
    turns
}

fn fold(turns: &[Turn]) -> State {
    let mut state = State::of_log(&header(), &STREETS.network);
    for turn in turns {
        steps::fold(&mut state, &STREETS.network, turn);
    }
    state
}

fn snapshots(disk: &SimDisk) -> Vec<PathBuf> {
    let mut files = disk.files(&folder().join(SNAPSHOT_FOLDER)).expect("a folder");
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_market_comes_back_from_many_deaths(
        seed in any::<u64>(),
        batch in 1u64..9,
        deaths in prop::collection::vec((0u64..400, 0u8..3, any::<u64>()), 1..4),
    ) {
        let mut world = World::new(seed);
        for (operation, fault, left) in deaths {
            let fault = [Fault::PowerLoss, Fault::Fail, Fault::Torn][fault as usize];
            world.disk.fail_at(world.disk.operations() + operation, fault);
            if let Ok(mut opened) = world.open() {
                let report = &opened.report;
                prop_assert!(report.next.0 >= world.released.len() as u64);
                prop_assert!(report.passed_over.is_empty(), "{report:?}");
                // What was not released and is there counts from now on.
                let next = report.next;
                if next.0 > world.released.len() as u64 {
                    let turns = read(&world.disk);
                    let new = &turns[world.released.len()..next.0 as usize];
                    world.released.extend(new.iter().cloned().map(Arc::new));
                }
                world.live(&mut opened, 300, batch);
            }
            world.outlet.take();
            world.disk.restart(if left % 4 == 0 { Left::All } else { Left::Drawn(left) });
        }
        let mut opened = world.come_back();
        prop_assert!(world.live(&mut opened, 100, batch));
        let Opened { market, .. } = opened;
        let closed = market.close().expect("closed");
        prop_assert_eq!(closed.state.digest(), fold(&read(&world.disk)).digest());
    }
}

/// Lives for so many turns, each durable, and is closed in order.
fn lived(turns: u64) -> World {
    let mut world = World::new(5);
    let mut opened = world.open().expect("opens");
    assert!(world.live(&mut opened, turns, 1));
    opened.market.close().expect("closed");
    let mut follower = opened.follower;
    world.follow(&mut follower);
    world
}

#[test]
fn it_starts_from_the_newest_snapshot_that_is_good() {
    let mut world = lived(420);
    let files = snapshots(&world.disk);
    assert_eq!(files.len(), 3, "{files:?}");
    let mut passed = Vec::new();
    let mut used = BTreeSet::new();
    for path in files.iter().rev().map(Some).chain([None]) {
        let opened = world.come_back();
        assert_eq!(opened.report.passed_over.len(), passed.len());
        assert!(opened.report.passed_over.iter().all(|bad| matches!(bad.why, SnapshotError::Damaged)));
        used.insert(opened.report.snapshot);
        opened.market.close().expect("closed");
        if let Some(path) = path {
            let mut bytes = world.disk.content(path).expect("a snapshot");
            let place = bytes.len() * passed.len() / 3;
            bytes[place] ^= 0x10;
            world.disk.plant(path, &bytes);
            passed.push(path);
        }
    }
    assert_eq!(used.len(), 4, "each snapshot, and none: {used:?}");
}

/// A byte changed anywhere, or the end cut off, and a snapshot is passed over.
#[test]
fn a_damaged_snapshot_is_never_used() {
    let world = lived(60);
    let path = snapshots(&world.disk).pop().expect("a snapshot");
    let bytes = world.disk.content(&path).expect("a snapshot");
    let places = (0..bytes.len()).filter(|place| *place < 200 || place % 97 == 0 || *place + 40 > bytes.len());
    let changed = places.map(|place| {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        changed
    });
    let cut = (0..bytes.len()).step_by(101).map(|end| bytes[..end].to_vec());
    let network = &STREETS.network;
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let snapshots = hansom_market::snapshot::Snapshots::open(disk, &folder().join(SNAPSHOT_FOLDER)).expect("a folder");
    assert!(snapshots.newest(network).expect("read").0.is_some());
    for bytes in changed.chain(cut) {
        world.disk.plant(&path, &bytes);
        let (used, passed_over) = snapshots.newest(network).expect("read");
        assert_eq!((passed_over.len(), &passed_over[0].path), (1, &path));
        assert!(matches!(passed_over[0].why, SnapshotError::Damaged));
        assert!(used.is_none_or(|used| used.next.0 < 60));
    }
}

/// A log that was cut between turns looks whole. A snapshot tells that there was more.
#[test]
fn a_log_that_lost_its_end_is_noticed_by_its_snapshots() {
    let world = lived(120);
    let log = folder().join(LOG_FOLDER);
    let mut segments = world.disk.files(&log).expect("a folder");
    segments.sort();
    let last = segments.pop().expect("a segment");
    world.disk.remove(&last).expect("removed");
    if segments.is_empty() {
        // All of it is gone.
        let error = world.open().expect_err("short");
        assert!(matches!(error, RecoveryError::Short { log: Offset(0), .. }), "{error:?}");
    } else {
        let error = world.open().expect_err("short");
        assert!(matches!(error, RecoveryError::Short { .. }) && error.is_damage(), "{error:?}");
    }
}

#[test]
fn damage_in_the_log_is_not_repaired() {
    let world = lived(120);
    let log = folder().join(LOG_FOLDER);
    let mut segments = world.disk.files(&log).expect("a folder");
    segments.sort();
    let path = segments.pop().expect("a segment");
    let mut bytes = world.disk.content(&path).expect("a segment");
    let place = bytes.len() - 20;
    bytes[place] ^= 1;
    world.disk.plant(&path, &bytes);
    let error = world.open().expect_err("damaged");
    assert!(matches!(error, RecoveryError::Log(LogError::Damaged { .. })) && error.is_damage(), "{error:?}");
}

#[test]
fn the_first_turn_after_a_start_says_how_long_it_was_away() {
    let world = lived(90);
    let away = Millis::from_secs(600);
    let last = world.released.last().expect("turns").at;
    let mut opened = world.open_at(&header(), last + away).expect("opens");
    assert_eq!((opened.report.gap, opened.report.is_new, opened.report.is_upgraded), (away, false, false));
    opened.market.commit().expect("committed");
    let turns = world.outlet.take();
    assert_eq!(turns[0].offset, opened.report.next);
    assert_eq!(turns[0].command, Command::Resume { since: last });
    assert!(matches!(turns[0].events[0], Event::Resumed { gap_ms: 600_000 }), "{:?}", turns[0].events);
    // A clock that went back is no gap.
    opened.market.close().expect("closed");
    let opened = world.open_at(&header(), START).expect("opens");
    assert_eq!(opened.report.gap, Millis::ZERO);
    assert_eq!(opened.market.turns(), opened.report.next.0 + 1);
}

/// Changed settings are a turn of their own. The log is folded across it, and not decided again.
#[test]
fn other_settings_are_an_upgrade() {
    let mut world = lived(90);
    let before = world.come_back();
    let rides = before.market.state().rides().iter().count();
    before.market.close().expect("closed");
    world.outlet.take();

    let mut changed = header();
    changed.settings.give_up += Millis::from_secs(60);
    let mut opened = world.open_at(&changed, world.town.now()).expect("opens");
    assert!(opened.report.is_upgraded);
    assert_eq!(*opened.market.state().settings(), changed.settings);
    assert_eq!(opened.market.state().rides().iter().count(), rides);
    opened.market.commit().expect("committed");
    let turns = world.outlet.take();
    assert!(matches!(turns[0].command, Command::Upgrade(_)) && matches!(turns[1].command, Command::Resume { .. }));
    for turn in turns {
        opened.follower.take(&turn);
    }
    assert_eq!(opened.follower.state().digest(), opened.market.state().digest());
    opened.market.close().expect("closed");
    assert!(!world.open_at(&changed, world.town.now()).expect("opens").report.is_upgraded);

    let mut reader = Reader::open_on(Arc::new(world.disk.clone()), &folder().join(LOG_FOLDER), 0).expect("a log");
    let again = replay::redecide(&mut reader, &STREETS, replay::Until::End, replay::Check::Engine, |_, _| {})
        .expect_err("upgraded");
    assert!(matches!(again, replay::ReplayError::Upgraded { .. }), "{again:?}");
}

#[test]
fn a_folder_is_opened_once_and_by_its_own_market() {
    let world = lived(30);
    let opened = world.open().expect("opens");
    assert!(matches!(world.open(), Err(RecoveryError::InUse { .. })));
    drop(opened);
    let other = Header { name: "elsewhere".to_owned(), ..header() };
    assert!(matches!(world.open_at(&other, START), Err(RecoveryError::OtherMarket { .. })));
    let network = Arc::new(sample::grid(5, 5, 100_000, 10_000));
    let elsewhere = Streets::new(network);
    let disk = Arc::new(world.disk.clone());
    let error = recovery::open_on(disk, folder(), &header(), &elsewhere, START, KEEP, world.outlet.outlet());
    assert!(matches!(error, Err(RecoveryError::OtherNetwork { .. })), "{error:?}");
    world.open().expect("still opens");
}

/// As a kill in the middle of a write leaves it: who asks for no more than its whole turns gets them.
#[test]
fn a_log_that_ends_within_a_turn_is_read_up_to_the_turn_before() {
    let world = lived(300);
    let whole = read(&world.disk).len() as u64 - 1;
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let log = folder().join(LOG_FOLDER);
    let last = disk.files(&log).expect("a folder").into_iter().max().expect("segments");
    let mut file = disk.open_to_write(&last).expect("it is there");
    // The seal, and the last bytes of the last turn.
    file.set_size(file.size().expect("a size") - 20).expect("cut");
    let open = || Reader::open_on(disk.clone(), &log, 0).expect("a log");
    let fold = |until| replay::fold(&mut open(), &STREETS.network, until, |_, _| {});
    let torn = fold(replay::Until::End);
    assert!(
        matches!(&torn, Err(replay::ReplayError::Log(LogError::Torn { offset, .. })) if *offset == whole),
        "{torn:?}"
    );
    let until = replay::Until::Offset(Offset(whole - 1));
    let folded = fold(until).expect("its whole turns");
    let decided = replay::redecide(&mut open(), &STREETS, until, replay::Check::Engine, |_, _| {}).expect("again");
    assert_eq!((folded.turns, folded.event_chain), (whole, decided.event_chain));
    assert_eq!(folded.state.digest(), decided.state.digest());
}

/// However little is written, positions leave the log: a segment that is not full ends by its age.
#[test]
fn positions_leave_a_log_that_is_hardly_written() {
    const AGE: Millis = Millis::from_secs(120);
    let mut world = World::new(12);
    world.keep.log = Durable { segment_bytes: 1 << 20, segment_age: Some(AGE), ..world.keep.log };
    let mut opened = world.open().expect("opens");
    assert!(world.live(&mut opened, 1_500, 1));
    opened.market.close().expect("closed");
    let turns = read(&world.disk);
    let end = turns.last().expect("turns").at;
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let stripped = recovery::forget_positions_on(&disk, folder(), end).expect("stripped");
    let (pings, kept): (Vec<u64>, Vec<u64>) = stripped.iter().map(|segment| (segment.pings, segment.kept)).unzip();
    assert!(kept.iter().sum::<u64>() < pings.iter().sum::<u64>() / 2, "{stripped:?}");
    // The one that is written on is hardly older: somebody is heard every few seconds.
    let files = disk.files(&folder().join(LOG_FOLDER)).expect("a folder");
    let mut firsts: Vec<usize> = files.iter().filter_map(|path| path.file_stem()?.to_str()?.parse().ok()).collect();
    firsts.sort_unstable();
    let last = *firsts.last().expect("segments");
    assert!(end - turns[last].at < AGE + Millis::from_secs(30), "{:?}", end - turns[last].at);
    // None ends before its time for want of a file of zeros, but the first of all, before which nobody could fill one.
    let lives: Vec<Millis> = firsts.windows(2).map(|two| turns[two[1]].at - turns[two[0]].at).collect();
    assert!(lives.len() > 4 && lives[1..].iter().all(|life| *life >= AGE), "{lives:?}");
}

/// Pings leave old segments. The rest of the story stays, and is folded; what is kept of positions puts everybody where he was.
#[test]
fn old_positions_are_forgotten_and_nothing_else_is() {
    let mut world = World::new(11);
    world.keep.log.segment_bytes = 4 << 10;
    let mut opened = world.open().expect("opens");
    assert!(world.live(&mut opened, 1_500, 1));
    opened.market.close().expect("closed");
    let before = read(&world.disk);
    let disk: Arc<dyn Disk> = Arc::new(world.disk.clone());
    let end = before.last().expect("turns").at;
    let early = recovery::forget_positions_on(&disk, folder(), START).expect("nothing is so old");
    assert_eq!(early, []);
    let stripped = recovery::forget_positions_on(&disk, folder(), end).expect("stripped");
    // The first segment holds one turn: the next was ready then.
    let thinner =
        stripped[1..].iter().all(|segment| segment.kept < segment.pings && segment.bytes_left < segment.bytes);
    assert!(stripped.len() > 3 && thinner, "{stripped:?}");
    assert_eq!(recovery::forget_positions_on(&disk, folder(), end).expect("again"), []);

    let after = read(&world.disk);
    let is_story = |event: &&Event| !matches!(event, Event::DriverMoved { .. } | Event::PingRefused { .. });
    assert_eq!(after.len(), before.len());
    for (after, before) in after.iter().zip(&before) {
        assert_eq!((after.offset, after.at, after.key), (before.offset, before.at, before.key));
        assert!(after.events.iter().filter(is_story).eq(before.events.iter().filter(is_story)));
    }
    // Where everybody was at the end of each segment, and who was missing.
    let firsts = disk.files(&folder().join(LOG_FOLDER)).expect("a folder");
    let mut ends: Vec<usize> =
        firsts.iter().filter_map(|path| path.file_stem()?.to_str()?.parse().ok()).filter(|first| *first > 0).collect();
    ends.push(before.len());
    for end in ends {
        let seen = |turns: &[Turn]| -> Vec<_> {
            let state = fold(&turns[..end]);
            state
                .fleet()
                .drivers()
                .map(|driver| (driver.id, driver.seq, driver.seen, driver.seen_at, driver.comms))
                .collect()
        };
        assert_eq!(seen(&after), seen(&before), "at {end}");
    }

    let open = |from| Reader::open_on(disk.clone(), &folder().join(LOG_FOLDER), from).expect("a log");
    let folded = replay::fold(&mut open(0), &STREETS.network, replay::Until::End, |_, _| {}).expect("folds");
    assert_eq!(folded.turns, before.len() as u64);
    let again = replay::redecide(&mut open(0), &STREETS, replay::Until::End, replay::Check::Engine, |_, _| {});
    assert!(matches!(again, Err(replay::ReplayError::Stripped { offset: Offset(0) })), "{again:?}");
    // It is opened from its snapshots as before, and from its log alone if it must.
    let opened = world.open().expect("opens");
    assert!(opened.report.snapshot.is_some());
    assert_eq!(opened.follower.state().digest(), fold(&before).digest());
    drop(opened);
    for path in snapshots(&world.disk) {
        disk.remove(&path).expect("removed");
    }
    world.open().expect("opens without snapshots");
}

/// A market is told of in finer slices once it is large, and a follower compares them all.
#[test]
fn a_large_market_is_compared_in_all_its_slices() {
    let mut world = World::new(6);
    let snapshots = SnapshotEvery { time: Millis::from_secs(3_600), turns: 5_000 };
    world.keep = Keep { log: Durable { mode: Mode::Inline, segment_bytes: 1 << 20, segment_age: None }, snapshots };
    let mut opened = world.open().expect("opens");
    let place = STREETS.network.node_coord(NodeId(0));
    for number in 0..12_000_u32 {
        let shift = StartShift {
            driver: Name::from(format!("driver {number}").as_str()),
            place,
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
        };
        let key = Key((START.0 as u128) << 80 | 7 << 76 | 0b10 << 62 | u128::from(number));
        opened.market.submit(START, Some(key), Command::StartShift(Box::new(shift))).expect("taken");
        if number % 64 == 0 {
            opened.market.checkpoint(START).expect("taken");
        }
    }
    assert!(opened.market.state().is_large());
    opened.market.commit().expect("a good disk");
    world.follow(&mut opened.follower);
    let before = opened.follower.standing().checkpoints;
    let slices: BTreeSet<u16> = (0..1_024)
        .filter_map(|_| match opened.market.checkpoint(START).expect("taken").command {
            Command::Checkpoint { slice } => Some(slice),
            _ => None,
        })
        .collect();
    assert_eq!(slices, (64..1_088).collect());
    opened.market.commit().expect("a good disk");
    world.follow(&mut opened.follower);
    assert_eq!((before, opened.follower.standing().checkpoints), (188, 188 + 1_024));
    drop(opened);
    world.come_back();
}

/// With threads and a real disk: the follower keeps up by itself, and its last snapshot is where the log ends.
#[test]
fn a_market_on_a_real_disk_comes_back() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("town");
    let mut town = Town::new(STREETS.network.clone(), LIFE);
    let mut digest = None;
    let mut next = Offset(0);
    for _ in 0..3 {
        let released = Released::default();
        let opened = recovery::open(&folder, &header(), &STREETS, town.now(), Keep::default(), released.outlet())
            .expect("opens");
        let Opened { mut market, follower, report } = opened;
        assert_eq!((report.next, report.folded), (next, 0), "all of it is in the snapshot");
        assert_eq!(report.is_new, digest.is_none());
        if let Some(digest) = digest {
            assert_eq!(fold(&log(&folder)[..next.0 as usize]).digest(), digest);
        }
        for _ in 0..700 {
            town.step(&mut market).expect("lives").expect("an hour is long");
        }
        let closed = market.close().expect("closed");
        let follower = follower.close().expect("no panic");
        next = follower.standing().next;
        assert_eq!(follower.standing().snapshot, Some(next));
        assert_eq!(follower.standing().violations.first, []);
        assert_eq!(released.take().len() as u64, closed.log.turns);
        assert_eq!(follower.state().digest(), closed.state.digest());
        digest = Some(closed.state.digest());
    }
    assert_eq!(log(&folder).len() as u64, next.0);
}

fn log(folder: &Path) -> Vec<Turn> {
    let mut reader = Reader::open(folder).expect("a log");
    let mut turns = Vec::new();
    let mut turn = blank();
    while reader.next(&mut turn).expect("whole").is_some() {
        turns.push(turn.clone());
    }
    turns
}
