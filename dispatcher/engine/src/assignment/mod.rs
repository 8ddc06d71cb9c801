//! Exact sparse assignment: rows (requests) to columns (vehicles), each at most once, at least total cost.
//!
//! An [`Instance`] lists for each row the columns that may take it, an integer cost for each, and what it costs to leave
//! the row unserved; a column may stay unused for nothing. [`Solver::solve`] answers with a [`Solution`]: the matching and
//! the duals that prove it. [`prove`] checks the proof against the instance and shares no code with the solver.
//!
//! **One answer per instance.** Where several matchings cost the same, row 0 is served if an optimal matching serves it,
//! by the lowest column that an optimal matching gives it; then row 1, given row 0's choice; and so on. Which method ran,
//! what the solver solved before and in what order a row's arcs came make no difference to the matching. (The duals are
//! one of several valid sets; they are the same for the same instance, method and order.)
//!
//! The method, a file a part:
//! - `sparse.rs`: the working graph, and shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987), which end
//!   every solve exactly;
//! - `auction.rs`: where paths get long, an ε-scaling auction, forward and reverse, that brings the duals near the
//!   optimum first (Bertsekas, "Auction algorithms for network flow problems", 1992; Bertsekas and Castañón, "A
//!   forward/reverse auction algorithm for asymmetric assignment problems", 1992);
//! - `ties.rs`: from any optimal matching to the one described above (strongly connected components of the tight arcs, as
//!   in Régin, AAAI 1994);
//! - `bound.rs`: the dual bound, reduced costs, the proof.
//!
//! Refuses to know what a request or a vehicle is, any clock (work is counted in arcs looked at), and floats.

mod auction;
mod bound;
mod instance;
mod solver;
mod sparse;
mod ties;

pub use bound::{NotOptimal, Proof, prove, reduced_cost};
pub use instance::{COST_LIMIT, Instance, InstanceError, VERTEX_LIMIT};
pub use solver::{Method, Solution, Solver};
