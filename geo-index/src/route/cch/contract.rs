//! Which arcs the hierarchy has: the network's edges and what contracting the nodes in order adds to them.

use std::ops::Range;

/// No node, no arc.
pub(super) const NONE: u32 = u32::MAX;

/// The arcs of a contraction hierarchy, by rank of their lower end, without costs.
///
/// Ranks go depth first along the elimination tree: all below a node, and nothing else, comes right before it.
#[derive(Debug)]
pub(in crate::route) struct Hierarchy {
    rank: Vec<u32>,
    tree: Tree,
    /// Number of ancestors of each node.
    depth: Vec<u32>,
    /// The lowest rank below each node, or its own.
    lowest: Vec<u32>,
    /// For each edge of the network its arc times 2, plus 1 if the edge leads downward; [`NONE`] for a self-loop.
    slot: Vec<u32>,
}

/// The arcs upward from each node and, implied by them, the elimination tree.
#[derive(Debug)]
struct Tree {
    /// The arcs of the node of rank `r` are `first[r]..first[r + 1]`.
    first: Vec<u32>,
    /// Rank of the upper end of each arc, ascending for each lower end. All are ancestors, the first is the parent.
    head: Vec<u32>,
}

impl Hierarchy {
    /// Contracts the nodes in the order `order`, the first first, or in one that has the same arcs.
    ///
    /// # Panics
    ///
    /// If `order` does not name each node once.
    pub fn new(order: &[u32], from: &[u32], to: &[u32]) -> Self {
        let order = depth_first(order, &Tree::new(&inverse(order), from, to));
        let rank = inverse(&order);
        let tree = Tree::new(&rank, from, to);
        let n = order.len();
        let (mut depth, mut lowest): (Vec<u32>, Vec<u32>) = (vec![0; n], (0..n as u32).collect());
        for r in 0..n {
            if let Some(parent) = tree.parent(r as u32) {
                lowest[parent as usize] = lowest[parent as usize].min(lowest[r]);
            }
        }
        for r in (0..n).rev() {
            depth[r] = tree.parent(r as u32).map_or(0, |parent| depth[parent as usize] + 1);
        }
        let slot = from.iter().zip(to).map(|(&from, &to)| tree.slot(rank[from as usize], rank[to as usize])).collect();
        Self { rank, tree, depth, lowest, slot }
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.rank.len()
    }

    /// Rank of a node of the network.
    #[inline]
    pub fn rank(&self, node: u32) -> u32 {
        self.rank[node as usize]
    }

    /// The arcs whose lower end has rank `r`.
    #[inline]
    pub fn arcs(&self, r: u32) -> Range<usize> {
        self.tree.arcs(r)
    }

    /// Rank of the upper end of each arc.
    #[inline]
    pub fn heads(&self) -> &[u32] {
        &self.tree.head
    }

    /// The parent in the elimination tree; none of its root.
    #[inline]
    pub fn parent(&self, r: u32) -> Option<u32> {
        self.tree.parent(r)
    }

    /// Number of ancestors in the elimination tree.
    #[inline]
    pub fn depth(&self, r: u32) -> usize {
        self.depth[r as usize] as usize
    }

    /// Whether `above` is an ancestor of `r`, or `r` itself.
    #[inline]
    pub fn is_above(&self, above: u32, r: u32) -> bool {
        (self.lowest[above as usize]..=above).contains(&r)
    }

    /// Number of nodes below `r`, itself included.
    #[inline]
    pub fn size(&self, r: u32) -> usize {
        (r - self.lowest[r as usize]) as usize + 1
    }

    /// For each edge of the network its arc and whether it leads downward; none for a self-loop.
    pub fn slots(&self) -> impl Iterator<Item = Option<(usize, bool)>> {
        self.slot.iter().map(|&slot| (slot != NONE).then_some((slot as usize / 2, slot % 2 == 1)))
    }
}

impl Tree {
    /// Only the upward neighbours of each node are merged into those of its parent, as in symbolic Cholesky factoring: time
    /// and memory in proportion to the arcs.
    fn new(rank: &[u32], from: &[u32], to: &[u32]) -> Self {
        let n = rank.len();
        let mut above: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (&from, &to) in from.iter().zip(to) {
            let (a, b) = (rank[from as usize], rank[to as usize]);
            if a != b {
                above[a.min(b) as usize].push(a.max(b));
            }
        }
        let (mut first, mut head) = (Vec::with_capacity(n + 1), Vec::new());
        first.push(0);
        for r in 0..n {
            let mut mine = std::mem::take(&mut above[r]);
            mine.sort_unstable();
            mine.dedup();
            if let Some((&parent, others)) = mine.split_first() {
                above[parent as usize].extend_from_slice(others);
            }
            head.extend_from_slice(&mine);
            first.push(head.len() as u32);
        }
        Self { first, head }
    }

    #[inline]
    fn arcs(&self, r: u32) -> Range<usize> {
        self.first[r as usize] as usize..self.first[r as usize + 1] as usize
    }

    #[inline]
    fn parent(&self, r: u32) -> Option<u32> {
        self.head[self.arcs(r)].first().copied()
    }

    fn slot(&self, from: u32, to: u32) -> u32 {
        if from == to {
            return NONE;
        }
        let arcs = self.arcs(from.min(to));
        let at = self.head[arcs.clone()].binary_search(&from.max(to)).expect("each edge became an arc");
        (arcs.start + at) as u32 * 2 + u32::from(from > to)
    }
}

/// Where each node stands in `order`.
fn inverse(order: &[u32]) -> Vec<u32> {
    let mut rank = vec![NONE; order.len()];
    for (at, &node) in order.iter().enumerate() {
        assert_eq!(rank[node as usize], NONE, "node {node} is twice in the order");
        rank[node as usize] = at as u32;
    }
    rank
}

/// `order` with each node right after all that is below it in `tree`.
fn depth_first(order: &[u32], tree: &Tree) -> Vec<u32> {
    // Lists of children as chains, the last child first. The result is written from its end.
    let (mut last_child, mut earlier) = (vec![NONE; order.len()], vec![NONE; order.len()]);
    let mut open = Vec::new();
    for r in 0..order.len() as u32 {
        match tree.parent(r) {
            Some(parent) => earlier[r as usize] = std::mem::replace(&mut last_child[parent as usize], r),
            None => open.push(r),
        }
    }
    let link = |r: u32| (r != NONE).then_some(r);
    let mut out = Vec::with_capacity(order.len());
    while let Some(r) = open.pop() {
        out.push(order[r as usize]);
        let start = open.len();
        open.extend(std::iter::successors(link(last_child[r as usize]), |&child| link(earlier[child as usize])));
        open[start..].reverse();
    }
    out.reverse();
    out
}
