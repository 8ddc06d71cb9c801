//! What came from outside, as a log has it.

use hansom_engine::record::{Event, Poison, RequestRide};
use hansom_engine::{Command, Turn};
use hansom_geo_index::{Millis, Network};
use hansom_market::log::Reader;
use hansom_market::replay::{ReplayError, Replayed, Until, fold};

use crate::demand::Request;

/// What a log holds of the world around its market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Who asked, in order.
    pub requests: Vec<Request>,
    /// Hash of all events of the log.
    pub event_chain: u128,
    /// Time of the last turn.
    pub ended: Option<Millis>,
}

impl Outside {
    /// Reads a log from its first turn to its end.
    pub fn read(reader: &mut Reader, network: &Network) -> Result<Self, ReplayError> {
        let mut requests = Vec::new();
        let Replayed { event_chain, at, .. } = fold(reader, network, Until::End, |_, turn| {
            if let Command::RequestRide(asked) = &turn.command
                && was_taken(turn)
            {
                requests.push(request(turn.at, asked));
            }
        })?;
        Ok(Self { requests, event_chain, ended: at })
    }
}

/// Whether the command of a turn took effect: it was neither forbidden, nor sent before, nor skipped.
pub(super) fn was_taken(turn: &Turn) -> bool {
    let void = |event: &Event| {
        matches!(event, Event::Refused { .. } | Event::Repeated { .. } | Event::Poisoned { step: Poison::Command })
    };
    !turn.events.iter().any(void)
}

pub(super) fn request(at: Millis, asked: &RequestRide) -> Request {
    let RequestRide { pickup, dropoff, seats, .. } = *asked;
    Request { at, pickup, dropoff, seats }
}
