//! Each cost term alone flips a decision: with a weight on pickup ETA only, one pairing wins; with the term, the other.

use hansom_engine::domain::{DriverId, Money, Offset, Policy, RideId, Settings, Term, Terms, Unserved};
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::{MatchingProblem, OpenRide};
use hansom_engine::projection::why::Candidate;
use hansom_engine::state::Vehicle;
use hansom_geo_index::network::sample;
use hansom_geo_index::route::Router;
use hansom_geo_index::{EdgeId, Millis, Network, NodeId, Position, WeightsVersion};
use proptest::prelude::*;
use std::sync::Arc;

const COLUMNS: u32 = 21;
const NOW: Millis = Millis::from_secs(1000);

fn at(network: &Network, column: u32, row: u32) -> Position {
    let edge: EdgeId = network.out_edges(NodeId(row * COLUMNS + column)).next().expect("a crossing has exits");
    Position { edge, along: 0 }
}

struct Question {
    network: Arc<Network>,
    problem: MatchingProblem<'static>,
}

impl Question {
    /// `rides` and `vehicles` by crossing, all alike otherwise.
    fn new(rides: &[(u32, u32)], vehicles: &[(u32, u32)]) -> Self {
        let network = Arc::new(sample::grid(COLUMNS, COLUMNS, 100_000, 10_000));
        let ride = |(index, (column, row)): (usize, &(u32, u32))| OpenRide {
            ride: RideId(index as u32 + 1),
            requested_at: NOW,
            pickup: at(&network, *column, *row),
            dropoff: at(&network, 20, 20),
            fare: Money(1000),
            seats: 1,
            class: 0,
            tier: 0,
            blocked: Box::default(),
            resting: Vec::new(),
        };
        let vehicle = |(index, (column, row)): (usize, &(u32, u32))| Vehicle {
            driver: DriverId(index as u32),
            start: at(&network, *column, *row),
            ahead: None,
            heard: NOW,
            until: None,
            home: None,
            seats: 4,
            class: 0,
            rating: 500,
            offers: 9,
            failed_offers: 0,
            cancels: 0,
        };
        let problem = MatchingProblem {
            basis: Offset(7),
            at: NOW,
            weights: WeightsVersion(0),
            settings: Arc::new(Settings {
                policy: Policy { unserved: Unserved { base: 1_800_000, slope_per_s: 0 }, ..Policy::default() },
                ..Settings::default()
            }),
            rides: rides.iter().enumerate().map(ride).collect(),
            free: vehicles.iter().enumerate().map(vehicle).collect(),
            ending: Vec::new().into(),
        };
        Self { network, problem }
    }

    fn weigh(&mut self, term: Term, per_mille: i32) {
        self.policy().weights.0[term as usize] = per_mille;
    }

    fn policy(&mut self) -> &mut Policy {
        &mut Arc::make_mut(&mut self.problem.settings).policy
    }

    /// Which driver serves which ride.
    fn answer(&self) -> Vec<(u32, u32)> {
        let router = Arc::new(Router::new(self.network.clone()));
        let mut planner = BatchPlanner::new(self.network.clone(), router);
        let proposal = planner.propose(&self.problem).expect("the answer is proved optimal");
        proposal.changes.iter().map(|change| (change.ride.0, change.driver.0)).collect()
    }
}

#[test]
fn eta() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10), (8, 10)]);
    assert_eq!(question.answer(), [(1, 1)], "the one who is there first");
    question.weigh(Term::Eta, -1000);
    assert_eq!(question.answer(), [(1, 0)]);
}

#[test]
fn wait() {
    let mut question = Question::new(&[(10, 10), (13, 10)], &[(12, 10)]);
    question.problem.rides[0].requested_at = NOW - Millis::from_secs(60);
    assert_eq!(question.answer(), [(2, 0)]);
    question.weigh(Term::Wait, 1000);
    assert_eq!(question.answer(), [(1, 0)], "who has waited a minute longer");
}

#[test]
fn deadhead() {
    // D0 drives 400 m along one street in 40 s, D1 stands 361 m off across the corner, 50 s away.
    let mut question = Question::new(&[(10, 10)], &[(14, 10), (13, 12)]);
    assert_eq!(question.answer(), [(1, 0)]);
    question.weigh(Term::Deadhead, 1000);
    assert_eq!(question.answer(), [(1, 1)]);
}

#[test]
fn revenue() {
    let mut question = Question::new(&[(10, 10), (13, 10)], &[(12, 10)]);
    question.problem.rides[0].fare = Money(9000);
    assert_eq!(question.answer(), [(2, 0)]);
    question.weigh(Term::Revenue, 10_000);
    assert_eq!(question.answer(), [(1, 0)], "the dearer ride");
}

