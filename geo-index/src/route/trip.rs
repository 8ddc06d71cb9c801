//! The ends of a trip: by which edges a position can be left and reached, and which of the ways is taken.

use super::Path;
use crate::network::{EdgeId, Network, NodeId, Position};

/// The part of an edge's time, or length, that lies before `along`.
#[inline]
pub(super) fn part(whole: u32, along: u16) -> u32 {
    ((u64::from(whole) * u64::from(along)) >> 16) as u32
}

/// The same place on the other edge of a two-way street.
pub(super) fn turned(network: &Network, position: Position) -> Option<Position> {
    network.twin(position.edge).map(|edge| Position { edge, along: u16::MAX - position.along })
}

/// The edges, and places on them, by which a position can be left or reached, its own first.
pub(super) fn sides(network: &Network, position: Position) -> impl Iterator<Item = Position> + Clone + use<> {
    std::iter::once(position).chain(turned(network, position))
}

/// One way to make a trip, up to what happens between nodes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Along a single edge.
    Stay { from: Position, along: u16 },
    /// To the end of the edge of `from`, then over the network to the start of the edge of `to`.
    Leave { from: Position, to: Position },
}

impl Way {
    /// The start of its last edge.
    pub fn reaches(self, network: &Network) -> NodeId {
        match self {
            Self::Stay { from: last, .. } | Self::Leave { to: last, .. } => start(network, last.edge),
        }
    }
}

/// The least time in ms of the ways from `from` to `to` that stay on one edge, of either side.
pub(super) fn staying(network: &Network, times_ms: &[u32], from: Position, to: Position) -> Option<(u32, Way)> {
    let pairs = sides(network, from).flat_map(|from| sides(network, to).map(move |to| (from, to)));
    let stays = pairs.filter(|(from, to)| from.edge == to.edge && from.along <= to.along).map(|(from, to)| {
        let whole = times_ms[from.edge.0 as usize];
        (part(whole, to.along) - part(whole, from.along), Way::Stay { from, along: to.along })
    });
    stays.min_by_key(|&(ms, _)| ms)
}

/// The way to take from `from` to `to` and its time in ms; `between` is the time from node to node.
///
/// Of equal ones the first: those that stay before those that leave, and each in order of the sides.
pub(super) fn choose(
    network: &Network,
    times_ms: &[u32],
    from: Position,
    to: Position,
    mut between: impl FnMut(NodeId, NodeId) -> u32,
) -> (u32, Way) {
    let mut best = staying(network, times_ms, from, to).unwrap_or((u32::MAX, Way::Leave { from, to }));
    for from in sides(network, from) {
        for to in sides(network, to) {
            let (whole, last) = (times_ms[from.edge.0 as usize], times_ms[to.edge.0 as usize]);
            let middle = between(end(network, from.edge), start(network, to.edge));
            let ms = (whole - part(whole, from.along)).saturating_add(middle).saturating_add(part(last, to.along));
            if ms < best.0 {
                best = (ms, Way::Leave { from, to });
            }
        }
    }
    best
}

/// Writes the path of `way`, which takes `ms`; `toward` gives the time from any node to the start of its last edge.
pub(super) fn follow(
    network: &Network,
    times_ms: &[u32],
    (ms, way): (u32, Way),
    path: &mut Path,
    mut toward: impl FnMut(NodeId) -> u32,
) {
    path.edges.clear();
    path.ms = ms;
    let (from, to) = match way {
        Way::Stay { from, along } => (from, Position { edge: from.edge, along }),
        Way::Leave { from, to } => (from, to),
    };
    (path.first_along, path.last_along) = (from.along, to.along);
    if ms == u32::MAX {
        return;
    }
    path.edges.push(from.edge);
    if matches!(way, Way::Stay { .. }) {
        return;
    }
    let (mut node, mut last, target) = (end(network, from.edge), None, start(network, to.edge));
    let mut left = toward(node);
    while node != target {
        let next = network.out_edges(node).find_map(|edge| {
            let (head, rest) = (end(network, edge), left.checked_sub(times_ms[edge.0 as usize])?);
            // Never straight back: that need not even be asked.
            (Some(head) != last && toward(head) == rest).then_some((edge, head, rest))
        });
        let (edge, head, rest) = next.expect("a shortest way goes on by one of the edges");
        path.edges.push(edge);
        (last, node, left) = (Some(node), head, rest);
    }
    path.edges.push(to.edge);
}

/// Where an edge starts.
pub(super) fn start(network: &Network, edge: EdgeId) -> NodeId {
    NodeId(network.from()[edge.0 as usize])
}

/// Where an edge ends.
pub(super) fn end(network: &Network, edge: EdgeId) -> NodeId {
    NodeId(network.to()[edge.0 as usize])
}
