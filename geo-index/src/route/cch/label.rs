//! Single pairs on networks too large for rows: times between a node and all its ancestors in the elimination tree.
//!
//! A shortest way climbs to some common ancestor of both ends and descends from it, so two such *labels* decide a pair. A
//! node's label is the least of those of its upper neighbours, each with the arc to it: a few vector instructions an arc.
//! Those of nodes with much below them are kept, so that the others are few steps away. (Buchhold, Wagner, Zeitz and
//! Zündorf, "Customizable Contraction Hierarchies with Turn Costs", ATMOS 2020, for the elimination tree query; Ouyang and
//! others, "When Hierarchy Meets 2-Hop-Labeling", SIGMOD 2018, for labels by depth.)

use std::borrow::Cow;
use std::iter::successors;
use std::mem::{size_of, size_of_val};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Hierarchy, Metric};

/// The labels of one metric, as far as they have been asked for and are kept.
#[derive(Debug)]
pub(in crate::route) struct Labels {
    /// From nodes to their ancestors.
    leaving: Side,
    /// From the ancestors to the nodes.
    reaching: Side,
    /// Labels are kept of nodes that have so many nodes below them, themselves included.
    kept_from: usize,
    held: AtomicUsize,
}

/// Labels in one direction. If one is kept, so are those of all ancestors.
#[derive(Debug)]
struct Side {
    costs: Vec<u32>,
    kept: Box<[OnceLock<Box<[u32]>>]>,
}

/// A place to leave, prepared: times in ms from it to all ancestors of a node.
#[derive(Debug)]
pub(in crate::route) struct Leave {
    node: u32,
    /// Time to each, the root first, the node itself last.
    times_ms: Vec<u32>,
}

/// A place to reach, prepared: times in ms from all ancestors of a node to it.
#[derive(Debug)]
pub(in crate::route) struct Reach {
    /// The ancestors, the root first, the node itself last.
    ancestors: Vec<u32>,
    /// Time from each of them.
    times_ms: Vec<u32>,
}

impl Labels {
    /// No labels yet; at most `room` bytes of them will be kept.
    pub fn new(hierarchy: &Hierarchy, metric: Metric, room: usize) -> Self {
        let side = |costs| Side { costs, kept: (0..hierarchy.node_count()).map(|_| OnceLock::new()).collect() };
        let (leaving, reaching) = (side(metric.up), side(metric.down));
        Self { leaving, reaching, kept_from: kept_from(hierarchy, room), held: AtomicUsize::new(0) }
    }

    /// Bytes of the labels kept.
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Prepares a place that lies `ends` = (rank, ms) before the two ends of an edge, or twice before the same.
    pub fn leave(&self, hierarchy: &Hierarchy, ends: [(u32, u32); 2]) -> Leave {
        let (node, times_ms) = self.place(hierarchy, &self.leaving, ends);
        Leave { node, times_ms }
    }

    /// Prepares a place that lies `ends` = (rank, ms) behind the two ends of an edge, or twice behind the same.
    pub fn reach(&self, hierarchy: &Hierarchy, ends: [(u32, u32); 2]) -> Reach {
        let (node, times_ms) = self.place(hierarchy, &self.reaching, ends);
        let mut ancestors: Vec<u32> = successors(Some(node), |&node| hierarchy.parent(node)).collect();
        ancestors.reverse();
        Reach { ancestors, times_ms }
    }

    /// The time in ms to `target` from a place as in [`leave`](Self::leave), for a single target.
    pub fn time(&self, hierarchy: &Hierarchy, ends: [(u32, u32); 2], target: &Reach) -> u32 {
        let over = |(rank, ms): (u32, u32)| {
            let label = self.label(hierarchy, &self.leaving, rank);
            target.least(hierarchy, rank, &label).saturating_add(ms)
        };
        let [own, turned] = ends;
        if own == turned { over(own) } else { over(own).min(over(turned)) }
    }

