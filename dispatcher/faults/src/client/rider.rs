//! A rider: asks, waits, loses patience, cancels.

use super::{Answered, Moment, Post, SeenRide, Up, Wish};
use crate::town;
use hansom_engine::record::Refusal;
use hansom_engine::{Key, Name, Offset, RideId};
use hansom_geo_index::{Millis, Network};
use hansom_market::ingest::RideRef;
use hansom_market::ingest::order::{Body, CancelRide, RequestRide};
use std::sync::Arc;

/// Someone who asks for rides, one after the other.
#[derive(Debug)]
pub(crate) struct Rider {
    name: Name,
    network: Arc<Network>,
    drivers: u32,
    mischief: u64,
    phase: Phase,
    next: Millis,
}

#[derive(Debug)]
enum Phase {
    Resting { until: Millis },
    Asked { key: Key, body: Box<Body>, acknowledged: Option<Offset>, patience: Millis, cancel: Option<Key> },
}

impl Rider {
    pub fn new(number: u32, network: Arc<Network>, drivers: u32, mischief: u64, first: Millis) -> Self {
        let name = Name(format!("rider-{number}").into());
        Self { name, network, drivers, mischief, phase: Phase::Resting { until: first }, next: Millis::ZERO }
    }

    pub fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Resting { .. })
    }

    pub fn act(&mut self, post: &mut Post, moment: Moment) {
        let Moment { now, settling } = moment;
        match &self.phase {
            Phase::Resting { until } if *until <= now && !settling => {
                let body = Box::new(Body::RequestRide(self.request(post)));
                let key = post.order(now, (*body).clone());
                let patience = now + Millis::from_secs(post.draws.between(10, 240));
                self.phase = Phase::Asked { key, body, acknowledged: None, patience, cancel: None };
            }
            Phase::Asked { key, .. } if self.next <= now => {
                self.next = now + Millis(post.draws.between(1_000, 6_000));
                post.out.push(Up::Look(Wish::Ride(*key)));
            }
            _ => {}
        }
    }

    fn request(&self, post: &mut Post) -> RequestRide {
        let (pickup, mut dropoff) =
            (town::place(&self.network, &mut post.draws), town::place(&self.network, &mut post.draws));
        let mut seats = post.draws.of(&[1, 1, 1, 2, 3, 4]);
        if post.draws.chance(self.mischief) {
            match post.draws.below(2) {
                0 => seats = 0,
                _ => dropoff = town::nowhere(dropoff),
            }
        }
        let blocked = if post.draws.chance(20) {
            vec![Name(format!("driver-{}", post.draws.below(u64::from(self.drivers))).into())]
        } else {
            Vec::new()
        };
        RequestRide { rider: self.name.clone(), pickup, dropoff, seats, class: 0, tier: 0, blocked }
    }

    /// An order of his was answered.
    pub fn answered(&mut self, post: &mut Post, moment: Moment, of: Key, answered: Answered) {
        let Phase::Asked { key, body, acknowledged, cancel, .. } = &mut self.phase else { return };
        if *key == of {
            match answered {
                Answered::Taken(at) | Answered::Repeated(at) => *acknowledged = Some(at),
                // Not under another key: a copy of this order may be under way, and be taken.
                Answered::Refused(Refusal::EarlyKey) if acknowledged.is_none() => {
                    post.order_later(moment.now, of, (**body).clone());
                }
                Answered::Refused(_) if acknowledged.is_none() => self.phase = Phase::Resting { until: Millis::ZERO },
                Answered::Refused(_) | Answered::Skipped => {}
            }
        } else if *cancel == Some(of) {
            *cancel = None;
        }
    }

    /// He sees how his ride stands.
    pub fn see(&mut self, post: &mut Post, moment: Moment, of: Key, (seen, next): (Option<SeenRide>, Offset)) {
        let Phase::Asked { key, acknowledged, patience, cancel, .. } = &mut self.phase else { return };
        if *key != of {
            return;
        }
        let over = match seen {
            // What was acknowledged and is not there any more is over; if this is not a look from before.
            None => acknowledged.is_some_and(|at| at < next),
            Some(ride) => ride.over,
        };
        if over && !post.waits_for(of) {
            let pause = Millis::from_secs(post.draws.between(1, 40));
            self.phase = Phase::Resting { until: moment.now + pause };
            return;
        }
        // Once faults have stopped, what the market has in hand it has to bring to an end by itself.
        if let Some(ride) = seen
            && !ride.aboard
            && !(moment.settling && ride.in_hand)
            && *patience <= moment.now
            && cancel.is_none()
        {
            let ride = if post.draws.chance(50) { RideRef::Request(of) } else { RideRef::Number(RideId(ride.number)) };
            *cancel = Some(post.order(moment.now, Body::CancelRide(CancelRide { ride })));
        }
    }
}
