//! The positions that wait for a market, and when they become a turn.

use std::time::{Duration, Instant};

use hansom_engine::domain::Session;
use hansom_engine::record::Ping;
use hansom_engine::{DriverId, State};
use hansom_geo_index::Millis;
use hansom_market::ingest::{self, Collected, Collector, MOST_PINGS, Names, is_idle};

use crate::figures::MarketFigures;
use crate::lanes::Received;
use crate::shared::Shared;

/// At most so many positions wait for a market, those of idle drivers being shed first.
const MOST_POSITIONS: usize = 1 << 16;
/// A position waits for others to share its turn.
const LINGER: Duration = Duration::from_millis(20);

/// A driver whom no market has: his positions are refused.
const NOBODY: DriverId = DriverId(u32::MAX);

/// The positions that wait for a market.
pub(crate) struct Positions {
    collector: Collector,
    /// What became of them, as counted last.
    counted: Collected,
    /// When the next bundle is to be made, even if it is not full.
    due: Option<Instant>,
    /// A buffer to exchange with the lane's.
    buffer: Vec<Received>,
}

impl Positions {
    /// None wait.
    pub fn new() -> Self {
        Self { collector: Collector::new(MOST_POSITIONS), counted: Collected::default(), due: None, buffer: Vec::new() }
    }

    /// Takes those in that came meanwhile.
    pub fn collect(&mut self, shared: &Shared, names: &Names, state: &State) {
        let mut received = shared.lanes.take_positions(std::mem::take(&mut self.buffer));
        for Received { position, measured } in received.drain(..) {
            let driver = names.driver_id(&position.driver).unwrap_or(NOBODY);
            let (session, seq) = (Session(position.session), position.seq);
            let waiting = ingest::Waiting { driver, session, seq, measured, coord: position.place };
            // Its device was told that it was received; that it was left out is counted.
            let full = self.collector.push(waiting, is_idle(state, driver)).is_err();
            shared.figures.shed_pings.inc_by(u64::from(full));
        }
        self.buffer = received;
        if self.due.is_none() && self.collector.depth() > 0 {
            self.due = Some(Instant::now() + LINGER);
        }
    }

    /// How long until the next bundle is due: it is full, or its first position has waited for others long enough.
    pub fn due(&self) -> Option<Duration> {
        let due = self.due?;
        let full = self.collector.depth() >= MOST_PINGS;
        Some(if full { Duration::ZERO } else { due.saturating_duration_since(Instant::now()) })
    }

    /// The next bundle, for a command stamped about `at`, in a buffer to reuse; `None`: nothing waits.
    pub fn take(&mut self, at: Millis, buffer: Vec<Ping>) -> Option<Vec<Ping>> {
        let bundle = self.collector.take(at, buffer);
        // Those that are left make the next bundle at once.
        self.due = (self.collector.depth() > 0).then(Instant::now);
        bundle
    }

    /// Counts what became of them since this was done last.
    pub fn count(&mut self, figures: &MarketFigures) {
        let now = self.collector.counts();
        let left_out = |counts: Collected| counts.replaced + counts.shed;
        figures.shed_pings.inc_by(left_out(now) - left_out(self.counted));
        figures.waiting_pings.set(self.collector.depth() as i64);
        self.counted = now;
    }
}
