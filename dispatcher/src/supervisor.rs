//! The markets of a process: opened and closed while it runs, each on a thread of its own.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Actor, Addr, MailboxError, Supervisor};
use actix_rt::Arbiter;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Command, Key, Name, RideId, Turn};
use hansom_market::ingest::{Location, Order, RideRef};
use hansom_market::log::{LogError, Reader};
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::seam::disk::FileSystem;
use tokio::sync::{oneshot, watch};
use tracing::info;

use crate::answer::{Answer, NotTaken, Standing};
use crate::events::{Events, Told};
use crate::feed::Feed;
use crate::figures::Figures;
use crate::lanes::{Received, Work};
use crate::market::{Close, Farewell, MarketActor, Spec};
use crate::quarantine::NotKept;
use crate::release::{Durable, Outbox, Release, tell};
use crate::reports::PendingReport;
use crate::shared::Shared;
use crate::shifts::Shifts;
use crate::trace::Trace;

/// All markets of a process. Made and used within an actix system.
#[derive(Debug)]
pub struct Dispatcher {
    markets: Mutex<BTreeMap<Arc<str>, Entry>>,
    figures: Arc<Figures>,
    shifts: Arc<Shifts>,
    /// The thread of what leaves the markets.
    way_out: Arbiter,
}

#[derive(Debug)]
struct Entry {
    handle: MarketHandle,
    actor: Addr<MarketActor>,
    arbiter: Arbiter,
    outbox: Outbox,
}

