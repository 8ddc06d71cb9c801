//! What must not matter to a course that was recorded: the day it is played on, what people are called, and an idle driver
//! who can reach nobody.
//!
//! The commands of a random course are given to the engine again, changed in one of these ways; the facts have to be those
//! that were recorded. A planner's answers are worked out anew and have to be the recorded ones too.

mod course;
mod market;

use course::{Driven, Order, order};
use hansom_engine::domain::{DriverId, Hours, Key, Name, Offset, Planner, Session, Settings};
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::canonical;
use hansom_engine::record::{Command, Event, Ping, Proposal, StartShift, Turn};
use hansom_engine::steps;
use hansom_engine::{Desk, Stamp, State};
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;
use hansom_geo_index::{Coord, Millis, Network, NodeId, WeightsVersion};
use market::settings;
use proptest::prelude::*;
use std::sync::Arc;

/// Drivers of a course.
const DRIVERS: u8 = 6;
const WEEK: Millis = Millis::from_secs(7 * 86_400);
const ORIGIN: Coord = Coord { lat: 0, lon: 0 };

/// A course as it was recorded.
struct Recorded {
    network: Arc<Network>,
    settings: Settings,
    turns: Vec<Turn>,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let commands = self.turns.iter().map(|turn| (turn.at, &turn.command));
        f.debug_list().entries(commands).finish()
    }
}

/// All drivers go on shift first, so that whoever comes later gets a number behind theirs.
fn record(seed: u64, settings: Settings, orders: &[(Order, u16)]) -> Recorded {
    let mut driven = Driven::new(sample::town(seed, 30, 72), settings.clone(), false);
    for driver in 0..DRIVERS {
        driven.play(&Order::Start(driver, 7 * u16::from(driver)), 0);
    }
    for (order, gap_ms) in orders {
        driven.play(order, *gap_ms);
    }
    driven.settle();
    Recorded { network: driven.market.network.clone(), settings, turns: driven.market.turns }
}

/// Courses in a town whose travel times change on the way.
fn recorded() -> impl Strategy<Value = Recorded> {
    // A checkpoint tells of names and instants, so it is what has to differ.
    let course =
        prop::collection::vec((order().prop_filter("a fact", |o| !matches!(o, Order::Note(_))), 0..20_000_u16), 1..80);
    (any::<u64>(), any::<bool>(), any::<bool>(), course).prop_map(|(seed, batch, chain, orders)| {
        let mut settings = settings();
        settings.policy.planner = if batch { Planner::Batch } else { Planner::Nearest };
        settings.policy.chain_horizon = if chain { Millis::from_secs(90) } else { Millis::ZERO };
        settings.give_up = Millis::from_secs(900);
        settings.snap_mm = 3_000_000;
        let hour = |index: u16| (Millis::from_secs(300 * i64::from(index)), WeightsVersion(index));
        settings.hours = Hours((0..24).map(hour).collect());
        record(seed, settings, &orders)
    })
}

/// A market that is given recorded commands.
struct Again {
    network: Arc<Network>,
    desk: Desk,
    planner: BatchPlanner,
    state: State,
    /// The planner's answer to the question that is open.
    answer: Option<Proposal>,
}

impl Again {
    fn new(recorded: &Recorded, settings: Settings, start: Millis) -> Self {
        let network = recorded.network.clone();
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        let state = State::new(settings, &network, start);
        let planner = BatchPlanner::new(network.clone(), router.clone());
        Self { desk: Desk::new(network.clone(), router, snap), planner, state, network, answer: None }
    }

    fn turn(&mut self, offset: Offset, at: Millis, key: Option<Key>, command: Command) -> Turn {
        if let Command::Propose(proposal) = &command {
            let own = self.answer.take_if(|own| own.basis == proposal.basis);
            assert_eq!(own.as_ref(), Some(&**proposal), "the planner answers otherwise");
        }
        let stamp = Stamp { at, offset };
        let turn = steps::turn(&mut self.desk, &mut self.state, stamp, key, command, Vec::new());
        if self.state.matching_due() == Some(offset) {
            let question = problem(&self.state, offset, at);
            self.answer = Some(self.planner.propose(&question).expect("the answer is proved optimal"));
        }
        turn
    }
}

/// The bytes of a turn's facts. Their instants are counted from the turn.
fn facts(turn: &Turn) -> Vec<u8> {
    let mut bytes = Vec::new();
    let events = canonical::encode(turn, ORIGIN, &mut bytes);
    bytes.split_off(events)
}

