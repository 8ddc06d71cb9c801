//! In which order to contract the nodes of a road network.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No parent.
const NONE: u32 = u32::MAX;

/// A contraction order of the nodes, good for road networks: the first goes first. Any order gives the same travel
/// times; a good one gives few arcs.
///
/// Least degree first, then re-ordered depth first along the elimination tree: that keeps the arcs, and puts the nodes of
/// one neighbourhood side by side in memory.
pub fn node_order(node_count: usize, from: &[u32], to: &[u32]) -> Vec<u32> {
    let (order, parent) = least_degree_first(neighbours(node_count, from, to));
    depth_first(&order, &parent)
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

/// Contracts the node with the fewest neighbours left, again and again; on the way counts how many levels of contracted
/// nodes each has below it and prefers few, which keeps the elimination tree low. Equal ones go by id.
///
/// Returns the order, and for each node its parent in the elimination tree: the first of its neighbours to go after it.
fn least_degree_first(mut around: Vec<Vec<u32>>) -> (Vec<u32>, Vec<u32>) {
    let score = |degree: usize, level: u32| 2 * degree as u32 + level;
    let mut level = vec![0u32; around.len()];
    let mut current: Vec<u32> = around.iter().map(|list| score(list.len(), 0)).collect();
    let mut heap: BinaryHeap<Reverse<(u32, u32)>> = current.iter().copied().zip(0..).map(Reverse).collect();
    let mut order = Vec::with_capacity(around.len());
    let mut parent = vec![NONE; around.len()];
    let mut merged = Vec::new();
    while let Some(Reverse((key, node))) = heap.pop() {
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
        around[node as usize] = mine;
    }
    let mut rank = vec![0u32; order.len()];
    for (at, &node) in order.iter().enumerate() {
        rank[node as usize] = at as u32;
    }
    for (node, above) in around.iter().enumerate() {
        parent[node] = above.iter().copied().min_by_key(|&other| rank[other as usize]).unwrap_or(NONE);
    }
    (order, parent)
}

/// `order`, a child after the other with all that is below it, parents after their children.
fn depth_first(order: &[u32], parent: &[u32]) -> Vec<u32> {
    // Written from its end: a parent, then the last of its children with everything below it, and so on.
    let mut last_child = vec![NONE; order.len()];
    let mut before = vec![NONE; order.len()];
    let mut roots = Vec::new();
    for &node in order {
        match parent[node as usize] {
            NONE => roots.push(node),
            above => before[node as usize] = std::mem::replace(&mut last_child[above as usize], node),
        }
    }
    let mut out = Vec::with_capacity(order.len());
    let mut open = roots;
    while let Some(node) = open.pop() {
        out.push(node);
        // Pushed from the first child to the last, so that the last is taken next.
        let start = open.len();
        let mut child = last_child[node as usize];
        while child != NONE {
            open.push(child);
            child = before[child as usize];
        }
        open[start..].reverse();
    }
    out.reverse();
    out
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
