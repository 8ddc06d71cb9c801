//! The fleet file: `vehicle_id, lat, lon, start, end, seats, autonomous`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hansom_geo_index::place::TooFar;
use hansom_geo_index::{Coord, Millis};

use super::Driver;
use crate::city::City;
use crate::demand::row::{degrees, time};
use crate::scenario::Scenario;

/// Why the vehicles of a scenario cannot be had. Lines count from 1, the header is line 1.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// The system refused, or the file is no CSV.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was said.
        source: csv::Error,
    },
    /// The first line lacks a column.
    #[error("{}:1: there is no column `{column}`", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Which.
        column: &'static str,
    },
    /// A field is not what it should be.
    #[error("{}:{line}: {column} `{value}` is no {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// Two vehicles have one name.
    #[error("{}:{line}: vehicle `{vehicle}` is also in line {first}", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The name.
        vehicle: String,
        /// Where it was first.
        first: u64,
    },
    /// A shift ends before it starts.
    #[error("{}:{line}: the shift of vehicle `{vehicle}` ends at {end}, not after its start at {start}", path.display())]
    Backwards {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Whose.
        vehicle: String,
        /// Its start, as it stands there.
        start: String,
        /// Its end, as it stands there.
        end: String,
    },
    /// A vehicle starts on no street.
    #[error("{}:{line}: vehicle `{vehicle}` is on no street: {source}", path.display())]
    OffStreet {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Which.
        vehicle: String,
        /// How far the nearest is.
        source: TooFar,
    },
    /// All shifts are outside of the period.
    #[error("none of the {rows} vehicles of {} is on shift within the period from {start} to {end}", path.display())]
    NobodyThere {
        /// The file.
        path: PathBuf,
        /// How many vehicles it lists.
        rows: usize,
        /// The period's first instant.
        start: String,
        /// The first instant after it.
        end: String,
    },
}

impl SupplyError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "E0501",
            Self::Column { .. } => "E0502",
            Self::Field { .. } => "E0503",
            Self::Twice { .. } => "E0504",
            Self::Backwards { .. } => "E0505",
            Self::OffStreet { .. } => "E0506",
            Self::NobodyThere { .. } => "E0507",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "`supply.file` is a CSV file, plain",
            Self::Column { .. } | Self::Field { .. } => {
                "the columns are vehicle_id, lat, lon, and perhaps start, end (RFC 3339 with offset), seats, autonomous (true or false)"
            }
            Self::Twice { .. } => "give each vehicle its own `vehicle_id`",
            Self::Backwards { .. } => "a vehicle has one shift; list a second one as another vehicle",
            Self::OffStreet { .. } => "move it onto the network, or raise `snap_m`",
            Self::NobodyThere { .. } => "list vehicles with shifts in the period, or leave out start and end",
        }
    }
}

/// The vehicles of the file's rows, or of its first `most`.
pub fn read(scenario: &Scenario, city: &City, path: &Path, most: Option<u32>) -> Result<Vec<Driver>, SupplyError> {
    let unreadable = |source| SupplyError::Unreadable { path: path.to_path_buf(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let columns = Columns::find(reader.headers().map_err(unreadable)?, path)?;
    let mut lines = BTreeMap::new();
    let mut drivers = Vec::new();
    for record in reader.records().take(most.map_or(usize::MAX, |most| most as usize)) {
        let record = record.map_err(unreadable)?;
        let row = Row { path, line: record.position().map_or(0, csv::Position::line), columns: &columns, record };
        let driver = row.driver(scenario, city)?;
        if let Some(first) = lines.insert(driver.vehicle.clone(), row.line) {
            let vehicle = driver.vehicle.into();
            return Err(SupplyError::Twice { path: path.to_path_buf(), line: row.line, vehicle, first });
        }
        drivers.push(driver);
    }
    let period = scenario.period;
    let is_there = |driver: &Driver| driver.start < period.end && driver.end.is_none_or(|end| end > driver.start);
    if !drivers.iter().any(is_there) {
        let [start, end] = [period.start, period.end].map(|at| scenario.timezone.stamp(at));
        return Err(SupplyError::NobodyThere { path: path.to_path_buf(), rows: drivers.len(), start, end });
    }
    Ok(drivers)
}

/// Where each column is.
struct Columns {
    vehicle: usize,
    lat: usize,
    lon: usize,
    start: Option<usize>,
    end: Option<usize>,
    seats: Option<usize>,
    autonomous: Option<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord, path: &Path) -> Result<Self, SupplyError> {
        let find = |name: &str| header.iter().position(|column| column.trim_start_matches('\u{FEFF}') == name);
        let need =
            |column: &'static str| find(column).ok_or_else(|| SupplyError::Column { path: path.to_path_buf(), column });
        Ok(Self {
            vehicle: need("vehicle_id")?,
            lat: need("lat")?,
            lon: need("lon")?,
            start: find("start"),
            end: find("end"),
            seats: find("seats"),
            autonomous: find("autonomous"),
        })
    }
}

/// A row of the file.
struct Row<'a> {
    path: &'a Path,
    line: u64,
    columns: &'a Columns,
    record: csv::StringRecord,
}