/// A command a week later.
fn later(command: &Command) -> Command {
    match command {
        Command::StartShift(order) => {
            let until = order.until.map(|until| until + WEEK);
            Command::StartShift(Box::new(StartShift { until, ..(**order).clone() }))
        }
        Command::Resume { since } => Command::Resume { since: *since + WEEK },
        other => other.clone(),
    }
}

/// Another name: so that the order of names is another one too.
fn renamed(name: &Name) -> Name {
    Name::from(
        format!("{:x} once {}", name.0.bytes().rev().fold(0_u64, |sum, byte| sum * 31 + u64::from(byte)), name)
            .as_str(),
    )
}

/// A command of people who are called otherwise.
fn of_others(command: &Command) -> Command {
    match command {
        Command::StartShift(order) => {
            Command::StartShift(Box::new(StartShift { driver: renamed(&order.driver), ..(**order).clone() }))
        }
        Command::RequestRide(order) => {
            let mut order = order.clone();
            order.rider = renamed(&order.rider);
            Command::RequestRide(order)
        }
        other => other.clone(),
    }
}

/// A fact as it has to be when people and keys are called otherwise.
fn of_others_too(mut event: Event, turn: &Turn) -> Event {
    match &mut event {
        Event::ShiftStarted(e) => e.name = renamed(&e.name),
        Event::RideRequested(e) => e.rider = renamed(&e.rider),
        Event::Keyed { key, fingerprint, .. } => {
            *key = Key(!key.0);
            *fingerprint = hansom_engine::record::fingerprint(&of_others(&turn.command));
        }
        _ => {}
    }
    event
}

/// A driver nobody can be served by: his vehicle is of a class that nobody asks for.
fn hermit(place: Coord, number: u8) -> Command {
    Command::StartShift(Box::new(StartShift {
        driver: Name::from(format!("hermit {number}").as_str()),
        place,
        seats: 4,
        class: 9,
        autonomous: false,
        until: None,
        home: None,
        rating: 500,
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_week_later_all_is_decided_alike(recorded in recorded()) {
        let hours = Hours(recorded.settings.hours.0.iter().map(|(from, version)| (*from + WEEK, *version)).collect());
        let mut again = Again::new(&recorded, Settings { hours, ..recorded.settings.clone() }, WEEK);
        for turn in &recorded.turns {
            let other = again.turn(turn.offset, turn.at + WEEK, turn.key, later(&turn.command));
            prop_assert_eq!(facts(&other), facts(turn), "\n{:?}\n{:?}", other, turn);
        }
    }

    #[test]
    fn people_called_otherwise_have_the_same_story(recorded in recorded()) {
        let mut again = Again::new(&recorded, recorded.settings.clone(), Millis::ZERO);
        for turn in &recorded.turns {
            let key = turn.key.map(|key| Key(!key.0));
            let other = again.turn(turn.offset, turn.at, key, of_others(&turn.command));
            let expected: Vec<Event> = turn.events.iter().map(|event| of_others_too(event.clone(), turn)).collect();
            prop_assert_eq!(&other.events, &expected, "{:?}", turn);
        }
    }

    #[test]
    fn an_idle_driver_who_reaches_nobody_changes_nothing(recorded in recorded()) {
        let mut again = Again::new(&recorded, recorded.settings.clone(), Millis::ZERO);
        // Numbers of turns that are not in the record.
        let mut offset = 1 << 40;
        let mut next = || {
            offset += 1;
            Offset(offset)
        };
        let place = again.network.node_coord(NodeId(3));
        for (index, turn) in recorded.turns.iter().enumerate() {
            let other = again.turn(turn.offset, turn.at, turn.key, turn.command.clone());
            prop_assert_eq!(facts(&other), facts(turn), "\n{:?}\n{:?}", other, turn);
            if index + 1 == usize::from(DRIVERS) {
                for number in 0..2 {
                    again.turn(next(), turn.at, None, hermit(place, number));
                }
            } else if index >= usize::from(DRIVERS) {
                // At the time of the turn before, so that no timer fires in this one; and always heard of lately.
                let seq = index as u32;
                let ping = |number| Ping { driver: DriverId(number), session: Session::FIRST, seq, age_ms: 0, coord: place };
                let drivers = u32::from(DRIVERS);
                let told = again.turn(next(), turn.at, None, Command::ReportPositions(vec![ping(drivers), ping(drivers + 1)]));
                prop_assert!(told.events.iter().all(|event| matches!(event, Event::DriverMoved { .. })), "{:?}", told);
            }
        }
        prop_assert!(again.state.fleet().free().len() >= 2, "the hermits are free all the time");
    }
}
