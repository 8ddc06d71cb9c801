//! What a market should do, told plainly: a second account of its rules, fed with the turns it released.
//!
//! Shares no code with the engine's transitions, only its records. It is told of what is a matter of judgement (who is
//! offered which ride, which way is driven) and says whether that was allowed; all else it knows by itself: how each
//! command is answered, when each deadline of a ride passes and in which order, what is paid.

mod answer;
mod money;
mod tables;

use crate::broken::{Broken, Checked, Promise, ensure};
use answer::Answer;
use hansom_engine::domain::Settings;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{OfferMade, PingRefusal, ReleaseCause, RideRequested};
use hansom_engine::{Command, Event, Key, Offset, Turn};
use hansom_geo_index::Millis;
use std::collections::BTreeMap;
use tables::{Comms, Driver, Kind, Offer, Ride, Shift, Stage};

/// The market as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    settings: Settings,
    /// When the planner was asked last.
    asked: Millis,
    rides: BTreeMap<u32, Ride>,
    next_ride: u32,
    drivers: Vec<Driver>,
    keys: BTreeMap<Key, Known>,
    at: Millis,
}

/// What is remembered of a command that was taken.
#[derive(Debug, Clone)]
struct Known {
    command: Command,
    offset: Offset,
    at: Millis,
    ride: Option<u32>,
}

/// How far a turn was followed.
struct Course<'a> {
    turn: &'a Turn,
    answer: Answer,
    /// The command's own facts began.
    begun: bool,
    /// Those of its pings that were decided.
    pings: usize,
    /// The last deadline that passed in this turn.
    last: Option<(Millis, Kind, u32)>,
    /// Rides that ended in it.
    ended: Vec<u32>,
}

impl Model {
    pub fn new(settings: Settings, start: Millis) -> Self {
        Self {
            settings,
            asked: start,
            rides: BTreeMap::new(),
            next_ride: 1,
            drivers: Vec::new(),
            keys: BTreeMap::new(),
            at: start,
        }
    }

    /// Follows a turn, and says what of it should not be.
    pub fn take(&mut self, turn: &Turn) -> Checked {
        ensure(turn.at >= self.at, Promise::Deadline, || format!("time ran back to {:?}", turn.at))?;
        self.at = turn.at;
        let mut course =
            Course { turn, answer: Answer::of(turn), begun: false, pings: 0, last: None, ended: Vec::new() };
        let goes_first = matches!(turn.command, Command::Resume { .. } | Command::Upgrade(_));
        for event in &turn.events {
            if !goes_first && !course.begun && answer::is_of_command(turn, &course.answer, event) {
                course.begun = true;
                self.nothing_overdue()?;
                self.check_answer(&course)?;
            }
            self.follow(&mut course, event).map_err(|broken| broken.at(turn, event))?;
        }
        if !goes_first && !course.begun {
            // It had no facts of its own.
            ensure(answer::may_be_silent(&turn.command), Promise::Answer, || {
                format!("offset {}: nothing came of {:?}", turn.offset, turn.command)
            })?;
        }
        self.nothing_overdue()?;
        self.all_is_settled(&course)
    }

    /// No deadline passed that has not been acted on.
    fn nothing_overdue(&self) -> Checked {
        let overdue = self.rides.iter().find(|(_, ride)| ride.timer.is_some_and(|(_, due)| due < self.at));
        match overdue {
            None => Ok(()),
            Some((id, ride)) => {
                Err(Broken::new(Promise::Deadline, format!("ride {id}: {:?} is overdue at {:?}", ride.timer, self.at)))
            }
        }
    }

    fn all_is_settled(&self, course: &Course<'_>) -> Checked {
        for id in &course.ended {
            let Some(ride) = self.rides.get(id) else { continue };
            ensure(ride.paid == money::is_due(ride, &self.settings.tariff), Promise::Answer, || {
                format!("offset {}: ride {id} ended, and was it paid? {}", course.turn.offset, ride.paid)
            })?;
        }
        for (id, driver) in self.drivers.iter().enumerate() {
            ensure(driver.shift != Shift::Finishing || !driver.held.is_empty(), Promise::Answer, || {
                format!("offset {}: driver {id} has nothing left to do, and yet no end", course.turn.offset)
            })?;
        }
        Ok(())
    }

