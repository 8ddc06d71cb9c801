//! What is measured of the markets, in the words of the field, as Prometheus reads it.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use hansom_engine::lifecycle::ride::Outcome;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Which market a figure is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMarket {
    market: String,
}

/// Which market, and how a ride of it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    market: String,
    outcome: &'static str,
}

/// Which market, and which stage of a command's way through it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    market: String,
    stage: &'static str,
}

/// Why spans of traces were lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCause {
    cause: &'static str,
}

type Times = Family<OfMarket, Histogram, fn() -> Histogram>;
type StageTimes = Family<OfStage, Histogram, fn() -> Histogram>;

/// The figures of all markets of a process.
#[derive(Debug)]
pub struct Figures {
    registry: Mutex<Registry>,
    all: Families,
}

macro_rules! families {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $make:expr, $name:literal $(, $unit:expr)?;)*) => {
        #[derive(Debug, Clone)]
        struct Families {
            $($field: $kind,)*
        }

        impl Families {
            fn new() -> Self {
                Self { $($field: $make,)* }
            }

            fn register(&self, registry: &mut Registry) {
                $(families!(@register registry, $name, concat!($($help),+), self.$field.clone() $(, $unit)?);)*
            }
        }
    };
    (@register $registry:ident, $name:literal, $help:expr, $family:expr) => {
        $registry.register($name, $help.trim().trim_end_matches('.'), $family)
    };
    (@register $registry:ident, $name:literal, $help:expr, $family:expr, $unit:expr) => {
        $registry.register_with_unit($name, $help.trim().trim_end_matches('.'), $unit, $family)
    };
}

families! {
    /// Whether the market takes commands: 1, or 0 while it opens, drains or is halted.
    up: Family<OfMarket, Gauge> = Family::default(), "up";
    /// How often the market was halted because something broke. Every one is an alarm.
    halts: Family<OfMarket, Counter> = Family::default(), "halts";
    /// Turns taken.
    turns: Family<OfMarket, Counter> = Family::default(), "turns";
    /// Positions taken.
    pings: Family<OfMarket, Counter> = Family::default(), "pings";
    /// Positions shed before the market saw them, because newer ones were there or too many waited.
    shed_pings: Family<OfMarket, Counter> = Family::default(), "shed_pings";
    /// Commands turned away because too many waited.
    overloaded: Family<OfMarket, Counter> = Family::default(), "overloaded";
    /// Commands that a rule forbade.
    refused: Family<OfMarket, Counter> = Family::default(), "refused";
    /// Lines that could not be read.
    quarantined: Family<OfMarket, Counter> = Family::default(), "quarantined";
    /// Lines that could not be read and were not kept either, as where the disk is full.
    quarantine_lost: Family<OfMarket, Counter> = Family::default(), "quarantine_lost";
    /// Commands that wait for the market.
    waiting_commands: Family<OfMarket, Gauge> = Family::default(), "waiting_commands";
    /// Positions that wait for the market.
    waiting_pings: Family<OfMarket, Gauge> = Family::default(), "waiting_pings";
    /// Time of the work that led to offers: deciding, or problem, planner and proposal.
    match_latency: Times = Family::new_with_constructor(short_times as fn() -> Histogram), "match_latency", Unit::Seconds;
    /// Time from a command's arrival at the market until it is durable.
    commit_latency: Times = Family::new_with_constructor(short_times as fn() -> Histogram), "commit_latency", Unit::Seconds;
    /// Time of commands in each stage of their way: `queue` until the market takes it, `decide` until its turn is handed to the
    /// log, `sync` until that is on the disk, `deliver` until senders and readers have it.
    stages: StageTimes = Family::new_with_constructor(fine_times as fn() -> Histogram), "stage", Unit::Seconds;
    /// Turns that are durable and that the follower has not folded yet.
    follower_lag: Family<OfMarket, Gauge> = Family::default(), "follower_lag_turns";
    /// Turns that were released and that the read models have not taken in yet.
    read_lag: Family<OfMarket, Gauge> = Family::default(), "read_model_lag_turns";
    /// Whether the history of the market is kept: 1, or 0 while its database cannot be written.
    history_up: Family<OfMarket, Gauge> = Family::default(), "history_up";
    /// By how many seconds the market's time is ahead of the machine's, which was set back: it catches up slowly.
    clock_ahead: Family<OfMarket, Gauge> = Family::default(), "clock_ahead_seconds";
    /// Broken invariants that the follower has found. Every one is an alarm.
    violations: Family<OfMarket, Gauge> = Family::default(), "invariant_violations";
    /// Rides that are not over.
    open_requests: Family<OfMarket, Gauge> = Family::default(), "open_requests";
    /// Rides asked for since the process opened the market.
    requests: Family<OfMarket, Counter> = Family::default(), "requests";
    /// Rides that ended since the process opened the market, by how they ended.
    ended: Family<OfOutcome, Counter> = Family::default(), "rides_ended";
    /// Service rate: completed rides over all that ended since the process opened the market, refused ones too; 0 before.
    service_rate: Family<OfMarket, Gauge<f64, AtomicU64>> = Family::default(), "service_rate";
    /// Offers made to drivers.
    offers: Family<OfMarket, Counter> = Family::default(), "offers";
    /// Drivers on shift.
    drivers: Family<OfMarket, Gauge> = Family::default(), "drivers_on_shift";
    /// Spans of traces that the collector took.
    spans_sent: Counter = Counter::default(), "spans_sent";
    /// Spans of traces that were lost: too many waited (queue), or they were not taken (collector).
    spans_lost: Family<OfCause, Counter> = Family::default(), "spans_lost";
}

