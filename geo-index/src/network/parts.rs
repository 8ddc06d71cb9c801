//! What a network is made of, before it is one.

use super::NetworkError;
use super::column::Column;
use super::graph::MAX_TIME_MS;
use crate::coord::Coord;

/// What a network is made of; [`Network::new`](super::Network::new) checks it. Edges are sorted by (from, to).
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// What people call it.
    pub name: String,
    /// Where the nodes are.
    pub coords: Vec<Coord>,
    /// Start node of each edge, ascending.
    pub from: Vec<u32>,
    /// End node of each edge.
    pub to: Vec<u32>,
    /// Length of each edge in mm; at least the air line between its ends is not required.
    pub length_mm: Vec<u32>,
    /// Travel time of each edge in ms, at least 1: one block of all edges per weights version.
    pub times_ms: Vec<u32>,
    /// Ids of the nodes in the imported file.
    pub node_source: Vec<u64>,
    /// Ids of the edges in the imported file.
    pub edge_source: Vec<u64>,
}

/// The tables that make a network, in memory or in its file; the rest follows from them.
#[derive(Debug)]
pub(crate) struct Columns {
    pub name: String,
    pub coords: Column<Coord>,
    pub from: Column<u32>,
    pub to: Column<u32>,
    pub length_mm: Column<u32>,
    pub times_ms: Column<u32>,
    pub node_source: Column<u64>,
    pub edge_source: Column<u64>,
}

impl Columns {
    /// Everything that can be said without walking the streets.
    pub fn check(&self) -> Result<(), NetworkError> {
        self.check_shape()?;
        for (&coord, &node) in self.coords.iter().zip(&*self.node_source) {
            let Coord { lat, lon } = coord;
            if lat.unsigned_abs() > 850_000_000 || lon.unsigned_abs() > 1_800_000_000 {
                return Err(NetworkError::Coordinate { node, lat, lon });
            }
        }
        let pairs = || self.from.iter().zip(&*self.to);
        if let Some(edge) = pairs().zip(pairs().skip(1)).position(|(one, next)| next < one) {
            return Err(NetworkError::Unsorted { edge: self.edge_source[edge + 1] });
        }
        for (version, times) in self.times_ms.chunks_exact(self.to.len()).enumerate() {
            if let Some(edge) = times.iter().position(|&time| !(1..=MAX_TIME_MS).contains(&time)) {
                return Err(NetworkError::Time { edge: self.edge_source[edge], version, time_ms: times[edge] });
            }
        }
        Ok(())
    }

    /// Whether the tables fit each other and name only nodes that exist; edges may be in any order.
    pub fn check_shape(&self) -> Result<(), NetworkError> {
        let (nodes, edges) = (self.coords.len(), self.to.len());
        if edges == 0 {
            return Err(NetworkError::NoEdges);
        }
        for (what, given) in [("nodes", nodes), ("edges", edges)] {
            // The greatest index means "none", and sums of two indices stay in range.
            let limit = i32::MAX as usize;
            if given > limit {
                return Err(NetworkError::TooMany { what, given, limit });
            }
        }
        let lengths = [
            ("from", self.from.len(), edges),
            ("length_mm", self.length_mm.len(), edges),
            ("node_source", self.node_source.len(), nodes),
            ("edge_source", self.edge_source.len(), edges),
        ];
        for (table, given, expected) in lengths {
            if given != expected {
                return Err(NetworkError::Length { table, given, expected });
            }
        }
        if self.times_ms.len() != edges && self.times_ms.len() != 72 * edges {
            return Err(NetworkError::Versions { given: self.times_ms.len(), edges });
        }
        for ((&from, &to), &edge) in self.from.iter().zip(&*self.to).zip(&*self.edge_source) {
            let node = from.max(to);
            if node as usize >= nodes {
                return Err(NetworkError::NodeOutOfRange { edge, node, nodes });
            }
        }
        Ok(())
    }
}

impl From<Parts> for Columns {
    fn from(parts: Parts) -> Self {
        let Parts { name, coords, from, to, length_mm, times_ms, node_source, edge_source } = parts;
        Self {
            name,
            coords: coords.into(),
            from: from.into(),
            to: to.into(),
            length_mm: length_mm.into(),
            times_ms: times_ms.into(),
            node_source: node_source.into(),
            edge_source: edge_source.into(),
        }
    }
}
