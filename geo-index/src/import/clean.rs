//! From raw streets to a network: the largest part in which every node reaches every other, in order.

use crate::import::ImportReport;
use crate::network::{Columns, Network, NetworkError, Parts, starts};

/// The network of `parts`, whose edges may be in any order: the largest strongly connected part, the one with the
/// earliest node among equals. The report says what was left out.
pub fn network(parts: Parts) -> Result<(Network, ImportReport), NetworkError> {
    let parts = Columns::from(parts);
    parts.check_shape()?;
    let part = largest_part(parts.coords.len(), &parts.from, &parts.to);
    let mut index = vec![u32::MAX; part.len()];
    let kept_nodes: Vec<usize> = (0..part.len()).filter(|&node| part[node]).collect();
    for (new, &old) in kept_nodes.iter().enumerate() {
        index[old] = new as u32;
    }
    let inside = |&edge: &usize| part[parts.from[edge] as usize] && part[parts.to[edge] as usize];
    let mut edges: Vec<usize> = (0..parts.to.len()).filter(inside).collect();
    edges.sort_unstable_by_key(|&edge| (parts.from[edge], parts.to[edge], edge));
    let versions = parts.times_ms.len() / parts.to.len();
    let report = ImportReport {
        nodes: kept_nodes.len(),
        edges: edges.len(),
        length_mm: edges.iter().map(|&edge| u64::from(parts.length_mm[edge])).sum(),
        versions,
        dropped_nodes: part.len() - kept_nodes.len(),
        dropped_edges: parts.to.len() - edges.len(),
        dropped_example: part.iter().position(|&kept| !kept).map(|node| parts.node_source[node]),
        raised_times: 0,
    };
    let mut times_ms = Vec::with_capacity(versions * edges.len());
    for times in parts.times_ms.chunks_exact(parts.to.len()) {
        times_ms.extend(edges.iter().map(|&edge| times[edge]));
    }
    let network = Network::new(Parts {
        name: parts.name,
        coords: kept_nodes.iter().map(|&node| parts.coords[node]).collect(),
        from: edges.iter().map(|&edge| index[parts.from[edge] as usize]).collect(),
        to: edges.iter().map(|&edge| index[parts.to[edge] as usize]).collect(),
        length_mm: edges.iter().map(|&edge| parts.length_mm[edge]).collect(),
        times_ms,
        node_source: kept_nodes.iter().map(|&node| parts.node_source[node]).collect(),
        edge_source: edges.iter().map(|&edge| parts.edge_source[edge]).collect(),
    })?;
    Ok((network, report))
}

/// Which nodes belong to the largest strongly connected part.
///
/// Tarjan, SIAM Journal on Computing 1 (1972), with an own stack: a long road is a deep search.
fn largest_part(nodes: usize, from: &[u32], to: &[u32]) -> Vec<bool> {
    const UNSEEN: u32 = u32::MAX;
    const COMPLETE: u32 = u32::MAX - 1;
    let first = starts(nodes, from);
    let mut heads = vec![0; to.len()];
    let mut next = first.clone();
    for (&from, &to) in from.iter().zip(to) {
        heads[next[from as usize] as usize] = to;
        next[from as usize] += 1;
    }
    next.copy_from_slice(&first);
    // `low` of a node: the earliest number known to be reachable from it; COMPLETE once its part is known.
    let (mut number, mut low) = (vec![UNSEEN; nodes], vec![UNSEEN; nodes]);
    let (mut path, mut pending) = (Vec::new(), Vec::new());
    let mut largest: (Vec<u32>, u32) = (Vec::new(), UNSEEN);
    let mut count = 0;
    for root in 0..nodes as u32 {
        if number[root as usize] != UNSEEN {
            continue;
        }
        path.push(root);
        while let Some(&node) = path.last() {
            let v = node as usize;
            if number[v] == UNSEEN {
                (number[v], low[v]) = (count, count);
                count += 1;
                pending.push(node);
            }
            if next[v] < first[v + 1] {
                let head = heads[next[v] as usize];
                next[v] += 1;
                match number[head as usize] {
                    UNSEEN => path.push(head),
                    _ if low[head as usize] != COMPLETE => low[v] = low[v].min(number[head as usize]),
                    _ => {}
                }
                continue;
            }
            path.pop();
            if let Some(&parent) = path.last() {
                low[parent as usize] = low[parent as usize].min(low[v]);
            }
            if low[v] == number[v] {
                let start = pending.iter().rposition(|&other| other == node).expect("a node waits until its part ends");
                let part = pending.split_off(start);
                for &node in &part {
                    low[node as usize] = COMPLETE;
                }
                let earliest = part.iter().copied().min().expect("the node itself");
                if (part.len(), std::cmp::Reverse(earliest)) > (largest.0.len(), std::cmp::Reverse(largest.1)) {
                    largest = (part, earliest);
                }
            }
        }
    }
    let mut inside = vec![false; nodes];
    for node in largest.0 {
        inside[node as usize] = true;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every pair by the closure of reachability (Warshall), then the largest class.
    fn oracle(nodes: usize, from: &[u32], to: &[u32]) -> Vec<bool> {
        let mut reach = vec![vec![false; nodes]; nodes];
        (0..nodes).for_each(|v| reach[v][v] = true);
        from.iter().zip(to).for_each(|(&a, &b)| reach[a as usize][b as usize] = true);
        for via in 0..nodes {
            for a in 0..nodes {
                for b in 0..nodes {
                    reach[a][b] |= reach[a][via] && reach[via][b];
                }
            }
        }
        let part = |v: usize| -> Vec<bool> { (0..nodes).map(|w| reach[v][w] && reach[w][v]).collect() };
        let size = |part: &Vec<bool>| part.iter().filter(|&&inside| inside).count();
        (0..nodes).map(part).rev().max_by_key(size).expect("at least one node")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]
        #[test]
        fn the_largest_part_equals_the_closure((nodes, edges) in (1_u32..14).prop_flat_map(|n| (Just(n), prop::collection::vec((0..n, 0..n), 0..30)))) {
            let (from, to): (Vec<u32>, Vec<u32>) = edges.into_iter().unzip();
            prop_assert_eq!(largest_part(nodes as usize, &from, &to), oracle(nodes as usize, &from, &to));
        }
    }
}
