//! The read models of a process: what is asked of them, and how far they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hansom_dispatcher::{MarketHandle, Spec};
use hansom_engine::decide::{Step, decide};
use hansom_engine::record::{RequestRefusal, RequestRide};
use hansom_engine::{Command, Desk, Event, Offset, Stamp};
use hansom_geo_index::Millis;
use tokio::sync::watch;
use tokio::time::timeout;

use super::history::{FILE, History, HistoryError, Quote};
use super::past::{Past, PastError};
use super::projector;
use super::view::View;
use super::why::{self, Why};

/// A question that asks for a turn which is not there yet waits so long for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// The read models of all markets of a process.
#[derive(Debug, Default)]
pub struct ReadModels {
    markets: RwLock<BTreeMap<Arc<str>, Arc<Reading>>>,
    /// Those of each market that was followed.
    threads: Mutex<Vec<(Arc<str>, JoinHandle<()>)>>,
}

/// The read models of one market.
#[derive(Debug)]
pub struct Reading {
    pub(super) market: MarketHandle,
    pub(super) spec: Spec,
    view: RwLock<Option<View>>,
    view_next: watch::Sender<u64>,
    history: RwLock<Kept>,
    history_next: watch::Sender<u64>,
    /// What a quote needs beside the view.
    desk: Mutex<Desk>,
    closing: AtomicBool,
}

/// How a history stands.
#[derive(Debug, Clone)]
pub enum Kept {
    /// It is opened, and caught up with the log.
    CatchingUp,
    /// It is current.
    Current(Arc<History>),
    /// It cannot be written at present. Tried again every now and then.
    Lost {
        /// Why.
        why: Arc<str>,
    },
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// The turn that it asks for was not taken in yet.
    #[error("the read models have not come to offset {wanted} yet: the next they take in is at {next}")]
    Stale {
        /// As asked for.
        wanted: u64,
        /// Offset of the next turn to be taken in.
        next: u64,
    },
    /// There is no view of the market yet, or no history at present.
    #[error("{why}")]
    Unavailable {
        /// Whether it is the history that is not there.
        history: bool,
        /// Why.
        why: Arc<str>,
    },
    /// History.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The past.
    #[error(transparent)]
    Past(#[from] PastError),
}

/// How the read models of a market stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Offset of the next turn to be released.
    pub released: u64,
    /// Offset of the next turn that the view takes in; `None`: there is none yet.
    pub view: Option<u64>,
    /// Offset of the next turn that history takes in.
    pub history: u64,
    /// Why history is not current, in a word or a sentence; `None`: it is.
    pub not_current: Option<Arc<str>>,
}

impl Standing {
    /// By how many turns the slower one is behind.
    pub fn behind(&self) -> u64 {
        self.released.saturating_sub(self.history.min(self.view.unwrap_or(0)))
    }
}

impl ReadModels {
    /// Keeps read models of a market that is open or opens, in threads of their own, until the market is closed.
    pub fn follow(&self, market: MarketHandle, spec: Spec) -> Arc<Reading> {
        let reading = Reading::new(market, spec);
        let name: Arc<str> = reading.market.name().into();
        let mut threads = lock(&self.threads);
        threads.push((name.clone(), projector::keep_view(reading.clone())));
        threads.push((name.clone(), projector::keep_history(reading.clone())));
        self.markets.write().unwrap_or_else(PoisonError::into_inner).insert(name, reading.clone());
        reading
    }

    /// Those of the market of this name.
    pub fn of(&self, market: &str) -> Option<Arc<Reading>> {
        self.markets.read().unwrap_or_else(PoisonError::into_inner).get(market).cloned()
    }

    /// Those of all markets, in order of name.
    pub fn all(&self) -> Vec<Arc<Reading>> {
        self.markets.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Ends those of one market, as [`close`](Self::close) does of all: it may be followed again then.
    pub fn part(&self, market: &str) {
        let removed = self.markets.write().unwrap_or_else(PoisonError::into_inner).remove(market);
        if let Some(reading) = removed {
            reading.closing.store(true, Ordering::Relaxed);
        }
        let of_it: Vec<_> = lock(&self.threads).extract_if(.., |(name, _)| **name == *market).collect();
        for (_, thread) in of_it {
            // It said why it panicked.
            let _ = thread.join();
        }
    }

    /// Ends them: what was taken in is on the disk on return. To be called when the markets are closed.
    pub fn close(&self) {
        for reading in self.all() {
            reading.closing.store(true, Ordering::Relaxed);
        }
        for (_, thread) in std::mem::take(&mut *lock(&self.threads)) {
            // It said why it panicked.
            let _ = thread.join();
        }
    }
}

impl Reading {
    fn new(market: MarketHandle, spec: Spec) -> Arc<Self> {
        let streets = &spec.streets;
        let desk = Desk::new(streets.network.clone(), streets.router.clone(), streets.snap.clone());
        Arc::new(Self {
            market,
            spec,
            view: RwLock::default(),
            view_next: watch::Sender::new(0),
            history: RwLock::new(Kept::CatchingUp),
            history_next: watch::Sender::new(0),
            desk: Mutex::new(desk),
            closing: AtomicBool::new(false),
        })
    }

    /// The market.
    pub fn market(&self) -> &MarketHandle {
        &self.market
    }

    /// What the market is opened with.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The file of its history.
    pub fn history_file(&self) -> PathBuf {
        self.spec.folder.join(FILE)
    }

