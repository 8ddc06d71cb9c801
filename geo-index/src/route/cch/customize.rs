//! The costs of the arcs under one set of travel times.

use super::contract::{Hierarchy, NONE};

/// Travel time of each arc in ms, over nodes of lower rank than both its ends; `u32::MAX` where there is no way.
#[derive(Debug)]
pub(in crate::route) struct Metric {
    /// From the lower end to the upper.
    pub up: Vec<u32>,
    /// From the upper end to the lower.
    pub down: Vec<u32>,
}

impl Metric {
    /// Customises `hierarchy` to `times_ms`, the travel time of each edge of its network.
    ///
    /// Goes through all lower triangles in order of their lowest node: time in proportion to their number.
    pub fn new(hierarchy: &Hierarchy, times_ms: &[u32]) -> Self {
        let arcs = hierarchy.head.len();
        let (mut up, mut down) = (vec![u32::MAX; arcs], vec![u32::MAX; arcs]);
        for (&slot, &time) in hierarchy.slot.iter().zip(times_ms) {
            if slot != NONE {
                let side = if slot & 1 == 0 { &mut up } else { &mut down };
                let arc = &mut side[slot as usize / 2];
                *arc = time.min(*arc);
            }
        }
        for r in 0..hierarchy.node_count() as u32 {
            let arcs = hierarchy.arcs(r);
            for a in arcs.clone() {
                // The upper ends beyond this one are all among the upper ends of this one, in the same order.
                let mut across = hierarchy.arcs(hierarchy.head[a]).start;
                for b in a + 1..arcs.end {
                    while hierarchy.head[across] != hierarchy.head[b] {
                        across += 1;
                    }
                    up[across] = up[across].min(down[a].saturating_add(up[b]));
                    down[across] = down[across].min(down[b].saturating_add(up[a]));
                }
            }
        }
        Self { up, down }
    }

    /// A bound in ms that no shortest way between two nodes exceeds: the farthest way to the top of the hierarchy, and the
    /// farthest from it.
    pub fn longest_ms(&self, hierarchy: &Hierarchy) -> u64 {
        let farthest = |costs: &[u32]| {
            let n = hierarchy.node_count();
            let mut times: Vec<u64> = vec![0; n];
            for r in (0..n.saturating_sub(1)).rev() {
                let over = |arc: usize| u64::from(costs[arc]) + times[hierarchy.head[arc] as usize];
                times[r] = hierarchy.arcs(r as u32).map(over).min().unwrap_or(u64::MAX);
            }
            times.into_iter().max().unwrap_or(0)
        };
        farthest(&self.up).saturating_add(farthest(&self.down))
    }
}
