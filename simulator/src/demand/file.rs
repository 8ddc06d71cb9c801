//! The common request CSV, plain or compressed with xz.
//!
//! Columns are found by name: `request_time, pickup_lat, pickup_lon, dropoff_lat, dropoff_lon` and perhaps `passengers`;
//! others (what was observed of a trip) are not looked at. Rows are in order of time. A quoted field may not hold a line
//! break.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use hansom_geo_index::Millis;
use liblzma::bufread::XzDecoder;

use super::Request;
use super::error::DemandError;
use super::row::{Columns, Row, RowFault};
use crate::scenario::{Period, Timezone};

/// What a request file holds for a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFile {
    /// The requests, in order of time. Several whose times are written as the same whole second are spread evenly over
    /// that second, in the order they stand in.
    pub requests: Vec<Request>,
    /// The rows of the whole file that are no requests.
    pub quarantined: Vec<Quarantined>,
}

/// A row that is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: RowFault,
    /// Its bytes, without the line's end.
    pub text: Vec<u8>,
}

impl RequestFile {
    /// Reads the requests of `period`. The order is checked over the whole file.
    pub fn read(path: &Path, period: Period) -> Result<Self, DemandError> {
        let unreadable = |source| DemandError::Unreadable { path: path.to_path_buf(), source };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        if file.fill_buf().map_err(unreadable)?.starts_with(b"\xFD7zXZ\0") {
            Self::parse(path, BufReader::with_capacity(1 << 18, XzDecoder::new_multi_decoder(file)), period)
        } else {
            Self::parse(path, file, period)
        }
    }

    /// Reads the requests of `period` from text; `path` is what errors call it.
    pub fn parse(path: &Path, mut text: impl BufRead, period: Period) -> Result<Self, DemandError> {
        let path = path.to_path_buf();
        let unreadable = |source| DemandError::Unreadable { path: path.clone(), source };
        let mut line = Vec::with_capacity(256);
        read_line(&mut text, &mut line).map_err(unreadable)?;
        let header = line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&line);
        let columns = with_fields(header, |fields| Columns::find(fields))
            .map_err(|missing| DemandError::Header { path: path.clone(), missing })?;
        let mut file = Self::default();
        let mut order = Order { path: path.clone(), period, run: None, first: None };
        let mut number = 1;
        while read_line(&mut text, &mut line).map_err(unreadable)? {
            number += 1;
            if line.is_empty() {
                continue;
            }
            match with_fields(&line, |fields| columns.row(fields)) {
                Ok(row) => order.take(&mut file.requests, &columns, number, &line, row)?,
                Err(fault) => file.quarantined.push(Quarantined { line: number, fault, text: line.clone() }),
            }
        }
        order.finish(&mut file, &columns)?;
        Ok(file)
    }
}

/// The next line without its end; false: there is none.
fn read_line(text: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = text.read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(read > 0)
}

/// What `read` makes of a line's fields. Few lines have quotes: only those are parsed by the rules for them.
fn with_fields<T>(line: &[u8], read: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
    if !line.contains(&b'"') {
        return read(&mut line.split(|&c| c == b','));
    }
    let mut record = csv::ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
    // Reading from memory cannot fail, and any bytes are some record.
    let _more = reader.read_byte_record(&mut record);
    read(&mut record.iter())
}

/// Sees that rows are in order, and lays those of one second out over it.
struct Order {
    path: PathBuf,
    period: Period,
    /// The rows of the latest time.
    run: Option<Run>,
    /// The first row's text.
    first: Option<Vec<u8>>,
}

/// Rows written with the same time.
struct Run {
    at: Millis,
    /// Whether any is written with a fraction of a second.
    exact: bool,
    /// How many of them are requests of the period.
    count: usize,
    /// The latest one's line, and its text.
    line: u64,
    text: Vec<u8>,
}

impl Order {
    fn take(
        &mut self,
        requests: &mut Vec<Request>,
        columns: &Columns,
        line: u64,
        text: &[u8],
        row: Row,
    ) -> Result<(), DemandError> {
        let at = row.request.at;
        let in_period = self.period.start <= at && at < self.period.end;
        match &mut self.run {
            Some(run) if at < run.at => {
                return Err(DemandError::OutOfOrder {
                    path: self.path.clone(),
                    line,
                    time: time_text(columns, text),
                    line_before: run.line,
                    time_before: time_text(columns, &run.text),
                });
            }
            Some(run) => {
                if at > run.at {
                    run.spread(requests, at);
                    (run.at, run.exact, run.count) = (at, false, 0);
                }
                run.exact |= row.exact;
                run.count += usize::from(in_period);
                run.line = line;
                run.text.clear();
                run.text.extend_from_slice(text);
            }
            None => {
                self.first = Some(text.to_vec());
                self.run = Some(Run { at, exact: row.exact, count: usize::from(in_period), line, text: text.to_vec() });
            }
        }
        if in_period {
            requests.push(row.request);
        }
        Ok(())
    }

    /// Spreads the last rows, and says if there is nothing.
    fn finish(self, file: &mut RequestFile, columns: &Columns) -> Result<(), DemandError> {
        let (Some(run), Some(first)) = (self.run, self.first) else {
            return match file.quarantined.first() {
                Some(row) => Err(DemandError::NoRequest {
                    path: self.path,
                    rows: file.quarantined.len(),
                    line: row.line,
                    fault: row.fault.clone(),
                }),
                None => Ok(()),
            };
        };
        run.spread(&mut file.requests, Millis::MAX);
        if file.requests.is_empty() {
            let utc = Timezone::utc();
            return Err(DemandError::OutsidePeriod {
                path: self.path,
                start: utc.stamp(self.period.start),
                end: utc.stamp(self.period.end),
                first: time_text(columns, &first),
                last: time_text(columns, &run.text),
            });
        }
        Ok(())
    }
}

impl Run {
    /// Spreads its requests, which are the last ones, until the `next` request but over one second at most.
    fn spread(&self, requests: &mut [Request], next: Millis) {
        if self.count < 2 || self.exact {
            return;
        }
        let gap = (next - self.at).0.min(1000);
        let from = requests.len() - self.count;
        for (n, request) in requests[from..].iter_mut().enumerate() {
            request.at = self.at + Millis(gap * n as i64 / self.count as i64);
        }
    }
}

fn time_text(columns: &Columns, line: &[u8]) -> String {
    with_fields(line, |fields| columns.time_text(fields))
}
