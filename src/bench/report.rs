//! What was measured, as it is written to `bench.json`. Times are in ms.

use std::fs;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use super::arrivals::Gaps;
use super::knee::{Knee, Point};
use super::queries::Queries;
use super::recorder::Latency;
use super::stages::Stage;
use super::usage::Usage;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub market: String,
    /// By which way it was driven.
    pub driven: String,
    pub policy: String,
    pub machine: Machine,
    #[serde(serialize_with = "name")]
    pub gaps: Gaps,
    pub seed: u64,
    pub drivers: u32,
    pub ping_interval_s: f64,
    /// Positions in one request.
    pub bundle: u32,
    pub ride_s: f64,
    /// Drivers with a subscription of their own.
    pub subscriptions: u32,
    /// How long it took until all drivers were on shift.
    pub fill_s: f64,
    pub steps: Vec<StepReport>,
    /// Of a sweep only; `None`: not even the lowest rate was kept up with.
    pub knee: Option<Knee>,
    pub queries: Option<Queries>,
    /// How often a stream told that something was missing: offers in it have no time.
    pub gaps_heard: u64,
    /// It was stopped by the user.
    pub partial: bool,
}

/// One rate.
#[derive(Debug, Serialize)]
pub struct StepReport {
    pub per_s: u32,
    pub seconds: f64,
    /// Requests that were due.
    pub due: u64,
    pub sent: u64,
    /// Durable.
    pub taken: u64,
    pub refused: u64,
    pub turned_away: u64,
    /// Nobody knows what became of them.
    pub lost: u64,
    /// Got an offer.
    pub offered: u64,
    /// Share of those due that was answered a second after the end.
    pub answered_in_time: f64,
    /// Share of those taken for whom a driver who could come was there.
    pub idle_candidate_share: f64,
    /// From when the request was due until its first offer was here.
    pub request_to_offer: Latency,
    /// … until it was answered, which is once it is durable.
    pub request_to_answer: Latency,
    /// … until it was sent: the generator's own delay, which is in the two above.
    pub send_lag: Latency,
    /// Orders of drivers, from when they were due to the answer.
    pub driver_orders: Latency,
    pub driver_orders_failed: u64,
    /// From when a request was due until its offer came by the driver's own subscription.
    pub delivery: Option<Latency>,
    pub positions_per_s: f64,
    /// Bundles of positions, from when they were due to the answer.
    pub position_bundles: Latency,
    pub positions_failed: u64,
    /// Received, but replaced by newer ones before the market saw them.
    pub positions_shed: Option<u64>,
    /// All commands, by the market's own figures.
    pub stages: Vec<Stage>,
    /// What of the mean time to an answer is in no stage: generator, sockets, HTTP, GraphQL.
    pub rest_mean_ms: f64,
    /// Until 4 KiB were written and synced, from when that was due: every 100 ms meanwhile.
    pub disk_sync: Option<Latency>,
    pub processor: Processor,
    /// Of the generator, at the end.
    pub connections: usize,
    /// What was due then and not begun.
    pub behind: usize,
}

impl StepReport {
    /// What the knee is found by.
    pub fn point(&self) -> Point {
        let latency = if self.offered > 0 { &self.request_to_offer } else { &self.request_to_answer };
        Point { per_s: self.per_s, answered: self.answered_in_time, p99_ms: latency.p99_ms }
    }
}

/// Processor time over wall time: 1 is one core.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Processor {
    pub generator: Option<f64>,
    /// Of the server, or of all of the process that is not the generator.
    pub market: Option<f64>,
}

impl Processor {
    /// In so long.
    pub fn of(usage: Usage, wall: Duration) -> Self {
        let cores = |time: Option<Duration>| time.map(|time| time.as_secs_f64() / wall.as_secs_f64());
        Self { generator: cores(usage.generator), market: cores(usage.driven) }
    }
}

/// Where it ran.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub processor: String,
    /// Load of the minute before.
    pub load: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: model.map_or("unknown", |(_, model)| model.trim()).to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn name<S: Serializer>(gaps: &Gaps, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(gaps.to_possible_value().as_ref().map_or("", |value| value.get_name()))
}

#[cfg(test)]
pub mod sample {
    use std::time::Duration;

    use super::super::recorder::Recorder;
    use super::*;

    /// Times from 1 ms on, each a quarter of a ms longer.
    fn latency(count: u64) -> Latency {
        let recorder = Recorder::new();
        (0..count).for_each(|number| recorder.add(Duration::from_micros(1000 + 250 * number)));
        recorder.latency()
    }

    fn step(per_s: u32) -> StepReport {
        let stage = |stage: &str, mean_ms| Stage {
            name: stage.to_owned(),
            count: 500,
            mean_ms,
            p50_ms: 0.1,
            p99_ms: 0.4,
            p999_ms: 0.9,
        };
        let due = u64::from(per_s) * 10;
        StepReport {
            per_s,
            seconds: 10.0,
            due,
            sent: due,
            taken: due - 3,
            refused: 0,
            turned_away: 3,
            lost: 0,
            offered: due - 5,
            answered_in_time: 0.997,
            idle_candidate_share: 0.985,
            request_to_offer: latency(due - 5),
            request_to_answer: latency(due),
            send_lag: latency(10),
            driver_orders: latency(400),
            driver_orders_failed: 2,
            delivery: (per_s > 100).then(|| latency(40)),
            positions_per_s: 24_995.0,
            position_bundles: latency(50),
            positions_failed: 0,
            positions_shed: Some(12),
            stages: vec![stage("queue", 0.05), stage("decide", 0.4), stage("sync", 1.2), stage("deliver", 0.1)],
            rest_mean_ms: 0.5,
            disk_sync: Some(latency(99)),
            processor: Processor { generator: Some(0.3), market: (per_s <= 100).then_some(0.8) },
            connections: 20,
            behind: 0,
        }
    }

    /// What a sweep might come to.
    pub fn report() -> Report {
        Report {
            version: "0.0.0",
            market: "town".to_owned(),
            driven: "GraphQL, a server of its own".to_owned(),
            policy: "nearest".to_owned(),
            machine: Machine { cores: 2, processor: "a processor".to_owned(), load: "0.50".to_owned() },
            gaps: Gaps::Poisson,
            seed: 1,
            drivers: 100_000,
            ping_interval_s: 4.0,
            bundle: 500,
            ride_s: 20.0,
            subscriptions: 1_000,
            fill_s: 7.25,
            steps: vec![step(90), step(135)],
            knee: Some(Knee { holds_per_s: 90, breaks_per_s: Some(135) }),
            queries: Some(Queries { clients: 4, per_s: 5_123.4, latency: latency(99), failed: 0 }),
            gaps_heard: 1,
            partial: false,
        }
    }
}
