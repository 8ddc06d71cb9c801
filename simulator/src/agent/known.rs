//! What is known of people before they act: they are those of a log.

use hansom_engine::record::{RequestRide, StartShift};

use super::World;
use super::rider::Traits;
use crate::scenario::Scenario;
use crate::traffic::Traffic;

/// People who were there before: what they asked for and started with, and what they are like as far as they showed it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The orders of riders, in order of request.
    pub asked: Vec<RequestRide>,
    /// What riders are like, in the same order.
    pub riders: Vec<Traits>,
    /// The orders of drivers, by vehicle.
    pub started: Vec<StartShift>,
    /// Factors on the dispatcher's times, by edge.
    pub factors: Vec<f64>,
}

impl World {
    /// The same with people and streets of a log in the place of drawn ones.
    #[must_use]
    pub fn knowing(mut self, scenario: &Scenario, known: Known) -> Self {
        self.traffic = Traffic::with_factors(scenario, &self.city.network, &known.factors);
        self.riders.know(known.riders);
        (self.asked, self.started) = (known.asked, known.started);
        self
    }
}
