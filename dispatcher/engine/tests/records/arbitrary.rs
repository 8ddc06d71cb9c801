//! Turns of every kind, drawn from a seed: all commands, all events, numbers small, large and at their ends.

use hansom_engine::domain::{Hours, Planner, Policy, Settings, Tariff, Term, Terms, Unserved, Weights};
use hansom_engine::lifecycle::{offer, ride, session};
use hansom_engine::record::{
    Account, Entry, Fix, Header, OfferMade, Ping, PingRefusal, Proposal, Proposed, Refusal, ReleaseCause,
    RequestRefusal, RequestRide, RideRequested, Settlement, SettlementCause, ShiftStarted, StartShift,
};
use hansom_engine::{Command, DriverId, Epoch, Event, Key, Money, Name, Offset, RideId, Turn};
use hansom_geo_index::{Coord, EdgeId, Millis, Position, WeightsVersion};

/// Number of kinds of commands.
const COMMANDS: u64 = 13;
/// Number of kinds of events.
const EVENTS: u64 = 36;

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
        Ping { driver: self.driver(), seq: self.narrow(), age_ms: self.narrow() as i32, coord: self.coord() }
    }

    /// A command of kind `kind` (below [`COMMANDS`]).
    fn command(&mut self, kind: u64) -> Command {
        let (driver, ride, epoch) = (self.driver(), self.ride(), self.epoch());
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
            4 => Command::AcceptOffer { driver, ride, epoch },
            5 => Command::DeclineOffer { driver, ride, epoch },
            6 => Command::ArriveAtPickup { driver, ride },
            7 => Command::BoardRider { driver, ride },
            8 => Command::EndTrip { driver, ride, place: self.coord() },
            9 => Command::CancelRide { ride },
            10 => Command::CancelByDriver { driver, ride },
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
            _ => Command::EndShift { driver },
        }
    }

    fn fix(&mut self) -> Fix {
        match self.below(4) {
            0 => Fix::Kept,
            1 => Fix::Anchored(self.place()),
            2 => Fix::OnRoute { cursor: self.short(), place: self.place() },
            _ => Fix::OffRoute(self.place()),
        }
    }

    fn outcome(&mut self) -> ride::Outcome {
        use ride::Outcome::{
            CancelledAfterMatch, CancelledBeforeMatch, Completed, EndedEarly, NoDriver, NoShow, Refused,
        };
        self.one_of(&[Completed, EndedEarly, CancelledBeforeMatch, CancelledAfterMatch, NoShow, NoDriver, Refused])
    }

    fn status(&mut self) -> ride::Status {
        use ride::Status::{Assigned, Ended, Exhausted, Offered, OnBoard, Searching, Waiting};
        let driver = self.driver();
        let ended = Ended(self.outcome());
        self.one_of(&[Searching, Exhausted, Offered(driver), Assigned(driver), Waiting(driver), OnBoard(driver), ended])
    }

    fn refusal(&mut self) -> Refusal {
        use ride::Refusal::{
            Arrived, Ended, NoDriver, NotArrived, NotOffered, NotOnBoard, NotSearching, NotYours, OnBoard,
        };
        use session::Status::{Finishing, Off, On};
        let (outcome, status) = (self.outcome(), self.status());
        let of_ride = self.one_of(&[
            Ended(outcome),
            NotYours,
            NoDriver(status),
            NotArrived,
            Arrived,
            NotOnBoard,
            OnBoard,
            NotSearching(status),
            NotOffered,
        ]);
        use offer::Outcome::{Accepted, Declined, Expired, Withdrawn};
        let stale = offer::Refusal::StaleEpoch { given: self.epoch(), open: self.epoch() };
        let settled = offer::Refusal::Settled(self.one_of(&[Accepted, Declined, Expired, Withdrawn]));
        let on_shift = session::Refusal::OnShift(self.one_of(&[Off, On, Finishing]));
        self.one_of(&[
            Refusal::KeyConflict,
            Refusal::UnknownDriver,
            Refusal::UnknownRide,
            Refusal::Ride(of_ride),
            Refusal::Ride(of_ride),
            Refusal::Ride(of_ride),
            Refusal::Offer(stale),
            Refusal::Offer(settled),
            Refusal::Session(on_shift),
            Refusal::Session(session::Refusal::OffShift),
            Refusal::OutOfTurn,
            Refusal::OffStreet,
            Refusal::NoSeats,
            Refusal::StaleProposal,
        ])
    }

    fn ping_refusal(&mut self) -> PingRefusal {
        use PingRefusal::{OffShift, OffStreet, OutOfOrder, Teleport, UnknownDriver};
        self.one_of(&[UnknownDriver, OffShift, OutOfOrder, Teleport, OffStreet])
    }

    /// An event of kind `kind` (below [`EVENTS`]).
    fn event(&mut self, kind: u64) -> Event {
        let (driver, ride, epoch, until) = (self.driver(), self.ride(), self.epoch(), self.millis());
        match kind {
            0 => Event::Keyed {
                key: self.key(),
                fingerprint: self.wide(),
                offset: Offset(self.wide()),
                ride: self.maybe(Self::ride),
            },
            1 => Event::Refused { reason: self.refusal() },
            2 => Event::Repeated { first: Offset(self.wide()) },
            3 => Event::ShiftStarted(Box::new(ShiftStarted {
                driver,
                name: self.name(),
                coord: self.coord(),
                place: self.place(),
                seats: self.byte(),
                class: self.byte(),
                autonomous: self.flag(),
                until: self.maybe(Self::millis),
                home: self.maybe(Self::coord),
                rating: self.short(),
            })),
            4 => Event::ShiftFinishing { driver },
            5 => Event::ShiftEnded { driver },
            6 => Event::DriverMoved {
                driver,
                seq: self.narrow(),
                age_ms: self.narrow(),
                clamped: self.flag(),
                coord: self.coord(),
                fix: self.fix(),
            },
            7 => Event::PingRefused { driver, seq: self.narrow(), reason: self.ping_refusal() },
            8 => Event::LegPlanned {
                driver,
                origin: self.place(),
                target: self.place(),
                weights: self.weights(),
                eta_ms: self.narrow(),
            },
            9 => Event::DriverChainable { driver },
            10 => Event::ChainDeferred { driver, until },
            11 => Event::SilenceRearmed { driver, until },
            12 => Event::DriverWarned { driver, until },
            13 => Event::DriverDark { driver },
            14 => Event::RideRequested(Box::new(RideRequested {
                ride,
                rider: self.name(),
                pickup: self.place(),
                dropoff: self.place(),
                seats: self.byte(),
                class: self.byte(),
                tier: self.byte(),
                blocked: self.drivers(),
                weights: self.weights(),
                direct_ms: self.narrow(),
                direct_mm: self.narrow(),
                fare: self.money(),
                first_eta_ms: self.maybe(Self::narrow),
                review_at: until,
            })),
            15 => Event::RequestRefused {
                ride,
                reason: self.one_of(&[
                    RequestRefusal::PickupOffStreet,
                    RequestRefusal::DropoffOffStreet,
                    RequestRefusal::NoSeats,
                ]),
            },
            16 => Event::MatchingScheduled { due: until },
            17 => Event::MatchingDue { basis: Offset(self.wide()), retry: until },
            18 => Event::MatchingIdle,
            19 => Event::ProposalTaken { basis: Offset(self.wide()), applied: self.narrow(), stale: self.narrow() },
            20 => Event::OfferMade(Box::new(OfferMade {
                ride,
                driver,
                epoch,
                deadline: until,
                pickup_eta_ms: self.narrow(),
                chained: self.flag(),
                weights: self.weights(),
                terms: self.terms(),
            })),
            21 => Event::OfferAccepted { ride, driver, epoch, promised: until, slip_at: self.maybe(Self::millis) },
            22 => Event::OfferDeclined { ride, driver, epoch },
            23 => Event::OfferExpired { ride, driver, epoch },
            24 => Event::OfferWithdrawn { ride, driver, epoch },
            25 => Event::RideExhausted { ride },
            26 => Event::RideReviewed { ride, until },
            27 => Event::SlipPassed { ride },
            28 => Event::DriverArrived { ride, driver, until },
            29 => Event::RiderBoarded { ride, driver },
            30 => Event::RideReleased {
                ride,
                driver,
                cause: self.one_of(&[ReleaseCause::DriverCancelled, ReleaseCause::Silent, ReleaseCause::Slipped]),
            },
            31 => Event::RideEnded {
                ride,
                outcome: self.outcome(),
                driver: self.maybe(Self::driver),
                place: self.maybe(Self::place),
            },
            32 => Event::Settled(Box::new(Settlement {
                ride,
                cause: self.one_of(&[SettlementCause::Fare, SettlementCause::Cancellation, SettlementCause::NoShow]),
                entries: self.several(6, |draw| Entry { account: draw.one_of(&Account::ALL), amount: draw.money() }),
            })),
            33 => Event::RideRetired { ride },
            34 => Event::KeysExpired { before: until },
            _ => Event::WeightsActivated { version: self.weights() },
        }
    }

    /// The event of a ping, as the engine gives it.
    fn answer(&mut self, ping: Ping) -> Event {
        let Ping { driver, seq, age_ms, coord } = ping;
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
        Turn { offset: Offset(self.wide()), at: self.millis(), key: self.maybe(Self::key), command, events }
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
            command.push(Ping { driver, seq, age_ms: age_ms as i32, coord });
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

    /// The header of a log.
    pub fn header(&mut self) -> Header {
        Header {
            format_version: hansom_engine::record::FORMAT_VERSION,
            logic_version: self.narrow(),
            network_hash: std::array::from_fn(|_| self.byte()),
            origin: self.coord(),
            settings: self.settings(),
            started_at: self.millis(),
            name: self.text(),
            seed: self.wide(),
            planner_latency: self.millis(),
            scenario: self.text(),
        }
    }

    fn settings(&mut self) -> Settings {
        Settings {
            policy: Policy {
                planner: self.one_of(&[Planner::Nearest, Planner::Batch]),
                batch_window: self.millis(),
                candidates: self.narrow(),
                max_wait: self.millis(),
                chain_horizon: self.millis(),
                chain_slip: self.millis(),
                weights: Weights(std::array::from_fn::<_, { Term::COUNT }, _>(|_| self.narrow() as i32)),
                unserved: Unserved { base: self.signed(), slope_per_s: self.signed() },
                destination_value: self.signed(),
                forecast_value: self.signed(),
            },
            tariff: Tariff {
                currency: self.text().into(),
                base: self.money(),
                per_km: self.money(),
                per_min: self.money(),
                minimum: self.money(),
                driver_share_bp: self.narrow(),
                tax_bp: self.narrow(),
                cancellation_fee: self.money(),
                no_show_fee: self.money(),
            },
            hours: Hours(self.several(4, |draw| (draw.millis(), draw.weights()))),
            offer_life: self.millis(),
            max_offers: self.narrow(),
            decline_rest: self.millis(),
            silence_warn: self.millis(),
            silence_redispatch: self.millis(),
            no_show_wait: self.millis(),
            boarding: self.millis(),
            alighting: self.millis(),
            snap_mm: self.signed(),
            teleport_mm_s: self.signed(),
            teleport_mm: self.signed(),
            reanchor_along_mm: self.signed(),
            reanchor_across_mm: self.signed(),
            arrival_mm: self.signed(),
            max_age: self.millis(),
            ride_key_life: self.millis(),
            creation_key_life: self.millis(),
            review: self.millis(),
            give_up: self.millis(),
            planner_patience: self.millis(),
        }
    }
}
