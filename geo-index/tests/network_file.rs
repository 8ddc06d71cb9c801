//! The network file: what is written is what is opened, and nothing else opens.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hansom_geo_index::network::{FileError, sample};
use hansom_geo_index::{EdgeId, Network, NodeId, WeightsVersion};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

/// A written network in a folder of its own, and its bytes.
fn written(network: &Network) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("town.net");
    network.write(&path).expect("written");
    let bytes = fs::read(&path).expect("read back");
    (folder, path, bytes)
}

fn assert_same(a: &Network, b: &Network) {
    assert_eq!((a.id(), a.id_hex(), a.name()), (b.id(), b.id_hex(), b.name()));
    assert_eq!((a.from(), a.to(), a.projection()), (b.from(), b.to(), b.projection()));
    assert_eq!((a.version_count(), a.order()), (b.version_count(), b.order()));
    for version in (0..a.version_count() as u16).map(WeightsVersion) {
        assert_eq!(a.times_ms(version), b.times_ms(version));
    }
    for node in (0..a.node_count() as u32).map(NodeId) {
        assert_eq!((a.node_coord(node), a.node_source(node)), (b.node_coord(node), b.node_source(node)));
        assert_eq!(
            (a.node_point(node), a.out_edges(node).collect::<Vec<_>>()),
            (b.node_point(node), b.out_edges(node).collect())
        );
    }
    for edge in (0..a.edge_count() as u32).map(EdgeId) {
        assert_eq!((a.length_mm(edge), a.twin(edge)), (b.length_mm(edge), b.twin(edge)));
        assert_eq!(a.edge_source(edge), b.edge_source(edge));
    }
}

/// Also what the one `unsafe` relies on: the tables stay readable when the file has lost its name.
#[test]
fn a_network_survives_its_file() {
    for (seed, versions) in [(1, 1), (2, 72), (3, 1)] {
        let town = sample::town(seed, 40, versions);
        let (folder, path, _) = written(&town);
        let opened = Network::open(&path).expect("opened");
        drop(folder);
        assert!(!path.exists());
        let moved = Box::new(opened);
        assert_same(&town, &moved);
    }
}

#[test]
fn writing_replaces_whole_files_and_leaves_no_other() {
    let (folder, path, _) = written(&sample::town(1, 30, 1));
    let old = Network::open(&path).expect("opened");
    sample::town(2, 20, 1).write(&path).expect("written over the old one");
    assert_same(&old, &sample::town(1, 30, 1));
    assert_same(&Network::open(&path).expect("opened"), &sample::town(2, 20, 1));
    assert_eq!(fs::read_dir(&folder).expect("listed").count(), 1);
    let nowhere = folder.path().join("no").join("town.net");
    assert!(matches!(sample::town(1, 5, 1).write(&nowhere), Err(FileError::Io { action: "write", .. })));
    assert!(matches!(sample::town(1, 5, 1).write(folder.path()), Err(FileError::Io { action: "write", .. })));
    assert_eq!(fs::read_dir(&folder).expect("listed").count(), 1);
}

/// Changes one byte where it stands: rewriting thousands of files whole would time the disk.
fn poke(path: &Path, at: usize, byte: u8) {
    let mut file = File::options().write(true).open(path).expect("opened to damage");
    file.seek(SeekFrom::Start(at as u64)).expect("a byte of the file");
    file.write_all(&[byte]).expect("damaged");
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (_folder, path, bytes) = written(&sample::grid(3, 2, 50_000, 5_000));
    for (at, &byte) in bytes.iter().enumerate() {
        for flip in [0x01, 0x80, 0xff] {
            poke(&path, at, byte ^ flip);
            assert!(Network::open(&path).is_err(), "byte {at} ^ {flip:#x}");
        }
        poke(&path, at, byte);
    }
    assert!(Network::open(&path).is_ok());
}

#[test]
fn every_shorter_or_longer_file_is_refused() {
    let (_folder, path, bytes) = written(&sample::grid(3, 2, 50_000, 5_000));
    fs::write(&path, [&bytes[..], &[0]].concat()).expect("lengthened");
    assert!(matches!(Network::open(&path), Err(FileError::Layout { section: "header", .. })));
    for length in (0..bytes.len()).rev() {
        let file = File::options().write(true).open(&path).expect("opened to cut");
        file.set_len(length as u64).expect("cut");
        let error = Network::open(&path).expect_err("cut off");
        match length {
            0 => assert!(matches!(error, FileError::NotANetwork { .. })),
            _ => assert!(matches!(error, FileError::Truncated { .. }), "{length}: {error}"),
        }
    }
}

