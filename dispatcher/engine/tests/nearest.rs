//! `nearest` against asking every vehicle: the same driver at the same time, whoever was looked at; and the first ETA against all of
//! them put in air-line order.

use hansom_engine::domain::{Name, Offset, Planner, Policy, Settings};
use hansom_engine::record::{Command, RequestRide, StartShift};
use hansom_engine::{Desk, Event, Stamp, State, Turn, steps};
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::{Router, TravelTimes};
use hansom_geo_index::{Coord, EdgeId, Millis, Network, Position, WeightsVersion};
use proptest::prelude::*;
use std::sync::Arc;

/// More than are all asked without a look at who is near.
const DRIVERS: u32 = 300;
const NOW: Millis = Millis(60_000);

fn network(kind: u8, seed: u64) -> Network {
    match kind {
        // Every street as fast as every other: who is near is there soon.
        0 => sample::grid(20, 20, 100_000, 10_000),
        1 => sample::grid(40, 3, 250_000, 9_000),
        // Streets of any speed, so that nothing can be told from the air line.
        _ => sample::town(seed, 60, 1),
    }
}

fn place(network: &Network, draw: u64) -> Coord {
    let edge = EdgeId((draw % network.edge_count() as u64) as u32);
    network.coord(Position { edge, along: (draw >> 40) as u16 })
}

fn request(network: &Network, (pickup, dropoff): (u64, u64), seats: u8) -> Command {
    Command::RequestRide(Box::new(RequestRide {
        rider: Name::from("rob"),
        pickup: place(network, pickup),
        dropoff: place(network, dropoff),
        seats,
        class: 0,
        tier: 0,
        blocked: Box::default(),
    }))
}

struct Market {
    network: Arc<Network>,
    router: Arc<Router>,
    snap: Arc<SnapIndex>,
    desk: Desk,
    state: State,
    turns: u64,
}

impl Market {
    fn new(network: Network, max_wait: Millis) -> Self {
        let network = Arc::new(network);
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        let policy = Policy { planner: Planner::Nearest, max_wait, ..Policy::default() };
        let settings = Settings { policy, ..Settings::default() };
        let state = State::new(settings, &network, Millis::ZERO);
        let desk = Desk::new(network.clone(), router.clone(), snap.clone());
        Self { network, router, snap, desk, state, turns: 0 }
    }

    fn turn(&mut self, at: Millis, command: Command) -> Turn {
        self.turns += 1;
        let stamp = Stamp { at, offset: Offset(self.turns) };
        steps::turn(&mut self.desk, &mut self.state, stamp, None, command, Vec::new())
    }

    /// Who may serve a ride from there in time: air-line distance, squared, time and number; seats rule some out.
    fn all(&self, pickup: Coord, seats: u8) -> Vec<(u64, u32, u32)> {
        let settings = self.state.settings();
        let Ok(snap) = self.snap.nearest(&self.network, pickup, settings.snap_mm) else { return Vec::new() };
        let (to, times) = (snap.position, self.router.times(WeightsVersion(0)));
        let free = self.state.fleet().free().iter().filter(|vehicle| vehicle.seats >= seats);
        let all = free.map(|vehicle| {
            let away2 = self.network.point(vehicle.start).distance2(self.network.point(to));
            (away2, times.time(vehicle.start, to), vehicle.driver.0)
        });
        all.filter(|(_, eta_ms, _)| i64::from(*eta_ms) <= settings.policy.max_wait.0).collect()
    }

    /// The best of all by time, then number.
    fn best(&self, pickup: Coord, seats: u8) -> Option<(u32, u32)> {
        self.all(pickup, seats).into_iter().map(|(_, eta_ms, driver)| (eta_ms, driver)).min()
    }

    /// The least time of the sixteen nearest by air line.
    fn first_eta(&self, pickup: Coord, seats: u8) -> Option<u32> {
        let mut all = self.all(pickup, seats);
        all.sort_unstable_by_key(|(away2, _, driver)| (*away2, *driver));
        all.iter().take(16).map(|(_, eta_ms, _)| *eta_ms).min()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_nearest_of_all_is_found(
        kind in 0_u8..3,
        seed in any::<u64>(),
        max_wait_s in prop_oneof![Just(20), Just(100), Just(600)],
        drivers in prop::collection::vec((any::<u64>(), 0_u64..8), DRIVERS as usize),
        rides in prop::collection::vec((any::<u64>(), any::<u64>(), prop_oneof![3 => Just(2_u8), 1 => Just(5_u8)]), 1..40),
    ) {
        let mut market = Market::new(network(kind, seed), Millis::from_secs(max_wait_s));
        let network = market.network.clone();
        for (number, (draw, seats)) in (0..).zip(&drivers) {
            let shift = StartShift {
                driver: Name::from(format!("d{number}").as_str()),
                place: place(&network, *draw),
                // One in eight takes more than four.
                seats: if *seats == 0 { 6 } else { 4 },
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 500,
            };
            market.turn(Millis(number), Command::StartShift(Box::new(shift)));
        }
        for (pickup, dropoff, seats) in rides {
            let from = place(&network, pickup);
            let (expected, first_eta) = (market.best(from, seats), market.first_eta(from, seats));
            let turn = market.turn(NOW, request(&network, (pickup, dropoff), seats));
            let offer = turn.events.iter().find_map(|event| match event {
                Event::OfferMade(offer) => Some((offer.pickup_eta_ms, offer.driver.0)),
                _ => None,
            });
            prop_assert_eq!(offer, expected);
            let told = turn.events.iter().find_map(|event| match event {
                Event::RideRequested(asked) => Some(asked.first_eta_ms),
                _ => None,
            });
            prop_assert_eq!(told, Some(first_eta));
        }
    }
}
