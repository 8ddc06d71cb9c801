//! A scenario's text as a tree of values, each with the place it was given at; and what `--set` changes in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Place};

/// Keys with their values.
pub(super) type Table = BTreeMap<String, Entry>;

/// A value and where its key stands (for an element of a list: where it stands itself).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub place: Place,
    pub value: Value,
}

/// A TOML value. Times are text: both ways to write them mean the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<Entry>),
    Table(Table),
}

impl Value {
    /// What it is, for a sentence.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Flag(_) => "a truth value",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A text as it is written in TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl fmt::Display for Value {
    /// As it is written in TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.value.to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(table) => {
                let items: Vec<String> = table.iter().map(|(key, item)| format!("{key} = {}", item.value)).collect();
                write!(f, "{{ {} }}", items.join(", "))
            }
        }
    }
}

/// Keys of which a section may have those of one group only. Setting one with `--set` removes the other groups.
const FORMS: [(&str, &[&[&str]]); 3] = [
    ("network", &[&["csv"], &["file"], &["synthetic"]]),
    ("demand", &[&["file"], &["rate_per_h", "from", "to", "seats", "zones"]]),
    ("supply", &[&["file"], &["place"]]),
];

/// A scenario's text as a tree.
#[derive(Debug)]
pub(super) struct Document {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Its keys.
    pub root: Table,
}

impl Document {
    /// Reads TOML. Faults go to `faults`; what could be read is in the tree.
    pub fn parse(file: &str, text: &str, faults: &mut Vec<Fault>) -> Self {
        let file: Arc<str> = file.into();
        let lines = Lines::of(text);
        let place = |byte: usize| lines.place(byte, &file);
        let (tree, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or_default();
            let place = place(span.start);
            faults.push(if error.message() == "duplicate key" {
                Fault::DuplicateKey { key: text.get(span).unwrap_or_default().to_owned(), place }
            } else {
                Fault::Syntax { what: error.message().to_owned(), place }
            });
        }
        Self { root: table(tree.get_ref(), &place), file }
    }

    /// The entry of a dotted key.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        let (last, sections) = key.rsplit_once('.').map_or((key, None), |(sections, last)| (last, Some(sections)));
        let mut table = &self.root;
        for section in sections.into_iter().flat_map(|sections| sections.split('.')) {
            match &table.get(section)?.value {
                Value::Table(inner) => table = inner,
                _ => return None,
            }
        }
        table.get(last)
    }

    /// Puts the value of a `--set` into the tree.
    pub fn set(&mut self, change: &Override) {
        let place = Place::Set { argument: change.argument.clone() };
        let (last, sections) = change.key.split_last().expect("an override has a key");
        if let [section, ..] = sections {
            self.drop_other_forms(section, sections.get(1).unwrap_or(last));
        }
        let mut table = &mut self.root;
        for section in sections {
            let entry = table
                .entry(section.clone())
                .or_insert_with(|| Entry { place: place.clone(), value: Value::Table(Table::new()) });
            if !matches!(entry.value, Value::Table(_)) {
                *entry = Entry { place: place.clone(), value: Value::Table(Table::new()) };
            }
            let Value::Table(inner) = &mut entry.value else { unreachable!("it was made a table") };
            table = inner;
        }
        let value = DeValue::parse(&change.value)
            .map_or_else(|_| Value::Text(change.value.clone()), |tree| value(tree.get_ref(), &|_| place.clone()));
        table.insert(last.clone(), Entry { place, value });
    }

    fn drop_other_forms(&mut self, section: &str, key: &str) {
        let Some((_, forms)) = FORMS.iter().find(|(name, _)| *name == section) else { return };
        let Some(Entry { value: Value::Table(table), .. }) = self.root.get_mut(section) else { return };
        if forms.iter().any(|form| form.contains(&key)) {
            for form in forms.iter().filter(|form| !form.contains(&key)) {
                table.retain(|other, _| !form.contains(&other.as_str()));
            }
        }
    }

    /// Keys of different forms side by side.
    pub fn two_forms(&self) -> impl Iterator<Item = Fault> + '_ {
        FORMS.iter().filter_map(|(section, forms)| {
            let Value::Table(table) = &self.root.get(*section)?.value else { return None };
            let mut given = forms.iter().filter_map(|form| form.iter().find_map(|key| table.get_key_value(*key)));
            let (first, second) = (given.next()?, given.next()?);
            let (first, second) = if first.1.place <= second.1.place { (first, second) } else { (second, first) };
            Some(Fault::TwoForms {
                key: format!("{section}.{}", second.0),
                place: second.1.place.clone(),
                other: format!("{section}.{}", first.0),
                other_place: first.1.place.clone(),
            })
        })
    }
}

/// A `key=value` of the command line: any key of a scenario, its value as TOML or else as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    key: Vec<String>,
    value: String,
    argument: Arc<str>,
}

impl Override {
    /// Takes `key=value` apart.
    pub fn parse(argument: &str) -> Result<Self, Faults> {
        let wrong = || {
            let (expected, example) = ("a key and a value", "--set policy.kind=nearest");
            Faults::from(Fault::Argument { argument: argument.to_owned(), expected, example })
        };
        let (key, value) = argument.split_once('=').ok_or_else(wrong)?;
        let key: Vec<String> = key.trim().split('.').map(|part| part.trim().to_owned()).collect();
        if key.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { key, value: value.trim().to_owned(), argument: argument.into() })
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.argument)
    }
}

/// Where lines start.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    fn place(&self, byte: usize, file: &Arc<str>) -> Place {
        let line = self.starts.partition_point(|&start| start <= byte);
        let before = self.text.get(self.starts[line - 1]..byte).unwrap_or_default();
        Place::File { line: line as u32, column: before.chars().count() as u32 + 1, file: file.clone() }
    }
}

fn table(tree: &DeTable<'_>, place: &impl Fn(usize) -> Place) -> Table {
    let entry = |key_at: usize, tree: &DeValue<'_>| Entry { place: place(key_at), value: value(tree, place) };
    tree.iter().map(|(key, item)| (key.get_ref().to_string(), entry(key.span().start, item.get_ref()))).collect()
}

fn value(tree: &DeValue<'_>, place: &impl Fn(usize) -> Place) -> Value {
    match tree {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        },
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Entry { place: place(item.span().start), value: value(item.get_ref(), place) })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, place)),
    }
}