#[test]
fn destination() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10), (8, 10)]);
    question.problem.free.to_mut()[0].home = Some(question.network.node_coord(NodeId(20 * COLUMNS + 20)));
    assert_eq!(question.answer(), [(1, 1)]);
    question.weigh(Term::Destination, 1000);
    assert_eq!(question.answer(), [(1, 0)], "the one who lives where the ride ends");
}

#[test]
fn acceptance_and_cancellation() {
    for (term, spoil) in [
        (Term::Acceptance, (|vehicle| vehicle.failed_offers = 9) as fn(&mut Vehicle)),
        (Term::Cancellation, |vehicle| vehicle.cancels = 9),
    ] {
        let mut question = Question::new(&[(10, 10)], &[(13, 10), (8, 10)]);
        spoil(&mut question.problem.free.to_mut()[1]);
        assert_eq!(question.answer(), [(1, 1)]);
        question.weigh(term, 1000);
        assert_eq!(question.answer(), [(1, 0)], "{term:?}: the one who can be relied on");
    }
}

#[test]
fn rating() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10), (8, 10)]);
    question.problem.free.to_mut()[1].rating = 300;
    assert_eq!(question.answer(), [(1, 1)]);
    question.weigh(Term::Rating, 100_000);
    assert_eq!(question.answer(), [(1, 0)], "the better rated");
}

#[test]
fn tier() {
    let mut question = Question::new(&[(10, 10), (13, 10)], &[(12, 10)]);
    question.problem.rides[0].tier = 2;
    assert_eq!(question.answer(), [(2, 0)]);
    question.weigh(Term::Tier, 20_000_000);
    assert_eq!(question.answer(), [(1, 0)], "the higher tier");
}

#[test]
fn forecast() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10)]);
    question.policy().forecast_value = 2_000_000;
    assert_eq!(question.answer(), [(1, 0)]);
    question.weigh(Term::Forecast, 1000);
    assert_eq!(question.answer(), [], "worth more where he is than the ride is: it stays open");
}

#[test]
fn blocklist() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10), (8, 10)]);
    assert_eq!(question.answer(), [(1, 1)]);
    question.problem.rides[0].blocked = [DriverId(1)].into();
    assert_eq!(question.answer(), [(1, 0)], "never a blocked driver");
}

#[test]
fn terms_saturate() {
    let mut question = Question::new(&[(10, 10)], &[(13, 10)]);
    question.policy().forecast_value = i64::MAX;
    question.policy().destination_value = i64::MAX;
    question.weigh(Term::Forecast, i32::MIN);
    question.weigh(Term::Destination, i32::MAX);
    assert_eq!(question.answer(), [(1, 0)]);
}

/// The terms of amounts in their natural units.
fn weighted(settings: &Settings, natural: [i64; Term::COUNT]) -> Terms {
    let weight = |term: Term| i64::from(settings.policy.weights.0[term as usize]);
    Terms(Term::ALL.map(|term| natural[term as usize] * weight(term) / 1000))
}

proptest! {
    /// What `why` says would have given a vehicle the ride would have, and one unit less of it would not.
    #[test]
    fn the_least_change_that_flips_a_decision_is_the_least(
        amounts in prop::array::uniform10(-1_000_000i64..1_000_000),
        weights in prop::array::uniform10(-5_000i32..5_000),
        (driver, winner) in (0u32..3, 0u32..3).prop_filter("two drivers", |(a, b)| a != b),
        ahead in 0i64..2_000_000,
    ) {
        let mut settings = Settings::default();
        settings.policy.weights.0 = weights;
        let terms = weighted(&settings, amounts);
        // The winner is cheaper, or as cheap with a lower number.
        let ahead = ahead.max(i64::from(winner > driver));
        let mut best = Terms::default();
        best.0[0] = terms.total() - ahead;
        let candidate = Candidate {
            driver: DriverId(driver),
            eta_ms: 0,
            chained: false,
            terms,
            natural: amounts,
            ruled_out: None,
        };
        let wins = |natural| (weighted(&settings, natural).total(), driver) < (best.total(), winner);
        prop_assert!(!wins(amounts));
        for flip in candidate.flips(&settings, (&best, DriverId(winner))) {
            let mut changed = amounts;
            changed[flip.term as usize] += flip.by;
            prop_assert!(wins(changed), "{flip:?}");
            changed[flip.term as usize] -= flip.by.signum();
            prop_assert!(!wins(changed), "{flip:?} is more than is needed");
        }
    }
}
