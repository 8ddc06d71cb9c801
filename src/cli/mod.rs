//! What can be typed: subcommands, their arguments and their help.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which show no backticks")]

mod bench;
mod runs;
mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use hansom_geo_index::import::synthetic;

pub use bench::Bench;
pub use runs::{Batch, BatchFormat, Compare, Gate, Replay, Simulate, Why, WhyNot};
pub use serve::{Access, LogFormat, Serve, Token, TokenRole, TokenScope, Traces};

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
