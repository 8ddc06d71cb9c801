//! What is wrong with a folder of streets.

use std::io;
use std::path::PathBuf;

use crate::network::NetworkError;

/// Why a network was not imported, or not exported. Lines count from 1, the header is line 1.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `write`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file that every network has.
    #[error("{} is missing; a network folder holds nodes.csv, edges.csv and perhaps travel_times.csv or travel_times.csv.xz", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// Two files where one is meant.
    #[error("{} and {} both exist; remove one of them", one.display(), other.display())]
    Ambiguous {
        /// One file.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A header that lacks a column.
    #[error("{}:1: there is no column `{column}`; the first line must name {expected}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// All columns of such a file.
        expected: &'static str,
    },
    /// A line that is shorter or longer than the first.
    #[error("{}:{line}: {given} fields, but the first line names {expected}", path.display())]
    Fields {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Number of its fields.
        given: u64,
        /// Number of columns.
        expected: u64,
    },
    /// A field that cannot be meant.
    #[error("{}:{line}: {field} is `{value}`; {remedy}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What should stand there.
        remedy: String,
    },
    /// A hole in the profile.
    #[error("{}: edge {edge} has no travel time for {day_type}, hour {hour}; give every edge one for each of weekday, saturday, sunday and hours 0 to 23", path.display())]
    MissingTime {
        /// The file.
        path: PathBuf,
        /// The edge.
        edge: u64,
        /// The day type.
        day_type: &'static str,
        /// The hour.
        hour: usize,
    },
    /// A speed that nothing drives at.
    #[error("a speed of {given} m/s is not between 0.1 and 100")]
    Speed {
        /// The speed.
        given: f64,
    },
    /// Streets that make no network.
    #[error("{}: {source}", folder.display())]
    Network {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        source: NetworkError,
    },
}