/// Why a market cannot be opened or closed.
#[derive(Debug, thiserror::Error)]
pub enum MarketsError {
    /// One of this name is open.
    #[error("a market `{name}` is open already")]
    Twice {
        /// Its name.
        name: Arc<str>,
    },
    /// None of this name is open.
    #[error("no market `{name}` is open")]
    Unknown {
        /// The name.
        name: Arc<str>,
    },
    /// Its log could not be closed: turns that were not acknowledged may be lost.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Its actor is gone.
    #[error("the market's actor does not answer: {0}")]
    Actor(#[from] MailboxError),
}

impl Dispatcher {
    /// No market yet.
    pub fn new() -> Self {
        Self {
            markets: Mutex::default(),
            figures: Arc::new(Figures::new()),
            shifts: Arc::default(),
            way_out: Arbiter::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry>> {
        self.markets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a market, which serves once it has read its log: [`MarketHandle::ready`] waits for that.
    pub fn open(&self, spec: Spec) -> Result<MarketHandle, MarketsError> {
        let name: Arc<str> = spec.header.name.as_str().into();
        let mut markets = self.lock();
        if markets.contains_key(&name) {
            return Err(MarketsError::Twice { name });
        }
        let shared = Arc::new(Shared::new(&spec, self.figures.of(&name), self.shifts.clone()));
        let (release, outbox) = Release::new(shared.clone());
        Release::start_in_arbiter(&self.way_out.handle(), |_| release);
        let arbiter = Arbiter::new();
        let actor = Supervisor::start_in_arbiter(&arbiter.handle(), {
            let (shared, outbox) = (shared.clone(), outbox.clone());
            |_| MarketActor::new(spec, shared, outbox)
        });
        let handle = MarketHandle { shared };
        markets.insert(name, Entry { handle: handle.clone(), actor, arbiter, outbox });
        Ok(handle)
    }

    /// Closes a market: it takes no more commands, finishes what it has, and all of it is durable and released on return.
    pub async fn close(&self, name: &str) -> Result<Farewell, MarketsError> {
        let removed = self.lock().remove(name);
        let Some(Entry { handle, actor, arbiter, outbox }) = removed else {
            return Err(MarketsError::Unknown { name: name.into() });
        };
        let closed = actor.send(Close).await;
        let (told, released) = oneshot::channel();
        if outbox.send(Durable::Closed(told)).await.is_ok() {
            // If the release is gone there is nothing to wait for.
            let _ = released.await;
        }
        handle.shared.feeds.close();
        arbiter.stop();
        let farewell = closed??;
        info!(market = name, turns = farewell.turns, "drained and closed");
        Ok(farewell)
    }

    /// Closes all markets, one after another; returns the first failure once all are closed.
    pub async fn close_all(&self) -> Result<(), MarketsError> {
        let mut failed = Ok(());
        for market in self.markets() {
            let closed = self.close(market.name()).await;
            failed = failed.and(closed.map(drop));
        }
        failed
    }

    /// The market of this name.
    pub fn market(&self, name: &str) -> Option<MarketHandle> {
        self.lock().get(name).map(|entry| entry.handle.clone())
    }

    /// All markets, in order of name.
    pub fn markets(&self) -> Vec<MarketHandle> {
        self.lock().values().map(|entry| entry.handle.clone()).collect()
    }

    /// What is measured of all markets.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}

impl Default for Dispatcher {
    fn default() -> Self {
        Self::new()
    }
}

/// The way to a market, for as many as like to have it.
#[derive(Debug, Clone)]
pub struct MarketHandle {
    shared: Arc<Shared>,
}

impl MarketHandle {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What it is doing.
    pub fn standing(&self) -> Standing {
        self.shared.standing.borrow().clone()
    }

    /// Returns once it serves, or with what it does instead for good.
    pub async fn ready(&self) -> Standing {
        let mut standing = self.shared.standing.subscribe();
        let settled = standing.wait_for(|standing| !matches!(standing, Standing::Opening)).await;
        settled.map_or(Standing::Closed, |standing| standing.clone())
    }

    /// What it is doing, as it goes on.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.shared.standing.subscribe()
    }

    /// Gives it an order from outside. The answer comes when the order's turn is durable.
    pub fn order(&self, order: Order) -> Result<Pending, NotTaken> {
        self.push(Work::Order(Box::new(order), None), None)
    }

    /// Gives it an order that may leave a trace. If a rider is named, who may speak for no ride but their own, the ride it is about
    /// has to be that rider's: the market knows whose a ride is as soon as it was asked for, so that an order may follow the request
    /// at once.
    pub fn order_of(&self, order: Order, rider: Option<Name>, trace: Option<Box<Trace>>) -> Result<Pending, NotTaken> {
        self.push(Work::Order(Box::new(order), rider), trace)
    }

    /// Whose ride it is, as of what was released; `None`: it is not known, or not any more.
    pub fn rider_of(&self, ride: RideId) -> Option<Name> {
        let names = self.shared.names.read().unwrap_or_else(PoisonError::into_inner);
        names.as_ref()?.rider_of(RideRef::Number(ride)).cloned()
    }

    /// Gives it a command in its own words. The answer comes when the command's turn is durable.
    pub fn submit(&self, key: Option<Key>, command: Command) -> Result<Pending, NotTaken> {
        self.push(Work::Command(key, command), None)
    }

    fn push(&self, work: Work, trace: Option<Box<Trace>>) -> Result<Pending, NotTaken> {
        if trace.is_some() {
            self.shared.decisions.want();
        }
        let answer = self.shared.lanes.push(work, trace);
        if matches!(answer, Err(NotTaken::Overloaded { .. })) {
            self.shared.figures.overloaded.inc();
        }
        Ok(Pending(answer?))
    }

    /// Hands it a position. A newer one of the same driver may replace it before the market sees it.
    pub fn report(&self, location: Location) -> Result<(), NotTaken> {
        self.hand_over(std::iter::once(location), drop).1
    }

    /// Hands it positions at once, in this order: the first of them where there is not room for all. How many that were, and why
    /// not the others; and what is to be heard of them, if there were any.
    pub fn report_all(
        &self,
        locations: impl ExactSizeIterator<Item = Location>,
    ) -> (usize, Result<(), NotTaken>, PendingReport) {
        let (reply, answer) = oneshot::channel();
        let (taken, reported) = self.hand_over(locations, |tickets| self.shared.reports.expect(tickets, reply));
        (taken, reported, PendingReport(answer))
    }

    fn hand_over(
        &self,
        locations: impl ExactSizeIterator<Item = Location>,
        expect: impl FnOnce(Range<u64>),
    ) -> (usize, Result<(), NotTaken>) {
        let (given, now) = (locations.len(), self.shared.clock.now());
        let received = |Location { measured, position, .. }| Received { position, measured: measured.unwrap_or(now) };
        let (taken, reported) = self.shared.lanes.report(locations.map(received), expect);
        if matches!(reported, Err(NotTaken::Overloaded { .. })) {
            self.shared.figures.shed_pings.inc_by((given - taken) as u64);
        }
        (taken, reported)
    }

    /// What it told the outside lately.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// A line of its own with the market's durable turns, from the next one on.
    pub fn feed(&self) -> Arc<Feed> {
        self.shared.feeds.open()
    }

    /// Has its figures say how its read models stand: by how many turns they are behind what was released, and whether its
    /// history is kept.
    pub fn tell_read_models(&self, behind: u64, history_kept: bool) {
        self.shared.figures.read_lag.set(behind as i64);
        self.shared.figures.history_up.set(i64::from(history_kept));
    }

    /// Opens its log, which takes a while, to read what it told the outside from the turn at `from` on, but before `until`: all
    /// of that has to be durable.
    pub fn history(&self, from: u64, until: u64) -> Result<History, LogError> {
        let reader = Reader::open_on(Arc::new(FileSystem), &self.shared.folder.join(LOG_FOLDER), from)?;
        Ok(History { shared: self.shared.clone(), reader, until, turn: blank() })
    }

    /// Has a line that cannot be read wait to be put aside.
    pub fn quarantine(&self, reason: String, source: &'static str, line: Vec<u8>) {
        self.shared.figures.quarantined.inc();
        self.shared.quarantine.put(reason, source, self.shared.clock.now(), line);
    }

    /// Puts the lines aside that wait for that, which takes a while: returns once they would survive a loss of power.
    pub fn settle_quarantine(&self) -> Result<(), NotKept> {
        self.shared.quarantine.settle().inspect_err(|fault| _ = self.shared.figures.quarantine_lost.inc_by(fault.lines))
    }
}

/// What a market told the outside, read from its log.
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    reader: Reader,
    until: u64,
    turn: Turn,
}

/// No more turns than this are looked at before whoever reads may say that he has gone.
const MOST_TURNS: u64 = 1 << 16;

impl History {
    /// What the next turns told, by at most `most` of them that told something, perhaps none.
    pub fn read(&mut self, most: usize) -> Result<Vec<Told>, LogError> {
        let end = self.until.min(self.position() + MOST_TURNS);
        let mut told = Vec::new();
        while self.position() < end && told.len() < most && self.reader.next(&mut self.turn)?.is_some() {
            let names = self.shared.names.read().unwrap_or_else(PoisonError::into_inner);
            told.extend(names.as_ref().and_then(|names| tell(&self.shared.name, &self.turn, names)));
        }
        Ok(told)
    }

    /// Where it reads next.
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// Whether all is read that was to be.
    pub fn is_over(&self) -> bool {
        self.position() >= self.until
    }
}

/// An answer to come.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Answer, NotTaken>>);

impl Pending {
    /// The answer, once it is durable.
    pub async fn answer(self) -> Result<Answer, NotTaken> {
        self.0.await.unwrap_or(Err(NotTaken::Unknown))
    }
}

#[cfg(test)]
mod tests;