#[test]
fn the_order_is_read_and_not_worked_out_again() {
    let town = sample::grid(3, 2, 50_000, 5_000);
    let (_folder, path, bytes) = written(&town);
    let other = [5, 4, 3, 2, 1, 0];
    assert_ne!(town.order(), other);
    fs::write(&path, forged(&bytes, 9, |order| (0..6).for_each(|i| order[4 * i] = other[i] as u8))).expect("written");
    let opened = Network::open(&path).expect("any order will do");
    assert_eq!((opened.order(), opened.id()), (&other[..], town.id()));
}

/// The bytes with the section of `kind` changed and every checksum made right again: a file by a faulty writer.
fn forged(bytes: &[u8], kind: u32, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes")) as usize;
    let mut bytes = bytes.to_vec();
    let sections = u32::from_le_bytes(bytes[12..16].try_into().expect("4 bytes")) as usize;
    let entry = |i: &usize| bytes[64 + 32 * i..][..4] == kind.to_le_bytes();
    let at = 64 + 32 * (0..sections).find(entry).expect("the section exists");
    let (offset, length) = (word(&bytes, at + 8), word(&bytes, at + 16));
    change(&mut bytes[offset..offset + length]);
    let checksum = xxh3_64(&bytes[offset..offset + length]);
    bytes[at + 24..at + 32].copy_from_slice(&checksum.to_le_bytes());
    bytes[56..64].fill(0);
    let checksum = xxh3_64(&bytes[..64 + 32 * sections]);
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn errors_name_the_file_the_section_and_what_to_do() {
    let (_folder, path, bytes) = written(&sample::grid(3, 2, 50_000, 5_000));
    let refusal = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        let error = Network::open(&path).expect_err("refused").to_string();
        error.strip_prefix(&path.display().to_string()).expect("names the file").to_owned()
    };
    assert_eq!(refusal(b"node_id,lat,lon"), " is not a Hansom network file; make one with `hansom import`");
    assert_eq!(
        refusal(&bytes[..700]),
        format!(" is cut off: it has 700 of {} bytes; copy it again, or import the network again", bytes.len())
    );
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert_eq!(
        refusal(&newer),
        " is a network file of version 9, this Hansom reads version 1; use the Hansom that wrote it, or import the network again"
    );
    let mut damaged = bytes.clone();
    let at = damaged.len() - 1;
    damaged[at] ^= 1;
    let offset = at + 1 - 6 * 4;
    assert_eq!(
        refusal(&damaged),
        format!(
            " is damaged: section `order` at byte {offset} does not match its checksum; copy it again, or import the network again"
        )
    );
    assert_eq!(
        refusal(&forged(&bytes, 4, |to| to[0] = 77)),
        " does not hold a sound network: edge 0 names node index 77, but there are only 6 nodes; import the network again"
    );
    assert_eq!(
        refusal(&forged(&bytes, 6, |times| times[0] ^= 1)),
        " is damaged: its tables are not the network that its header names; import the network again"
    );
    assert_eq!(
        refusal(&forged(&bytes, 1, |name| name[0] = 0xff)),
        " is damaged: section `name` is not UTF-8 (byte 384); copy it again, or import the network again"
    );
    for twice_or_none in [0_u8, 6] {
        assert_eq!(
            refusal(&forged(&bytes, 9, |order| (0..6).for_each(|i| order[4 * i] = twice_or_none))),
            format!(
                " is damaged: section `order` does not name every node once (byte {offset}); copy it again, or import the network again"
            )
        );
    }
    fs::remove_file(&path).expect("removed");
    let missing = Network::open(&path).expect_err("refused").to_string();
    assert!(missing.starts_with(&format!("cannot open {}: ", path.display())), "{missing}");
}

#[test]
fn the_name_is_not_part_of_the_identity_and_all_else_is() {
    let town = sample::grid(3, 2, 50_000, 5_000);
    assert_ne!(town.id(), sample::grid(3, 2, 50_000, 5_001).id());
    assert_ne!(town.id(), sample::grid(2, 3, 50_000, 5_000).id());
    let (_folder, path, bytes) = written(&town);
    fs::write(&path, forged(&bytes, 1, |name| name[0] = b'G')).expect("renamed");
    let renamed = Network::open(&path).expect("another name, the same streets");
    assert_eq!((renamed.name(), renamed.id()), ("Grid 3 x 2", town.id()));
    // Pinned: logs name networks by it.
    assert_eq!(town.id_hex(), "490d6901554d3edb52979f8fecb187f845e10f42aa3debdee4373a0107f89490");
}
