//! Names, choices, paths.

use std::path::PathBuf;

use super::{Form, Spot};
use crate::scenario::document::{Value, quoted};
use crate::scenario::fault::{Fault, Place, nearest};

/// A name of letters, digits, `-`, `_` and `.`, fit for a folder.
pub(in crate::scenario) struct Name;

impl Form for Name {
    type Value = String;

    fn read(&self, spot: &Spot<'_>) -> Result<String, Box<Fault>> {
        let Value::Text(name) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        let fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(fit) {
            return Err(spot.out_of_range(self.expected()));
        }
        Ok(name.clone())
    }

    fn write(&self, value: &String) -> Option<String> {
        Some(quoted(value))
    }

    fn expected(&self) -> String {
        "a name of letters, digits, `-`, `_` and `.`".to_owned()
    }
}

/// One or more words with blanks between them.
pub(in crate::scenario) struct Words;

impl Form for Words {
    type Value = String;

    fn read(&self, spot: &Spot<'_>) -> Result<String, Box<Fault>> {
        match &spot.entry.value {
            Value::Text(words) if words.split_whitespace().next().is_some() => Ok(words.clone()),
            Value::Text(_) => Err(spot.out_of_range(self.expected())),
            _ => Err(spot.wrong_type(self.expected())),
        }
    }

    fn write(&self, value: &String) -> Option<String> {
        Some(quoted(value))
    }

    fn expected(&self) -> String {
        "one or more words".to_owned()
    }
}

/// Three capital letters.
pub(in crate::scenario) struct Currency;

impl Form for Currency {
    type Value = String;

    fn read(&self, spot: &Spot<'_>) -> Result<String, Box<Fault>> {
        let Value::Text(code) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        if code.len() != 3 || !code.bytes().all(|c| c.is_ascii_uppercase()) {
            return Err(spot.out_of_range(self.expected()));
        }
        Ok(code.clone())
    }

    fn write(&self, value: &String) -> Option<String> {
        Some(quoted(value))
    }

    fn expected(&self) -> String {
        "an ISO 4217 code such as \"USD\"".to_owned()
    }
}

/// One of some names.
pub(in crate::scenario) struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Form for Choice<T> {
    type Value = T;

    fn read(&self, spot: &Spot<'_>) -> Result<T, Box<Fault>> {
        let Value::Text(name) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        self.0.iter().find(|(known, _)| known == name).map(|&(_, value)| value).ok_or_else(|| {
            let near = nearest(name, self.0.iter().map(|&(known, _)| known));
            spot.unknown_name("value", name, near, format!("write {}", self.expected()))
        })
    }

    fn write(&self, value: &T) -> Option<String> {
        self.0.iter().find(|(_, known)| known == value).map(|(name, _)| quoted(name))
    }

    fn expected(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(name, _)| quoted(name)).collect();
        names.join(" or ")
    }
}

/// A name or a list of names.
pub(in crate::scenario) struct Names;

impl Form for Names {
    type Value = Vec<String>;

    fn read(&self, spot: &Spot<'_>) -> Result<Vec<String>, Box<Fault>> {
        let one = |value: &Value| match value {
            Value::Text(name) => Some(name.clone()),
            _ => None,
        };
        let names = match &spot.entry.value {
            Value::List(items) => items.iter().map(|item| one(&item.value)).collect(),
            value => one(value).map(|name| vec![name]),
        };
        names.ok_or_else(|| spot.wrong_type(self.expected()))
    }

    fn write(&self, value: &Vec<String>) -> Option<String> {
        match value.as_slice() {
            [] => None,
            [one] => Some(quoted(one)),
            many => Some(format!("[{}]", many.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))),
        }
    }

    fn expected(&self) -> String {
        "a name or a list of names".to_owned()
    }
}

/// A path.
pub(in crate::scenario) struct Path;

impl Form for Path {
    type Value = PathBuf;

    fn read(&self, spot: &Spot<'_>) -> Result<PathBuf, Box<Fault>> {
        let Value::Text(path) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        if path.is_empty() {
            return Err(spot.out_of_range(self.expected()));
        }
        Ok(match spot.entry.place {
            Place::File { .. } => spot.bases.file.join(path),
            Place::Set { .. } => spot.bases.set.join(path),
        })
    }

    fn write(&self, value: &PathBuf) -> Option<String> {
        Some(quoted(&value.to_string_lossy()))
    }

    fn expected(&self) -> String {
        "a path".to_owned()
    }
}
