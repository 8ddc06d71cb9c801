//! Files that are read from a folder, and text that people write.

use super::bytes::{SEGMENT, mend_segment};
use super::{Target, as_it_is};
use hansom_engine::record::canonical::blank;
use hansom_geo_index::network::sample;
use hansom_geo_index::{Millis, Network, import};
use hansom_market::log::Reader;
use hansom_simulator::City;
use hansom_simulator::demand::RequestFile;
use hansom_simulator::scenario::{Faults, Override, Period, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

/// A folder with one file that is written anew for each input.
#[derive(Debug)]
pub struct Desk {
    folder: TempDir,
    file: PathBuf,
}

impl Desk {
    /// A folder for a file of this name.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(name);
        Self { folder, file }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the file, and says where it is.
    pub fn put(&self, bytes: &[u8]) -> &Path {
        // Removed first: a file that is mapped is not written to.
        let _ = fs::remove_file(&self.file);
        fs::write(&self.file, bytes).expect("the temporary folder can be written to");
        &self.file
    }
}

pub(super) const PERIOD: Period = Period { start: Millis(0), end: Millis(i64::MAX / 2) };

pub(super) const REQUESTS: &str = "\u{feff}request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers,note\n\
2013-03-01T08:00:00-05:00,40.75,-73.98,40.76,-73.97,1,\"a, \"\"b\"\"\"\n\
2013-03-01T08:00:00-05:00,40.75,-73.98,40.76,-73.97,,\n\
2013-03-01T08:00:01.250-05:00,91,0,0,x,300,c\n";

const SUPPLY: &str = "vehicle_id,lat,lon,start,end,seats,autonomous\n\
v1,48.2001,16.3701,,,4,true\n\
v2,48.2009,16.3709,2026-03-05T08:00:00+01:00,2026-03-05T09:00:00+01:00,,false\n";

const SUPPLIED: &str = r#"period = { start = "2026-03-05T08:00:00+01:00", end = "2026-03-05T09:00:00+01:00" }
network = { synthetic = "small-town" }
demand = { rate_per_h = 60 }
supply = { file = "supply.csv" }
"#;

/// Markets as they are served.
const MARKETS: [&str; 3] = [
    "network = { synthetic = \"small-town\" }\n",
    r#"name = "town"
timezone = "Europe/Berlin"
network = { synthetic = "small-town" }
policy = { kind = "batch", batch_window_s = 5, max_wait_s = 480 }
"#,
    r#"name = "town"
network = { file = "town.net" }
timezone = "+01:00"
offer_s = 20
max_offers = 4
boarding_s = 0
teleport_m = 500
reanchor_m = { along = 40, across = 20 }
keep = { keys_s = 3600, rides_s = 86400 }
silence = { warn_s = 60, redispatch_s = 240 }
tariff = { currency = "EUR", exponent = 2, base_minor = 250, driver_share_bp = 7500 }

[policy]
kind = "external"
external = { command = "./planner --fast", timeout_ms = 1500 }
weights = { eta = 1000, deadhead = 200 }
"#,
];

/// Streets with a profile: both ways of one.
const WAYS: [(&str, &str); 2] = [
    ("nodes.csv", "node_id,lat,lon\n1,0.0,0.0\n2,0.001,0.0\n"),
    ("edges.csv", "edge_id,from_node,to_node,length_m\n1,1,2,111.2\n2,2,1,111.2\n"),
];

/// Puts the streets of [`WAYS`] beside a desk's file.
pub(super) fn put_ways(desk: &Desk) {
    for (name, text) in WAYS {
        fs::write(desk.folder.path().join(name), text).expect("the temporary folder can be written to");
    }
}

/// What parts the two files of streets in one input.
const PARTING: &str = "\n====\n";

const STREETS: &str = "node_id,lat,lon\n1,0.0,0.0\n2,0.001,0.0\n3,0.001,0.001\n\n====\n\
edge_id,from_node,to_node,length_m\n1,1,2,111.2\n2,2,1,111.2\n3,2,3,111\n4,3,1,157.5\n";

const WORDS: &[&str] = &[
    "\"",
    ",",
    "\n",
    "\r\n",
    "=",
    "{",
    "}",
    "[",
    "]",
    "'''",
    "\"\"\"",
    "#",
    "inf",
    "nan",
    "-1",
    "1e400",
    "0x",
    "1_0",
    "99999999999999999999",
    "2026-03-05T17:00:00+01:00",
    "period",
    "network",
    "synthetic",
    "demand",
    "rate_per_h",
    "supply",
    "vehicles",
    "policy",
    "kind",
    "p50",
    "p90",
    "zones",
    "incidents",
    "timezone",
    "\u{feff}",
    "\u{0}",
    "====",
];

const PROFILE: &[&str] = &[
    "\"", ",", "\n", "\r\n", "weekday", "saturday", "sunday", "23", "24", "-1", "0.0004", "1000000", "1e400",
    "\u{feff}",
];

/// Checksums of a network file: of each section, then of header and table.
fn mend_network(bytes: &mut [u8]) {
    const HEADER: usize = 64;
    const ENTRY: usize = 32;
    if bytes.len() < HEADER {
        return;
    }
    let number =
        |bytes: &[u8], at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)) as usize;
    let sections = number(bytes, 8) >> 32;
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let end = HEADER.saturating_add(sections.saturating_mul(ENTRY));
    if end > bytes.len() {
        return;
    }
    for entry in (HEADER..end).step_by(ENTRY) {
        let (from, size) = (number(bytes, entry + 8), number(bytes, entry + 16));
        if let Some(section) = bytes.get(from..from.saturating_add(size)) {
            let checksum = xxh3_64(section);
            bytes[entry + 24..entry + 32].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    bytes[56..64].fill(0);
    let checksum = xxh3_64(&bytes[..end]);
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
}

fn segment(desk: &Desk, bytes: &[u8]) -> bool {
    desk.put(bytes);
    let Ok(mut reader) = Reader::open(desk.folder.path()) else { return false };
    let mut turn = blank();
    loop {
        match reader.next(&mut turn) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn network(desk: &Desk, bytes: &[u8]) -> bool {
    let Ok(network) = Network::open(desk.put(bytes)) else { return false };
    assert!(network.node_count() > 0);
    true
}

fn networks() -> Vec<Vec<u8>> {
    let desk = Desk::new("seed.network");
    sample::grid(3, 3, 100_000, 10_000).write(&desk.file).expect("it can be written");
    vec![fs::read(&desk.file).expect("it reads")]
}

fn scenario(bytes: &[u8]) -> bool {
    is_city(bytes, Scenario::parse)
}

fn market(bytes: &[u8]) -> bool {
    is_city(bytes, Scenario::parse_market)
}

/// How a scenario or market is read.
type Parse = fn(&str, &str, &Path, &[Override]) -> Result<Scenario, Faults>;

fn is_city(bytes: &[u8], parse: Parse) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match parse("fuzz.toml", text, Path::new("."), &[]) {
        Ok(_) => true,
        Err(faults) => {
            assert!(!faults.list().is_empty(), "what is refused has a reason");
            faults.list().iter().for_each(|fault| assert!(!fault.to_string().is_empty() && !fault.hint().is_empty()));
            false
        }
    }
}

fn requests(bytes: &[u8]) -> bool {
    RequestFile::parse(Path::new("fuzz.csv"), bytes, PERIOD).is_ok()
}

fn supply(desk: &Desk, scenario: &Scenario, city: &City, bytes: &[u8]) -> bool {
    desk.put(bytes);
    hansom_simulator::supply::drivers(scenario, city, &[]).is_ok()
}

/// The time of each of the ways in each hour.
pub(super) fn profiles() -> Vec<Vec<u8>> {
    let hours = ["weekday", "saturday", "sunday"].into_iter().flat_map(|day| (0..24).map(move |hour| (day, hour)));
    let rows = hours.flat_map(|(day, hour)| [1, 2].map(|way| format!("{way},{day},{hour},{way}.{hour}\n")));
    let text: String = ["edge_id,day_type,hour,travel_time_s\n".to_owned()].into_iter().chain(rows).collect();
    vec![text.into_bytes()]
}

pub(super) fn profile(desk: &Desk, bytes: &[u8]) -> bool {
    desk.put(bytes);
    let Ok((network, _)) = import::csv::read(desk.folder.path(), 8.0) else { return false };
    assert_eq!(network.version_count(), 72, "each hour of each type of day has its times");
    true
}

fn streets(desk: &Desk, bytes: &[u8]) -> bool {
    let parting = PARTING.as_bytes();
    let at = bytes.windows(parting.len()).position(|piece| piece == parting).unwrap_or(bytes.len());
    desk.put(&bytes[..at]);
    let edges = bytes.get(at + parting.len()..).unwrap_or_default();
    fs::write(desk.folder.path().join("edges.csv"), edges).expect("the temporary folder can be written to");
    import::csv::read(desk.folder.path(), 8.0).is_ok()
}

pub fn targets() -> Vec<Target> {
    let (segments, files, nodes, vehicles, times) = (
        Desk::new("00000000000000000000.seg"),
        Desk::new("fuzz.network"),
        Desk::new("nodes.csv"),
        Desk::new("supply.csv"),
        Desk::new("travel_times.csv"),
    );
    put_ways(&times);
    vehicles.put(SUPPLY.as_bytes());
    let supplied = Scenario::parse("fuzz.toml", SUPPLIED, vehicles.folder.path(), &[]).expect("a scenario");
    let city = City::new(Arc::new(sample::grid(21, 21, 100_000, 10_000)));
    let target = |name, seeds, words, run| Target { name, seeds, mend: as_it_is, words, most_bytes: 8 << 10, run };
    vec![
        Target {
            mend: mend_segment,
            most_bytes: 32 << 10,
            ..target("segment", || vec![SEGMENT.to_vec()], &[], Box::new(move |bytes: &[u8]| segment(&segments, bytes)))
        },
        Target {
            mend: mend_network,
            ..target("network", networks, &[], Box::new(move |bytes: &[u8]| network(&files, bytes)))
        },
        target(
            "scenario",
            || {
                let some = [
                    include_str!("../../../scenarios/evening-peak.toml"),
                    include_str!("../../../scenarios/quiet-night.toml"),
                    include_str!("../../../scenarios/small-town.toml"),
                ];
                some.map(|text| text.as_bytes().to_vec()).into()
            },
            WORDS,
            Box::new(scenario),
        ),
        target("market", || MARKETS.map(|text| text.as_bytes().to_vec()).into(), WORDS, Box::new(market)),
        target("requests", || vec![REQUESTS.as_bytes().to_vec()], WORDS, Box::new(requests)),
        target(
            "supply",
            || vec![SUPPLY.as_bytes().to_vec()],
            WORDS,
            Box::new(move |bytes: &[u8]| supply(&vehicles, &supplied, &city, bytes)),
        ),
        target(
            "streets",
            || vec![STREETS.as_bytes().to_vec()],
            WORDS,
            Box::new(move |bytes: &[u8]| streets(&nodes, bytes)),
        ),
        target("profile", profiles, PROFILE, Box::new(move |bytes: &[u8]| profile(&times, bytes))),
    ]
}
