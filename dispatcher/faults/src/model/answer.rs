//! How a command is answered.

use super::tables::{Driver, Ride, Shift, Stage};
use super::{Course, Model};
use crate::broken::{Checked, Promise, ensure};
use crate::poison;
use hansom_engine::domain::Session;
use hansom_engine::lifecycle::{offer, ride, session};
use hansom_engine::record::{Poison, Refusal, RequestRefusal, RequestRide};
use hansom_engine::{Command, DriverId, Epoch, Event, Key, Offset, RideId, Turn};
use hansom_geo_index::Millis;

/// By so much the clock of a sender may be ahead.
const MINUTE: Millis = Millis::from_secs(60);

/// The answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It took effect.
    Taken,
    /// A rule forbids it.
    Refused(Refusal),
    /// It took effect before, at this turn.
    Repeated(Offset),
    /// It could not be decided.
    Skipped,
}

impl Answer {
    /// That which a turn gave.
    pub fn of(turn: &Turn) -> Self {
        let said = turn.events.iter().find_map(|event| match event {
            Event::Refused { reason } => Some(Self::Refused(*reason)),
            Event::Repeated { first } => Some(Self::Repeated(*first)),
            Event::Poisoned { step: Poison::Command } => Some(Self::Skipped),
            _ => None,
        });
        said.unwrap_or(Self::Taken)
    }
}

/// Whether an event is one that the turn's command causes, and no deadline.
pub fn is_of_command(turn: &Turn, answer: &Answer, event: &Event) -> bool {
    if let Event::Refused { .. }
    | Event::Repeated { .. }
    | Event::Keyed { .. }
    | Event::Poisoned { step: Poison::Command } = event
    {
        return true;
    }
    if *answer != Answer::Taken {
        return false;
    }
    match &turn.command {
        Command::RequestRide(_) => matches!(event, Event::RideRequested(_) | Event::RequestRefused { .. }),
        Command::AcceptOffer { .. } => matches!(event, Event::OfferAccepted { .. }),
        Command::DeclineOffer { .. } => matches!(event, Event::OfferDeclined { .. }),
        Command::ArriveAtPickup { .. } => matches!(event, Event::DriverArrived { .. }),
        Command::BoardRider { .. } => matches!(event, Event::RiderBoarded { .. }),
        Command::StartShift(_) => matches!(event, Event::ShiftStarted(_)),
        Command::OpenSession { .. } => matches!(event, Event::SessionOpened { .. }),
        Command::EndTrip { .. } => matches!(event, Event::RideEnded { place: Some(_), .. }),
        // Taken, so that no deadline ended the ride before.
        Command::CancelRide { ride: of } => matches!(event, Event::RideEnded { ride, .. } if ride == of),
        Command::CancelByDriver { .. } => {
            matches!(event, Event::RideReleased { cause: hansom_engine::record::ReleaseCause::DriverCancelled, .. })
        }
        Command::EndShift { driver: of, .. } => match event {
            Event::OfferWithdrawn { driver, .. } | Event::ShiftFinishing { driver } | Event::ShiftEnded { driver } => {
                driver == of
            }
            _ => false,
        },
        Command::ReportPositions(_) => matches!(
            event,
            Event::DriverMoved { .. } | Event::PingRefused { .. } | Event::Poisoned { step: Poison::Ping { .. } }
        ),
        Command::Propose(_) => matches!(event, Event::ProposalTaken { .. }),
        Command::Checkpoint { .. } => matches!(event, Event::Checkpoint { .. }),
        Command::Tick | Command::Resume { .. } | Command::Upgrade(_) => false,
    }
}

/// Whether nothing need come of a command.
pub fn may_be_silent(command: &Command) -> bool {
    matches!(command, Command::Tick)
}