/// From 50 µs to 13 s, each bound twice the one before.
fn short_times() -> Histogram {
    Histogram::new((0..18).map(|power| 50e-6 * f64::from(1u32 << power)))
}

/// From 10 µs to 10 s, each bound a fifth beyond the one before: of what is short, a percentile read from it is near enough.
fn fine_times() -> Histogram {
    const BOUNDS: usize = 77;
    Histogram::new(std::iter::successors(Some(10e-6), |bound| Some(bound * 1.2)).take(BOUNDS))
}

impl Figures {
    /// None yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("hansom");
        let all = Families::new();
        all.register(&mut registry);
        Self { registry: Mutex::new(registry), all }
    }

    /// Those of one market, which stand at 0 until something happens.
    pub(crate) fn of(&self, market: &str) -> MarketFigures {
        let label = OfMarket { market: market.to_owned() };
        let all = &self.all;
        let stage = |stage| all.stages.get_or_create_owned(&OfStage { market: market.to_owned(), stage });
        MarketFigures {
            queue: stage("queue"),
            decide: stage("decide"),
            sync: stage("sync"),
            deliver: stage("deliver"),
            up: all.up.get_or_create_owned(&label),
            halts: all.halts.get_or_create_owned(&label),
            turns: all.turns.get_or_create_owned(&label),
            pings: all.pings.get_or_create_owned(&label),
            shed_pings: all.shed_pings.get_or_create_owned(&label),
            overloaded: all.overloaded.get_or_create_owned(&label),
            refused: all.refused.get_or_create_owned(&label),
            quarantined: all.quarantined.get_or_create_owned(&label),
            quarantine_lost: all.quarantine_lost.get_or_create_owned(&label),
            waiting_commands: all.waiting_commands.get_or_create_owned(&label),
            waiting_pings: all.waiting_pings.get_or_create_owned(&label),
            match_latency: all.match_latency.get_or_create_owned(&label),
            commit_latency: all.commit_latency.get_or_create_owned(&label),
            follower_lag: all.follower_lag.get_or_create_owned(&label),
            read_lag: all.read_lag.get_or_create_owned(&label),
            history_up: all.history_up.get_or_create_owned(&label),
            clock_ahead: all.clock_ahead.get_or_create_owned(&label),
            violations: all.violations.get_or_create_owned(&label),
            open_requests: all.open_requests.get_or_create_owned(&label),
            requests: all.requests.get_or_create_owned(&label),
            offers: all.offers.get_or_create_owned(&label),
            drivers: all.drivers.get_or_create_owned(&label),
            service_rate: all.service_rate.get_or_create_owned(&label),
            ended: all.ended.clone(),
            market: label.market,
        }
    }

    /// Those of traces.
    pub fn spans(&self) -> SpanFigures {
        let lost = |cause| self.all.spans_lost.get_or_create_owned(&OfCause { cause });
        SpanFigures {
            sent: self.all.spans_sent.clone(),
            lost_in_queue: lost("queue"),
            lost_at_collector: lost("collector"),
        }
    }

    /// All of them, as text in the `OpenMetrics` format.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of spans of traces.
#[derive(Debug, Clone)]
pub struct SpanFigures {
    /// A collector took them.
    pub sent: Counter,
    /// Too many waited.
    pub lost_in_queue: Counter,
    /// They were not taken.
    pub lost_at_collector: Counter,
}

/// The figures of one market.
#[derive(Debug, Clone)]
pub(crate) struct MarketFigures {
    market: String,
    pub up: Gauge,
    pub halts: Counter,
    pub turns: Counter,
    pub pings: Counter,
    pub shed_pings: Counter,
    pub overloaded: Counter,
    pub refused: Counter,
    pub quarantined: Counter,
    pub quarantine_lost: Counter,
    pub waiting_commands: Gauge,
    pub waiting_pings: Gauge,
    pub match_latency: Histogram,
    pub commit_latency: Histogram,
    pub queue: Histogram,
    pub decide: Histogram,
    pub sync: Histogram,
    pub deliver: Histogram,
    pub follower_lag: Gauge,
    pub read_lag: Gauge,
    pub history_up: Gauge,
    pub clock_ahead: Gauge,
    pub violations: Gauge,
    pub open_requests: Gauge,
    pub requests: Counter,
    pub offers: Counter,
    pub drivers: Gauge,
    service_rate: Gauge<f64, AtomicU64>,
    ended: Family<OfOutcome, Counter>,
}

impl MarketFigures {
    /// A ride ended.
    pub fn ended(&self, outcome: Outcome) {
        let count = |outcome: Outcome| {
            self.ended.get_or_create_owned(&OfOutcome { market: self.market.clone(), outcome: outcome.name() })
        };
        count(outcome).inc();
        let all: u64 = Outcome::ALL.into_iter().map(|outcome| count(outcome).get()).sum();
        self.service_rate.set(count(Outcome::Completed).get() as f64 / all as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_rate_is_of_one_market_and_of_all_ends() {
        let figures = Figures::new();
        let (east, west) = (figures.of("east"), figures.of("west"));
        for outcome in [Outcome::Completed, Outcome::NoDriver, Outcome::Completed, Outcome::Refused] {
            east.ended(outcome);
        }
        // Opened once more.
        figures.of("east").ended(Outcome::Completed);
        west.ended(Outcome::NoShow);
        let text = figures.text().expect("text");
        for figure in ["service_rate{market=\"east\"} 0.6", "service_rate{market=\"west\"} 0.0"] {
            assert!(text.contains(&format!("hansom_{figure}\n")), "{text}");
        }
    }
}
