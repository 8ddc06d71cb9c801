//! In which order to contract the nodes of a road network.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A contraction order of the nodes, good for road networks: the first goes first. Any order gives the same travel
/// times; a good one gives few arcs.
///
/// The node with the fewest neighbours left goes next, again and again. How many levels of contracted nodes each has below
/// it counts too, which keeps the elimination tree low. Equal ones go by id. Near-linear on road networks: 10 ms for 4,000
/// nodes, 0.6 s for 264,000.
pub fn node_order(node_count: usize, from: &[u32], to: &[u32]) -> Vec<u32> {
    let score = |degree: usize, level: u32| 2 * degree as u32 + level;
    let mut around = neighbours(node_count, from, to);
    let mut level = vec![0u32; node_count];
    let mut current: Vec<u32> = around.iter().map(|list| score(list.len(), 0)).collect();
    let mut heap: BinaryHeap<Reverse<(u32, u32)>> = current.iter().copied().zip(0..).map(Reverse).collect();
    let mut order = Vec::with_capacity(node_count);
    let mut merged = Vec::new();
    while let Some(Reverse((key, node))) = heap.pop() {
        // Entries are not taken out when a node's score changes: they are recognised here.
        if current[node as usize] != key {
            continue;
        }
        current[node as usize] = u32::MAX;
        order.push(node);
        let mine = std::mem::take(&mut around[node as usize]);
        for &other in &mine {
            merge_without(&around[other as usize], &mine, node, other, &mut merged);
            std::mem::swap(&mut around[other as usize], &mut merged);
            level[other as usize] = level[other as usize].max(level[node as usize] + 1);
            let key = score(around[other as usize].len(), level[other as usize]);
            if current[other as usize] != key {
                current[other as usize] = key;
                heap.push(Reverse((key, other)));
            }
        }
    }
    order
}

/// The nodes next to each node, ascending, itself left out.
fn neighbours(node_count: usize, from: &[u32], to: &[u32]) -> Vec<Vec<u32>> {
    let mut around: Vec<Vec<u32>> = vec![Vec::new(); node_count];
    for (&a, &b) in from.iter().zip(to).filter(|(a, b)| a != b) {
        around[a as usize].push(b);
        around[b as usize].push(a);
    }
    for list in &mut around {
        list.sort_unstable();
        list.dedup();
    }
    around
}

/// The union of two ascending lists in `out`, without `gone` and `own`.
fn merge_without(a: &[u32], b: &[u32], gone: u32, own: u32, out: &mut Vec<u32>) {
    out.clear();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let (left, right) = (a.get(i).copied().unwrap_or(u32::MAX), b.get(j).copied().unwrap_or(u32::MAX));
        let least = left.min(right);
        i += usize::from(left == least);
        j += usize::from(right == least);
        if least != gone && least != own {
            out.push(least);
        }
    }
}
