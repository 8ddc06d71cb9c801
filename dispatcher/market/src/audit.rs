//! A second pair of eyes: folds each turn that was appended into a state of its own, in the thread that writes the log,
//! and checks the invariants there. What the market decides on is never what is checked, so a difference between deciding
//! and folding shows too.

use crate::log::Watch;
use crate::streets::Streets;
use hansom_engine::invariant::{Checker, Invariant, Violation};
use hansom_engine::record::Header;
use hansom_engine::{Offset, State, Turn, steps};
use hansom_geo_index::Network;
use std::sync::{Arc, Mutex, PoisonError};

/// So many broken invariants are kept; all are counted.
const KEPT: usize = 10;

/// Broken invariants of a market.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Violation>,
}

impl Violations {
    pub(crate) fn push(&mut self, violation: Violation) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(violation);
        }
    }
}

/// The audit of a market's turns.
#[derive(Debug)]
pub(crate) struct Audit(Arc<Mutex<Folded>>);

#[derive(Debug)]
struct Folded {
    network: Arc<Network>,
    state: State,
    checker: Checker,
    violations: Violations,
    last: Offset,
}

impl Audit {
    /// Starts with an empty market; what is returned beside it has to see every turn.
    pub fn start(header: &Header, streets: &Streets) -> (Self, Watch) {
        let folded = Arc::new(Mutex::new(Folded {
            network: streets.network.clone(),
            state: State::of_log(header, &streets.network),
            checker: Checker::new(),
            violations: Violations::default(),
            last: Offset(0),
        }));
        let watched = folded.clone();
        (Self(folded), Box::new(move |turn| lock(&watched).take(turn)))
    }

    /// What was found, once the log is closed. `state` is what the market decided on.
    pub fn close(self, state: &State) -> Violations {
        let mut folded = lock(&self.0);
        if folded.state.digest() != state.digest() {
            let detail = "the facts of the turns do not add up to what the market knows".into();
            let offset = folded.last;
            folded.violations.push(Violation { invariant: Invariant::Restored, offset, detail });
        }
        std::mem::take(&mut folded.violations)
    }
}

impl Folded {
    fn take(&mut self, turn: &Turn) {
        let Self { network, state, checker, violations, last } = self;
        *last = turn.offset;
        steps::fold(state, network, turn);
        checker.check(state, network, turn).into_iter().for_each(|violation| violations.push(violation));
    }
}

/// A panic in between leaves numbers that are reported as they are.
fn lock(folded: &Mutex<Folded>) -> std::sync::MutexGuard<'_, Folded> {
    folded.lock().unwrap_or_else(PoisonError::into_inner)
}
