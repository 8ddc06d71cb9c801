//! The answer, and the order in which the parts find it.

use super::auction::Auction;
use super::instance::Instance;
use super::sparse::{Half, NONE, Search, Side, tighten};
use super::ties::Ties;

/// An optimal assignment and the duals that prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// For each row the column that serves it.
    pub row_to_col: Vec<Option<u32>>,
    /// For each row what it bears in the dual: the cost of its arc and the dual of its column, or its penalty. Never above
    /// its penalty.
    pub row_dual: Vec<i64>,
    /// For each column what one more like it would save at most; 0 if it is unused.
    pub col_dual: Vec<i64>,
    /// The cost of all: chosen arcs, and penalties of unserved rows.
    pub total: i64,
}

/// How a solve begins. It ends exactly whichever is taken, at the same matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Augmenting paths from prices of zero; if they turn out to be long, the auction instead.
    ///
    /// Paths are short where columns are plenty, and nothing is quicker for small instances whatever they are like.
    #[default]
    Adaptive,
    /// Augmenting paths from prices of zero, however long.
    Paths,
    /// The auction at once.
    Auction,
}

/// How many arcs [`Method::Adaptive`] looks at before it gives up on paths: a part of all, and a number below which an
/// auction is never quicker. Chosen by the bench.
const PATIENCE_PARTS: u64 = 4;
const PATIENCE: u64 = 80_000;

/// Solves assignments, one after another, in memory that it keeps. What it solved before does not change an answer.
#[derive(Debug, Default)]
pub struct Solver {
    method: Method,
    by_row: Side,
    by_column: Side,
    rows: Half,
    columns: Half,
    auction: Auction,
    search: Search,
    ties: Ties,
    tightening: u64,
}

impl Solver {
    /// A solver that begins as `method` says.
    pub fn new(method: Method) -> Self {
        Self { method, ..Self::default() }
    }

    /// Finds the assignment of least total cost, of several the one that [the module](super) promises.
    ///
    /// The work, counted in arcs looked at, is at most `80,000 + 140 arcs + 5 (rows + columns)(rows + arcs)`. On real
    /// instances it is from a few tenths of the arcs, where columns are plenty, to fifty times the arcs.
    pub fn solve(&mut self, instance: &Instance) -> Solution {
        (self.search.looks, self.auction.looks, self.ties.looks, self.tightening) = (0, 0, 0, 0);
        self.by_row.fill(instance);
        let patience = match self.method {
            Method::Adaptive => self.by_row.arcs() as u64 / PATIENCE_PARTS + PATIENCE,
            Method::Paths => u64::MAX,
            Method::Auction => 0,
        };
        if !self.solve_by_paths(instance, patience) {
            self.solve_by_auction(instance);
        }
        self.ties.settle(&mut self.by_row, &mut self.rows, &mut self.columns);
        self.solution(instance)
    }

    /// Arcs looked at in the last solve.
    pub fn work(&self) -> u64 {
        self.search.looks + self.auction.looks + self.ties.looks + self.tightening
    }

    /// From prices of zero. Prices then rise only on columns that are matched, and a matched column stays so: nothing is
    /// left to do for the columns. Answers whether it came to an end within `patience`.
    fn solve_by_paths(&mut self, instance: &Instance, patience: u64) -> bool {
        if patience == 0 {
            return false;
        }
        self.rows.reset(instance.rows());
        self.columns.reset(instance.columns() as usize);
        self.tightening += tighten(&mut self.by_row, &mut self.rows, &mut self.columns);
        self.search.augment(&mut self.by_row, &mut self.rows, &mut self.columns, patience)
    }

    /// From an auction's prices, which may be positive on unmatched columns: the paths then run from both sides.
    fn solve_by_auction(&mut self, instance: &Instance) {
        self.rows.reset(instance.rows());
        self.columns.reset(instance.columns() as usize);
        self.by_column.fill_transposed(&self.by_row, instance.columns() as usize);
        let (by_row, by_column) = (&mut self.by_row, &mut self.by_column);
        self.auction.run(by_row, by_column, &mut self.rows, &mut self.columns);
        self.tightening += tighten(by_row, &mut self.rows, &mut self.columns);
        self.search.augment(by_row, &mut self.rows, &mut self.columns, u64::MAX);
        self.search.augment(by_column, &mut self.columns, &mut self.rows, u64::MAX);
    }

    /// What `instance` would cost in all if `row` had to be served by `column`: solved anew without the two.
    ///
    /// `None` where there is no such arc. An arc dearer than the row's penalty can be forced too.
    pub fn forced_total(&mut self, instance: &Instance, row: usize, column: u32) -> Option<i64> {
        let cost = instance.cost(row, column)?;
        let mut rest = Instance::new(instance.columns());
        for other in (0..instance.rows()).filter(|&other| other != row) {
            rest.push_row(instance.unserved(other), instance.row(other).filter(|arc| arc.0 != column))
                .expect("a part of a valid instance is valid");
        }
        Some(cost + self.solve(&rest).total)
    }

    fn solution(&self, instance: &Instance) -> Solution {
        let row_to_col: Vec<_> = self.rows.mate.iter().map(|&mate| (mate != NONE).then_some(mate)).collect();
        let row_dual: Vec<_> =
            self.rows.dual.iter().enumerate().map(|(row, kept)| instance.unserved(row) - kept).collect();
        // A matched pair is tight, so its cost is the row's dual less the column's; an unserved row's dual is its penalty.
        let cost =
            |(&dual, &column): (&i64, &Option<u32>)| dual - column.map_or(0, |it| self.columns.dual[it as usize]);
        let total = row_dual.iter().zip(&row_to_col).map(cost).sum();
        Solution { row_to_col, row_dual, col_dual: self.columns.dual.clone(), total }
    }
}
