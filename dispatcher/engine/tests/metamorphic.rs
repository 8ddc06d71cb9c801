//! What must not matter to a course that was recorded: in which week it is played, what people are called, and idle drivers
//! who can reach nobody.
//!
//! The commands of a random course are given to the engine again, changed in one of these ways; the facts have to be those
//! that were recorded. A planner's answers are worked out anew and have to be the recorded ones too.

mod course;
mod market;

use course::{Driven, Order, order};
use hansom_engine::domain::{DriverId, Hours, Key, Name, Offset, Planner, Session, Settings, Term, Weights};
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::canonical;
use hansom_engine::record::{Command, Event, Ping, Proposal, RequestRide, StartShift, Turn};
use hansom_engine::steps;
use hansom_engine::{Desk, Stamp, State};
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::{Router, TravelTimes};
use hansom_geo_index::{Coord, Millis, Network, NodeId, Position, WeightsVersion};
use market::settings;
use proptest::prelude::*;
use std::sync::Arc;

/// Drivers of a course.
const DRIVERS: u8 = 6;
const DAY: Millis = Millis::from_secs(86_400);
const WEEK: Millis = Millis(7 * DAY.0);
const HOUR: Millis = Millis::from_secs(3_600);
/// So many versions of the travel times the town has: three day types of 24 hours.
const VERSIONS: usize = 72;

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
    let mut driven = Driven::new(sample::town(seed, 30, VERSIONS), settings.clone(), false);
    for driver in 0..DRIVERS {
        driven.play(&Order::Start(driver, 7 * u16::from(driver)), 0);
    }
    for (order, gap_ms) in orders {
        driven.play(order, *gap_ms);
    }
    driven.settle();
    Recorded { network: driven.market.network.clone(), settings, turns: driven.market.turns }
}

/// The travel times of three weeks, which go by day type and hour; the first hour is that of the week, and began so long ago.
fn weeks(first: u16, ago: Millis) -> Hours {
    let version = |hour: u16| {
        let day_type = (hour / 24 % 7).saturating_sub(4);
        WeightsVersion(day_type * 24 + hour % 24)
    };
    Hours((0..3 * 7 * 24).map(|hour| (Millis(i64::from(hour) * HOUR.0) - ago, version(first + hour))).collect())
}

/// What a market may be set to: each planner, each cost term.
fn any_settings() -> impl Strategy<Value = Settings> {
    let weights = prop::collection::vec(prop_oneof![2 => Just(0), 1 => 1..2_000_i32], Term::COUNT);
    let weights = weights.prop_map(|weights| Weights(weights.try_into().expect("one a term")));
    let weights = prop_oneof![Just(Weights::default()), weights];
    let hours = (0..7 * 24_u16, 0..HOUR.0).prop_map(|(first, ago)| weeks(first, Millis(ago)));
    (any::<bool>(), any::<bool>(), 1..8_u32, weights, hours).prop_map(|(batch, chain, candidates, weights, hours)| {
        let mut settings = settings();
        settings.policy.planner = if batch { Planner::Batch } else { Planner::Nearest };
        settings.policy.chain_horizon = if chain { Millis::from_secs(90) } else { Millis::ZERO };
        settings.policy.candidates = candidates;
        settings.policy.weights = weights;
        settings.give_up = Millis::from_secs(900);
        settings.snap_mm = 3_000_000;
        settings.hours = hours;
        settings
    })
}

/// What is ordered, each so many ms after what was before. A checkpoint tells of names and instants: it has to differ.
fn orders() -> impl Strategy<Value = Vec<(Order, u16)>> {
    let order = order().prop_filter("a fact", |order| !matches!(order, Order::Note(_)));
    prop::collection::vec((order, 0..20_000_u16), 1..80)
}

/// Courses in a town whose travel times change on the way.
fn recorded() -> impl Strategy<Value = Recorded> {
    (any::<u64>(), any_settings(), orders()).prop_map(|(seed, settings, orders)| record(seed, settings, &orders))
}

/// A market that is given recorded commands.
struct Again {
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
        Self { desk: Desk::new(network, router, snap), planner, state, answer: None }
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
    let events = canonical::encode(turn, Coord { lat: 0, lon: 0 }, &mut bytes);
    bytes.split_off(events)
}

