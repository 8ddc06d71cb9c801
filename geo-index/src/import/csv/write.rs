//! From a network to a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::DAY_TYPES;
use crate::import::ImportError;
use crate::import::decimal::Decimal;
use crate::network::{EdgeId, Network, NodeId, WeightsVersion};

/// Writes `network` as CSV files into `folder`, which is made if need be. [`read`](super::read()) makes a network of the
/// same identity from them.
///
/// With a profile its times are in `travel_times.csv`; else `edges.csv` has a column `travel_time_s`.
pub fn write(network: &Network, folder: &Path) -> Result<(), ImportError> {
    let fault = |path: &Path, source| ImportError::Io { path: path.into(), action: "write", source };
    fs::create_dir_all(folder).map_err(|source| fault(folder, source))?;
    let fill = |name: &str, content: fn(&Network, &mut dyn Write) -> io::Result<()>| {
        let path = folder.join(name);
        let filled = File::create(&path).and_then(|file| {
            let mut out = BufWriter::new(file);
            content(network, &mut out)?;
            out.flush()
        });
        filled.map_err(|source| fault(&path, source))
    };
    fill("nodes.csv", nodes)?;
    fill("edges.csv", edges)?;
    if network.version_count() > 1 { fill("travel_times.csv", travel_times) } else { Ok(()) }
}

fn nodes(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "node_id,lat,lon")?;
    for node in (0..network.node_count() as u32).map(NodeId) {
        let coord = network.node_coord(node);
        let [lat, lon] = [coord.lat, coord.lon].map(|value| Decimal { value: value.into(), places: 7 });
        writeln!(out, "{},{lat},{lon}", network.node_source(node))?;
    }
    Ok(())
}

fn edges(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    let one_set = network.version_count() == 1;
    writeln!(out, "edge_id,from_node,to_node,length_m{}", if one_set { ",travel_time_s" } else { "" })?;
    let times_ms = network.times_ms(WeightsVersion(0));
    for edge in (0..network.edge_count() as u32).map(EdgeId) {
        let ends = [network.from(), network.to()].map(|node| network.node_source(NodeId(node[edge.0 as usize])));
        write!(out, "{},{},{},{}", network.edge_source(edge), ends[0], ends[1], thousandths(network.length_mm(edge)))?;
        if one_set {
            write!(out, ",{}", thousandths(times_ms[edge.0 as usize]))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn travel_times(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "edge_id,day_type,hour,travel_time_s")?;
    for edge in 0..network.edge_count() {
        let id = network.edge_source(EdgeId(edge as u32));
        for (version, day_type) in (0..72).map(|version| (version, DAY_TYPES[version / 24])) {
            let time = thousandths(network.times_ms(WeightsVersion(version as u16))[edge]);
            writeln!(out, "{id},{day_type},{},{time}", version % 24)?;
        }
    }
    Ok(())
}

fn thousandths(value: u32) -> Decimal {
    Decimal { value: value.into(), places: 3 }
}
