//! What can be wrong with a scenario, as data: each fault has a stable code, the place, what was found, what is allowed
//! and what to do about it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a key or value was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file.
    File {
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
        /// The file, as it was named.
        file: Arc<str>,
    },
    /// On the command line.
    Set {
        /// `key=value` as given.
        argument: Arc<str>,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { line, column, file } => write!(f, "at {file}:{line}:{column}"),
            Self::Set { argument } => write!(f, "in `--set {argument}`"),
        }
    }
}

/// Something wrong with a scenario or an argument that changes one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("{file} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        cause: String,
    },
    /// The text is not TOML.
    #[error("not TOML: {what} {place}")]
    Syntax {
        /// What the parser said.
        what: String,
        /// Where.
        place: Place,
    },
    /// A key that means nothing.
    #[error("unknown key `{key}` {place}{}", suggest(suggestion.as_deref()))]
    UnknownKey {
        /// The key in full.
        key: String,
        /// Where.
        place: Place,
        /// The nearest key that means something.
        suggestion: Option<String>,
        /// The file that the hint names.
        file: Arc<str>,
    },
    /// A key that was given before.
    #[error("key `{key}` is given twice, the second time {place}")]
    DuplicateKey {
        /// The key, as it stands there.
        key: String,
        /// Where it stands again.
        place: Place,
    },
    /// A value of the wrong type.
    #[error("`{key}` {place} is {value}, {found}; it must be {expected}")]
    WrongType {
        /// The key in full.
        key: String,
        /// Where.
        place: Place,
        /// The value.
        value: String,
        /// What that is.
        found: &'static str,
        /// What it must be.
        expected: String,
        /// The default.
        default: Option<String>,
    },
    /// A value of the right type that is not allowed.
    #[error("`{key}` {place} is {value}; allowed is {allowed}")]
    OutOfRange {
        /// The key in full.
        key: String,
        /// Where.
        place: Place,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
        /// The default.
        default: Option<String>,
    },
    /// A key that must be given is not.
    #[error("`{key}` is missing in {file}")]
    Missing {
        /// The key in full.
        key: String,
        /// The scenario.
        file: Arc<str>,
        /// What could be written.
        example: &'static str,
    },
    /// Two keys that exclude each other.
    #[error("`{key}` {place} and `{other}` {other_place} exclude each other")]
    TwoForms {
        /// One key.
        key: String,
        /// Where.
        place: Place,
        /// The other.
        other: String,
        /// Where.
        other_place: Place,
    },
    /// A name that names nothing.
    #[error("unknown {what} {value} for `{key}` {place}{}", suggest(suggestion.as_deref()))]
    UnknownName {
        /// What is named.
        what: &'static str,
        /// The key in full.
        key: String,
        /// Where.
        place: Place,
        /// The name.
        value: String,
        /// The nearest name that names something.
        suggestion: Option<String>,
        /// How to find out what there is.
        known: String,
    },
    /// Something that ends before it starts.
    #[error("`{end_key}` {place} is {end}, not after `{start_key}` {start}")]
    Backwards {
        /// The key of the end.
        end_key: String,
        /// Where.
        place: Place,
        /// The end.
        end: String,
        /// The key of the start.
        start_key: String,
        /// The start.
        start: String,
    },
    /// Two values that do not go together.
    #[error("`{key}` {place} is {value}, but {against}")]
    Contradiction {
        /// The key in full.
        key: String,
        /// Where.
        place: Place,
        /// The value.
        value: String,
        /// What it contradicts.
        against: String,
        /// What to do.
        remedy: String,
    },
    /// An argument that is not of the form it must have.
    #[error("`{argument}` is not {expected}")]
    Argument {
        /// The argument.
        argument: String,
        /// What it must be.
        expected: &'static str,
        /// An example.
        example: &'static str,
    },
    /// A file that the scenario names is not there.
    #[error("`{key}` names {path}, which does not exist", path = path.display())]
    NoFile {
        /// The key in full.
        key: &'static str,
        /// The path, resolved.
        path: PathBuf,
    },
}

impl Fault {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "E0201",
            Self::Syntax { .. } => "E0202",
            Self::UnknownKey { .. } => "E0203",
            Self::DuplicateKey { .. } => "E0204",
            Self::WrongType { .. } => "E0205",
            Self::OutOfRange { .. } => "E0206",
            Self::Missing { .. } => "E0207",
            Self::TwoForms { .. } => "E0208",
            Self::UnknownName { .. } => "E0209",
            Self::Backwards { .. } => "E0210",
            Self::Contradiction { .. } => "E0211",
            Self::Argument { .. } => "E0212",
            Self::NoFile { .. } => "E0213",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "`hansom scenario list` shows the scenarios at hand".to_owned(),
            Self::Syntax { .. } => {
                "text stands in quotes, tables in braces, lists in brackets: https://toml.io".to_owned()
            }
            Self::UnknownKey { file, .. } => format!("`hansom scenario check {file}` lists every fault at once"),
            Self::DuplicateKey { .. } => "remove one of the two".to_owned(),
            Self::WrongType { expected, default, .. } => or_default(&format!("write {expected}"), default.as_deref()),
            Self::OutOfRange { allowed, default, .. } => or_default(&format!("choose {allowed}"), default.as_deref()),
            Self::Missing { example, .. } => format!("add `{example}`"),
            Self::TwoForms { key, other, .. } => format!("remove `{other}` or `{key}`"),
            Self::UnknownName { known, .. } => known.clone(),
            Self::Backwards { end_key, start_key, .. } => format!("set `{end_key}` to a time after `{start_key}`"),
            Self::Contradiction { remedy, .. } => remedy.clone(),
            Self::Argument { example, .. } => format!("for example `{example}`"),
            Self::NoFile { .. } => {
                "paths in a scenario are relative to its file, paths given with --set to the current directory"
                    .to_owned()
            }
        }
    }

    /// Where it is, if it is at one place.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Syntax { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::DuplicateKey { place, .. }
            | Self::WrongType { place, .. }
            | Self::OutOfRange { place, .. }
            | Self::TwoForms { place, .. }
            | Self::UnknownName { place, .. }
            | Self::Backwards { place, .. }
            | Self::Contradiction { place, .. } => Some(place),
            Self::Unreadable { .. } | Self::Missing { .. } | Self::Argument { .. } | Self::NoFile { .. } => None,
        }
    }
}

/// All faults of a scenario: at least one, in order of place, those of the whole file last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// `value`, unless there are faults.
    pub(crate) fn unless<T>(faults: Vec<Fault>, value: T) -> Result<T, Self> {
        if faults.is_empty() { Ok(value) } else { Err(Self::of(faults)) }
    }

    /// Some faults, put in order.
    pub(crate) fn of(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.place().is_none(), fault.place().cloned()));
        Self(faults)
    }

    /// The faults.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    /// Every fault as `error[CODE]: text` with a line `hint: …` below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "error[{}]: {fault}\nhint: {}", fault.code(), fault.hint())?;
        }
        Ok(())
    }
}

/// The candidate nearest to `name`, if it is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lowered = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= (name.chars().count().max(candidate.chars().count()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

fn suggest(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn or_default(remedy: &str, default: Option<&str>) -> String {
    default.map_or_else(|| remedy.to_owned(), |default| format!("{remedy}, or leave it out: the default is {default}"))
}