    fn ride(&mut self, id: u32) -> Checked<&mut Ride> {
        self.rides.get_mut(&id).ok_or_else(|| Broken::new(Promise::Answer, format!("there is no ride {id}")))
    }

    fn driver(&mut self, id: u32) -> Checked<&mut Driver> {
        self.drivers
            .get_mut(id as usize)
            .ok_or_else(|| Broken::new(Promise::Answer, format!("there is no driver {id}")))
    }

    /// The deadline `kind` of a ride passed.
    fn passed(&mut self, course: &mut Course<'_>, id: u32, kind: Kind) -> Checked {
        let at = self.at;
        let timer = self.ride(id)?.timer.take();
        let Some((_, due)) = timer.filter(|(found, due)| *found == kind && *due < at) else {
            return Err(Broken::new(Promise::Deadline, format!("ride {id}: {kind:?} is not due, but {timer:?}")));
        };
        let this = (due, kind, id);
        ensure(course.last.is_none_or(|last| last < this), Promise::Deadline, || {
            format!("{this:?} passed after {:?}", course.last)
        })?;
        course.last = Some(this);
        Ok(())
    }

    fn follow(&mut self, course: &mut Course<'_>, event: &Event) -> Checked {
        let at = self.at;
        match event {
            Event::Keyed { key, offset, ride, .. } => self.keyed(course, *key, *offset, ride.map(|ride| ride.0)),
            Event::Refused { .. } | Event::Repeated { .. } => Ok(()),

            Event::ShiftStarted(e) => {
                let started = Driver::start(e, at);
                match self.drivers.get_mut(e.driver.index()) {
                    Some(driver) => *driver = started,
                    None => {
                        ensure(e.driver.index() == self.drivers.len(), Promise::Answer, || {
                            "a number is left out".into()
                        })?;
                        self.drivers.push(started);
                    }
                }
                Ok(())
            }
            Event::ShiftFinishing { driver } => {
                let driver = self.driver(driver.0)?;
                ensure(driver.shift == Shift::On && !driver.held.is_empty(), Promise::Answer, String::new)?;
                driver.shift = Shift::Finishing;
                Ok(())
            }
            Event::ShiftEnded { driver } => {
                let by_order = matches!(&course.turn.command, Command::EndShift { driver: of } if of == driver);
                let driver = self.driver(driver.0)?;
                let ends = driver.shift == Shift::Finishing || driver.shift == Shift::On && by_order && course.begun;
                ensure(ends && driver.held.is_empty() && driver.offered.is_none(), Promise::Answer, String::new)?;
                driver.shift = Shift::Off;
                Ok(())
            }
            Event::DriverMoved { driver, seq, .. } => self.moved(course, driver.0, *seq),
            Event::PingRefused { driver, seq, reason } => self.ping_refused(course, driver.0, *seq, *reason),
            Event::LegPlanned { driver, .. } => {
                let held = !self.driver(driver.0)?.held.is_empty();
                ensure(held, Promise::Answer, || "a way to nowhere".into())
            }
            Event::DriverChainable { driver } | Event::ChainDeferred { driver, .. } => {
                let driver = self.driver(driver.0)?;
                ensure(!driver.held.is_empty(), Promise::Deadline, || "nothing to chain to".into())
            }
            Event::SilenceRearmed { driver, .. } => {
                let driver = self.driver(driver.0)?;
                ensure(driver.comms == Comms::Live && !driver.held.is_empty(), Promise::Deadline, String::new)
            }
            Event::DriverWarned { driver, until } => self.warned(driver.0, *until),
            Event::DriverDark { driver } => {
                let driver = self.driver(driver.0)?;
                let Comms::Warned { until } = driver.comms else {
                    return Err(Broken::new(Promise::Deadline, "given up without a warning"));
                };
                ensure(until < at && !driver.held.is_empty(), Promise::Deadline, || "given up too early".into())?;
                driver.comms = Comms::Dark;
                Ok(())
            }

            Event::RideRequested(e) => self.requested(e),
            Event::RequestRefused { ride, .. } => self.numbered(ride.0),
            Event::OfferMade(e) => self.offered(course, e),
            Event::OfferAccepted { ride, driver: of, epoch, slip_at, .. } => {
                self.offer_over(ride.0, of.0, epoch.0, hansom_engine::lifecycle::offer::Outcome::Accepted)?;
                let chained = !self.driver(of.0)?.held.is_empty();
                ensure(chained == slip_at.is_some(), Promise::Answer, || "chained or not?".into())?;
                let driver = self.driver(of.0)?;
                if driver.held.is_empty() {
                    // Who answers is there.
                    driver.comms = Comms::Live;
                }
                driver.held.push(ride.0);
                let ride = self.ride(ride.0)?;
                ride.stage = Stage::Coming(of.0);
                ride.timer = slip_at.map(|due| (Kind::Slip, due));
                Ok(())
            }
            Event::OfferDeclined { ride, driver, epoch } => {
                self.offer_over(ride.0, driver.0, epoch.0, hansom_engine::lifecycle::offer::Outcome::Declined)?;
                self.offer_failed(ride.0, driver.0)
            }
            Event::OfferExpired { ride, driver, epoch } => {
                self.passed(course, ride.0, Kind::Offer)?;
                self.offer_over(ride.0, driver.0, epoch.0, hansom_engine::lifecycle::offer::Outcome::Expired)?;
                self.offer_failed(ride.0, driver.0)
            }
            Event::OfferWithdrawn { ride, driver, epoch } => {
                self.offer_over(ride.0, driver.0, epoch.0, hansom_engine::lifecycle::offer::Outcome::Withdrawn)?;
                if self.ride(ride.0)?.is_open() {
                    self.back_in_line(ride.0)?;
                }
                Ok(())
            }
            Event::RideExhausted { ride } => {
                let most = self.settings.max_offers;
                let ride = self.ride(ride.0)?;
                ensure(ride.stage == Stage::Line && ride.failed >= most, Promise::Answer, || "offers are left".into())?;
                ride.stage = Stage::Used;
                Ok(())
            }
            Event::RideReviewed { ride, until } => {
                self.passed(course, ride.0, Kind::Review)?;
                let due = at + self.settings.review;
                ensure(*until == due, Promise::Deadline, || format!("the next review should be at {due:?}"))?;
                self.ride(ride.0)?.timer = Some((Kind::Review, due));
                Ok(())
            }
            Event::SlipPassed { ride } => self.passed(course, ride.0, Kind::Slip),
            Event::DriverArrived { ride, driver, until } => {
                let due = at + self.settings.no_show_wait;
                ensure(*until == due, Promise::Deadline, || format!("the rider should be waited for until {due:?}"))?;
                let ride = self.ride(ride.0)?;
                ensure(ride.stage == Stage::Coming(driver.0), Promise::Answer, String::new)?;
                (ride.stage, ride.timer) = (Stage::AtPickup(driver.0), Some((Kind::NoShow, due)));
                Ok(())
            }
            Event::RiderBoarded { ride, driver } => {
                let ride = self.ride(ride.0)?;
                ensure(ride.stage == Stage::AtPickup(driver.0), Promise::Answer, String::new)?;
                (ride.stage, ride.timer) = (Stage::Aboard(driver.0), None);
                Ok(())
            }
            Event::RideReleased { ride, driver, cause } => self.released(course, ride.0, driver.0, *cause),
            Event::RideEnded { ride, outcome, driver, .. } => {
                self.ended(course, ride.0, *outcome, driver.map(|driver| driver.0))
            }
            Event::Settled(e) => {
                let tariff = self.settings.tariff.clone();
                let ride = self.ride(e.ride.0)?;
                money::check(e, ride, &tariff)?;
                ensure(!std::mem::replace(&mut ride.paid, true), Promise::Once, || "paid twice".into())
            }
            Event::RideRetired { ride } => {
                self.passed(course, ride.0, Kind::Retire)?;
                self.rides.remove(&ride.0);
                self.keys.retain(|_, known| known.ride != Some(ride.0));
                Ok(())
            }
            Event::KeysExpired { before } => {
                let oldest = at - self.settings.creation_key_life + Millis(1);
                ensure(*before <= oldest, Promise::Deadline, || "keys are forgotten too early".into())?;
                self.keys.retain(|_, known| known.ride.is_some() || known.at >= *before);
                Ok(())
            }
            Event::Resumed { gap_ms } => {
                let Command::Resume { since } = course.turn.command else {
                    return Err(Broken::new(Promise::Answer, "nobody was away"));
                };
                let gap = (at - since).max(Millis::ZERO);
                ensure(gap.0.cast_unsigned() == *gap_ms, Promise::Answer, || format!("it was away for {gap:?}"))?;
                self.resumed(gap);
                Ok(())
            }
            Event::Upgraded(upgrade) => {
                self.settings = upgrade.settings.clone();
                Ok(())
            }
            Event::Poisoned { .. } => Err(Broken::new(Promise::Calm, "a step could not be decided")),
            Event::MatchingDue { .. } => {
                self.asked = at;
                Ok(())
            }
            Event::MatchingScheduled { .. }
            | Event::MatchingIdle
            | Event::ProposalTaken { .. }
            | Event::WeightsActivated { .. }
            | Event::Checkpoint { .. } => Ok(()),
        }
    }

