//! `hansom bench`: starts what is to be measured, unless it runs already, and prints what came out.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use actix_rt::task::spawn_blocking;
use hansom_dispatcher::{Dispatcher, Spec, Standing, WallClock};
use hansom_simulator::{City, MarketFile, city as streets};
use rustix::process::{Pid, Signal, kill_process};

use super::scenario::overrides;
use crate::bench::subject::Subject;
use crate::bench::subject::inside::Inside;
use crate::bench::subject::served::{self, Served};
use crate::bench::usage::Driven;
use crate::bench::{self, Pace, Plan, Rates, Report};
use crate::cli::{Bench, Format};
use crate::error::{Error, Exit};
use crate::http::Peer;
use crate::{access, interrupted, show, small_pages};

/// The market that is measured if none is named: matched at once, on the streets of a procedural city.
const MARKET: &str = "name = \"bench\"\nnetwork = { synthetic = \"river-town\" }\npolicy = { kind = \"nearest\" }\n";

/// Measures, and writes `bench.json` and `bench.html`.
pub fn run(arguments: &Bench) -> Result<Exit, Error> {
    if let Err(cause) = small_pages() {
        show::note(&format!("memory comes in huge pages, times may be longer: {cause}"));
    }
    let out = &arguments.out;
    fs::create_dir_all(out).map_err(Error::writing(out))?;
    let file = market_file(arguments)?;
    let market = MarketFile::load(&file, &overrides(&arguments.changes)?)?;
    let (city, _) = streets::load(market.streets())?;
    let plan = plan(arguments);
    let report = match arguments.server {
        Some(address) => at_server(arguments, address, &plan, &market, &city)?,
        None if arguments.in_process => inside(arguments, plan, &market, city)?,
        None => started(arguments, &plan, &file, &market, &city)?,
    };
    let report = Report { market: market.name().to_owned(), policy: market.policy(), ..report };
    let (json, page) = (out.join("bench.json"), out.join("bench.html"));
    fs::write(&json, show::json(&report)).map_err(Error::writing(&json))?;
    fs::write(&page, bench::page(&report)).map_err(Error::writing(&page))?;
    show::note(&format!("plot: {}", page.display()));
    match arguments.format {
        Format::Text => show::result(&bench::text(&report))?,
        Format::Json => show::result(&show::json(&report))?,
    }
    Ok(if report.partial { Exit::Interrupted } else { Exit::Done })
}

/// The market's file: what was named, or one of our own.
fn market_file(arguments: &Bench) -> Result<PathBuf, Error> {
    if let Some(file) = &arguments.market {
        return Ok(file.clone());
    }
    let file = arguments.out.join("market.toml");
    fs::write(&file, MARKET).map_err(Error::writing(&file))?;
    Ok(file)
}

fn plan(arguments: &Bench) -> Plan {
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let length = seconds(arguments.seconds);
    let rates = match &arguments.sweep {
        Some(sweep) => Rates::Sweep(sweep.from, sweep.to, length),
        None => {
            Rates::Given(arguments.rate.iter().map(|rate| (rate.per_s, rate.seconds.map_or(length, seconds))).collect())
        }
    };
    let pace = Pace {
        ping_every: seconds(arguments.ping_s),
        bundle: arguments.bundle.min(arguments.drivers),
        ride: seconds(arguments.ride_s),
    };
    Plan {
        rates,
        gaps: arguments.gaps,
        warm_up: seconds(arguments.warm_up_s),
        drivers: arguments.drivers,
        pace,
        subscriptions: arguments.subscriptions,
        queries: (arguments.queries, length.min(seconds(10))),
        connections: arguments.connections,
        seed: arguments.seed,
    }
}

/// A server that runs.
fn at_server(
    arguments: &Bench,
    address: SocketAddr,
    plan: &Plan,
    market: &MarketFile,
    city: &City,
) -> Result<Report, Error> {
    let server = Peer { address, token: access::token(arguments.token_file.as_deref())? };
    served::ready(&server, &mut || true)?;
    let driven = arguments.server_pid.map_or(Driven::Unknown, Driven::Process);
    let subject = Arc::new(Served { server, market: market.name().to_owned(), driven });
    let report = bench::run(plan, &city.network, subject, arguments.data.as_deref())?;
    Ok(Report { driven: format!("GraphQL at {address}"), ..report })
}

