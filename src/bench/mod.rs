//! `hansom bench`: how long a market takes, without fooling anybody.
//!
//! Requests come when they come, whatever became of those before ([`arrivals`], [`crew`]), and their time counts from when they
//! were due ([`recorder`]): a market that stands still is charged with everybody who would have asked meanwhile, not with the one
//! who waited for his turn. [`scene`] is the city around them: drivers who report, take offers and drive. [`step`] measures
//! one rate, [`knee`] looks for the one at which it bends; [`stages`], [`disk`] and [`usage`] say where the time goes. [`subject`] is
//! what is driven. [`mod@report`], [`mod@text`] and [`mod@page`] tell what came out.

mod arrivals;
mod crew;
mod disk;
mod fleet;
mod knee;
mod page;
mod queries;
mod recorder;
mod report;
mod scene;
mod stages;
mod step;
pub mod subject;
mod text;
pub mod usage;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hansom_geo_index::Network;

pub use arrivals::Gaps;
pub use page::page;
pub use report::Report;
pub use scene::Pace;
pub use text::text;

use crate::error::Error;
use crate::{interrupted, show};
use fleet::Fleet;
use knee::Sweep;
use report::{Machine, StepReport};
use scene::Scene;
use step::Measured;
use subject::Subject;

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Plan {
    pub rates: Rates,
    pub gaps: Gaps,
    /// How long before the first step, at its rate.
    pub warm_up: Duration,
    pub drivers: u32,
    pub pace: Pace,
    /// How many drivers have a subscription of their own.
    pub subscriptions: u32,
    /// How many clients ask for rides after the last step, and how long.
    pub queries: (u32, Duration),
    pub connections: u32,
    pub seed: u64,
}

/// Requests a second.
#[derive(Debug, Clone)]
pub enum Rates {
    /// These, each for so long.
    Given(Vec<(u32, Duration)>),
    /// From one to another, until it bends; each for so long.
    Sweep(u32, u32, Duration),
}

/// Measures. `disk` is a folder on the disk that the market's log is on.
pub fn run(plan: &Plan, network: &Network, subject: Arc<dyn Subject>, disk: Option<&Path>) -> Result<Report, Error> {
    let fleet = Fleet::new(network, plan.drivers, plan.seed);
    let scene = Scene::open(fleet, plan.pace, subject, plan.connections)?;
    let began = Instant::now();
    show::note(&format!("{} drivers go on shift", plan.drivers));
    scene.subject().fill(&scene.fleet().shifts())?;
    let fill_s = began.elapsed().as_secs_f64();
    let subscribed = scene.subscribe(plan.subscriptions)?;
    scene.begin();
    let measured = Measured::new(&scene, plan.gaps, plan.seed, subscribed, disk);
    let mut steps = Vec::new();
    let (first, _) = plan.rates.first();
    if !plan.warm_up.is_zero() {
        measured.step(first, plan.warm_up, "warming up")?;
    }
    let knee = match &plan.rates {
        Rates::Given(rates) => {
            for (per_s, length) in rates {
                take(&measured, &mut steps, *per_s, *length)?;
            }
            None
        }
        Rates::Sweep(from, to, length) => {
            let mut sweep = Sweep::new(*from, *to);
            while let Some(per_s) = sweep.next()
                && !interrupted()
            {
                take(&measured, &mut steps, per_s, *length)?;
                steps.last().map(StepReport::point).into_iter().for_each(|point| sweep.tried(point));
            }
            steps.sort_by_key(|step| step.per_s);
            sweep.knee()
        }
    };
    let queries = queries::ask(&scene, plan.queries.0, plan.queries.1);
    let gaps_heard = scene.end();
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        market: String::new(),
        driven: String::new(),
        policy: String::new(),
        machine: Machine::here(),
        gaps: plan.gaps,
        seed: plan.seed,
        drivers: plan.drivers,
        ping_interval_s: plan.pace.ping_every.as_secs_f64(),
        bundle: plan.pace.bundle,
        ride_s: plan.pace.ride.as_secs_f64(),
        subscriptions: subscribed,
        fill_s,
        steps,
        knee,
        queries,
        gaps_heard,
        partial: interrupted(),
    })
}

fn take(measured: &Measured<'_>, steps: &mut Vec<StepReport>, per_s: u32, length: Duration) -> Result<(), Error> {
    if !interrupted() {
        steps.push(measured.step(per_s, length, "measuring")?);
    }
    Ok(())
}

impl Rates {
    fn first(&self) -> (u32, Duration) {
        match self {
            Self::Given(rates) => rates.first().copied().unwrap_or((1, Duration::ZERO)),
            Self::Sweep(from, _, length) => (*from, *length),
        }
    }
}