impl Row<'_> {
    fn driver(&self, scenario: &Scenario, city: &City) -> Result<Driver, SupplyError> {
        let (columns, supply, period) = (self.columns, &scenario.supply, scenario.period);
        let path = || self.path.to_path_buf();
        let vehicle = self.text(columns.vehicle);
        if vehicle.is_empty() || vehicle.contains([',', '"', '\n', '\r']) {
            return Err(self.fault("vehicle_id", vehicle, "name without commas and quotes"));
        }
        let angle = |column, name, most: i64| {
            let text = self.text(column);
            let angle = degrees(text.as_bytes()).filter(|angle| angle.abs() <= most * 10_000_000);
            angle.map(|angle| angle as i32).ok_or_else(|| self.fault(name, text, "number of degrees"))
        };
        let coord = Coord { lat: angle(columns.lat, "lat", 90)?, lon: angle(columns.lon, "lon", 180)? };
        let snap = city.snap.nearest(&city.network, coord, scenario.snap.0).map_err(|source| {
            SupplyError::OffStreet { path: path(), line: self.line, vehicle: vehicle.to_owned(), source }
        })?;
        let moment = |column, name| {
            self.optional(column, name, "time in RFC 3339 with offset", |text| time(text.as_bytes()).map(|time| time.0))
        };
        let start: Option<Millis> = moment(columns.start, "start")?;
        let end = moment(columns.end, "end")?;
        if let (Some(from), Some(until)) = (start, end)
            && until <= from
        {
            return Err(SupplyError::Backwards {
                path: path(),
                line: self.line,
                vehicle: vehicle.to_owned(),
                start: columns.start.map_or("", |column| self.text(column)).to_owned(),
                end: columns.end.map_or("", |column| self.text(column)).to_owned(),
            });
        }
        let seats = self.optional(columns.seats, "seats", "whole number from 1 to 255", |text| {
            text.parse().ok().filter(|seats| *seats > 0)
        })?;
        let autonomous = self.optional(columns.autonomous, "autonomous", "true or false", |text| text.parse().ok())?;
        Ok(Driver {
            vehicle: vehicle.into(),
            name: vehicle.into(),
            place: snap.position,
            start: start.or(supply.shift_start).unwrap_or(period.start).max(period.start),
            end: end.or(supply.shift_end),
            seats: seats.unwrap_or(supply.seats),
            autonomous: autonomous.unwrap_or(supply.autonomous),
        })
    }

    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// A field that may be empty or missing.
    fn optional<T>(
        &self,
        column: Option<usize>,
        name: &'static str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SupplyError> {
        let Some(text) = column.map(|column| self.text(column)).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        read(text).map(Some).ok_or_else(|| self.fault(name, text, expected))
    }

    fn fault(&self, column: &'static str, value: &str, expected: &'static str) -> SupplyError {
        let (path, value) = (self.path.to_path_buf(), value.to_owned());
        SupplyError::Field { path, line: self.line, column, value, expected }
    }
}
