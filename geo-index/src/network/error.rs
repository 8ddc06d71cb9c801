//! What is wrong with the parts of a network, or with its file.

use std::io;
use std::path::PathBuf;

/// Why [`Network::new`](super::Network::new) refused its parts. Nodes and edges are named by their ids in the source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A network without streets.
    #[error("the network has no edge; give at least one street")]
    NoEdges,
    /// A table that does not fit the others.
    #[error("`{table}` has {given} entries where {expected} belong")]
    Length {
        /// Name of the field of [`Parts`](super::Parts).
        table: &'static str,
        /// Its length.
        given: usize,
        /// The length it should have.
        expected: usize,
    },
    /// More nodes or edges than ids.
    #[error("{given} {what} are more than the {limit} that a network can hold; cut the region into several markets")]
    TooMany {
        /// `nodes` or `edges`.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many there may be.
        limit: usize,
    },
    /// An edge that starts or ends nowhere.
    #[error("edge {edge} names node index {node}, but there are only {nodes} nodes")]
    NodeOutOfRange {
        /// Source id of the edge.
        edge: u64,
        /// The index it names.
        node: u32,
        /// Number of nodes.
        nodes: usize,
    },
    /// Edges out of order.
    #[error("edge {edge} comes after an edge with a greater (from, to); sort the edges by (from, to)")]
    Unsorted {
        /// Source id of the edge.
        edge: u64,
    },
    /// A travel time of nothing, or one that no sum could hold.
    #[error("edge {edge} takes {time_ms} ms in weights version {version}; a travel time is 1 to {limit} ms", limit = super::graph::MAX_TIME_MS)]
    Time {
        /// Source id of the edge.
        edge: u64,
        /// The weights version.
        version: usize,
        /// The time.
        time_ms: u32,
    },
    /// Neither one set of times nor a whole profile.
    #[error(
        "there are {given} travel times for {edges} edges; give 1 set, or a profile of 72 (3 day types × 24 hours)"
    )]
    Versions {
        /// Number of travel times.
        given: usize,
        /// Number of edges.
        edges: usize,
    },
    /// A coordinate off the map.
    #[error("node {node} at latitude {lat}, longitude {lon} (1e-7 degrees) is not within ±85 and ±180 degrees")]
    Coordinate {
        /// Source id of the node.
        node: u64,
        /// Its latitude.
        lat: i32,
        /// Its longitude.
        lon: i32,
    },
    /// A region too wide for one flat map.
    #[error("node {node} is more than {limit_km} km from the middle of the network; is a coordinate wrong, or latitude and longitude swapped?", limit_km = super::graph::MAX_EXTENT_MM / 1_000_000)]
    TooWide {
        /// Source id of the node.
        node: u64,
    },
    /// Parts that do not reach each other.
    #[error("node {node} cannot {way} node {hub}; keep only the largest strongly connected part (`import::clean`)", way = if *.outward { "be reached from" } else { "reach" })]
    Unreachable {
        /// Source id of the node.
        node: u64,
        /// Source id of the network's first node.
        hub: u64,
        /// Whether the way from the hub to the node is missing; else the way back.
        outward: bool,
    },
}

/// Why a network file was not opened, or not written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `open` or `write`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than a network file.
    #[error("{} is not a Hansom network file; make one with `hansom import`", path.display())]
    NotANetwork {
        /// The file.
        path: PathBuf,
    },
    /// A layout of another version.
    #[error("{} is a network file of version {given}, this Hansom reads version {known}; use the Hansom that wrote it, or import the network again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        given: u32,
        /// The version that can be read.
        known: u32,
    },
    /// The end is missing.
    #[error("{} is cut off: it has {length} of {expected} bytes; copy it again, or import the network again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes it has.
        length: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// Bytes that are not what was written.
    #[error("{} is damaged: section `{section}` at byte {offset} does not match its checksum; copy it again, or import the network again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The damaged section, or `header`.
        section: &'static str,
        /// Where it begins.
        offset: u64,
    },
    /// Sections that do not fit together.
    #[error("{} is damaged: section `{section}` {fault} (byte {offset}); copy it again, or import the network again", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// The section, or `header`.
        section: &'static str,
        /// Where the fault is.
        offset: u64,
        /// What is wrong.
        fault: &'static str,
    },
    /// A section that every network has.
    #[error("{} has no section `{section}`; import the network again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The section.
        section: &'static str,
    },
    /// Tables that are sound as bytes and wrong as a network.
    #[error("{} does not hold a sound network: {source}; import the network again", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: NetworkError,
    },
    /// An identity that the tables do not have.
    #[error("{} is damaged: its tables are not the network that its header names; import the network again", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
    },
}
