//! What a scenario tells the dispatcher: the settings of its market.

use std::time::Duration;

use hansom_engine::Money;
use hansom_engine::domain::{Hours, Planner, Policy, Settings, Tariff, Term, Unserved, Weights};
use hansom_geo_index::Millis;

use hansom_market::planning::Outlying;
use hansom_market::seam::peer::Reach;

use crate::scenario::{ExternalPlanner, HourSpan, PolicyKind, Scenario, Silence};

/// How long a driver who turned a ride down is spared it.
const DECLINE_REST: Millis = Millis::from_secs(60);
/// How far from the destination a trip may end and still count as completed, mm.
const ARRIVAL_MM: i64 = 300_000;
/// How old a device may claim a report to be.
const MAX_AGE: Millis = Millis::from_secs(60);
/// How often a ride that waits is looked at again.
const REVIEW: Millis = Millis::from_secs(600);
/// How long after its request a ride that got all its offers is given up, if the rider stays.
const GIVE_UP: Millis = Millis::from_secs(3600);
/// How much longer than a window the planner's answer is waited for.
const PLANNER_PATIENCE: Millis = Millis::from_secs(30);

/// By how much an outage puts off offers and riders' patience.
const RESUME_BOUND: Millis = Millis::from_secs(300);

/// The settings of the market of `scenario`, in which `hours` says when which travel times are in force.
pub fn settings(scenario: &Scenario, hours: Vec<HourSpan>) -> Settings {
    let Silence { warn, redispatch } = scenario.silence;
    let heard_of = Millis(scenario.pings.interval.0.saturating_mul(4));
    let hours = hours.into_iter().map(|span| (span.from, span.version));
    Settings {
        policy: policy(scenario),
        tariff: tariff(scenario),
        hours: Hours(hours.collect()),
        offer_life: scenario.offer,
        max_offers: scenario.max_offers,
        decline_rest: DECLINE_REST,
        silence_warn: warn.max(heard_of),
        silence_redispatch: redispatch.max(heard_of),
        no_show_wait: scenario.no_show_wait,
        boarding: scenario.boarding,
        alighting: scenario.alighting,
        snap_mm: scenario.snap.0,
        teleport_mm_s: scenario.teleport_speed.0,
        teleport_mm: scenario.teleport.0,
        reanchor_along_mm: scenario.reanchor.along.0,
        reanchor_across_mm: scenario.reanchor.across.0,
        arrival_mm: ARRIVAL_MM,
        max_age: MAX_AGE,
        ride_key_life: scenario.keep.rides,
        creation_key_life: scenario.keep.keys,
        driver_life: scenario.keep.drivers,
        review: REVIEW,
        give_up: GIVE_UP,
        planner_patience: PLANNER_PATIENCE,
        resume_bound: RESUME_BOUND,
    }
}

/// The program that plans for the market of `scenario`; `None`: its own planner does.
pub fn planner(scenario: &Scenario) -> Option<Outlying> {
    let ExternalPlanner { command, address, timeout } = &scenario.policy.external;
    let reach = match (scenario.policy.kind, command, address) {
        (PolicyKind::External, Some(command), _) => {
            Reach::Command(command.split_whitespace().map(str::to_owned).collect())
        }
        (PolicyKind::External, None, Some(address)) => Reach::Address(address.clone()),
        _ => return None,
    };
    Some(Outlying { reach, patience: Duration::from_millis(timeout.0.unsigned_abs()) })
}

fn policy(scenario: &Scenario) -> Policy {
    let policy = &scenario.policy;
    let given = &policy.weights;
    let mut weights = Weights([0; Term::COUNT]);
    for term in Term::ALL {
        weights.0[term as usize] = match term {
            Term::Eta => given.eta,
            Term::Wait => given.wait,
            Term::Deadhead => given.deadhead,
            Term::Revenue => given.revenue,
            Term::Destination => given.destination,
            Term::Acceptance => given.acceptance,
            Term::Cancellation => given.cancellation,
            Term::Rating => given.rating,
            Term::Tier => given.tier,
            Term::Forecast => given.forecast,
        };
    }
    Policy {
        planner: match policy.kind {
            PolicyKind::Nearest => Planner::Nearest,
            PolicyKind::Batch => Planner::Batch,
            PolicyKind::External => Planner::External,
        },
        batch_window: policy.batch_window,
        candidates: policy.candidates,
        max_wait: policy.max_wait,
        chain_horizon: policy.chain_horizon,
        chain_slip: policy.chain_slip,
        weights,
        unserved: Unserved { base: policy.unserved.base, slope_per_s: policy.unserved.slope_per_s },
        destination_value: policy.constants.destination,
        forecast_value: policy.constants.forecast,
    }
}

fn tariff(scenario: &Scenario) -> Tariff {
    let tariff = &scenario.tariff;
    Tariff {
        currency: tariff.currency.as_str().into(),
        base: Money(tariff.base_minor),
        per_km: Money(tariff.per_km_minor),
        per_min: Money(tariff.per_min_minor),
        minimum: Money(tariff.minimum_minor),
        driver_share_bp: tariff.driver_share_bp,
        tax_bp: tariff.tax_bp,
        cancellation_fee: Money(tariff.cancellation_fee_minor),
        no_show_fee: Money(tariff.no_show_fee_minor),
    }
}
