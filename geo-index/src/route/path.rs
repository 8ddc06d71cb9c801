//! A way through the network.

use crate::network::{EdgeId, Network, Position};

/// The edges driven from one position to another. Meant to be reused: filling it again allocates nothing it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    /// The edges in the order driven, at least one; none only if the trip takes over 49 days.
    pub edges: Vec<EdgeId>,
    /// Where on the first edge it begins.
    pub first_along: u16,
    /// Where on the last edge it ends. With a single edge it is not before `first_along`.
    pub last_along: u16,
    /// Travel time in ms: the sum over the edges, in part for the first and the last.
    pub ms: u32,
}

impl Path {
    /// Where it begins; none if it is empty.
    pub fn first(&self) -> Option<Position> {
        self.edges.first().map(|&edge| Position { edge, along: self.first_along })
    }

    /// Where it ends; none if it is empty.
    pub fn last(&self) -> Option<Position> {
        self.edges.last().map(|&edge| Position { edge, along: self.last_along })
    }

    /// Its length in mm.
    pub fn length_mm(&self, network: &Network) -> u64 {
        let (Some(first), Some(last)) = (self.first(), self.last()) else { return 0 };
        let whole: u64 =
            self.edges[..self.edges.len() - 1].iter().map(|&edge| u64::from(network.length_mm(edge))).sum();
        whole + u64::from(network.driven_mm(last)) - u64::from(network.driven_mm(first))
    }
}
