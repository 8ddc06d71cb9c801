//! `hansom import`: street data becomes a network file.

use hansom_geo_index::import::{ImportReport, csv, synthetic};
use hansom_geo_index::{EdgeId, Network};

use crate::cli::{Import, ImportTarget};
use crate::error::{Error, Exit};
use crate::show;

/// Imports, writes and says what became of it.
pub fn run(what: &Import) -> Result<Exit, Error> {
    let (network, report, target) = match what {
        Import::Csv { folder, speed_m_s, target } => {
            let (network, report) = csv::read(folder, *speed_m_s)?;
            (network, report, target)
        }
        Import::Synthetic { city, seed, target } => {
            let network = synthetic::city(city, *seed)?;
            let report = whole(&network);
            (network, report, target)
        }
    };
    write(&network, target)?;
    show::result(&format!("{}: {report}\n{} is network {}\n", network.name(), target.out.display(), network.id_hex()))?;
    Ok(Exit::Done)
}

fn write(network: &Network, target: &ImportTarget) -> Result<(), Error> {
    network.write(&target.out)?;
    if let Some(folder) = &target.csv {
        csv::write(network, folder)?;
    }
    Ok(())
}

/// The report of a city of which nothing was left out.
fn whole(network: &Network) -> ImportReport {
    let length_mm = (0..network.edge_count() as u32).map(|n| u64::from(network.length_mm(EdgeId(n)))).sum();
    ImportReport {
        nodes: network.node_count(),
        edges: network.edge_count(),
        length_mm,
        versions: network.version_count(),
        ..ImportReport::default()
    }
}
