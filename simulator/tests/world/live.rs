//! A town whose people come to a market by lines, and others beside them, all on one clock in one thread.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use hansom_engine::{Command, Key, RideId, Turn};
use hansom_geo_index::{Millis, NodeId};
use hansom_market::ingest::event::RideRequested;
use hansom_market::ingest::order::RequestRide;
use hansom_market::ingest::{Body, Collector, Fact, Location, Names, Order, Published};
use hansom_market::log::{Mode, Writer};
use hansom_market::seam::clock::Monotonic;
use hansom_market::seam::disk::Nowhere;
use hansom_market::{Market, MarketError};
use hansom_simulator::live::{LiveCity, Misbehaviour, Tally};
use hansom_simulator::scenario::Scenario;
use hansom_simulator::{City, MarketFile, city};

use crate::town::Run;

/// What others order when they hear something.
pub type Reply<'a> = &'a mut dyn FnMut(&Published) -> Option<Body>;

/// A town with its market and all who come to it.
pub struct Live {
    pub scenario: Scenario,
    pub streets: City,
    market: Market,
    names: Names,
    people: LiveCity,
    now: Millis,
    /// What others order, and when.
    orders: VecDeque<(Millis, Body)>,
    others: u64,
    history: History,
}

/// What has happened.
#[derive(Debug, Default)]
pub struct History {
    /// What the market told.
    pub facts: Vec<Published>,
    /// What the town's people ordered.
    pub orders: Vec<Order>,
    /// Where they said they were.
    pub positions: Vec<Location>,
    /// When the town was over.
    pub over: Millis,
    /// What became of it.
    pub tally: Tally,
    /// Broken invariants.
    pub violations: Vec<String>,
}

impl History {
    /// What was told of a ride.
    pub fn of(&self, ride: RideId) -> impl Iterator<Item = &Published> {
        self.facts.iter().filter(move |published| published.fact.ride() == Some(ride))
    }

    /// The requests of riders whose names begin like this.
    pub fn requests(&self, name: &str) -> impl Iterator<Item = (Millis, &RideRequested)> {
        self.facts.iter().filter_map(move |published| match &published.fact {
            Fact::RideRequested(it) if it.rider.0.starts_with(name) => Some((published.time, it)),
            _ => None,
        })
    }
}

impl Live {
    /// The town of a run, to which nobody has come yet.
    pub fn new(run: &Run, misbehaviour: Misbehaviour) -> Self {
        let scenario = run.scenario();
        let (streets, _) = city::load(&scenario.network).unwrap_or_else(|error| panic!("{error}"));
        let now = scenario.period.start;
        let header = MarketFile::of(&scenario).header(&streets, now);
        let log = Writer::create_on(Arc::new(Nowhere), Path::new("nowhere"), &header, Mode::Inline);
        let market = Market::new(&header, &streets, log.expect("nothing can fail"), Box::new(Monotonic::new()));
        let people = LiveCity::new(&scenario, &streets, misbehaviour).unwrap_or_else(|error| panic!("{error}"));
        Self {
            names: Names::of(market.state(), streets.network.clone()),
            scenario,
            streets,
            market,
            people,
            now,
            orders: VecDeque::new(),
            others: 0,
            history: History::default(),
        }
    }

    /// Somebody else will ask for a ride so many seconds after the start, from crossing to crossing.
    pub fn ask(&mut self, seconds: i64, rider: &str, from: u32, to: u32, seats: u8) {
        let [pickup, dropoff] = [from, to].map(|node| self.streets.network.node_coord(NodeId(node)));
        let body = RequestRide { rider: rider.into(), pickup, dropoff, seats, class: 0, tier: 0, blocked: Vec::new() };
        self.orders.push_back((self.scenario.period.start + Millis::from_secs(seconds), Body::RequestRide(body)));
        self.orders.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    /// Lives until the town is over.
    pub fn live(mut self, reply: Reply) -> History {
        while !self.people.is_over(self.now) {
            let asked = self.orders.front().map(|(at, _)| *at);
            let before = [asked, self.people.next_at()].into_iter().flatten().min().unwrap_or(Millis::MAX);
            let wakeup = self.market.next_wakeup(before).map(|wakeup| wakeup.at);
            let next = wakeup.map_or(before, |at| at.min(before));
            self.now = self.now.max(next);
            if wakeup == Some(next) {
                let turn = self.market.wake(self.now).cloned();
                self.tell(turn, reply);
            } else if asked == Some(next)
                && let Some((_, body)) = self.orders.pop_front()
            {
                self.order(body, reply);
            } else {
                self.act(reply);
            }
        }
        self.history.over = self.now;
        let mut orders = Vec::new();
        self.people.end(self.now, &mut orders);
        self.submit(orders, reply);
        let closed = self.market.close().expect("nothing can fail");
        self.history.tally = self.people.tally();
        self.history.violations = closed.violations.first.iter().map(ToString::to_string).collect();
        self.history
    }

    /// The town's people do what is due.
    fn act(&mut self, reply: Reply) {
        let (mut orders, mut positions) = (Vec::new(), Vec::new());
        self.people.act(self.now, &mut orders, &mut positions);
        self.submit(orders, reply);
        let mut collector = Collector::new(usize::MAX);
        for location in &positions {
            let waiting = self.names.locate(location, self.now);
            assert_eq!(collector.push(waiting, false), None, "there is room for all");
        }
        self.history.positions.extend(positions);
        while let Some(pings) = collector.take(self.now, Vec::new()) {
            let turn = self.market.submit(self.now, None, Command::ReportPositions(pings)).cloned();
            self.tell(turn, reply);
        }
    }

    fn submit(&mut self, orders: Vec<Order>, reply: Reply) {
        for order in orders {
            self.history.orders.push(order.clone());
            let (key, command) = self.names.resolve(order);
            let turn = self.market.submit(self.now, Some(key), command).cloned();
            self.tell(turn, reply);
            self.people.taken(key);
        }
    }

    /// Somebody else orders.
    fn order(&mut self, body: Body, reply: Reply) {
        self.others += 1;
        let key = Key((self.now.0 as u128) << 80 | 7 << 76 | 1 << 63 | u128::from(self.others));
        let order = Order { key, source: "/others".into(), market: None, time: None, body };
        let (key, command) = self.names.resolve(order);
        let turn = self.market.submit(self.now, Some(key), command).cloned();
        self.tell(turn, reply);
    }

    /// Everybody hears of a turn, and others say something to it.
    fn tell(&mut self, turn: Result<Turn, MarketError>, reply: Reply) {
        let turn = turn.unwrap_or_else(|error| panic!("{error}"));
        self.names.learn(&turn);
        let mut replies = Vec::new();
        for index in 0..turn.events.len() {
            if let Some(published) = Published::of("town", &turn, index, &self.names) {
                self.people.hear(&published);
                replies.extend(reply(&published));
                self.history.facts.push(published);
            }
        }
        for body in replies {
            self.order(body, reply);
        }
    }
}
