//! The positions that wait for a market, and when they become a turn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hansom_engine::domain::Session;
use hansom_engine::record::Ping;
use hansom_engine::{Offset, State};
use hansom_geo_index::Millis;
use hansom_market::ingest::{self, Collected, Collector, MOST_PINGS, NOBODY, Names, is_idle};

use crate::figures::MarketFigures;
use crate::lanes::Received;
use crate::reports::Reports;
use crate::shared::Shared;

/// At most so many positions wait for a market, those of idle drivers being shed first.
const MOST_POSITIONS: usize = 1 << 16;
/// A position waits for others to share its turn.
const LINGER: Duration = Duration::from_millis(20);

/// The positions that wait for a market.
pub(crate) struct Positions {
    collector: Collector,
    /// What became of them, as counted last.
    counted: Collected,
    /// When the next bundle is to be made, even if it is not full.
    due: Option<Instant>,
    /// A buffer to exchange with the lane's.
    buffer: Vec<Received>,
    /// Where the line ended when those before a ticket had been taken in.
    marks: VecDeque<(u64, u64)>,
}

impl Positions {
    /// None wait.
    pub fn new() -> Self {
        Self {
            collector: Collector::new(MOST_POSITIONS),
            counted: Collected::default(),
            due: None,
            buffer: Vec::new(),
            marks: VecDeque::new(),
        }
    }

    /// Takes those in that came meanwhile.
    pub fn collect(&mut self, shared: &Shared, names: &Names, state: &State) {
        let (mut received, first) = shared.lanes.take_positions(std::mem::take(&mut self.buffer));
        let next = first + received.len() as u64;
        for (ticket, Received { position, measured }) in (first..).zip(received.drain(..)) {
            let driver = names.driver_id(&position.driver).unwrap_or(NOBODY);
            let (session, seq) = (Session(position.session), position.seq);
            let waiting = ingest::Waiting { driver, session, seq, measured, coord: position.place, ticket };
            if let Some(left_out) = self.collector.push(waiting, is_idle(state, driver)) {
                shared.reports.leave_out(left_out.ticket);
            }
        }
        if next > first {
            self.marks.push_back((self.collector.end(), next));
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

    /// The next bundle, for a command stamped about `at` that gets the turn at `offset`, in a buffer to reuse; `None`: nothing
    /// waits. Whoever waits for them hears of them once that turn is durable.
    pub fn take(&mut self, at: Millis, buffer: Vec<Ping>, offset: Offset, reports: &Reports) -> Option<Vec<Ping>> {
        let bundle = self.collector.take(at, buffer)?;
        // Those that are left make the next bundle at once.
        self.due = (self.collector.depth() > 0).then(Instant::now);
        let mut settled = None;
        while let Some((end, next)) = self.marks.front().copied()
            && end <= self.collector.begin()
        {
            settled = Some(next);
            self.marks.pop_front();
        }
        reports.expect_turn(offset, self.collector.tickets(), settled);
        Some(bundle)
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
