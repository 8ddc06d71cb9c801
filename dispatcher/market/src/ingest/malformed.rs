//! Why a line from outside is no record.

use std::fmt;

/// Why a line is no record: what is wrong, and where in it. Senders read these, and so does who mends quarantined lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line's `id`, if that could be read: the answer names it, so that the sender knows which line is meant.
    pub id: Option<Box<str>>,
    /// The field, from the line's root: `data.pickup.lat`, `data.blocked[3]`. Empty: the line as a whole.
    pub field: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a field, or with the line as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line is longer than any record.
    #[error("is {bytes} bytes long; a line has at most {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// Not JSON.
    #[error("is not JSON: {0}")]
    NotJson(String),
    /// A field that has to be there is not.
    #[error("is missing")]
    Missing,
    /// A field that nobody knows.
    #[error("is not known here; the fields are {known}")]
    Unknown {
        /// Those that are.
        known: String,
    },
    /// A value of the wrong kind.
    #[error("must be {expected}, but is {found}")]
    Kind {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value of the right kind that is not allowed.
    #[error("must be {expected}, but is {found}")]
    Value {
        /// What is allowed.
        expected: &'static str,
        /// What it is, cut if it is long.
        found: String,
    },
    /// A type of record that nobody knows, or of a later version.
    #[error("`{found}` is no type of record that is taken here; those are {known}")]
    Type {
        /// As given.
        found: String,
        /// Those that are.
        known: String,
    },
}

impl Malformed {
    /// The line as a whole, or the field that the caller will name.
    pub(super) fn new(fault: Fault) -> Self {
        Self { id: None, field: String::new(), fault }
    }

    /// The same fault, in a field of `outer`.
    #[must_use]
    pub(super) fn within(mut self, outer: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{outer}{dot}{}", self.field);
        self
    }

    /// The code under which `docs/errors.md` explains it.
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::TooLong { .. } => "E0901",
            Fault::NotJson(_) => "E0902",
            Fault::Missing => "E0903",
            Fault::Unknown { .. } => "E0904",
            Fault::Kind { .. } => "E0905",
            Fault::Value { .. } => "E0906",
            Fault::Type { .. } => "E0907",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "the line {}", self.fault),
            field => write!(f, "`{field}` {}", self.fault),
        }
    }
}

impl std::error::Error for Malformed {}

/// The start of a text, for a message: what comes from outside can be of any length.
pub(super) fn cut(text: &str) -> String {
    const KEPT: usize = 40;
    match text.char_indices().nth(KEPT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
