//! What went wrong, as data: code, text, hint and exit code. `docs/errors.md` has a section for every code.

use std::io;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;

use hansom_geo_index::import::ImportError;
use hansom_geo_index::import::synthetic::UnknownCity;
use hansom_geo_index::network::FileError;
use hansom_simulator::demand::DemandError;
use hansom_simulator::scenario::{Fault, Faults};

use crate::show;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or input.
    Input = 2,
    /// Stopped by the user.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A scenario, or an argument that changes one.
    #[error(transparent)]
    Scenario(#[from] Faults),
    /// Requests.
    #[error(transparent)]
    Demand(#[from] DemandError),
    /// Street data.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A name of no procedural city.
    #[error(transparent)]
    City(#[from] UnknownCity),
    /// A network file.
    #[error(transparent)]
    Network(#[from] FileError),
    /// Nobody reads what is printed, or the disk is full.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    /// A file of ours.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder of scenarios without one.
    #[error("there is no scenario in {}", folder.display())]
    NoScenarios {
        /// The folder.
        folder: PathBuf,
    },
    /// Ctrl-C could not be caught.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(ctrlc::Error),
}

/// One thing that is wrong, as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: &'static str,
    text: String,
    hint: String,
}

impl Problem {
    /// Prints it to stderr.
    pub fn print(&self) {
        show::problem(self.code, &self.text, &self.hint);
    }
}

impl Error {
    /// How the process ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Scenario(_)
            | Self::Demand(_)
            | Self::Import(_)
            | Self::City(_)
            | Self::Network(_)
            | Self::NoScenarios { .. } => Exit::Input,
            // The reader has seen enough: `hansom … | head` is no failure.
            Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) | Self::File { .. } | Self::Signals(_) => Exit::Failed,
        }
    }

    /// Prints all that is wrong to stderr.
    pub fn print(&self) {
        if self.exit() == Exit::Done {
            return;
        }
        for problem in self.problems() {
            problem.print();
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let problem = |code, hint: &str| vec![Problem { code, text: self.to_string(), hint: hint.to_owned() }];
        match self {
            Self::Scenario(faults) => faults.list().iter().map(Problem::from).collect(),
            Self::Demand(error) => problem(error.code(), error.hint()),
            Self::Import(error) => problem(import_code(error), import_hint(error)),
            Self::City(_) => problem("E0410", "`hansom import synthetic --help` names the cities"),
            Self::Network(error) => {
                problem(network_code(error), "`hansom import` makes a network file from street data")
            }
            Self::Output(_) => problem("E0102", "is the disk of the output full?"),
            Self::File { .. } => problem("E0103", "does the folder exist, may you write there, and is there room?"),
            Self::Signals(_) => problem("E0104", "run it again; if it stays, report it with the system's name"),
            Self::NoScenarios { .. } => {
                problem("E0105", "name a folder with .toml files: `hansom scenario list FOLDER`")
            }
        }
    }
}

impl From<&Fault> for Problem {
    fn from(fault: &Fault) -> Self {
        Self { code: fault.code(), text: fault.to_string(), hint: fault.hint() }
    }
}

/// A panic, which is a fault of ours: what a user gets to see of it.
pub fn internal(panic: &PanicHookInfo<'_>) -> Problem {
    let payload = panic.payload();
    let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    Problem {
        code: "E0101",
        text: format!("Hansom has failed: {}{place}", what.unwrap_or("no reason given")),
        hint: "this is a fault of the program; please report it with the command, the scenario and this text"
            .to_owned(),
    }
}

fn import_code(error: &ImportError) -> &'static str {
    match error {
        ImportError::Io { .. } => "E0401",
        ImportError::MissingFile { .. } => "E0402",
        ImportError::Ambiguous { .. } => "E0403",
        ImportError::Column { .. } => "E0404",
        ImportError::Fields { .. } => "E0405",
        ImportError::Field { .. } => "E0406",
        ImportError::MissingTime { .. } => "E0407",
        ImportError::Speed { .. } => "E0408",
        ImportError::Network { .. } => "E0409",
    }
}

fn import_hint(error: &ImportError) -> &'static str {
    match error {
        ImportError::Io { .. } => "does it exist, and may you read or write it?",
        ImportError::MissingFile { .. } => "name the folder that holds the files, not a file",
        ImportError::Ambiguous { .. } => "travel times are read from one of the two",
        ImportError::Column { .. } => "columns may come in any order, others may stand beside them",
        ImportError::Fields { .. } => "a comma inside of a field stands in quotes",
        ImportError::Field { .. } => "mend the line, or take the row out",
        ImportError::MissingTime { .. } => "without that file all edges are driven at `--speed-m-s`",
        ImportError::Speed { .. } => "8 m/s is a city's usual speed",
        ImportError::Network { .. } => "`hansom import` keeps the largest part in which all nodes reach each other",
    }
}

fn network_code(error: &FileError) -> &'static str {
    match error {
        FileError::Io { .. } => "E0421",
        FileError::NotANetwork { .. } => "E0422",
        FileError::Version { .. } => "E0423",
        FileError::Truncated { .. } => "E0424",
        FileError::Checksum { .. } => "E0425",
        FileError::Layout { .. } => "E0426",
        FileError::Missing { .. } => "E0427",
        FileError::Content { .. } => "E0428",
        FileError::Identity { .. } => "E0429",
    }
}
