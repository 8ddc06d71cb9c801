//! What leaves a market, once it is durable: answers to senders, facts to readers, figures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use actix::{Actor, ActorContext, AsyncContext, Context, StreamHandler};
use hansom_engine::Turn;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Command, Event};
use hansom_market::ingest::{Names, Published};
use hansom_market::log::LogError;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::error;

use crate::acks::Times;
use crate::events::Told;
use crate::figures::MarketFigures;
use crate::shared::Shared;
use crate::trace::{Asked, Offers};

/// So many batches may wait for the release; the log's thread waits for room then, and the market for the log.
const BATCHES: usize = 4;

/// What the log's thread tells.
#[derive(Debug)]
pub enum Durable {
    /// The market was opened, and knows these names.
    Opened(Box<Opened>),
    /// These turns would survive a loss of power, since then.
    Turns(Vec<Arc<Turn>>, Instant),
    /// None of the following will.
    Failed(LogError),
    /// The log is closed: tells whoever waits for it that all before was released.
    Closed(oneshot::Sender<()>),
}

/// What a market knows when it is opened.
#[derive(Debug)]
pub struct Opened {
    /// What the outside calls drivers and rides.
    pub names: Names,
    /// Rides that are not over.
    pub open_requests: i64,
    /// Drivers on shift.
    pub drivers: i64,
}

/// The names of a market as of what was released: `None` before it is opened.
pub type ReleasedNames = Arc<RwLock<Option<Names>>>;

/// The way from the logs of a market, one after another, to its release.
pub type Outbox = mpsc::Sender<Durable>;

/// Releases the turns of a market.
pub struct Release {
    shared: Arc<Shared>,
    inbox: Option<mpsc::Receiver<Durable>>,
    /// Turns that are durable while the names of those before are not known yet: those of the opening itself.
    early: Vec<Arc<Turn>>,
    asked: Asked,
    /// It failed: what comes until the market is opened anew is read from its log by whoever wants it.
    is_broken: bool,
}

impl Release {
    /// The release of a market, and the way to it.
    pub fn new(shared: Arc<Shared>) -> (Self, Outbox) {
        let (outbox, inbox) = mpsc::channel(BATCHES);
        (Self { shared, inbox: Some(inbox), early: Vec::new(), asked: Asked::default(), is_broken: false }, outbox)
    }

    fn take(&mut self, durable: Durable) {
        match durable {
            Durable::Opened(opened) => self.open(*opened),
            Durable::Turns(..) if self.is_broken => {}
            Durable::Turns(turns, since) => self.release(turns, since),
            Durable::Failed(cause) => {
                error!(market = %self.shared.name, %cause, "the log failed: nothing that is not durable is acknowledged");
                self.shared.log_failed(cause);
                self.shared.acks.fail();
            }
            Durable::Closed(told) => {
                // What came too late for the last turn.
                self.shared.reports.fail();
                // Whoever asked may have given up.
                let _ = told.send(());
            }
        }
    }

    fn open(&mut self, opened: Opened) {
        let Opened { names, open_requests, drivers } = opened;
        self.is_broken = false;
        *self.shared.names.write().unwrap_or_else(PoisonError::into_inner) = Some(names);
        self.shared.figures.open_requests.set(open_requests);
        self.shared.figures.drivers.set(drivers);
        let early = std::mem::take(&mut self.early);
        self.release(early, Instant::now());
    }

    fn release(&mut self, turns: Vec<Arc<Turn>>, durable: Instant) {
        let shared = &self.shared;
        let mut names = shared.names.write().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = &mut *names else { return self.early.extend(turns) };
        let (Some(first), Some(last)) = (turns.first(), turns.last()) else { return };
        let (mut told, mut answered) = (Vec::new(), 0);
        for turn in &turns {
            let (times, trace) = shared.acks.release(turn).unzip();
            if let Some(Times { came, decided }) = times {
                shared.figures.commit_latency.observe(came.elapsed().as_secs_f64());
                shared.figures.sync.observe(durable.saturating_duration_since(decided).as_secs_f64());
                answered += 1;
            }
            shared.reports.release(turn);
            let offers = self.asked.release(&shared.name, turn, trace.flatten(), &shared.decisions, durable);
            for event in &turn.events {
                if let Event::ShiftEnded { driver } = event
                    && let Some(driver) = names.driver(*driver)
                {
                    shared.shifts.ended(&shared.name, driver, turn.offset);
                }
            }
            names.learn(turn);
            told.extend(tell(&shared.name, turn, names).map(|told| Told { offers, ..told }));
            count(&shared.figures, turn);
        }
        shared.events.extend(first.offset.0, told, last.offset.0 + 1);
        shared.feeds.offer(&turns);
        let took = durable.elapsed().as_secs_f64();
        (0..answered).for_each(|_| shared.figures.deliver.observe(took));
    }
}

/// What a turn tells the outside, if anything. `names` has learned from it.
pub fn tell(market: &str, turn: &Turn, names: &Names) -> Option<Told> {
    let facts = (0..turn.events.len()).filter_map(|index| Published::of(market, turn, index, names));
    let facts: Arc<[Published]> = facts.collect();
    let mut lines = Vec::new();
    for fact in &*facts {
        fact.write(&mut lines);
        lines.push(b'\n');
    }
    (!facts.is_empty()).then(|| Told { offset: turn.offset.0, lines: lines.into(), facts, offers: Offers::default() })
}

fn count(figures: &MarketFigures, turn: &Turn) {
    figures.turns.inc();
    if let Command::ReportPositions(pings) = &turn.command {
        figures.pings.inc_by(pings.len() as u64);
    }
    for event in &turn.events {
        match event {
            Event::Refused { .. } => _ = figures.refused.inc(),
            Event::RideRequested(_) => {
                figures.requests.inc();
                figures.open_requests.inc();
            }
            Event::RequestRefused { .. } => {
                figures.requests.inc();
                figures.ended(Outcome::Refused);
            }
            Event::RideEnded { outcome, .. } => {
                figures.open_requests.dec();
                figures.ended(*outcome);
            }
            Event::OfferMade(_) => _ = figures.offers.inc(),
            Event::ShiftStarted(_) => _ = figures.drivers.inc(),
            Event::ShiftEnded { .. } => _ = figures.drivers.dec(),
            _ => {}
        }
    }
}

impl Actor for Release {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut inbox) = self.inbox.take() {
            ctx.add_stream(futures_util::stream::poll_fn(move |cx| inbox.poll_recv(cx)));
        }
    }
}

impl StreamHandler<Durable> for Release {
    fn handle(&mut self, durable: Durable, _: &mut Self::Context) {
        // An actor that panicked would be dropped, and every sender wait for ever.
        let done = catch_unwind(AssertUnwindSafe(|| self.take(durable)));
        if done.is_err() {
            error!(market = %self.shared.name, "ALARM: what is durable could not be released");
            self.is_broken = true;
            self.shared.release_failed();
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.shared.acks.fail();
        self.shared.reports.fail();
        ctx.stop();
    }
}