    fn keyed(&mut self, course: &Course<'_>, key: Key, offset: Offset, ride: Option<u32>) -> Checked {
        let turn = course.turn;
        ensure(turn.key == Some(key) && offset == turn.offset, Promise::Once, || "noted for another turn".into())?;
        let command = turn.command.clone();
        let before = self.keys.insert(key, Known { command, offset, at: self.at, ride });
        match before {
            None => Ok(()),
            Some(before) => {
                Err(Broken::new(Promise::Once, format!("key {key} took effect at {} and again", before.offset)))
            }
        }
    }

    fn moved(&mut self, course: &mut Course<'_>, id: u32, seq: u32) -> Checked {
        course.pings += 1;
        let at = self.at;
        let driver = self.driver(id)?;
        ensure(driver.shift != Shift::Off && seq > driver.seq, Promise::Answer, || "a stale position".into())?;
        (driver.seq, driver.heard, driver.comms) = (seq, at, Comms::Live);
        Ok(())
    }

    fn ping_refused(&mut self, course: &mut Course<'_>, id: u32, seq: u32, reason: PingRefusal) -> Checked {
        course.pings += 1;
        let right = match self.drivers.get(id as usize) {
            None => reason == PingRefusal::UnknownDriver,
            Some(driver) if driver.shift == Shift::Off => reason == PingRefusal::OffShift,
            Some(driver) if seq <= driver.seq => reason == PingRefusal::OutOfOrder,
            // Whether a place is near a street is a matter of the network.
            Some(_) => matches!(reason, PingRefusal::Teleport | PingRefusal::OffStreet),
        };
        ensure(right, Promise::Answer, || format!("refused as {reason:?}"))
    }

