//! A ride's story: what happened to it and when, in words, folded from turns alone.

use crate::domain::{DriverId, Money, Name, RideId};
use crate::record::{Event, Turn};
use hansom_geo_index::Millis;
use std::collections::BTreeMap;

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Millis,
    /// The turn.
    pub offset: crate::domain::Offset,
    /// What happened.
    pub text: String,
}

/// The story of one ride.
#[derive(Debug, Clone)]
pub struct Timeline {
    ride: RideId,
    requested_at: Option<Millis>,
    ended: bool,
    /// What the outside calls the drivers.
    names: BTreeMap<DriverId, Name>,
    lines: Vec<Line>,
}

impl Timeline {
    /// The story of `ride`, empty until turns are taken.
    pub fn new(ride: RideId) -> Self {
        Self { ride, requested_at: None, ended: false, names: BTreeMap::new(), lines: Vec::new() }
    }

    /// What happened so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Takes what the next turn says of the ride. `amount` writes money as people read it: the currency is the caller's.
    pub fn take(&mut self, turn: &Turn, amount: &dyn Fn(Money) -> String) {
        for event in &turn.events {
            match event {
                Event::ShiftStarted(e) => drop(self.names.insert(e.driver, e.name.clone())),
                Event::RideRequested(e) if e.ride == self.ride => self.requested_at = Some(turn.at),
                _ => {}
            }
            if let Some(text) = self.tell(turn, event, amount) {
                self.lines.push(Line { at: turn.at, offset: turn.offset, text });
            }
            self.ended |= matches!(event, Event::RideEnded { ride, .. } if *ride == self.ride);
        }
    }

    fn tell(&self, turn: &Turn, event: &Event, amount: &dyn Fn(Money) -> String) -> Option<String> {
        let about = |ride: RideId| ride == self.ride;
        let name = |driver: &DriverId| self.names.get(driver).map_or_else(|| driver.to_string(), ToString::to_string);
        let span = |from: Option<Millis>| from.map_or(0, |from| (turn.at - from).0);
        Some(match event {
            Event::RideRequested(e) if about(e.ride) => {
                let first = e
                    .first_eta_ms
                    .map_or("no driver in sight".into(), |eta| format!("first ETA {}", seconds(i64::from(eta))));
                format!(
                    "requested by {}: {} {}, direct {} over {} m, fare {}, {first}",
                    e.rider,
                    e.seats,
                    if e.seats == 1 { "seat" } else { "seats" },
                    seconds(i64::from(e.direct_ms)),
                    e.direct_mm / 1000,
                    amount(e.fare)
                )
            }
            Event::RequestRefused { ride, reason } if about(*ride) => format!("refused: {reason}"),
            Event::OfferMade(e) if about(e.ride) => {
                let chained = if e.chained { ", after the ride in hand" } else { "" };
                let eta = seconds(i64::from(e.pickup_eta_ms));
                let (driver, cost) = (name(&e.driver), e.terms.total());
                format!("offer {} to driver {driver}: pickup in {eta}{chained}, cost {cost}", e.epoch)
            }
            Event::OfferAccepted { ride, driver, promised, .. } if about(*ride) => {
                format!("driver {} accepted; pickup promised in {}", name(driver), seconds((*promised - turn.at).0))
            }
            Event::OfferDeclined { ride, driver, .. } if about(*ride) => format!("driver {} declined", name(driver)),
            Event::OfferExpired { ride, driver, .. } if about(*ride) => {
                format!("driver {} did not answer", name(driver))
            }
            Event::OfferWithdrawn { ride, driver, .. } if about(*ride) => {
                format!("offer to driver {} withdrawn", name(driver))
            }
            Event::RideExhausted { ride } if about(*ride) => "that was the last offer".into(),
            Event::SlipPassed { ride } if about(*ride) => {
                "the promised pickup has passed; the driver is on the way".into()
            }
            Event::DriverArrived { ride, driver, .. } if about(*ride) => {
                format!("driver {} is at the pickup", name(driver))
            }
            Event::RiderBoarded { ride, driver } if about(*ride) => {
                format!("on board of driver {} after a wait of {}", name(driver), seconds(span(self.requested_at)))
            }
            Event::RideReleased { ride, driver, cause } if about(*ride) => {
                let why = match cause {
                    crate::record::ReleaseCause::DriverCancelled => "cancelled",
                    crate::record::ReleaseCause::Silent => "fell silent",
                    crate::record::ReleaseCause::Slipped => "is too late",
                };
                format!("driver {} {why}: back in line, place kept", name(driver))
            }
            Event::RideEnded { ride, outcome, .. } if about(*ride) => {
                format!("{outcome} {} after the request", seconds(span(self.requested_at)))
            }
            Event::Resumed { gap_ms } if self.requested_at.is_some() && !self.ended => {
                format!("the market was away for {}", seconds(gap_ms.cast_signed()))
            }
            Event::Poisoned { step } if step.ride().is_some_and(about) => {
                "a deadline could not be decided: it is tried again later".into()
            }
            Event::Settled(e) if about(e.ride) => {
                let entries =
                    e.entries.iter().map(|entry| format!("{} {}", entry.account.name(), amount(entry.amount)));
                format!("settled: {}", entries.collect::<Vec<_>>().join(", "))
            }
            _ => return None,
        })
    }
}

/// A span as `12.345 s`.
fn seconds(ms: i64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}
