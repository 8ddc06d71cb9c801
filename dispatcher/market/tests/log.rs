//! The log on the disk: what goes in comes out, every damage is found where it is, and no failure of the disk is lost.

#[path = "../../engine/tests/records/arbitrary/mod.rs"]
mod arbitrary;

use arbitrary::Draw;
use hansom_engine::record::Header;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Command, Offset, Turn};
use hansom_geo_index::Coord;
use hansom_market::log::{self, LogError, Mode, Reader, Totals, Writer};
use hansom_market::seam::sim::{Fault, SimDisk};
use proptest::prelude::*;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, iter};

const ORIGIN: Coord = Coord { lat: 407_500_000, lon: -739_800_000 };

fn header(seed: u64) -> Header {
    Header { origin: ORIGIN, ..Draw(seed).header() }
}

/// Turns of every kind, numbered as in a log.
fn turns(seed: u64, count: u64) -> Vec<Turn> {
    (0..count).map(|offset| Turn { offset: Offset(offset), ..Draw(seed ^ offset << 32).turn() }).collect()
}

fn write(folder: &Path, header: &Header, turns: &[Turn], mode: Mode) -> Totals {
    let mut writer = Writer::create(folder, header, mode).expect("a log");
    for turn in turns {
        assert_eq!(writer.append(turn.clone()).expect("appended"), turn);
    }
    writer.close().expect("closed")
}

/// All turns up to the end or the first fault.
fn read(folder: &Path) -> (Vec<Turn>, Option<LogError>) {
    Reader::open(folder).map_or_else(|fault| (Vec::new(), Some(fault)), read_all)
}

fn read_all(mut reader: Reader) -> (Vec<Turn>, Option<LogError>) {
    let mut turns = Vec::new();
    loop {
        let mut turn = blank();
        match reader.next(&mut turn) {
            Ok(Some(_)) => turns.push(turn),
            Ok(None) => return (turns, None),
            Err(fault) => return (turns, Some(fault)),
        }
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
    files.sort();
    files
}

fn names(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let name = |path: &Path| PathBuf::from(path.file_name().expect("a name"));
    files(folder).into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Also: the same bytes, whether a thread of the log writes or the caller's.
    #[test]
    fn turns_come_back_from_the_disk(seed in any::<u64>(), count in 0u64..700) {
        let folder = tempfile::tempdir().expect("a folder");
        let (inline, threaded) = (folder.path().join("inline"), folder.path().join("threaded"));
        let (header, turns) = (header(seed), turns(seed, count));
        let totals = write(&inline, &header, &turns, Mode::Inline);
        prop_assert_eq!(totals, write(&threaded, &header, &turns, Mode::Threaded));
        prop_assert_eq!(names(&inline), names(&threaded));

        let reader = Reader::open(&inline).expect("a log");
        prop_assert_eq!(reader.header(), &header);
        let (read, fault) = read(&inline);
        prop_assert!(fault.is_none(), "{fault:?}");
        prop_assert_eq!(&read, &turns);
        prop_assert_eq!(log::verify(&inline).expect("whole").totals, totals);
        prop_assert_eq!(totals.bytes, files(&inline).iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    }
}

/// Where each frame of a log of one segment starts, and where the last one ends.
fn frames(folder: &Path) -> Vec<u64> {
    let mut reader = Reader::open(folder).expect("a log");
    let mut turn = blank();
    let mut starts = vec![reader.bytes_read()];
    while reader.next(&mut turn).expect("whole").is_some() {
        starts.push(reader.bytes_read());
    }
    starts
}

#[test]
fn a_log_cut_off_anywhere_gives_its_whole_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    let turns = turns(11, 12);
    write(folder.path(), &header(11), &turns, Mode::Inline);
    let starts = frames(folder.path());
    let (path, bytes) = files(folder.path()).remove(0);
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).expect("written");
        let (read, fault) = read(folder.path());
        let whole = starts.iter().filter(|start| **start <= cut as u64).count().saturating_sub(1);
        assert_eq!(read, turns[..whole], "cut at {cut}");
        match fault {
            Some(LogError::Unfinished { offset, .. }) => {
                assert_eq!((cut as u64, offset), (starts[whole], whole as u64), "between two turns");
            }
            Some(LogError::Torn { byte, offset, .. }) => {
                assert_eq!((byte, offset), (starts[whole], whole as u64), "cut at {cut}");
                assert_ne!(byte, cut as u64, "something is left of what was cut");
            }
            Some(LogError::Damaged { byte: 0, .. }) => assert!((cut as u64) < starts[0], "cut at {cut}"),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn a_byte_changed_anywhere_is_found_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let turns = turns(5, 12);
    write(folder.path(), &header(5), &turns, Mode::Inline);
    let starts = frames(folder.path());
    let (path, bytes) = files(folder.path()).remove(0);
    for place in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            fs::write(&path, &changed).expect("written");
            let (read, fault) = read(folder.path());
            let fault = fault.unwrap_or_else(|| panic!("{change:#x} at {place} was not noticed"));
            let Some(hit) = starts.iter().filter(|start| **start <= place as u64).count().checked_sub(1) else {
                assert!(matches!(fault, LogError::Damaged { byte: 0, .. }), "{fault:?}");
                continue;
            };
            assert_eq!(read, turns[..hit], "{change:#x} at {place}");
            match fault {
                LogError::Damaged { byte, offset, .. } if hit < turns.len() => {
                    assert_eq!((byte, offset), (starts[hit], hit as u64), "{change:#x} at {place}");
                }
                // Nothing behind the seal tells damage from a write that was cut off.
                LogError::Torn { byte, offset, .. } if hit == turns.len() => {
                    assert_eq!((byte, offset), (starts[hit], hit as u64), "{change:#x} at {place}");
                }
                other => panic!("{change:#x} at {place}: {other:?}"),
            }
        }
    }
}

