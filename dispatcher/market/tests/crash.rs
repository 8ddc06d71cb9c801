//! A market on a disk that fails: at every operation, in every way that disks fail.
//!
//! Whatever happens, what was released is there afterwards, in order, with nothing invented behind it; or opening the
//! market says that something is lost, and then something was.

#[path = "../../engine/tests/records/arbitrary/mod.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod arbitrary;

use arbitrary::Draw;
use hansom_engine::record::Header;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Offset, Turn};
use hansom_geo_index::Coord;
use hansom_market::log::{Durable, LogError, Mode, Outlet, Reader, Repaired, Tail, Writer};
use hansom_market::seam::disk::Disk;
use hansom_market::seam::sim::{Fault, Left, SimDisk};
use proptest::prelude::*;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

const ORIGIN: Coord = Coord { lat: 407_500_000, lon: -739_800_000 };
const TINY: Durable = Durable { mode: Mode::Inline, segment_bytes: 2_048, segment_age: None };

fn folder() -> &'static Path {
    Path::new("market/log")
}

fn header() -> Header {
    Header { origin: ORIGIN, ..Draw(1).header() }
}

/// The turn at an offset, the same at each attempt.
fn turn(offset: u64) -> Turn {
    static FIRST: LazyLock<Vec<Turn>> = LazyLock::new(|| (0..200).map(draw).collect());
    FIRST.get(offset as usize).cloned().unwrap_or_else(|| draw(offset))
}

fn draw(offset: u64) -> Turn {
    Turn { offset: Offset(offset), ..Draw(offset << 32).turn() }
}

/// What an outlet was given.
#[derive(Debug, Default, Clone)]
struct Told(Arc<Mutex<(Vec<Turn>, Option<LogError>)>>);

impl Told {
    fn outlet(&self) -> Outlet {
        let told = self.0.clone();
        Box::new(move |turns| {
            if std::thread::panicking() {
                // A log that is dropped by a test that failed: a second panic would end all tests, and hide which it was.
                return;
            }
            let mut told = told.lock().expect("no panic");
            assert!(told.1.is_none(), "called again after {:?}", told.1);
            match turns {
                Ok(turns) => told.0.extend(turns.iter().map(|turn| (**turn).clone())),
                Err(fault) => told.1 = Some(fault),
            }
        })
    }

    fn released(&self) -> Vec<Turn> {
        self.0.lock().expect("no panic").0.clone()
    }

    fn has_failed(&self) -> bool {
        self.0.lock().expect("no panic").1.is_some()
    }
}

/// Opens the log as a market does: reads it whole, and goes on behind the last whole turn.
fn open(disk: &SimDisk, outlet: Outlet) -> Result<(Writer, Vec<Turn>, Option<Repaired>), LogError> {
    let (turns, tail) = read(disk)?;
    let mut log = Writer::open_durable(Arc::new(disk.clone()), folder(), &header(), tail, TINY, outlet)?;
    let repaired = log.take_repaired();
    Ok((log, turns, repaired))
}

fn read(disk: &SimDisk) -> Result<(Vec<Turn>, Option<Tail>), LogError> {
    let mut turns = Vec::new();
    let mut reader = match Reader::open_on(Arc::new(disk.clone()), folder(), 0) {
        Ok(reader) => reader,
        Err(LogError::NoLog { .. }) => return Ok((turns, None)),
        Err(fault) => return Err(fault),
    };
    loop {
        let mut turn = blank();
        match reader.next(&mut turn) {
            Ok(Some(_)) => turns.push(turn),
            Ok(None) | Err(LogError::Torn { .. }) => return Ok((turns, Some(reader.tail()))),
            Err(fault) => return Err(fault),
        }
    }
}

