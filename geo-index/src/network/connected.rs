//! Whether all nodes reach each other.

/// A node that `hub` does not reach along `edges`, if there is one. `first[v]..first[v + 1]` are the indices of the
/// edges that leave `v`, `head` says where each goes.
fn unreached(first: &[u32], edges: impl Fn(usize) -> u32) -> Option<usize> {
    let mut seen = vec![false; first.len() - 1];
    let mut open = vec![0];
    seen[0] = true;
    while let Some(node) = open.pop() {
        for edge in first[node] as usize..first[node + 1] as usize {
            let next = edges(edge) as usize;
            if !seen[next] {
                seen[next] = true;
                open.push(next);
            }
        }
    }
    seen.iter().position(|&seen| !seen)
}

/// Where two nodes fail to reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The node that node 0 does not reach, or that does not reach node 0.
    pub node: usize,
    /// Whether the way from node 0 is the missing one.
    pub outward: bool,
}

/// The first gap in the network, if it is not strongly connected: searches from node 0, forth and back.
pub(crate) fn gap(first_out: &[u32], from: &[u32], to: &[u32]) -> Option<Gap> {
    if let Some(node) = unreached(first_out, |edge| to[edge]) {
        return Some(Gap { node, outward: true });
    }
    let (first_in, into) = incoming(first_out.len() - 1, to);
    unreached(&first_in, |i| from[into[i] as usize]).map(|node| Gap { node, outward: false })
}

/// The edges that enter each node, as (first, edges) by counting sort: those of `v` are `edges[first[v]..first[v + 1]]`,
/// ascending.
pub(crate) fn incoming(nodes: usize, to: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let first = starts(nodes, to);
    let mut next = first.clone();
    let mut edges = vec![0; to.len()];
    for (edge, &to) in to.iter().enumerate() {
        let slot = &mut next[to as usize];
        edges[*slot as usize] = edge as u32;
        *slot += 1;
    }
    (first, edges)
}

/// How many of `keys` are below each node: where the run of each starts in sorted order, and the end of the last.
pub(crate) fn starts(nodes: usize, keys: &[u32]) -> Vec<u32> {
    let mut first = vec![0; nodes + 1];
    for &key in keys {
        first[key as usize + 1] += 1;
    }
    for node in 0..nodes {
        first[node + 1] += first[node];
    }
    first
}
