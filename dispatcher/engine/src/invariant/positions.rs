//! 9: the index is the fold of the accepted pings: each free vehicle is where its anchor is, nobody else is in it.

use super::{Found, Invariant};
use crate::domain::DriverId;
use crate::lifecycle::session;
use crate::state::{Comms, State};
use hansom_geo_index::Network;

pub fn check(found: &mut Found<'_>, state: &State, network: &Network, id: DriverId) {
    let Some(driver) = state.fleet().get(id) else { return };
    // Spelt out here rather than asked of the driver: an invariant does not trust the code it checks.
    let free = driver.session == session::Status::On
        && driver.comms != Comms::Dark
        && driver.offered.is_none()
        && driver.plan.is_empty();
    let expected = free.then(|| network.point(driver.anchor));
    let indexed = state.fleet().index().get(id.index() as u32);
    if indexed != expected {
        found.broken(Invariant::Index, || format!("driver {id}: index has {indexed:?}, pings say {expected:?}"));
    }
    let pooled = state.fleet().free.get(id);
    if pooled.map(|vehicle| (vehicle.start, vehicle.heard)) != free.then_some((driver.anchor, driver.heard)) {
        found.broken(Invariant::Index, || {
            format!("driver {id}: matching sees another place or time than the pings say")
        });
    }
}
