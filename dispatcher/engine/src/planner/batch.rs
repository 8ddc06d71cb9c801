//! The `batch` planner: the requests of one window, assigned together at least total cost.
//!
//! Each request has arcs to its best vehicles by ETA within the maximum wait; leaving it open costs a penalty that rises
//! with its age, and an arc above that penalty is dropped. On those arcs the answer is exact, and proves it.

use super::candidates::{rule_out, rule_out_at};
use super::cost::{Pairing, terms};
use super::ready::Ready;
use super::{Choice, MatchingProblem, OpenRide};
use crate::assignment::{Instance, NotOptimal, Proof, Solution, Solver, prove};
use crate::domain::{DriverId, RideId, Settings};
use crate::record::{Proposal, Proposed};
use crate::state::Vehicle;
use hansom_geo_index::route::{Router, Soonest, Times};
use hansom_geo_index::{Millis, Network};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The planner: travel times, and buffers that it reuses.
#[derive(Debug)]
pub struct BatchPlanner {
    network: Arc<Network>,
    router: Arc<Router>,
    solver: Solver,
    instance: Instance,
    soonest: Soonest,
    ready: Ready,
    /// The column of each driver of the present matrix.
    columns: Vec<u32>,
    best: BinaryHeap<(u32, DriverId, u32)>,
}

/// The cost matrix of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The vehicles that have an arc, ascending; the columns.
    pub drivers: Vec<DriverId>,
    /// The requests, first come first; the rows.
    pub rows: Vec<Row>,
}

/// One request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which ride.
    pub ride: RideId,
    /// What it costs to leave it open.
    pub unserved: i64,
    /// Its arcs, cheapest first; equal cost by driver.
    pub arcs: Vec<Choice>,
}

/// A solved batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// What was asked.
    pub matrix: Matrix,
    /// The answer, by row and column of the matrix.
    pub solution: Solution,
    /// That nothing is cheaper.
    pub proof: Proof,
}

impl BatchPlanner {
    /// A planner for markets on one network.
    pub fn new(network: Arc<Network>, router: Arc<Router>) -> Self {
        Self {
            soonest: Soonest::new(&network),
            ready: Ready::default(),
            columns: Vec::new(),
            network,
            router,
            solver: Solver::default(),
            instance: Instance::new(0),
            best: BinaryHeap::new(),
        }
    }

    /// Answers a matching problem.
    pub fn propose(&mut self, problem: &MatchingProblem<'_>) -> Result<Proposal, NotOptimal> {
        let Solved { matrix, solution, .. } = self.solve(problem)?;
        let chosen = matrix.rows.iter().zip(&solution.row_to_col).filter_map(|(row, column)| {
            let driver = matrix.drivers[(*column)? as usize];
            let choice = row.arcs.iter().find(|choice| choice.driver == driver)?;
            Some(Proposed { ride: row.ride, driver, pickup_eta_ms: choice.eta_ms, terms: choice.terms })
        });
        Ok(Proposal { basis: problem.basis, changes: chosen.collect() })
    }

    /// Answers a matching problem, with its matrix and the proof of the answer.
    pub fn solve(&mut self, problem: &MatchingProblem<'_>) -> Result<Solved, NotOptimal> {
        let matrix = self.matrix(problem);
        self.load(&matrix);
        let solution = self.solver.solve(&self.instance);
        let proof = prove(&self.instance, &solution)?;
        Ok(Solved { matrix, solution, proof })
    }

    /// What the total would be if `ride` had to be served by `driver`; `None`: they have no arc.
    pub fn forced_total(&mut self, matrix: &Matrix, row: usize, driver: DriverId) -> Option<i64> {
        self.load(matrix);
        let column = matrix.drivers.binary_search(&driver).ok()? as u32;
        self.solver.forced_total(&self.instance, row, column)
    }

    /// Makes the matrix the solver's instance.
    fn load(&mut self, matrix: &Matrix) {
        let Self { instance, columns, .. } = self;
        let places = matrix.drivers.iter().map(|driver| driver.index() + 1).max().unwrap_or(0);
        columns.resize(places.max(columns.len()), 0);
        for (column, driver) in (0..).zip(&matrix.drivers) {
            columns[driver.index()] = column;
        }
        instance.reset(matrix.drivers.len() as u32);
        for row in &matrix.rows {
            let arcs = row.arcs.iter().map(|choice| (columns[choice.driver.index()], choice.terms.total()));
            instance.push_row(row.unserved, arcs).expect("terms and penalties are bounded");
        }
    }

