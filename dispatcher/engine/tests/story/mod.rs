//! Stories: a script of what riders, drivers and the clock do, beside what the market answers.
//!
//! A line is `TIME WHO DOES …`; lines of `.` are ticks that the market asked for. `>` begins what happened, `!` a
//! refusal, `=` a repeat. Each story is played three times: by one market, by one that is restored from its bytes before
//! every turn, and by folding the facts; all must agree, and all invariants hold throughout.
//!
//! The town is a chessboard of 21 × 21 crossings, 100 m and 10 s apart; a place is `column,row`.

use crate::market::Market;
use hansom_engine::decide::Step;
use hansom_engine::domain::{DriverId, Epoch, Key, Name, RideId, Session, Settings};
use hansom_engine::record::{Command, Event, Fix, Ping, Poison, RequestRide, StartShift, Turn};
use hansom_engine::state::TimerKind;
use hansom_engine::steps;
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, Millis, Network, NodeId};

const COLUMNS: u32 = 21;

/// The coordinate of a crossing.
fn crossing(network: &Network, place: &str) -> Coord {
    let (column, row) = place.split_once(',').expect("a place is column,row");
    let number = |text: &str| text.parse::<u32>().expect("a number");
    network.node_coord(NodeId(number(row) * COLUMNS + number(column)))
}

/// Plays a script and demands the transcript that it is.
#[track_caller]
pub fn story(settings: &Settings, script: &str) {
    let tell = |restored| {
        let mut teller = Teller::new(settings.clone(), restored);
        let told: Vec<String> =
            script.lines().map(str::trim).filter(|line| !line.is_empty()).fold(Vec::new(), |mut told, line| {
                // Ticks are the market's own: they are told, not played.
                if line.split_whitespace().nth(1) != Some(".") {
                    teller.play(line, &mut told);
                }
                told
            });
        (told, teller.market.turns)
    };
    let (told, turns) = tell(false);
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected: Vec<String> = script.lines().map(squeeze).filter(|line| !line.is_empty()).collect();
    let told: Vec<String> = told.iter().map(|line| squeeze(line)).collect();
    assert!(told == expected, "the story went like this:\n\n{}\n", told.join("\n"));
    assert_eq!(tell(true).1, turns, "a restored market answers otherwise");
}

struct Teller {
    market: Market,
    now: Millis,
    keys: u128,
    seqs: Vec<u32>,
    /// The planner does not answer.
    is_mute: bool,
}

impl Teller {
    fn new(settings: Settings, restored: bool) -> Self {
        let town = sample::grid(COLUMNS, COLUMNS, 100_000, 10_000);
        Self {
            market: Market::new(town, settings, restored),
            now: Millis::ZERO,
            keys: 0,
            seqs: vec![0; 16],
            is_mute: false,
        }
    }

    /// Plays one line, after the ticks that are due before it.
    fn play(&mut self, line: &str, told: &mut Vec<String>) {
        let order = line.split(['>', '!', '=']).next().unwrap_or_default().trim_end();
        // `->` is part of a request.
        let order = match line.find("->") {
            Some(arrow) => {
                let rest = &line[arrow + 2..];
                let end = rest.find(['>', '!', '=']).unwrap_or(rest.len());
                line[..arrow + 2 + end].trim_end()
            }
            None => order,
        };
        let words: Vec<&str> = order.split_whitespace().collect();
        let at = time(words[0]);
        // Nobody ticks while the market is away.
        let is_away = words[2] == "returns";
        while let Some(wakeup) = steps::wakeup(&self.market.state).filter(|wakeup| *wakeup <= at && !is_away) {
            let wakeup = wakeup.max(self.now);
            let said = self.take(wakeup, None, Command::Tick);
            if !said.is_empty() {
                told.push(format!("{} . {said}", clock(wakeup)));
            }
        }
        self.now = at;
        if words[1] == "planner" {
            self.is_mute = words[3] == "mute";
            told.push(order.to_owned());
            return;
        }
        if words[2] == "fault" {
            self.market.fault = fault(words[4]);
            told.push(order.to_owned());
            return;
        }
        let (key, command) = self.command(&words[1..]);
        let said = self.take(at, key, command);
        told.push(format!("{order} {said}"));
    }

