//! Files that come packed with xz.

use super::files::{Desk, PERIOD, REQUESTS, profile, profiles, put_ways};
use super::{Target, as_it_is};
use hansom_simulator::demand::RequestFile;
use liblzma::stream::{Check, Stream};
use liblzma::write::XzEncoder;
use std::io::Write;

/// Packed with and without a check of what is inside: without one, changed bytes are unpacked to others. Two streams, one after the
/// other, are one file.
fn packed(texts: [&[u8]; 2]) -> Vec<Vec<u8>> {
    let pack = |text: &[u8], check| {
        let stream = Stream::new_easy_encoder(6, check).expect("it is known");
        let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(text).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    };
    let parts = |check| texts.map(|text| pack(text, check)).concat();
    let whole = texts.concat();
    vec![pack(&whole, Check::None), pack(&whole, Check::Crc64), parts(Check::None)]
}

fn requests() -> Vec<Vec<u8>> {
    let (first, second) = REQUESTS.as_bytes().split_at(REQUESTS.len() / 2);
    packed([first, second])
}

fn times() -> Vec<Vec<u8>> {
    let text = profiles().concat();
    let (first, second) = text.split_at(text.len() / 2);
    packed([first, second])
}

pub fn targets() -> Vec<Target> {
    let (asked, times_at) = (Desk::new("requests.csv.xz"), Desk::new("travel_times.csv.xz"));
    put_ways(&times_at);
    let read = move |bytes: &[u8]| RequestFile::read(asked.put(bytes), PERIOD).is_ok();
    // What is unpacked of so few bytes is no more than an honest reader may ask memory for.
    let target = |name, seeds, run| Target { name, seeds, mend: as_it_is, words: &[], most_bytes: 4096, run };
    vec![
        target("packed-requests", requests as fn() -> _, Box::new(read) as Box<dyn Fn(&[u8]) -> bool>),
        target("packed-profile", times, Box::new(move |bytes: &[u8]| profile(&times_at, bytes))),
    ]
}
