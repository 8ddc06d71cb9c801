//! The oracle: Dijkstra's algorithm, kept plain.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::trip::{choose, end, follow, part, sides, start, staying};
use super::{Path, TravelTimes};
use crate::network::{EdgeId, Network, NodeId, Position, WeightsVersion};

/// Travel times by searching anew for each pair: slow, obvious, and what the fast ones are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Dijkstra<'a> {
    network: &'a Network,
    times_ms: &'a [u32],
}

impl<'a> Dijkstra<'a> {
    /// Travel times on `network` under `version`.
    pub fn new(network: &'a Network, version: WeightsVersion) -> Self {
        Self { network, times_ms: network.times_ms(version) }
    }

    /// Travel times in ms from `node` to every node.
    pub fn from_node(&self, node: NodeId) -> Vec<u32> {
        self.search(&[(node, 0)])
    }

    /// Travel times in ms from every node to `node`.
    pub fn to_node(&self, node: NodeId) -> Vec<u32> {
        let mut into = vec![Vec::new(); self.network.node_count()];
        for (edge, &to) in (0..).map(EdgeId).zip(self.network.to()) {
            into[to as usize].push(edge);
        }
        let edges_into = |node: NodeId| into[node.0 as usize].iter().map(|&edge| (edge, start(self.network, edge)));
        search(self.times_ms, self.network.node_count(), &[(node, 0)], edges_into)
    }

    /// Travel times in ms to every node, by the best of `starts`, nodes with the time already spent.
    fn search(&self, starts: &[(NodeId, u32)]) -> Vec<u32> {
        let edges_out = |node| self.network.out_edges(node).map(|edge| (edge, end(self.network, edge)));
        search(self.times_ms, self.network.node_count(), starts, edges_out)
    }
}

impl TravelTimes for Dijkstra<'_> {
    fn time(&self, from: Position, to: Position) -> u32 {
        let rest = |side: &Position| {
            let whole = self.times_ms[side.edge.0 as usize];
            (end(self.network, side.edge), whole - part(whole, side.along))
        };
        let starts: Vec<_> = sides(self.network, from).map(|side| rest(&side)).collect();
        let times = self.search(&starts);
        let over = sides(self.network, to).map(|side| {
            let last = part(self.times_ms[side.edge.0 as usize], side.along);
            times[start(self.network, side.edge).0 as usize].saturating_add(last)
        });
        let stay = staying(self.network, self.times_ms, from, to).map(|(ms, _)| ms);
        over.chain(stay).min().unwrap_or(u32::MAX)
    }

    fn path(&self, from: Position, to: Position, path: &mut Path) {
        let times: Vec<_> = sides(self.network, to)
            .map(|side| start(self.network, side.edge))
            .map(|node| (node, self.to_node(node)))
            .collect();
        let toward = |node: NodeId, target: NodeId| {
            let (_, times) = times.iter().find(|(node, _)| *node == target).expect("a side of the target starts there");
            times[node.0 as usize]
        };
        let (ms, way) = choose(self.network, self.times_ms, from, to, toward);
        let target = way.reaches(self.network);
        follow(self.network, self.times_ms, (ms, way), path, |node| toward(node, target));
    }
}

/// Dijkstra's algorithm; `next` gives the edges to go on by and the nodes they lead to.
fn search<I: Iterator<Item = (EdgeId, NodeId)>>(
    times_ms: &[u32],
    nodes: usize,
    starts: &[(NodeId, u32)],
    next: impl Fn(NodeId) -> I,
) -> Vec<u32> {
    let mut best = vec![u32::MAX; nodes];
    let mut open = BinaryHeap::new();
    for &(node, ms) in starts {
        best[node.0 as usize] = best[node.0 as usize].min(ms);
        open.push(Reverse((ms, node)));
    }
    while let Some(Reverse((ms, node))) = open.pop() {
        if ms > best[node.0 as usize] {
            continue;
        }
        for (edge, head) in next(node) {
            let ms = ms.saturating_add(times_ms[edge.0 as usize]);
            if ms < best[head.0 as usize] {
                best[head.0 as usize] = ms;
                open.push(Reverse((ms, head)));
            }
        }
    }
    best
}
