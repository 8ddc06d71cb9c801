//! What can be typed: subcommands, their arguments and their help.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which show no backticks")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use hansom_api::auth::{AUDIENCE, Rate};
use hansom_geo_index::import::synthetic;
use hansom_simulator::live::Misbehaviour;

use crate::bench::Gaps;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// A ride-hailing dispatcher, and the city simulator that proves it.
#[derive(Debug, Parser)]
#[command(version, about, styles = STYLES, max_term_width = 120, after_help = "\
Exit codes: 0 done; 1 failed; 2 wrong usage or input; 3 a replay diverged; 4 a damaged log; 130 interrupted.
Results go to stdout, all else to stderr.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a city through the dispatcher and report what happened
    #[command(after_help = "\
Examples:
  hansom simulate scenarios/evening-peak.toml
  hansom simulate scenarios/evening-peak.toml --set policy.kind=nearest --seed 8 --out runs/nearest
  hansom simulate scenarios/small-town.toml --format json | jq .wait_s
Ctrl-C ends a run cleanly, with a report of what was done until then.")]
    Simulate(Simulate),
    /// Compare runs, paired by seed, with 95 % intervals
    #[command(after_help = "\
Examples:
  hansom compare runs/nearest-* runs/batch-*
  hansom compare scenarios/evening-peak.toml --seeds 1..10 \\
      --arm policy.kind=nearest --arm policy.kind=batch
  hansom compare scenarios/evening-peak.toml --seeds 1..30 --out runs/windows \\
      --arm policy.batch_window_s=5 --arm policy.batch_window_s=20
  hansom compare scenarios/small-town.toml --itself 200 --seeds 1..10
Runs of one scenario are an arm; the first arm is the baseline. With a single --arm it is the \
scenario as it is.")]
    Compare(Compare),
    /// Read a run's log back: fold it, decide it again, tell a ride's story, or run it under another policy
    #[command(after_help = "\
Examples:
  hansom replay runs/evening-peak-7
  hansom replay runs/evening-peak-7 --verify
  hansom replay runs/evening-peak-7 --ride 1207
  hansom replay runs/evening-peak-7 --until 2026-03-05T18:00:00+01:00 --format json
  hansom replay runs/evening-peak-7 --policy nearest
  hansom replay runs/evening-peak-7 --set policy.batch_window_s=20 --set offer_s=10 --format json
With --verify every command is decided again and every batch solved again; the first turn that is not as logged is \
printed, and the exit code is 3.
With --policy or --set only what came from outside is taken from the log: its world is built again, run under the rules of \
the log (which must lead to its event chain) and under the others, and the two are compared. The world of a market that was \
served is a model, learnt from the log and drawn with each of --seeds: how far it is off is told beside.")]
    Replay(Replay),
    /// Why a driver got a ride, and what would have changed that
    #[command(after_help = "\
Examples:
  hansom why runs/evening-peak-7 1207
  hansom why runs/evening-peak-7 1207 --all
  hansom why runs/evening-peak-7 1207 --format json | jq '.offers[0]'
Costs are in units of 1 ms of pickup ETA. `reduced` is what a pair costs beyond what its two sides bear in the best \
answer; `batch if forced` what the whole batch would have cost with that pair.")]
    Why(Why),
    /// Why a driver did not get a ride, and the least change that would have given it to him
    #[command(after_help = "\
Examples:
  hansom why-not runs/evening-peak-7 1207 d17
  hansom why-not runs/evening-peak-7 1207 d17 --format json | jq '.offers[].nearer_ms'
Each change is of one pairing and is the least one: the question is solved again with it, and with less the answer stays. \
Costs are in units of 1 ms of pickup ETA.")]
    WhyNot(WhyNot),
    /// Hold a policy against a log: exit code 1 if a guard breaks
    #[command(after_help = "\
Examples:
  hansom gate --log runs/evening-peak-7 --candidate market.toml --guard 'wait_s.p95<=+2%' 'service_rate>=-0.5%'
  hansom gate --log runs/evening-peak-7 --candidate scenarios/evening-peak.toml --set policy.kind=nearest \\
      --guard 'outcomes.cancelled_before_match<=+10' --format json
