//! How an error is told: code, text and hint, and how the process ends with it. `docs/errors.md` has a section for every code.

use std::io;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use hansom_api::ServeError;
use hansom_api::auth::KeyError;
use hansom_dispatcher::{Cause, MarketsError};
use hansom_geo_index::import::ImportError;
use hansom_geo_index::network::FileError;
use hansom_market::MarketError;
use hansom_market::log::LogError;
use hansom_market::quarantine::QuarantineError;
use hansom_market::recovery::RecoveryError;
use hansom_market::replay::ReplayError;
use hansom_simulator::scenario::{Fault, StreetsError};

use super::Error;
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
    /// A replay that does not lead where its log says.
    Diverged = 3,
    /// A damaged log.
    Damaged = 4,
    /// Stopped by the user.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
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
            Self::Streets(
                StreetsError::File(FileError::Io { action: "write", .. })
                | StreetsError::Csv(ImportError::Io { action: "write", .. }),
            )
            | Self::Log(LogError::Io { .. } | LogError::Failed)
            | Self::Planner(_)
            | Self::NoPlanner { .. }
            | Self::Output(_)
            | Self::File { .. }
            | Self::Quarantine(QuarantineError::Io { .. } | QuarantineError::InUse { .. })
            | Self::NoServer { .. }
            | Self::OtherServer { .. }
            | Self::NotLetIn { .. }
            | Self::StillWaiting { .. }
            | Self::History { .. }
            | Self::Markets(_)
            | Self::Unfilled { .. }
            | Self::NoThread(_)
            | Self::NotStarted { .. }
            | Self::Serve(ServeError::Listen { .. })
            | Self::Signals(_) => Exit::Failed,
            Self::Quarantine(QuarantineError::Damaged { .. }) => Exit::Damaged,
            Self::Halted { cause, .. } => halted_exit(cause),
            Self::Log(error) if error.is_damage() => Exit::Damaged,
            Self::Replay(ReplayError::Diverged(_) | ReplayError::Checkpoint { .. })
            | Self::OtherSummary { .. }
            | Self::OtherWorld { .. } => Exit::Diverged,
            Self::Scenario(_)
            | Self::Demand(_)
            | Self::Streets(_)
            | Self::Supply(_)
            | Self::Log(_)
            | Self::Replay(_)
            | Self::Quarantine(_)
            | Self::NoEntry { .. }
            | Self::NoRide { .. }
            | Self::NoBatch { .. }
            | Self::NoTime { .. }
            | Self::OfTheWorld { .. }
            | Self::NoDriver { .. }
            | Self::Guard { .. }
            | Self::GuardField { .. }
            | Self::NoWorld { .. }
            | Self::NoScenarios { .. }
            | Self::NoRun { .. }
            | Self::PartialRun { .. }
            | Self::OneArm { .. }
            | Self::TwiceTheSame { .. }
            | Self::Unlike { .. }
            | Self::NoPairs
            | Self::Serve(ServeError::Open { .. } | ServeError::Certificate(_) | ServeError::Collector(_))
            | Self::NobodyIn
            | Self::Keys(_)
            | Self::NoSecret
            | Self::Begun { .. }
            | Self::OneScenario { .. } => Exit::Input,
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

    #[expect(clippy::too_many_lines, reason = "a table of what can go wrong and what helps, a line each")]
    fn problems(&self) -> Vec<Problem> {
        let problem = |code, hint: &str| vec![Problem { code, text: self.to_string(), hint: hint.to_owned() }];
        match self {
            Self::Scenario(faults) => faults.list().iter().map(Problem::from).collect(),
            Self::Demand(error) => problem(error.code(), error.hint()),
            Self::Streets(error) => problem(error.code(), error.hint()),
            Self::Supply(error) => problem(error.code(), error.hint()),
            Self::Log(error) => problem(log_code(error), &error.hint().unwrap_or_else(|| LOG_HINT.to_owned())),
            Self::Planner(_) => problem("E0609", "this is a fault of the program; please report it with the scenario"),
            Self::NoPlanner { .. } => problem(
                "E0612",
                "does `policy.external` name a program that starts here, or an address where one listens?",
            ),
            Self::Replay(error) => {
                problem(replay_code(error), &error.hint().unwrap_or_else(|| DIVERGED_HINT.to_owned()))
            }
            Self::Quarantine(error) => problem(error.code(), error.hint()),
            Self::NoEntry { .. } => problem("E0915", "`hansom quarantine ls --data DIR --all` names all lines"),
            Self::NoServer { .. } => {
                problem("E0916", "start it with `hansom serve`, or name it with `--server ADDR`; nothing was changed")
            }
            Self::OtherServer { .. } => problem("E0917", "name the server with `--server ADDR`"),
            Self::NotLetIn { .. } => problem(
                "E0919",
                "name a file with one: `--token-file FILE`, or set HANSOM_TOKEN; `hansom token` makes one",
            ),
            Self::StillWaiting { .. } => {
                problem("E0918", "mend a line: `hansom quarantine retry MARKET/N --data DIR --mended FILE`")
            }
            Self::OtherSummary { .. } => problem("E0704", "is summary.json of the run that wrote this log?"),
            Self::NoRide { .. } => problem("E0711", "`ride_id` in trips.csv is the number of a ride"),
            Self::NoBatch { next: Some(next), .. } => {
                problem("E0712", &format!("the next one is asked at offset {next}"))
            }
            Self::NoBatch { next: None, .. } => {
                problem("E0712", "there is none after it; is the run's policy `batch`?")
            }
            Self::OfTheWorld { .. } => problem(
                "E0714",
                "policy, tariff, keep and the market's limits may be changed; `hansom compare SCENARIO --arm …` runs other worlds",
            ),
            Self::NoDriver { .. } => problem("E0716", "`driver_id` in vehicles.csv is the name of a driver"),
            Self::Guard { .. } => problem("E0811", "for example `--guard 'wait_s.p95<=+2%' 'service_rate>=-0.5%'`"),
            Self::GuardField { .. } => problem(
                "E0812",
                "figures are those of summary.json, levels parted by dots: `service_rate`, `wait_s.p95`",
            ),
            Self::NoWorld { .. } => problem("E0715", "give a log with rides: `hansom log cat` shows what it holds"),
            Self::OtherWorld { .. } => problem(
                "E0708",
                "have files that the scenario names changed since, or was the log written by another version?",
            ),
            Self::NoTime { .. } => {
                problem("E0713", "for example `--until 2026-03-05T18:00:00+01:00` or `--until 1200`")
            }
            Self::Output(_) => problem("E0102", "is the disk of the output full?"),
            Self::File { .. } => problem("E0103", "does the folder exist, may you write there, and is there room?"),
            Self::Signals(_) => problem("E0104", "run it again; if it stays, report it with the system's name"),
            Self::NoScenarios { .. } => {
                problem("E0105", "name a folder with .toml files: `hansom scenario list FOLDER`")
            }
            Self::Halted { cause, .. } => match &**cause {
                Cause::Recovery(error) => {
                    problem(recovery_code(error), &error.hint().unwrap_or_else(|| LOG_HINT.to_owned()))
                }
                Cause::Market(MarketError::Log(error)) => {
                    problem(log_code(error), &error.hint().unwrap_or_else(|| LOG_HINT.to_owned()))
                }
                Cause::Log(error) => problem(log_code(error), &error.hint().unwrap_or_else(|| LOG_HINT.to_owned())),
                Cause::Market(MarketError::Planner { .. } | MarketError::PlannerEnded)
                | Cause::Panicked(_)
                | Cause::Stuck => problem("E1004", "this is a fault of the program; please report it with its log"),
            },
            Self::History { .. } => problem(
                "E1101",
                "is the market served, is the disk full, and may you write there? The log is not touched",
            ),
            Self::Serve(ServeError::Open { .. }) => problem(
                "E1001",
                "`--insecure-dev` is for 127.0.0.1 and [::1]; elsewhere give keys: --auth-secret-file or --auth-jwks",
            ),
            Self::Serve(ServeError::Certificate(_)) => problem(
                "E1011",
                "--tls-cert is the chain in PEM, the server's own first; --tls-key its private key in PEM",
            ),
            Self::Serve(ServeError::Collector(_)) => problem(
                "E1015",
                "an endpoint is a URL: --otlp-endpoint http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT",
            ),
            Self::NobodyIn => problem(
                "E1010",
                "on this machine alone: --insecure-dev; else --auth-secret-file FILE (and `hansom token`), or --auth-jwks FILE|URL",
            ),
            Self::Keys(KeyError::Short { .. }) => {
                problem("E1012", "make one: `head -c 32 /dev/urandom | base64 > secret`, and keep it to yourself")
            }
            Self::Keys(_) => problem(
                "E1013",
                "--auth-jwks is a JSON Web Key Set: a file, or an https URL that can be reached from here",
            ),
            Self::NoSecret => {
                problem("E1014", "--auth-secret-file FILE, or the environment variable HANSOM_AUTH_SECRET")
            }
            Self::Serve(ServeError::Listen { .. }) => {
                problem("E1002", "is another program there? Port 0 is any free one")
            }
            Self::Markets(MarketsError::Twice { .. }) => {
                problem("E1003", "give the markets different names: key `name`")
            }
            Self::Unfilled { .. } => {
                problem("E1201", "is the market as in --market, and is its token that of a service?")
            }
            Self::NoThread(_) => problem("E1202", "fewer at once: --connections N; or a higher limit: `ulimit -u`"),
            Self::NotStarted { .. } => problem("E1203", "start it by hand: `hansom serve`, and name it with --server"),
            Self::Begun { .. } => problem("E1009", "name another folder with --data, or remove that one"),
            Self::Markets(_) => problem("E1004", "this is a fault of the program; please report it with its log"),
            Self::NoRun { .. } => problem("E0801", "name the folder that `hansom simulate` was given with --out"),
            Self::PartialRun { .. } => problem("E0802", "run it again to its end"),
            Self::OneArm { .. } => {
                problem("E0803", "name runs that differ in a key, such as `policy.kind`, or give `--arm key=value`")
            }
            Self::TwiceTheSame { .. } => problem("E0804", "leave out one of the two"),
            Self::Unlike { .. } => {
                problem("E0805", "arms may differ in who drives and who decides, not in what is asked for or where")
            }
            Self::NoPairs => problem("E0806", "run every arm on the same seeds"),
            Self::OneScenario { .. } => problem("E0807", "`hansom compare SCENARIO --arm key=value --seeds 1..10`"),
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

const LOG_HINT: &str = "is there room on the disk, and may you read and write there?";
const DIVERGED_HINT: &str = "both sides are above; report it with the log: the same version must decide the same";

fn log_code(error: &LogError) -> &'static str {
    match error {
        LogError::Io { .. } => "E0601",
        LogError::NoLog { .. } => "E0602",
        LogError::Exists { .. } => "E0603",
        LogError::Version { .. } => "E0604",
        LogError::Damaged { .. } => "E0605",
        LogError::Torn { .. } => "E0606",
        LogError::Undecodable { .. } => "E0607",
        LogError::Failed => "E0608",
        LogError::Unfinished { .. } => "E0611",
    }
}

fn replay_code(error: &ReplayError) -> &'static str {
    match error {
        ReplayError::Log(error) => log_code(error),
        ReplayError::OtherNetwork { .. } => "E0701",
        ReplayError::OtherLogic { .. } => "E0702",
        ReplayError::Diverged(_) => "E0703",
        ReplayError::Upgraded { .. } => "E0705",
        ReplayError::Checkpoint { .. } => "E0706",
        ReplayError::Stripped { .. } => "E0707",
    }
}

/// How the process ends when a market does not serve.
fn halted_exit(cause: &Cause) -> Exit {
    match cause {
        Cause::Recovery(error) if error.is_damage() => Exit::Damaged,
        Cause::Recovery(
            RecoveryError::OtherNetwork { .. } | RecoveryError::OtherMarket { .. } | RecoveryError::InUse { .. },
        ) => Exit::Input,
        Cause::Recovery(_) | Cause::Market(_) | Cause::Log(_) | Cause::Panicked(_) | Cause::Stuck => Exit::Failed,
    }
}

fn recovery_code(error: &RecoveryError) -> &'static str {
    match error {
        RecoveryError::Log(error) | RecoveryError::Market(MarketError::Log(error)) => log_code(error),
        RecoveryError::Io { .. } => "E0601",
        RecoveryError::Market(MarketError::Planner { .. } | MarketError::PlannerEnded) => "E1004",
        RecoveryError::InUse { .. } => "E1005",
        RecoveryError::OtherMarket { .. } => "E1006",
        RecoveryError::OtherNetwork { .. } => "E0701",
        RecoveryError::Short { .. } => "E0610",
        RecoveryError::Diverged { .. } => "E0706",
    }
}
