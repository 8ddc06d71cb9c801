//! What a run leaves: figures, the rows they are made of, and files.

mod axis;
mod chart;
pub mod compare;
mod field;
pub(crate) mod folder;
mod history;
pub mod html;
pub mod knee;
mod map;
pub mod number;
mod page;
pub mod series;
pub mod summary;
mod svg;
mod tables;
mod trips;
mod vehicles;

use std::fs;
use std::io;
use std::path::Path;

pub use series::{Bin, Series};
pub use summary::{Figures, Summary};
pub use trips::{Payment, Quote, Trip};
pub use vehicles::{Kind, Stint, Stints, Totals};

use crate::city::City;
use crate::demand::Quarantined;
pub use crate::port::Missed;
use crate::scenario::Scenario;
use crate::supply::Driver;

/// All that is known of a finished run.
#[derive(Debug)]
pub struct RunReport {
    /// The figures.
    pub summary: Summary,
    /// How it went over time.
    pub series: Series,
    /// What became of the requests, in order.
    pub trips: Vec<Trip>,
    /// The vehicles and their drivers.
    pub drivers: Vec<Driver>,
    /// The streets it ran on.
    pub city: City,
    /// The first broken invariants, as text.
    pub violations: Vec<String>,
    /// Commands of riders and drivers that a rule forbade.
    pub refused_commands: u64,
    /// Rows of the request file that are no requests.
    pub quarantined: Vec<Quarantined>,
    /// Answers of a planner outside that were not taken.
    pub missed: Missed,
}

impl RunReport {
    /// Writes `trips.csv` and `summary.json` into the run's folder, beside what was written while it ran.
    pub fn write(&self, folder: &Path, scenario: &Scenario) -> io::Result<()> {
        trips::write(&folder.join("trips.csv"), scenario, &self.drivers, &self.trips)?;
        let mut text = serde_json::to_string_pretty(&self.summary)?;
        text.push('\n');
        fs::write(folder.join("summary.json"), text)
    }
}
