//! A driver's device: reports where it is, answers offers, does what comes next.

use super::{Answered, Deed, Moment, Post, SeenDriver, SeenStop, Up, Wish};
use crate::draws::Draws;
use crate::town::{self, Absence, START};
use hansom_engine::{Epoch, Key, Name, Offset, RideId};
use hansom_geo_index::{Coord, Millis, Network};
use hansom_market::ingest::order::{
    AcceptOffer, ArriveAtPickup, BoardRider, Body, CancelByDriver, CancelRide, DeclineOffer, EndShift, EndTrip,
    OpenSession, StartShift,
};
use hansom_market::ingest::{Location, Position, Rating, RideRef};
use std::sync::Arc;

/// One of the two devices of a driver. Both act for him; neither knows of the other.
#[derive(Debug)]
pub(crate) struct Device {
    driver: u32,
    is_second: bool,
    network: Arc<Network>,
    mischief: u64,
    place: Coord,
    seq: u32,
    next_ping: Millis,
    next_look: Millis,
    /// Silent until then.
    dark: Millis,
    /// When its driver goes home, and whether it has said so.
    absence: Option<Absence>,
    said_goodbye: bool,
    start: Option<Key>,
    /// Of its driver's sessions, that which it holds or held.
    session: u32,
    /// The order by which it takes over, and where that took effect.
    takes_over: Option<(Key, Option<Offset>)>,
    /// The last offer that it answered, or let pass.
    answered: Option<(u32, u32)>,
    /// The answer that is to be sent, and when.
    reply: Option<(Millis, Body)>,
    /// What it is about to do, and when; then the order for it.
    doing: Option<(SeenStop, Millis, Option<Key>)>,
    seen: Option<SeenDriver>,
}

impl Device {
    pub fn new(driver: u32, is_second: bool, network: Arc<Network>, mischief: u64, draws: &mut Draws) -> Self {
        let place = town::place(&network, draws);
        Self {
            driver,
            is_second,
            network,
            mischief,
            place,
            seq: 0,
            next_ping: Millis::ZERO,
            next_look: Millis::ZERO,
            dark: Millis::ZERO,
            absence: None,
            said_goodbye: false,
            start: None,
            session: u32::from(!is_second),
            takes_over: None,
            answered: None,
            reply: None,
            doing: None,
            seen: None,
        }
    }

    /// The same, but its driver goes home for a while.
    pub fn absent(self, absence: Option<Absence>) -> Self {
        Self { absence: absence.filter(|absence| absence.driver == self.driver), ..self }
    }

    /// Whether its driver is at home.
    fn is_away(&self, now: Millis) -> bool {
        self.absence.is_some_and(|absence| (absence.from..absence.until).contains(&now))
    }

    fn name(&self) -> Name {
        Name(format!("driver-{}", self.driver).into())
    }

    /// A second device is switched on now and then only.
    fn is_on(&self, moment: Moment) -> bool {
        if moment.settling {
            return !self.is_second;
        }
        self.dark <= moment.now
            && !self.is_away(moment.now)
            && (!self.is_second || (moment.now.0 / 30_000 + i64::from(self.driver)) % 3 == 0)
    }

    pub fn act(&mut self, post: &mut Post, moment: Moment) {
        let now = moment.now;
        if self.is_away(now) && !self.said_goodbye && !self.is_second {
            self.said_goodbye = true;
            post.order(now, Body::EndShift(EndShift { driver: self.name(), session: self.session }));
        }
        if !self.is_on(moment) {
            return;
        }
        if !moment.settling && post.draws.below(400) == 0 {
            self.dark = now + Millis::from_secs(post.draws.between(10, 200));
        }
        if self.next_ping <= now {
            self.next_ping = now + Millis(post.draws.between(4_000, 12_000));
            self.ping(post, now);
        }
        if self.next_look <= now {
            self.next_look = now + Millis(post.draws.between(700, 2_500));
            post.out.push(Up::Look(Wish::Driver(self.name().to_string())));
        }
        if let Some((_, body)) = self.reply.take_if(|(at, _)| *at <= now) {
            if post.draws.chance(10) {
                // Pressed twice.
                post.order(now, body.clone());
            }
            post.order(now, body);
        }
        if let Some((stop, at, order)) = self.doing
            && at <= now
            && order.is_none()
        {
            self.place = stop.place;
            let body = self.deed(post, moment, stop);
            self.doing = Some((stop, now + Millis::from_secs(5), Some(post.order(now, body))));
        }
        if !moment.settling && post.draws.chance(self.mischief) && post.draws.chance(20) {
            self.misbehave(post, now);
        }
    }

