//! What of a scenario is the market's to say, and what is the world's.

use super::model::{Constants, Policy, Scenario};

impl Scenario {
    /// This world under the rules of `other`: policy, tariff, limits and memory are the other's. Streets, time zone, and how
    /// long getting in and out takes stay, and so do the ratings and tiers that people have.
    #[must_use]
    pub fn under(&self, other: &Self) -> Self {
        let Constants { rating, tier, .. } = self.policy.constants;
        let constants = Constants { rating, tier, ..other.policy.constants };
        Self {
            offer: other.offer,
            max_offers: other.max_offers,
            silence: other.silence,
            no_show_wait: other.no_show_wait,
            snap: other.snap,
            teleport_speed: other.teleport_speed,
            teleport: other.teleport,
            reanchor: other.reanchor,
            keep: other.keep,
            policy: Policy { constants, ..other.policy.clone() },
            tariff: other.tariff.clone(),
            ..self.clone()
        }
    }
}
