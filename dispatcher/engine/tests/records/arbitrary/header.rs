//! Headers with settings of every kind.

use super::Draw;
use hansom_engine::domain::{Hours, Planner, Policy, Settings, Tariff, Term, Unserved, Weights};
use hansom_engine::record::{FORMAT_VERSION, Header, Upgrade};

impl Draw {
    /// The header of a log.
    pub fn header(&mut self) -> Header {
        Header {
            format_version: FORMAT_VERSION,
            logic_version: self.narrow(),
            network_hash: std::array::from_fn(|_| self.byte()),
            origin: self.coord(),
            settings: self.settings(),
            started_at: self.millis(),
            name: self.text(),
            seed: self.wide(),
            planner_latency: self.millis(),
            scenario: self.text(),
        }
    }

    pub(super) fn upgrade(&mut self) -> Upgrade {
        Upgrade { logic_version: self.narrow(), settings: self.settings() }
    }

    fn settings(&mut self) -> Settings {
        Settings {
            policy: Policy {
                planner: self.one_of(&[Planner::Nearest, Planner::Batch, Planner::External]),
                batch_window: self.millis(),
                candidates: self.narrow(),
                max_wait: self.millis(),
                chain_horizon: self.millis(),
                chain_slip: self.millis(),
                weights: Weights(std::array::from_fn::<_, { Term::COUNT }, _>(|_| self.narrow() as i32)),
                unserved: Unserved { base: self.signed(), slope_per_s: self.signed() },
                destination_value: self.signed(),
                forecast_value: self.signed(),
            },
            tariff: Tariff {
                currency: self.text().into(),
                base: self.money(),
                per_km: self.money(),
                per_min: self.money(),
                minimum: self.money(),
                driver_share_bp: self.narrow(),
                tax_bp: self.narrow(),
                cancellation_fee: self.money(),
                no_show_fee: self.money(),
            },
            hours: Hours(self.several(4, |draw| (draw.millis(), draw.weights()))),
            offer_life: self.millis(),
            max_offers: self.narrow(),
            decline_rest: self.millis(),
            silence_warn: self.millis(),
            silence_redispatch: self.millis(),
            no_show_wait: self.millis(),
            boarding: self.millis(),
            alighting: self.millis(),
            snap_mm: self.signed(),
            teleport_mm_s: self.signed(),
            teleport_mm: self.signed(),
            reanchor_along_mm: self.signed(),
            reanchor_across_mm: self.signed(),
            arrival_mm: self.signed(),
            max_age: self.millis(),
            ride_key_life: self.millis(),
            creation_key_life: self.millis(),
            driver_life: self.millis(),
            review: self.millis(),
            give_up: self.millis(),
            planner_patience: self.millis(),
            resume_bound: self.millis(),
        }
    }
}
