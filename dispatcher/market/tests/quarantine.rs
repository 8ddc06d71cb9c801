//! Lines in quarantine outlive the process, and nothing damaged is passed over.

use hansom_geo_index::Millis;
use hansom_market::quarantine::{Entry, Id, Listing, MOST_KEPT_BYTES, Marks, QuarantineError, Store, list};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn entry(id: u64, reason: &str, bytes: &[u8]) -> Entry {
    Entry {
        id: Id(id),
        at: Millis(1000),
        reason: reason.into(),
        source: "test".into(),
        length: bytes.len() as u64,
        bytes: bytes.into(),
        handed_over: None,
    }
}

fn fill(folder: &Path, count: u64) {
    let mut store = Store::open(folder).expect("it opens");
    for id in 1..=count {
        let bytes = format!("garbage {id} \u{0}\n").into_bytes();
        assert_eq!(store.put("is not JSON", "test", Millis(1000), &bytes).expect("it is kept"), Id(id));
    }
}

fn first_file(folder: &Path) -> PathBuf {
    folder.join("00000000000000000001.qua")
}

#[test]
fn what_is_kept_is_found_again() {
    let folder = folder();
    assert_eq!(list(&folder.path().join("nowhere")).expect("nothing is there"), Listing::default());
    fill(folder.path(), 2);
    let mut store = Store::open(folder.path()).expect("it opens again");
    let long = vec![b'x'; MOST_KEPT_BYTES + 1];
    assert_eq!(store.put("is too long", "test", Millis(1000), &long).expect("it is kept"), Id(3));
    let listing = list(folder.path()).expect("it can be read while it is written");
    let cut = Entry { length: long.len() as u64, ..entry(3, "is too long", &long[..MOST_KEPT_BYTES]) };
    let wanted = [entry(1, "is not JSON", b"garbage 1 \0\n"), entry(2, "is not JSON", b"garbage 2 \0\n"), cut];
    assert_eq!(listing.entries, wanted);
    assert!(listing.entries[1].is_whole() && !listing.entries[2].is_whole());
}

#[test]
fn one_process_writes_at_a_time_and_another_may_mark() {
    let folder = folder();
    fill(folder.path(), 2);
    let _store = Store::open(folder.path()).expect("it opens");
    assert!(matches!(Store::open(folder.path()), Err(QuarantineError::InUse { .. })));
    let mut marks = Marks::open(folder.path()).expect("the marks are another file");
    assert!(matches!(Marks::open(folder.path()), Err(QuarantineError::InUse { .. })));
    marks.hand_over(Id(2), Millis(7)).expect("it is marked");
    drop(marks);
    drop(Marks::open(folder.path()).expect("it opens again"));
    let handed: Vec<_> = list(folder.path()).expect("it reads").entries.iter().map(|entry| entry.handed_over).collect();
    assert_eq!(handed, [None, Some(Millis(7))]);
}

#[test]
fn a_last_entry_that_was_cut_off_is_cut_away_and_said_so() {
    let folder = folder();
    fill(folder.path(), 2);
    let whole = fs::read(first_file(folder.path())).expect("it reads");
    for cut in 1..=whole.len() {
        fs::write(first_file(folder.path()), &whole[..whole.len() - cut]).expect("it writes");
        let listing = list(folder.path()).expect("a torn end is no damage");
        let before = listing.entries.len() as u64;
        assert!(before < 2);
        let mut store = Store::open(folder.path()).expect("it opens");
        assert_eq!(store.cut_at_open(), listing.torn);
        assert_eq!(store.put("r", "test", Millis(1000), b"y").expect("it is kept"), Id(before + 1));
        assert_eq!(list(folder.path()).expect("it reads").entries.last(), Some(&entry(before + 1, "r", b"y")));
    }
}

