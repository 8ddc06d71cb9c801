//! A market that is served: the sections of a scenario that say what is decided where, and how.

use std::path::Path;

use hansom_engine::record::Header;
use hansom_geo_index::{Millis, WeightsVersion};
use hansom_market::planning::Outlying;

use crate::city::City;
use crate::report::html::planner_name;
use crate::scenario::{Faults, HourSpan, Override, Scenario, Streets};
use crate::settings::{planner, settings};

/// Hours are laid out for two spans of so many weeks: the one of the market's start and the next. So a market that is opened
/// again finds the same settings, and one that stays open has a year at least.
const SPAN: Millis = Millis::from_secs(52 * 7 * 86_400);

/// A market as its file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketFile(Scenario);

impl MarketFile {
    /// Reads a market file and changes it by what the command line says.
    pub fn load(path: &Path, changes: &[Override]) -> Result<Self, Faults> {
        Scenario::load_market(path, changes).map(Self)
    }

    /// The market of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        Self(scenario.clone())
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its streets.
    pub fn streets(&self) -> &Streets {
        &self.0.network
    }

    /// How it matches, for people: `nearest`, or `batch, window 5.0 s`.
    pub fn policy(&self) -> String {
        planner_name(&self.0.policy)
    }

    /// The program that plans for it; `None`: its own planner does.
    pub fn planner(&self) -> Option<Outlying> {
        planner(&self.0)
    }

    /// The header of its log, if that is started at `now`.
    pub fn header(&self, city: &City, now: Millis) -> Header {
        let market = &self.0;
        Header {
            planner_latency: market.policy.planner_latency,
            scenario: market.show_market(),
            ..Header::new(&market.name, &city.network, settings(market, self.hours(city, now)), now)
        }
    }

    fn hours(&self, city: &City, now: Millis) -> Vec<HourSpan> {
        let from = Millis(now.0.div_euclid(SPAN.0) * SPAN.0);
        if city.network.version_count() > 1 {
            self.0.timezone.hours(from, from + SPAN + SPAN)
        } else {
            vec![HourSpan { from, version: WeightsVersion(0) }]
        }
    }
}
