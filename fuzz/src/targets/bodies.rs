//! Bodies of requests, as they come packed.

use super::{Target, as_it_is};
use flate2::Compression;
use flate2::write::GzEncoder;
use hansom_api::body::{MOST_BYTES, Packing, unpack};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

/// Two lines as apps send them, and one that repeats itself.
const PLAIN: [&[u8]; 3] = [b"", b"{\"driver\":\"d1\"}\n{\"driver\":\"d2\"}\n", &[b'a'; 3000]];

fn gzipped() -> Vec<Vec<u8>> {
    let packed = PLAIN.map(|plain| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    });
    // Two members, one after the other, are one body.
    let several = packed.concat();
    packed.into_iter().chain([several]).collect()
}

fn zstandard() -> Vec<Vec<u8>> {
    PLAIN.map(|plain| compress_to_vec(plain, CompressionLevel::Fastest)).to_vec()
}

fn is_unpacked(packing: Packing, packed: &[u8]) -> bool {
    let unpacked = unpack(packing, packed);
    if let Ok(Some(bytes)) = &unpacked {
        assert!(bytes.len() <= MOST_BYTES, "no more than is allowed");
    }
    unpacked.is_ok()
}

pub fn targets() -> Vec<Target> {
    let target = |name, seeds, packing| Target {
        name,
        seeds,
        mend: as_it_is,
        words: &[],
        most_bytes: 4096,
        run: Box::new(move |packed| is_unpacked(packing, packed)),
    };
    vec![target("gzip", gzipped as fn() -> _, Packing::Gzip), target("zstd", zstandard, Packing::Zstd)]
}