impl Model {
    /// Whether the turn's answer is the right one; its deadlines have passed.
    pub(super) fn check_answer(&self, course: &Course<'_>) -> Checked {
        let turn = course.turn;
        let is_poison = self.poisons && poison::is_order(turn.key, &turn.command);
        ensure(is_poison || course.answer != Answer::Skipped, Promise::Calm, || {
            format!("offset {}: {:?} could not be decided", turn.offset, turn.command)
        })?;
        let skipped = is_poison.then_some(Answer::Skipped);
        let known = || turn.key.and_then(|key| self.known(key, &turn.command));
        let right = skipped.or_else(known).unwrap_or_else(|| {
            let allowed = self.is_fresh(turn).and_then(|()| self.rules(&turn.command));
            allowed.map_or_else(Answer::Refused, |()| Answer::Taken)
        });
        // Whether a place is near a street is a matter of the network.
        let off_street = course.answer == Answer::Refused(Refusal::OffStreet)
            && matches!(turn.command, Command::StartShift(_))
            && right == Answer::Taken;
        // Whether a question is still open is a matter of the planner.
        let stale = matches!(turn.command, Command::Propose(_)) && matches!(course.answer, Answer::Refused(_));
        ensure(course.answer == right || off_street || stale, Promise::Answer, || {
            format!("offset {}: {:?} is answered {:?}, not {right:?}", turn.offset, turn.command, course.answer)
        })?;
        match (&turn.command, turn.events.iter().find(|event| is_of_command(turn, &course.answer, event))) {
            (Command::RequestRide(order), Some(Event::RideRequested(e))) => {
                let same =
                    e.seats == order.seats && e.class == order.class && e.blocked == order.blocked && order.seats > 0;
                ensure(same, Promise::Answer, || format!("offset {}: another ride was asked for", turn.offset))
            }
            (Command::RequestRide(order), Some(Event::RequestRefused { reason, .. })) => {
                let no_seats = *reason == RequestRefusal::NoSeats;
                ensure(no_seats == (order.seats == 0), Promise::Answer, || {
                    format!("offset {}: refused as {reason:?}", turn.offset)
                })
            }
            _ => Ok(()),
        }
    }

    /// The answer to a command whose key was seen before.
    fn known(&self, key: Key, command: &Command) -> Option<Answer> {
        let known = self.keys.get(&key)?;
        let same = match (&known.command, command) {
            // Whom a rider shall not meet may be known by then.
            (Command::RequestRide(one), Command::RequestRide(other)) => {
                RequestRide { blocked: Box::default(), ..(**one).clone() }
                    == RequestRide { blocked: Box::default(), ..(**other).clone() }
            }
            (one, other) => one == other,
        };
        Some(if same { Answer::Repeated(known.offset) } else { Answer::Refused(Refusal::KeyConflict) })
    }

    /// Whether the key of a command that creates is of a time from which keys are remembered. It says its time if it is a
    /// UUID of version 7.
    fn is_fresh(&self, turn: &Turn) -> Result<(), Refusal> {
        let creates = matches!(
            turn.command,
            Command::StartShift(_) | Command::OpenSession { .. } | Command::EndShift { .. } | Command::RequestRide(_)
        );
        let Some(key) = turn.key.filter(|key| creates && (key.0 >> 76) & 0xf == 7) else { return Ok(()) };
        let made = Millis((key.0 >> 80) as i64);
        if made - self.at > MINUTE {
            return Err(Refusal::EarlyKey);
        }
        if self.at - made >= self.settings.creation_key_life - MINUTE {
            return Err(Refusal::StaleKey);
        }
        Ok(())
    }

    fn of_driver(&self, id: DriverId) -> Result<&Driver, Refusal> {
        self.drivers.get(&id.0).ok_or(Refusal::UnknownDriver)
    }

    fn of_ride(&self, id: RideId) -> Result<&Ride, Refusal> {
        self.rides.get(&id.0).ok_or(Refusal::UnknownRide)
    }

