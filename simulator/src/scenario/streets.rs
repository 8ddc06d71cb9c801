//! The streets a scenario names.

use hansom_geo_index::Network;
use hansom_geo_index::import::synthetic::{self, UnknownCity};
use hansom_geo_index::import::{ImportError, ImportReport, csv};
use hansom_geo_index::network::FileError;

use super::model::{StreetSource, Streets};

/// Why the streets of a scenario cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StreetsError {
    /// A folder is none of a network.
    #[error(transparent)]
    Csv(#[from] ImportError),
    /// A file is no network, or a damaged one.
    #[error(transparent)]
    File(#[from] FileError),
    /// No city has that name.
    #[error(transparent)]
    Synthetic(#[from] UnknownCity),
}

impl StreetsError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Csv(_) => "E0401",
            Self::File(_) => "E0402",
            Self::Synthetic(_) => "E0403",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Csv(_) => {
                "`network.csv` is a folder with nodes.csv, edges.csv and perhaps travel_times.csv or .csv.xz"
            }
            Self::File(_) => "`hansom import csv` and `hansom import synthetic` write network files",
            Self::Synthetic(_) => "`network.synthetic` is the name of a procedural city",
        }
    }
}

impl Streets {
    /// The network, and what was left out of it if it was read from a folder. A procedural city is the same for every
    /// seed of the scenario.
    pub fn load(&self) -> Result<(Network, Option<ImportReport>), StreetsError> {
        Ok(match &self.source {
            StreetSource::Csv(folder) => {
                let (network, report) = csv::read(folder, self.speed.0 as f64 / 1000.0)?;
                (network, Some(report))
            }
            StreetSource::File(path) => (Network::open(path)?, None),
            StreetSource::Synthetic(name) => (synthetic::city(name, synthetic::DEFAULT_SEED)?, None),
        })
    }
}
