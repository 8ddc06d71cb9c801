//! Random orders, sensible and not: all invariants hold, folding and a market restored before every turn agree, and
//! every ride ends once the noise stops.

mod course;
mod market;

use course::{Driven, Order, order};
use hansom_engine::domain::{Planner, Settings};
use hansom_engine::record::Turn;
use hansom_geo_index::Millis;
use hansom_geo_index::network::sample;
use market::settings;
use proptest::prelude::*;

fn play(seed: u64, settings: Settings, orders: &[(Order, u16)], restored: bool) -> Vec<Turn> {
    let mut driven = Driven::new(sample::town(seed, 30, 1), settings, restored);
    for (order, gap_ms) in orders {
        driven.play(order, *gap_ms);
    }
    driven.settle();
    driven.market.turns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_ordered_the_market_keeps_its_promises(
        seed in any::<u64>(),
        batch in any::<bool>(),
        chain in any::<bool>(),
        forgets in any::<bool>(),
        orders in prop::collection::vec((order(), 0..20_000_u16), 1..120),
    ) {
        let mut settings = settings();
        settings.policy.planner = if batch { Planner::Batch } else { Planner::Nearest };
        settings.policy.chain_horizon = if chain { Millis::from_secs(90) } else { Millis::ZERO };
        settings.give_up = Millis::from_secs(900);
        settings.snap_mm = 3_000_000;
        settings.driver_life = if forgets { Millis::from_secs(200) } else { Millis::ZERO };
        let turns = play(seed, settings.clone(), &orders, false);
        prop_assert_eq!(play(seed, settings, &orders, true), turns);
    }
}
