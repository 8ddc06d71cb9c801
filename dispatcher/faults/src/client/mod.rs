//! Those who use the market from outside: they know what they sent and what they were answered, and nothing else.
//!
//! A client sends an order until it is answered, always under the same key. It looks at what was released from time to
//! time, and does what a person would do who saw that.

mod device;
mod reader;
mod rider;

pub(crate) use device::Device;
pub(crate) use reader::Reader;
pub(crate) use rider::Rider;

use crate::broken::{Broken, Checked, Promise, ensure};
use crate::draws::Draws;
use crate::stream::Piece;
use crate::town::START;
use hansom_engine::record::Refusal;
use hansom_engine::{Key, Offset};
use hansom_geo_index::{Coord, Millis};
use hansom_market::ingest::Order;
use hansom_market::ingest::order::Body;
use std::collections::BTreeMap;

/// Whose message it is.
pub(crate) type ClientId = usize;

/// To the market.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    /// A line for its ingest.
    Line(Vec<u8>),
    /// What was released?
    Look(Wish),
    /// What is told from this turn on? Perhaps that there is a gap.
    Follow { from: u64, tells_gaps: bool },
}

/// What a client wants to see.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    /// The ride that was asked for under a key.
    Ride(Key),
    /// What a driver has to do.
    Driver(String),
}

/// From the market.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    Answer(Key, Answered),
    /// A ride, as known before the turn at the offset.
    Ride(Key, Option<SeenRide>, Offset),
    Driver(Option<SeenDriver>),
    Told(Piece),
}

/// The answer to an order, as released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It took effect at this turn.
    Taken(Offset),
    Refused(Refusal),
    /// It took effect before, at this turn.
    Repeated(Offset),
    /// It could not be decided, and was passed over.
    Skipped,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenRide {
    pub number: u32,
    pub over: bool,
    /// The market can bring it to an end without its rider.
    pub in_hand: bool,
    pub aboard: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenDriver {
    pub on_shift: bool,
    /// The session that is open.
    pub session: u32,
    /// All turns before this one are in it.
    pub next_turn: Offset,
    pub seq: u32,
    /// Ride, epoch and deadline of the offer.
    pub offered: Option<(u32, u32, Millis)>,
    pub next: Option<SeenStop>,
    /// The newest ride of all.
    pub newest: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenStop {
    pub ride: u32,
    pub deed: Deed,
    pub place: Coord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Arrive,
    Board,
    End,
}

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    pub post: Post,
    pub role: Role,
}

#[derive(Debug)]
pub(crate) enum Role {
    Rider(Rider),
    Device(Box<Device>),
    Reader(Reader),
}

/// How the world is to a client right now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub now: Millis,
    /// Faults have stopped: finish what is open, and begin nothing.
    pub settling: bool,
}

/// What a client sends and was answered.
#[derive(Debug)]
pub(crate) struct Post {
    pub id: ClientId,
    pub draws: Draws,
    /// By how much its clock is wrong.
    skew: Millis,
    keys: u64,
    open: Vec<Letter>,
    /// Answers so far: where an order took effect.
    taken: BTreeMap<Key, Offset>,
    /// Keys used for two orders on purpose.
    conflicting: Vec<Key>,
    /// What to send now.
    out: Vec<Up>,
}

#[derive(Debug)]
struct Letter {
    key: Key,
    line: Vec<u8>,
    again: Millis,
    tries: u32,
}

impl Post {
    pub fn new(seed: u64, id: ClientId) -> Self {
        let mut draws = Draws::new(seed, 1_000 + id as u64);
        let skew = Millis(draws.between(-2_000, 2_000));
        Self {
            id,
            draws,
            skew,
            keys: 0,
            open: Vec::new(),
            taken: BTreeMap::new(),
            conflicting: Vec::new(),
            out: Vec::new(),
        }
    }

    /// A new key: a UUID of version 7.
    fn key(&mut self, now: Millis) -> Key {
        self.keys += 1;
        let made = (START + now + self.skew).0 as u128;
        Key(made << 80 | 7 << 76 | 0b10 << 62 | (self.id as u128) << 40 | u128::from(self.keys))
    }

    /// Sends an order, until it is answered.
    fn order(&mut self, now: Millis, body: Body) -> Key {
        let key = self.key(now);
        self.order_as(now, key, body);
        key
    }