    fn warned(&mut self, id: u32, until: Millis) -> Checked {
        let (at, settings) = (self.at, &self.settings);
        let (warn, redispatch) = (settings.silence_warn, settings.silence_redispatch);
        let driver = self.driver(id)?;
        let silent = at - driver.heard;
        let holds = driver.comms == Comms::Live && !driver.held.is_empty() && silent >= warn;
        ensure(holds, Promise::Deadline, || format!("driver {id} was silent for {silent:?} only"))?;
        ensure(until >= driver.heard + redispatch, Promise::Deadline, || "too little time to answer".into())?;
        driver.comms = Comms::Warned { until };
        Ok(())
    }

    fn numbered(&mut self, id: u32) -> Checked {
        ensure(id == self.next_ride, Promise::Answer, || format!("ride {} comes next", self.next_ride))?;
        self.next_ride += 1;
        Ok(())
    }

    fn requested(&mut self, e: &RideRequested) -> Checked {
        self.numbered(e.ride.0)?;
        let fare = money::fare(&self.settings.tariff, e.direct_mm, e.direct_ms);
        ensure(e.fare == fare, Promise::Answer, || format!("the fare should be {fare}"))?;
        let due = self.at + self.settings.review;
        ensure(e.review_at == due, Promise::Deadline, || format!("the review should be at {due:?}"))?;
        self.rides.insert(e.ride.0, Ride::new(e, self.at, due));
        Ok(())
    }