/// Appends turns in some batches, up to `count` in all, then closes the log; whether all of it worked.
fn work(mut log: Writer, from: u64, count: u64, batch: u64, told: &Told) -> bool {
    for offset in from..count {
        if log.append(turn(offset)).is_err() {
            return false;
        }
        if offset % batch == batch - 1 && log.commit().is_err() {
            assert!(told.has_failed(), "nobody was told");
            assert!(matches!(log.append(turn(offset + 1)), Err(LogError::Failed)), "a log that failed took a turn");
            assert!(matches!(log.commit(), Err(LogError::Failed)));
            return false;
        }
    }
    log.close().is_ok()
}

/// What is on the disk must start with what was released, and be what was appended.
fn holds(found: &[Turn], released: &[Turn]) {
    assert!(found.len() >= released.len(), "{} turns are left of {} released", found.len(), released.len());
    assert!(found.iter().zip(0..).all(|(found, offset)| *found == turn(offset)), "a turn was changed or invented");
}

/// How many operations a whole life without faults takes.
fn operations(count: u64, batch: u64) -> u64 {
    let disk = SimDisk::new(0);
    let told = Told::default();
    let (log, ..) = open(&disk, told.outlet()).expect("a log");
    assert!(work(log, 0, count, batch, &told));
    assert_eq!(told.released().len() as u64, count);
    let segments = disk.files(folder()).expect("a folder").len();
    assert!(segments >= 3, "{segments} segments");
    disk.operations()
}

/// Goes on after a restart, over and over, until all turns are there.
fn finish(disk: &SimDisk, count: u64, batch: u64, mut released: Vec<Turn>) {
    let told = Told::default();
    let (log, found, _) = open(disk, told.outlet()).expect("opens without faults");
    holds(&found, &released);
    let from = found.len() as u64;
    assert!(work(log, from, count, batch, &told), "a good disk fails nothing");
    released = found;
    released.extend(told.released());
    let (found, tail) = read(disk).expect("whole");
    holds(&found, &released);
    assert_eq!(found.len() as u64, count.max(from));
    assert!(tail.is_some());
}

const COUNT: u64 = 60;

