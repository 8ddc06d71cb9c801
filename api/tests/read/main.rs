//! Read models, held against the engine's own state and against slow and obvious answers to the same questions.

#[path = "../../../dispatcher/engine/tests/course/mod.rs"]
#[allow(dead_code, reason = "the engine's tests use more of it")]
mod course;
#[path = "../../../dispatcher/engine/tests/market/mod.rs"]
#[allow(dead_code, reason = "the engine's tests use more of it")]
mod market;
#[path = "../edge/served.rs"]
#[allow(dead_code, reason = "the tests of the edge use more of it")]
mod served;

mod history;
mod models;
mod questions;

use std::collections::HashMap;
use std::path::Path;

use course::{Driven, Order, order};
use hansom_api::read::history::{History, Ride, RideFilter, Source, Writer};
use hansom_api::read::{Slice, View};
use hansom_engine::domain::{Planner, Settings};
use hansom_engine::record::{FORMAT_VERSION, Header, LOGIC_VERSION};
use hansom_engine::{State, Turn};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Millis, Network};
use proptest::prelude::*;

/// What a market was set to, and what it was ordered.
#[derive(Debug, Clone)]
struct Course {
    seed: u64,
    batch: bool,
    chain: bool,
    forgets: bool,
    orders: Vec<(Order, u16)>,
}

fn course() -> impl Strategy<Value = Course> {
    let orders = prop::collection::vec((order(), 0..20_000_u16), 1..120);
    (any::<u64>(), any::<bool>(), any::<bool>(), any::<bool>(), orders)
        .prop_map(|(seed, batch, chain, forgets, orders)| Course { seed, batch, chain, forgets, orders })
}

impl Course {
    fn network(&self) -> Network {
        sample::town(self.seed, 30, 1)
    }

    fn settings(&self) -> Settings {
        let mut settings = market::settings();
        settings.policy.planner = if self.batch { Planner::Batch } else { Planner::Nearest };
        settings.policy.chain_horizon = if self.chain { Millis::from_secs(90) } else { Millis::ZERO };
        settings.give_up = Millis::from_secs(900);
        settings.snap_mm = 3_000_000;
        settings.driver_life = if self.forgets { Millis::from_secs(200) } else { Millis::ZERO };
        settings
    }

    /// What came of it: the turns, and the state after the last one.
    fn play(&self) -> (Vec<Turn>, State) {
        let mut driven = Driven::new(self.network(), self.settings(), false);
        for (order, gap_ms) in &self.orders {
            driven.play(order, *gap_ms);
        }
        (driven.market.turns, driven.market.state)
    }

    fn source(&self) -> Source {
        let network = self.network();
        Source::of(&Header {
            format_version: FORMAT_VERSION,
            logic_version: LOGIC_VERSION,
            network_hash: network.id(),
            origin: network.projection().origin,
            settings: self.settings(),
            started_at: Millis(0),
            name: "town".to_owned(),
            seed: 0,
            planner_latency: Millis::ZERO,
            scenario: String::new(),
        })
    }
}

/// A history of turns, made in one go.
fn whole(path: &Path, source: &Source, turns: &[Turn]) -> (std::sync::Arc<History>, Writer) {
    let (history, mut writer) = History::create(path, source).expect("a file");
    for turn in turns {
        writer.take(turn);
    }
    writer.write(true).expect("a disk");
    (history, writer)
}

/// All rides of a history, in order.
fn all(history: &History) -> Vec<Ride> {
    let page = history.rides(&RideFilter::default(), &Slice::first(100_000)).expect("rows");
    page.items.into_iter().map(|(_, ride)| ride).collect()
}

/// A view after these turns.
fn view(course: &Course, turns: &[Turn]) -> View {
    let network = std::sync::Arc::new(course.network());
    let mut view = View::new(
        State::new(course.settings(), &network, Millis::ZERO),
        network,
        hansom_api::read::history::Reach::default(),
    );
    for turn in turns {
        view.take(turn);
    }
    view
}

/// Rides by number.
fn by_number(rides: Vec<Ride>) -> HashMap<u32, Ride> {
    rides.into_iter().map(|ride| (ride.ride, ride)).collect()
}