    /// The label of a place: the ends of an edge are a node and one of its ancestors, so the lower one has it all.
    fn place(&self, hierarchy: &Hierarchy, side: &Side, [a, b]: [(u32, u32); 2]) -> (u32, Vec<u32>) {
        let (lower, upper) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        let mut times_ms = self.label(hierarchy, side, lower.0).into_owned();
        for ms in &mut times_ms {
            *ms = ms.saturating_add(lower.1);
        }
        if upper != lower {
            relax(&mut times_ms, &self.label(hierarchy, side, upper.0), upper.1);
        }
        (lower.0, times_ms)
    }

    /// Times in ms between the node of rank `rank` and its ancestors, by depth.
    fn label<'a>(&self, hierarchy: &Hierarchy, side: &'a Side, rank: u32) -> Cow<'a, [u32]> {
        match side.kept[rank as usize].get() {
            Some(label) => Cow::Borrowed(label),
            None => self.compute(hierarchy, side, rank),
        }
    }

    #[cold]
    fn compute<'a>(&self, hierarchy: &Hierarchy, side: &'a Side, rank: u32) -> Cow<'a, [u32]> {
        let kept = |node: u32| side.kept[node as usize].get().map(|label| &**label);
        let climb = successors(Some(rank), |&node| hierarchy.parent(node));
        let mut missing: Vec<u32> = climb.take_while(|&node| kept(node).is_none()).collect();
        // Those that are not kept, by depth from the first of them on.
        let mut passing: Vec<Box<[u32]>> = Vec::new();
        let mut passing_from = 0;
        while let Some(node) = missing.pop() {
            let depth = hierarchy.depth(node);
            let mut label = vec![u32::MAX; depth + 1].into_boxed_slice();
            label[depth] = 0;
            for arc in hierarchy.arcs(node) {
                let head = hierarchy.heads()[arc];
                let above = kept(head).unwrap_or_else(|| &passing[hierarchy.depth(head) - passing_from]);
                relax(&mut label, above, side.costs[arc]);
            }
            if hierarchy.size(node) >= self.kept_from {
                side.kept[node as usize].get_or_init(|| {
                    self.held.fetch_add(size_of_val(&*label), Ordering::Relaxed);
                    label
                });
            } else {
                passing_from = depth - passing.len();
                passing.push(label);
            }
        }
        match passing.pop() {
            Some(label) => Cow::Owned(label.into_vec()),
            None => Cow::Borrowed(kept(rank).expect("it was kept just now")),
        }
    }
}

impl Reach {
    /// The time in ms from `from` over any node.
    pub fn time(&self, hierarchy: &Hierarchy, from: &Leave) -> u32 {
        self.least(hierarchy, from.node, &from.times_ms)
    }

    /// The time in ms over any common ancestor with `node`, times to whose ancestors are `leaving_ms`.
    fn least(&self, hierarchy: &Hierarchy, node: u32, leaving_ms: &[u32]) -> u32 {
        let common = self.ancestors.partition_point(|&above| hierarchy.is_above(above, node));
        let sums = leaving_ms.iter().zip(&self.times_ms[..common]).map(|(a, b)| a.saturating_add(*b));
        sums.fold(u32::MAX, u32::min)
    }
}

/// How many nodes a node must have below it for its label to be kept, so that all that are take at most `room` bytes.
fn kept_from(hierarchy: &Hierarchy, room: usize) -> usize {
    let mut bytes_by_size = vec![0; hierarchy.node_count() + 1];
    for node in 0..hierarchy.node_count() as u32 {
        bytes_by_size[hierarchy.size(node)] += 2 * size_of::<u32>() * (hierarchy.depth(node) + 1);
    }
    let mut bytes = 0;
    let too_much = bytes_by_size.iter().rposition(|more| {
        bytes += more;
        bytes > room
    });
    too_much.map_or(0, |size| size + 1)
}

/// Lowers the first of `into` to those of `base` plus `step` where that is less.
fn relax(into: &mut [u32], base: &[u32], step: u32) {
    for (into, base) in into.iter_mut().zip(base) {
        *into = (*into).min(base.saturating_add(step));
    }
}
