//! One planted bug per invariant: the checker sees each, and names it.

use super::{Checker, Invariant};
use crate::decide::{Desk, Stamp};
use crate::domain::{DriverId, Epoch, Key, Money, Name, Offset, Planner, Policy, RideId, Session, Settings, Terms};
use crate::lifecycle::ride::Outcome;
use crate::record::{
    Account, Command, Entry, Event, OfferMade, Ping, Poison, RequestRide, Settlement, SettlementCause, StartShift, Turn,
};
use crate::state::{Driver, State};
use crate::steps;
use hansom_geo_index::moving::MovingIndex;
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;
use hansom_geo_index::{Coord, Millis, Network, NodeId, Point, WeightsVersion};
use std::sync::Arc;

struct Market {
    network: Arc<Network>,
    desk: Desk,
    state: State,
    checker: Checker,
    turns: u64,
}

impl Market {
    /// Two drivers; ride 1 is the first one's, ride 2 was cancelled, ride 3 is offered to the second.
    fn new() -> Self {
        let network = Arc::new(sample::grid(5, 5, 100_000, 10_000));
        let (router, snap) = (Arc::new(Router::new(network.clone())), Arc::new(SnapIndex::new(&network)));
        let desk = Desk::new(network.clone(), router, snap);
        let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
        let state = State::new(Settings { policy, ..Settings::default() }, &network, Millis::ZERO);
        let mut market = Self { network, desk, state, checker: Checker::new(), turns: 0 };
        for (driver, node) in [("a", 0), ("b", 24), ("c", 4)] {
            let place = market.network.node_coord(NodeId(node));
            let order = StartShift {
                driver: Name::from(driver),
                place,
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 500,
            };
            market.submit(Command::StartShift(Box::new(order)));
        }
        market.request();
        let (driver, session) = (DriverId(0), Session::FIRST);
        market.submit(Command::AcceptOffer { driver, ride: RideId(1), epoch: Epoch(1), session });
        market.request();
        market.submit(Command::CancelRide { ride: RideId(2) });
        market.request();
        market
    }

    fn request(&mut self) {
        let place = |node| self.network.node_coord(NodeId(node));
        let order = RequestRide {
            rider: Name::from("r"),
            pickup: place(0),
            dropoff: place(24),
            seats: 2,
            class: 0,
            tier: 0,
            blocked: Box::default(),
        };
        self.submit(Command::RequestRide(Box::new(order)));
    }

    fn submit(&mut self, command: Command) {
        let stamp = Stamp { at: Millis(self.turns as i64 * 10), offset: Offset(self.turns) };
        let key = Some(Key(u128::from(self.turns)));
        let turn = steps::turn(&mut self.desk, &mut self.state, stamp, key, command, Vec::new());
        self.turns += 1;
        assert_eq!(self.checker.check(&self.state, &self.network, &turn), []);
    }

    fn driver(&mut self, id: u32) -> &mut Driver {
        self.state.fleet.drivers.get_mut(DriverId(id)).expect("he is on shift")
    }

    /// What the checker says of a turn in which `events` happened.
    fn said(&mut self, events: Vec<Event>) -> Vec<Invariant> {
        let offset = Offset(self.turns);
        let turn =
            Turn { offset, at: Millis(self.turns as i64 * 10), key: Some(Key(99)), command: Command::Tick, events };
        let mut said: Vec<_> =
            self.checker.check(&self.state, &self.network, &turn).iter().map(|v| v.invariant).collect();
        said.dedup();
        said
    }
}

/// A harmless fact about driver `id`, to make the checker look at him.
fn about(id: u32) -> Event {
    Event::SilenceRearmed { driver: DriverId(id), until: Millis(1) }
}

/// A harmless fact about ride `id`, to make the checker look at it.
fn about_ride(id: u32) -> Event {
    Event::RideReviewed { ride: RideId(id), until: Millis(1) }
}

fn offer(ride: u32, driver: u32) -> Event {
    Event::OfferMade(Box::new(OfferMade {
        ride: RideId(ride),
        driver: DriverId(driver),
        epoch: Epoch(1),
        deadline: Millis(1),
        pickup_eta_ms: 0,
        chained: false,
        weights: WeightsVersion(0),
        terms: Terms::default(),
    }))
}

#[test]
fn nothing_planted_nothing_seen() {
    assert_eq!(Market::new().said(vec![about(0), about(1), about(2), about_ride(1), about_ride(3)]), []);
}

#[test]
fn a_ride_in_two_plans() {
    let mut market = Market::new();
    let plan = market.driver(0).plan.clone();
    market.driver(2).plan = plan;
    assert!(market.said(vec![about(2)]).contains(&Invariant::Commitments));
}

#[test]
fn two_drivers_take_one_ride() {
    let taken = Event::OfferAccepted {
        ride: RideId(1),
        driver: DriverId(1),
        epoch: Epoch(2),
        promised: Millis(1),
        slip_at: None,
    };
    assert!(Market::new().said(vec![taken]).contains(&Invariant::OneDriver));
}