/// Bundles of pings, enough for three segments.
fn long_log(folder: &Path, mode: Mode) -> Totals {
    let mut writer = Writer::create(folder, &header(3), mode).expect("a log");
    for offset in 0..10_000 {
        let pings = Draw(offset).bundle(offset, ORIGIN, 1_024);
        writer.append(pings).expect("appended");
    }
    writer.close().expect("closed")
}

#[test]
fn a_long_log_has_several_segments() {
    let folder = tempfile::tempdir().expect("a folder");
    let (inline, threaded) = (folder.path().join("inline"), folder.path().join("threaded"));
    let totals = long_log(&inline, Mode::Inline);
    assert_eq!(totals.pings, 10_000 * 1_024);
    assert_eq!(totals.segments, 3);
    assert_eq!(totals, long_log(&threaded, Mode::Threaded));
    assert!(names(&inline) == names(&threaded), "threads change bytes");
    fs::remove_dir_all(&threaded).expect("removed");

    let listing = log::verify(&inline).expect("whole");
    assert_eq!(listing.totals, totals);
    let mut next = 0;
    for segment in &listing.segments {
        assert_eq!(segment.first, next);
        assert_eq!(segment.bytes, segment.path.metadata().expect("a file").len());
        assert!(segment.bytes <= log::segment::SEGMENT_BYTES);
        next += segment.turns;
    }
    assert_eq!(next, totals.turns);

    // A segment that lacks its end, or is lacking itself, leaves turns behind it: that is damage.
    let middle = &listing.segments[1];
    let bytes = fs::read(&middle.path).expect("a file");
    fs::write(&middle.path, &bytes[..bytes.len() - 3]).expect("written");
    match log::verify(&inline).expect_err("damaged") {
        LogError::Damaged { segment, offset, .. } => {
            assert_eq!((segment, offset), (middle.path.clone(), listing.segments[2].first - 1));
        }
        other => panic!("{other:?}"),
    }
    fs::remove_file(&middle.path).expect("removed");
    match log::verify(&inline).expect_err("damaged") {
        LogError::Damaged { segment, offset, .. } => {
            assert_eq!((segment, offset), (listing.segments[2].path.clone(), middle.first));
        }
        other => panic!("{other:?}"),
    }
    fs::remove_file(&listing.segments[0].path).expect("removed");
    assert!(matches!(log::verify(&inline), Err(LogError::Damaged { offset: 0, .. })));
    let listing = log::list(&inline);
    assert!(matches!(listing, Err(LogError::Damaged { .. })), "without its first segment it cannot even be listed");
}

