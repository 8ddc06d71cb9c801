//! What people and phones do that they should not: sent on purpose, so that a market can show how it bears it.

use std::collections::BTreeMap;
use std::str::FromStr;

use hansom_engine::{Command, DriverId, RideId};
use hansom_geo_index::Millis;

use crate::rng::{Purpose, Stream};
use crate::scenario::Scenario;

/// How often what goes wrong: chances from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Misbehaviour {
    /// An acceptance is sent when the offer has expired.
    pub late_accept: f64,
    /// An acceptance is sent twice, as two orders.
    pub double_accept: f64,
    /// An order is sent again as it is.
    pub retry: f64,
    /// A driver goes on with a second device, which takes over; the first sends him home.
    pub two_devices: f64,
    /// A phone goes dark during a ride; instead of the scenario's chance.
    pub dark: Option<f64>,
    /// A rider does not come to the pickup; instead of the scenario's chance.
    pub no_show: Option<f64>,
}

/// Something that is not `what=chance`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is none of late-accept, double-accept, retry, two-devices, dark, no-show with a chance from 0 to 1, as in `retry=0.1`"
)]
pub struct UnknownMischief {
    given: String,
}

impl FromStr for Misbehaviour {
    type Err = UnknownMischief;

    /// Reads `retry=0.1,dark=0.05`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::default();
        for given in text.split(',').map(str::trim) {
            let unknown = || UnknownMischief { given: given.to_owned() };
            let (what, chance) = given.split_once('=').ok_or_else(unknown)?;
            let chance: f64 = chance.parse().ok().filter(|chance| (0.0..=1.0).contains(chance)).ok_or_else(unknown)?;
            match what {
                "late-accept" => all.late_accept = chance,
                "double-accept" => all.double_accept = chance,
                "retry" => all.retry = chance,
                "two-devices" => all.two_devices = chance,
                "dark" => all.dark = Some(chance),
                "no-show" => all.no_show = Some(chance),
                _ => return Err(unknown()),
            }
        }
        Ok(all)
    }
}

impl Misbehaviour {
    /// The scenario with the chances that it has keys for.
    pub(super) fn applied(&self, scenario: &Scenario) -> Scenario {
        let mut scenario = scenario.clone();
        scenario.driver.dark = self.dark.unwrap_or(scenario.driver.dark);
        scenario.rider.no_show = self.no_show.unwrap_or(scenario.rider.no_show);
        scenario
    }
}

/// How long after an answer a second device takes over.
const SECOND_DEVICE: Millis = Millis::from_secs(5);
/// How long after its deadline an offer is accepted by who is late.
const LATE: Millis = Millis::from_secs(1);

/// What goes wrong, drawn.
#[derive(Debug)]
pub(super) struct Mischief {
    chances: Misbehaviour,
    draws: Stream,
    drawn: u64,
    /// Until when the open offers can be answered.
    deadlines: BTreeMap<RideId, Millis>,
    /// What is sent later; of one time, in order.
    later: BTreeMap<(Millis, u64), Command>,
    count: u64,
}

impl Mischief {
    /// Nothing yet.
    pub fn new(seed: u64, chances: Misbehaviour) -> Self {
        let (deadlines, later) = (BTreeMap::new(), BTreeMap::new());
        Self { chances, draws: Stream::new(seed, Purpose::Mischief), drawn: 0, deadlines, later, count: 0 }
    }

    fn chance(&mut self, chance: f64) -> bool {
        self.drawn += 1;
        let goes_wrong = self.draws.draw(self.drawn, 0).chance(chance);
        self.count += u64::from(goes_wrong);
        goes_wrong
    }

    /// A ride is offered until `deadline`.
    pub fn offered(&mut self, ride: RideId, deadline: Millis) {
        self.deadlines.insert(ride, deadline);
    }

    /// An offer of a ride is open no more.
    pub fn settled(&mut self, ride: RideId) {
        self.deadlines.remove(&ride);
    }

    /// How often an order is sent now, of which more may be sent later.
    pub fn copies(&mut self, now: Millis, command: &Command) -> usize {
        match command {
            Command::AcceptOffer { driver, ride, .. } => {
                if let Some(deadline) = self.deadlines.get(ride).copied()
                    && self.chance(self.chances.late_accept)
                {
                    self.send_later(deadline + LATE, command);
                    return 0;
                }
                if self.chance(self.chances.double_accept) {
                    self.send_later(now, command);
                }
                self.second_device(now, *driver);
            }
            Command::DeclineOffer { driver, .. } => self.second_device(now, *driver),
            _ => {}
        }
        1 + usize::from(self.chance(self.chances.retry))
    }

    /// A driver who answers may go on with another device.
    fn second_device(&mut self, now: Millis, driver: DriverId) {
        if self.chance(self.chances.two_devices) {
            self.send_later(now + SECOND_DEVICE, &Command::OpenSession { driver });
        }
    }

    fn send_later(&mut self, at: Millis, command: &Command) {
        self.later.insert((at, self.drawn), command.clone());
    }

    /// When something is to be sent.
    pub fn next_at(&self) -> Option<Millis> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// What is to be sent by `now`.
    pub fn due(&mut self, now: Millis) -> Vec<Command> {
        let later = self.later.split_off(&(now + Millis(1), 0));
        std::mem::replace(&mut self.later, later).into_values().collect()
    }

    /// How much went wrong.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_is_read_from_the_command_line() {
        let read: Misbehaviour = "retry=0.25, dark=1".parse().expect("both are known");
        assert_eq!(read, Misbehaviour { retry: 0.25, dark: Some(1.0), ..Misbehaviour::default() });
        for wrong in ["", "retry", "retry=2", "retry=-0.1", "retry=NaN", "sleep=0.1"] {
            assert!(wrong.parse::<Misbehaviour>().is_err(), "{wrong}");
        }
    }
}
