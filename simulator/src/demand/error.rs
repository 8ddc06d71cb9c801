//! Why there is no demand.

use std::io;
use std::path::PathBuf;

use super::row::RowFault;

/// Why the requests of a scenario cannot be had. Lines count from 1, the header is line 1.
#[derive(Debug, thiserror::Error)]
pub enum DemandError {
    /// The system refused, or a compressed file is damaged.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The first line lacks a column.
    #[error("{}:1: there is no column {missing}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The columns it lacks.
        missing: String,
    },
    /// A request that is older than the one before it.
    #[error("{}:{line}: the request is of {time}, before that of line {line_before}, {time_before}", path.display())]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Its time, as it stands there.
        time: String,
        /// The line of the request before it.
        line_before: u64,
        /// The time of that, as it stands there.
        time_before: String,
    },
    /// No row is a request.
    #[error("none of the {rows} rows of {} is a request; line {line}: {fault}", path.display())]
    NoRequest {
        /// The file.
        path: PathBuf,
        /// How many rows it has.
        rows: usize,
        /// The first.
        line: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// No request is of the period.
    #[error("no request of {} is of the period from {start} until before {end}; they are of {first} to {last}", path.display())]
    OutsidePeriod {
        /// The file.
        path: PathBuf,
        /// The period's start.
        start: String,
        /// Its end.
        end: String,
        /// The first request's time, as it stands there.
        first: String,
        /// The last one's.
        last: String,
    },
    /// A zone without a street.
    #[error("zone `{zone}` has no street within {radius_m} m of {lat}, {lon}")]
    NoStreet {
        /// Its name.
        zone: String,
        /// Its reach.
        radius_m: i64,
        /// Its middle.
        lat: f64,
        /// Its middle.
        lon: f64,
    },
}

impl DemandError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "E0301",
            Self::Header { .. } => "E0302",
            Self::OutOfOrder { .. } => "E0303",
            Self::NoRequest { .. } => "E0304",
            Self::OutsidePeriod { .. } => "E0305",
            Self::NoStreet { .. } => "E0306",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "a request file is CSV text, plain or compressed with xz",
            Self::Header { .. } => {
                "the first line names request_time, pickup_lat, pickup_lon, dropoff_lat, dropoff_lon and perhaps passengers"
            }
            Self::OutOfOrder { .. } => "sort the rows by request_time",
            Self::NoRequest { .. } => {
                "a row is a time in RFC 3339 with offset, four coordinates in decimal degrees and perhaps a number of passengers"
            }
            Self::OutsidePeriod { .. } => "set `period.start` and `period.end` to a part of the file",
            Self::NoStreet { .. } => "move the zone onto the network, or enlarge its `radius_m`",
        }
    }
}