/// A command so much later.
fn later(command: &Command, by: Millis) -> Command {
    match command {
        Command::StartShift(order) => {
            let until = order.until.map(|until| until + by);
            Command::StartShift(Box::new(StartShift { until, ..(**order).clone() }))
        }
        Command::Resume { since } => Command::Resume { since: *since + by },
        other => other.clone(),
    }
}

/// The key that an app would give: it says when it was made, some hours or less before the course began at `start`.
fn made(key: Key, start: Millis) -> Key {
    let at = start - Millis((key.0 * 7_919 % 28_800_000) as i64);
    Key(u128::from(at.0.unsigned_abs()) << 80 | 7 << 76 | 0b10 << 62 | key.0)
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

/// Why an idle driver can reach nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// His vehicle is of a class that nobody asks for.
    Class,
    /// It has one seat, and riders come in twos at least.
    Seats,
    /// Each rider has blocked him.
    Blocked,
    /// No pickup is within the maximum wait, whatever the hour.
    Far,
    /// He means to stop before he could be anywhere.
    ShiftEnd,
}

/// Drivers who can reach nobody, the same of each.
#[derive(Debug)]
struct Hermits {
    why: Why,
    count: u32,
    place: Coord,
}

impl Hermits {
    fn shift(&self, number: u32, at: Millis) -> Command {
        Command::StartShift(Box::new(StartShift {
            driver: Name::from(format!("hermit {number}").as_str()),
            place: self.place,
            seats: if self.why == Why::Seats { 1 } else { 4 },
            class: if self.why == Why::Class { 9 } else { 0 },
            autonomous: false,
            until: (self.why == Why::ShiftEnd).then_some(at - Millis(1)),
            home: None,
            rating: 500,
        }))
    }

    fn numbers(&self) -> impl Iterator<Item = DriverId> {
        (0..self.count).map(|number| DriverId(u32::from(DRIVERS) + number))
    }

    fn pings(&self, seq: u32) -> Command {
        let ping = |driver| Ping { driver, session: Session::FIRST, seq, age_ms: 0, coord: self.place };
        Command::ReportPositions(self.numbers().map(ping).collect())
    }

    /// A command as it is where they are known: whom everybody blocks has to be named.
    fn known(&self, command: &Command) -> Command {
        match command {
            Command::RequestRide(order) if self.why == Why::Blocked => {
                let blocked = order.blocked.iter().copied().chain(self.numbers()).collect();
                Command::RequestRide(Box::new(RequestRide { blocked, ..(**order).clone() }))
            }
            other => other.clone(),
        }
    }
}

/// The crossing that is farthest from the pickups of a course at the hour at which it is nearest to one, and how far that is, ms.
fn farthest(recorded: &Recorded) -> Option<(Coord, i64)> {
    let network = &recorded.network;
    let (router, snap) = (Router::new(network.clone()), SnapIndex::new(network));
    let places = recorded.turns.iter().flat_map(|turn| &turn.events).filter_map(|event| match event {
        Event::RideRequested(request) => Some(request.pickup),
        _ => None,
    });
    let pickups: Vec<Position> = places.collect();
    let nearest = |node: u32| {
        let coord = network.node_coord(NodeId(node));
        let from = snap.nearest(network, coord, 1_000).ok()?.position;
        let mut least = None;
        for version in 0..VERSIONS as u16 {
            let times = router.times(WeightsVersion(version));
            least = pickups.iter().map(|to| i64::from(times.time(from, *to))).chain(least).min();
        }
        Some((coord, least?))
    };
    (0..network.node_count() as u32).filter_map(nearest).max_by_key(|(_, least)| *least)
}