    fn take(&mut self, at: Millis, key: Option<Key>, command: Command) -> String {
        let mut said = phrases(self.market.turn(at, key, command));
        if !self.is_mute
            && let Some(turn) = self.market.answer()
        {
            said.extend(phrases(turn));
        }
        said.join("; ")
    }

    fn command(&mut self, words: &[&str]) -> (Option<Key>, Command) {
        let number = |text: &str| text[1..].parse::<u32>().expect("R1, D1, …");
        let network = self.market.network.clone();
        let place = |text: &str| match text {
            "sea" => Coord { lat: 0, lon: 0 },
            place => crossing(&network, place),
        };
        let mut key = None;
        let mut words = words.to_vec();
        let session =
            given(&words, "session").map_or(Session::FIRST, |session| Session(session.parse().expect("a number")));
        if let Some(position) = words.iter().position(|word| *word == "session") {
            words.drain(position..position + 2);
        }
        if let Some(position) = words.iter().position(|word| *word == "key") {
            key = Some(key_of(words[position + 1]));
            words.truncate(position);
        }
        let who = words[0];
        let command = match (words[1], &words[2..]) {
            ("starts", ["at", at, rest @ ..]) => {
                self.seqs[DriverId(number(who)).index()] = 0;
                let seats = given(rest, "seats").map_or(4, |seats| seats.parse().expect("seats"));
                let until = given(rest, "until").map(time);
                Command::StartShift(Box::new(StartShift {
                    driver: Name::from(who),
                    place: place(at),
                    seats,
                    class: 0,
                    autonomous: false,
                    until,
                    home: None,
                    rating: 450,
                }))
            }
            ("takes", ["over"]) => {
                self.seqs[DriverId(number(who)).index()] = 0;
                Command::OpenSession { driver: DriverId(number(who)) }
            }
            ("requests", [from, "->", to, rest @ ..]) => {
                let seats = given(rest, "seats").map_or(1, |seats| seats.parse().expect("seats"));
                Command::RequestRide(Box::new(RequestRide {
                    rider: Name::from(who),
                    pickup: place(from),
                    dropoff: place(to),
                    seats,
                    class: 0,
                    tier: 0,
                    blocked: Box::default(),
                }))
            }
            ("cancels", []) => Command::CancelRide { ride: RideId(number(who)) },
            ("pings", ["twice", at]) => {
                let driver = number(who);
                let seq = self.seqs[DriverId(driver).index()];
                self.seqs[DriverId(driver).index()] += 2;
                let ping = |seq| Ping { driver: DriverId(driver), session, seq, age_ms: 0, coord: place(at) };
                return (None, Command::ReportPositions(vec![ping(seq + 1), ping(seq + 2)]));
            }
            ("pings", [at, rest @ ..]) => {
                let driver = number(who);
                let seq = given(rest, "seq").map(|seq| seq.parse().expect("a number"));
                let age_ms = given(rest, "age").map_or(0, |age| age.parse().expect("ms"));
                let seq = seq.unwrap_or(self.seqs[DriverId(driver).index()] + 1);
                let last = &mut self.seqs[DriverId(driver).index()];
                *last = seq.max(*last);
                let ping = Ping { driver: DriverId(driver), session, seq, age_ms, coord: place(at) };
                return (None, Command::ReportPositions(vec![ping]));
            }
            ("returns", ["since", since]) => return (None, Command::Resume { since: time(since) }),
            ("notes", ["slice", slice]) => {
                return (None, Command::Checkpoint { slice: slice.parse().expect("a slice") });
            }
            ("waits", []) => return (None, Command::Tick),
            (verb, rest) => self.order_of_driver(DriverId(number(who)), session, verb, rest),
        };
        self.keys += 1;
        (Some(key.unwrap_or(Key(1 << 64 | self.keys))), command)
    }

