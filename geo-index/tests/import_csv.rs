//! Folders of CSV files: what comes in, what is refused and how, and that what goes out comes back.

use std::fs;
use std::io::Write;
use std::path::Path;

use hansom_geo_index::import::{ImportError, ImportReport, csv};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, EdgeId, Network, NodeId, WeightsVersion};
use proptest::prelude::*;
use tempfile::TempDir;

const NODES: &str = "node_id,lat,lon\n7,48.2000000,16.3700000\n9,48.21,16.37000004\n8,48.2,16.38\n5,48.3,16.4\n";
const EDGES: &str = "edge_id,from_node,to_node,length_m\n1,7,9,1112\n2,9,8,0\n3,8,7,743.2565\n4,7,9,80\n5,9,5,1\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("nodes.csv", NODES), ("edges.csv", EDGES)].iter().chain(files) {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

/// A profile of `EDGES` in which every time is `time`, but for the lines that `change` makes of its lines.
fn profile(time: &str, change: impl Fn(String) -> String) -> String {
    let mut text = "edge_id,day_type,hour,travel_time_s\n".to_owned();
    for edge in 1..=5 {
        for day in ["weekday", "saturday", "sunday"] {
            (0..24).for_each(|hour| text += &change(format!("{edge},{day},{hour},{time}\n")));
        }
    }
    text
}

fn read(files: &[(&str, &str)]) -> (Network, ImportReport) {
    csv::read(folder(files).path(), 8.0).expect("sound streets")
}

#[test]
fn streets_without_times_are_driven_at_one_speed() {
    let (town, report) = read(&[]);
    assert_eq!((town.node_count(), town.edge_count(), town.version_count()), (3, 4, 1));
    assert_eq!(town.node_coord(NodeId(1)), Coord { lat: 482_100_000, lon: 163_700_000 });
    assert_eq!([0, 1, 2].map(|node| town.node_source(NodeId(node))), [7, 9, 8]);
    assert_eq!((town.from(), town.to()), (&[0, 0, 1, 2][..], &[1, 1, 2, 0][..]));
    assert_eq!([0, 1, 2, 3].map(|edge| town.edge_source(EdgeId(edge))), [1, 4, 2, 3]);
    assert_eq!([0, 1, 2, 3].map(|edge| town.length_mm(EdgeId(edge))), [1_112_000, 80_000, 0, 743_257]);
    assert_eq!(town.times_ms(WeightsVersion(0)), [139_000, 10_000, 500, 92_907]);
    assert_eq!(
        report.to_string(),
        "3 nodes, 4 edges, 1 km, one set of travel times\n\
         left out: 1 node and 1 edge outside of the largest part in which every node reaches every other, such as node 5\n\
         that is more than a tenth of the nodes: is the network in one piece, one-ways included?\n\
         raised from 0 to 0.5 s: 1 travel time"
    );
}

#[test]
fn a_profile_gives_every_hour_its_times() {
    let text = profile("12.3455", |line| match line.as_str() {
        "4,saturday,17,12.3455\n" => "4,saturday,17,0\n4,sunday,3,99\n".into(),
        "4,sunday,3,12.3455\n" => String::new(),
        _ => line,
    });
    let (town, report) = read(&[("travel_times.csv", &text)]);
    assert_eq!((town.version_count(), report.raised_times, report.versions), (72, 1, 72));
    assert_eq!(town.times_ms(WeightsVersion(0)), [12_346; 4]);
    assert_eq!(town.times_ms(WeightsVersion(24 + 17)), [12_346, 500, 12_346, 12_346]);
    assert_eq!(town.times_ms(WeightsVersion(48 + 3)), [12_346, 99_000, 12_346, 12_346]);

    let packed = folder(&[]);
    let file = fs::File::create(packed.path().join("travel_times.csv.xz")).expect("created");
    let mut encoder = liblzma::write::XzEncoder::new(file, 1);
    encoder.write_all(text.as_bytes()).expect("packed");
    encoder.finish().expect("packed");
    assert_eq!(csv::read(packed.path(), 8.0).expect("packed times").0.id(), town.id());
    fs::write(packed.path().join("travel_times.csv"), text).expect("written");
    assert!(matches!(csv::read(packed.path(), 8.0), Err(ImportError::Ambiguous { .. })));
}

#[test]
fn a_damaged_archive_is_a_fault_and_not_a_shorter_file() {
    let folder = folder(&[]);
    let path = folder.path().join("travel_times.csv.xz");
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(profile("9", |line| line).as_bytes()).expect("packed");
    let whole = encoder.finish().expect("packed");
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).expect("written");
        let error = csv::read(folder.path(), 8.0).expect_err("cut off");
        assert!(matches!(error, ImportError::Io { action: "read", .. }), "{length}: {error}");
    }
}

