//! Turns of every kind, drawn from a seed: all commands, all events, numbers small, large and at their ends.

mod events;
mod header;

use events::EVENTS;
use hansom_engine::domain::{Session, Terms};
use hansom_engine::record::{Fix, Ping, Proposal, Proposed, RequestRide, StartShift, fingerprint};
use hansom_engine::{Command, DriverId, Epoch, Event, Key, Money, Name, Offset, RideId, Turn};
use hansom_geo_index::{Coord, EdgeId, Millis, Position, WeightsVersion};

/// Number of kinds of commands.
const COMMANDS: u64 = 17;

/// Draws from a seed (`SplitMix64`).
pub struct Draw(pub u64);

impl Draw {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// Any 64 bits; short numbers, 0 and the largest are as likely as long ones.
    fn wide(&mut self) -> u64 {
        match self.below(16) {
            0 => 0,
            1 => u64::MAX,
            _ => self.bits() >> self.below(64),
        }
    }

    fn narrow(&mut self) -> u32 {
        (self.wide() as u32) >> self.below(32)
    }

    fn short(&mut self) -> u16 {
        (self.wide() as u16) >> self.below(16)
    }

    fn byte(&mut self) -> u8 {
        self.wide() as u8
    }

    fn signed(&mut self) -> i64 {
        self.wide() as i64
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(draw(self)) } else { None }
    }

    fn several<T>(&mut self, end: u64, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(end)).map(|_| draw(self)).collect()
    }

    fn driver(&mut self) -> DriverId {
        DriverId(self.narrow())
    }

    fn ride(&mut self) -> RideId {
        RideId(self.narrow())
    }

    fn session(&mut self) -> Session {
        if self.flag() { Session::FIRST } else { Session(self.narrow()) }
    }

    fn epoch(&mut self) -> Epoch {
        Epoch(self.narrow())
    }

    fn millis(&mut self) -> Millis {
        Millis(self.signed())
    }

    fn money(&mut self) -> Money {
        Money(self.signed())
    }

    fn weights(&mut self) -> WeightsVersion {
        WeightsVersion(self.short())
    }

    fn coord(&mut self) -> Coord {
        Coord { lat: self.narrow() as i32, lon: self.narrow().wrapping_neg() as i32 }
    }

    fn place(&mut self) -> Position {
        Position { edge: EdgeId(self.narrow()), along: self.short() }
    }

    fn name(&mut self) -> Name {
        Name(self.text().into())
    }

    fn text(&mut self) -> String {
        self.several(12, |draw| draw.one_of(&['a', 'Z', '7', '-', '"', '\\', '\n', 'é', '道'])).into_iter().collect()
    }

    fn key(&mut self) -> Key {
        Key(u128::from(self.wide()) << 64 | u128::from(self.wide()))
    }

    fn drivers(&mut self) -> Box<[DriverId]> {
        self.several(5, Self::driver).into()
    }

    fn terms(&mut self) -> Terms {
        Terms(std::array::from_fn(|_| if self.flag() { 0 } else { self.signed() }))
    }

    fn ping(&mut self) -> Ping {
        let session = if self.below(16) == 0 { self.session() } else { Session::FIRST };
        Ping { driver: self.driver(), session, seq: self.narrow(), age_ms: self.narrow() as i32, coord: self.coord() }
    }

    /// A command of kind `kind` (below [`COMMANDS`]).
    fn command(&mut self, kind: u64) -> Command {
        let (driver, ride, epoch, session) = (self.driver(), self.ride(), self.epoch(), self.session());
        match kind {
            0 => Command::ReportPositions(self.several(40, Self::ping)),
            1 => Command::Tick,
            2 => Command::Propose(Box::new(Proposal {
                basis: Offset(self.wide()),
                changes: self.several(4, |draw| Proposed {
                    ride: draw.ride(),
                    driver: draw.driver(),
                    pickup_eta_ms: draw.narrow(),
                    terms: draw.terms(),
                }),
            })),
            3 => Command::RequestRide(Box::new(RequestRide {
                rider: self.name(),
                pickup: self.coord(),
                dropoff: self.coord(),
                seats: self.byte(),
                class: self.byte(),
                tier: self.byte(),
                blocked: self.drivers(),
            })),
            4 => Command::AcceptOffer { driver, ride, epoch, session },
            5 => Command::DeclineOffer { driver, ride, epoch, session },
            6 => Command::ArriveAtPickup { driver, ride, session },
            7 => Command::BoardRider { driver, ride, session },
            8 => Command::EndTrip { driver, ride, place: self.coord(), session },
            9 => Command::CancelRide { ride },
            10 => Command::CancelByDriver { driver, ride, session },
            11 => Command::StartShift(Box::new(StartShift {
                driver: self.name(),
                place: self.coord(),
                seats: self.byte(),
                class: self.byte(),
                autonomous: self.flag(),
                until: self.maybe(Self::millis),
                home: self.maybe(Self::coord),
                rating: self.short(),
            })),
            12 => Command::Resume { since: self.millis() },
            13 => Command::Upgrade(Box::new(self.upgrade())),
            14 => Command::Checkpoint { slice: self.wide() as u16 },
            15 => Command::OpenSession { driver },
            _ => Command::EndShift { driver, session },
        }
    }

    /// The event of a ping, as the engine gives it.
    fn answer(&mut self, ping: Ping) -> Event {
        let Ping { driver, seq, age_ms, coord, .. } = ping;
        if self.below(8) == 0 {
            return Event::PingRefused { driver, seq, reason: self.ping_refusal() };
        }
        let fix = self.fix();
        match u32::try_from(age_ms) {
            Ok(age_ms) if self.below(8) > 0 => Event::DriverMoved { driver, seq, age_ms, clamped: false, coord, fix },
            _ => Event::DriverMoved { driver, seq, age_ms: self.narrow(), clamped: true, coord, fix },
        }
    }

    /// A turn of any kind. That of a bundle of pings mostly answers each of them, with other events between.
    pub fn turn(&mut self) -> Turn {
        let kind = if self.below(4) == 0 { 0 } else { self.below(COMMANDS) };
        let command = self.command(kind);
        let mut events = self.several(4, |draw| {
            let kind = draw.below(EVENTS);
            draw.event(kind)
        });
        if let Command::ReportPositions(pings) = &command {
            for &ping in pings {
                if self.below(30) > 0 {
                    let event = self.answer(ping);
                    events.push(event);
                }
                if self.below(20) == 0 {
                    let kind = self.below(EVENTS);
                    events.push(self.event(kind));
                }
            }
        }
        let mut turn =
            Turn { offset: Offset(self.wide()), at: self.millis(), key: self.maybe(Self::key), command, events };
        self.echo(&mut turn);
        turn
    }

    /// Adds events that repeat what stands beside them: that the command was taken, and that silences were put off.
    fn echo(&mut self, turn: &mut Turn) {
        let place = self.below(turn.events.len() as u64 + 1) as usize;
        if let Some(key) = turn.key
            && self.flag()
        {
            let (fingerprint, offset) = (fingerprint(&turn.command), turn.offset);
            turn.events.insert(place, Event::Keyed { key, fingerprint, offset, ride: self.maybe(Self::ride) });
        }
        if self.below(4) == 0 {
            let rearmed = self.several(6, |draw| {
                let until = Millis(turn.at.0.wrapping_add(draw.signed() >> 32));
                Event::SilenceRearmed { driver: draw.driver(), until }
            });
            turn.events.splice(place..place, rearmed);
        }
    }

    /// A bundle of pings as a city sends it, each answered: for figures of size and speed.
    pub fn bundle(&mut self, offset: u64, origin: Coord, pings: u32) -> Turn {
        let mut command = Vec::new();
        let mut events = Vec::new();
        for index in 0..pings {
            let mut near = |middle: i32| middle + self.below(1_600_000) as i32 - 800_000;
            let coord = Coord { lat: near(origin.lat), lon: near(origin.lon) };
            let driver = DriverId(index * (8_000 / pings) + self.below(60) as u32);
            let (seq, age_ms) = (2_000 + self.below(3) as u32, self.below(250) as u32);
            let place = Position { edge: EdgeId(self.below(9_452) as u32), along: self.bits() as u16 };
            let fix = match self.below(100) {
                0..45 => Fix::Kept,
                45..55 => Fix::Anchored(place),
                55..98 => Fix::OnRoute { cursor: self.below(56) as u16, place },
                _ => Fix::OffRoute(place),
            };
            command.push(Ping { driver, session: Session::FIRST, seq, age_ms: age_ms as i32, coord });
            events.push(Event::DriverMoved { driver, seq, age_ms, clamped: false, coord, fix });
            if matches!(fix, Fix::OffRoute(_)) {
                let eta_ms = self.below(1_200_000) as u32;
                let target = Position { edge: EdgeId(self.below(9_452) as u32), along: self.bits() as u16 };
                events.push(Event::LegPlanned { driver, origin: place, target, weights: WeightsVersion(8), eta_ms });
            }
        }
        let at = Millis(1_362_124_800_000 + offset as i64 * 250);
        Turn { offset: Offset(offset), at, key: None, command: Command::ReportPositions(command), events }
    }
}
