//! Records of the log, states, and files that are read as one piece.

use super::{Target, as_it_is};
use hansom_engine::State;
use hansom_engine::domain::Settings;
use hansom_engine::record::canonical::{self, blank};
use hansom_engine::record::json::turn_json;
use hansom_engine::record::{Header, Turn};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, Millis, Network};
use hansom_market::log::Reader;
use hansom_market::quarantine::{self, Store};
use hansom_market::replay::{self, Until};

/// What the places of the segment are counted from.
const ORIGIN: Coord = Coord { lat: 0, lon: 0 };

/// A segment with some minutes of a small town.
pub const SEGMENT: &[u8] = include_bytes!("../../../dispatcher/market/tests/v1/00000000000000000000.seg");

/// The log in that segment.
fn town() -> (tempfile::TempDir, Reader) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("00000000000000000000.seg"), SEGMENT).expect("it can be written to");
    let reader = Reader::open(folder.path()).expect("a log");
    (folder, reader)
}

fn turns() -> Vec<Turn> {
    let (_folder, mut reader) = town();
    let (mut turns, mut turn) = (Vec::new(), blank());
    while reader.next(&mut turn).expect("a sound log").is_some() {
        turns.push(turn.clone());
    }
    turns
}

fn encoded(turn: &Turn) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::encode(turn, ORIGIN, &mut bytes);
    bytes
}

fn turn(bytes: &[u8]) -> bool {
    let Ok(turn) = canonical::decode(bytes, ORIGIN) else { return false };
    assert_eq!(canonical::decode(&encoded(&turn), ORIGIN).as_ref(), Ok(&turn), "a turn comes back");
    assert!(turn_json(&turn).starts_with('{'));
    true
}

fn header(bytes: &[u8]) -> bool {
    let Ok(header) = Header::decode(bytes) else { return false };
    assert_eq!(Header::decode(&header.encode()), Ok(header), "a header comes back");
    true
}

/// The town's network.
pub fn network() -> Network {
    sample::grid(21, 21, 100_000, 10_000)
}

/// Of a market that begins, and of the town's.
pub fn states() -> Vec<Vec<u8>> {
    let network = network();
    let empty = State::new(Settings::default(), &network, Millis(0)).encode();
    let (_folder, mut reader) = town();
    let mut states = vec![empty];
    if let Ok(replayed) = replay::fold(&mut reader, &network, Until::End, |_, _| {}) {
        states.push(replayed.state.encode());
    }
    states
}

fn quarantines() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut store = Store::open(folder.path()).expect("it opens");
    store.put("it is not JSON", "fuzz", Millis(7), b"{").expect("it is kept");
    store.put("it is not JSON", "fuzz", Millis(8), b"}").expect("it is kept");
    vec![std::fs::read(folder.path().join("00000000000000000001.qua")).expect("it reads")]
}

/// Checksums of the frames from `at` on: length, CRC-32C of length and content, content.
fn mend_frames(bytes: &mut [u8], mut at: usize) {
    while let Some((length, rest)) = bytes.get_mut(at..).and_then(<[u8]>::split_first_chunk_mut::<4>) {
        let size = u32::from_le_bytes(*length) as usize;
        let Some(content) = rest.get(4..size.saturating_add(4)) else { return };
        let checksum = crc32c::crc32c_append(crc32c::crc32c(length), content);
        rest[..4].copy_from_slice(&checksum.to_le_bytes());
        at += 8 + size;
    }
}

/// A head of 28 bytes and a header, then frames.
pub fn mend_segment(bytes: &mut [u8]) {
    let Some(size) =
        bytes.get(12..16).and_then(|size| size.first_chunk()).map(|size| u32::from_le_bytes(*size) as usize)
    else {
        return;
    };
    let end = 28_usize.saturating_add(size);
    let Some(header) = bytes.get(28..end) else { return };
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..24]), header);
    bytes[24..28].copy_from_slice(&checksum.to_le_bytes());
    mend_frames(bytes, end);
}

/// A head of 32 bytes, then frames.
pub fn mend_quarantine(bytes: &mut [u8]) {
    if bytes.len() >= 32 {
        let checksum = crc32c::crc32c(&bytes[..28]);
        bytes[28..32].copy_from_slice(&checksum.to_le_bytes());
        mend_frames(bytes, 32);
    }
}

pub fn targets() -> Vec<Target> {
    let network = network();
    let snapshot = move |bytes: &[u8]| {
        let Ok(state) = State::decode(bytes, &network) else { return false };
        let again = state.encode();
        assert_eq!(
            State::decode(&again, &network).map(|state| state.encode()).as_ref(),
            Ok(&again),
            "a state comes back"
        );
        true
    };
    let target = |name, seeds, mend, run| Target { name, seeds, mend, words: &[], most_bytes: 8 << 10, run };
    vec![
        target("turn", || turns().iter().map(encoded).collect(), as_it_is, Box::new(turn)),
        target("header", || vec![town().1.header().encode()], as_it_is, Box::new(header)),
        Target { most_bytes: 64 << 10, ..target("snapshot", states, as_it_is, Box::new(snapshot)) },
        target("quarantine", quarantines, mend_quarantine, Box::new(|bytes: &[u8]| quarantine::check(bytes).is_ok())),
    ]
}
