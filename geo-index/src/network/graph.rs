//! The network as a forward star: the edges that leave a node lie side by side.

use std::sync::OnceLock;

use super::column::Column;
use super::connected::{gap, starts};
use super::parts::Columns;
use super::segment::Segment;
use super::{NetworkError, Parts};
use crate::coord::{Coord, Point, Projection};
use crate::route::node_order;

/// How far a node may be from the middle of its network, north or east, in mm: squares of distances stay exact.
pub(super) const MAX_EXTENT_MM: i32 = 500_000_000;

/// The longest travel time of an edge in ms, over 11 days: a path of a million such edges still has a sum.
pub(crate) const MAX_TIME_MS: u32 = 1_000_000_000;

/// No edge.
const NONE: u32 = u32::MAX;

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

/// A road network, ready for use. All nodes reach each other: the importers keep the largest strongly connected part.
#[derive(Debug)]
pub struct Network {
    columns: Columns,
    id: [u8; 32],
    points: Vec<Point>,
    first_out: Vec<u32>,
    twin: Vec<u32>,
    projection: Projection,
    segments: Vec<Segment>,
    order: OnceLock<Column<u32>>,
}

impl Network {
    /// The network of `parts`, checked: tables as long as they should be, edges in order and between nodes, times at
    /// least 1 ms, all nodes reaching each other. Edges of length 0, self-loops and duplicate pairs are allowed.
    pub fn new(parts: Parts) -> Result<Self, NetworkError> {
        Self::assemble(parts.into())
    }

    /// Checks the tables and works out what follows from them: the one way to make a network.
    pub(super) fn assemble(columns: Columns) -> Result<Self, NetworkError> {
        columns.check()?;
        let Columns { coords, from, to, node_source, .. } = &columns;
        let projection = Projection::about(middle(coords));
        let points: Vec<Point> = coords.iter().map(|&coord| projection.point(coord)).collect();
        if let Some(node) = points.iter().position(|p| p.x.abs().max(p.y.abs()) > MAX_EXTENT_MM) {
            return Err(NetworkError::TooWide { node: node_source[node] });
        }
        let first_out = starts(coords.len(), from);
        if let Some(gap) = gap(&first_out, from, to) {
            let (node, hub) = (node_source[gap.node], node_source[0]);
            return Err(NetworkError::Unreachable { node, hub, outward: gap.outward });
        }
        let twin = twins(&first_out, from, to);
        let line = |(&a, &b): (&u32, &u32)| Segment::new(points[a as usize], points[b as usize]);
        let segments = from.iter().zip(&**to).map(line).collect();
        Ok(Self { id: columns.id(), columns, points, first_out, twin, projection, segments, order: OnceLock::new() })
    }

    /// In which order a router should contract the nodes: read from the network's file, else worked out when first asked
    /// for, which takes seconds in a network of 264,000 nodes. Travel times and paths do not depend on it.
    pub fn order(&self) -> &[u32] {
        self.order.get_or_init(|| node_order(self.node_count(), self.from(), self.to()).into())
    }

    /// Takes `order` for the answer of [`order`](Self::order), if it names every node once.
    pub(super) fn keep_order(&mut self, order: Column<u32>) -> bool {
        let mut seen = vec![false; self.node_count()];
        let fresh = |&node: &u32| seen.get_mut(node as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        let sound = order.len() == self.node_count() && order.iter().all(fresh);
        if sound {
            self.order = order.into();
        }
        sound
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The network's identity: BLAKE3 over its nodes, edges, lengths, times and source ids. Two networks of one identity
    /// give the same answers.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The identity in 64 hexadecimal digits, as people and reports name it.
    pub fn id_hex(&self) -> String {
        blake3::Hash::from_bytes(self.id).to_hex().to_string()
    }

    /// What people call this network: the imported folder or the procedural city. Not part of its identity.
    pub fn name(&self) -> &str {
        &self.columns.name
    }

    /// Id of a node in the imported file.
    pub fn node_source(&self, node: NodeId) -> u64 {
        self.columns.node_source[node.0 as usize]
    }

    /// Id of an edge in the imported file.
    pub fn edge_source(&self, edge: EdgeId) -> u64 {
        self.columns.edge_source[edge.0 as usize]
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.columns.coords.len()
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.columns.to.len()
    }

    /// The edges that leave `node`, side by side.
    pub fn out_edges(&self, node: NodeId) -> impl ExactSizeIterator<Item = EdgeId> + use<> {
        let (first, last) = (self.first_out[node.0 as usize], self.first_out[node.0 as usize + 1]);
        (first..last).map(EdgeId)
    }

    /// Start node of each edge.
    pub fn from(&self) -> &[u32] {
        &self.columns.from
    }

    /// End node of each edge.
    pub fn to(&self) -> &[u32] {
        &self.columns.to
    }

    /// Length of an edge in mm.
    pub fn length_mm(&self, edge: EdgeId) -> u32 {
        self.columns.length_mm[edge.0 as usize]
    }

    /// The same street driven the other way, if it may be.
    pub fn twin(&self, edge: EdgeId) -> Option<EdgeId> {
        let twin = self.twin[edge.0 as usize];
        (twin != NONE).then_some(EdgeId(twin))
    }

    /// Number of weights versions: 1, or 72 with a profile (3 day types × 24 hours).
    pub fn version_count(&self) -> usize {
        self.columns.times_ms.len() / self.columns.to.len()
    }

    /// Travel time of every edge in ms under `version`, each at least 1.
    pub fn times_ms(&self, version: WeightsVersion) -> &[u32] {
        let m = self.columns.to.len();
        &self.columns.times_ms[version.0 as usize * m..][..m]
    }

    /// Where a node is on the globe.
    pub fn node_coord(&self, node: NodeId) -> Coord {
        self.columns.coords[node.0 as usize]
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
        self.segments[position.edge.0 as usize].at(position.along)
    }

    /// The place on `edge` that is nearest to `point`: how far along, as in [`Position`], and the squared distance to
    /// [`point`](Self::point) of it in mm². On the straight line between the ends; a few nanoseconds.
    #[inline]
    pub fn project(&self, edge: EdgeId, point: Point) -> (u16, u64) {
        self.segments[edge.0 as usize].nearest(point)
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

/// The middle of the box around `coords`.
fn middle(coords: &[Coord]) -> Coord {
    let middle = |of: fn(&Coord) -> i32| {
        let (low, high) = (coords.iter().map(of).min().unwrap_or(0), coords.iter().map(of).max().unwrap_or(0));
        i64::midpoint(low.into(), high.into()) as i32
    };
    Coord { lat: middle(|c| c.lat), lon: middle(|c| c.lon) }
}

/// The first edge the other way for each edge, [`NONE`] where there is none. A self-loop has no other way.
fn twins(first_out: &[u32], from: &[u32], to: &[u32]) -> Vec<u32> {
    let twin = |(&from, &other): (&u32, &u32)| {
        let back = first_out[other as usize] as usize..first_out[other as usize + 1] as usize;
        let at = back.start + to[back.clone()].partition_point(|&to| to < from);
        if from != other && at < back.end && to[at] == from { at as u32 } else { NONE }
    };
    from.iter().zip(to).map(twin).collect()
}
