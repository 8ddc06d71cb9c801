//! What a market is set to: written in the header of its log, the same for every turn.

use super::{Money, money::share};
use hansom_geo_index::{Millis, WeightsVersion};

/// The named terms of an assignment's cost. Each has a natural unit; its weight says how much of a cost unit (1 ms of
/// pickup ETA) one unit is worth, in per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Term {
    /// Time until the driver is at the pickup, ms.
    Eta,
    /// How long the request has waited, ms, negative: who has waited longer is cheaper.
    Wait,
    /// Air line driven empty, mm.
    Deadhead,
    /// The fare, minor units, negative.
    Revenue,
    /// Value of the drop-off place to the market, negative, plus how much farther from home the driver ends, mm.
    Destination,
    /// Expected loss to a decline, ms: the driver's decline rate times the offer's life.
    Acceptance,
    /// Expected loss to a cancellation by the driver, ms: the driver's cancel rate times the offer's life.
    Cancellation,
    /// Hundredths of a star that the driver lacks to five.
    Rating,
    /// The rider's tier, negative.
    Tier,
    /// Forecast value of keeping the driver where he is, a constant of the scenario.
    Forecast,
}

impl Term {
    /// Number of terms.
    pub const COUNT: usize = 10;
    /// All terms, in the order of [`Terms`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Eta,
        Self::Wait,
        Self::Deadhead,
        Self::Revenue,
        Self::Destination,
        Self::Acceptance,
        Self::Cancellation,
        Self::Rating,
        Self::Tier,
        Self::Forecast,
    ];

    /// Whether it may differ between the vehicles that could serve one ride. The others weigh one ride against another.
    pub const fn tells_vehicles_apart(self) -> bool {
        match self {
            Self::Eta | Self::Deadhead | Self::Destination | Self::Acceptance | Self::Cancellation | Self::Rating => {
                true
            }
            Self::Wait | Self::Revenue | Self::Tier | Self::Forecast => false,
        }
    }

    /// Its key under `policy.weights`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eta => "eta",
            Self::Wait => "wait",
            Self::Deadhead => "deadhead",
            Self::Revenue => "revenue",
            Self::Destination => "destination",
            Self::Acceptance => "acceptance",
            Self::Cancellation => "cancellation",
            Self::Rating => "rating",
            Self::Tier => "tier",
            Self::Forecast => "forecast",
        }
    }
}

/// One weighted value per [`Term`], in cost units, indexed by `Term as usize`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms(pub [i64; Term::COUNT]);

impl Terms {
    /// Bound of a single term: |term| < 2^40.
    pub const BOUND: i64 = (1 << 40) - 1;

    /// The cost: their sum, bounded as each of them is.
    pub fn total(&self) -> i64 {
        self.0.iter().sum::<i64>().clamp(-Self::BOUND, Self::BOUND)
    }
}

/// Weight of each [`Term`] in per mille, indexed by `Term as usize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights(pub [i32; Term::COUNT]);

impl Weights {
    /// The weight of pickup ETA, if no other term has one.
    pub fn eta_only(&self) -> Option<i32> {
        let others = Term::ALL.into_iter().filter(|term| *term != Term::Eta);
        others.map(|term| self.0[term as usize]).all(|weight| weight == 0).then(|| self.0[Term::Eta as usize])
    }
}

impl Default for Weights {
    fn default() -> Self {
        let mut weights = [0; Term::COUNT];
        weights[Term::Eta as usize] = 1000;
        Self(weights)
    }
}

/// Which planner answers "who serves whom".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planner {
    /// The best driver for each request, at once.
    Nearest,
    /// The requests of a window, assigned together at least total cost.
    Batch,
    /// The requests of a window, assigned by a program outside, whose answers are in the log.
    External,
}

/// Cost of leaving a request open in a batch: `base + slope_per_s` × seconds waited. An arc above it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unserved {
    /// Cost units.
    pub base: i64,
    /// Cost units per second waited.
    pub slope_per_s: i64,
}

impl Default for Unserved {
    fn default() -> Self {
        Self { base: 1_800_000, slope_per_s: 10_000 }
    }
}

/// How requests and drivers are matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who answers.
    pub planner: Planner,
    /// How long requests are collected; for `nearest`, how often waiting requests are tried again.
    pub batch_window: Millis,
    /// `batch`: how many drivers are considered for a request, the best by ETA.
    pub candidates: u32,
    /// Longest pickup ETA that is offered.
    pub max_wait: Millis,
    /// A driver whose last stop is at most this far is a candidate at that stop; 0 = no chained rides.
    pub chain_horizon: Millis,
    /// By how much a chained pickup may slip against its promise before the ride is released.
    pub chain_slip: Millis,
    /// Weight of each cost term.
    pub weights: Weights,
    /// Cost of leaving a request open.
    pub unserved: Unserved,
    /// Value of a drop-off place, mm-equivalents; a constant until zones have values.
    pub destination_value: i64,
    /// Value of keeping a driver where he is; a constant until there is a forecast.
    pub forecast_value: i64,
}

/// The static tariff: an upfront fare on the estimate at request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// ISO 4217 code.
    pub currency: Box<str>,
    /// Per ride.
    pub base: Money,
    /// Per kilometre of the estimated way.
    pub per_km: Money,
    /// Per minute of the estimated time.
    pub per_min: Money,
    /// Least fare.
    pub minimum: Money,
    /// The driver's share of the fare before tax, basis points.
    pub driver_share_bp: u32,
    /// Tax contained in the fare, basis points of the fare.
    pub tax_bp: u32,
    /// What a rider pays who cancels after the match.
    pub cancellation_fee: Money,
    /// What a rider pays who does not show up.
    pub no_show_fee: Money,
}