    fn offered(&mut self, course: &Course<'_>, e: &OfferMade) -> Checked {
        let (at, settings) = (self.at, &self.settings);
        // A planner answers as things were when it was asked.
        let seen = if let Command::Propose(_) = course.turn.command { self.asked } else { at };
        let due = at + settings.offer_life;
        let forgotten = settings.silence_redispatch;
        let Some(driver) = self.drivers.get(e.driver.index()) else {
            return Err(Broken::new(Promise::Answer, "offered to nobody"));
        };
        let Some(ride) = self.rides.get(&e.ride.0) else {
            return Err(Broken::new(Promise::Answer, "nothing was offered"));
        };
        let allowed = [
            ("the ride is not in line", ride.stage == Stage::Line),
            ("the number of the offer is not the next", ride.offer.map_or(0, |offer| offer.epoch) + 1 == e.epoch.0),
            ("the deadline is not that of offers", e.deadline == due),
            ("the driver is not on shift", driver.shift == Shift::On),
            ("the driver thinks about another offer", driver.offered.is_none()),
            ("the driver cannot be reached", driver.comms != Comms::Dark),
            ("the vehicle has too few seats", ride.seats <= driver.seats),
            ("the vehicle is of another class", ride.class == driver.class),
            ("the rider shall not meet the driver", !ride.blocked.contains(&e.driver)),
            ("the driver has enough to do", driver.held.len() == usize::from(e.chained)),
            ("the driver has not been heard for long", e.chained || seen - driver.heard <= forgotten),
        ];
        for (what, holds) in allowed {
            ensure(holds, Promise::Answer, || what.into())?;
        }
        let resting = ride.resting.iter().any(|(who, until)| *who == e.driver.0 && seen < *until);
        ensure(!resting, Promise::Answer, || "the driver turned the ride down just now".into())?;
        self.driver(e.driver.0)?.offered = Some(e.ride.0);
        let ride = self.ride(e.ride.0)?;
        ride.stage = Stage::Offered(e.driver.0);
        ride.offer = Some(Offer { driver: e.driver.0, epoch: e.epoch.0, over: None });
        ride.timer = Some((Kind::Offer, due));
        Ok(())
    }

    fn offer_over(
        &mut self,
        id: u32,
        driver: u32,
        epoch: u32,
        outcome: hansom_engine::lifecycle::offer::Outcome,
    ) -> Checked {
        let ride = self.ride(id)?;
        match &mut ride.offer {
            Some(offer) if offer.driver == driver && offer.epoch == epoch && offer.over.is_none() => {
                offer.over = Some(outcome);
            }
            other => return Err(Broken::new(Promise::Answer, format!("ride {id}: no such offer is open: {other:?}"))),
        }
        let driver = self.driver(driver)?;
        ensure(driver.offered.take() == Some(id), Promise::Answer, || "it was not offered to him".into())
    }

    fn offer_failed(&mut self, id: u32, driver: u32) -> Checked {
        let until = self.at + self.settings.decline_rest;
        let ride = self.ride(id)?;
        ride.failed += 1;
        ride.resting.push((driver, until));
        self.back_in_line(id)
    }

    fn back_in_line(&mut self, id: u32) -> Checked {
        let due = self.at + self.settings.review;
        let ride = self.ride(id)?;
        (ride.stage, ride.timer) = (Stage::Line, Some((Kind::Review, due)));
        Ok(())
    }