/// Courses with drivers who can reach nobody: few of them, or so many that not all are looked at.
fn with_hermits() -> impl Strategy<Value = (Recorded, Hermits)> {
    let why = prop_oneof![Just(Why::Class), Just(Why::Seats), Just(Why::Blocked), Just(Why::Far), Just(Why::ShiftEnd)];
    let count = prop_oneof![3 => Just(2), 1 => Just(140)];
    let course = (any::<u64>(), any_settings(), orders(), why, count);
    course.prop_filter_map("nobody is far", |(seed, mut settings, mut orders, why, count)| {
        for (order, _) in &mut orders {
            if let Order::Request(from, _, seats) = order {
                match why {
                    Why::Seats => *seats = (*seats).max(2),
                    // From a corner of the town.
                    Why::Far => *from %= 8,
                    Why::Class | Why::Blocked | Why::ShiftEnd => {}
                }
            }
        }
        let mut recorded = record(seed, settings.clone(), &orders);
        let mut place = recorded.network.node_coord(NodeId(3));
        if why == Why::Far
            && let Some((far, eta_ms)) = farthest(&recorded)
        {
            place = far;
            settings.policy.max_wait = Millis(eta_ms - 1);
            recorded = record(seed, settings, &orders);
        }
        (recorded.settings.policy.max_wait > Millis::from_secs(20)).then_some((recorded, Hermits { why, count, place }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Under the same settings: the hours of the week come again by themselves.
    #[test]
    fn a_week_later_all_is_decided_alike(recorded in recorded()) {
        for by in [WEEK, WEEK + WEEK] {
            let mut again = Again::new(&recorded, recorded.settings.clone(), by);
            for turn in &recorded.turns {
                let key = turn.key.map(|key| made(key, by));
                let other = again.turn(turn.offset, turn.at + by, key, later(&turn.command, by));
                prop_assert_eq!(facts(&other), facts(turn), "\n{:?}\n{:?}", other, turn);
            }
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
    fn idle_drivers_who_reach_nobody_change_nothing((recorded, hermits) in with_hermits()) {
        let mut alone = Again::new(&recorded, recorded.settings.clone(), Millis::ZERO);
        let mut again = Again::new(&recorded, recorded.settings.clone(), Millis::ZERO);
        // Numbers of turns that are not in the record.
        let mut offset = 1 << 40;
        let mut next = || {
            offset += 1;
            Offset(offset)
        };
        let mut heard = Millis::ZERO;
        for (index, turn) in recorded.turns.iter().enumerate() {
            let command = hermits.known(&turn.command);
            let expected = alone.turn(turn.offset, turn.at, turn.key, command.clone());
            let other = again.turn(turn.offset, turn.at, turn.key, command);
            prop_assert_eq!(facts(&other), facts(&expected), "\n{:?}\n{:?}", other, expected);
            // At the time of the turn before, so that no timer fires in these.
            if index + 1 == usize::from(DRIVERS) {
                for number in 0..hermits.count {
                    again.turn(next(), turn.at, None, hermits.shift(number, turn.at));
                }
            } else if index >= usize::from(DRIVERS) && turn.at - heard >= Millis::from_secs(20) {
                heard = turn.at;
                let told = again.turn(next(), turn.at, None, hermits.pings(index as u32));
                prop_assert!(told.events.iter().all(|event| matches!(event, Event::DriverMoved { .. })), "{:?}", told);
            }
        }
        prop_assert!(again.state.fleet().free().len() >= hermits.count as usize, "they are free all the time");
    }
}

/// What a week does not change, a day of another type does.
#[test]
fn on_another_day_type_the_same_course_is_decided_otherwise() {
    let mut differs = 0;
    for seed in 0..20 {
        // Monday at eight; requests from all over the town, and drivers who take what they are offered.
        let settings = Settings { hours: weeks(8, Millis::ZERO), snap_mm: 3_000_000, ..settings() };
        let orders =
            (0..40_u16).flat_map(|n| [(Order::Request(97 * n, 31 * n + 7, 1), 900), (Order::Next(n as u8 % 6), 0)]);
        let recorded = record(seed, settings.clone(), &orders.collect::<Vec<_>>());
        let alike = |by: Millis| {
            let mut again = Again::new(&recorded, settings.clone(), by);
            recorded.turns.iter().all(|turn| {
                let key = turn.key.map(|key| made(key, by));
                let other = again.turn(turn.offset, turn.at + by, key, later(&turn.command, by));
                facts(&other) == facts(turn)
            })
        };
        assert!(alike(DAY) && alike(WEEK), "from Monday to Tuesday, or to Monday");
        differs += usize::from(!alike(Millis(5 * DAY.0)));
    }
    assert!(differs > 10, "{differs} of 20 courses differ on a Saturday");
}
