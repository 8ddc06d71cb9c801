//! Travel times from all nodes to one, kept: computed for 32 neighbouring targets at once, when one of them is asked for.

use std::mem::size_of;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cch::{Cost, Hierarchy, LANES, Sweep};

/// All rows of one weights version, as far as they have been asked for.
#[derive(Debug)]
pub(super) struct Rows<T> {
    sweep: Sweep<T>,
    /// The rows of targets of ranks `32 b..32 b + 32`, one after another.
    blocks: Box<[OnceLock<Box<[T]>>]>,
    held: AtomicUsize,
}

impl<T: Cost> Rows<T> {
    /// No rows yet.
    pub fn new(hierarchy: &Hierarchy, sweep: Sweep<T>) -> Self {
        let blocks = (0..hierarchy.node_count().div_ceil(LANES)).map(|_| OnceLock::new()).collect();
        Self { sweep, blocks, held: AtomicUsize::new(0) }
    }

    /// Times from the node of each rank to the node of rank `target`.
    #[inline]
    pub fn toward(&self, hierarchy: &Hierarchy, target: u32) -> &[T] {
        let (block, lane) = (target as usize / LANES, target as usize % LANES);
        let rows = match self.blocks[block].get() {
            Some(rows) => rows,
            None => self.fill(hierarchy, block),
        };
        let n = hierarchy.node_count();
        &rows[lane * n..][..n]
    }

    /// Bytes of the rows kept.
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    #[cold]
    fn fill(&self, hierarchy: &Hierarchy, block: usize) -> &[T] {
        self.blocks[block].get_or_init(|| {
            let (first, n) = ((block * LANES) as u32, hierarchy.node_count() as u32);
            let rows = self.sweep.rows(hierarchy, first..(first + LANES as u32).min(n));
            self.held.fetch_add(rows.len() * size_of::<T>(), Ordering::Relaxed);
            rows
        })
    }
}
