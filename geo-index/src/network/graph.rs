//! The network as a forward star: the edges that leave a node lie side by side.

use crate::coord::{Coord, Point, Projection};

/// A crossing; dense, in order of the imported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A directed piece of street between two crossings; dense, ordered by (from, to, order in the imported file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId(pub u32);

/// A place on a street.
///
/// Streets that can be driven both ways are two edges, twins; a position on one of them is also one on the other. A
/// vehicle may turn around anywhere on such a street (the data knows no turn costs); on a one-way street it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The edge.
    pub edge: EdgeId,
    /// How far along it, in 1/65,536 of its length: 0 is its start; its very end is the start of the next edge.
    pub along: u16,
}

/// Which travel times are in force. In a network with a profile: day type × 24 + hour, with day types weekday 0,
/// Saturday 1, Sunday 2; else always 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeightsVersion(pub u16);

/// What a network is made of; [`Network::new`] checks it. Edges are sorted by (from, to).
#[derive(Debug, Clone, Default)]
pub struct Parts {
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

/// A road network, ready for use. All nodes reach each other: the importers keep the largest strongly connected part.
#[derive(Debug)]
pub struct Network {
    coords: Vec<Coord>,
    points: Vec<Point>,
    first_out: Vec<u32>,
    from: Vec<u32>,
    to: Vec<u32>,
    length_mm: Vec<u32>,
    twin: Vec<u32>,
    times_ms: Vec<u32>,
    projection: Projection,
}

impl Network {
    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.coords.len()
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.to.len()
    }

    /// The edges that leave `node`, side by side.
    pub fn out_edges(&self, node: NodeId) -> impl ExactSizeIterator<Item = EdgeId> + use<> {
        let (first, last) = (self.first_out[node.0 as usize], self.first_out[node.0 as usize + 1]);
        (first..last).map(EdgeId)
    }

    /// Start node of each edge.
    pub fn from(&self) -> &[u32] {
        &self.from
    }

    /// End node of each edge.
    pub fn to(&self) -> &[u32] {
        &self.to
    }

    /// Length of an edge in mm.
    pub fn length_mm(&self, edge: EdgeId) -> u32 {
        self.length_mm[edge.0 as usize]
    }

    /// The same street driven the other way, if it may be.
    pub fn twin(&self, edge: EdgeId) -> Option<EdgeId> {
        let twin = self.twin[edge.0 as usize];
        (twin != u32::MAX).then_some(EdgeId(twin))
    }

    /// Number of weights versions: 1, or 72 with a profile (3 day types × 24 hours).
    pub fn version_count(&self) -> usize {
        self.times_ms.len() / self.to.len()
    }

    /// Travel time of every edge in ms under `version`, each at least 1.
    pub fn times_ms(&self, version: WeightsVersion) -> &[u32] {
        let m = self.to.len();
        &self.times_ms[version.0 as usize * m..][..m]
    }

    /// Where a node is on the globe.
    pub fn node_coord(&self, node: NodeId) -> Coord {
        self.coords[node.0 as usize]
    }

    /// Where a node is on the map.
    pub fn node_point(&self, node: NodeId) -> Point {
        self.points[node.0 as usize]
    }

    /// The map of this network.
    pub fn projection(&self) -> Projection {
        self.projection
    }

    /// Where a position is on the map: on the straight line between the ends of its edge.
    pub fn point(&self, position: Position) -> Point {
        let edge = position.edge.0 as usize;
        let (a, b) = (self.points[self.from[edge] as usize], self.points[self.to[edge] as usize]);
        let part = |a: i32, b: i32| a + (((i64::from(b) - i64::from(a)) * i64::from(position.along)) >> 16) as i32;
        Point { x: part(a.x, b.x), y: part(a.y, b.y) }
    }

    /// Where a position is on the globe.
    pub fn coord(&self, position: Position) -> Coord {
        self.projection.coord(self.point(position))
    }

    /// Distance driven from the start of its edge to a position, in mm.
    pub fn driven_mm(&self, position: Position) -> u32 {
        ((u64::from(self.length_mm(position.edge)) * u64::from(position.along)) >> 16) as u32
    }
}