#[test]
fn a_damaged_log_is_listed_up_to_the_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &header(5), &turns(5, 12), Mode::Inline);
    let starts = frames(folder.path());
    let (path, mut bytes) = files(folder.path()).remove(0);
    bytes[starts[7] as usize + 9] ^= 1;
    fs::write(&path, bytes).expect("written");
    let listing = log::list(folder.path()).expect("a listing");
    assert_eq!(listing.totals.turns, 7);
    assert!(matches!(listing.fault, Some(LogError::Damaged { offset: 7, .. })));
}

#[test]
fn no_log_is_written_over_another() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &header(1), &turns(1, 2), Mode::Inline);
    let before = files(folder.path());
    let again = Writer::create(folder.path(), &header(1), Mode::Inline);
    assert!(matches!(again, Err(LogError::Exists { .. })));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_folder_without_a_log_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("00000000000000000000.txt"), "no segment").expect("written");
    let error = Reader::open(folder.path()).expect_err("no log");
    assert_eq!(
        error.to_string(),
        format!("{} holds no log: there is no segment (*.seg) in it", folder.path().display())
    );
}

/// Every log ever written stays readable: this folder is never changed, later versions add their own.
#[test]
fn old_logs_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/v1");
    let listing = log::verify(&folder).expect("whole");
    assert_eq!((listing.header.name.as_str(), listing.header.format_version), ("town", 1));
    let expected = Totals {
        turns: 162,
        pings: 288,
        bytes: 14_851,
        segments: 1,
        event_chain: 0xa3aa_f533_cadf_eec3_24ab_9ffd_aa01_71e9,
    };
    assert_eq!(listing.totals, expected);
}

/// Only a simulation that was stopped leaves a log that may be taken away.
#[test]
fn a_log_says_whether_it_was_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let is_unfinished = || log::is_unfinished(folder.path()).expect("readable");
    assert!(!is_unfinished(), "there is no log");
    write(folder.path(), &header(7), &turns(7, 12), Mode::Inline);
    assert!(!is_unfinished());
    let starts = frames(folder.path());
    let (path, bytes) = files(folder.path()).remove(0);
    for cut in (0..bytes.len()).filter(|cut| *cut < starts[0] as usize || starts.contains(&(*cut as u64))) {
        fs::write(&path, &bytes[..cut]).expect("written");
        assert!(is_unfinished(), "cut at {cut}");
    }
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/v1");
    assert!(!log::is_unfinished(&old).expect("readable"), "nobody can tell, so it stays");
}

/// A run's folder has its log in `log/`.
#[test]
fn a_run_is_opened_by_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let turns = turns(2, 3);
    write(&folder.path().join("log"), &header(2), &turns, Mode::Inline);
    assert_eq!(read(folder.path()).0, turns);
}

/// Whoever appends learns that the disk is full, at the latest when the log is closed; what was written can be read.
#[test]
fn a_full_disk_is_never_a_success() {
    let turns = turns(9, 4_000);
    let folder = Path::new("log");
    let roomy = SimDisk::new(0);
    write_on(&roomy, &turns, Mode::Inline).expect("room enough");
    let all = roomy.used();
    for (room, mode) in [0, 10, 1_000, all / 3, all - 1, all]
        .into_iter()
        .flat_map(|room| [(room, Mode::Inline), (room, Mode::Threaded)])
    {
        let disk = SimDisk::new(0);
        disk.set_room(Some(room));
        let fault = write_on(&disk, &turns, mode).err();
        assert_eq!(fault.is_none(), room == all, "{room} of {all} bytes, {mode:?}");
        if let Some(fault) = fault {
            let full = matches!(&fault, LogError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull);
            assert!(full, "{fault:?}");
        }
        let reader = Reader::open_on(Arc::new(disk), folder, 0);
        let (read, _) = reader.map_or_else(|fault| (Vec::new(), Some(fault)), read_all);
        assert_eq!(read, turns[..read.len()], "{room} of {all} bytes, {mode:?}");
    }
}

/// Writes a log on a disk of its own. After an error it takes nothing more.
fn write_on(disk: &SimDisk, turns: &[Turn], mode: Mode) -> Result<Totals, LogError> {
    let mut writer = Writer::create_on(Arc::new(disk.clone()), Path::new("log"), &header(9), mode)?;
    for turn in turns {
        if let Err(fault) = writer.append(turn.clone()) {
            let again = writer.append(turns[0].clone());
            assert!(mode == Mode::Threaded || matches!(again, Err(LogError::Failed)), "{again:?}");
            return Err(fault);
        }
    }
    writer.close()
}

