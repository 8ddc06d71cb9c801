//! What went wrong, as data.

mod told;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hansom_api::ServeError;
use hansom_api::auth::KeyError;
use hansom_api::read::history::HistoryError;
use hansom_dispatcher::{Cause, MarketsError};
use hansom_geo_index::import::ImportError;
use hansom_geo_index::import::synthetic::UnknownCity;
use hansom_geo_index::network::FileError;
use hansom_market::MarketError;
use hansom_market::log::LogError;
use hansom_market::quarantine::QuarantineError;
use hansom_market::replay::ReplayError;
use hansom_simulator::RunError;
use hansom_simulator::demand::DemandError;
use hansom_simulator::scenario::{Faults, StreetsError};
use hansom_simulator::supply::SupplyError;

pub use told::{Exit, internal};

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
    /// A log, or the market that writes it.
    #[error("{}", with_source(.0))]
    Log(#[from] LogError),
    /// A planner that does not find the best: a fault of ours.
    #[error(transparent)]
    Planner(MarketError),
    /// A planner of somebody else's that is not there.
    #[error("{why}; it has answered nothing so far")]
    NoPlanner {
        /// What became of the first question.
        why: String,
    },
    /// A log read back.
    #[error(transparent)]
    Replay(ReplayError),
    /// A replay that does not lead to what the run's summary says.
    #[error("the log leads to {key} {found}, but summary.json of the run says {expected}")]
    OtherSummary {
        /// Which field.
        key: &'static str,
        /// What the log leads to.
        found: String,
        /// What the summary says.
        expected: String,
    },
    /// A market's quarantine.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    /// A line that is in no quarantine.
    #[error("there is no line `{given}` in quarantine")]
    NoEntry {
        /// What was given.
        given: String,
    },
    /// No server to hand lines to.
    #[error("no server answers at {server}: {source}")]
    NoServer {
        /// Where it should be.
        server: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A server that does not answer as Hansom does.
    #[error("what listens at {server} does not answer as a market does: {answer}")]
    OtherServer {
        /// Where it is.
        server: SocketAddr,
        /// The start of its answer.
        answer: String,
    },
    /// A server that does not know us, or not as somebody who may do this.
    #[error("the server at {server} wants a token of an operator or a service, and got none that it takes")]
    NotLetIn {
        /// Where it is.
        server: SocketAddr,
    },
    /// Lines that stay in quarantine.
    #[error("{left} of {tried} lines stay in quarantine")]
    StillWaiting {
        /// How many.
        left: usize,
        /// Of how many.
        tried: usize,
    },
    /// A ride that the log does not know.
    #[error("there is no ride {ride} in the log; its rides are 1 to {last}")]
    NoRide {
        /// Its number.
        ride: u32,
        /// The last ride's number.
        last: u32,
    },
    /// A turn that asks no planner and answers none.
    #[error("the turn at offset {offset} neither asks for a batch to be matched nor brings the answer")]
    NoBatch {
        /// Which turn.
        offset: u64,
        /// The first batch after it.
        next: Option<u64>,
    },
    /// A key of the world, which stays as the log has it.
    #[error("`{given}` changes the world, and a log is run again in its own")]
    OfTheWorld {
        /// What was given.
        given: String,
    },
    /// A driver whom the log does not know.
    #[error("there is no driver `{driver}` in the log{}", suggested(.suggestion.as_deref()))]
    NoDriver {
        /// His name.
        driver: String,
        /// One like it.
        suggestion: Option<String>,
    },
    /// A guard that cannot be read.
    #[error("`{given}` is no guard: {what}")]
    Guard {
        /// What was given.
        given: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A guard of a figure that there is not.
    #[error("`{field}` in `{given}` is no figure of a summary{}", suggested(.suggestion.as_deref()))]
    GuardField {
        /// What was given.
        given: String,
        /// Its figure.
        field: String,
        /// One like it.
        suggestion: Option<String>,
    },
    /// A log in which nobody asked for anything.
    #[error("nobody asked for a ride in the log in {}", folder.display())]
    NoWorld {
        /// The folder.
        folder: PathBuf,
    },
    /// A log whose world cannot be built again.
    #[error("the world of the log, built again, leads to event chain {rebuilt}; the log has {logged}")]
    OtherWorld {
        /// What the log has.
        logged: String,
        /// What comes of it now.
        rebuilt: String,
    },
    /// Neither a time nor an offset.
    #[error("`{given}` is neither a time in RFC 3339 nor an offset")]
    NoTime {
        /// What was given.
        given: String,
    },
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
    /// A folder that holds no run.
    #[error("{} is not the folder of a run: {cause}", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What is missing or damaged.
        cause: String,
    },
    /// A run that was stopped cannot be compared.
    #[error("the run in {} was stopped before its end", folder.display())]
    PartialRun {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing to compare with.
    #[error("{}", if *.runs == 1 { "one run has nothing to be compared with" } else { "all these runs are of one scenario" })]
    OneArm {
        /// How many runs there are.
        runs: usize,
    },
    /// Two runs that say the same.
    #[error("{} and {} are runs of the same scenario with the same seed", one.display(), other.display())]
    TwiceTheSame {
        /// One folder.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Runs that were not asked the same.
    #[error("{} and {} cannot be compared: {what}", one.display(), other.display())]
    Unlike {
        /// One folder.
        one: PathBuf,
        /// The other.
        other: PathBuf,
        /// In what they differ.
        what: String,
    },
    /// No server.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A history that cannot be made.
    #[error("{}", with_source(&**fault))]
    History {
        /// Why.
        fault: Box<HistoryError>,
    },
    /// No keys, and no word that none are wanted.
    #[error("nobody could be let in: requests are authenticated, and no keys are given for that")]
    NobodyIn,
    /// Keys that cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No secret where a token is to be made.
    #[error("a token is to be made, and there is no secret to sign it with")]
    NoSecret,
    /// A market that does not serve.
    #[error("market {name} does not serve: {}", with_source(&**cause))]
    Halted {
        /// Its name.
        name: String,
        /// Why.
        cause: Arc<Cause>,
    },
    /// A market that has begun where a new one is wanted.
    #[error("there is a market in {} already, and a city starts with an empty one", folder.display())]
    Begun {
        /// The folder.
        folder: PathBuf,
    },
    /// A market that cannot be filled to be measured.
    #[error("the drivers of the bench cannot go on shift: {what}")]
    Unfilled {
        /// What one of them was answered.
        what: String,
    },
    /// The machine gives no more threads.
    #[error("no thread can be started: {0}")]
    NoThread(io::Error),
    /// A server to be measured that does not start.
    #[error("the server that is to be measured does not start; what it says is in {}", log.display())]
    NotStarted {
        /// Where it told why.
        log: PathBuf,
    },
    /// Markets that are served.
    #[error(transparent)]
    Markets(MarketsError),
    /// No seed that all arms have.
    #[error("no seed is in all arms")]
    NoPairs,
    /// Several scenarios where arms are of one.
    #[error("arms are of one scenario, but {given} are named")]
    OneScenario {
        /// How many.
        given: usize,
    },
}

impl Error {
    /// Makes a system's error one about a file that was to be written.
    pub fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { action: "write", path, source }
    }

    /// Makes a system's error one about a file that was to be read.
    pub fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { action: "read", path, source }
    }
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

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Log(error) => Self::Log(error),
            fault => Self::History { fault: Box::new(fault) },
        }
    }
}

impl From<MarketError> for Error {
    fn from(error: MarketError) -> Self {
        match error {
            MarketError::Log(error) => Self::Log(error),
            planner @ (MarketError::Planner { .. } | MarketError::PlannerEnded) => Self::Planner(planner),
        }
    }
}

impl From<MarketsError> for Error {
    fn from(error: MarketsError) -> Self {
        match error {
            MarketsError::Log(error) => Self::Log(error),
            other => Self::Markets(other),
        }
    }
}

impl From<ReplayError> for Error {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Log(error) => Self::Log(error),
            other => Self::Replay(other),
        }
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Streets(error) => Self::Streets(error),
            RunError::Demand(error) => Self::Demand(error),
            RunError::Supply(error) => Self::Supply(error),
            RunError::Market(error) => error.into(),
            RunError::NoPlanner { why } => Self::NoPlanner { why },
            RunError::Write { path, source } => Self::File { action: "write", path, source },
        }
    }
}

fn suggested(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// An error with what caused it, where it does not say so itself.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
