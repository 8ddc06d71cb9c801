//! Rides and their offers, from the request to the end.

use super::tables::{Comms, Kind, Offer, Ride, Shift, Stage};
use super::{Course, Model, money};
use crate::broken::{Broken, Checked, Promise, ensure};
use hansom_engine::Command;
use hansom_engine::lifecycle::offer;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{OfferMade, ReleaseCause, RideRequested, Settlement};
use hansom_geo_index::Millis;

impl Model {
    pub(super) fn numbered(&mut self, id: u32) -> Checked {
        ensure(id == self.next_ride, Promise::Answer, || format!("ride {} comes next", self.next_ride))?;
        self.next_ride += 1;
        Ok(())
    }

    pub(super) fn requested(&mut self, e: &RideRequested) -> Checked {
        self.numbered(e.ride.0)?;
        let fare = money::fare(&self.settings.tariff, e.direct_mm, e.direct_ms);
        ensure(e.fare == fare, Promise::Answer, || format!("the fare should be {fare}"))?;
        let due = self.at + self.settings.review;
        ensure(e.review_at == due, Promise::Deadline, || format!("the review should be at {due:?}"))?;
        self.rides.insert(e.ride.0, Ride::new(e, self.at, due));
        Ok(())
    }

    pub(super) fn offered(&mut self, course: &Course<'_>, e: &OfferMade) -> Checked {
        let (at, settings) = (self.at, &self.settings);
        // A planner answers as things were when it was asked.
        let seen = if let Command::Propose(_) = course.turn.command { self.asked } else { at };
        let due = at + settings.offer_life;
        let forgotten = settings.silence_redispatch;
        let Some(driver) = self.drivers.get(&e.driver.0) else {
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

    pub(super) fn accepted(&mut self, id: u32, (of, epoch): (u32, u32), slip_at: Option<Millis>) -> Checked {
        self.offer_over(id, (of, epoch), offer::Outcome::Accepted)?;
        let driver = self.driver(of)?;
        let chained = !driver.held.is_empty();
        ensure(chained == slip_at.is_some(), Promise::Answer, || "chained or not?".into())?;
        if !chained {
            // Who answers is there.
            driver.comms = Comms::Live;
        }
        driver.held.push(id);
        let ride = self.ride(id)?;
        ride.stage = Stage::Coming(of);
        ride.timer = slip_at.map(|due| (Kind::Slip, due));
        Ok(())
    }

    /// An offer is over; if it failed, the ride is in line again.
    pub(super) fn offer_over(&mut self, id: u32, (of, epoch): (u32, u32), outcome: offer::Outcome) -> Checked {
        let until = self.at + self.settings.decline_rest;
        let ride = self.ride(id)?;
        match &mut ride.offer {
            Some(offer) if offer.driver == of && offer.epoch == epoch && offer.over.is_none() => {
                offer.over = Some(outcome);
            }
            other => return Err(Broken::new(Promise::Answer, format!("ride {id}: no such offer is open: {other:?}"))),
        }
        if let offer::Outcome::Declined | offer::Outcome::Expired = outcome {
            ride.failed += 1;
            ride.resting.push((of, until));
        }
        let is_open = ride.is_open();
        let offered = self.driver(of)?.offered.take();
        ensure(offered == Some(id), Promise::Answer, || "it was not offered to him".into())?;
        if is_open && outcome != offer::Outcome::Accepted {
            self.back_in_line(id)?;
        }
        Ok(())
    }

    pub(super) fn exhausted(&mut self, id: u32) -> Checked {
        let most = self.settings.max_offers;
        let ride = self.ride(id)?;
        ensure(ride.stage == Stage::Line && ride.failed >= most, Promise::Answer, || "offers are left".into())?;
        ride.stage = Stage::Used;
        Ok(())
    }

    pub(super) fn reviewed(&mut self, course: &mut Course<'_>, id: u32, until: Millis) -> Checked {
        self.passed(course, id, Kind::Review)?;
        let (at, give_up) = (self.at, self.settings.give_up);
        let ride = self.ride(id)?;
        let goes_on = ride.stage != Stage::Used || at - ride.asked < give_up + ride.extended;
        ensure(goes_on, Promise::Deadline, || format!("ride {id} should be given up by now"))?;
        let due = self.at + self.settings.review;
        ensure(until == due, Promise::Deadline, || format!("the next review should be at {due:?}"))?;
        self.ride(id)?.timer = Some((Kind::Review, due));
        Ok(())
    }

    pub(super) fn arrived(&mut self, id: u32, driver: u32, until: Millis) -> Checked {
        let due = self.at + self.settings.no_show_wait;
        ensure(until == due, Promise::Deadline, || format!("the rider should be waited for until {due:?}"))?;
        let ride = self.ride(id)?;
        ensure(ride.stage == Stage::Coming(driver), Promise::Answer, || format!("ride {id} is {:?}", ride.stage))?;
        (ride.stage, ride.timer) = (Stage::AtPickup(driver), Some((Kind::NoShow, due)));
        let pickup = ride.pickup;
        self.left_at(Some(driver), Some(pickup));
        Ok(())
    }

    pub(super) fn boarded(&mut self, id: u32, driver: u32) -> Checked {
        let ride = self.ride(id)?;
        ensure(ride.stage == Stage::AtPickup(driver), Promise::Answer, || format!("ride {id} is {:?}", ride.stage))?;
        (ride.stage, ride.timer) = (Stage::Aboard(driver), None);
        let pickup = ride.pickup;
        self.left_at(Some(driver), Some(pickup));
        Ok(())
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

    pub(super) fn released(&mut self, course: &mut Course<'_>, id: u32, driver: u32, cause: ReleaseCause) -> Checked {
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

    pub(super) fn ended(&mut self, course: &mut Course<'_>, id: u32, outcome: Outcome, driver: Option<u32>) -> Checked {
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

    pub(super) fn settled(&mut self, settlement: &Settlement) -> Checked {
        let tariff = self.settings.tariff.clone();
        let ride = self.ride(settlement.ride.0)?;
        money::check(settlement, ride, &tariff)?;
        ensure(!std::mem::replace(&mut ride.paid, true), Promise::Once, || "paid twice".into())
    }

    pub(super) fn retired(&mut self, course: &mut Course<'_>, id: u32) -> Checked {
        self.passed(course, id, Kind::Retire)?;
        self.rides.remove(&id);
        self.keys.retain(|_, known| known.ride != Some(id));
        Ok(())
    }
}
