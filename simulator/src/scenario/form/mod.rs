//! The forms a key's value may have: how each is read from TOML, written to it, and described.

mod number;
mod text;
mod time;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use number::{Degrees, Metres, Milliseconds, Number, Numbers, Seconds, Whole};
pub(super) use text::{Choice, Currency, Name, Names, Path, Words};
pub(super) use time::{Instant, Spread, Zone, instant};

use super::document::{Entry, Value, quoted};
use super::fault::Fault;

/// What a key's value may be.
pub(super) trait Form {
    /// What it means.
    type Value;

    /// The meaning of what was written.
    fn read(&self, spot: &Spot<'_>) -> Result<Self::Value, Box<Fault>>;

    /// How it is written; `None`: by leaving the key out.
    fn write(&self, value: &Self::Value) -> Option<String>;

    /// What may be written, for "it must be …".
    fn expected(&self) -> String;
}

/// A value to be read: what it is, whose, where.
pub(super) struct Spot<'d> {
    /// The key in full.
    pub key: String,
    /// The value and its place.
    pub entry: &'d Entry,
    /// What paths are relative to.
    pub bases: &'d Bases,
    /// The file for hints.
    pub file: &'d Arc<str>,
}

/// What paths are relative to.
#[derive(Debug, Clone)]
pub(super) struct Bases {
    /// In the file.
    pub file: PathBuf,
    /// On the command line.
    pub set: PathBuf,
}

impl Spot<'_> {
    /// The value has the wrong type.
    pub fn wrong_type(&self, expected: String) -> Box<Fault> {
        Box::new(Fault::WrongType {
            key: self.key.clone(),
            place: self.entry.place.clone(),
            value: self.entry.value.to_string(),
            found: self.entry.value.kind(),
            expected,
            default: None,
        })
    }

    /// The value has the right type, but is not allowed.
    pub fn out_of_range(&self, allowed: String) -> Box<Fault> {
        Box::new(Fault::OutOfRange {
            key: self.key.clone(),
            place: self.entry.place.clone(),
            value: self.entry.value.to_string(),
            allowed,
            default: None,
        })
    }

    fn unknown_name(&self, what: &'static str, name: &str, suggestion: Option<&str>, known: String) -> Box<Fault> {
        Box::new(Fault::UnknownName {
            what,
            key: self.key.clone(),
            place: self.entry.place.clone(),
            value: quoted(name),
            suggestion: suggestion.map(str::to_owned),
            known,
        })
    }

    fn inner<'s>(&'s self, name: &str, entry: &'s Entry) -> Spot<'s> {
        Spot { key: format!("{}{name}", self.key), entry, bases: self.bases, file: self.file }
    }

    fn float(&self) -> Option<f64> {
        match self.entry.value {
            Value::Whole(number) => Some(number as f64),
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// `true` or `false`.
pub(super) struct Flag;

impl Form for Flag {
    type Value = bool;

    fn read(&self, spot: &Spot<'_>) -> Result<bool, Box<Fault>> {
        match spot.entry.value {
            Value::Flag(flag) => Ok(flag),
            _ => Err(spot.wrong_type(self.expected())),
        }
    }

    fn write(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }

    fn expected(&self) -> String {
        "true or false".to_owned()
    }
}

/// A key that may be left out.
pub(super) struct Maybe<F>(pub F);

impl<F: Form> Form for Maybe<F> {
    type Value = Option<F::Value>;

    fn read(&self, spot: &Spot<'_>) -> Result<Self::Value, Box<Fault>> {
        self.0.read(spot).map(Some)
    }

    fn write(&self, value: &Self::Value) -> Option<String> {
        value.as_ref().and_then(|value| self.0.write(value))
    }

    fn expected(&self) -> String {
        self.0.expected()
    }
}
