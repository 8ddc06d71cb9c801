//! The value of every key that may be left out.

use hansom_geo_index::{Coord, Millimetres, Millis};

use super::dist::Dist;
use super::model::{
    Constants, Demand, DemandModel, Driver, ExternalPlanner, Fleet, Idle, Keep, Period, Pings, Place, Policy,
    PolicyKind, Reanchor, Rider, Scenario, Silence, StreetSource, Streets, Supply, Tariff, TrafficKeys, Unserved,
    Weights, Zone,
};
use super::timezone::Timezone;

impl Default for Streets {
    fn default() -> Self {
        Self { source: StreetSource::Synthetic(String::new()), speed: Millimetres(8_000) }
    }
}

impl Default for DemandModel {
    fn default() -> Self {
        Self { rate_per_h: Vec::new(), from: Vec::new(), to: Vec::new(), seats: 1, zones: Vec::new() }
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: String::new(), center: Coord::default(), radius: Millimetres::ZERO, weight: 1.0 }
    }
}

impl Default for Supply {
    fn default() -> Self {
        Self {
            fleet: Fleet::Drawn { vehicles: 0, place: Place::Demand },
            seats: 4,
            idle: Idle::Stand,
            autonomous: false,
            shift_start: None,
            shift_end: None,
        }
    }
}

impl Default for Driver {
    fn default() -> Self {
        Self {
            acceptance: 0.9,
            reaction: Dist::LogNormal { p50: Millis::from_secs(4), p90: Millis::from_secs(9) },
            cancel: 0.01,
            dark: 0.0,
            dark_span: Dist::Constant(Millis::from_secs(180)),
        }
    }
}

impl Default for Rider {
    fn default() -> Self {
        Self {
            patience: Dist::Constant(Millis::from_secs(300)),
            lateness: Dist::Constant(Millis::from_secs(300)),
            no_show: 0.01,
        }
    }
}

impl Default for Pings {
    fn default() -> Self {
        Self { interval: Millis::from_secs(15), noise: Millimetres(5_000), frozen: 0.0 }
    }
}

impl Silence {
    /// The defaults: 60 s and 120 s, but at least 4 ping intervals and twice the warning.
    pub fn after(interval: Millis) -> Self {
        let warn = Millis::from_secs(60).max(Millis(interval.0.saturating_mul(4)));
        Self { warn, redispatch: Self::redispatch_after(warn) }
    }

    /// The default of [`Silence::redispatch`].
    pub fn redispatch_after(warn: Millis) -> Millis {
        Millis(warn.0.saturating_mul(2)).max(Millis::from_secs(120))
    }
}

impl Default for TrafficKeys {
    fn default() -> Self {
        Self { hidden: true, slowdown: 1.0, day_sigma: 0.10, edge_sigma: 0.20, incidents: Vec::new() }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            kind: PolicyKind::Batch,
            external: ExternalPlanner { command: None, address: None, timeout: Millis(1000) },
            batch_window: Millis::from_secs(5),
            candidates: 30,
            max_wait: Millis::from_secs(600),
            planner_latency: Millis::ZERO,
            chain_horizon: Millis::from_secs(240),
            chain_slip: Millis::from_secs(180),
            weights: Weights::default(),
            constants: Constants::default(),
            unserved: Unserved { base: 1_800_000, slope_per_s: 10_000 },
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            eta: 1000,
            wait: 0,
            deadhead: 0,
            revenue: 0,
            destination: 0,
            acceptance: 0,
            cancellation: 0,
            rating: 0,
            tier: 0,
            forecast: 0,
        }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { keys: Millis::from_secs(86_400), rides: Millis::from_secs(600), drivers: Millis::from_secs(7 * 86_400) }
    }
}

impl Default for Tariff {
    fn default() -> Self {
        Self {
            currency: "USD".to_owned(),
            exponent: 2,
            base_minor: 250,
            per_km_minor: 110,
            per_min_minor: 35,
            minimum_minor: 500,
            driver_share_bp: 7_500,
            cancellation_fee_minor: 500,
            no_show_fee_minor: 500,
            tax_bp: 0,
        }
    }
}

impl Default for Scenario {
    /// Every default of the contract; what has none (period, streets, demand, fleet) is empty and must be given.
    fn default() -> Self {
        Self {
            name: String::new(),
            seed: 1,
            timezone: Timezone::utc(),
            period: Period::default(),
            network: Streets::default(),
            demand: Demand::Model(DemandModel::default()),
            supply: Supply::default(),
            driver: Driver::default(),
            rider: Rider::default(),
            offer: Millis::from_secs(15),
            max_offers: 5,
            silence: Silence::after(Pings::default().interval),
            boarding: Millis::from_secs(30),
            alighting: Millis::from_secs(20),
            no_show_wait: Millis::from_secs(300),
            snap: Millimetres(300_000),
            teleport_speed: Millimetres(60_000),
            teleport: Millimetres(500_000),
            reanchor: Reanchor { along: Millimetres(50_000), across: Millimetres(30_000) },
            keep: Keep::default(),
            pings: Pings::default(),
            traffic: TrafficKeys::default(),
            policy: Policy::default(),
            tariff: Tariff::default(),
        }
    }
}