    fn ping(&mut self, post: &mut Post, now: Millis) {
        self.seq += 1;
        let place = if post.draws.chance(self.mischief) { town::nowhere(self.place) } else { self.place };
        let position = Position { driver: self.name(), session: self.session, seq: self.seq, place };
        let measured = post.draws.chance(80).then(|| START + now + post.skew);
        let location = Location { id: format!("{}-{}", post.id, self.seq).into(), market: None, measured, position };
        let mut line = Vec::new();
        location.write(&format!("client-{}", post.id), &mut line);
        post.out.push(Up::Line(line));
    }

    fn deed(&self, post: &mut Post, moment: Moment, stop: SeenStop) -> Body {
        let (driver, ride, session) = (self.name(), RideRef::Number(RideId(stop.ride)), self.session);
        match stop.deed {
            Deed::Arrive => Body::ArriveAtPickup(ArriveAtPickup { driver, ride, session }),
            Deed::Board => Body::BoardRider(BoardRider { driver, ride, session }),
            Deed::End => {
                let early = !moment.settling && post.draws.chance(10);
                let place = if early { town::place(&self.network, &mut post.draws) } else { stop.place };
                Body::EndTrip(EndTrip { driver, ride, session, place })
            }
        }
    }

    /// It sees what the driver has to do.
    pub fn see(&mut self, post: &mut Post, moment: Moment, seen: Option<SeenDriver>) {
        self.seen = seen;
        if !self.is_on(moment) {
            return;
        }
        let now = moment.now;
        let Some(seen) = seen.filter(|seen| seen.on_shift) else {
            (self.reply, self.doing) = (None, None);
            if self.start.is_none_or(|key| !post.waits_for(key)) && !moment.settling {
                self.start = Some(self.start_shift(post, now));
            }
            return;
        };
        self.hold(post, moment, &seen);
        // A shift or session begins at 0: then numbers start again.
        self.seq = if seen.seq == 0 { self.seq.min(20) } else { self.seq.max(seen.seq) };
        if let Some((ride, epoch, deadline)) = seen.offered
            && self.answered != Some((ride, epoch))
        {
            self.answered = Some((ride, epoch));
            self.reply = self.think(post, moment, (ride, epoch, deadline));
        }
        match (seen.next, &self.doing) {
            (None, _) => self.doing = None,
            (Some(stop), Some((doing, _, order))) if *doing == stop && order.is_none_or(|key| post.waits_for(key)) => {}
            (Some(stop), Some((doing, at, _))) if *doing == stop && *at > now => {}
            (Some(stop), _) => {
                let away = match stop.deed {
                    Deed::Board if !moment.settling && post.draws.chance(10) => Millis::from_secs(90),
                    _ => Millis(post.draws.between(500, 30_000)),
                };
                self.doing = Some((stop, now + away, None));
            }
        }
    }