impl Tariff {
    /// The fare of a way of `length_mm` and `time_ms`, rounded once, half to even.
    pub fn fare(&self, length_mm: i64, time_ms: i64) -> Money {
        // base + per_km × mm / 10^6 + per_min × ms / 60,000 on the common denominator 3 × 10^6.
        let metered = i128::from(self.base.0) * 3_000_000
            + i128::from(self.per_km.0) * i128::from(length_mm) * 3
            + i128::from(self.per_min.0) * i128::from(time_ms) * 50;
        share(metered, 1, 3_000_000).max(self.minimum)
    }
}

/// Which weights are in force from when on, ascending; the first holds from the start of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours(pub Vec<(Millis, WeightsVersion)>);

impl Hours {
    /// The version in force at `at` (a change counts from its own instant on).
    pub fn at(&self, at: Millis) -> WeightsVersion {
        let next = self.0.partition_point(|(from, _)| *from <= at);
        self.0.get(next.saturating_sub(1)).map_or(WeightsVersion(0), |(_, version)| *version)
    }

    /// The first change after `at`.
    pub fn next_after(&self, at: Millis) -> Option<(Millis, WeightsVersion)> {
        self.0.get(self.0.partition_point(|(from, _)| *from <= at)).copied()
    }
}

/// All settings of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Matching.
    pub policy: Policy,
    /// Pricing.
    pub tariff: Tariff,
    /// Which travel times are in force when.
    pub hours: Hours,
    /// How long a driver may think about an offer.
    pub offer_life: Millis,
    /// How many offers a ride gets.
    pub max_offers: u32,
    /// How long a driver who turned a ride down is spared that ride.
    pub decline_rest: Millis,
    /// Silence of a committed driver until he is warned.
    pub silence_warn: Millis,
    /// Silence of a committed driver until rides not on board are released; an idle driver silent for so long is no
    /// candidate.
    pub silence_redispatch: Millis,
    /// How long a driver waits at the pickup before the ride ends as a no-show.
    pub no_show_wait: Millis,
    /// Time to get in, as planned.
    pub boarding: Millis,
    /// Time to get out, as planned.
    pub alighting: Millis,
    /// How far from a street a place may be, mm.
    pub snap_mm: i64,
    /// A ping that moved faster than this and at least `teleport_mm` is refused, mm/s.
    pub teleport_mm_s: i64,
    /// See `teleport_mm_s`.
    pub teleport_mm: i64,
    /// An idle driver keeps his anchor within this distance along its edge, mm …
    pub reanchor_along_mm: i64,
    /// … and this distance beside it.
    pub reanchor_across_mm: i64,
    /// How far from the destination a trip may end and still count as completed, mm.
    pub arrival_mm: i64,
    /// How old a device may claim a ping to be.
    pub max_age: Millis,
    /// How long the keys of a ride are kept after its end.
    pub ride_key_life: Millis,
    /// How long creation keys are kept.
    pub creation_key_life: Millis,
    /// How long a driver is remembered after his shift, and stays on it without being heard; zero: for ever.
    pub driver_life: Millis,
    /// How often a ride that waits is looked at again.
    pub review: Millis,
    /// How long after its request a ride that got all its offers is given up, if the rider does not cancel.
    pub give_up: Millis,
    /// How much longer than a window the planner's answer is waited for.
    pub planner_patience: Millis,
    /// By how much an outage may put off the deadlines of those who can go elsewhere meanwhile: an offer is extended by
    /// the whole outage if that is not longer, and else expires; riders in line get as much more patience at most.
    pub resume_bound: Millis,
}

/// `batch` every 5 s on the 30 best by ETA; by pickup ETA alone; rides are chained within 240 s.
impl Default for Policy {
    fn default() -> Self {
        Self {
            planner: Planner::Batch,
            batch_window: Millis::from_secs(5),
            candidates: 30,
            max_wait: Millis::from_secs(600),
            chain_horizon: Millis::from_secs(240),
            chain_slip: Millis::from_secs(180),
            weights: Weights::default(),
            unserved: Unserved::default(),
            destination_value: 0,
            forecast_value: 0,
        }
    }
}

/// The tariff of a middling American city.
impl Default for Tariff {
    fn default() -> Self {
        Self {
            currency: "USD".into(),
            base: Money(250),
            per_km: Money(120),
            per_min: Money(35),
            minimum: Money(400),
            driver_share_bp: 7500,
            tax_bp: 0,
            cancellation_fee: Money(300),
            no_show_fee: Money(500),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            tariff: Tariff::default(),
            hours: Hours::default(),
            offer_life: Millis::from_secs(15),
            max_offers: 5,
            decline_rest: Millis::from_secs(60),
            silence_warn: Millis::from_secs(60),
            silence_redispatch: Millis::from_secs(120),
            no_show_wait: Millis::from_secs(300),
            boarding: Millis::from_secs(30),
            alighting: Millis::from_secs(20),
            snap_mm: 300_000,
            teleport_mm_s: 60_000,
            teleport_mm: 500_000,
            reanchor_along_mm: 50_000,
            reanchor_across_mm: 30_000,
            arrival_mm: 300_000,
            max_age: Millis::from_secs(60),
            ride_key_life: Millis::from_secs(600),
            creation_key_life: Millis::from_secs(86_400),
            driver_life: Millis::from_secs(7 * 86_400),
            review: Millis::from_secs(600),
            give_up: Millis::from_secs(3600),
            planner_patience: Millis::from_secs(30),
            resume_bound: Millis::from_secs(300),
        }
    }
}