    /// What a driver does about rides and his shift.
    fn order_of_driver(&self, driver: DriverId, session: Session, verb: &str, rest: &[&str]) -> Command {
        let number = |text: &str| text[1..].parse::<u32>().expect("R1, D1, …");
        let place = |text: &str| crossing(&self.market.network, text);
        let epoch = |ride: u32, given: Option<&&str>| {
            given.map_or_else(
                || {
                    self.market
                        .state
                        .rides()
                        .get(RideId(ride))
                        .and_then(|ride| ride.offer)
                        .map_or(Epoch(1), |o| o.epoch)
                },
                |given| Epoch(number(given)),
            )
        };
        match (verb, rest) {
            ("ends", ["shift"]) => Command::EndShift { driver, session },
            ("accepts", [ride, given @ ..]) => Command::AcceptOffer {
                driver,
                ride: RideId(number(ride)),
                epoch: epoch(number(ride), given.first()),
                session,
            },
            ("declines", [ride]) => {
                Command::DeclineOffer { driver, ride: RideId(number(ride)), epoch: epoch(number(ride), None), session }
            }
            ("arrives", ["for", ride]) => Command::ArriveAtPickup { driver, ride: RideId(number(ride)), session },
            ("boards", [ride]) => Command::BoardRider { driver, ride: RideId(number(ride)), session },
            ("ends", [ride, "at", at]) => {
                Command::EndTrip { driver, ride: RideId(number(ride)), place: place(at), session }
            }
            ("drops", [ride]) => Command::CancelByDriver { driver, ride: RideId(number(ride)), session },
            (verb, rest) => panic!("nobody knows how to `{verb} {rest:?}`"),
        }
    }
}

/// What stands behind a word.
fn given<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    words.iter().position(|it| *it == word).map(|index| words[index + 1])
}

/// The key of a number, or of `made-12s`: a `UUIDv7` of that time.
fn key_of(word: &str) -> Key {
    match word.strip_prefix("made-") {
        Some(made) => Key((time(made).0 as u128) << 80 | 7 << 76 | 1),
        None => Key(word.parse().expect("a key's number")),
    }
}

/// The steps that a planted fault is about.
fn fault(step: &str) -> fn(&Step<'_>) -> bool {
    macro_rules! timer {
        ($kind:ident) => {
            |step| matches!(step, Step::Timer(timer) if timer.kind == TimerKind::$kind)
        };
    }
    match step {
        "nothing" => |_| false,
        "accepts" => |step| matches!(step, Step::Command(_, Command::AcceptOffer { .. })),
        "requests" => |step| matches!(step, Step::Command(_, Command::RequestRide(_))),
        "returns" => |step| matches!(step, Step::Command(_, Command::Resume { .. })),
        "ping-2" => |step| matches!(step, Step::Ping(ping) if ping.seq == 2),
        "offer" => timer!(Offer),
        "silence" => timer!(Silence),
        "no-show" => timer!(NoShow),
        "slip" => timer!(Slip),
        "review" => timer!(Review),
        "chain" => timer!(Chain),
        "matching" => timer!(Matching),
        "retire" => timer!(Retire),
        "key-expiry" => timer!(KeyExpiry),
        "forget" => timer!(Forget),
        "weights" => timer!(Weights),
        other => panic!("nobody knows a step `{other}`"),
    }
}

fn time(text: &str) -> Millis {
    let seconds = text.strip_suffix('s').expect("a time like 12s");
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let ms = format!("{part:0<3}")[..3].parse::<i64>().expect("milliseconds");
    Millis(whole.parse::<i64>().expect("seconds") * 1000 + ms)
}