#[test]
fn a_command_takes_effect_twice() {
    let mut market = Market::new();
    let offset = Offset(market.turns);
    let keyed = |key| Event::Keyed { key: Key(key), fingerprint: 0, offset, ride: None };
    assert_eq!(market.said(vec![keyed(99), keyed(99)]), [Invariant::Once]);
    assert_eq!(market.said(vec![Event::Repeated { first: Offset(0) }]), [Invariant::Once]);
}

#[test]
fn an_ended_ride_goes_on() {
    assert_eq!(Market::new().said(vec![about_ride(2)]), [Invariant::Terminal]);
}

#[test]
fn an_open_ride_without_a_timer() {
    let mut market = Market::new();
    let timer = market.state.rides.get(RideId(3)).and_then(crate::state::Ride::timer).expect("an offer has a deadline");
    market.state.timers.remove(timer);
    assert_eq!(market.said(vec![about_ride(3)]), [Invariant::Attended]);
}

#[test]
fn a_ride_whose_driver_forgot_it() {
    let mut market = Market::new();
    market.driver(0).plan.remove(RideId(1));
    assert_eq!(market.said(vec![about_ride(1)]), [Invariant::Attended]);
}

#[test]
fn money_from_nowhere_and_a_charge_above_the_quote() {
    let entry = |account, amount| Entry { account, amount: Money(amount) };
    let settled =
        |entries| Event::Settled(Box::new(Settlement { ride: RideId(1), cause: SettlementCause::Fare, entries }));
    let mut market = Market::new();
    let fare = market.state.rides.get(RideId(1)).expect("ride 1 is open").fare.0;
    let short = vec![entry(Account::Rider, -fare), entry(Account::Driver, fare - 1)];
    assert_eq!(market.said(vec![settled(short)]), [Invariant::Ledger]);
    let dear = vec![entry(Account::Rider, -fare - 1), entry(Account::Driver, fare + 1)];
    assert_eq!(market.said(vec![settled(dear)]), [Invariant::Charge]);
}

#[test]
fn a_vehicle_without_the_seats() {
    let mut market = Market::new();
    market.driver(0).seats = 1;
    assert_eq!(market.said(vec![about(0)]), [Invariant::Seats]);
}

#[test]
fn an_index_that_missed_a_ping() {
    let mut market = Market::new();
    market.state.fleet.index.update(1, Point { x: 5, y: 5 });
    assert_eq!(market.said(vec![about(1)]), [Invariant::Index]);
    market.state.fleet.index.remove(1);
    assert_eq!(market.said(vec![about(1)]), [Invariant::Index]);
}

#[test]
fn a_later_ride_looked_at_first() {
    let said = Market::new().said(vec![offer(5, 2), offer(4, 1)]);
    assert!(said.contains(&Invariant::Line));
    let mut market = Market::new();
    market.state.line.insert(RideId(1));
    assert_eq!(market.said(vec![about_ride(1)]), [Invariant::Line]);
}

#[test]
fn an_ended_ride_ends_again() {
    let again = Event::RideEnded { ride: RideId(2), outcome: Outcome::Completed, driver: None, place: None };
    assert_eq!(Market::new().said(vec![again]), [Invariant::Terminal]);
}

#[test]
fn what_could_not_be_decided_had_an_effect() {
    let poisoned = |step| Event::Poisoned { step };
    let mut market = Market::new();
    assert_eq!(market.said(vec![about(0), poisoned(Poison::Command)]), []);
    assert_eq!(market.said(vec![poisoned(Poison::Command), about(0)]), [Invariant::Poison]);
    let timer = market.state.timers.first().expect("an offer has a deadline");
    assert_eq!(market.said(vec![poisoned(Poison::Timer(timer))]), [Invariant::Poison]);
    let (driver, seq) = (DriverId(1), market.driver(1).seq);
    assert_eq!(market.said(vec![poisoned(Poison::Ping { driver, seq })]), [Invariant::Poison]);

    // A timer that was thrown away instead of put off leaves its ride without one.
    market.state.timers.remove(timer);
    assert_eq!(market.said(vec![poisoned(Poison::Timer(timer))]), [Invariant::Attended]);
}

#[test]
fn a_poisoned_ping_took_another_with_it() {
    let mut market = Market::new();
    let ping =
        |driver| Ping { driver: DriverId(driver), session: Session::FIRST, seq: 1, age_ms: 0, coord: Coord::default() };
    let command = Command::ReportPositions(vec![ping(0), ping(1)]);
    let events = vec![Event::Poisoned { step: Poison::Ping { driver: DriverId(0), seq: 1 } }];
    let turn = Turn { offset: Offset(market.turns), at: Millis(1_000), key: None, command, events };
    let said = market.checker.check(&market.state, &market.network, &turn);
    assert_eq!(said.iter().map(|violation| violation.invariant).collect::<Vec<_>>(), [Invariant::Poison]);
}