A guard is a figure of summary.json, <= or >=, and how far from the log's figure it may go, in percent of that or in its \
unit. What came from outside is run again under the candidate's policy, tariff and limits, defaults included. Of a market \
that was served the model's own figures under the rules of the log stand for the log's.")]
    Gate(Gate),
    /// One batch of the planner, its costs and its answer
    #[command(subcommand)]
    Batch(Batch),
    /// What a log holds
    #[command(subcommand)]
    Log(Log),
    /// Lines that could not be read: look at them, and hand them over again
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// What is remembered of the rides of markets, beside their logs
    #[command(subcommand)]
    History(History),
    /// Serve markets over HTTP, each durable in a folder of its own
    #[command(after_help = "\
Examples:
  hansom serve --market markets/river-town.toml --data data --insecure-dev
  hansom serve --market markets --data data --insecure-dev
  hansom serve --scenario scenarios/small-town.toml --speed 60 --data data --misbehave retry=0.1,dark=0.05 --insecure-dev
  hansom serve --market a.toml b.toml --data data --auth-secret-file secret --listen 127.0.0.1:9000 --log-format json
  hansom serve --market a.toml --data data --auth-jwks https://login.example/jwks.json --auth-issuer https://login.example \
      --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  hansom serve --market a.toml --data data --insecure-dev --otlp-endpoint http://localhost:4318 --trace-share 0.1
Requests carry a JWT (`Authorization: Bearer …`) with `sub`, `roles` (rider, driver, operator, service), `exp`, `aud`, and perhaps \
`markets`. `hansom token` makes one.
A market file has the sections of a scenario that say what is decided where, and how: name, timezone, network, policy, \
tariff, keep (how long orders, rides and drivers are remembered), and the limits such as offer_s. Commands and positions come in as lines of JSON (CloudEvents): \
POST /v1/commands, /v1/locations; GET /v1/events, /healthz, /readyz, /metrics. Ctrl-C or SIGTERM ends it in good order.")]
    Serve(Box<Serve>),
    /// Measure a market: how long from a request to its offer, and up to which rate
    #[command(after_help = "\
Examples:
  hansom bench
  hansom bench --rate 90:60,300:300 --out runs/bench
  hansom bench --sweep 50..5000 --seconds 10
  hansom bench --in-process --drivers 10000 --rate 1000
  hansom bench --market town.toml --set policy.kind=batch --set policy.batch_window_s=0 --format json | jq .steps[0].request_to_offer
  hansom bench --server 127.0.0.1:8080 --server-pid 4711 --market town.toml --drivers 1000 --rate 20
Requests come when they come, whatever became of those before, and their time counts from when they were due: a market that stands \
still is charged with all who would have asked meanwhile. Each is followed by four orders of the driver who takes the offer, and all \
drivers report where they are. Without --server one is started in a process of its own and ended; a server that is named keeps the \
drivers that it got, and its market has to be the one of --market. Writes bench.json and bench.html.")]
    Bench(Bench),
    /// Make a token for a server that shares a secret with whoever makes them
    #[command(after_help = "\
Examples:
  head -c 32 /dev/urandom | base64 > secret
  hansom token rob --role rider --auth-secret-file secret
  curl -H \"Authorization: Bearer $(hansom token ops --role operator --auth-secret-file secret)\" localhost:8080/metrics
The server: hansom serve --market town.toml --data data --auth-secret-file secret")]
    Token(Token),
    /// Turn street data into a network file
    #[command(subcommand)]
    Import(Import),
    /// List, show and check scenarios
    #[command(subcommand)]
    Scenario(Scenario),
}

impl Command {
    /// Whether it has something to end in good order when it is asked to stop. What only reads can stop anywhere.
    pub fn ends_in_order(&self) -> bool {
        match self {
            Self::Simulate(_) | Self::Compare(_) | Self::Serve(_) | Self::Bench(_) => true,
            Self::Replay(_)
            | Self::Why(_)
            | Self::WhyNot(_)
            | Self::Gate(_)
            | Self::History(_)
            | Self::Batch(_)
            | Self::Log(_)
            | Self::Token(_)
            | Self::Quarantine(_)
            | Self::Import(_)
            | Self::Scenario(_) => false,
        }
    }
}

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

