//! One rate, for a while: what is counted, and what it comes to.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::arrivals::{Arrivals, Gaps};
use super::disk::Probe;
use super::recorder::{Latency, Recorder};
use super::report::{Processor, StepReport};
use super::scene::Scene;
use super::stages::Stage;
use super::subject::{Answer, Asked};
use crate::error::Error;
use crate::{interrupted, show};

/// After the end of a step its last requests have so long to be answered in time …
const GRACE: Duration = Duration::from_secs(1);
/// … and so long before the next one begins without them …
const DRAIN: Duration = Duration::from_secs(30);
/// … of which so long for offers that a window keeps waiting.
const OFFERED_WITHIN: Duration = Duration::from_secs(10);
/// So often somebody looks whether the user has asked to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is counted.
#[derive(Debug)]
pub struct Step {
    began: Instant,
    length: Duration,
    arrivals: Mutex<Arrivals>,
    lag: Recorder,
    answers: Recorder,
    offers: Recorder,
    deliveries: Recorder,
    duties: Recorder,
    reports: Recorder,
    counts: Counts,
}

/// How many.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
    lost: AtomicU64,
    with_candidate: AtomicU64,
    duties_failed: AtomicU64,
    positions: AtomicU64,
    positions_failed: AtomicU64,
}

fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

impl Step {
    fn new(gaps: Gaps, per_s: u32, seed: u64, length: Duration) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            length,
            arrivals: Mutex::new(Arrivals::new(gaps, per_s, seed)),
            lag: Recorder::new(),
            answers: Recorder::new(),
            offers: Recorder::new(),
            deliveries: Recorder::new(),
            duties: Recorder::new(),
            reports: Recorder::new(),
            counts: Counts::default(),
        })
    }

    /// When the next request is due; `None`: the step is over by then.
    pub fn next(&self) -> Option<Instant> {
        let at = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        (at < self.length && !interrupted()).then(|| self.began + at)
    }

    /// A request that was due then is sent now.
    pub fn sent(&self, due: Instant, now: Instant) {
        one(&self.counts.sent);
        self.lag.record(due, now);
    }

    /// It is answered.
    pub fn answered(&self, due: Instant, now: Instant, answer: Answer) {
        // What failed took its time, too.
        self.answers.record(due, now);
        match answer {
            Answer::Taken(asked) => {
                one(&self.counts.taken);
                if asked.is_some_and(|Asked { has_candidate, .. }| has_candidate) {
                    one(&self.counts.with_candidate);
                }
            }
            Answer::Refused => one(&self.counts.refused),
            Answer::TurnedAway => one(&self.counts.turned_away),
            Answer::Lost => one(&self.counts.lost),
        }
    }

    /// Its first offer is here.
    pub fn offered(&self, due: Instant, seen: Instant) {
        self.offers.record(due, seen);
    }

    /// An offer came by a driver's own subscription.
    pub fn delivered(&self, due: Instant, seen: Instant) {
        self.deliveries.record(due, seen);
    }

    /// An order of a driver is answered.
    pub fn served(&self, due: Instant, now: Instant, answer: Answer) {
        self.duties.record(due, now);
        if !matches!(answer, Answer::Taken(_)) {
            one(&self.counts.duties_failed);
        }
    }

    /// Positions were handed over.
    pub fn reported(&self, due: Instant, now: Instant, count: u64, answer: Answer) {
        self.reports.record(due, now);
        let taken = matches!(answer, Answer::Taken(_));
        let counts = if taken { &self.counts.positions } else { &self.counts.positions_failed };
        counts.fetch_add(count, Ordering::Relaxed);
    }

    /// What was asked for and is answered.
    fn done(&self) -> u64 {
        self.answers.count()
    }
}

/// Measures one step after another.
pub struct Measured<'a> {
    scene: &'a Arc<Scene>,
    gaps: Gaps,
    seed: u64,
    /// How many drivers have subscriptions.
    subscribed: u32,
    disk: Option<&'a Path>,
}

