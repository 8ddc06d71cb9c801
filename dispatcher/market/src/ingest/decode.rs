//! Lines into orders.

use super::envelope::{self, Attributes};
use super::field::{RideRef, refuse};
use super::malformed::Malformed;
use super::order::Body;
use hansom_engine::{Key, Name};
use hansom_geo_index::Millis;

/// An order from outside, with the outside's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What makes it unique: the line's `id`. The same in every retry.
    pub key: Key,
    /// Who says so.
    pub source: Box<str>,
    /// For which market; `None`: the only one.
    pub market: Option<Name>,
    /// When it was given, by the sender's clock. Advisory.
    pub time: Option<Millis>,
    /// What is ordered.
    pub body: Body,
}

/// The order that a line is.
pub fn decode(line: &[u8]) -> Result<Order, Malformed> {
    envelope::read(line, |envelope| {
        let body = match Body::read(envelope.kind, envelope.data) {
            Some(body) => body.map_err(|fault| fault.within("data"))?,
            None => return envelope.unknown_kind(Body::KINDS),
        };
        let key: Key = envelope.attribute("id")?;
        if body.creates() && !is_v7(key) {
            let expected = "a UUID of version 7: it carries the time from which on the order is remembered";
            return refuse(expected, &key.to_string()).map_err(|fault| fault.within("id"));
        }
        let (source, market) = (envelope.source.into(), envelope.market.clone());
        Ok(Order { key, source, market, time: envelope.time, body })
    })
}

/// RFC 9562: version 7, variant 10.
fn is_v7(key: Key) -> bool {
    key.0 >> 76 & 0xf == 7 && key.0 >> 62 & 0b11 == 0b10
}

impl Body {
    /// Whether the order is about no ride that is there already: its key lives for a time of its own, which its UUID
    /// starts.
    fn creates(&self) -> bool {
        match self {
            Self::StartShift(_) | Self::OpenSession(_) | Self::EndShift(_) | Self::RequestRide(_) => true,
            Self::CancelRide(_)
            | Self::AcceptOffer(_)
            | Self::DeclineOffer(_)
            | Self::ArriveAtPickup(_)
            | Self::BoardRider(_)
            | Self::EndTrip(_)
            | Self::CancelByDriver(_) => false,
        }
    }
}

impl Body {
    /// The driver who gives it; `None`: it is a rider's.
    pub fn driver(&self) -> Option<&Name> {
        match self {
            Self::StartShift(it) => Some(&it.driver),
            Self::OpenSession(it) => Some(&it.driver),
            Self::EndShift(it) => Some(&it.driver),
            Self::AcceptOffer(it) => Some(&it.driver),
            Self::DeclineOffer(it) => Some(&it.driver),
            Self::ArriveAtPickup(it) => Some(&it.driver),
            Self::BoardRider(it) => Some(&it.driver),
            Self::EndTrip(it) => Some(&it.driver),
            Self::CancelByDriver(it) => Some(&it.driver),
            Self::RequestRide(_) | Self::CancelRide(_) => None,
        }
    }

    /// The ride that it is about, if that is there already.
    pub fn ride(&self) -> Option<RideRef> {
        match self {
            Self::CancelRide(it) => Some(it.ride),
            Self::AcceptOffer(it) => Some(it.ride),
            Self::DeclineOffer(it) => Some(it.ride),
            Self::ArriveAtPickup(it) => Some(it.ride),
            Self::BoardRider(it) => Some(it.ride),
            Self::EndTrip(it) => Some(it.ride),
            Self::CancelByDriver(it) => Some(it.ride),
            Self::StartShift(_) | Self::OpenSession(_) | Self::EndShift(_) | Self::RequestRide(_) => None,
        }
    }
}

impl Order {
    /// Appends the line that it is read from, without its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let attributes = Attributes {
            id: &self.key.to_string(),
            source: &self.source,
            kind: self.body.kind(),
            time: self.time,
            market: self.market.as_ref().map(|market| &*market.0),
        };
        envelope::write(&attributes, |_| {}, |out| self.body.write(out), out);
    }
}