#[derive(Debug, Subcommand)]
pub enum Log {
    /// Its header and its files
    #[command(after_help = "Examples: hansom log ls runs/evening-peak-7")]
    Ls {
        /// Folder of a run, or of its log
        #[arg(value_name = "RUN|LOG")]
        log: PathBuf,
    },
    /// Its turns as JSON, one a line
    #[command(after_help = "\
Examples:
  hansom log cat runs/evening-peak-7 | head
  hansom log cat runs/evening-peak-7 --from 1200 --count 5 | jq .events")]
    Cat {
        /// Folder of a run, or of its log
        #[arg(value_name = "RUN|LOG")]
        log: PathBuf,
        /// Start with the turn at this offset
        #[arg(long, value_name = "N", default_value_t = 0)]
        from: u64,
        /// At most so many turns
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
    /// Read all of it and check every byte
    #[command(after_help = "Examples: hansom log verify runs/evening-peak-7")]
    Verify {
        /// Folder of a run, or of its log
        #[arg(value_name = "RUN|LOG")]
        log: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Requests a second, each step for --seconds, or for as long as is said behind a colon
    #[arg(long, value_name = "N[:SECONDS],…", value_delimiter = ',', default_value = "90", conflicts_with = "sweep")]
    pub rate: Vec<Step>,
    /// From one rate to another, half as many again with each step, until the market no longer keeps up: 99 % answered by the end,
    /// and p99 within five times that of the first step
    #[arg(long, value_name = "FROM..TO")]
    pub sweep: Option<Sweep>,
    /// How long a step is
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// How long the first rate is run before anything counts
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub warm_up_s: u32,
    /// What lies between one request and the next
    #[arg(long, value_enum, default_value_t = Gaps::Poisson)]
    pub gaps: Gaps,
    /// Drivers on shift
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub drivers: u32,
    /// How often each of them reports where he is; 0: never
    #[arg(long, value_name = "S", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub ping_s: u32,
    /// Positions in one request
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub bundle: u32,
    /// How long a ride takes from offer to end
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub ride_s: u32,
    /// Drivers who hear their offers by a subscription of their own; riders ask where these stand
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "in_process")]
    pub subscriptions: u32,
    /// Clients who ask for rides, one after another, for at most ten seconds after the last step
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "in_process", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub queries: u32,
    /// At most so many connections, which are opened as they are needed. What finds none waits, and its time counts
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// The key of all draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Drive the server that listens there
    #[arg(long, value_name = "ADDR", conflicts_with = "in_process")]
    pub server: Option<SocketAddr>,
    /// Its process on this machine, for its processor time
    #[arg(long, value_name = "PID", requires = "server")]
    pub server_pid: Option<u32>,
    /// A file with a token for it, of a service; or set HANSOM_TOKEN
    #[arg(long, value_name = "FILE", requires = "server")]
    pub token_file: Option<PathBuf>,
    /// Drive a market in this process, without HTTP
    #[arg(long)]
    pub in_process: bool,
    /// The market's file [default: one that matches at once, on the streets of river-town]
    #[arg(long, value_name = "FILE")]
    pub market: Option<PathBuf>,
    #[command(flatten)]
    pub changes: Changes,
    /// A folder on the disk that is measured; the market keeps what it knows in one of its own there, which is removed at the end
    /// [default: that of --out; with --server: no disk is measured]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where bench.json, bench.html and the server's log go
    #[arg(long, value_name = "DIR", default_value = "runs/bench")]
    pub out: PathBuf,
    /// How the figures are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A rate, and perhaps for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub per_s: u32,
    pub seconds: Option<u32>,
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (per_s, seconds) = match text.split_once(':') {
            Some((per_s, seconds)) => (per_s, Some(positive(seconds)?)),
            None => (text, None),
        };
        Ok(Self { per_s: positive(per_s)?, seconds })
    }
}

/// From one rate to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    pub from: u32,
    pub to: u32,
}

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").ok_or("two rates, as 50..5000")?;
        let sweep = Self { from: positive(from)?, to: positive(to)? };
        if sweep.from < sweep.to { Ok(sweep) } else { Err("the second rate is the higher one".to_owned()) }
    }
}