#[test]
fn zeros_that_wait_for_records_are_no_torn_end() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("it opens");
    store.put("r", "test", Millis(1000), b"y").expect("it is kept");
    let during = fs::read(first_file(folder.path())).expect("it reads");
    let listing = list(folder.path()).expect("it can be read while it is written");
    assert_eq!((&listing.entries[..], listing.torn), (&[entry(1, "r", b"y")][..], 0));
    drop(store);
    let after = fs::read(first_file(folder.path())).expect("it reads");
    assert!(during.len() > after.len() && during.starts_with(&after), "the zeros are gone");
    // As a process that was killed left it.
    fs::write(first_file(folder.path()), &during).expect("it writes");
    let mut store = Store::open(folder.path()).expect("it opens");
    assert_eq!(store.cut_at_open(), 0);
    assert_eq!(store.put("r", "test", Millis(1000), b"z").expect("it is kept"), Id(2));
    assert_eq!(list(folder.path()).expect("it reads").entries[1..], [entry(2, "r", b"z")]);
}

#[test]
fn a_changed_byte_is_damage_or_a_torn_end_and_never_another_entry() {
    let folder = folder();
    fill(folder.path(), 3);
    let whole = fs::read(first_file(folder.path())).expect("it reads");
    let wanted = list(folder.path()).expect("it reads").entries;
    let mut damaged = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(first_file(folder.path()), &bytes).expect("it writes");
        match list(folder.path()) {
            Ok(listing) => assert!(listing.torn > 0 && listing.entries[..] == wanted[..2], "byte {at}"),
            Err(QuarantineError::Damaged { .. } | QuarantineError::Version { .. }) => damaged += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    assert!(damaged > whole.len() / 2);
}

#[test]
fn the_oldest_go_when_there_is_no_room_and_those_that_waited_are_counted() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("it opens");
    let line = vec![b'z'; MOST_KEPT_BYTES];
    store.append("r", "test", Millis(1000), &line).expect("it is kept");
    Marks::open(folder.path()).and_then(|mut marks| marks.hand_over(Id(1), Millis(1))).expect("it is marked");
    let mut last = Id(1);
    while store.dropped() == 0 {
        last = store.append("r", "test", Millis(1000), &line).expect("it is kept");
        assert!(last.0 < 2000, "it is bounded");
    }
    store.sync().expect("it syncs");
    let dropped = store.dropped();
    drop(store);
    let listing = list(folder.path()).expect("it reads");
    assert_eq!((listing.dropped, listing.entries.len() as u64), (dropped, last.0 - dropped - 1));
    assert_eq!(listing.entries.last().map(|entry| entry.id), Some(last));
    assert_eq!(Store::open(folder.path()).expect("it opens").dropped(), dropped);
}

/// What is written down of entries that were dropped does not stay for ever.
#[test]
fn marks_of_entries_that_are_gone_go_too() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("it opens");
    let line = vec![b'z'; 4 << 10];
    for number in 1..=1_200 {
        assert_eq!(store.append("r", "test", Millis(1000), &line).expect("it is kept"), Id(number));
    }
    store.sync().expect("it syncs");
    let mut marks = Marks::open(folder.path()).expect("it opens");
    (1..=1_200).try_for_each(|number| marks.hand_over(Id(number), Millis(7))).expect("they are marked");
    drop(marks);
    let size = || fs::metadata(folder.path().join("handed-over.qua")).expect("it is there").len();
    let before = size();
    drop(Marks::open(folder.path()).expect("it opens"));
    assert_eq!(size(), before, "all are there");
    // Room for sixteen thousand of these: the first go, in whole files.
    let mut last = Id(0);
    for _ in 0..17_000 {
        last = store.append("r", "test", Millis(1000), &line).expect("it is kept");
    }
    store.sync().expect("it syncs");
    let mut marks = Marks::open(folder.path()).expect("it opens");
    assert!(size() < before / 2, "{} of {before} bytes", size());
    assert!(matches!(Marks::open(folder.path()), Err(QuarantineError::InUse { .. })));
    marks.hand_over(last, Millis(8)).expect("it is marked");
    drop(marks);
    let listing = list(folder.path()).expect("it reads");
    assert!(listing.entries.iter().all(|entry| entry.handed_over
        == match entry.id {
            id if id == last => Some(Millis(8)),
            id => (id.0 <= 1_200).then_some(Millis(7)),
        }));
}