/// A server that is started for this, and ended.
fn started(arguments: &Bench, plan: &Plan, file: &Path, market: &MarketFile, city: &City) -> Result<Report, Error> {
    let data = Data::new(arguments.data.as_deref().unwrap_or(&arguments.out))?;
    let log = arguments.out.join("server.log");
    let mut process = Process::start(file, &arguments.changes.set, &data.0, &log)?;
    let server = Peer { address: process.address, token: None };
    served::ready(&server, &mut || process.is_alive())?;
    let driven = Driven::Process(process.child.id());
    let subject = Arc::new(Served { server, market: market.name().to_owned(), driven });
    let report = bench::run(plan, &city.network, subject, Some(data.0.as_path()))?;
    Ok(Report { driven: "GraphQL, a server of its own".to_owned(), ..report })
}

/// A market in this process.
fn inside(arguments: &Bench, plan: Plan, market: &MarketFile, city: City) -> Result<Report, Error> {
    let data = Data::new(arguments.data.as_deref().unwrap_or(&arguments.out))?;
    let report = System::new().block_on(async {
        let dispatcher = Arc::new(Dispatcher::new());
        let network = city.network.clone();
        let header = market.header(&city, WallClock::Machine.now());
        let spec = Spec { planner: market.planner(), ..Spec::new(header, city, &data.0) };
        let handle = dispatcher.open(spec)?;
        if let Standing::Halted { cause } = handle.ready().await {
            return Err(Error::Halted { name: handle.name().to_owned(), cause });
        }
        let subject: Arc<dyn Subject> = Arc::new(Inside { dispatcher: dispatcher.clone(), market: handle });
        let disk = data.0.clone();
        let measured = spawn_blocking(move || {
            let thread = std::thread::Builder::new().name(bench::usage::THREAD.to_owned());
            let measuring = thread.spawn(move || bench::run(&plan, &network, subject, Some(disk.as_path())));
            measuring.map_err(Error::NoThread)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let measured = measured.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        dispatcher.close_all().await?;
        measured
    })?;
    Ok(Report { driven: "in process, without HTTP".to_owned(), ..report })
}

/// A folder for what the market keeps, gone at the end.
struct Data(PathBuf);

impl Data {
    /// One of its own in `folder`.
    fn new(folder: &Path) -> Result<Self, Error> {
        let data = folder.join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&data).map_err(Error::writing(&data))?;
        // Another program may have another folder in mind.
        Ok(Self(data.canonicalize().map_err(Error::reading(&data))?))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Err(cause) = fs::remove_dir_all(&self.0) {
            show::note(&format!("what the market kept stays in {}: {cause}", self.0.display()));
        }
    }
}

/// A server's process, ended with this.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(file: &Path, set: &[String], data: &Path, log: &Path) -> Result<Self, Error> {
        let failed = || Error::NotStarted { log: log.to_owned() };
        let out = fs::File::create(log).map_err(Error::writing(log))?;
        let program = std::env::current_exe().map_err(|_| failed())?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--insecure-dev", "--listen", "127.0.0.1:0", "--market"])
            .arg(file)
            .arg("--data")
            .arg(data);
        command.args(set.iter().flat_map(|set| ["--set", set.as_str()]));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(out).spawn().map_err(|_| failed())?;
        let mut process = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut said = String::new();
        if let Some(out) = process.child.stdout.take() {
            BufReader::new(out).read_line(&mut said).map_err(|_| failed())?;
        }
        let address = said.trim().split_once("://").and_then(|(_, address)| address.parse().ok());
        process.address = address.ok_or_else(failed)?;
        Ok(process)
    }

    fn is_alive(&mut self) -> bool {
        !interrupted() && self.is_running()
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ctrl-C in a terminal has reached it, too: then it ends already.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && self.is_running()
        {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
