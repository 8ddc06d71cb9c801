//! Which arcs the hierarchy has: the network's edges and what contracting the nodes in order adds to them.

/// No parent: the last node of the order.
pub(in crate::route) const NONE: u32 = u32::MAX;

/// The arcs of a contraction hierarchy, by rank of their lower end, without costs.
#[derive(Debug)]
pub(in crate::route) struct Hierarchy {
    /// Rank of each node.
    pub rank: Vec<u32>,
    /// The arcs of the node of rank `r` are `first[r]..first[r + 1]`.
    pub first: Vec<u32>,
    /// Rank of the upper end of each arc, ascending for each lower end.
    pub head: Vec<u32>,
    /// Rank of the parent in the elimination tree: the lowest upper end. All upper ends are ancestors.
    pub parent: Vec<u32>,
    /// Number of ancestors.
    pub depth: Vec<u32>,
    /// For each edge of the network its arc times 2, plus 1 if the edge leads downward; [`NONE`] for a self-loop.
    pub slot: Vec<u32>,
}

impl Hierarchy {
    /// Contracts the nodes in the order `order` (the first goes first), which has to name each of them once.
    ///
    /// Only the upward neighbours of each node are merged into those of its parent, as in symbolic Cholesky factoring:
    /// time and memory in proportion to the arcs.
    pub fn new(order: &[u32], from: &[u32], to: &[u32]) -> Self {
        let rank = inverse(order);
        let n = order.len();
        let mut above: Vec<Vec<u32>> = vec![Vec::new(); n];
        for (&from, &to) in from.iter().zip(to) {
            let (a, b) = (rank[from as usize], rank[to as usize]);
            if a != b {
                above[a.min(b) as usize].push(a.max(b));
            }
        }
        let (mut first, mut head, mut parent) = (Vec::with_capacity(n + 1), Vec::new(), vec![NONE; n]);
        first.push(0);
        for r in 0..n {
            let mut mine = std::mem::take(&mut above[r]);
            mine.sort_unstable();
            mine.dedup();
            if let Some((&lowest, others)) = mine.split_first() {
                parent[r] = lowest;
                above[lowest as usize].extend_from_slice(others);
            }
            head.extend_from_slice(&mine);
            first.push(head.len() as u32);
        }
        let mut depth = vec![0; n];
        for r in (0..n).rev() {
            if parent[r] != NONE {
                depth[r] = depth[parent[r] as usize] + 1;
            }
        }
        let mut hierarchy = Self { rank, first, head, parent, depth, slot: Vec::new() };
        hierarchy.slot = from.iter().zip(to).map(|(&from, &to)| hierarchy.slot_of(from, to)).collect();
        hierarchy
    }

    fn slot_of(&self, from: u32, to: u32) -> u32 {
        let (a, b) = (self.rank[from as usize], self.rank[to as usize]);
        if a == b {
            return NONE;
        }
        let arcs = self.arcs(a.min(b));
        let at = self.head[arcs.clone()].binary_search(&a.max(b)).expect("each edge became an arc");
        (arcs.start + at) as u32 * 2 + u32::from(a > b)
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.parent.len()
    }

    /// The arcs whose lower end has rank `r`.
    #[inline]
    pub fn arcs(&self, r: u32) -> std::ops::Range<usize> {
        self.first[r as usize] as usize..self.first[r as usize + 1] as usize
    }
}

/// Where each node stands in `order`.
fn inverse(order: &[u32]) -> Vec<u32> {
    let mut rank = vec![0; order.len()];
    for (at, &node) in order.iter().enumerate() {
        rank[node as usize] = at as u32;
    }
    rank
}
