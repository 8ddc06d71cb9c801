//! From TOML text to a scenario, or to all that is wrong with it.

use std::path::{Path, PathBuf};

use super::check;
use super::document::{Document, Entry, Override, Table, Value};
use super::fault::{Fault, Faults, Place, nearest};
use super::form::{Bases, Form, Spot, instant};
use super::keys::{self, Keys};
use super::model::Scenario;
use super::timezone::Timezone;

impl Scenario {
    /// Reads a scenario file and changes it by what the command line says.
    pub fn load(path: &Path, changes: &[Override]) -> Result<Self, Faults> {
        let (file, text, folder) = open(path)?;
        Self::parse(&file, &text, &folder, changes)
    }

    /// Reads a market file: the sections of a scenario that say what is decided where, and how. The rest stands at its
    /// defaults.
    pub fn load_market(path: &Path, changes: &[Override]) -> Result<Self, Faults> {
        let (file, text, folder) = open(path)?;
        Self::parse_market(&file, &text, &folder, changes)
    }

    /// Reads a scenario from text. `file` is what faults call it and, without its ending, the default of `name`; paths
    /// in the text are relative to `folder`, paths in changes to the current directory.
    pub fn parse(file: &str, text: &str, folder: &Path, changes: &[Override]) -> Result<Self, Faults> {
        read(&Source { file, text, folder, changes }, |reader, scenario, document| {
            if let Some(Entry { value: Value::Text(start), .. }) = document.find("period.start")
                && let Some(zone) = instant(start).and_then(|(_, offset)| Timezone::fixed(offset))
            {
                scenario.timezone = zone;
            }
            keys::scenario(reader, scenario);
            check::together
        })
    }

    /// Reads a market from text, as [`parse`](Self::parse) does a scenario.
    pub fn parse_market(file: &str, text: &str, folder: &Path, changes: &[Override]) -> Result<Self, Faults> {
        read(&Source { file, text, folder, changes }, |reader, scenario, _| {
            keys::market(reader, scenario);
            check::market
        })
    }

    /// Reads what a log keeps of where it came from: a scenario, or a market if nothing else was given.
    pub fn parse_logged(file: &str, text: &str, folder: &Path) -> Result<Self, Faults> {
        if Document::parse(file, text, &mut Vec::new()).find("period").is_some() {
            Self::parse(file, text, folder, &[])
        } else {
            Self::parse_market(file, text, folder, &[])
        }
    }
}

/// Where a scenario or market is read from.
struct Source<'s> {
    file: &'s str,
    text: &'s str,
    folder: &'s Path,
    changes: &'s [Override],
}

/// Holds keys against each other once all are read.
type Together = fn(&Scenario, &Document, &mut Vec<Fault>);

/// The name, text and folder of a file.
fn open(path: &Path) -> Result<(String, String, PathBuf), Faults> {
    let file = path.display().to_string();
    let unreadable = |error: std::io::Error| Fault::Unreadable { file: file.clone(), cause: error.to_string() };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let folder = std::path::absolute(path).map_err(unreadable)?.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok((file, text, folder))
}

/// Reads what `walk` asks for; it says how the keys are held against each other.
fn read(
    source: &Source<'_>,
    walk: impl FnOnce(&mut Reader<'_>, &mut Scenario, &Document) -> Together,
) -> Result<Scenario, Faults> {
    let mut faults = Vec::new();
    let mut document = Document::parse(source.file, source.text, &mut faults);
    if faults.iter().any(|fault| matches!(fault, Fault::Syntax { .. })) {
        // What the parser put in the place of broken text would only be blamed again.
        return Err(Faults::of(faults));
    }
    for change in source.changes {
        document.set(change);
    }
    faults.extend(document.two_forms());
    let mut scenario = Scenario { name: default_name(source.file), ..Scenario::default() };
    let bases = Bases { file: source.folder.to_path_buf(), set: std::env::current_dir().unwrap_or_default() };
    let mut reader = Reader::new(&document, &bases);
    let together = walk(&mut reader, &mut scenario, &document);
    faults.extend(reader.finish());
    together(&scenario, &document, &mut faults);
    Faults::unless(faults, scenario)
}

fn default_name(file: &str) -> String {
    let stem = PathBuf::from(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let fit = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    if stem.is_empty() { "scenario".to_owned() } else { stem.chars().map(fit).collect() }
}

/// Overwrites defaults with what the document says, and notes what it cannot.
struct Reader<'d> {
    document: &'d Document,
    bases: &'d Bases,
    levels: Vec<Level<'d>>,
    faults: Vec<Fault>,
    /// Keys that were not asked for: the section they are in, their name and place.
    unknown: Vec<(String, String, Place)>,
    /// Every key that was asked for, in full but for the indices of lists.
    known: Vec<String>,
}

/// A table that is being read.
struct Level<'d> {
    /// Its keys in full, up to the dot; with indices for faults, without for suggestions.
    prefix: String,
    plain: String,
    table: Option<&'d Table>,
    asked: Vec<&'static str>,
}

