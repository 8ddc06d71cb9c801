//! The crossings around a place in order of travel time toward it: for those who want the nearest few of many.
//!
//! Dijkstra's search on the reversed network, that stops when its caller has enough.

use super::Times;
use crate::network::{EdgeId, Network, NodeId, Position};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A search that can be repeated. What an earlier one found does not change a later one's answer.
#[derive(Debug)]
pub(super) struct Near {
    first_in: Vec<u32>,
    /// The edges that end at a node, side by side: where they start, and which they are.
    into: Vec<(u32, u32)>,
    ms: Vec<u32>,
    reached: Vec<u32>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Near {
    /// A search on `network`.
    pub fn new(network: &Network) -> Self {
        let (nodes, edges) = (network.node_count(), network.edge_count());
        let mut first_in = vec![0_u32; nodes + 1];
        for &to in network.to() {
            first_in[to as usize + 1] += 1;
        }
        for node in 0..nodes {
            first_in[node + 1] += first_in[node];
        }
        let mut next = first_in.clone();
        let mut into = vec![(0, 0); edges];
        for edge in 0..edges {
            let slot = &mut next[network.to()[edge] as usize];
            into[*slot as usize] = (network.from()[edge], edge as u32);
            *slot += 1;
        }
        Self { first_in, into, ms: vec![u32::MAX; nodes], reached: Vec::new(), heap: BinaryHeap::new() }
    }

    /// Visits crossings with their travel time in ms to `to`, nearest first, equal ones by number, until `visit` says
    /// `false`.
    pub fn toward(&mut self, times: &Times, to: Position, mut visit: impl FnMut(NodeId, u32) -> bool) {
        let network = times.network();
        let weights = network.times_ms(times.version());
        for node in self.reached.drain(..) {
            self.ms[node as usize] = u32::MAX;
        }
        self.heap.clear();
        let driven = |edge: EdgeId, along: u16| ((u64::from(weights[edge.0 as usize]) * u64::from(along)) >> 16) as u32;
        self.reach(network.from()[to.edge.0 as usize], driven(to.edge, to.along));
        if let Some(twin) = network.twin(to.edge) {
            self.reach(network.from()[twin.0 as usize], driven(twin, u16::MAX - to.along));
        }
        while let Some(Reverse((ms, node))) = self.heap.pop() {
            if ms > self.ms[node as usize] {
                continue;
            }
            if !visit(NodeId(node), ms) {
                return;
            }
            for slot in self.first_in[node as usize]..self.first_in[node as usize + 1] {
                let (tail, edge) = self.into[slot as usize];
                self.reach(tail, ms.saturating_add(weights[edge as usize]));
            }
        }
    }

    fn reach(&mut self, node: u32, ms: u32) {
        let best = &mut self.ms[node as usize];
        if ms < *best {
            if *best == u32::MAX {
                self.reached.push(node);
            }
            *best = ms;
            self.heap.push(Reverse((ms, node)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{WeightsVersion, sample};
    use crate::route::{Dijkstra, Router};
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Every crossing once, at the oracle's time, in order; a search cut short leaves nothing behind.
        #[test]
        fn crossings_come_in_order_of_time(seed in any::<u64>(), nodes in 2..40_u32, edge in any::<u32>(), along in any::<u16>()) {
            let network = Arc::new(sample::town(seed, nodes, 1));
            let times = Router::new(network.clone()).times(WeightsVersion(0));
            let to = Position { edge: EdgeId(edge % network.edge_count() as u32), along };
            let oracle = Dijkstra::new(&network, WeightsVersion(0));
            let mut near = Near::new(&network);
            near.toward(&times, Position { edge: EdgeId(0), along: 9 }, |_, ms| ms < 5_000);
            let mut seen = Vec::new();
            near.toward(&times, to, |node, ms| { seen.push((ms, node)); true });
            prop_assert!(seen.is_sorted());
            prop_assert_eq!(seen.len(), network.node_count());
            let weights = network.times_ms(WeightsVersion(0));
            let entry = |edge: EdgeId, along: u16| {
                let driven = ((u64::from(weights[edge.0 as usize]) * u64::from(along)) >> 16) as u32;
                let to_start = oracle.to_node(NodeId(network.from()[edge.0 as usize]));
                to_start.into_iter().map(|ms| ms + driven).collect::<Vec<_>>()
            };
            let own = entry(to.edge, to.along);
            let turned = network.twin(to.edge).map(|twin| entry(twin, u16::MAX - to.along));
            for (ms, node) in seen {
                let by_twin = turned.as_ref().map_or(u32::MAX, |turned| turned[node.0 as usize]);
                prop_assert_eq!(ms, own[node.0 as usize].min(by_twin));
            }
        }
    }
}