    /// Takes over if another device holds the session, as it sees. It holds the one that it sees after it has.
    fn hold(&mut self, post: &mut Post, moment: Moment, seen: &SeenDriver) {
        match self.takes_over {
            Some((_, Some(at))) if at < seen.next_turn => (self.session, self.takes_over) = (seen.session, None),
            Some((key, None)) if !post.waits_for(key) => self.takes_over = None,
            Some(_) => {}
            None => {
                let wants = moment.settling || post.draws.chance(if self.is_second { 30 } else { 15 });
                if self.session != seen.session && wants {
                    let key = post.order(moment.now, Body::OpenSession(OpenSession { driver: self.name() }));
                    self.takes_over = Some((key, None));
                }
            }
        }
    }

    /// An order of its was answered.
    pub fn answered(&mut self, of: Key, answered: Answered) {
        if let Some((key, at)) = &mut self.takes_over
            && *key == of
            && let Answered::Taken(taken) | Answered::Repeated(taken) = answered
        {
            *at = Some(taken);
        }
    }

    fn start_shift(&self, post: &mut Post, now: Millis) -> Key {
        let mischief = post.draws.chance(self.mischief);
        let place = if mischief { town::nowhere(self.place) } else { self.place };
        let seats = if mischief && post.draws.chance(50) { 0 } else { 1 + (self.driver % 4) as u8 };
        let driver = self.name();
        let body = StartShift {
            driver,
            place,
            seats,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: Rating(480),
        };
        post.order(now, Body::StartShift(body))
    }

    /// How and when an offer is answered; `None`: it is let pass.
    fn think(&self, post: &mut Post, moment: Moment, offer: (u32, u32, Millis)) -> Option<(Millis, Body)> {
        let (number, epoch, deadline) = offer;
        let now = moment.now;
        let (driver, ride, session) = (self.name(), RideRef::Number(RideId(number)), self.session);
        let accept = Body::AcceptOffer(AcceptOffer { driver: driver.clone(), ride, session, epoch: Epoch(epoch) });
        if moment.settling {
            return Some((now, accept));
        }
        let soon = now + Millis(post.draws.between(0, 6_000));
        // On the very last moment, or right after it.
        let last = deadline - START - Millis(50 * post.draws.between(-1, 4));
        match post.draws.below(100) {
            0..60 => Some((soon, accept)),
            60..70 => Some((last, accept)),
            70..80 => Some((soon, Body::DeclineOffer(DeclineOffer { driver, ride, session, epoch: Epoch(epoch) }))),
            _ => None,
        }
    }

    /// What no honest driver would do.
    fn misbehave(&self, post: &mut Post, now: Millis) {
        let newest = self.seen.map_or(1, |seen| seen.newest);
        let own = self.seen.and_then(|seen| seen.next).map(|stop| stop.ride);
        let any = own.filter(|_| post.draws.chance(50)).unwrap_or(1 + post.draws.below(u64::from(newest) + 1) as u32);
        let ride = RideRef::Number(RideId(any));
        let driver = if post.draws.chance(10) { Name::from("nobody") } else { self.name() };
        let place = self.place;
        let session = if post.draws.chance(70) { self.session } else { post.draws.below(4) as u32 };
        let body = match post.draws.below(9) {
            0 => Body::AcceptOffer(AcceptOffer { driver, ride, session, epoch: Epoch(post.draws.below(4) as u32) }),
            1 => Body::DeclineOffer(DeclineOffer { driver, ride, session, epoch: Epoch(post.draws.below(4) as u32) }),
            2 => Body::ArriveAtPickup(ArriveAtPickup { driver, ride, session }),
            3 => Body::BoardRider(BoardRider { driver, ride, session }),
            4 => Body::EndTrip(EndTrip { driver, ride, session, place }),
            5 => Body::CancelByDriver(CancelByDriver { driver, ride, session }),
            6 => Body::EndShift(EndShift { driver, session }),
            7 => Body::CancelRide(CancelRide { ride }),
            _ => {
                let other = Body::EndShift(EndShift { driver: Name::from("nobody"), session });
                return post.conflict(now, Body::CancelByDriver(CancelByDriver { driver, ride, session }), other);
            }
        };
        post.order(now, body);
    }
}