impl<'a> Measured<'a> {
    pub fn new(scene: &'a Arc<Scene>, gaps: Gaps, seed: u64, subscribed: u32, disk: Option<&'a Path>) -> Self {
        Self { scene, gaps, seed, subscribed, disk }
    }

    /// So many requests a second, for so long. Says so once they come.
    pub fn step(&self, per_s: u32, length: Duration, what: &str) -> Result<StepReport, Error> {
        let subject = self.scene.subject();
        let probe = self.disk.map(|folder| Probe::start(folder).map_err(Error::writing(folder))).transpose()?;
        let (shown, usage) = (subject.shown()?, subject.driven().usage());
        // Each step has chance of its own.
        let step = Step::new(self.gaps, per_s, self.seed.wrapping_add(u64::from(per_s)), length);
        self.scene.measure(&step);
        show::note(&format!("{what}: {per_s} requests a second for {} s", length.as_secs()));
        pass(step.began + length);
        let took = step.began.elapsed();
        let usage = subject.driven().usage().since(usage);
        let positions = read(&step.counts.positions);
        pass(Instant::now() + GRACE);
        let in_time = step.done();
        let (connections, behind) = self.scene.crew();
        self.drain(&step);
        let now = subject.shown()?;
        let ended = self.disk.zip(probe).map(|(folder, probe)| probe.end().map_err(Error::writing(folder)));
        let disk_sync = ended.transpose()?;
        let (counts, answers, offers) = (&step.counts, step.answers.latency(), step.offers.latency());
        let (sent, taken) = (read(&counts.sent), read(&counts.taken));
        let share = |part: u64, of: u64| if of > 0 { part as f64 / of as f64 } else { 0.0 };
        // What was due and never begun was not answered either.
        let due = self.due(per_s, length).max(sent);
        let stages = now.stages(&shown);
        Ok(StepReport {
            per_s,
            seconds: length.as_secs_f64(),
            due,
            sent,
            taken,
            refused: read(&counts.refused),
            turned_away: read(&counts.turned_away),
            lost: read(&counts.lost),
            offered: offers.count,
            answered_in_time: share(in_time, due),
            idle_candidate_share: share(read(&counts.with_candidate), taken),
            rest_mean_ms: rest(&answers, &stages),
            request_to_offer: offers,
            request_to_answer: answers,
            send_lag: step.lag.latency(),
            driver_orders: step.duties.latency(),
            driver_orders_failed: read(&counts.duties_failed),
            delivery: (self.subscribed > 0).then(|| step.deliveries.latency()),
            positions_per_s: positions as f64 / took.as_secs_f64(),
            position_bundles: step.reports.latency(),
            positions_failed: read(&counts.positions_failed),
            positions_shed: now.growth(&shown, "shed_pings_total"),
            stages,
            disk_sync,
            processor: Processor::of(usage, took),
            connections,
            behind,
        })
    }

    /// How many requests there would be.
    fn due(&self, per_s: u32, length: Duration) -> u64 {
        let arrivals = Arrivals::new(self.gaps, per_s, self.seed.wrapping_add(u64::from(per_s)));
        arrivals.take_while(|at| *at < length && !interrupted()).count() as u64
    }

    /// Returns once all is answered and has its offer, or that takes too long.
    fn drain(&self, step: &Step) {
        let wait = |within: Duration, under_way: &dyn Fn() -> bool| {
            let until = Instant::now() + within;
            while Instant::now() < until && !interrupted() && under_way() {
                pass(Instant::now() + LOOK_EVERY);
            }
        };
        wait(DRAIN, &|| step.done() < read(&step.counts.sent) || self.scene.crew().1 > 0);
        wait(OFFERED_WITHIN, &|| step.offers.count() < read(&step.counts.with_candidate));
    }
}

/// Waits, unless the user asks to stop.
fn pass(until: Instant) {
    while !interrupted() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}

/// What of the mean time to an answer is none of the market's stages: the generator's own lag, sockets, HTTP, GraphQL.
fn rest(answers: &Latency, stages: &[Stage]) -> f64 {
    (answers.mean_ms - stages.iter().map(|stage| stage.mean_ms).sum::<f64>()).max(0.0)
}
