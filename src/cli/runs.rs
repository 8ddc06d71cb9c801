//! Arguments of what runs a city, and of what asks a run.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which show no backticks")]

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, FromArgMatches, Subcommand, ValueEnum};

use super::{Changes, Format};

#[derive(Debug, Args)]
pub struct Simulate {
    /// The scenario
    pub scenario: PathBuf,
    #[command(flatten)]
    pub changes: Changes,
    /// The key of all draws, instead of the scenario's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Where the files of the run go [default: runs/SCENARIO-SEED]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How the figures are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Threads; the run is the same on one and on two, which write its files beside
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub threads: u8,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("sweep").multiple(true).args(["arm", "itself"])))]
pub struct Compare {
    /// Folders of finished runs, or one scenario with --arm
    #[arg(required = true, value_name = "RUN|SCENARIO")]
    pub what: Vec<PathBuf>,
    #[command(flatten)]
    pub arms: Arms,
    /// Seeds on which every arm is run, the last one included [default with --arm: 1..10]
    #[arg(long, value_name = "FIRST..LAST", requires = "sweep")]
    pub seeds: Option<String>,
    /// Run one scenario against itself so many times, each on seeds of its own, and count the intervals that cover zero: how far
    /// they can be trusted with this scenario and so many seeds
    #[arg(long, value_name = "TIMES", conflicts_with_all = ["arm", "out"], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub itself: Option<u32>,
    #[command(flatten)]
    pub changes: Changes,
    /// Where the page goes, and the figures of runs made for it [default with --arm: runs/SCENARIO-compare]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// Each `--arm` with its values: one arm may change several keys.
#[derive(Debug, Default)]
pub struct Arms {
    pub given: Vec<Vec<String>>,
}

impl Args for Arms {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.arg(
            Arg::new("arm")
                .long("arm")
                .value_name("KEY=VALUE")
                .num_args(0..)
                .action(ArgAction::Append)
                .help("Run the scenario with these keys; give it once for each arm"),
        )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Arms {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let arms = matches.get_occurrences::<String>("arm");
        Ok(Self { given: arms.map(|arms| arms.map(|values| values.cloned().collect()).collect()).unwrap_or_default() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("other").multiple(true).args(["policy", "set"])))]
pub struct Replay {
    /// Folder of a run, or of its log
    #[arg(value_name = "RUN|LOG")]
    pub log: PathBuf,
    /// Decide every command again, and demand what is logged
    #[arg(long)]
    pub verify: bool,
    /// Read up to and with this time (RFC 3339), or this offset
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Tell the story of this ride
    #[arg(long, value_name = "ID")]
    pub ride: Option<u32>,
    /// Run what came from outside under this policy, too: short for --set policy.kind=P
    #[arg(long, value_name = "P", conflicts_with_all = ["verify", "until", "ride"])]
    pub policy: Option<String>,
    /// Run what came from outside with this key changed, too: one of policy, tariff or the market's limits
    #[arg(long, value_name = "KEY=VALUE", conflicts_with_all = ["verify", "until", "ride"])]
    pub set: Vec<String>,
    /// Seeds with which the world of a market that was served is drawn, the last one included [default: 1..5]
    #[arg(long, value_name = "FIRST..LAST", requires = "other")]
    pub seeds: Option<String>,
    /// Show every ride that ends otherwise
    #[arg(long, requires = "other")]
    pub all: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

impl Replay {
    /// The keys under which the log is run again; none: it is read back.
    pub fn changes(&self) -> Changes {
        let policy = self.policy.iter().map(|kind| format!("policy.kind={kind}"));
        Changes { set: policy.chain(self.set.iter().cloned()).collect() }
    }
}

#[derive(Debug, Args)]
pub struct Why {
    /// Folder of a run, or of its log
    #[arg(value_name = "RUN|LOG")]
    pub log: PathBuf,
    /// The ride: its `ride_id` in trips.csv
    pub ride: u32,
    /// Show every vehicle that was looked at
    #[arg(long)]
    pub all: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct WhyNot {
    /// Folder of a run, or of its log
    #[arg(value_name = "RUN|LOG")]
    pub log: PathBuf,
    /// The ride: its `ride_id` in trips.csv
    pub ride: u32,
    /// The driver: a `driver_id` of vehicles.csv
    pub driver: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Gate {
    /// Folder of a run, or of its log
    #[arg(long, value_name = "RUN|LOG")]
    pub log: PathBuf,
    /// A market file or scenario: what it decides by is tried
    #[arg(long, value_name = "FILE")]
    pub candidate: PathBuf,
    /// What must hold, as 'wait_s.p95<=+2%'
    #[arg(long = "guard", value_name = "EXPR", required = true, num_args = 1..)]
    pub guards: Vec<String>,
    /// Change a key of the candidate
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seeds with which the world of a market that was served is drawn, the last one included [default: 1..5]
    #[arg(long, value_name = "FIRST..LAST")]
    pub seeds: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum Batch {
    /// Its cost matrix and its answer
    #[command(after_help = "\
Examples:
  hansom batch dump runs/evening-peak-7 --offset 1200 > batch.json
  hansom batch dump runs/evening-peak-7 --offset 1200 --out batches
Each ride may take one of its arcs or stay open at its cost; a driver takes one ride. `answer` has the column of each \
row, `total` what it costs in all.")]
    Dump {
        /// Folder of a run, or of its log
        #[arg(value_name = "RUN|LOG")]
        log: PathBuf,
        /// The turn that asked for it (`MatchingDue`), or the one with the answer (`Propose`)
        #[arg(long, value_name = "N")]
        offset: u64,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = BatchFormat::Json, conflicts_with = "out")]
        format: BatchFormat,
        /// Write it as JSON and as CSV into this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// How a batch is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BatchFormat {
    /// One object: rides, drivers, arcs, answer, duals
    Json,
    /// A line for each pair that is allowed
    Csv,
}
