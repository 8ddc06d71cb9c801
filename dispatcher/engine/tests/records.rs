//! Records: their bytes come back, follow the published schema, can be read by others, and stay readable for ever.

#[path = "records/arbitrary/mod.rs"]
mod arbitrary;
#[path = "records/foreign.rs"]
mod foreign;
#[path = "records/schema.rs"]
mod schema;

use arbitrary::Draw;
use hansom_engine::record::canonical::{self, DecodeError, Decoder, EventChain};
use hansom_engine::record::json::turn_json;
use hansom_engine::record::{Header, fingerprint};
use hansom_engine::{Command, Event, Turn};
use hansom_geo_index::Coord;
use proptest::prelude::*;
use schema::Schema;
use std::collections::BTreeSet;
use std::path::Path;

const ORIGIN: Coord = Coord { lat: 407_500_000, lon: -739_800_000 };

fn encode(turn: &Turn) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::encode(turn, ORIGIN, &mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_turn_comes_back_from_its_bytes(seed in any::<u64>()) {
        let turn = Draw(seed).turn();
        let mut bytes = vec![0xaa; 3];
        let tail = canonical::encode(&turn, ORIGIN, &mut bytes);
        prop_assert_eq!(&bytes[..3], &[0xaa; 3], "what was there stays");

        let mut decoder = Decoder::new(ORIGIN);
        let mut used = Draw(!seed).turn();
        prop_assert_eq!(decoder.decode(&bytes[3..], &mut used), Ok(tail - 3));
        prop_assert_eq!(&used, &turn, "into a used turn");
        prop_assert_eq!(canonical::decode(&bytes[3..], ORIGIN), Ok(turn));
        prop_assert_eq!(encode(&used), &bytes[3..], "equal turns, equal bytes");
    }

    #[test]
    fn events_are_the_tail(seed in any::<u64>()) {
        let turn = Draw(seed).turn();
        let mut bytes = Vec::new();
        let tail = canonical::encode(&turn, ORIGIN, &mut bytes);
        prop_assert_eq!(&bytes[..tail], encode(&Turn { events: Vec::new(), ..turn }));
    }

    #[test]
    fn a_header_comes_back_from_its_bytes(seed in any::<u64>()) {
        let header = Draw(seed).header();
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn any_bytes_are_a_turn_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(turn) = canonical::decode(&bytes, ORIGIN) {
            prop_assert_eq!(canonical::decode(&encode(&turn), ORIGIN), Ok(turn));
        }
    }

    #[test]
    fn damaged_bytes_are_a_turn_or_an_error(
        seed in any::<u64>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&Draw(seed).turn());
        for (place, value) in damages {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut header = Draw(seed).header().encode();
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(turn) = canonical::decode(bytes, ORIGIN) {
                prop_assert_eq!(canonical::decode(&encode(&turn), ORIGIN), Ok(turn));
            }
        }
        let place = cut.index(header.len());
        header[place] ^= 0x55;
        let _ = Header::decode(&header);
    }

    /// What `foreign` declares is what any generator makes of the schema.
    #[test]
    fn another_reader_sees_the_same_pings(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let turn = if draw.below(2) == 0 { draw.bundle(9, ORIGIN, 40) } else { draw.turn() };
        let read = foreign::read(&encode(&turn), ORIGIN).expect("prost reads it");
        let pings = match &turn.command {
            Command::ReportPositions(pings) => pings.clone(),
            _ => Vec::new(),
        };
        prop_assert_eq!(read.pings, pings);
        let of_ping = |event: &&Event| matches!(event, Event::DriverMoved { .. } | Event::PingRefused { .. });
        prop_assert_eq!(read.answers, turn.events.iter().filter(of_ping).cloned().collect::<Vec<_>>());
    }

    #[test]
    fn fingerprints_tell_commands_apart(seed in any::<u64>()) {
        let (one, other) = (Draw(seed).turn().command, Draw(seed ^ 1).turn().command);
        prop_assert_eq!(fingerprint(&one), fingerprint(&one.clone()));
        prop_assert_eq!(one == other, fingerprint(&one) == fingerprint(&other));
    }
}