fn clock(at: Millis) -> String {
    let text = format!("{}.{:03}", at.0 / 1000, at.0 % 1000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What a turn says to riders and drivers, in words; the market's housekeeping is left out.
fn phrases(turn: &Turn) -> Vec<String> {
    let mut said: Vec<String> = turn.events.iter().filter_map(phrase).collect();
    if let Some(first) = said.first_mut()
        && !first.starts_with(['!', '='])
    {
        *first = format!("> {first}");
    }
    said
}

fn phrase(event: &Event) -> Option<String> {
    Some(match event {
        Event::Refused { reason } => format!("! {reason}"),
        Event::Repeated { first } => format!("= as at {first}"),
        Event::ShiftStarted(e) => format!("D{} on shift", e.driver),
        Event::SessionOpened { driver, session } => format!("D{driver} in session {session}"),
        Event::ShiftFinishing { driver } => format!("D{driver} finishing"),
        Event::ShiftEnded { driver } => format!("D{driver} off shift"),
        Event::DriverMoved { driver, fix, clamped, .. } => {
            let fix = match fix {
                Fix::Kept => "stands",
                Fix::Anchored(_) => "moved",
                Fix::OnRoute { .. } => "on route",
                Fix::OffRoute(_) => "off route",
            };
            format!("D{driver} {fix}{}", if *clamped { ", clock clamped" } else { "" })
        }
        Event::PingRefused { reason, .. } => format!("! {reason}"),
        Event::DriverWarned { driver, until } => format!("D{driver} warned until {}", clock(*until)),
        Event::DriverDark { driver } => format!("D{driver} dark"),
        Event::DriverChainable { driver } => format!("D{driver} chainable"),
        Event::RideRequested(e) => format!("R{} direct {}s, fare {}", e.ride, e.direct_ms / 1000, e.fare),
        Event::RequestRefused { ride, reason } => format!("R{ride} refused: {reason}"),
        Event::OfferMade(e) => {
            let chained = if e.chained { ", chained" } else { "" };
            format!("offered R{} to D{} until {}{chained}", e.ride, e.driver, clock(e.deadline))
        }
        Event::OfferAccepted { ride, driver, promised, .. } => {
            format!("D{driver} takes R{ride}, there at {}", clock(*promised))
        }
        Event::OfferDeclined { ride, driver, .. } => format!("declined R{ride} by D{driver}"),
        Event::OfferExpired { ride, driver, .. } => format!("expired R{ride} at D{driver}"),
        Event::OfferWithdrawn { ride, driver, .. } => format!("withdrawn R{ride} from D{driver}"),
        Event::RideExhausted { ride } => format!("R{ride} exhausted"),
        Event::DriverArrived { ride, driver, until } => format!("D{driver} waits for R{ride} until {}", clock(*until)),
        Event::RiderBoarded { ride, driver } => format!("R{ride} on board of D{driver}"),
        Event::RideReleased { ride, driver, cause } => format!("R{ride} back in line: D{driver} {cause:?}"),
        Event::RideEnded { ride, outcome, .. } => format!("R{ride} {outcome}"),
        Event::Settled(e) => format!("R{} pays {}", e.ride, -e.entries[0].amount),
        Event::SlipPassed { ride } => format!("R{ride} late"),
        Event::RideRetired { ride } => format!("R{ride} forgotten"),
        Event::DriverKept { driver, .. } => format!("D{driver} kept"),
        Event::DriverForgotten { driver } => format!("D{driver} forgotten"),
        Event::WeightsActivated { version } => format!("weights {}", version.0),
        Event::ProposalTaken { stale, .. } if *stale > 0 => format!("{stale} stale"),
        Event::Poisoned { step } => match step {
            Poison::Command => "~ skipped".to_owned(),
            Poison::Ping { driver, seq } => format!("~ ping {seq} of D{driver} skipped"),
            Poison::Timer(timer) => format!("~ {:?} {} put off", timer.kind, timer.id),
        },
        Event::Resumed { gap_ms } => format!("away for {}", clock(Millis(*gap_ms as i64))),
        Event::Upgraded(_) => "other settings".to_owned(),
        Event::Checkpoint { slice, .. } => format!("slice {slice} noted"),
        Event::Keyed { .. }
        | Event::LegPlanned { .. }
        | Event::ChainDeferred { .. }
        | Event::SilenceRearmed { .. }
        | Event::MatchingScheduled { .. }
        | Event::MatchingDue { .. }
        | Event::MatchingIdle
        | Event::ProposalTaken { .. }
        | Event::RideReviewed { .. }
        | Event::KeysExpired { .. } => return None,
    })
}
