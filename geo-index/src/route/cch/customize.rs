//! The costs of the arcs under one set of travel times.

use super::Hierarchy;

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
        let heads = hierarchy.heads();
        let (mut up, mut down) = (vec![u32::MAX; heads.len()], vec![u32::MAX; heads.len()]);
        for (slot, &ms) in hierarchy.slots().zip(times_ms) {
            if let Some((arc, downward)) = slot {
                let cost = if downward { &mut down[arc] } else { &mut up[arc] };
                *cost = ms.min(*cost);
            }
        }
        for r in 0..hierarchy.node_count() as u32 {
            let arcs = hierarchy.arcs(r);
            for a in arcs.clone() {
                // The upper ends beyond this one are all among the upper ends of this one, in the same order.
                let mut across = hierarchy.arcs(heads[a]).start;
                for b in a + 1..arcs.end {
                    while heads[across] != heads[b] {
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
            let mut times: Vec<u64> = vec![0; hierarchy.node_count()];
            for r in (0..hierarchy.node_count() as u32).rev() {
                let over = |arc: usize| u64::from(costs[arc]) + times[hierarchy.heads()[arc] as usize];
                times[r as usize] = hierarchy.arcs(r).map(over).min().unwrap_or(0);
            }
            times.into_iter().max().unwrap_or(0)
        };
        farthest(&self.up) + farthest(&self.down)
    }
}