#[test]
fn records_follow_the_published_schema() {
    let schema = Schema::parse(include_str!("../proto/hansom/log/v1/turn.proto"));
    let mut met = BTreeSet::new();
    for seed in 0..40_000 {
        let turn = Draw(seed).turn();
        schema.read("Turn", &encode(&turn), &mut met).unwrap_or_else(|fault| panic!("seed {seed}: {fault}\n{turn:?}"));
        let header = Draw(seed).header().encode();
        schema.read("Header", &header, &mut met).unwrap_or_else(|fault| panic!("header of seed {seed}: {fault}"));
    }
    let never = schema.fields().into_iter().filter(|field| !met.contains(field)).collect::<Vec<_>>();
    assert_eq!(never, Vec::<String>::new(), "in the schema but not in any record");
}

/// A city's bundle: 133 pings, 55 of 100 with a new place on the streets and 2 with a new leg to the next stop.
#[test]
fn a_ping_takes_at_most_15_bytes() {
    let turn = Draw(1).bundle(100_000, ORIGIN, 133);
    let bytes = encode(&turn).len();
    assert!(bytes <= 133 * 15, "{} bytes a ping", bytes as f64 / 133.0);
}

#[test]
fn the_chain_is_over_all_events_in_order() {
    let turns: Vec<Turn> = (0..50).map(|seed| Draw(seed).turn()).collect();
    let mut chain = EventChain::new();
    let mut all = Vec::new();
    for turn in &turns {
        let mut bytes = Vec::new();
        let tail = canonical::encode(turn, ORIGIN, &mut bytes);
        chain.extend(&bytes[tail..]);
        all.extend_from_slice(&bytes[tail..]);
    }
    assert_eq!(chain.digest(), xxhash_rust::xxh3::xxh3_128(&all));
}

#[test]
fn what_is_missing_is_named() {
    let lacking = |bytes: &[u8]| canonical::decode(bytes, ORIGIN).expect_err("not a turn").to_string();
    assert_eq!(lacking(&[]), "`Turn` lacks its `command`");
    assert_eq!(lacking(&[0x22, 0]), "`Command` lacks its `content`");
    assert_eq!(lacking(&[0x22, 4, 0xa2, 0x06, 0, 0]), "`Command` is of kind 100, which this version does not know");
    assert_eq!(lacking(&[0x22, 2, 0x4a, 0]), "`EndTrip` lacks its `place`");
    assert_eq!(lacking(&[0x22, 2, 0x12]), "the record ends in the middle of a value");
}

/// A field that a later version adds is passed over; a kind of event that it adds is not.
#[test]
fn unknown_fields_are_passed_over() {
    let mut bytes = encode(&canonical::blank());
    assert_eq!(bytes, [0x22, 2, 0x12, 0]);
    bytes.extend([0xf8, 0x01, 0x05]);
    assert_eq!(canonical::decode(&bytes, ORIGIN), Ok(canonical::blank()));
    bytes.extend([0x2a, 3, 0xa2, 0x06, 0]);
    assert_eq!(canonical::decode(&bytes, ORIGIN), Err(DecodeError::Unknown { message: "Event", number: 100 }));
}

/// Every record ever written stays readable: the `.bin` files are never changed, later versions add their own.
#[test]
fn old_records_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/v1");
    let bytes = std::fs::read(folder.join("turns.bin")).expect("turns.bin");
    let json = std::fs::read_to_string(folder.join("turns.jsonl")).expect("turns.jsonl");
    let mut rest = bytes.as_slice();
    let mut chain = EventChain::new();
    for line in json.lines() {
        let (length, after) = rest.split_first_chunk().expect("a length");
        let (record, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        rest = after;
        let mut turn = canonical::blank();
        let tail = Decoder::new(ORIGIN).decode(record, &mut turn).expect("a turn");
        chain.extend(&record[tail..]);
        assert_eq!(turn_json(&turn), line);
        assert_eq!(encode(&turn), record, "{line}");
    }
    assert_eq!(rest, [], "all records were read");
    assert_eq!(format!("{:032x}", chain.digest()), include_str!("records/v1/event_chain.txt").trim());
    let header = std::fs::read(folder.join("header.bin")).expect("header.bin");
    let header = Header::decode(&header).expect("a header");
    assert_eq!(format!("{header:#?}\n"), include_str!("records/v1/header.txt"));
}
