//! Where networks come from: CSV files, or a seeded procedural city.
//!
//! Decimal text becomes integers digit by digit, never through a float, so that a network has the same identity on
//! every machine.

pub mod clean;
pub mod csv;
mod decimal;
mod error;
mod report;
pub mod synthetic;

pub use error::ImportError;
pub use report::ImportReport;
