//! Events of every kind.

use super::Draw;
use hansom_engine::lifecycle::{offer, ride, session};
use hansom_engine::record::{
    Account, Entry, Fix, OfferMade, PingRefusal, Poison, Refusal, ReleaseCause, RequestRefusal, RideRequested,
    Settlement, SettlementCause, ShiftStarted,
};
use hansom_engine::state::{Timer, TimerKind};
use hansom_engine::{Event, Offset};

/// Number of kinds of events.
pub(super) const EVENTS: u64 = 43;

impl Draw {
    pub(super) fn fix(&mut self) -> Fix {
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
        use offer::Outcome::{Accepted, Declined, Expired, Withdrawn};
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
        let stale = offer::Refusal::StaleEpoch { given: self.epoch(), open: self.epoch() };
        let settled = offer::Refusal::Settled(self.one_of(&[Accepted, Declined, Expired, Withdrawn]));
        let (given, open) = (self.session(), self.session());
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
            Refusal::Session(session::Refusal::Superseded { given, open }),
            Refusal::Session(session::Refusal::NotOpened { given, open }),
            Refusal::OutOfTurn,
            Refusal::OffStreet,
            Refusal::NoSeats,
            Refusal::StaleProposal,
            Refusal::NoSuchSlice,
            Refusal::StaleKey,
            Refusal::EarlyKey,
            Refusal::TooManyDrivers,
        ])
    }

    fn poison(&mut self) -> Poison {
        use TimerKind::{Chain, Forget, KeyExpiry, Matching, NoShow, Offer, Retire, Review, Silence, Slip, Weights};
        let kinds = [Weights, Offer, Silence, NoShow, Slip, Review, Chain, Matching, Retire, KeyExpiry, Forget];
        match self.below(3) {
            0 => Poison::Command,
            1 => Poison::Ping { driver: self.driver(), seq: self.narrow() },
            _ => Poison::Timer(Timer { due: self.millis(), kind: self.one_of(&kinds), id: self.narrow() }),
        }
    }

    pub(super) fn ping_refusal(&mut self) -> PingRefusal {
        use PingRefusal::{NotOpened, OffShift, OffStreet, OutOfOrder, Superseded, Teleport, UnknownDriver};
        self.one_of(&[UnknownDriver, OffShift, OutOfOrder, Teleport, OffStreet, Superseded, NotOpened])
    }

    /// An event of kind `kind` (below [`EVENTS`]).
    pub(super) fn event(&mut self, kind: u64) -> Event {
        match kind {
            0 => Event::Keyed {
                key: self.key(),
                fingerprint: self.wide(),
                offset: Offset(self.wide()),
                ride: self.maybe(Self::ride),
            },
            1 => Event::Refused { reason: self.refusal() },
            2 => Event::Repeated { first: Offset(self.wide()) },
            3..14 => self.driver_event(kind),
            _ => self.ride_event(kind),
        }
    }

    fn driver_event(&mut self, kind: u64) -> Event {
        let (driver, until) = (self.driver(), self.millis());
        match kind {
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
            _ => Event::DriverDark { driver },
        }
    }

    fn ride_event(&mut self, kind: u64) -> Event {
        let (driver, ride, epoch, until) = (self.driver(), self.ride(), self.epoch(), self.millis());
        match kind {
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
            35 => Event::Resumed { gap_ms: self.wide() },
            36 => Event::Upgraded(Box::new(self.upgrade())),
            39 => Event::SessionOpened { driver, session: self.session() },
            41 => Event::DriverKept { driver, until },
            42 => Event::DriverForgotten { driver },
            38 => Event::Poisoned { step: self.poison() },
            37 => Event::Checkpoint { slice: self.wide() as u16, digest: self.wide() },
            _ => Event::WeightsActivated { version: self.weights() },
        }
    }
}