impl<'d> Reader<'d> {
    fn new(document: &'d Document, bases: &'d Bases) -> Self {
        let root =
            Level { prefix: String::new(), plain: String::new(), table: Some(&document.root), asked: Vec::new() };
        Self { document, bases, levels: vec![root], faults: Vec::new(), unknown: Vec::new(), known: Vec::new() }
    }

    fn level(&mut self) -> &mut Level<'d> {
        self.levels.last_mut().expect("the root is never left before the end")
    }

    /// The entry of a key of the present table, which from now on is known.
    fn ask(&mut self, name: &'static str) -> Option<&'d Entry> {
        let level = self.level();
        level.asked.push(name);
        let (plain, entry) = (format!("{}{name}", level.plain), level.table.and_then(|table| table.get(name)));
        self.known.push(plain);
        entry
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.levels.last().map_or("", |level| level.prefix.as_str()))
    }

    fn enter(&mut self, prefix: String, plain: String, table: Option<&'d Table>) {
        self.levels.push(Level { prefix, plain, table, asked: Vec::new() });
    }

    fn leave(&mut self) {
        let Some(level) = self.levels.pop() else { return };
        for (name, entry) in level.table.into_iter().flatten() {
            if !level.asked.contains(&name.as_str()) {
                self.unknown.push((level.prefix.clone(), name.clone(), entry.place.clone()));
            }
        }
    }

    /// The faults, now that every key is known.
    fn finish(mut self) -> Vec<Fault> {
        self.leave();
        for (prefix, name, place) in std::mem::take(&mut self.unknown) {
            let suggestion = self.suggest(&prefix, &name);
            let file = self.document.file.clone();
            self.faults.push(Fault::UnknownKey { key: format!("{prefix}{name}"), place, suggestion, file });
        }
        self.faults
    }

    /// A key of the same table with a like name, else the same name in another table.
    fn suggest(&self, prefix: &str, name: &str) -> Option<String> {
        let plain: String = prefix.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
        let siblings = self.known.iter().filter_map(|key| key.strip_prefix(&plain)).filter(|rest| !rest.contains('.'));
        let namesake = || self.known.iter().find(|key| key.rsplit('.').next() == Some(name)).cloned();
        nearest(name, siblings).map(str::to_owned).or_else(namesake)
    }

    fn take<F: Form>(&mut self, name: &'static str, entry: &'d Entry, value: &mut F::Value, form: &F) {
        let spot = Spot { key: self.full(name), entry, bases: self.bases, file: &self.document.file };
        match form.read(&spot) {
            Ok(given) => *value = given,
            Err(mut fault) => {
                if let Fault::WrongType { default, .. } | Fault::OutOfRange { default, .. } = &mut *fault {
                    *default = form.write(value);
                }
                self.faults.push(*fault);
            }
        }
    }

    fn wrong_type(&mut self, key: String, entry: &Entry, expected: &str) {
        self.faults.push(Fault::WrongType {
            key,
            place: entry.place.clone(),
            value: entry.value.to_string(),
            found: entry.value.kind(),
            expected: expected.to_owned(),
            default: None,
        });
    }
}

impl Keys for Reader<'_> {
    fn key<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F) {
        if let Some(entry) = self.ask(name) {
            self.take(name, entry, value, form);
        }
    }

    fn need<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F, example: &'static str) {
        let Some(entry) = self.ask(name) else {
            let (key, file) = (self.full(name), self.document.file.clone());
            return self.faults.push(Fault::Missing { key, file, example });
        };
        let given = self.faults.len();
        self.take(name, entry, value, form);
        // The value that is there before is no default.
        for fault in &mut self.faults[given..] {
            if let Fault::WrongType { default, .. } | Fault::OutOfRange { default, .. } = fault {
                *default = None;
            }
        }
    }

    fn section(&mut self, name: &'static str, inner: impl FnOnce(&mut Self)) {
        let entry = self.ask(name);
        let (prefix, plain) = (format!("{}.", self.full(name)), format!("{}{name}.", self.level().plain));
        let table = match entry.map(|entry| (&entry.value, entry)) {
            Some((Value::Table(table), _)) => Some(table),
            Some((_, entry)) => {
                self.wrong_type(self.full(name), entry, "a table");
                None
            }
            None => None,
        };
        self.enter(prefix, plain, table);
        inner(self);
        self.leave();
    }

    fn list<T: Default>(&mut self, name: &'static str, items: &mut Vec<T>, inner: impl Fn(&mut Self, &mut T)) {
        let Some(entry) = self.ask(name) else { return };
        let Value::List(entries) = &entry.value else {
            return self.wrong_type(self.full(name), entry, "a list of tables");
        };
        items.clear();
        for (n, entry) in entries.iter().enumerate() {
            let (key, plain) = (format!("{}[{n}]", self.full(name)), format!("{}{name}.", self.level().plain));
            let Value::Table(table) = &entry.value else {
                self.wrong_type(key, entry, "a table");
                continue;
            };
            self.enter(format!("{key}."), plain, Some(table));
            let mut item = T::default();
            inner(self, &mut item);
            items.push(item);
            self.leave();
        }
    }
}
