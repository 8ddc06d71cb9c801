//! A city outside of its market: riders and drivers as clients, who send lines and hear what a stream of events tells.
//!
//! The same `World` as in a run. It numbers drivers and rides in its own order, so that the market may have served others
//! before, and others beside. A ride that somebody else orders is driven like the city's own: its rider is a guest, who
//! waits at the pickup as long as it takes, and of whom all else is heard from the market. What is told of others' drivers
//! is passed over. Knows orders, positions and facts; refuses to know sockets and clocks: whoever drives it says what time
//! it is and carries the lines.

mod hear;
mod mischief;
mod names;
mod order;

use std::collections::BTreeMap;

use hansom_engine::domain::Session;
use hansom_engine::record::Ping;
use hansom_engine::{Command, Key};
use hansom_geo_index::Millis;
use hansom_market::ingest::{Body, Location, Order, Position};

use crate::agent::{Sender, World};
use crate::city::City;
use crate::demand::{self, Request};
use crate::report::Stints;
use crate::rng::{Purpose, Stream};
use crate::run::RunError;
use crate::scenario::{Period, RUN_OUT, Scenario};
use crate::settings::settings;
use crate::supply;

use hear::Ways;
use mischief::Mischief;
pub use mischief::{Misbehaviour, UnknownMischief};
use names::Names;

/// A simulated city whose market is elsewhere.
#[derive(Debug)]
pub struct LiveCity {
    world: World,
    city: City,
    period: Period,
    requests: Vec<Request>,
    next_request: usize,
    /// Requests sent, of which the market has not told yet.
    unheard: u64,
    names: Names,
    ways: Ways,
    keys: Stream,
    keyed: u64,
    mischief: Mischief,
    /// Orders that the market has not answered.
    sent: BTreeMap<Key, (Sender, Command)>,
    /// Orders of devices that another has taken over from.
    outdated: Vec<Body>,
    tally: Tally,
}

/// What became of a city so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests made.
    pub requests: u64,
    /// Requests that others made.
    pub others: u64,
    /// Rides completed, whoever asked for them.
    pub completed: u64,
    /// Rides that are not over.
    pub open: u64,
    /// Orders sent, without those sent again.
    pub orders: u64,
    /// Positions sent.
    pub positions: u64,
    /// Orders that a rule forbade.
    pub refused: u64,
    /// Misbehaviours.
    pub misbehaved: u64,
}

impl LiveCity {
    /// The city of a scenario, in which people misbehave as told.
    pub fn new(scenario: &Scenario, city: &City, misbehaviour: Misbehaviour) -> Result<Self, RunError> {
        let scenario = &misbehaviour.applied(scenario);
        let requests = demand::requests(scenario, &city.network)?.requests;
        let drivers = supply::drivers(scenario, city, &requests)?;
        let hours = settings(scenario, scenario.hours(city.network.version_count() > 1)).hours;
        let names = Names::of(&drivers);
        Ok(Self {
            world: World::new(scenario, city.clone(), hours, drivers, Stints::Dropped),
            city: city.clone(),
            period: scenario.period,
            requests,
            next_request: 0,
            unheard: 0,
            names,
            ways: Ways::default(),
            keys: Stream::new(scenario.seed, Purpose::Key),
            keyed: 0,
            mischief: Mischief::new(scenario.seed, misbehaviour),
            sent: BTreeMap::new(),
            outdated: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// When somebody does something next.
    pub fn next_at(&self) -> Option<Millis> {
        let request = self.requests.get(self.next_request).map(|request| request.at);
        [self.world.next_at(), self.world.next_bundle(), request, self.mischief.next_at()].into_iter().flatten().min()
    }

    /// Whether it is over at `now`: everybody has asked, and every ride has ended, guests' too, or has had long enough to. So
    /// whoever goes on ordering keeps it open no longer than [`RUN_OUT`] beyond its period.
    pub fn is_over(&self, now: Millis) -> bool {
        let quiet = self.next_request == self.requests.len() && self.unheard == 0 && self.world.open_rides() == 0;
        now >= self.period.end && quiet || now > self.period.end + RUN_OUT
    }

    /// What became of it so far.
    pub fn tally(&self) -> Tally {
        Tally {
            completed: self.world.completed(),
            open: self.world.open_rides() as u64,
            misbehaved: self.mischief.count(),
            ..self.tally
        }
    }

    /// Everybody does what is due by `now`: appends the orders and positions that they send, in order.
    pub fn act(&mut self, now: Millis, orders: &mut Vec<Order>, positions: &mut Vec<Location>) {
        loop {
            let agenda = self.world.next_at().filter(|at| *at <= now);
            let request = self.requests.get(self.next_request).map(|request| request.at).filter(|at| *at <= now);
            match (agenda, request) {
                (Some(at), request) if request.is_none_or(|request| at <= request) => {
                    if let Some((sender, command)) = self.world.act() {
                        self.send(now, sender, command, orders);
                    }
                }
                (_, Some(_)) => {
                    let request = self.requests[self.next_request];
                    self.next_request += 1;
                    self.tally.requests += 1;
                    self.unheard += 1;
                    let command = self.world.request(request);
                    self.send(now, Sender::Other, command, orders);
                }
                (_, None) => break,
            }
        }
        for command in self.mischief.due(now) {
            if let Some(body) = self.names.body(&command) {
                self.send_more(now, body, orders);
            }
        }
        for body in std::mem::take(&mut self.outdated) {
            self.send_more(now, body, orders);
        }
        while let Some(at) = self.world.next_bundle().filter(|at| *at <= now) {
            self.world.measure();
            while self.world.has_bundle() {
                let bundle = self.world.bundle(Vec::new());
                for ping in &bundle {
                    positions.extend(self.location(at, ping));
                }
            }
        }
        self.tally.positions += positions.len() as u64;
    }

    /// Drivers go home, whatever they are doing.
    pub fn end(&mut self, now: Millis, orders: &mut Vec<Order>) {
        for (vehicle, driver) in self.world.on_shift() {
            self.send(now, Sender::Driver(vehicle), Command::EndShift { driver, session: Session::FIRST }, orders);
        }
    }

    /// The market took an order. What it did with it comes as facts.
    pub fn taken(&mut self, key: Key) {
        self.sent.remove(&key);
    }

    fn send(&mut self, now: Millis, sender: Sender, command: Command, orders: &mut Vec<Order>) {
        let Some(body) = self.names.body(&command) else { return };
        let key = self.key(now);
        if let Command::RequestRide(_) = &command {
            self.names.ask(key);
        }
        let order = order::order(key, now, body);
        for _ in 0..self.mischief.copies(now, &command) {
            orders.push(order.clone());
        }
        self.tally.orders += 1;
        self.sent.insert(key, (sender, command));
    }

    /// Sends an order of which nobody waits to hear.
    fn send_more(&mut self, now: Millis, body: Body, orders: &mut Vec<Order>) {
        let key = self.key(now);
        orders.push(order::order(key, now, body));
    }

    fn location(&mut self, at: Millis, ping: &Ping) -> Option<Location> {
        let (driver, session, seq) = self.names.position(ping.driver, ping.seq)?;
        Some(Location {
            id: format!("{driver}-{session}-{seq}").into(),
            market: None,
            measured: Some(at - Millis(i64::from(ping.age_ms))),
            position: Position { driver, session, seq, place: ping.coord },
        })
    }

    /// A `UUIDv7`: 48 bits of time, the rest from the seed and the order's number.
    fn key(&mut self, at: Millis) -> Key {
        self.keyed += 1;
        crate::port::key(self.keys, self.keyed - 1, at)
    }
}
