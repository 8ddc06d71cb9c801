//! HOW LONG it takes: exact travel times under frozen weights, in whole milliseconds, and the ways that take them.
//!
//! A trip leaves its first [`Position`] on either edge of a two-way street and reaches its last one on either; a way that
//! stays on one edge is as good as any other. Part of an edge takes the part of its time that `along` is of 65,536,
//! rounded down. All implementations of [`TravelTimes`] give the same times and the same paths.
//!
//! [`Router`] hands out [`Times`], one for each weights version; [`Dijkstra`] is the same, slow and plain, to check it
//! against. Nothing that either keeps changes an answer.

mod cch;
mod dijkstra;
mod near;
mod path;
mod router;
mod rows;
mod soonest;
#[cfg(test)]
mod tests;
mod times;
mod toward;
mod trip;

pub use cch::node_order;
pub use dijkstra::Dijkstra;
pub use path::Path;
pub use router::Router;
pub use soonest::Soonest;
pub use times::Times;
pub use toward::{Origins, Toward};

use crate::network::Position;

/// Travel times between positions and the ways that take them, under one set of weights.
///
/// `u32::MAX` stands for a time that does not fit, over 49 days: such a trip has no path.
pub trait TravelTimes {
    /// Travel time in ms from `from` to `to`.
    fn time(&self, from: Position, to: Position) -> u32;

    /// Travel times in ms from `from` to each of `to`, in their order; `out` is cleared first.
    fn one_to_many(&self, from: Position, to: &[Position], out: &mut Vec<u32>) {
        out.clear();
        out.extend(to.iter().map(|&to| self.time(from, to)));
    }

    /// Travel times in ms from each of `from` to each of `to`: `out[i * to.len() + j]`; `out` is cleared first.
    fn many_to_many(&self, from: &[Position], to: &[Position], out: &mut Vec<u32>) {
        out.clear();
        out.extend(from.iter().flat_map(|&from| to.iter().map(move |&to| self.time(from, to))));
    }

    /// The way that [`time`](Self::time) is the time of. Of several, one that stays on its edge; else the one that leaves
    /// and reaches its ends by their own edges rather than by twins (the first end counts more), and then at each node
    /// takes the edge of the lowest id.
    fn path(&self, from: Position, to: Position, path: &mut Path);
}