#[test]
fn columns_may_come_in_any_order_with_others_between() {
    let edges = "\u{feff}name,to_node,travel_time_s,edge_id,from_node,length_m\r\n\"Ring, inner\", 9 ,12.5,1,7,5\r\n,7,3,2,9,6\r\n";
    let (town, report) = read(&[("edges.csv", edges)]);
    assert_eq!((town.times_ms(WeightsVersion(0)), report.edges), (&[12_500, 3_000][..], 2));
}

fn refusal(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = csv::read(folder.path(), 8.0).expect_err("a fault").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn every_fault_names_its_place_and_a_remedy() {
    let nodes = |line: &str| refusal(&[("nodes.csv", &format!("{NODES}{line}\n"))]);
    let edges = |line: &str| refusal(&[("edges.csv", &format!("{EDGES}{line}\n"))]);
    let times = |line: &str| {
        refusal(&[(
            "travel_times.csv",
            &profile("5", |old| if old.starts_with("2,sunday,9,") { line.into() } else { old }),
        )])
    };
    let number = |from: &str, to: &str| format!("write a number from {from} to {to}");
    assert_eq!(nodes("3,91,0"), format!("nodes.csv:6: lat is `91`; {}", number("-85", "85")));
    assert_eq!(nodes("3,,0"), format!("nodes.csv:6: lat is ``; it is empty; {}", number("-85", "85")));
    assert_eq!(
        nodes("3,48,1.6e1"),
        format!("nodes.csv:6: lon is `1.6e1`; write it out without an exponent; {}", number("-180", "180"))
    );
    assert_eq!(nodes("A3,48,16"), "nodes.csv:6: node_id is `A3`; write a whole number of at least 0");
    assert_eq!(nodes("8,48,16"), "nodes.csv:6: node_id is `8`; line 4 has it too; give each its own");
    assert_eq!(nodes("8,48"), "nodes.csv:6: 2 fields, but the first line names 3");
    assert_eq!(edges("6,7,6,10"), "edges.csv:7: to_node is `6`; no node of nodes.csv has this id");
    assert_eq!(edges("6,7,8,-10"), format!("edges.csv:7: length_m is `-10`; {}", number("0", "100000")));
    assert_eq!(edges("5,7,8,10"), "edges.csv:7: edge_id is `5`; line 6 has it too; give each its own");
    assert_eq!(times("6,sunday,9,3\n"), "travel_times.csv:131: edge_id is `6`; no edge of edges.csv has this id");
    assert_eq!(
        times("2,Sunday,9,3\n"),
        "travel_times.csv:131: day_type is `Sunday`; write weekday, saturday or sunday"
    );
    assert_eq!(times("2,sunday,24,3\n"), format!("travel_times.csv:131: hour is `24`; {}", number("0", "23")));
    assert_eq!(
        times("2,sunday,9,-1\n"),
        format!("travel_times.csv:131: travel_time_s is `-1`; {}", number("0", "1000000"))
    );
    assert_eq!(
        times("2,sunday,8,3\n"),
        "travel_times.csv:131: edge_id is `2`; this edge already has a time for this day type and hour"
    );
    assert_eq!(
        times(""),
        "travel_times.csv: edge 2 has no travel time for sunday, hour 9; give every edge one for each of weekday, saturday, sunday and hours 0 to 23"
    );
    assert_eq!(
        refusal(&[("edges.csv", "edge_id,from,to_node,length_m\n")]),
        "edges.csv:1: there is no column `from_node`; the first line must name edge_id, from_node, to_node, length_m"
    );
    assert_eq!(
        refusal(&[("edges.csv", "edge_id,from_node,to_node,length_m\n")]).split_once(": ").map(|split| split.1),
        Some("the network has no edge; give at least one street")
    );
    assert!(csv::read(folder(&[]).path(), 0.05).expect_err("a crawl").to_string().starts_with("a speed of 0.05 m/s"));
    assert!(csv::read(folder(&[]).path(), f64::NAN).is_err());
    let missing = csv::read(Path::new("no-such-folder"), 8.0).expect_err("nothing there").to_string();
    assert_eq!(
        missing,
        "no-such-folder/nodes.csv is missing; a network folder holds nodes.csv, edges.csv and perhaps travel_times.csv or travel_times.csv.xz"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// A network written as CSV and read again has the same identity, with and without a profile.
    #[test]
    fn what_is_written_is_read_back(seed: u64, nodes in 1_u32..40, profile: bool) {
        let town = sample::town(seed, nodes, if profile { 72 } else { 1 });
        let folder = tempfile::tempdir().expect("a temporary folder");
        csv::write(&town, &folder.path().join("town")).expect("written");
        let (again, report) = csv::read(&folder.path().join("town"), 8.0).expect("read back");
        prop_assert_eq!((again.id(), again.name()), (town.id(), "town"));
        prop_assert_eq!((report.dropped_nodes, report.dropped_edges, report.raised_times), (0, 0, 0));
    }
}
