//! A scenario with every key resolved: what a run is made of.
//!
//! Fields carry the names of the keys without the unit, which the type has. The defaults stand in `defaults`;
//! names, forms and bounds of the keys in `keys`.

use std::path::PathBuf;

use hansom_geo_index::{Coord, Millimetres, Millis, WeightsVersion};

use super::dist::Dist;
use super::timezone::{HourSpan, Timezone};

/// A city, who asks, who drives, who decides: all that a run depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What the run is called; by default the file's name without its ending.
    pub name: String,
    /// The key of all draws.
    pub seed: u64,
    /// The zone that picks day type and hour of travel times, and in which times are printed.
    pub timezone: Timezone,
    /// When requests enter.
    pub period: Period,
    /// The streets.
    pub network: Streets,
    /// Who asks.
    pub demand: Demand,
    /// Who drives.
    pub supply: Supply,
    /// How drivers behave.
    pub driver: Driver,
    /// How riders behave.
    pub rider: Rider,
    /// How long a driver may think about an offer.
    pub offer: Millis,
    /// Offers of a ride before it is given up.
    pub max_offers: u32,
    /// When a driver on the way counts as silent.
    pub silence: Silence,
    /// From arrival at the pickup to departure.
    pub boarding: Millis,
    /// From arrival at the dropoff to the end of the ride.
    pub alighting: Millis,
    /// How long a rider is waited for at the pickup.
    pub no_show_wait: Millis,
    /// How far from a street a place may be.
    pub snap: Millimetres,
    /// The speed, in mm a second, above which a report is not believed …
    pub teleport_speed: Millimetres,
    /// … if it is also at least this far away.
    pub teleport: Millimetres,
    /// How far a report may be from where the vehicle is believed to be before it is believed elsewhere.
    pub reanchor: Reanchor,
    /// How long the market remembers.
    pub keep: Keep,
    /// What vehicles report.
    pub pings: Pings,
    /// What the dispatcher does not know about the streets.
    pub traffic: TrafficKeys,
    /// Who decides, and how.
    pub policy: Policy,
    /// Who pays what.
    pub tariff: Tariff,
}

/// Requests in `[start, end)` enter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub start: Millis,
    /// The first instant after it.
    pub end: Millis,
}

/// How long a run may go on after its period, until every ride is over.
pub const RUN_OUT: Millis = Millis::from_secs(2 * 3600);

/// Where the streets come from, and what to assume where there are no travel times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streets {
    /// Where from.
    pub source: StreetSource,
    /// Speed in mm a second where there are no travel times.
    pub speed: Millimetres,
}

/// Where the streets come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreetSource {
    /// A folder with `nodes.csv`, `edges.csv` and perhaps `travel_times.csv[.xz]`.
    Csv(PathBuf),
    /// An imported network file.
    File(PathBuf),
    /// A named procedural city.
    Synthetic(String),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// The requests of a common request CSV, plain or `.xz`.
    File(PathBuf),
    /// Requests drawn from rates and zones.
    Model(DemandModel),
}

/// Requests as a Poisson process with a rate for each hour, between weighted zones.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandModel {
    /// Requests an hour, for each hour from the period's start; a single value holds throughout.
    pub rate_per_h: Vec<f64>,
    /// Names of the zones where pickups are; none: anywhere on the streets.
    pub from: Vec<String>,
    /// Names of the zones where dropoffs are; none: anywhere on the streets.
    pub to: Vec<String>,
    /// Seats each request asks for.
    pub seats: u8,
    /// The zones. Several may share a name: discs of one zone.
    pub zones: Vec<Zone>,
}

/// A disc of a named zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Its middle.
    pub center: Coord,
    /// How far it reaches.
    pub radius: Millimetres,
    /// Its share, against the other zones that are drawn from together.
    pub weight: f64,
}

/// Who drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// The vehicles.
    pub fleet: Fleet,
    /// Seats of a vehicle, where the fleet's file does not say.
    pub seats: u8,
    /// What an idle vehicle does.
    pub idle: Idle,
    /// Whether vehicles accept at once, never cancel and never go dark, where the fleet's file does not say.
    pub autonomous: bool,
    /// When shifts start; `None`: with the period.
    pub shift_start: Option<Millis>,
    /// When shifts end; `None`: with the run.
    pub shift_end: Option<Millis>,
}

/// The vehicles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fleet {
    /// So many, placed by chance.
    Drawn {
        /// How many.
        vehicles: u32,
        /// Where they start.
        place: Place,
    },
    /// The rows of a CSV `vehicle_id, lat, lon, start, end, seats, autonomous`.
    Listed {
        /// The file.
        file: PathBuf,
        /// Only its first rows; `None`: all.
        vehicles: Option<u32>,
    },
}

/// Where drawn vehicles start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the pickup of a request drawn from the whole period.
    Demand,
    /// Anywhere on the streets, by length.
    Uniform,
}

/// What an idle vehicle does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Stays where it is.
    Stand,
    /// Drives around.
    Cruise,
}

/// How drivers behave.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    /// Chance that an offer is accepted.
    pub acceptance: f64,
    /// How long an answer takes.
    pub reaction: Dist,
    /// Chance that an accepted ride is cancelled on the way to the pickup.
    pub cancel: f64,
    /// Chance for each ride that the phone goes silent during it.
    pub dark: f64,
    /// For how long.
    pub dark_span: Dist,
}

/// How riders behave.
#[derive(Debug, Clone, PartialEq)]
pub struct Rider {
    /// How long a rider waits for a match; [`Millis::MAX`]: for ever.
    pub patience: Dist,
    /// How much later than promised the pickup may be; [`Millis::MAX`]: as late as it gets.
    pub lateness: Dist,
    /// Chance that a rider does not come to the pickup.
    pub no_show: f64,
}

