//! The dual bound: why no assignment can cost less, and what each pair not chosen would cost.
//!
//! The linear program of an assignment and its dual, with `y` per row and `v ≥ 0` per column:
//!
//! ```text
//! least    Σ cost(i,j) x(i,j) + Σ unserved(i) s(i)       Σⱼ x(i,j) + s(i) = 1,   Σᵢ x(i,j) ≤ 1,   x, s ≥ 0
//! greatest Σ y(i) − Σ v(j)                               y(i) ≤ unserved(i),     y(i) − v(j) ≤ cost(i,j)
//! ```
//!
//! Any feasible `(y, v)` bounds the cost of every assignment from below. So one assignment and one feasible `(y, v)` of the
//! same total prove each other optimal, and this file does not need to know how either was found.

use super::instance::Instance;
use super::solver::Solution;

/// That a solution is optimal, as [`prove`] found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The cost of the assignment, and at the same time the least that any assignment can cost.
    pub total: i64,
    /// How many rows are served.
    pub served: usize,
}

/// The first thing that [`prove`] found wrong with a solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOptimal {
    /// The solution belongs to an instance of other dimensions.
    #[error("the solution is not of this instance: its rows or columns are of another number")]
    OtherInstance,
    /// A row is given a column to which it has no arc.
    #[error("row {row} is served by column {column} without an arc between them")]
    NoSuchArc {
        /// The row.
        row: usize,
        /// Its column.
        column: u32,
    },
    /// A column serves two rows.
    #[error("column {column} serves row {row} and an earlier one")]
    ServesTwice {
        /// The column.
        column: u32,
        /// The later of the two rows.
        row: usize,
    },
    /// A row's dual exceeds its penalty.
    #[error("row {row} has a dual above the cost of leaving it unserved")]
    RowDualTooHigh {
        /// The row.
        row: usize,
    },
    /// A column's dual is negative.
    #[error("column {column} has a negative dual")]
    ColumnDualNegative {
        /// The column.
        column: u32,
    },
    /// An arc's reduced cost is negative: the duals are no bound.
    #[error("row {row} and column {column} have a negative reduced cost of {reduced_cost}")]
    NegativeReducedCost {
        /// The row.
        row: usize,
        /// The column.
        column: u32,
        /// Cost − row dual + column dual.
        reduced_cost: i128,
    },
    /// Complementary slackness fails at a row: it is served at a positive reduced cost, or unserved with a dual below its
    /// penalty.
    #[error("row {row} could do better: what it gets costs more than its dual")]
    RowNotTight {
        /// The row.
        row: usize,
    },
    /// Complementary slackness fails at a column: it is unused, yet its dual is positive.
    #[error("column {column} is unused and yet has a positive dual")]
    ColumnNotTight {
        /// The column.
        column: u32,
    },
    /// The stated total is not the cost of the assignment, or not that of the duals.
    #[error("the solution says {stated}, its assignment costs {primal}, its duals give {dual}")]
    TotalsDiffer {
        /// What the solution says.
        stated: i64,
        /// The cost of the assignment.
        primal: i128,
        /// The value of the duals.
        dual: i128,
    },
}

/// Checks that `solution` is an optimal assignment of `instance`: a valid matching, feasible duals, complementary
/// slackness, and a total that is both the cost of the matching and the value of the duals.
///
/// Shares no code with the solver. Looks once at each arc: cheap enough to run on every batch.
pub fn prove(instance: &Instance, solution: &Solution) -> Result<Proof, NotOptimal> {
    let (rows, columns) = (instance.rows(), instance.columns() as usize);
    if (solution.row_to_col.len(), solution.row_dual.len(), solution.col_dual.len()) != (rows, rows, columns) {
        return Err(NotOptimal::OtherInstance);
    }
    let mut used = vec![false; columns];
    let (mut primal, mut dual, mut served) = (0_i128, 0_i128, 0);
    for row in 0..rows {
        let paid = match solution.row_to_col[row] {
            Some(column) => {
                let cost = instance.cost(row, column).ok_or(NotOptimal::NoSuchArc { row, column })?;
                if std::mem::replace(&mut used[column as usize], true) {
                    return Err(NotOptimal::ServesTwice { column, row });
                }
                served += 1;
                i128::from(cost) + i128::from(solution.col_dual[column as usize])
            }
            None => i128::from(instance.unserved(row)),
        };
        check_row(instance, solution, row)?;
        if paid != i128::from(solution.row_dual[row]) {
            return Err(NotOptimal::RowNotTight { row });
        }
        primal += match solution.row_to_col[row] {
            Some(column) => paid - i128::from(solution.col_dual[column as usize]),
            None => paid,
        };
        dual += i128::from(solution.row_dual[row]);
    }
    for (column, (&price, &used)) in (0..).zip(solution.col_dual.iter().zip(&used)) {
        if price < 0 {
            return Err(NotOptimal::ColumnDualNegative { column });
        }
        if price > 0 && !used {
            return Err(NotOptimal::ColumnNotTight { column });
        }
        dual -= i128::from(price);
    }
    if primal != dual || primal != i128::from(solution.total) {
        return Err(NotOptimal::TotalsDiffer { stated: solution.total, primal, dual });
    }
    Ok(Proof { total: solution.total, served })
}

/// Dual feasibility of one row.
fn check_row(instance: &Instance, solution: &Solution, row: usize) -> Result<(), NotOptimal> {
    let dual = solution.row_dual[row];
    if dual > instance.unserved(row) {
        return Err(NotOptimal::RowDualTooHigh { row });
    }
    for (column, cost) in instance.row(row) {
        let reduced_cost = i128::from(cost) - i128::from(dual) + i128::from(solution.col_dual[column as usize]);
        if reduced_cost < 0 {
            return Err(NotOptimal::NegativeReducedCost { row, column, reduced_cost });
        }
    }
    Ok(())
}

/// By how much the total would rise at least if `row` had to be served by `column`: cost − row dual + column dual.
///
/// Zero for a chosen pair, a lower bound for any other; what forcing it really costs is
/// [`Solver::forced_total`](super::Solver::forced_total). `None` where there is no such arc.
pub fn reduced_cost(instance: &Instance, solution: &Solution, row: usize, column: u32) -> Option<i64> {
    let cost = instance.cost(row, column)?;
    Some(cost - solution.row_dual[row] + solution.col_dual[column as usize])
}
