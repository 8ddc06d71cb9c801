//! Small scenarios, made by changing a few keys of one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, Millis, NodeId};
use hansom_simulator::scenario::{Override, Scenario, Timezone};
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
period = { start = \"2026-03-05T08:05:00+01:00\", end = \"2026-03-05T08:50:00+01:00\" }
network = { synthetic = \"small-town\" }
demand = { rate_per_h = 240 }
supply = { vehicles = 20 }
";

/// Three quarters of an hour in the small town, with these keys changed (`key=value`, parted by spaces).
pub fn town(keys: &str) -> Run {
    Run { keys: Vec::new(), city: None, out: None, threads: 1 }.keys(keys)
}

impl Run {
    /// Changes keys.
    pub fn keys(mut self, keys: &str) -> Self {
        self.keys.extend(keys.split_whitespace().map(str::to_owned));
        self
    }

    /// Leaves files in this folder.
    pub fn out(mut self, folder: &Path) -> Self {
        self.out = Some(folder.to_path_buf());
        self
    }

    /// On so many threads.
    pub fn threads(mut self, threads: u8) -> Self {
        self.threads = threads;
        self
    }

    /// The scenario.
    pub fn scenario(&self) -> Scenario {
        let change = |key: &String| Override::parse(key).unwrap_or_else(|fault| panic!("{fault}"));
        let changes: Vec<Override> = self.keys.iter().map(change).collect();
        Scenario::parse("town.toml", TOWN, Path::new("/"), &changes).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// What comes of it.
    pub fn run(&self) -> RunReport {
        self.run_until(&AtomicBool::new(false))
    }

    /// What comes of it, if it may be stopped.
    pub fn run_until(&self, stop: &AtomicBool) -> RunReport {
        let options = Options { out: self.out.clone(), threads: self.threads, log: self.out.is_some(), stop };
        let scenario = self.scenario();
        let report = match &self.city {
            Some(city) => simulate_in(city, &scenario, &options, &mut |_| {}),
            None => simulate(&scenario, &options, &mut |_| {}),
        };
        report.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// One street between two crossings, [`Street::A`] and [`Street::B`], driven both ways in the same time.
#[derive(Debug)]
pub struct Street {
    city: City,
    folder: tempfile::TempDir,
}

impl Street {
    /// One end.
    pub const A: usize = 0;
    /// The other end.
    pub const B: usize = 1;
    /// When its day starts.
    pub const START: Millis = Millis(1_772_668_800_000);

    /// A street that takes `ms` to drive, at 10 m a second.
    pub fn new(ms: u32) -> Self {
        let city = City::new(Arc::new(sample::grid(2, 1, ms * 10, ms)));
        Self { city, folder: tempfile::tempdir().expect("a folder for temporary files") }
    }

    fn place(&self, end: usize) -> Coord {
        self.city.network.node_coord(NodeId(end as u32))
    }

    /// Rides in order of time, each at so many ms from the start from one end to the other, and self-driving vehicles
    /// that stand at these ends, for so many seconds; nothing else takes time or is left to chance.
    pub fn run(&self, rides: &[(i64, usize, usize)], vehicles: &[usize], seconds: i64) -> Run {
        let degrees = |angle: i32| format!("{}.{:07}", angle / 10_000_000, angle % 10_000_000);
        let mut text = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon\n".to_owned();
        for &(at, from, to) in rides {
            let [from, to] = [from, to].map(|end| self.place(end));
            text += &Timezone::utc().stamp(Street::START + Millis(at));
            for angle in [from.lat, from.lon, to.lat, to.lon] {
                let _infallible = write!(text, ",{}", degrees(angle));
            }
            text.push('\n');
        }
        let file = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("a temporary file");
            path.display().to_string()
        };
        let demand = file("requests.csv", &text);
        let mut text = "vehicle_id,lat,lon\n".to_owned();
        for (n, &end) in vehicles.iter().enumerate() {
            let place = self.place(end);
            let _infallible = writeln!(text, "car{n},{},{}", degrees(place.lat), degrees(place.lon));
        }
        let supply = file("vehicles.csv", &text);
        let zone = Timezone::utc();
        let (start, end) = (zone.stamp(Street::START), zone.stamp(Street::START + Millis::from_secs(seconds)));
        let mut run =
            town("traffic.hidden=false pings.noise_m=0 supply.autonomous=true rider.no_show=0 policy.kind=nearest")
                .keys("boarding_s=0 alighting_s=0 rider.patience_s=inf rider.lateness_s=inf policy.max_wait_s=86400")
                .keys(&format!("period.start={start} period.end={end} demand.file={demand} supply.file={supply}"));
        run.city = Some(self.city.clone());
        run
    }
}
