//! A durable log on the machine's own disk: what it hands on is there, in order, also when it is opened again.

#[path = "../../engine/tests/records/arbitrary/mod.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod arbitrary;

use arbitrary::Draw;
use hansom_engine::record::Header;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Offset, Turn};
use hansom_geo_index::Coord;
use hansom_market::log::{self, Durable, LogError, Mode, Outlet, Reader, Tail, Writer};
use hansom_market::seam::disk::FileSystem;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const ORIGIN: Coord = Coord { lat: 407_500_000, lon: -739_800_000 };
const SMALL: Durable = Durable { mode: Mode::Threaded, segment_bytes: 4 << 10, segment_age: None };

fn header(seed: u64) -> Header {
    Header { origin: ORIGIN, ..Draw(seed).header() }
}

/// Turns of every kind, numbered as in a log.
fn turns(seed: u64, offsets: Range<u64>) -> Vec<Turn> {
    offsets.map(|offset| Turn { offset: Offset(offset), ..Draw(seed ^ offset << 32).turn() }).collect()
}

#[derive(Default, Clone)]
struct Released(Arc<Mutex<Vec<Turn>>>);

impl Released {
    fn outlet(&self) -> Outlet {
        let released = self.0.clone();
        Box::new(move |turns| {
            let turns = turns.expect("the disk works");
            assert!(!turns.is_empty());
            released.lock().expect("no panic").extend(turns.iter().map(|turn| (**turn).clone()));
        })
    }

    fn turns(&self) -> Vec<Turn> {
        self.0.lock().expect("no panic").clone()
    }
}

/// All whole turns, where the log goes on, and the fault if it is not whole.
fn read(folder: &Path, from: u64) -> (Vec<Turn>, Tail, Option<LogError>) {
    let mut reader = Reader::open_on(Arc::new(FileSystem), folder, from).expect("a log");
    let mut turns = Vec::new();
    loop {
        let mut turn = blank();
        let fault = match reader.next(&mut turn) {
            Ok(Some(_)) => {
                turns.push(turn);
                continue;
            }
            Ok(None) => None,
            Err(fault) => Some(fault),
        };
        return (turns, reader.tail(), fault);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn turns_are_handed_on_in_order_and_are_there() {
    for mode in [Mode::Inline, Mode::Threaded] {
        let folder = tempfile::tempdir().expect("a folder");
        let (released, turns) = (Released::default(), turns(1, 0..2_000));
        let mut tail = None;
        for part in turns.chunks(700) {
            let durable = Durable { mode, ..SMALL };
            let disk = Arc::new(FileSystem);
            let mut log =
                Writer::open_durable(disk, folder.path(), &header(1), tail, durable, released.outlet()).expect("a log");
            for (index, turn) in part.iter().enumerate() {
                assert_eq!(log.append(turn.clone()).expect("appended"), turn);
                if mode == Mode::Inline && index % 7 == 0 {
                    log.commit().expect("committed");
                    assert_eq!(released.turns().last(), Some(turn));
                }
            }
            log.close().expect("closed");
            let (read, end, fault) = read(folder.path(), 0);
            assert!(fault.is_none(), "{fault:?}");
            assert_eq!(read, released.turns());
            assert_eq!(read.last(), part.last());
            tail = Some(end);
        }
        let segments = log::verify(folder.path()).expect("whole").segments;
        // The thread commits as much at once as came meanwhile.
        let least = if mode == Mode::Inline { 10 } else { 2 };
        assert!(segments.len() >= least, "{} segments", segments.len());
        assert_eq!(files(folder.path()).len(), segments.len(), "only segments are left");
        for from in [0, 1, 699, 700, 1_234, 1_999, 2_000] {
            assert_eq!(read(folder.path(), from).0, turns[from as usize..], "from {from}");
        }
        assert_eq!(read(folder.path(), 3_000).1.next, 2_000);
    }
}
