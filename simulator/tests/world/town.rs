//! Small scenarios, made by changing a few keys of one.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hansom_simulator::scenario::{Override, Scenario};
use hansom_simulator::{City, Options, RunReport, simulate, simulate_in};

/// A scenario to be run.
#[derive(Debug, Clone)]
pub struct Run {
    keys: Vec<String>,
    city: Option<City>,
    out: Option<PathBuf>,
    threads: u8,
}

const TOWN: &str = "
period = { start = \"2026-03-05T08:30:00+01:00\", end = \"2026-03-05T09:30:00+01:00\" }
network = { synthetic = \"small-town\" }
demand = { rate_per_h = 200 }
supply = { vehicles = 20 }
";

/// An hour in the small town, with these keys changed (`key=value`, parted by spaces).
pub fn town(keys: &str) -> Run {
    Run { keys: Vec::new(), city: None, out: None, threads: 1 }.keys(keys)
}

impl Run {
    /// Changes keys.
    pub fn keys(mut self, keys: &str) -> Self {
        self.keys.extend(keys.split_whitespace().map(str::to_owned));
        self
    }

    /// With vehicles that drive themselves.
    pub fn autonomous(self) -> Self {
        self.keys("supply.autonomous=true rider.no_show=0")
    }

    /// Without hidden traffic and noise.
    pub fn quiet(self) -> Self {
        self.keys("traffic.hidden=false pings.noise_m=0")
    }

    /// The scenario.
    pub fn scenario(&self) -> Scenario {
        let change = |key: &String| Override::parse(key).unwrap_or_else(|fault| panic!("{fault}"));
        let changes: Vec<Override> = self.keys.iter().map(change).collect();
        Scenario::parse("town.toml", TOWN, Path::new("/"), &changes).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// What comes of it.
    pub fn run(&self) -> RunReport {
        let stop = AtomicBool::new(false);
        let options = Options { out: self.out.clone(), threads: self.threads, log: self.out.is_some(), stop: &stop };
        let scenario = self.scenario();
        let report = match &self.city {
            Some(city) => simulate_in(city, &scenario, &options, &mut |_| {}),
            None => simulate(&scenario, &options, &mut |_| {}),
        };
        report.unwrap_or_else(|error| panic!("{error}"))
    }
}
