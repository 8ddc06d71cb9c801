//! WHERE the drivers are now: exact neighbours among points that move all the time.
//!
//! Answers are ordered by (squared distance in mm², id), so they depend on the set of points and on nothing else: neither
//! on the order in which they came nor on where they were before.

mod grid;
mod rtree;

pub use grid::Grid;
pub use rtree::RTree;

use crate::coord::Point;

/// A driver found: squared air-line distance in mm², then id.
pub type Found = (u64, u32);

/// Points that move, known by small dense ids.
pub trait MovingIndex {
    /// Puts `id` at `point`, wherever it was before.
    fn update(&mut self, id: u32, point: Point);

    /// Takes `id` out; whether it was in.
    fn remove(&mut self, id: u32) -> bool;

    /// How many points there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `k` nearest to `point` of those at most `radius_mm` away whose id `wanted` accepts, or all if they are fewer, nearest
    /// first; of several equally far the lowest ids. `out` is cleared first. `wanted` may be asked for some twice and for
    /// others not at all.
    fn nearest(&self, point: Point, radius_mm: u32, k: usize, wanted: impl FnMut(u32) -> bool, out: &mut Vec<Found>);

    /// All that are at most `radius_mm` from `point`, nearest first. `out` is cleared first.
    fn within(&self, point: Point, radius_mm: u32, out: &mut Vec<Found>);
}
