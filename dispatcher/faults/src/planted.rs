//! The market as the simulation drives it, and the same with one bug planted in it.

use crate::town::Setting;
use hansom_engine::{Command, Key, State, Turn};
use hansom_geo_index::Millis;
use hansom_market::log::LogError;
use hansom_market::{Market, MarketError, Wakeup};

/// What the simulation asks of a market.
pub(crate) trait Service {
    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError>;
    fn next_wakeup(&self, before: Millis) -> Option<Wakeup>;
    fn wake(&mut self, at: Millis) -> Result<Turn, MarketError>;
    fn checkpoint(&mut self, at: Millis) -> Result<Turn, MarketError>;
    fn commit(&mut self) -> Result<(), MarketError>;
    fn state(&self) -> &State;
    fn close(self: Box<Self>) -> Result<(), LogError>;
}

impl Service for Market {
    fn submit(&mut self, at: Millis, key: Option<Key>, command: Command) -> Result<Turn, MarketError> {
        Self::submit(self, at, key, command).cloned()
    }

    fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        Self::next_wakeup(self, before)
    }

    fn wake(&mut self, at: Millis) -> Result<Turn, MarketError> {
        Self::wake(self, at).cloned()
    }

    fn checkpoint(&mut self, at: Millis) -> Result<Turn, MarketError> {
        Self::checkpoint(self, at).cloned()
    }

    fn commit(&mut self) -> Result<(), MarketError> {
        Self::commit(self)
    }

    fn state(&self) -> &State {
        Self::state(self)
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        Self::close(*self).map(|_| ())
    }
}

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {}

pub(crate) fn plant(_bug: Option<Bug>, market: Market, _setting: &Setting) -> Box<dyn Service> {
    Box::new(market)
}
