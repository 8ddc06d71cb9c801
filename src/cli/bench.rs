//! Arguments of `hansom bench`.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which show no backticks")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::{Changes, Format};
use crate::bench::Gaps;

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
