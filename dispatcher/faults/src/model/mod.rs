//! What a market should do, told plainly: a second account of its rules, fed with the turns it released.
//!
//! Shares no code with the engine's transitions, only its records. It is told of what is a matter of judgement (who is
//! offered which ride, which way is driven) and says whether that was allowed; all else it knows by itself: how each
//! command is answered, when each deadline of a ride passes and in which order, what is paid.

mod answer;
mod drivers;
mod index;
mod money;
mod rides;
mod tables;

use crate::broken::{Broken, Checked, Promise, ensure};
use crate::poison;
use answer::Answer;
use hansom_engine::domain::Settings;
use hansom_engine::lifecycle::offer;
use hansom_engine::record::Poison;
use hansom_engine::{Command, Event, Key, Offset, Turn};
use hansom_geo_index::{Millis, Network};
use std::collections::BTreeMap;
use std::sync::Arc;
use tables::{Comms, Driver, Kind, Ride, Shift};

/// The market as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    settings: Settings,
    network: Arc<Network>,
    /// Whether there are records that cannot be decided.
    poisons: bool,
    /// When the planner was asked last.
    asked: Millis,
    rides: BTreeMap<u32, Ride>,
    next_ride: u32,
    drivers: BTreeMap<u32, Driver>,
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
    pub fn new(settings: Settings, start: Millis, network: Arc<Network>, poisons: bool) -> Self {
        Self {
            settings,
            network,
            poisons,
            asked: start,
            rides: BTreeMap::new(),
            next_ride: 1,
            drivers: BTreeMap::new(),
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
        if let Command::ReportPositions(pings) = &turn.command {
            ensure(course.pings == pings.len(), Promise::Answer, || {
                format!("offset {}: {} of {} positions are answered", turn.offset, course.pings, pings.len())
            })?;
        }
        self.nothing_overdue()?;
        self.all_is_settled(&course)
    }

    /// No deadline passed that has not been acted on.
    fn nothing_overdue(&self) -> Checked {
        let life = self.settings.driver_life;
        let is_stale = |driver: &Driver| driver.off_since.is_some_and(|since| since + life < self.at);
        if let Some((id, _)) = self.drivers.iter().find(|(_, driver)| life > Millis::ZERO && is_stale(driver)) {
            return Err(Broken::new(Promise::Deadline, format!("driver {id} should be forgotten by now")));
        }
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
        for (id, driver) in &self.drivers {
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
        self.drivers.get_mut(&id).ok_or_else(|| Broken::new(Promise::Answer, format!("there is no driver {id}")))
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

    /// What `event` changes, and whether it may be.
    fn follow(&mut self, course: &mut Course<'_>, event: &Event) -> Checked {
        match event {
            Event::Keyed { key, offset, ride, .. } => self.keyed(course, *key, *offset, ride.map(|ride| ride.0)),
            Event::KeysExpired { before } => self.keys_expired(*before),
            Event::Resumed { gap_ms } => self.resumed(course, *gap_ms),
            Event::Poisoned { step } => self.poisoned(course, *step),
            Event::Upgraded(upgrade) => {
                self.settings = upgrade.settings.clone();
                Ok(())
            }
            Event::MatchingDue { .. } => {
                self.asked = self.at;
                Ok(())
            }
            Event::Refused { .. }
            | Event::Repeated { .. }
            | Event::MatchingScheduled { .. }
            | Event::MatchingIdle
            | Event::ProposalTaken { .. }
            | Event::WeightsActivated { .. }
            | Event::Checkpoint { .. } => Ok(()),

            Event::ShiftStarted(e) => self.shift_started(e),
            Event::SessionOpened { driver, session } => self.session_opened(driver.0, session.0),
            Event::ShiftFinishing { driver } => self.shift_finishing(driver.0),
            Event::ShiftEnded { driver } => self.shift_ended(course, driver.0),
            Event::DriverMoved { driver, seq, coord, fix, .. } => self.moved(course, driver.0, *seq, (*coord, *fix)),
            Event::PingRefused { driver, seq, reason } => self.ping_refused(course, driver.0, *seq, *reason),
            Event::LegPlanned { driver, .. }
            | Event::DriverChainable { driver }
            | Event::ChainDeferred { driver, .. }
            | Event::SilenceRearmed { driver, .. } => self.has_something_to_do(driver.0),
            Event::DriverKept { driver, .. } => self.driver(driver.0).map(drop),
            Event::DriverForgotten { driver } => self.forgotten(driver.0),
            Event::DriverWarned { driver, until } => self.warned(driver.0, *until),
            Event::DriverDark { driver } => self.dark(driver.0),

            Event::RideRequested(e) => self.requested(e),
            Event::RequestRefused { ride, .. } => self.numbered(ride.0),
            Event::OfferMade(e) => self.offered(course, e),
            Event::OfferAccepted { ride, driver, epoch, slip_at, .. } => {
                self.accepted(ride.0, (driver.0, epoch.0), *slip_at)
            }
            Event::OfferDeclined { ride, driver, epoch } => {
                self.offer_over(ride.0, (driver.0, epoch.0), offer::Outcome::Declined)
            }
            Event::OfferExpired { ride, driver, epoch } => {
                self.passed(course, ride.0, Kind::Offer)?;
                self.offer_over(ride.0, (driver.0, epoch.0), offer::Outcome::Expired)
            }
            Event::OfferWithdrawn { ride, driver, epoch } => {
                self.offer_over(ride.0, (driver.0, epoch.0), offer::Outcome::Withdrawn)
            }
            Event::RideExhausted { ride } => self.exhausted(ride.0),
            Event::RideReviewed { ride, until } => self.reviewed(course, ride.0, *until),
            Event::SlipPassed { ride } => self.passed(course, ride.0, Kind::Slip),
            Event::DriverArrived { ride, driver, until } => self.arrived(ride.0, driver.0, *until),
            Event::RiderBoarded { ride, driver } => self.boarded(ride.0, driver.0),
            Event::RideReleased { ride, driver, cause } => self.released(course, ride.0, driver.0, *cause),
            Event::RideEnded { ride, outcome, driver, place } => {
                self.left_at(driver.map(|driver| driver.0), *place);
                self.ended(course, ride.0, *outcome, driver.map(|driver| driver.0))
            }
            Event::Settled(e) => self.settled(e),
            Event::RideRetired { ride } => self.retired(course, ride.0),
        }
    }

    /// A step could not be decided: nothing comes of it.
    fn poisoned(&self, course: &mut Course<'_>, step: Poison) -> Checked {
        match step {
            Poison::Ping { driver, seq } if self.poisons && poison::is_ping(seq) => {
                Self::session_of_ping(course, driver.0, seq).map(drop)
            }
            Poison::Command if course.answer == Answer::Skipped => Ok(()),
            _ => Err(Broken::new(Promise::Calm, "a step could not be decided")),
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

    fn keys_expired(&mut self, before: Millis) -> Checked {
        let oldest = self.at - self.settings.creation_key_life + Millis(1);
        ensure(before <= oldest, Promise::Deadline, || "keys are forgotten too early".into())?;
        self.keys.retain(|_, known| known.ride.is_some() || known.at >= before);
        Ok(())
    }

    /// What is awaited of who is bound to a ride is put off by the whole outage, the patience of others up to a bound.
    fn resumed(&mut self, course: &Course<'_>, gap_ms: u64) -> Checked {
        let Command::Resume { since } = course.turn.command else {
            return Err(Broken::new(Promise::Answer, "nobody was away"));
        };
        let gap = (self.at - since).max(Millis::ZERO);
        ensure(gap.0.cast_unsigned() == gap_ms, Promise::Answer, || format!("it was away for {gap:?}"))?;
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
        for driver in self.drivers.values_mut().filter(|driver| !driver.held.is_empty()) {
            driver.heard += gap;
            if let Comms::Warned { until } = &mut driver.comms {
                *until += gap;
            }
        }
        Ok(())
    }
}