/// When a driver on the way counts as silent: spans without a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The driver is warned.
    pub warn: Millis,
    /// The ride is given to another.
    pub redispatch: Millis,
}

/// How long the market remembers what is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Which orders it took that ask for something new.
    pub keys: Millis,
    /// Rides that ended, with the orders about them.
    pub rides: Millis,
    /// Drivers off shift; on shift, how long one stays who is not heard.
    pub drivers: Millis,
}

/// How far a report may be from where the vehicle is believed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reanchor {
    /// Along the street.
    pub along: Millimetres,
    /// Across it.
    pub across: Millimetres,
}

/// What vehicles report.
#[derive(Debug, Clone, PartialEq)]
pub struct Pings {
    /// Time between two reports.
    pub interval: Millis,
    /// Standard deviation of a reported place on each axis.
    pub noise: Millimetres,
    /// Share of vehicles that report the place where they started for ever.
    pub frozen: f64,
}

/// What the dispatcher does not know about the streets.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficKeys {
    /// Whether there is anything: without it the world drives the network's times times `slowdown`.
    pub hidden: bool,
    /// A factor on all times.
    pub slowdown: f64,
    /// Standard deviation of the logarithm of the day's factor.
    pub day_sigma: f64,
    /// Standard deviation of the logarithm of each edge's factor.
    pub edge_sigma: f64,
    /// What happens on the streets.
    pub incidents: Vec<Incident>,
}

/// Streets around a place are slower for a while.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incident {
    /// From when.
    pub at: Millis,
    /// For how long.
    pub duration: Millis,
    /// Where.
    pub center: Coord,
    /// How far around: edges of which a part lies inside are slower as a whole.
    pub radius: Millimetres,
    /// Factor on their times.
    pub factor: f64,
}

/// Who decides, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The planner.
    pub kind: PolicyKind,
    /// The program outside.
    pub external: ExternalPlanner,
    /// Over how long requests are collected before they are matched together.
    pub batch_window: Millis,
    /// Vehicles considered for each request.
    pub candidates: u32,
    /// The longest way to a pickup.
    pub max_wait: Millis,
    /// How long the planner takes to answer.
    pub planner_latency: Millis,
    /// How far its last stop may be for a busy driver to get another ride; zero: never.
    pub chain_horizon: Millis,
    /// How late against the promise a chained pickup may get before the ride is released.
    pub chain_slip: Millis,
    /// Weights of the cost terms.
    pub weights: Weights,
    /// Values of the terms that have no source yet.
    pub constants: Constants,
    /// What it costs to leave a request open.
    pub unserved: Unserved,
}

/// The planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// The best vehicle for each request at once.
    Nearest,
    /// The requests of a window together.
    Batch,
    /// The requests of a window by a program outside.
    External,
}

/// The program that plans if the policy is `external`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalPlanner {
    /// The words it is started with …
    pub command: Option<String>,
    /// … or where it listens.
    pub address: Option<String>,
    /// How long an answer may take.
    pub timeout: Millis,
}

/// Weights of the cost terms, per mille; a cost unit is 1 ms of pickup ETA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Time to the pickup, ms.
    pub eta: i32,
    /// How long the rider has waited, ms.
    pub wait: i32,
    /// Way driven empty to the pickup, mm.
    pub deadhead: i32,
    /// The fare, minor units.
    pub revenue: i32,
    /// The value of the place where the ride ends.
    pub destination: i32,
    /// What a decline is expected to cost, ms.
    pub acceptance: i32,
    /// What a cancellation by the driver is expected to cost, ms.
    pub cancellation: i32,
    /// Hundredths of a star that the driver lacks to five.
    pub rating: i32,
    /// The rider's tier.
    pub tier: i32,
    /// What is expected to be asked for soon.
    pub forecast: i32,
}

/// Values of the terms that have no source yet, in the terms' units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Constants {
    /// Value of every place where a ride ends.
    pub destination: i64,
    /// Hundredths of a star that every driver lacks to five.
    pub rating: u16,
    /// Tier of every rider.
    pub tier: u8,
    /// Value of leaving a driver where he is.
    pub forecast: i64,
}

/// What it costs to leave a request open, in cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unserved {
    /// At once.
    pub base: i64,
    /// More for each second it has waited.
    pub slope_per_s: i64,
}

/// Who pays what, in minor units of the currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// ISO 4217 code.
    pub currency: String,
    /// Decimals of the minor unit.
    pub exponent: u8,
    /// For each ride.
    pub base_minor: i64,
    /// For each kilometre.
    pub per_km_minor: i64,
    /// For each minute.
    pub per_min_minor: i64,
    /// At least.
    pub minimum_minor: i64,
    /// The driver's share of the fare, in 1/10,000; the platform keeps the rest.
    pub driver_share_bp: u32,
    /// Paid by a rider who cancels after the match.
    pub cancellation_fee_minor: i64,
    /// Paid by a rider who does not come.
    pub no_show_fee_minor: i64,
    /// Tax on the fare, in 1/10,000.
    pub tax_bp: u32,
}

impl Scenario {
    /// The weights versions in force from the period's start until an hour after the run must be over. A network
    /// without a profile has one version for all hours.
    pub fn hours(&self, profiled: bool) -> Vec<HourSpan> {
        let Period { start, end } = self.period;
        if profiled {
            self.timezone.hours(start, end + RUN_OUT + Millis::from_secs(3600))
        } else {
            vec![HourSpan { from: start, version: WeightsVersion(0) }]
        }
    }
}
