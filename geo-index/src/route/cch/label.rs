//! Single pairs on networks too large for rows: times from a node to all its ancestors in the elimination tree.
//!
//! A shortest way climbs to some common ancestor of both ends and descends from it; so two such labels decide a pair
//! (Buchhold, Wagner, Zeitz and Zündorf, "Customizable Contraction Hierarchies with Turn Costs", ATMOS 2020, call it the
//! elimination tree query). The ends of an edge are ancestor and descendant, so a position has one label too.

use std::collections::HashMap;

use super::contract::{Hierarchy, NONE};

/// Times between a place and the ancestors of a node, by depth.
#[derive(Debug)]
pub(in crate::route) struct Label {
    /// Rank of the node whose ancestors they are.
    node: u32,
    /// Time in ms for each depth; the last is that of `node` itself.
    times_ms: Vec<u32>,
}

impl Label {
    /// The label of a place that is `ends` = (rank, ms) away from up to two nodes, which have to be ends of one edge.
    ///
    /// `costs` are those of the arcs in the direction that the way is driven when it climbs (for a place to leave) or
    /// descends (for a place to reach).
    pub fn new(hierarchy: &Hierarchy, costs: &[u32], ends: [(u32, u32); 2]) -> Self {
        let node = ends[0].0.min(ends[1].0);
        let depth = |rank: u32| hierarchy.depth[rank as usize] as usize;
        let mut times_ms = vec![u32::MAX; depth(node) + 1];
        for (rank, ms) in ends {
            let at = &mut times_ms[depth(rank)];
            *at = ms.min(*at);
        }
        let mut rank = node;
        while rank != NONE {
            let here = times_ms[depth(rank)];
            if here != u32::MAX {
                for arc in hierarchy.arcs(rank) {
                    let at = &mut times_ms[depth(hierarchy.head[arc])];
                    *at = (*at).min(here.saturating_add(costs[arc]));
                }
            }
            rank = hierarchy.parent[rank as usize];
        }
        Self { node, times_ms }
    }
}

/// The time of the best way from the place of label `from` to the place of label `to` over any node, in ms.
pub(in crate::route) fn meet(hierarchy: &Hierarchy, from: &Label, to: &Label) -> u32 {
    let (mut a, mut b) = (from.node, to.node);
    while a != b {
        // An ancestor has the higher rank, so the lower of two nodes is never the common one.
        let lower = if a < b { &mut a } else { &mut b };
        *lower = hierarchy.parent[*lower as usize];
    }
    let common = hierarchy.depth[a as usize] as usize + 1;
    let sums = from.times_ms[..common].iter().zip(&to.times_ms[..common]).map(|(a, b)| a.saturating_add(*b));
    sums.min().unwrap_or(u32::MAX)
}

/// Times from any node to one place, each computed when asked for and then kept: what a path is followed by.
///
/// Strasser and Zeitz, "A Fast and Tight Heuristic for A* in Road Networks", SEA 2021 (lazy RPHAST).
pub(in crate::route) struct Lazy<'a> {
    hierarchy: &'a Hierarchy,
    up: &'a [u32],
    target: Label,
    /// Only looked up, never gone through.
    known: HashMap<u32, u32>,
    /// Nodes whose times are being computed, the lowest first.
    climb: Vec<u32>,
}

impl<'a> Lazy<'a> {
    /// Times to the place of label `target`, on arcs that cost `up` to climb.
    pub fn new(hierarchy: &'a Hierarchy, up: &'a [u32], target: Label) -> Self {
        let mut known = HashMap::new();
        let mut rank = target.node;
        let mut path = Vec::new();
        while rank != NONE {
            path.push(rank);
            rank = hierarchy.parent[rank as usize];
        }
        // From the root down, so that what an ancestor reaches by climbing is known before it is needed.
        let mut lazy = Self { hierarchy, up, target, known: HashMap::new(), climb: Vec::new() };
        for &rank in path.iter().rev() {
            let own = lazy.target.times_ms[hierarchy.depth[rank as usize] as usize];
            known.insert(rank, lazy.by_climbing(rank, own, &known));
        }
        lazy.known = known;
        lazy
    }

    /// The time from the node of rank `rank` in ms.
    pub fn time(&mut self, rank: u32) -> u32 {
        let mut next = rank;
        while next != NONE && !self.known.contains_key(&next) {
            self.climb.push(next);
            next = self.hierarchy.parent[next as usize];
        }
        while let Some(rank) = self.climb.pop() {
            let time = self.by_climbing(rank, u32::MAX, &self.known);
            self.known.insert(rank, time);
        }
        self.known[&rank]
    }

    fn by_climbing(&self, rank: u32, own: u32, known: &HashMap<u32, u32>) -> u32 {
        let over = |arc: usize| self.up[arc].saturating_add(known[&self.hierarchy.head[arc]]);
        self.hierarchy.arcs(rank).map(over).fold(own, u32::min)
    }
}
