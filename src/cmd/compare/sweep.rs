//! Every arm on every seed, one run on each core.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use hansom_simulator::report::Summary;
use hansom_simulator::report::compare::{Comparison, Run};
use hansom_simulator::report::number::grouped;
use hansom_simulator::scenario::{Arm, Streets, SweepRun, seeds, sweep};
use hansom_simulator::{City, Options, city, simulate_in};

use super::{Compared, run_of, violations_of};
use crate::cli::Compare;
use crate::cmd::scenario::overrides;
use crate::error::Error;
use crate::show::{self, Count};
use crate::{INTERRUPTED, interrupted};

/// Runs all arms and compares them; the first is the baseline. `None`: the user has stopped it.
pub fn compare(arguments: &Compare) -> Result<Option<Compared>, Error> {
    let [scenario] = arguments.what.as_slice() else { return Err(Error::OneScenario { given: arguments.what.len() }) };
    let mut arms = Vec::new();
    if arguments.arms.given.len() == 1 {
        arms.push(Arm::default());
    }
    for given in &arguments.arms.given {
        arms.push(Arm::parse(given.iter().map(String::as_str))?);
    }
    let seeds = seeds(arguments.seeds.as_deref().unwrap_or("1..10"))?;
    let planned = sweep(scenario, &overrides(&arguments.changes)?, &arms, seeds)?;
    let name = planned.first().map_or_else(String::new, |run| run.scenario.name.clone());
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{name}-compare")));
    let cities = cities(&planned)?;
    let runs = run_all(&planned, &cities, Some(&out), arguments.quiet)?;
    if interrupted() {
        let made = grouped(runs.len() as i64);
        show::note(&format!("interrupted: {made} of {} runs are made, in {}", planned.len(), out.display()));
        return Ok(None);
    }
    let violations = runs.iter().map(|made| made.violations).sum();
    let runs: Vec<Run> = runs.into_iter().map(|made| made.run).collect();
    let comparison = Comparison::of(arms.iter().map(Arm::to_string).collect(), &runs);
    Ok(Some(Compared { name, comparison, out: Some(out), violations }))
}

/// A run that was made.
#[derive(Debug)]
pub struct Made {
    pub run: Run,
    pub violations: u64,
}

/// A run, or `None` if it was stopped.
type Attempt = Result<Option<Made>, Error>;

/// The streets of each run, prepared once where they are the same.
pub fn cities(planned: &[SweepRun]) -> Result<Vec<City>, Error> {
    let mut known: Vec<(&Streets, City)> = Vec::new();
    let mut cities = Vec::new();
    for run in planned {
        let streets = &run.scenario.network;
        let city = match known.iter().find(|(other, _)| *other == streets) {
            Some((_, city)) => city.clone(),
            None => city::load(streets)?.0,
        };
        if known.iter().all(|(other, _)| *other != streets) {
            known.push((streets, city.clone()));
        }
        cities.push(city);
    }
    Ok(cities)
}

/// Makes the runs, with files in `out` or without any, in order of the plan whatever thread made them. Stops at the first failure.
pub fn run_all(planned: &[SweepRun], cities: &[City], out: Option<&Path>, quiet: bool) -> Result<Vec<Made>, Error> {
    let count = Count::new(planned.len(), quiet);
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, Attempt)>> = Mutex::default();
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let (Some(run), false) = (planned.get(n), interrupted()) else { return };
            let result = run_one(run, &cities[n], out);
            if result.is_err() {
                next.store(planned.len(), Ordering::Relaxed);
            }
            made.lock().unwrap_or_else(PoisonError::into_inner).push((n, result));
            count.one_more();
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(planned.len());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    count.finish();
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|&(n, _)| n);
    made.into_iter().filter_map(|(_, run)| run.transpose()).collect()
}

/// Makes one run. Its folder, if it gets one, has figures and scenario; `hansom simulate` leaves all the rest. `None`: it was
/// stopped.
fn run_one(planned: &SweepRun, city: &City, out: Option<&Path>) -> Attempt {
    let SweepRun { arm, scenario } = planned;
    let options = Options { out: None, threads: 1, log: false, stop: &INTERRUPTED };
    let report = simulate_in(city, scenario, &options, &mut |_| {})?;
    let folder = out.map(|out| out.join(format!("arm-{arm}")).join(format!("seed-{}", scenario.seed)));
    // Runs share the process: neither its time nor its memory is one run's.
    let summary = Summary { cpu_s: f64::NAN, peak_rss_bytes: 0, out: folder.clone(), ..report.summary };
    if summary.partial {
        return Ok(None);
    }
    if let Some(folder) = &folder {
        write(folder, "scenario.toml", &scenario.show())?;
        write(folder, "summary.json", &show::json(&summary))?;
    }
    // Our own struct of numbers and texts.
    let value = serde_json::to_value(&summary).expect("a summary becomes JSON");
    Ok(Some(Made { run: run_of(*arm, &value), violations: violations_of(&value) }))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path: PathBuf = folder.join(name);
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(Error::writing(&path))
}