    fn order_as(&mut self, now: Millis, key: Key, body: Body) {
        self.order_later(now, key, body);
        if let Some(letter) = self.open.last() {
            self.out.push(Up::Line(letter.line.clone()));
        }
    }

    /// Sends an order not at once.
    fn order_later(&mut self, now: Millis, key: Key, body: Body) {
        let order = Order { key, source: format!("client-{}", self.id).into(), market: None, time: None, body };
        let mut line = Vec::new();
        order.write(&mut line);
        let again = now + Millis(self.draws.between(800, 2_500));
        self.open.push(Letter { key, line, again, tries: 0 });
    }

    /// Uses a key for two orders, which no honest client does: one of them is refused.
    fn conflict(&mut self, now: Millis, one: Body, other: Body) {
        let key = self.order(now, one);
        self.conflicting.push(key);
        self.order_as(now, key, other);
    }

    /// Whether an order has no answer yet.
    pub fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    fn waits_for(&self, key: Key) -> bool {
        self.open.iter().any(|letter| letter.key == key)
    }

    fn retry(&mut self, now: Millis) {
        for letter in &mut self.open {
            if letter.again <= now {
                letter.tries += 1;
                let pause = 1_000 << letter.tries.min(3);
                letter.again = now + Millis(self.draws.between(pause / 2, pause));
                self.out.push(Up::Line(letter.line.clone()));
            }
        }
    }

    /// Takes an answer: it is the same each time, wherever it was lost before.
    fn answered(&mut self, key: Key, answered: Answered) -> Checked {
        self.open.retain(|letter| letter.key != key);
        if self.conflicting.contains(&key) {
            return Ok(());
        }
        let at = match answered {
            Answered::Taken(at) => {
                let again = self.taken.get(&key).is_some_and(|before| *before != at);
                ensure(!again, Promise::Once, || format!("key {key} took effect at {at} and before"))?;
                at
            }
            Answered::Repeated(at) => at,
            Answered::Refused(Refusal::KeyConflict) => {
                return Err(Broken::new(Promise::Answer, format!("an honest retry of key {key} is a conflict")));
            }
            Answered::Refused(_) | Answered::Skipped => return Ok(()),
        };
        let before = *self.taken.entry(key).or_insert(at);
        ensure(before == at, Promise::Once, || format!("key {key} took effect at {before}, then it is said at {at}"))
    }

    /// Where the orders took effect that were acknowledged.
    pub fn taken(&self) -> &BTreeMap<Key, Offset> {
        &self.taken
    }
}

impl Client {
    /// Does what there is to do; returns what it sends.
    pub fn act(&mut self, moment: Moment) -> Vec<Up> {
        self.post.retry(moment.now);
        match &mut self.role {
            Role::Rider(rider) => rider.act(&mut self.post, moment),
            Role::Device(device) => device.act(&mut self.post, moment),
            Role::Reader(reader) => reader.act(&mut self.post, moment),
        }
        std::mem::take(&mut self.post.out)
    }

    /// Hears from the market.
    pub fn hear(&mut self, moment: Moment, down: Down) -> Checked<Vec<Up>> {
        match (&mut self.role, down) {
            (_, Down::Answer(key, answered)) => {
                self.post.answered(key, answered)?;
                match &mut self.role {
                    Role::Rider(rider) => rider.answered(&mut self.post, moment, key, answered),
                    Role::Device(device) => device.answered(key, answered),
                    Role::Reader(_) => {}
                }
            }
            (Role::Rider(rider), Down::Ride(key, seen, next)) => rider.see(&mut self.post, moment, key, (seen, next)),
            (Role::Device(device), Down::Driver(seen)) => device.see(&mut self.post, moment, seen),
            (Role::Reader(reader), Down::Told(piece)) => reader.hear(&piece)?,
            // To somebody else.
            (_, Down::Ride(..) | Down::Driver(_) | Down::Told(_)) => {}
        }
        Ok(std::mem::take(&mut self.post.out))
    }

    /// The one who follows what is told, if it is that.
    pub fn reader(&self) -> Option<&Reader> {
        if let Role::Reader(reader) = &self.role { Some(reader) } else { None }
    }

    /// Whether it has nothing left to do, once faults have stopped.
    pub fn is_done(&self) -> bool {
        !self.post.is_waiting() && if let Role::Rider(rider) = &self.role { rider.is_resting() } else { true }
    }
}