    /// The cost matrix of a problem.
    pub fn matrix(&mut self, problem: &MatchingProblem<'_>) -> Matrix {
        let settings = &problem.settings;
        let times = self.router.times(problem.weights);
        let vehicles: Vec<&Vehicle> = problem.free.iter().chain(problem.ending.iter()).collect();
        let horizon_ms = settings.policy.chain_horizon.0;
        let mut most_seats = [0; 256];
        let Self { soonest, ready, .. } = self;
        soonest.place(
            &times,
            vehicles.iter().map(|vehicle| {
                let most = &mut most_seats[usize::from(vehicle.class)];
                *most = vehicle.seats.max(*most);
                match ready.ms(&times, problem.at, vehicle) {
                    ready if vehicle.ahead.is_some() && ready > horizon_ms => (vehicle.start, u32::MAX),
                    ready => (vehicle.start, ready as u32),
                }
            }),
        );
        let fleet = FleetView { vehicles, most_seats };
        let mut rows = Vec::with_capacity(problem.rides.len());
        let mut drivers = Vec::new();
        for ride in &problem.rides {
            self.soonest(problem, &times, ride, &fleet);
            let unserved = unserved(settings, problem.at, ride);
            let found = self.best.drain().map(|(eta_ms, driver, index)| {
                let vehicle = fleet.vehicles[index as usize];
                let pairing = Pairing { ride, vehicle, eta_ms: i64::from(eta_ms) };
                let terms = terms(settings, &self.network, problem.at, pairing);
                Choice { driver, eta_ms, chained: vehicle.ahead.is_some(), terms }
            });
            let mut arcs: Vec<Choice> = found.filter(|choice| choice.terms.total() <= unserved).collect();
            arcs.sort_unstable_by_key(|choice| (choice.terms.total(), choice.driver));
            drivers.extend(arcs.iter().map(|choice| choice.driver));
            rows.push(Row { ride: ride.ride, unserved, arcs });
        }
        drivers.sort_unstable();
        drivers.dedup();
        Matrix { drivers, rows }
    }

    /// Leaves in `best` the vehicles that may serve `ride` and are there first, at most `policy.candidates`; equal ETA:
    /// lower driver number.
    fn soonest(&mut self, problem: &MatchingProblem<'_>, times: &Times, ride: &OpenRide, fleet: &FleetView<'_>) {
        let settings = &problem.settings;
        let most = settings.policy.candidates as usize;
        let mut worst = u32::try_from(settings.policy.max_wait.0).unwrap_or(u32::MAX - 1);
        self.best.clear();
        if fleet.most_seats[usize::from(ride.class)] < ride.seats {
            return;
        }
        let Self { soonest, best, .. } = self;
        soonest.visit(times, ride.pickup, worst, |index, eta_ms| {
            let vehicle = fleet.vehicles[index];
            if rule_out(settings, problem.at, ride, vehicle).is_none()
                && rule_out_at(settings, problem.at, vehicle, i64::from(eta_ms)).is_none()
            {
                best.push((eta_ms, vehicle.driver, index as u32));
                if best.len() > most {
                    best.pop();
                    worst = best.peek().map_or(worst, |(eta_ms, ..)| *eta_ms);
                }
            }
            worst
        });
    }
}

/// The vehicles of a problem as the candidate search sees them, side by side.
struct FleetView<'a> {
    vehicles: Vec<&'a Vehicle>,
    /// The most seats of any vehicle, by class: who needs more need not be searched for.
    most_seats: [u8; 256],
}

/// What it costs to leave a ride open.
fn unserved(settings: &Settings, at: Millis, ride: &OpenRide) -> i64 {
    let penalty = &settings.policy.unserved;
    let waited_s = (at - ride.requested_at).0 / 1000;
    penalty.slope_per_s.saturating_mul(waited_s).saturating_add(penalty.base).clamp(0, crate::domain::Terms::BOUND)
}
