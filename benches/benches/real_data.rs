//! Travel times on real streets: Manhattan by hours (4,091 nodes) and New York by the DIMACS challenge (264,346 nodes).
//!
//! `HANSOM_DATA` has to name the folder that holds `manhattan/` (CSV) and `nyc-dimacs/` (gzip, read by the tool of that name).

mod travel;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use hansom_geo_index::import::csv;
use hansom_geo_index::network::Parts;
use hansom_geo_index::{Coord, Network};

fn data() -> PathBuf {
    PathBuf::from(std::env::var_os("HANSOM_DATA").expect("HANSOM_DATA names the folder of real streets"))
}

fn manhattan(c: &mut Criterion) {
    let (network, _) = csv::read(&data().join("manhattan"), 8.0).unwrap_or_else(|error| panic!("{error}"));
    let network = Arc::new(network);
    travel::look_ups(c, "manhattan", &network);
    travel::preparation(c, "manhattan", &network);
}

fn new_york(c: &mut Criterion) {
    let network = Arc::new(dimacs(&data().join("nyc-dimacs")));
    travel::look_ups(c, "new-york", &network);
    travel::preparation(c, "new-york", &network);
}

/// The network of the 9th DIMACS challenge, its travel times taken as tenths of a second.
fn dimacs(folder: &Path) -> Network {
    let lines = |file: &str, of: &str| -> Vec<Vec<i32>> {
        let unpacked = Command::new("gzip").arg("-dc").arg(folder.join(file)).output().expect("gzip is installed");
        assert!(unpacked.status.success(), "{file}: {}", String::from_utf8_lossy(&unpacked.stderr));
        let text = String::from_utf8(unpacked.stdout).expect("ASCII");
        let numbers = |line: &str| line.split(' ').map(|number| number.parse().expect("a whole number")).collect();
        text.lines().filter_map(|line| line.strip_prefix(of)).map(numbers).collect()
    };
    let nodes = lines("USA-road-d.NY.co.gz", "v ");
    let mut arcs = lines("USA-road-t.NY.gr.gz", "a ");
    arcs.sort();
    let column = |at: usize| arcs.iter().map(move |arc| arc[at] as u32);
    Network::new(Parts {
        name: "new-york".into(),
        coords: nodes.iter().map(|node| Coord { lat: node[2] * 10, lon: node[1] * 10 }).collect(),
        from: column(0).map(|node| node - 1).collect(),
        to: column(1).map(|node| node - 1).collect(),
        length_mm: column(2).map(|tenths| tenths * 1_000).collect(),
        times_ms: column(2).map(|tenths| tenths * 100).collect(),
        node_source: nodes.iter().map(|node| node[0] as u64).collect(),
        edge_source: (0..arcs.len() as u64).collect(),
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

criterion_group!(benches, manhattan, new_york);
criterion_main!(benches);