#[test]
fn a_disk_that_does_not_sync_is_never_a_success() {
    for mode in [Mode::Inline, Mode::Threaded] {
        let disk = SimDisk::new(0);
        let turns = turns(9, 1);
        // Made, named, written, synced.
        disk.fail_at(3, Fault::Fail);
        match write_on(&disk, &turns, mode) {
            Err(LogError::Io { action: "sync", source, .. }) => assert_eq!(source.to_string(), "the disk is broken"),
            other => panic!("{other:?}"),
        }
    }
}

/// Buffers of turns that were written come back.
#[test]
fn buffers_are_used_again() {
    for mode in [Mode::Inline, Mode::Threaded] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::create(folder.path(), &header(4), mode).expect("a log");
        let bundle = Draw(4).bundle(0, ORIGIN, 64);
        let fresh = |buffers: &mut u32, capacity: usize| *buffers += u32::from(capacity == 0);
        let mut allocated = (0, 0);
        for offset in 0..5_000 {
            let (mut events, mut pings) = (writer.events_buffer(), writer.pings_buffer());
            assert!(events.is_empty() && pings.is_empty());
            fresh(&mut allocated.0, events.capacity());
            fresh(&mut allocated.1, pings.capacity());
            events.extend_from_slice(&bundle.events);
            let Command::ReportPositions(said) = &bundle.command else { panic!("a bundle") };
            pings.extend_from_slice(said);
            let command = Command::ReportPositions(pings);
            writer.append(Turn { offset: Offset(offset), command, events, ..blank() }).expect("appended");
        }
        writer.close().expect("closed");
        assert!(allocated.0 < 500 && allocated.1 < 500, "{mode:?}: {allocated:?} of 5,000");
    }
}

/// A writer that is dropped has written what it took, and does not say that this was all.
#[test]
fn a_dropped_writer_writes() {
    for mode in [Mode::Inline, Mode::Threaded] {
        let folder = tempfile::tempdir().expect("a folder");
        let turns = turns(6, 30);
        let mut writer = Writer::create(folder.path(), &header(6), mode).expect("a log");
        for turn in &turns {
            writer.append(turn.clone()).expect("appended");
        }
        drop(writer);
        let (read, fault) = read(folder.path());
        assert!(matches!(fault, Some(LogError::Unfinished { offset: 30, .. })), "{fault:?}");
        assert_eq!(read, turns);
        assert!(log::is_unfinished(folder.path()).expect("a log"));
    }
}

/// What people read when a log is at fault.
#[test]
fn faults_name_segment_byte_offset_and_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &header(5), &turns(5, 12), Mode::Inline);
    let starts = frames(folder.path());
    let (path, bytes) = files(folder.path()).remove(0);
    let fault = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        let fault = log::verify(folder.path()).expect_err("a fault");
        assert!(fault.is_damage());
        iter::once(fault.to_string()).chain(fault.hint()).collect::<Vec<_>>()
    };
    let mut middle = bytes.clone();
    middle[starts[3] as usize + 8] ^= 1;
    let segment = path.display();
    assert_eq!(
        fault(&middle),
        [
            format!(
                "segment {segment} is damaged at byte {}: the turn there does not have the checksum that it names; \
                 the turn at offset 3 is lost",
                starts[3]
            ),
            "turns up to offset 2 are whole; for the others restore the file from a copy, or run again".to_owned(),
        ]
    );
    assert_eq!(
        fault(&bytes[..starts[12] as usize - 1]),
        [
            format!(
                "segment {segment} ends within a turn at byte {}: the turn at offset 11 was not written whole",
                starts[11]
            ),
            "turns up to offset 10 are whole; for the others restore the file from a copy, or run again".to_owned(),
        ]
    );
    assert_eq!(
        fault(&bytes[..starts[8] as usize]),
        [
            format!("segment {segment} ends before the turn at offset 8 without the seal of a finished log"),
            "turns up to offset 7 are whole; for the others restore the file from a copy, or run again".to_owned(),
        ]
    );
}
