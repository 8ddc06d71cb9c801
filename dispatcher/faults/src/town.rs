//! The small towns that the market is tried in, and what is drawn for one seed.

use crate::draws::Draws;
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::Header;
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, EdgeId, Millis, Network, Position};
use hansom_market::Streets;
use hansom_market::follower::SnapshotEvery;
use hansom_market::log::{Durable, Mode};
use hansom_market::recovery::Keep;
use std::sync::{Arc, OnceLock};

/// When every simulation starts.
pub(crate) const START: Millis = Millis(1_772_730_000_000);

const TOWNS: usize = 4;

/// What may happen to the disk under one seed. Each kind has another promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskWeather {
    /// Nothing.
    Fair,
    /// The process is killed, or the power goes, at any operation: nothing acknowledged is lost.
    Outages,
    /// Also, operations fail or are done in part and say so, and the disk is full or read-only for a while: nothing
    /// acknowledged is lost.
    Failures,
    /// Also, what was written is not what was to be written, or is not there, and the disk says all is well: what is lost is
    /// found missing, unless it was in the last commit, behind which there is no proof.
    Lies,
}

/// What messages go through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Lost, in a hundred.
    pub lost: u64,
    /// Delivered twice, in a hundred.
    pub doubled: u64,
    /// Longest time under way.
    pub delay: Millis,
    /// Lines of garbage beside the others, in a hundred.
    pub garbage: u64,
}

impl Weather {
    /// Things happen in steps of this, so that they meet.
    pub const SHORTEST: Millis = Millis(50);

    /// Whether messages just arrive.
    pub fn is_fair(&self) -> bool {
        (self.lost, self.doubled, self.delay) == (0, 0, Self::SHORTEST)
    }
}

/// All that is drawn for a seed before it starts.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub streets: Streets,
    pub header: Header,
    pub keep: Keep,
    pub riders: u32,
    pub drivers: u32,
    /// For how long there are faults.
    pub noise: Millis,
    pub weather: Weather,
    pub disk: DiskWeather,
    /// How long turns gather for a commit, at most.
    pub gather: Millis,
    /// Mean time between faults of the disk or the process.
    pub calm: Millis,
    /// Whether the market's clock jumps.
    pub jumps: bool,
    /// Deeds of clients that are not honest, in a hundred.
    pub mischief: u64,
    /// Whether the market comes back under other settings once.
    pub upgrades: bool,
    /// Whether the process notices when its clock jumps far ahead, and says that it was held up.
    pub notices: bool,
    /// A driver who goes home for so long that he is forgotten, and comes back, all while there are faults.
    pub absence: Option<Absence>,
}

/// Somebody is away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absence {
    /// Which driver.
    pub driver: u32,
    /// From then on …
    pub from: Millis,
    /// … until then.
    pub until: Millis,
}

fn streets(town: usize) -> Streets {
    static STREETS: [OnceLock<Streets>; TOWNS] = [const { OnceLock::new() }; TOWNS];
    let network = || if town == 0 { sample::grid(7, 7, 100_000, 10_000) } else { sample::town(town as u64, 30, 1) };
    STREETS[town].get_or_init(|| Streets::new(Arc::new(network()))).clone()
}

impl Setting {
    pub fn of(seed: u64, is_fair: bool) -> Self {
        let mut draws = Draws::new(seed, 1);
        let d = &mut draws;
        let secs = |d: &mut Draws, first, last| Millis::from_secs(d.between(first, last));
        let policy = Policy {
            planner: d.of(&[Planner::Nearest, Planner::Batch]),
            batch_window: secs(d, 1, 5),
            chain_horizon: d.of(&[Millis::ZERO, Millis::from_secs(90)]),
            chain_slip: secs(d, 10, 120),
            ..Policy::default()
        };
        let mut settings = Settings {
            policy,
            offer_life: secs(d, 5, 15),
            max_offers: d.between(2, 5) as u32,
            decline_rest: secs(d, 5, 60),
            silence_warn: secs(d, 20, 60),
            silence_redispatch: secs(d, 70, 120),
            no_show_wait: secs(d, 20, 60),
            snap_mm: 300_000,
            // The towns are smaller than that: a driver may be anywhere next.
            teleport_mm: 10_000_000,
            ride_key_life: secs(d, 30, 300),
            // Who is forgotten outlives the keys of his orders: a market file that says otherwise is refused.
            creation_key_life: Millis::from_secs(if seed.is_multiple_of(2) { 3600 } else { 1800 }),
            driver_life: Millis::from_secs(if seed.is_multiple_of(2) { 0 } else { 1800 }),
            review: secs(d, 20, 60),
            give_up: secs(d, 60, 240),
            resume_bound: secs(d, 10, 120),
            ..Settings::default()
        };
        settings.tariff.tax_bp = d.of(&[0, 777, 1900]);
        let streets = streets(d.below(TOWNS as u64) as usize);
        let header = Header {
            seed,
            planner_latency: d.of(&[Millis::ZERO, Millis(200), Millis(700)]),
            ..Header::new("town", &streets.network, settings, START)
        };
        let segment_bytes = d.of(&[2 << 10, 8 << 10, 32 << 10]);
        let segment_age = (segment_bytes == 32 << 10).then_some(Millis::from_secs(30));
        let log = Durable { mode: Mode::Inline, segment_bytes, segment_age };
        let snapshots = SnapshotEvery { time: secs(d, 10, 120), turns: d.between(50, 400) as u64 };
        let mut setting = Self {
            streets,
            header,
            keep: Keep { log, snapshots },
            riders: d.between(2, 7) as u32,
            drivers: d.between(2, 5) as u32,
            noise: secs(d, 120, 480),
            weather: Weather {
                lost: d.of(&[0, 2, 10, 25]),
                doubled: d.of(&[0, 2, 10, 25]),
                delay: Millis(d.of(&[50, 500, 4_000])),
                garbage: d.of(&[0, 5, 10]),
            },
            disk: d.of(&[
                DiskWeather::Fair,
                DiskWeather::Outages,
                DiskWeather::Outages,
                DiskWeather::Failures,
                DiskWeather::Lies,
            ]),
            gather: Millis(d.of(&[0, 50, 200, 1_000])),
            calm: secs(d, 15, 120),
            jumps: d.chance(40),
            mischief: d.of(&[0, 3, 10]),
            upgrades: d.chance(15),
            notices: d.chance(50),
            absence: None,
        };
        if seed % 16 == 1 {
            // Long enough for a driver to be forgotten in the middle of it.
            let from = secs(d, 60, 600);
            let until = from + setting.header.settings.driver_life + secs(d, 30, 900);
            setting.absence = Some(Absence { driver: d.below(u64::from(setting.drivers)) as u32, from, until });
            setting.noise = until + secs(d, 60, 300);
        }
        if is_fair {
            setting.weather = Weather { lost: 0, doubled: 0, delay: Weather::SHORTEST, garbage: 0 };
            (setting.disk, setting.jumps) = (DiskWeather::Fair, false);
        }
        setting
    }
}

/// Some place on the streets.
pub(crate) fn place(network: &Network, draws: &mut Draws) -> Coord {
    let edge = EdgeId(draws.below(network.edge_count() as u64) as u32);
    network.coord(Position { edge, along: draws.next() as u16 })
}

/// A place that no street is near.
pub(crate) fn nowhere(place: Coord) -> Coord {
    Coord { lat: place.lat + 20_000_000, ..place }
}
