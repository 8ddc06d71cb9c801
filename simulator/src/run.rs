//! A run: one loop over everything that happens, in one order.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use std::{fs, io};

use hansom_engine::Command;
use hansom_engine::domain::Session;
use hansom_engine::record::LOGIC_VERSION;
use hansom_geo_index::Millis;
use hansom_market::log::Mode;
use hansom_market::{Closed, MarketError};

use crate::agent::{Known, Outcome, Sender, World};
use crate::city::{self, City};
use crate::demand::{self, DemandError, Quarantined, Request, RequestFile};
use crate::machine;
use crate::port::{Outside, Port};
use crate::report::summary::{Figures, Latency, Summary, decimals};
use crate::report::{RunReport, Stints, folder};
use crate::scenario::{RUN_OUT, Scenario, StreetsError};
use crate::settings::settings;
use crate::supply::{self, SupplyError};

/// How a run is made: nothing here changes what happens in it.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The folder for its files; `None`: it leaves none. Once the run starts, those of an earlier run are gone; a log of
    /// anything else must not be there.
    pub out: Option<PathBuf>,
    /// 1: everything on the caller's thread; 2: files are written by threads of their own.
    pub threads: u8,
    /// Whether the folder gets the log of turns.
    pub log: bool,
    /// Ends the run as soon as it is set, with a report marked partial.
    pub stop: &'a AtomicBool,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The present time of the run.
    pub at: Millis,
    /// When it started.
    pub start: Millis,
    /// When its period ends; it goes on until every ride is over.
    pub end: Millis,
    /// Requests made so far.
    pub requests: u64,
    /// Rides that are not over.
    pub open: u64,
    /// Rides completed.
    pub completed: u64,
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No streets.
    #[error(transparent)]
    Streets(#[from] StreetsError),
    /// No requests.
    #[error(transparent)]
    Demand(#[from] DemandError),
    /// No vehicles.
    #[error(transparent)]
    Supply(#[from] SupplyError),
    /// The market stopped.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// A planner outside that is not there.
    #[error("{why}; it has answered nothing so far")]
    NoPlanner {
        /// What became of the first question.
        why: String,
    },
    /// A file of the run could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file, or the run's folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Who comes to the market of a run.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Who asks, in order of time.
    pub requests: Vec<Request>,
    /// Who drives.
    pub drivers: Vec<supply::Driver>,
    /// Rows of the request file that are no requests.
    pub quarantined: Vec<Quarantined>,
    /// What is known of them, if they are those of a log.
    pub known: Option<Known>,
}

impl Cast {
    /// The riders and drivers of a scenario.
    pub fn of(scenario: &Scenario, city: &City) -> Result<Self, RunError> {
        let RequestFile { requests, quarantined } = demand::requests(scenario, &city.network)?;
        Self::asking(scenario, city, requests).map(|cast| Self { quarantined, ..cast })
    }

    /// These riders, and the drivers of a scenario.
    pub fn asking(scenario: &Scenario, city: &City, requests: Vec<Request>) -> Result<Self, RunError> {
        let drivers = supply::drivers(scenario, city, &requests)?;
        Ok(Self { requests, drivers, quarantined: Vec::new(), known: None })
    }
}

/// Runs a scenario.
pub fn simulate(
    scenario: &Scenario,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RunReport, RunError> {
    let (city, _) = city::load(&scenario.network)?;
    simulate_in(&city, scenario, options, progress)
}

/// Runs a scenario in a city that is already prepared.
pub fn simulate_in(
    city: &City,
    scenario: &Scenario,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RunReport, RunError> {
    let began = Instant::now();
    let cast = Cast::of(scenario, city)?;
    play(city, scenario, cast, began, options, progress)
}

/// Runs a scenario with riders and drivers that are known already.
pub fn simulate_with(
    city: &City,
    scenario: &Scenario,
    cast: Cast,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RunReport, RunError> {
    play(city, scenario, cast, Instant::now(), options, progress)
}

/// The run of a cast that was got together since `began`.
fn play(
    city: &City,
    scenario: &Scenario,
    cast: Cast,
    began: Instant,
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RunReport, RunError> {
    let Cast { requests, drivers, quarantined, known } = cast;
    let outside = Outside::reach(scenario, city).map_err(|fault| RunError::NoPlanner { why: fault.to_string() })?;
    // All that was given can be used: from here on the run makes its folder its own.
    if let Some(folder) = &options.out {
        fs::create_dir_all(folder).and_then(|()| folder::make_room(folder)).map_err(written(folder))?;
    }
    let settings = settings(scenario, scenario.hours(city.network.version_count() > 1));
    let log = options.out.as_ref().filter(|_| options.log).map(|folder| folder.join("log"));
    let mode = if options.threads > 1 { Mode::Threaded } else { Mode::Inline };
    let hours = settings.hours.clone();
    let port = Port::open(scenario, outside, settings, city, log.as_deref(), mode).map_err(MarketError::Log)?;
    let stints = match &options.out {
        Some(folder) => {
            let path = folder.join("scenario.toml");
            fs::write(&path, scenario.show()).map_err(written(&path))?;
            let path = folder.join("vehicles.csv");
            Stints::create(&path, scenario, city.network.clone(), &drivers, options.threads > 1)
                .map_err(written(&path))?
        }
        None => Stints::Dropped,
    };
    let mut world = World::new(scenario, city.clone(), hours, drivers, stints);
    if let Some(known) = known {
        world = world.knowing(scenario, known);
    }
    let mut run = Run { scenario, requests, next_request: 0, world, port, now: scenario.period.start, peak_rss: 0 };
    let partial = run.go(options.stop, progress)?;
    run.close(partial)?;
    let report = Report { scenario, city, options, partial, quarantined, began }.of(run, log.is_some())?;
    if let Some(folder) = &options.out {
        report.write(folder, scenario).map_err(written(folder))?;
    }
    Ok(report)
}

/// An error of writing `path`.
fn written(path: &Path) -> impl FnOnce(io::Error) -> RunError + use<> {
    let path = path.to_path_buf();
    move |source| RunError::Write { path, source }
}

/// What is needed to report on a run that is over.
struct Report<'a> {
    scenario: &'a Scenario,
    city: &'a City,
    options: &'a Options<'a>,
    partial: bool,
    quarantined: Vec<Quarantined>,
    began: Instant,
}

impl Report<'_> {
    fn of(self, run: Run<'_>, logged: bool) -> Result<RunReport, RunError> {
        let Self { scenario, city, options, partial, quarantined, began } = self;
        let Run { world, port, peak_rss, now: ended, .. } = run;
        let peak_rss = peak_rss.max(machine::resident_bytes());
        let folder = options.out.as_deref().unwrap_or(Path::new(""));
        let outcome = world.finish(ended).map_err(written(&folder.join("vehicles.csv")))?;
        let Outcome { trips, totals, series, refused, supply: drivers } = outcome;
        let (Closed { state, log, latencies, violations }, missed) = port.close().map_err(MarketError::Log)?;
        let latency_us = |per_mille| latencies.percentile_ns(per_mille).map_or(f64::NAN, |ns| f64::from(ns) / 1000.0);
        let figures = Figures::of(scenario, &trips, &totals);
        let summary = Summary {
            scenario: scenario.name.clone(),
            seed: scenario.seed,
            requests: trips.len() as u64,
            completed: figures.outcomes.completed,
            service_rate: figures.service_rate,
            outcomes: figures.outcomes,
            wait_s: figures.wait_s,
            time_to_offer_s: figures.time_to_offer_s,
            in_vehicle_s: figures.in_vehicle_s,
            detour: figures.detour,
            utilisation: figures.utilisation,
            deadhead_share: figures.deadhead_share,
            occupancy: figures.occupancy,
            match_latency_us: Latency { p50: latency_us(500), p99: latency_us(990), max: latency_us(1000) },
            fares: figures.fares,
            simulated_s: (ended - scenario.period.start).0 as f64 / 1000.0,
            wall_s: decimals(began.elapsed().as_secs_f64(), 3),
            cpu_s: decimals(machine::cpu_s(), 3),
            peak_rss_bytes: peak_rss,
            turns: log.turns,
            pings: log.pings,
            log_bytes: if logged { log.bytes } else { 0 },
            event_chain: format!("{:032x}", log.event_chain),
            state_digest: format!("{:032x}", state.digest()),
            network_hash: city.network.id_hex(),
            logic_version: LOGIC_VERSION,
            invariant_violations: violations.count,
            durable: "unsynced",
            partial,
            out: options.out.clone(),
        };
        Ok(RunReport {
            summary,
            series,
            trips,
            drivers,
            city: city.clone(),
            violations: violations.first.iter().map(ToString::to_string).collect(),
            refused_commands: refused,
            quarantined,
            missed,
        })
    }
}

/// A run under way.
struct Run<'a> {
    scenario: &'a Scenario,
    requests: Vec<Request>,
    next_request: usize,
    world: World,
    port: Port,
    now: Millis,
    peak_rss: u64,
}

/// What happens next. Of several at one instant, those listed first come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// The market looks at its deadlines.
    Wakeup,
    /// A rider, driver or vehicle does something.
    Agenda,
    /// A rider asks for a ride.
    Request,
    /// Positions travel.
    Bundle,
    /// The market looks at deadlines for which nobody waits.
    PatientWakeup,
}

/// How often progress is told, in simulated time.
const PROGRESS: Millis = Millis::from_secs(10);
/// How often memory is looked at, in simulated time.
const MEMORY: Millis = Millis::from_secs(300);

impl Run<'_> {
    /// Runs until every ride is over; whether it was stopped before.
    fn go(&mut self, stop: &AtomicBool, progress: &mut dyn FnMut(&Progress)) -> Result<bool, RunError> {
        let period = self.scenario.period;
        let latest = period.end + RUN_OUT;
        let (mut tell_at, mut weigh_at) = (period.start, period.start);
        while let Some((at, next)) = self.next() {
            let asked = self.next_request == self.requests.len();
            if asked && self.world.open_rides() == 0 && at >= period.end || at > latest {
                break;
            }
            self.now = at;
            self.step(next)?;
            if let Some(why) = self.port.planner_never_came() {
                return Err(RunError::NoPlanner { why });
            }
            if at >= tell_at {
                tell_at = at + PROGRESS;
                if stop.load(Ordering::Relaxed) {
                    return Ok(true);
                }
                progress(&self.progress());
                if at >= weigh_at {
                    weigh_at = at + MEMORY;
                    self.peak_rss = self.peak_rss.max(machine::resident_bytes());
                }
            }
        }
        Ok(false)
    }

    fn next(&self) -> Option<(Millis, Next)> {
        let agenda = self.world.next_at().map(|at| (at, Next::Agenda));
        let request = self.requests.get(self.next_request).map(|request| (request.at, Next::Request));
        let bundle = self.world.next_bundle().map(|at| (at, Next::Bundle));
        let world = [agenda, request, bundle].into_iter().flatten().min();
        let before = world.map_or(Millis::MAX, |(at, _)| at);
        let wakeup = self
            .port
            .next_wakeup(before)
            .map(|wakeup| (wakeup.at, if wakeup.urgent { Next::Wakeup } else { Next::PatientWakeup }));
        [world, wakeup].into_iter().flatten().min()
    }

    fn step(&mut self, next: Next) -> Result<(), MarketError> {
        match next {
            Next::Wakeup | Next::PatientWakeup => {
                self.world.hear(Sender::Other, self.port.wake(self.now)?);
            }
            Next::Agenda => {
                if let Some((sender, command)) = self.world.act() {
                    self.order(sender, command)?;
                }
            }
            Next::Request => {
                let request = self.requests[self.next_request];
                self.next_request += 1;
                let command = self.world.request(request);
                self.order(Sender::Other, command)?;
            }
            Next::Bundle => {
                self.world.measure();
                while self.world.has_bundle() {
                    let pings = self.world.bundle(self.port.buffer());
                    self.world.hear(Sender::Other, self.port.report(self.now, pings)?);
                }
            }
        }
        Ok(())
    }

    fn order(&mut self, sender: Sender, command: Command) -> Result<(), MarketError> {
        self.world.hear(sender, self.port.order(self.now, command)?);
        Ok(())
    }

    /// Ends the run, and with it all shifts.
    fn close(&mut self, partial: bool) -> Result<(), MarketError> {
        let end = self.scenario.period.end;
        if !partial {
            self.now = if self.world.open_rides() == 0 { self.now.max(end) } else { end + RUN_OUT };
        }
        for (vehicle, driver) in self.world.on_shift() {
            self.order(Sender::Driver(vehicle), Command::EndShift { driver, session: Session::FIRST })?;
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        let period = self.scenario.period;
        Progress {
            at: self.now,
            start: period.start,
            end: period.end,
            requests: self.next_request as u64,
            open: self.world.open_rides() as u64,
            completed: self.world.completed(),
        }
    }
}