/// A number from 1 to a million.
fn positive(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from 1 to 1,000,000"))
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["market", "scenario"])))]
pub struct Serve {
    /// The markets: files, or folders of files, of which each is opened when it comes, opened anew when it changes and closed
    /// when it goes, while the others serve
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    pub market: Vec<PathBuf>,
    /// The market of a scenario, and its city as clients, until every ride is over
    #[arg(long, value_name = "FILE", conflicts_with = "market")]
    pub scenario: Option<PathBuf>,
    /// How many times as fast as the clock on the wall the scenario's goes
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "market", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,
    /// What people and phones of the city do wrong, each with its chance: late-accept, double-accept, retry, two-devices, dark,
    /// no-show
    #[arg(long, value_name = "WHAT=CHANCE,…", conflicts_with = "market")]
    pub misbehave: Option<Misbehaviour>,
    #[command(flatten)]
    pub changes: Changes,
    /// Where the markets keep what they know, each in a folder of its name
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Where requests are taken. Port 0: a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub traces: Traces,
    /// The most commands that may wait for a market; more are told to come again
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub mailbox: u32,
    /// How many minutes positions stay in a market's log; all else stays for ever. A log without them folds and explains, but
    /// cannot be decided again
    #[arg(long, value_name = "MIN", default_value_t = 1440, value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    pub keep_positions_min: u32,
    /// How the log of the program itself is printed, to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Where requests leave traces.
#[derive(Debug, Args)]
pub struct Traces {
    /// Requests leave traces at this collector, by OTLP over HTTP: http://localhost:4318; or set OTEL_EXPORTER_OTLP_ENDPOINT. Other
    /// variables of OpenTelemetry count, too
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<String>,
    /// The share of requests that are traced, from 0 to 1; one that comes with a traceparent is traced as that says [default:
    /// OTEL_TRACES_SAMPLER, or all]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub trace_share: Option<f64>,
}

/// Who may reach the routes, how often, and how.
#[derive(Debug, Args)]
pub struct Access {
    /// Let anybody on this machine do everything, without tokens. Only on a loopback address
    #[arg(long, conflicts_with_all = ["auth_secret_file", "auth_jwks"])]
    pub insecure_dev: bool,
    /// A file with the secret by which tokens are signed (HS256), 32 bytes or more; or set HANSOM_AUTH_SECRET
    #[arg(long, value_name = "FILE")]
    pub auth_secret_file: Option<PathBuf>,
    /// The public keys by which tokens are signed (RS256, PS256, ES256, ES384, EdDSA), as a JSON Web Key Set; read again when it
    /// changes
    #[arg(long, value_name = "FILE|URL")]
    pub auth_jwks: Option<String>,
    #[command(flatten)]
    pub token: TokenScope,
    /// How many requests and lines a second a rider or a driver may send, five seconds' worth at once
    #[arg(long, value_name = "N", default_value_t = Rate::PEOPLE.per_s, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How many an operator or a service may send
    #[arg(long, value_name = "N", default_value_t = Rate::SERVICES.per_s, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub service_rate: u32,
    #[allow(rustdoc::bare_urls, reason = "it is read in a terminal")]
    /// A site whose pages may use the routes from a browser, such as https://app.example; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub cors_origin: Vec<String>,
    /// The certificate for TLS: a file with the chain in PEM, the server's own first; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "scenario")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Whom tokens are for and from.
#[derive(Debug, Args)]
pub struct TokenScope {
    /// The audience that tokens have to name (`aud`)
    #[arg(long = "auth-audience", value_name = "NAME", default_value = AUDIENCE)]
    pub audience: String,
    /// The issuer that tokens have to name (`iss`) [default: any]
    #[arg(long = "auth-issuer", value_name = "NAME")]
    pub issuer: Option<String>,
}

/// A scheme, a host and perhaps a port, as browsers send it.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/*?#@,".contains(&byte))
    };
    match host.filter(plain) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => Err("an origin is a scheme, a host and perhaps a port: https://app.example:8443".to_owned()),
    }
}

/// A URL of HTTP.
fn endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host.filter(|host| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(_) => Ok(text.to_owned()),
        None => Err("an endpoint is a URL: http://localhost:4318".to_owned()),
    }
}

/// A part of all.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

/// A token to be made.
#[derive(Debug, Args)]
pub struct Token {
    /// Whom it speaks for: a rider's or a driver's name in the markets
    pub name: String,
    /// What that one is; may be given more than once
    #[arg(long, value_enum, required = true)]
    pub role: Vec<TokenRole>,
    /// A market it has to do with; may be given more than once [default: all]
    #[arg(long, value_name = "NAME")]
    pub market: Vec<String>,
    /// For how many hours it is good
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// The file with the secret that the server was given; or set HANSOM_AUTH_SECRET
    #[arg(long = "auth-secret-file", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub scope: TokenScope,
}

/// What a token's bearer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// Asks for rides and cancels them, in their own name
    Rider,
    /// Drives, in their own name
    Driver,
    /// Looks after the markets: reads all, and gives any order
    Operator,
    /// A program in between: gives orders for anybody, and reads all
    Service,
}

/// How the program's own log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub enum History {
    /// Make the history of markets anew from their logs
    #[command(after_help = "\