    fn let_go(&mut self, id: u32, driver: u32) -> Checked {
        let driver = self.driver(driver)?;
        ensure(driver.held.contains(&id), Promise::Answer, || "he did not hold the ride".into())?;
        driver.held.retain(|held| *held != id);
        Ok(())
    }

    fn released(&mut self, course: &mut Course<'_>, id: u32, driver: u32, cause: ReleaseCause) -> Checked {
        let stage = self.ride(id)?.stage;
        let held = stage == Stage::Coming(driver) || stage == Stage::AtPickup(driver);
        ensure(held, Promise::Answer, || format!("ride {id} is {stage:?}"))?;
        match cause {
            ReleaseCause::DriverCancelled => ensure(course.begun, Promise::Answer, || "nobody cancelled".into())?,
            ReleaseCause::Silent => {
                let dark = self.driver(driver)?.comms == Comms::Dark;
                ensure(dark, Promise::Deadline, || format!("driver {driver} was not given up"))?;
            }
            // At the end of the ride before, or when that has not come in time.
            ReleaseCause::Slipped if course.begun => {}
            ReleaseCause::Slipped => self.passed(course, id, Kind::Slip)?,
        }
        self.let_go(id, driver)?;
        let until = self.at + self.settings.decline_rest;
        self.ride(id)?.resting.push((driver, until));
        self.back_in_line(id)
    }

    fn ended(&mut self, course: &mut Course<'_>, id: u32, outcome: Outcome, driver: Option<u32>) -> Checked {
        let (at, give_up) = (self.at, self.settings.give_up);
        let ride = self.ride(id)?;
        ensure(ride.stage.driver() == driver, Promise::Answer, || format!("ride {id} is {:?}", ride.stage))?;
        let right = match outcome {
            Outcome::Completed | Outcome::EndedEarly => matches!(ride.stage, Stage::Aboard(_)),
            Outcome::CancelledBeforeMatch => matches!(ride.stage, Stage::Line | Stage::Offered(_)),
            Outcome::CancelledAfterMatch => matches!(ride.stage, Stage::Coming(_) | Stage::AtPickup(_)),
            Outcome::NoShow => matches!(ride.stage, Stage::AtPickup(_)),
            Outcome::NoDriver => ride.stage == Stage::Used,
            Outcome::Refused => false,
        };
        ensure(right, Promise::Answer, || format!("ride {id} is {:?} and ends as {outcome}", ride.stage))?;
        let waited = at - ride.asked >= give_up + ride.extended;
        match outcome {
            Outcome::NoShow => self.passed(course, id, Kind::NoShow)?,
            Outcome::NoDriver if !course.begun => {
                ensure(waited, Promise::Deadline, || format!("ride {id} is given up too early"))?;
                self.passed(course, id, Kind::Review)?;
            }
            _ => ensure(course.begun, Promise::Answer, || format!("nobody ended ride {id}"))?,
        }
        if let Some(driver) = driver {
            self.let_go(id, driver)?;
        }
        let due = at + self.settings.ride_key_life;
        let ride = self.ride(id)?;
        (ride.stage, ride.timer) = (Stage::Over(outcome), Some((Kind::Retire, due)));
        course.ended.push(id);
        Ok(())
    }

    /// What is awaited of who is bound to a ride is put off by the whole outage, the patience of others up to a bound.
    fn resumed(&mut self, gap: Millis) {
        let bound = self.settings.resume_bound;
        for ride in self.rides.values_mut() {
            if ride.is_open() {
                ride.extended += gap.min(bound);
            }
            if let Some((kind, due)) = &mut ride.timer {
                *due += match kind {
                    Kind::Offer if gap > bound => Millis::ZERO,
                    Kind::Review => gap.min(bound),
                    Kind::Offer | Kind::NoShow | Kind::Slip | Kind::Retire => gap,
                };
            }
        }
        for driver in self.drivers.iter_mut().filter(|driver| !driver.held.is_empty()) {
            driver.heard += gap;
            if let Comms::Warned { until } = &mut driver.comms {
                *until += gap;
            }
        }
    }
}
