//! The lines of one CSV file, with errors that name file, line, field and value.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use liblzma::read::XzDecoder;

use crate::import::ImportError;
use crate::import::decimal;

/// A CSV file being read; a path that ends in `.xz` is unpacked on the way.
pub(super) struct Rows {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    header: ByteRecord,
    row: ByteRecord,
}

/// A column that was found in the header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    index: usize,
}

impl Column {
    pub fn name(self) -> &'static str {
        self.name
    }
}

impl Rows {
    pub fn open(path: PathBuf) -> Result<Self, ImportError> {
        let file = File::open(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ImportError::MissingFile { path: path.clone() },
            _ => ImportError::Io { path: path.clone(), action: "read", source },
        })?;
        let packed = path.extension().is_some_and(|extension| extension == "xz");
        let bytes: Box<dyn Read> =
            if packed { Box::new(XzDecoder::new_multi_decoder(BufReader::new(file))) } else { Box::new(file) };
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(bytes);
        let header = reader.byte_headers().cloned();
        let header = header.map_err(|error| fault(&path, error))?;
        Ok(Self { path, reader, header, row: ByteRecord::new() })
    }

    /// The column called `name`; `expected` lists all that a file of this kind has.
    pub fn column(&self, name: &'static str, expected: &'static str) -> Result<Column, ImportError> {
        let column = self.optional(name);
        column.ok_or_else(|| ImportError::Column { path: self.path.clone(), column: name, expected })
    }

    /// The column called `name`, if the file has it.
    pub fn optional(&self, name: &'static str) -> Option<Column> {
        // Spreadsheets put a byte order mark before the first name.
        let plain = |field: &[u8]| field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field).trim_ascii().to_vec();
        let index = self.header.iter().position(|field| plain(field) == name.as_bytes())?;
        Some(Column { name, index })
    }

    /// Steps to the next line; `false` after the last.
    pub fn advance(&mut self) -> Result<bool, ImportError> {
        let read = self.reader.read_byte_record(&mut self.row);
        read.map_err(|error| fault(&self.path, error))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The present line, counted from 1.
    pub fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    /// The bytes of a field, without blanks around them.
    pub fn text(&self, column: Column) -> &[u8] {
        self.row[column.index].trim_ascii()
    }

    /// A field as a whole number of 10^-`places`, within `low..=high` of those.
    pub fn number(&self, column: Column, places: usize, low: i64, high: i64) -> Result<i64, ImportError> {
        let range = || {
            let value = |value| decimal::Decimal { value, places: places as u32 };
            format!("write a number from {} to {}", value(low), value(high))
        };
        match decimal::parse(self.text(column), places) {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            Ok(_) => Err(self.fault(column, range())),
            Err(fault) => Err(self.fault(column, format!("{fault}; {}", range()))),
        }
    }

    /// A field as an id: digits only, so that it can be written back as it was.
    pub fn id(&self, column: Column) -> Result<u64, ImportError> {
        let text = self.text(column);
        let digits = if text.iter().all(u8::is_ascii_digit) { std::str::from_utf8(text).ok() } else { None };
        let id = digits.and_then(|digits| digits.parse().ok());
        id.ok_or_else(|| self.fault(column, "write a whole number of at least 0".into()))
    }

    /// The error that `column` of the present line cannot be meant.
    pub fn fault(&self, column: Column, remedy: String) -> ImportError {
        ImportError::Field {
            path: self.path.clone(),
            line: self.line(),
            field: column.name,
            value: String::from_utf8_lossy(self.text(column)).into_owned(),
            remedy,
        }
    }
}

/// What the CSV reader found, in our words. Bytes need not be UTF-8, so only these two can happen.
fn fault(path: &Path, error: csv::Error) -> ImportError {
    let path = path.to_owned();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.map_or(0, |pos| pos.line());
            ImportError::Fields { path, line, given: len, expected: expected_len }
        }
        csv::ErrorKind::Io(source) => ImportError::Io { path, action: "read", source },
        kind => ImportError::Io { path, action: "read", source: io::Error::other(format!("{kind:?}")) },
    }
}