Examples:
  hansom history rebuild --data data
  hansom history rebuild town --data data --format json
`hansom serve` does it by itself where a history is missing or cannot be gone on with. The markets may not be served \
meanwhile.")]
    Rebuild {
        /// Which markets; none: all
        #[arg(value_name = "MARKET")]
        markets: Vec<String>,
        #[command(flatten)]
        data: Data,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// The lines that wait, with the reason
    #[command(after_help = "\
Examples:
  hansom quarantine ls --data data
  hansom quarantine ls --data data --all --format json | jq '.entries[].reason'")]
    Ls {
        #[command(flatten)]
        data: Data,
        /// Also those that were handed over
        #[arg(long)]
        all: bool,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// One line: why it could not be read, and its bytes
    #[command(after_help = "\
Examples:
  hansom quarantine show town/12 --data data
  hansom quarantine show town/12 --data data --bytes > line.json")]
    Show {
        /// Which, as `ls` names it
        #[arg(value_name = "MARKET/N")]
        entry: String,
        #[command(flatten)]
        data: Data,
        /// Only the bytes, as they came
        #[arg(long)]
        bytes: bool,
    },
    /// Read lines again, and hand those that can be read to the server that runs
    #[command(after_help = "\
Examples:
  hansom quarantine retry --data data
  hansom quarantine retry town/12 --data data --mended line.json
  hansom quarantine retry --data data --server 127.0.0.1:9000
A line that is taken, or refused by a rule of the market, is done; one that still cannot be read stays.")]
    Retry {
        /// Which, as `ls` names them; none: all that wait
        #[arg(value_name = "MARKET/N")]
        entries: Vec<String>,
        #[command(flatten)]
        data: Data,
        /// A file with what the line should have been
        #[arg(long, value_name = "FILE", requires = "entries")]
        mended: Option<PathBuf>,
        /// Where the server listens
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        server: SocketAddr,
        /// A file with a token for it, of an operator or a service; or set HANSOM_TOKEN
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Data {
    /// The folder that `hansom serve` keeps its markets in
    #[arg(long = "data", value_name = "DIR")]
    pub folder: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// From a folder with nodes.csv, edges.csv and perhaps travel_times.csv[.xz]
    #[command(after_help = "\
Examples:
  hansom import csv data/manhattan --out manhattan.network
  hansom import csv data/town --speed-m-s 10 --out town.network
Then: hansom simulate SCENARIO --set network.file=manhattan.network")]
    Csv {
        /// The folder
        folder: PathBuf,
        /// Speed where there are no travel times, m/s
        #[arg(long, value_name = "SPEED", default_value_t = 8.0)]
        speed_m_s: f64,
        #[command(flatten)]
        target: ImportTarget,
    },
    /// A procedural city, drawn from a seed
    #[command(after_help = "\
Examples:
  hansom import synthetic river-town --out river-town.network
  hansom import synthetic small-town --seed 5 --csv small-town/ --out small-town.network")]
    Synthetic {
        /// Its name
        #[arg(value_parser = synthetic::NAMES)]
        city: String,
        /// Another seed, other street corners in the same plan
        #[arg(long, default_value_t = synthetic::DEFAULT_SEED)]
        seed: u64,
        #[command(flatten)]
        target: ImportTarget,
    },
}

#[derive(Debug, Args)]
pub struct ImportTarget {
    /// Where the network file goes
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Write the network as CSV files into this folder, too
    #[arg(long, value_name = "DIR")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// The scenarios of a folder, and what each shows
    #[command(after_help = "Examples: hansom scenario list")]
    List {
        /// The folder
        #[arg(default_value = "scenarios")]
        folder: PathBuf,
    },
    /// A scenario with every key and its value, the defaults too
    #[command(after_help = "\
Examples:
  hansom scenario show scenarios/evening-peak.toml
  hansom scenario show scenarios/evening-peak.toml --set policy.kind=nearest")]
    Show {
        /// The scenario
        file: PathBuf,
        #[command(flatten)]
        changes: Changes,
    },
    /// All that is wrong with scenarios, each fault with its place and remedy
    #[command(after_help = "Examples: hansom scenario check scenarios/*.toml")]
    Check {
        /// The scenarios
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        changes: Changes,
    },
}

#[derive(Debug, Args)]
pub struct Changes {
    /// Change a key of the scenario, as `policy.kind=nearest`; may be given more than once
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Text,
    /// One JSON object and nothing else
    Json,
}
