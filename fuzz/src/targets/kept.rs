//! Files that a market keeps besides its log, as they lie in its folder.

use super::bytes::{mend_quarantine, network, states};
use super::{Desk, Target};
use hansom_engine::{Offset, State};
use hansom_geo_index::{Millis, Network};
use hansom_market::quarantine::{self, Id, Marks, Store};
use hansom_market::seam::disk::FileSystem;
use hansom_market::snapshot::Snapshots;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Where the log goes on after the snapshot, which its name says.
const NEXT: Offset = Offset(7);
const SNAPSHOT: &str = "00000000000000000007.snap";
const MARKS: &str = "handed-over.qua";

fn snapshots_in(folder: &Path) -> Snapshots {
    Snapshots::open(Arc::new(FileSystem), folder).expect("it opens")
}

fn whole_snapshots() -> Vec<Vec<u8>> {
    let (network, folder) = (network(), tempfile::tempdir().expect("a temporary folder"));
    let mut snapshots = snapshots_in(folder.path());
    let written = states().into_iter().map(|state| {
        let state = State::decode(&state, &network).expect("a state");
        snapshots.write(NEXT, Millis(9), &state, &network).expect("it is kept");
        fs::read(folder.path().join(SNAPSHOT)).expect("it reads")
    });
    written.collect()
}

fn whole_snapshot(desk: &Desk, snapshots: &Snapshots, network: &Network, bytes: &[u8]) -> bool {
    desk.put(bytes);
    let (newest, passed_over) = snapshots.newest(network).expect("it can be read");
    let Some(newest) = newest else {
        let [one] = &passed_over[..] else { panic!("what is not used is passed over") };
        assert!(!one.why.to_string().is_empty());
        return false;
    };
    assert!(newest.next == NEXT && passed_over.is_empty());
    true
}

/// A head of 72 bytes, which says at its end how long the state behind it is, then a hash of all before.
fn mend_whole_snapshot(bytes: &mut [u8]) {
    let Some((rest, hash)) = bytes.split_last_chunk_mut::<32>() else { return };
    let Some((head, state)) = rest.split_first_chunk_mut::<72>() else { return };
    head[64..].copy_from_slice(&(state.len() as u64).to_le_bytes());
    *hash = *blake3::hash(rest).as_bytes();
}

/// A quarantine of two lines.
fn quarantine_in(folder: &Path) {
    let mut store = Store::open(folder).expect("it opens");
    for line in [b"{", b"}"] {
        store.put("it is not JSON", "fuzz", Millis(7), line).expect("it is kept");
    }
}

fn marked() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    quarantine_in(folder.path());
    let mut marks = Marks::open(folder.path()).expect("it opens");
    let read = || fs::read(folder.path().join(MARKS)).expect("it reads");
    let none = read();
    marks.hand_over(Id(2), Millis(11)).expect("it is kept");
    marks.hand_over(Id(1), Millis(12)).expect("it is kept");
    vec![none, read()]
}

/// What is read of marks is read again when they were opened to be added to, which cuts off what was not written whole.
fn marks(desk: &Desk, bytes: &[u8]) -> bool {
    desk.put(bytes);
    let listed = quarantine::list(desk.folder());
    let opened = Marks::open(desk.folder());
    assert_eq!(listed.is_ok(), opened.is_ok(), "whoever reads them agrees with whoever adds to them");
    let Ok(listed) = listed else { return false };
    assert_eq!(quarantine::list(desk.folder()).ok(), Some(listed), "nothing but the torn end is cut off");
    true
}

pub fn targets() -> Vec<Target> {
    let (handed_over, snapshot) = (Desk::new(MARKS), Desk::new(SNAPSHOT));
    quarantine_in(handed_over.folder());
    let (snapshots, network) = (snapshots_in(snapshot.folder()), network());
    vec![
        Target {
            name: "whole-snapshot",
            seeds: whole_snapshots,
            mend: mend_whole_snapshot,
            words: &[],
            most_bytes: 64 << 10,
            run: Box::new(move |bytes| whole_snapshot(&snapshot, &snapshots, &network, bytes)),
        },
        Target {
            name: "marks",
            seeds: marked,
            mend: mend_quarantine,
            words: &[],
            most_bytes: 4 << 10,
            run: Box::new(move |bytes| marks(&handed_over, bytes)),
        },
    ]
}