    /// Whether a command is allowed now, and if not, by which rule.
    fn rules(&self, command: &Command) -> Result<(), Refusal> {
        self.speaks_for(command)?;
        match command {
            Command::StartShift(order) => {
                let shift = self.drivers.values().find(|driver| driver.name == order.driver).map(|driver| driver.shift);
                match shift {
                    Some(shift @ (Shift::On | Shift::Finishing)) => {
                        Err(session::Refusal::OnShift(shift.status()).into())
                    }
                    _ if order.seats == 0 => Err(Refusal::NoSeats),
                    _ => Ok(()),
                }
            }
            Command::OpenSession { driver } => match self.of_driver(*driver)?.shift {
                Shift::On | Shift::Finishing => Ok(()),
                Shift::Off => Err(session::Refusal::OffShift.into()),
            },
            Command::EndShift { driver, .. } => match self.of_driver(*driver)?.shift {
                Shift::On => Ok(()),
                Shift::Finishing => Err(session::Refusal::OnShift(session::Status::Finishing).into()),
                Shift::Off => Err(session::Refusal::OffShift.into()),
            },
            Command::CancelRide { ride } => match self.of_ride(*ride)?.stage {
                Stage::Over(outcome) => Err(ride::Refusal::Ended(outcome).into()),
                Stage::Aboard(_) => Err(ride::Refusal::OnBoard.into()),
                _ => Ok(()),
            },
            Command::AcceptOffer { driver, ride, epoch, .. } | Command::DeclineOffer { driver, ride, epoch, .. } => {
                self.answers_offer(*driver, *ride, *epoch)
            }
            Command::ArriveAtPickup { driver, ride, .. } => {
                let held = &self.of_driver(*driver)?.held;
                match self.bound(*driver, *ride)? {
                    Stage::AtPickup(_) => Err(ride::Refusal::Arrived.into()),
                    Stage::Aboard(_) => Err(ride::Refusal::OnBoard.into()),
                    _ if held.first() != Some(&ride.0) => Err(Refusal::OutOfTurn),
                    _ => Ok(()),
                }
            }
            Command::BoardRider { driver, ride, .. } => {
                self.of_driver(*driver)?;
                match self.bound(*driver, *ride)? {
                    Stage::Coming(_) => Err(ride::Refusal::NotArrived.into()),
                    Stage::Aboard(_) => Err(ride::Refusal::OnBoard.into()),
                    _ => Ok(()),
                }
            }
            Command::EndTrip { driver, ride, .. } => {
                self.of_driver(*driver)?;
                match self.bound(*driver, *ride)? {
                    Stage::Aboard(_) => Ok(()),
                    _ => Err(ride::Refusal::NotOnBoard.into()),
                }
            }
            Command::CancelByDriver { driver, ride, .. } => {
                self.of_driver(*driver)?;
                match self.bound(*driver, *ride)? {
                    Stage::Aboard(_) => Err(ride::Refusal::OnBoard.into()),
                    _ => Ok(()),
                }
            }
            Command::RequestRide(_)
            | Command::ReportPositions(_)
            | Command::Tick
            | Command::Propose(_)
            | Command::Resume { .. }
            | Command::Upgrade(_)
            | Command::Checkpoint { .. } => Ok(()),
        }
    }

    /// Whether who sends it holds the open session of the driver for whom it speaks.
    fn speaks_for(&self, command: &Command) -> Result<(), Refusal> {
        let (driver, given) = match command {
            Command::EndShift { driver, session }
            | Command::AcceptOffer { driver, session, .. }
            | Command::DeclineOffer { driver, session, .. }
            | Command::ArriveAtPickup { driver, session, .. }
            | Command::BoardRider { driver, session, .. }
            | Command::EndTrip { driver, session, .. }
            | Command::CancelByDriver { driver, session, .. } => (driver, *session),
            _ => return Ok(()),
        };
        // Nobody speaks for a driver whom nobody knows: that is told first.
        let Ok(driver) = self.of_driver(*driver) else { return Ok(()) };
        let open = Session(driver.session);
        if given.0 < open.0 {
            return Err(session::Refusal::Superseded { given, open }.into());
        }
        if given.0 > open.0 {
            return Err(session::Refusal::NotOpened { given, open }.into());
        }
        Ok(())
    }

    fn answers_offer(&self, driver: DriverId, ride: RideId, epoch: Epoch) -> Result<(), Refusal> {
        self.of_driver(driver)?;
        match self.of_ride(ride)?.offer {
            Some(last) if last.driver == driver.0 => match last.over {
                Some(outcome) => Err(offer::Refusal::Settled(outcome).into()),
                None if last.epoch == epoch.0 => Ok(()),
                None => Err(offer::Refusal::StaleEpoch { given: epoch, open: Epoch(last.epoch) }.into()),
            },
            _ => Err(ride::Refusal::NotOffered.into()),
        }
    }

    /// The stage of a ride that is bound to this driver.
    fn bound(&self, driver: DriverId, id: RideId) -> Result<Stage, Refusal> {
        let stage = self.of_ride(id)?.stage;
        match (stage, stage.driver()) {
            (Stage::Over(outcome), _) => Err(ride::Refusal::Ended(outcome).into()),
            (_, None) => Err(ride::Refusal::NoDriver(stage.status()).into()),
            (_, Some(bound)) if bound != driver.0 => Err(ride::Refusal::NotYours.into()),
            (_, Some(_)) => Ok(stage),
        }
    }
}
