//! Times from all nodes to 32 targets at once: one pass over the arcs, 32 lanes wide.
//!
//! After Delling, Goldberg, Nowatzyk and Werneck, "PHAST", JPDC 73, 2013, with the lanes laid out so that the compiler
//! turns each step into a few vector instructions.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Hierarchy;

/// Targets of one sweep.
pub(in crate::route) const LANES: usize = 32;

/// A travel time as the sweep counts it: sums stop at `FAR`, which stands for "no way known".
pub(in crate::route) trait Cost: Copy + Ord {
    /// Nothing.
    const ZERO: Self;
    /// Farther than anything.
    const FAR: Self;
    /// The sum, at most [`FAR`](Self::FAR).
    fn plus(self, other: Self) -> Self;
}

impl Cost for u16 {
    const ZERO: Self = 0;
    const FAR: Self = Self::MAX;
    #[inline]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Cost for u32 {
    const ZERO: Self = 0;
    const FAR: Self = Self::MAX;
    #[inline]
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

/// The arcs' costs in the unit of the sweep.
#[derive(Debug)]
pub(in crate::route) struct Sweep<T> {
    /// From the lower end to the upper.
    up: Vec<T>,
    /// From the upper end to the lower.
    down: Vec<T>,
    /// Lanes of sweeps that are over, to use again: what is in them does not matter.
    spare: Mutex<Vec<Vec<[T; LANES]>>>,
}

impl<T: Cost> Sweep<T> {
    /// Sweeps at these costs.
    pub fn new(up: Vec<T>, down: Vec<T>) -> Self {
        Self { up, down, spare: Mutex::default() }
    }

    /// Times from every node to the (at most 32) nodes of ranks `targets`, one row a target: `rows[lane * n + rank]`.
    pub fn rows(&self, hierarchy: &Hierarchy, targets: Range<u32>) -> Box<[T]> {
        let n = hierarchy.node_count();
        let mut lanes = self.spare().pop().unwrap_or_else(|| vec![[T::FAR; LANES]; n]);
        let mut above = ancestors(hierarchy, targets.clone());
        for &r in &above {
            lanes[r as usize] = [T::FAR; LANES];
        }
        for (lane, target) in targets.clone().enumerate() {
            lanes[target as usize][lane] = T::ZERO;
        }
        for &r in &above {
            let here = lanes[r as usize];
            for arc in hierarchy.arcs(r) {
                relax(&mut lanes[hierarchy.heads()[arc] as usize], &here, self.down[arc]);
            }
        }
        for r in (0..n as u32).rev() {
            let mut here = [T::FAR; LANES];
            if above.pop_if(|above| *above == r).is_some() {
                here = lanes[r as usize];
            }
            for arc in hierarchy.arcs(r) {
                relax(&mut here, &lanes[hierarchy.heads()[arc] as usize], self.up[arc]);
            }
            lanes[r as usize] = here;
        }
        let rows = transpose(&lanes, targets.len());
        self.spare().push(lanes);
        rows
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<[T; LANES]>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lowers `into` to `base` plus `step` where that is less, lane by lane.
#[inline]
fn relax<T: Cost>(into: &mut [T; LANES], base: &[T; LANES], step: T) {
    for (into, base) in into.iter_mut().zip(base) {
        *into = (*into).min(base.plus(step));
    }
}

/// `nodes` and all their ancestors in the elimination tree, ascending.
fn ancestors(hierarchy: &Hierarchy, nodes: Range<u32>) -> Vec<u32> {
    let mut seen = vec![false; hierarchy.node_count()];
    let mut all = Vec::new();
    for node in nodes {
        let mut next = Some(node);
        while let Some(node) = next.filter(|&node| !seen[node as usize]) {
            seen[node as usize] = true;
            all.push(node);
            next = hierarchy.parent(node);
        }
    }
    all.sort_unstable();
    all
}

/// Lanes side by side to rows one after another, in strips that stay in the first-level cache.
fn transpose<T: Cost>(lanes: &[[T; LANES]], rows: usize) -> Box<[T]> {
    const STRIP: usize = 64;
    let n = lanes.len();
    let mut out = vec![T::ZERO; rows * n];
    for (at, strip) in lanes.chunks(STRIP).enumerate() {
        for row in 0..rows {
            for (out, lanes) in out[row * n + at * STRIP..].iter_mut().zip(strip) {
                *out = lanes[row];
            }
        }
    }
    out.into_boxed_slice()
}
