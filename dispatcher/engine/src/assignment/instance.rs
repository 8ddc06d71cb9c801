//! The question: rows, columns, sparse arcs and what it costs to leave a row unserved.

use super::sparse::VERTEX_BITS;

/// Costs and penalties are smaller than this in absolute value (2^40 units; at a unit of 1 ms, 34 years).
pub const COST_LIMIT: i64 = 1 << 40;

/// Rows and columns are fewer than this, each (2^20).
pub const VERTEX_LIMIT: u32 = 1 << VERTEX_BITS;

/// An assignment problem: for each row the columns that may serve it, at what cost, and the cost of serving it not at all.
///
/// Arcs are kept row after row in one list (CSR), in the order given. A pair given twice counts at its cheapest. An arc
/// that costs more than leaving its row unserved is kept, for [`cost`](Self::cost), but never chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    columns: u32,
    unserved: Vec<i64>,
    /// Arcs of row `i` are `starts[i]..starts[i + 1]`.
    starts: Vec<u32>,
    arc_columns: Vec<u32>,
    arc_costs: Vec<i64>,
}

/// Why a row was not added to an [`Instance`]. The instance is then as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// A column that the instance does not have.
    #[error("row {row} has an arc to column {column}, but there are only {columns} columns")]
    NoSuchColumn {
        /// The refused row.
        row: usize,
        /// The arc's column.
        column: u32,
        /// How many columns there are.
        columns: u32,
    },
    /// A cost or penalty outside ±[`COST_LIMIT`].
    #[error("row {row} has a cost of {cost}, which is not below 2^40 in absolute value")]
    CostOutOfRange {
        /// The refused row.
        row: usize,
        /// The cost or penalty.
        cost: i64,
    },
    /// More rows than [`VERTEX_LIMIT`] allows, or more than 2^32 − 1 arcs.
    #[error("row {row} does not fit: at most 2^20 - 1 rows and 2^32 - 1 arcs are solved at once")]
    TooLarge {
        /// The refused row.
        row: usize,
    },
}

impl Instance {
    /// An instance of `columns` columns and no rows.
    ///
    /// # Panics
    /// If `columns` is not below [`VERTEX_LIMIT`].
    pub fn new(columns: u32) -> Self {
        let mut instance =
            Self { columns: 0, unserved: Vec::new(), starts: vec![0], arc_columns: Vec::new(), arc_costs: Vec::new() };
        instance.reset(columns);
        instance
    }

    /// Empties the instance for another problem of `columns` columns; its memory is kept.
    ///
    /// # Panics
    /// If `columns` is not below [`VERTEX_LIMIT`].
    pub fn reset(&mut self, columns: u32) {
        assert!(columns < VERTEX_LIMIT, "an assignment has at most 2^20 - 1 columns, not {columns}");
        self.columns = columns;
        self.unserved.clear();
        self.starts.truncate(1);
        self.arc_columns.clear();
        self.arc_costs.clear();
    }

    /// Adds the next row: what it costs to leave it unserved, and its arcs as (column, cost), in any order.
    ///
    /// Arcs that come cheapest first save the solver a sort.
    pub fn push_row(&mut self, unserved: i64, arcs: impl IntoIterator<Item = (u32, i64)>) -> Result<(), InstanceError> {
        let row = self.rows();
        let start = self.arc_columns.len();
        let refused = self.append_row(row, unserved, arcs);
        if refused.is_err() {
            self.arc_columns.truncate(start);
            self.arc_costs.truncate(start);
        }
        refused
    }

    fn append_row(
        &mut self,
        row: usize,
        unserved: i64,
        arcs: impl IntoIterator<Item = (u32, i64)>,
    ) -> Result<(), InstanceError> {
        let in_range = |cost: i64| -COST_LIMIT < cost && cost < COST_LIMIT;
        if row + 1 >= VERTEX_LIMIT as usize {
            return Err(InstanceError::TooLarge { row });
        }
        if !in_range(unserved) {
            return Err(InstanceError::CostOutOfRange { row, cost: unserved });
        }
        for (column, cost) in arcs {
            if column >= self.columns {
                return Err(InstanceError::NoSuchColumn { row, column, columns: self.columns });
            }
            if !in_range(cost) {
                return Err(InstanceError::CostOutOfRange { row, cost });
            }
            self.arc_columns.push(column);
            self.arc_costs.push(cost);
        }
        let end = u32::try_from(self.arc_columns.len()).map_err(|_| InstanceError::TooLarge { row })?;
        self.unserved.push(unserved);
        self.starts.push(end);
        Ok(())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.unserved.len()
    }

    /// How many columns there are.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// How many arcs there are, repeated and too costly ones included.
    pub fn arcs(&self) -> usize {
        self.arc_columns.len()
    }

    /// What it costs to leave `row` unserved.
    pub fn unserved(&self, row: usize) -> i64 {
        self.unserved[row]
    }

    /// The arcs of `row` as (column, cost), in the order given.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (u32, i64)> + '_ {
        let arcs = self.starts[row] as usize..self.starts[row + 1] as usize;
        self.arc_columns[arcs.clone()].iter().copied().zip(self.arc_costs[arcs].iter().copied())
    }

    /// What it costs to serve `row` by `column`; `None` where there is no such arc.
    pub fn cost(&self, row: usize, column: u32) -> Option<i64> {
        self.row(row).filter(|arc| arc.0 == column).map(|arc| arc.1).min()
    }
}
