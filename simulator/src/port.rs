//! Where the world meets the market: commands go in, turns come out.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hansom_engine::domain::{Key, Settings};
use hansom_engine::record::{Header, Ping};
use hansom_engine::{Command, Turn};
use hansom_geo_index::Millis;
use hansom_market::log::{LogError, Mode, Writer};
use hansom_market::planning::{External, Fault, Miss};
use hansom_market::seam::clock::Monotonic;
use hansom_market::seam::disk::Nowhere;
use hansom_market::{Closed, Market, MarketError, Wakeup};

use crate::city::City;
use crate::rng::{Purpose, Stream};
use crate::scenario::Scenario;
use crate::settings::planner;

/// Answers of a planner outside that were not taken.
#[derive(Debug, Default)]
pub struct Missed {
    /// How many.
    pub count: u64,
    /// The first ones.
    pub first: Vec<Miss>,
}

impl Missed {
    /// So many are kept.
    const MOST: usize = 100;

    fn add(&mut self, miss: Miss) {
        self.count += 1;
        if self.first.len() < Self::MOST {
            self.first.push(miss);
        }
    }
}

/// A planner outside, and what it said that was not taken.
pub struct Outside {
    planner: External,
    missed: Arc<Mutex<Missed>>,
}

impl Outside {
    /// Reaches the planner that the scenario names, if it names one.
    pub fn reach(scenario: &Scenario, city: &City) -> Result<Option<Self>, Fault> {
        let Some(place) = planner(scenario) else { return Ok(None) };
        let missed: Arc<Mutex<Missed>> = Arc::default();
        let kept = missed.clone();
        let keep = move |miss| kept.lock().unwrap_or_else(PoisonError::into_inner).add(miss);
        Ok(Some(Self { planner: External::reached(place, city, Box::new(keep))?, missed }))
    }
}

/// The market of a run.
#[derive(Debug)]
pub struct Port {
    market: Market,
    /// What a planner outside said that was not taken, if there is one.
    missed: Option<Arc<Mutex<Missed>>>,
    keys: Stream,
    /// How many commands had a key.
    keyed: u64,
}

impl Port {
    /// Opens the market of `scenario`, with its log in `folder` or without one.
    pub fn open(
        scenario: &Scenario,
        outside: Option<Outside>,
        settings: Settings,
        city: &City,
        folder: Option<&Path>,
        mode: Mode,
    ) -> Result<Self, LogError> {
        let header = Header {
            seed: scenario.seed,
            planner_latency: scenario.policy.planner_latency,
            scenario: scenario.show(),
            ..Header::new(&scenario.name, &city.network, settings, scenario.period.start)
        };
        let log = match folder {
            Some(folder) => Writer::create(folder, &header, mode)?,
            None => Writer::create_on(Arc::new(Nowhere), Path::new("nowhere"), &header, mode)?,
        };
        let mut market = Market::new(&header, city, log, Box::new(Monotonic::new()));
        let mut missed = None;
        if let Some(outside) = outside {
            market = market.plan_by(Box::new(outside.planner));
            missed = Some(outside.missed);
        }
        Ok(Self { market, missed, keys: Stream::new(scenario.seed, Purpose::Key), keyed: 0 })
    }

    /// When the market wants to be woken, if that is before `before`.
    pub fn next_wakeup(&self, before: Millis) -> Option<Wakeup> {
        self.market.next_wakeup(before)
    }

    /// Wakes the market.
    pub fn wake(&mut self, at: Millis) -> Result<&Turn, MarketError> {
        self.market.wake(at)
    }

    /// Gives an order of a rider or driver, under a key of its own.
    pub fn order(&mut self, at: Millis, command: Command) -> Result<&Turn, MarketError> {
        let key = self.key(at);
        self.market.submit(at, Some(key), command)
    }

    /// Hands positions over.
    pub fn report(&mut self, at: Millis, pings: Vec<Ping>) -> Result<&Turn, MarketError> {
        self.market.submit(at, None, Command::ReportPositions(pings))
    }

    /// An empty buffer for positions.
    pub fn buffer(&mut self) -> Vec<Ping> {
        self.market.pings_buffer()
    }

    /// Why a planner outside was never heard of, if it is gone without an answer to its first question.
    pub fn planner_never_came(&self) -> Option<String> {
        let missed = self.missed.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let first = missed.first.first().filter(|miss| !miss.has_spoken && matches!(miss.why, Fault::Gone(_)));
        first.map(|miss| miss.why.to_string())
    }

    /// Closes the market and its log. Returns the answers of a planner outside that were not taken, too.
    pub fn close(self) -> Result<(Closed, Missed), LogError> {
        let closed = self.market.close()?;
        let missed = self.missed.map(|kept| std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)));
        Ok((closed, missed.unwrap_or_default()))
    }

    fn key(&mut self, at: Millis) -> Key {
        self.keyed += 1;
        key(self.keys, self.keyed - 1, at)
    }
}

/// A `UUIDv7`: 48 bits of time, the rest from a stream of draws and the command's number.
pub fn key(keys: Stream, nth: u64, at: Millis) -> Key {
    let draw = keys.draw(nth, 0);
    let high = (at.0 as u64) << 16 | 0x7000 | draw.split(1).bits() >> 52;
    let low = 1 << 63 | draw.bits() >> 2;
    Key(u128::from(high) << 64 | u128::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use hansom_geo_index::network::sample;

    #[test]
    fn keys_are_uuids_of_version_7() {
        let city = City::new(Arc::new(sample::grid(2, 2, 100_000, 9_000)));
        let scenario = Scenario::default();
        let settings = crate::settings::settings(&scenario, scenario.hours(false));
        let mut port =
            Port::open(&scenario, None, settings, &city, None, Mode::Inline).expect("there is no log to fail");
        let (first, second) = (port.key(Millis(0x0123_4567_89AB)), port.key(Millis(0x0123_4567_89AB)));
        assert_ne!(first, second);
        for key in [first, second] {
            let text = key.to_string();
            assert!(text.starts_with("01234567-89ab-7"), "{text}");
            assert!(matches!(text.as_bytes()[19], b'8'..=b'b'), "{text}");
        }
    }
}
