//! What a market shares with those who talk to it: its lanes, its answers, its facts, and how it stands.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hansom_market::MarketError;
use hansom_market::log::LogError;
use tokio::sync::watch;

use crate::acks::Acks;
use crate::answer::{Cause, Standing};
use crate::clock::MarketClock;
use crate::events::Events;
use crate::feed::Feeds;
use crate::figures::MarketFigures;
use crate::lanes::Lanes;
use crate::market::Spec;
use crate::quarantine::Quarantine;
use crate::release::ReleasedNames;
use crate::reports::Reports;
use crate::shifts::Shifts;
use crate::trace::Decisions;

/// What the actor of a market shares with those who talk to it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub name: Arc<str>,
    pub lanes: Lanes,
    pub acks: Acks,
    pub reports: Reports,
    /// Shared by all markets.
    pub shifts: Arc<Shifts>,
    pub decisions: Decisions,
    pub events: Events,
    pub feeds: Feeds,
    pub names: ReleasedNames,
    pub standing: watch::Sender<Standing>,
    pub figures: MarketFigures,
    /// Its time.
    pub clock: MarketClock,
    /// Its folder.
    pub folder: PathBuf,
    pub quarantine: Quarantine,
    /// Why its log failed, until the market is halted for it.
    log_fault: Mutex<Option<Arc<LogError>>>,
    /// What is durable does not leave any more: whoever sees to that failed.
    is_stuck: AtomicBool,
}

impl Shared {
    /// Of a market that is about to be opened as `spec` says.
    pub fn new(spec: &Spec, figures: MarketFigures, shifts: Arc<Shifts>) -> Self {
        Self {
            name: spec.header.name.as_str().into(),
            lanes: Lanes::new(spec.capacity),
            acks: Acks::default(),
            reports: Reports::default(),
            shifts,
            decisions: Decisions::default(),
            events: Events::from(0, spec.keep_told_bytes),
            feeds: Feeds::default(),
            names: ReleasedNames::default(),
            standing: watch::Sender::new(Standing::Opening),
            figures,
            clock: MarketClock::new(spec.clock),
            quarantine: Quarantine::new(spec.folder.join("quarantine")),
            folder: spec.folder.clone(),
            log_fault: Mutex::default(),
            is_stuck: AtomicBool::new(false),
        }
    }

    /// The market is halted. If it knows no more than that its log failed, it says what that said, or will say.
    pub fn set_halted(&self, cause: Cause) {
        // Held until it is said, so that the log comes before or after this.
        let mut kept = self.log_fault();
        let cause = match kept.take() {
            Some(fault) if cause.is_told_by_the_log() => Cause::Log(fault),
            _ => cause,
        };
        self.set(Standing::Halted { cause: Arc::new(cause) });
    }

    /// The log says why it failed.
    pub fn log_failed(&self, fault: LogError) {
        let (mut kept, fault) = (self.log_fault(), Arc::new(fault));
        match self.lanes.standing() {
            Standing::Halted { cause } if cause.is_told_by_the_log() => {
                self.set(Standing::Halted { cause: Arc::new(Cause::Log(fault)) });
            }
            _ => *kept = Some(fault),
        }
        drop(kept);
        // A quiet market would not notice before its next command.
        self.lanes.nudge();
    }

    /// What is durable cannot be released: nobody is told by this market any more until it is opened anew.
    pub fn release_failed(&self) {
        self.is_stuck.store(true, Ordering::Release);
        self.acks.fail();
        self.lanes.nudge();
    }

    /// Why the market cannot go on, if something beside it failed.
    pub fn trouble(&self) -> Option<Cause> {
        if self.is_stuck.swap(false, Ordering::AcqRel) {
            return Some(Cause::Stuck);
        }
        self.log_fault().is_some().then_some(Cause::Market(MarketError::Log(LogError::Failed)))
    }

    fn log_fault(&self) -> MutexGuard<'_, Option<Arc<LogError>>> {
        self.log_fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The market does something else from now on.
    pub fn set(&self, standing: Standing) {
        self.figures.up.set(i64::from(standing.is_serving()));
        self.lanes.set(&standing);
        self.standing.send_replace(standing);
    }
}
