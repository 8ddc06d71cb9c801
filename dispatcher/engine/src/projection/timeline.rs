//! A ride's story: what happened to it and when, in words, folded from turns alone.

use crate::domain::RideId;
use crate::record::{Event, Turn};
use hansom_geo_index::Millis;

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
    lines: Vec<Line>,
}

impl Timeline {
    /// The story of `ride`, empty until turns are taken.
    pub fn new(ride: RideId) -> Self {
        Self { ride, requested_at: None, ended: false, lines: Vec::new() }
    }

    /// What happened so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Takes what the next turn says of the ride.
    pub fn take(&mut self, turn: &Turn) {
        for event in &turn.events {
            if let Some(text) = self.tell(turn, event) {
                self.lines.push(Line { at: turn.at, offset: turn.offset, text });
            }
        }
    }

    fn tell(&mut self, turn: &Turn, event: &Event) -> Option<String> {
        let about = |ride: RideId| ride == self.ride;
        let span = |from: Option<Millis>| from.map_or(0, |from| (turn.at - from).0);
        Some(match event {
            Event::RideRequested(e) if about(e.ride) => {
                self.requested_at = Some(turn.at);
                let first = e
                    .first_eta_ms
                    .map_or("no driver in sight".into(), |eta| format!("first ETA {}", seconds(i64::from(eta))));
                format!(
                    "requested by {}: {} seat(s), direct {} over {} m, fare {}, {first}",
                    e.rider,
                    e.seats,
                    seconds(i64::from(e.direct_ms)),
                    e.direct_mm / 1000,
                    e.fare
                )
            }
            Event::RequestRefused { ride, reason } if about(*ride) => format!("refused: {reason}"),
            Event::OfferMade(e) if about(e.ride) => {
                let chained = if e.chained { ", after the ride in hand" } else { "" };
                let eta = seconds(i64::from(e.pickup_eta_ms));
                format!("offer {} to driver {}: pickup in {eta}{chained}, cost {}", e.epoch, e.driver, e.terms.total())
            }
            Event::OfferAccepted { ride, driver, promised, .. } if about(*ride) => {
                format!("driver {driver} accepted; pickup promised in {}", seconds((*promised - turn.at).0))
            }
            Event::OfferDeclined { ride, driver, .. } if about(*ride) => format!("driver {driver} declined"),
            Event::OfferExpired { ride, driver, .. } if about(*ride) => format!("driver {driver} did not answer"),
            Event::OfferWithdrawn { ride, driver, .. } if about(*ride) => format!("offer to driver {driver} withdrawn"),
            Event::RideExhausted { ride } if about(*ride) => "that was the last offer".into(),
            Event::SlipPassed { ride } if about(*ride) => {
                "the promised pickup has passed; the driver is on the way".into()
            }
            Event::DriverArrived { ride, driver, .. } if about(*ride) => format!("driver {driver} is at the pickup"),
            Event::RiderBoarded { ride, driver } if about(*ride) => {
                format!("on board of driver {driver} after a wait of {}", seconds(span(self.requested_at)))
            }
            Event::RideReleased { ride, driver, cause } if about(*ride) => {
                let why = match cause {
                    crate::record::ReleaseCause::DriverCancelled => "cancelled",
                    crate::record::ReleaseCause::Silent => "fell silent",
                    crate::record::ReleaseCause::Slipped => "is too late",
                };
                format!("driver {driver} {why}: back in line, place kept")
            }
            Event::RideEnded { ride, outcome, .. } if about(*ride) => {
                self.ended = true;
                format!("{outcome} {} after the request", seconds(span(self.requested_at)))
            }
            Event::Resumed { gap_ms } if self.requested_at.is_some() && !self.ended => {
                format!("the market was away for {}", seconds(gap_ms.cast_signed()))
            }
            Event::Poisoned { step } if step.ride().is_some_and(about) => {
                "a deadline could not be decided: it is tried again later".into()
            }
            Event::Settled(e) if about(e.ride) => {
                let entries = e.entries.iter().map(|entry| format!("{} {}", entry.account.name(), entry.amount));
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