    /// How they stand.
    pub fn standing(&self) -> Standing {
        let view = self.shown().as_ref().map(|view| view.reach().next);
        let not_current = match &*self.kept() {
            Kept::Current(_) => None,
            Kept::CatchingUp => Some("catching up with the log".into()),
            Kept::Lost { why } => Some(why.clone()),
        };
        Standing { released: self.market.events().next(), view, history: *self.history_next.borrow(), not_current }
    }

    /// Asks the view, which waits meanwhile for the next turn: not for long, please. `min_offset`: it has taken this turn in.
    pub async fn view<T>(&self, min_offset: Option<u64>, ask: impl FnOnce(&View) -> T) -> Result<T, NotRead> {
        arrive(&self.view_next, min_offset).await?;
        match &*self.shown() {
            Some(view) => Ok(ask(view)),
            None => Err(NotRead::Unavailable { history: false, why: "the market is being opened".into() }),
        }
    }

    /// The history, to be asked beside the threads that serve. `min_offset`: it has taken this turn in.
    pub async fn history(&self, min_offset: Option<u64>) -> Result<Arc<History>, NotRead> {
        let lost = |why: &Arc<str>| NotRead::Unavailable { history: true, why: why.clone() };
        if let Kept::Lost { why } = &*self.kept() {
            return Err(lost(why));
        }
        arrive(&self.history_next, min_offset).await?;
        match &*self.kept() {
            Kept::Current(history) => Ok(history.clone()),
            Kept::CatchingUp => Err(lost(&"the history catches up with the log".into())),
            Kept::Lost { why } => Err(lost(why)),
        }
    }

    /// What the market knew after the turn at `offset`: takes a while. `until`: when to give up.
    pub fn past(&self, offset: u64, until: Instant) -> Result<View, NotRead> {
        let next = self.market.events().next();
        if offset >= next {
            return Err(PastError::Ahead { next }.into());
        }
        Ok(self.log().before(offset + 1, Some(until))?)
    }

    /// Why drivers were offered a ride: takes a while. `None`: there is no such ride. `until`: when to give up.
    pub fn why(&self, history: &History, ride: u32, until: Instant) -> Result<Option<Vec<Why>>, NotRead> {
        why::matched(&self.log(), history, ride, until)
    }

    /// What a request would be told now, or why it would be refused: what the market itself would decide on what the view
    /// knows. Takes about as long as a request.
    pub async fn quote(
        &self,
        min_offset: Option<u64>,
        request: RequestRide,
    ) -> Result<(u64, Result<Quote, RequestRefusal>), NotRead> {
        let now = self.spec.clock.now();
        self.view(min_offset, |view| {
            let reach = view.reach();
            let stamp = Stamp { at: now.max(Millis(reach.at_ms)), offset: Offset(reach.next) };
            let mut events = Vec::new();
            let command = Command::RequestRide(Box::new(request));
            decide(&mut lock(&self.desk), view.state(), stamp, Step::Command(None, &command), &mut events);
            let said = events.iter().find_map(|event| match event {
                Event::RideRequested(asked) => Some(Ok(Quote {
                    direct_ms: asked.direct_ms,
                    direct_mm: asked.direct_mm,
                    fare_minor: asked.fare.0,
                    first_eta_ms: asked.first_eta_ms,
                })),
                Event::RequestRefused { reason, .. } => Some(Err(*reason)),
                _ => None,
            });
            // A request is taken or refused.
            (reach.next, said.unwrap_or(Err(RequestRefusal::PickupOffStreet)))
        })
        .await
    }

    pub(super) fn log(&self) -> Past<'_> {
        Past { folder: &self.spec.folder, header: &self.spec.header, streets: &self.spec.streets }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Has readers find this view.
    pub(super) fn show(&self, view: Option<View>) {
        let next = view.as_ref().map_or(0, |view| view.reach().next);
        *self.changing() = view;
        self.view_next.send_replace(next);
    }

    /// Changes the view, if there is one.
    pub(super) fn move_on(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.changing();
        let Some(view) = &mut *view else { return };
        change(view);
        self.view_next.send_replace(view.reach().next);
    }

    /// Has readers know how history stands, and how far it is.
    pub(super) fn keep(&self, kept: Kept, next: u64) {
        *self.history.write().unwrap_or_else(PoisonError::into_inner) = kept;
        self.history_next.send_replace(next);
        self.measure();
    }

    /// History has come on.
    pub(super) fn kept_on(&self, next: u64) {
        self.history_next.send_replace(next);
    }

    pub(super) fn measure(&self) {
        let standing = self.standing();
        self.market.tell_read_models(standing.behind(), standing.not_current.is_none());
    }

    fn shown(&self) -> RwLockReadGuard<'_, Option<View>> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> RwLockWriteGuard<'_, Option<View>> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> RwLockReadGuard<'_, Kept> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns once the turn at `wanted` was taken in, or that it was not in time.
async fn arrive(next: &watch::Sender<u64>, wanted: Option<u64>) -> Result<(), NotRead> {
    let Some(wanted) = wanted else { return Ok(()) };
    let mut next = next.subscribe();
    let arrived = matches!(timeout(PATIENCE, next.wait_for(|next| *next > wanted)).await, Ok(Ok(_)));
    if arrived { Ok(()) } else { Err(NotRead::Stale { wanted, next: *next.borrow() }) }
}

/// Nothing is left half changed by a panic that held one of these: a desk is only a memory.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