/// Each operation is the last one before the power goes, or fails; a few times over for each, with other survivors.
#[test]
fn nothing_released_is_lost_at_any_operation() {
    for batch in [1, 7] {
        let all = operations(COUNT, batch);
        for operation in 0..all {
            for fault in [Fault::PowerLoss, Fault::Fail, Fault::Torn] {
                for left in [Left::All, Left::Synced, Left::Drawn(operation), Left::Drawn(!operation)] {
                    let disk = SimDisk::new(operation);
                    let told = Told::default();
                    disk.fail_at(operation, fault);
                    if let Ok((log, ..)) = open(&disk, told.outlet()) {
                        work(log, 0, COUNT, batch, &told);
                    }
                    disk.restart(left);
                    finish(&disk, COUNT, batch, told.released());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Several lives, each of them cut off somewhere, also while it mends what the one before left.
    #[test]
    fn nothing_released_is_lost_in_many_lives(
        seed in any::<u64>(),
        batch in 1u64..12,
        lives in prop::collection::vec((0u64..90, 0u8..3, any::<u64>(), 0u8..6), 1..5),
    ) {
        let disk = SimDisk::new(seed);
        let mut released: Vec<Turn> = Vec::new();
        for (operation, fault, left, spared) in lives {
            let fault = [Fault::PowerLoss, Fault::Fail, Fault::Torn][fault as usize];
            disk.fail_at(disk.operations() + operation, fault);
            let told = Told::default();
            if let Ok((log, found, _)) = open(&disk, told.outlet()) {
                holds(&found, &released);
                // What was found is as good as released: whoever asks again is told of it.
                released = found;
                let from = released.len() as u64;
                work(log, from, from + 20, batch, &told);
                released.extend(told.released());
            }
            disk.restart(match spared { 0 => Left::All, 1 => Left::Synced, _ => Left::Drawn(left) });
        }
        let count = released.len() as u64 + 10;
        finish(&disk, count, batch, released);
    }

    /// A disk that lies: what it says it wrote it did not, or elsewhere, or otherwise. What is found is then still what was
    /// appended, and in order; and if what was released is not all there, it is the end that is missing, or opening says so.
    #[test]
    fn a_lying_disk_never_makes_a_log_lie(
        seed in any::<u64>(),
        batch in 1u64..12,
        lies in prop::collection::vec((0u64..90, 0u8..3), 1..4),
        left in any::<u64>(),
    ) {
        let disk = SimDisk::new(seed);
        for (operation, lie) in lies {
            disk.fail_at(operation, [Fault::Misdirected, Fault::Corrupted, Fault::Unsynced][lie as usize]);
        }
        let told = Told::default();
        if let Ok((log, ..)) = open(&disk, told.outlet()) {
            work(log, 0, COUNT, batch, &told);
        }
        disk.restart(Left::Drawn(left));
        if let Ok((found, _)) = read(&disk) {
            prop_assert!(found.iter().zip(0..).all(|(found, offset)| *found == turn(offset)));
        }
    }

    /// A byte that changes in front of the last batch is damage: never cut off as if it had not been written whole.
    #[test]
    fn damage_is_never_taken_for_an_end(batch in 1u64..12, place in any::<u64>(), change in 1u8..=255) {
        let disk = SimDisk::new(place);
        let told = Told::default();
        let (log, ..) = open(&disk, told.outlet()).expect("a log");
        assert!(work(log, 0, COUNT, batch, &told));
        let mut files = disk.files(folder()).expect("a folder");
        files.sort();
        let path = &files[place as usize % files.len()];
        let mut bytes = disk.content(path).expect("a file");
        // The last bytes are the seal: changed, nothing tells that there was one.
        let end = bytes.len() - if Some(path) == files.last() { 8 } else { 0 };
        bytes[(place >> 32) as usize % end] ^= change;
        disk.plant(path, &bytes);
        let fault = read(&disk).expect_err("damage");
        prop_assert!(fault.is_damage(), "{:?}", fault);
    }
}

/// Nor is it in the log of a process that was killed, in front of the last write.
#[test]
fn damage_in_front_of_the_last_write_is_never_taken_for_an_end() {
    let disk = SimDisk::new(0);
    let roomy = Durable { segment_bytes: 64 << 10, ..TINY };
    let outlet = Told::default().outlet();
    let mut log =
        Writer::open_durable(Arc::new(disk.clone()), folder(), &header(), None, roomy, outlet).expect("a log");
    // The second write opens the second segment, the third is the second one in it.
    let path = folder().join(format!("{:020}.seg", 4));
    let used = || {
        let bytes = disk.content(&path).unwrap_or_default();
        bytes.iter().rposition(|byte| *byte != 0).map_or(0, |place| place + 1)
    };
    let mut ends = Vec::new();
    for offset in 0..12 {
        log.append(turn(offset)).expect("appended");
        if offset % 4 == 3 {
            log.commit().expect("committed");
            ends.push(used());
        }
    }
    disk.restart(Left::All);
    drop(log);
    assert!(ends[0] == 0 && 0 < ends[1] && ends[1] < ends[2], "{ends:?}");
    let bytes = disk.content(&path).expect("a segment");
    for place in 0..ends[2] {
        let mut changed = bytes.clone();
        changed[place] ^= 0x20;
        disk.plant(&path, &changed);
        match read(&disk) {
            Ok((turns, _)) => {
                assert!(place >= ends[1] && turns.len() >= 8, "{} turns with another byte at {place}", turns.len());
            }
            Err(fault) => assert!(place < ends[1], "{fault:?} at {place}"),
        }
    }
}

/// A full disk is an error, and what was released before is there; with room again, the log goes on.
#[test]
fn a_full_disk_is_never_a_success() {
    for room in (0..20_000).step_by(97) {
        let disk = SimDisk::new(room);
        let told = Told::default();
        disk.set_room(Some(room));
        let worked = match open(&disk, told.outlet()) {
            Ok((log, ..)) => work(log, 0, COUNT, 5, &told),
            Err(fault) => {
                let full = matches!(&fault, LogError::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
                assert!(full, "{fault:?}");
                false
            }
        };
        let all = told.released().len() as u64 == COUNT;
        assert!(!worked || all && !told.has_failed(), "with room for {room}");
        disk.set_room(None);
        disk.restart(Left::All);
        finish(&disk, COUNT, 5, told.released());
    }
}

#[test]
fn a_read_only_disk_is_never_a_success() {
    let disk = SimDisk::new(0);
    let told = Told::default();
    let (mut log, ..) = open(&disk, told.outlet()).expect("a log");
    log.append(turn(0)).expect("appended");
    log.commit().expect("committed");
    disk.set_read_only(true);
    log.append(turn(1)).expect("not yet known");
    log.commit().expect_err("read-only");
    assert!(told.has_failed());
    assert_eq!(told.released(), [turn(0)]);
    drop(log);
    // It can be read, and not written.
    assert_eq!(read(&disk).expect("whole").0, [turn(0)]);
    let fault = open(&disk, Told::default().outlet()).expect_err("read-only");
    assert!(matches!(fault, LogError::Io { action: "mend", .. }), "{fault:?}");
}

/// After a sync that failed the disk shows what it never wrote. Going on from that is safe only if it is written again.
#[test]
fn what_a_failed_sync_left_is_written_again() {
    let disk = SimDisk::new(3);
    let told = Told::default();
    let (mut log, ..) = open(&disk, told.outlet()).expect("a log");
    for offset in 0..20 {
        log.append(turn(offset)).expect("appended");
    }
    disk.fail_at(disk.operations() + 1, Fault::Fail);
    log.commit().expect_err("the sync failed");
    drop(log);
    disk.restart(Left::All);
    let (log, found, repaired) = open(&disk, Told::default().outlet()).expect("opens");
    assert_eq!((found.len(), repaired), (20, None), "the process sees what the disk does not have");
    drop(log);
    disk.restart(Left::Synced);
    assert_eq!(read(&disk).expect("whole").0, found);
}

/// What was cut off is said and kept.
#[test]
fn a_torn_end_is_cut_off_and_kept() {
    let disk = SimDisk::new(3);
    let told = Told::default();
    let (log, ..) = open(&disk, told.outlet()).expect("a log");
    assert!(work(log, 0, 8, 4, &told));
    let path = disk.files(folder()).expect("a folder").into_iter().max().expect("a segment");
    let whole = disk.content(&path).expect("a file");
    // The seal and a byte of the last turn are gone.
    let torn = &whole[..whole.len() - 9];
    disk.plant(&path, torn);
    let (log, found, repaired) = open(&disk, Told::default().outlet()).expect("opens");
    assert_eq!(found.len(), 7);
    let repaired = repaired.expect("repaired");
    assert_eq!((&repaired.segment, repaired.byte + repaired.bytes), (&path, torn.len() as u64));
    assert_eq!(disk.content(&repaired.kept).expect("kept"), torn[repaired.byte as usize..]);
    drop(log);
    let (_, found, repaired) = open(&disk, Told::default().outlet()).expect("opens");
    assert_eq!((found.len(), repaired), (7, None), "once is enough");
}

/// An outlet that panics ends the log: no turn after it is released.
#[test]
fn a_panic_in_the_outlet_ends_the_log() {
    let disk = SimDisk::new(3);
    let outlet: Outlet = Box::new(|_| panic!("planted"));
    let threaded = Durable { mode: Mode::Threaded, ..TINY };
    let mut log =
        Writer::open_durable(Arc::new(disk.clone()), folder(), &header(), None, threaded, outlet).expect("a log");
    let fault = (0..u64::MAX).find_map(|offset| log.append(turn(offset)).err());
    assert!(matches!(fault, Some(LogError::Failed)));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| log.close())).expect_err("the panic comes out");
}
