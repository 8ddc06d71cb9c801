//! What is driven: a server over GraphQL, or a market in this process.

mod http;
pub mod inside;
pub mod served;
mod socket;

use std::time::Instant;

use hansom_engine::{Epoch, Key, RideId};
use hansom_market::ingest::{Order, Position};

use super::stages::Shown;
use super::usage::Driven;
use crate::error::Error;

/// A market, wherever it is.
pub trait Subject: Send + Sync {
    /// A connection for one of the crew, opened in his thread.
    fn caller(&self) -> Box<dyn Caller>;
    /// Hears every offer that the market makes from now on, in a thread of its own, for as long as the process lasts.
    fn listen(&self, hear: Hear) -> Result<(), Error>;
    /// Hears the offers of these drivers, each by a subscription of the driver's own. `false`: there are none here.
    fn subscribe(&self, drivers: &[String], hear: &(dyn Fn() -> Hear + Sync)) -> Result<bool, Error>;
    /// Gives orders before anything is measured, and returns once all have a turn.
    fn fill(&self, orders: &[Order]) -> Result<(), Error>;
    /// The market's own figures.
    fn shown(&self) -> Result<Shown, Error>;
    /// Whose processor time is the market's.
    fn driven(&self) -> Driven;
}

/// Is told what a stream brings.
pub type Hear = Box<dyn FnMut(Heard) + Send>;

/// What a stream brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An offer.
    Offer(Offer),
    /// Something else.
    Other,
    /// A message that there was more than was brought, or an end.
    Gap,
}

/// An offer, as its driver gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The key of the order that asked for the ride.
    pub request: Key,
    pub ride: RideId,
    pub driver: Box<str>,
    pub epoch: Epoch,
    /// When it was here.
    pub seen: Instant,
}

/// A connection that does one thing at a time.
pub trait Caller {
    /// Gives an order, and returns with the answer.
    fn order(&mut self, order: Order) -> Answer;
    /// Hands positions over.
    fn report(&mut self, key: Key, positions: Vec<Position>) -> Answer;
    /// Asks for a ride and its story, as an app does. Whether it was there; `None`: there is nobody to ask.
    fn ask(&mut self, ride: RideId) -> Option<bool>;
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is durable, or received.
    Taken(Option<Asked>),
    /// A rule forbade it.
    Refused,
    /// There was no room for it.
    TurnedAway,
    /// Nobody knows: the connection failed, or the answer is none.
    Lost,
}

/// A ride that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub ride: RideId,
    /// A driver who could come was there.
    pub has_candidate: bool,
}

/// The key in a text.
fn key(text: &str) -> Option<Key> {
    let digits: String = text.split('-').collect();
    u128::from_str_radix(&digits, 16).ok().map(Key)
}
