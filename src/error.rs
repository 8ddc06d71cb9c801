//! What went wrong, as data: code, text, hint and exit code. `docs/errors.md` has a section for every code.

use std::io;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;

use hansom_geo_index::import::ImportError;
use hansom_geo_index::import::synthetic::UnknownCity;
use hansom_geo_index::network::FileError;
use hansom_simulator::RunError;
use hansom_simulator::demand::DemandError;
use hansom_simulator::scenario::{Fault, Faults, StreetsError};
use hansom_simulator::supply::SupplyError;

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
    /// Streets.
    #[error(transparent)]
    Streets(#[from] StreetsError),
    /// Vehicles.
    #[error(transparent)]
    Supply(#[from] SupplyError),
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
    /// Ctrl-C could not be caught.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(ctrlc::Error),
    /// A folder of scenarios without one.
    #[error("there is no scenario in {}", folder.display())]
    NoScenarios {
        /// The folder.
        folder: PathBuf,
    },
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        Self::Streets(error.into())
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Streets(error.into())
    }
}

impl From<UnknownCity> for Error {
    fn from(error: UnknownCity) -> Self {
        Self::Streets(error.into())
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Streets(error) => Self::Streets(error),
            RunError::Demand(error) => Self::Demand(error),
            RunError::Supply(error) => Self::Supply(error),
            RunError::Write { path, source } => Self::File { action: "write", path, source },
        }
    }
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
            // The reader has seen enough: `hansom … | head` is no failure.
            Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Streets(StreetsError::File(FileError::Io { action: "write", .. }))
            | Self::Streets(StreetsError::Csv(ImportError::Io { action: "write", .. }))
            | Self::Output(_)
            | Self::File { .. }
            | Self::Signals(_) => Exit::Failed,
            Self::Scenario(_) | Self::Demand(_) | Self::Streets(_) | Self::Supply(_) | Self::NoScenarios { .. } => {
                Exit::Input
            }
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
            Self::Streets(error) => problem(error.code(), error.hint()),
            Self::Supply(error) => problem(error.code(), error.hint()),
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
