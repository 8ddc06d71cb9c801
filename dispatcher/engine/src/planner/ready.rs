//! When vehicles near the end of their plan have done what they have to do: asked every few seconds, it changes when the
//! vehicle is seen elsewhere.

use super::candidates::ready_ms;
use crate::state::Vehicle;
use hansom_geo_index::route::{Times, TravelTimes};
use hansom_geo_index::{Millis, Position, WeightsVersion};

/// The drives of plans of one or two stops, remembered by driver. They follow from the plan; a memory of them changes no
/// answer.
#[derive(Debug, Default)]
pub(super) struct Ready {
    drives: Vec<Option<Drives>>,
}

#[derive(Debug, Clone, Copy)]
struct Drives {
    /// What they follow from.
    of: Plan,
    /// From where the vehicle was last seen to its first stop, ms.
    first_ms: i64,
    /// From there to its last stop, ms.
    second_ms: i64,
}

/// Where a short plan leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    weights: WeightsVersion,
    anchor: Position,
    first: Position,
    second: Option<Position>,
}

impl Ready {
    /// How long from `at` until a vehicle has done what it has to do, ms; 0 if it is free.
    pub fn ms(&mut self, times: &Times, at: Millis, vehicle: &Vehicle) -> i64 {
        let Some(ahead) = vehicle.ahead.as_deref() else { return 0 };
        let (first, second) = match *ahead.stops.as_slice() {
            [first] => (first, None),
            [first, second] => (first, Some(second)),
            _ => return ready_ms(times, at, vehicle),
        };
        let of = Plan {
            weights: times.version(),
            anchor: ahead.anchor,
            first: first.0,
            second: second.map(|second| second.0),
        };
        let drives = self.drives(times, vehicle.driver.index(), of);
        (drives.first_ms - (at - ahead.anchor_at).0).max(0)
            + first.1
            + drives.second_ms
            + second.map_or(0, |stop| stop.1)
    }

    fn drives(&mut self, times: &Times, driver: usize, of: Plan) -> Drives {
        if self.drives.len() <= driver {
            self.drives.resize(driver + 1, None);
        }
        let slot = &mut self.drives[driver];
        match slot {
            Some(drives) if drives.of == of => *drives,
            _ => {
                let first_ms = i64::from(times.time(of.anchor, of.first));
                let second_ms = of.second.map_or(0, |second| i64::from(times.time(of.first, second)));
                *slot.insert(Drives { of, first_ms, second_ms })
            }
        }
    }
}
