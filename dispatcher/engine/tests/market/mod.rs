//! A market under test: every turn is checked, folded beside, and, if asked, decided by a market that was just restored:
//! with a fresh desk, on the state decoded from its own bytes.

use hansom_engine::decide::{Step, decide};
use hansom_engine::domain::{Key, Offset, Planner, Policy, Settings};
use hansom_engine::invariant::Checker;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::problem;
use hansom_engine::record::{Command, Event, Turn};
use hansom_engine::steps;
use hansom_engine::{Desk, Stamp, State};
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;
use hansom_geo_index::{Millis, Network};
use std::panic::resume_unwind;
use std::sync::Arc;

/// `nearest`, three offers a ride, no chained rides; all else as by default.
pub fn settings() -> Settings {
    let policy = Policy { planner: Planner::Nearest, chain_horizon: Millis::ZERO, ..Policy::default() };
    Settings { policy, max_offers: 3, ..Settings::default() }
}

/// A market in a town, with what the checks need.
pub struct Market {
    pub network: Arc<Network>,
    router: Arc<Router>,
    snap: Arc<SnapIndex>,
    desk: Desk,
    planner: BatchPlanner,
    pub state: State,
    folded: State,
    checker: Checker,
    restored: bool,
    pub turns: Vec<Turn>,
    /// On which steps the rules panic.
    pub fault: fn(&Step<'_>) -> bool,
}

impl Market {
    pub fn new(network: Network, settings: Settings, restored: bool) -> Self {
        let network = Arc::new(network);
        let router = Arc::new(Router::new(network.clone()));
        let snap = Arc::new(SnapIndex::new(&network));
        let state = State::new(settings, &network, Millis::ZERO);
        Self {
            desk: Desk::new(network.clone(), router.clone(), snap.clone()),
            planner: BatchPlanner::new(network.clone(), router.clone()),
            folded: state.clone(),
            state,
            checker: Checker::new(),
            network,
            router,
            snap,
            restored,
            turns: Vec::new(),
            fault: |_| false,
        }
    }

    pub fn turn(&mut self, at: Millis, key: Option<Key>, command: Command) -> &Turn {
        if self.restored {
            self.state = State::decode(&self.state.encode(), &self.network).expect("its own bytes");
            self.desk = Desk::new(self.network.clone(), self.router.clone(), self.snap.clone());
        }
        let stamp = Stamp { at, offset: Offset(self.turns.len() as u64) };
        let fault = self.fault;
        let rules = |desk: &mut Desk, state: &State, stamp, step: Step<'_>, out: &mut Vec<Event>| {
            decide(desk, state, stamp, step, out);
            if fault(&step) {
                // Not `panic!`: nobody has to read of it.
                resume_unwind(Box::new("planted"));
            }
        };
        let turn = steps::turn_by(rules, &mut self.desk, &mut self.state, stamp, key, command, Vec::new());
        for event in &turn.events {
            if let Event::DriverMoved { driver, .. } = event {
                let leg = self.state.fleet().get(*driver).and_then(|driver| driver.leg);
                assert!(leg.is_some() || !self.desk.keeps_way(*driver), "the way of a driver who stands is kept");
            }
        }
        let violations = self.checker.check(&self.state, &self.network, &turn);
        assert!(violations.is_empty(), "{}", violations[0]);
        assert!(self.state.next_deadline().is_none_or(|due| due >= at), "a timer is due in the past");
        steps::fold(&mut self.folded, &self.network, &turn);
        assert_eq!(steps::diverged(&self.folded, &turn), None, "a checkpoint tells of another state");
        assert_eq!(self.folded.digest(), self.state.digest(), "folding leads elsewhere at offset {}", turn.offset);
        self.turns.push(turn);
        self.turns.last().expect("just pushed")
    }

    /// Answers the planner's question of the last turn, if it asked one.
    pub fn answer(&mut self) -> Option<&Turn> {
        let basis = self.state.matching_due()?;
        let asked = self.turns.last().filter(|turn| turn.offset == basis)?;
        let at = asked.at;
        let problem = problem(&self.state, basis, at);
        let proposal = self.planner.propose(&problem).expect("the answer is proved optimal");
        Some(self.turn(at, None, Command::Propose(Box::new(proposal))))
    }
}
