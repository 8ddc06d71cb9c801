//! Where vehicles are looked for, by what their drivers said last.

use super::Model;
use super::tables::{Comms, Driver, Shift};
use crate::broken::{Checked, Promise, ensure};
use hansom_engine::DriverId;
use hansom_engine::invariant::Invariant;
use hansom_engine::record::Fix;
use hansom_engine::state::Fleet;
use hansom_geo_index::moving::MovingIndex;
use hansom_geo_index::{Coord, NodeId, Point, Position};

/// What rounding may make of a place, and more.
const METRE_MM: f64 = 1_000.0;

impl Model {
    /// A position was taken: the vehicle is looked for there, or near it where it was before.
    pub(super) fn placed(&mut self, id: u32, coord: Coord, fix: Fix) -> Checked {
        let place = match fix {
            Fix::Kept => {
                let anchor = self.driver(id)?.anchor;
                return ensure(self.stands(anchor, coord), Promise::Holds(Invariant::Index), || {
                    format!("driver {id} says that he is at {coord:?}, and is looked for at {anchor:?} still")
                });
            }
            Fix::Anchored(place) | Fix::OffRoute(place) | Fix::OnRoute { place, .. } => place,
        };
        self.is_near(coord, place)?;
        self.driver(id)?.anchor = place;
        Ok(())
    }

    /// A ride begins or ends there, and so does what its driver does.
    pub(super) fn left_at(&mut self, driver: Option<u32>, place: Option<Position>) {
        if let (Some(driver), Some(place)) = (driver.and_then(|id| self.drivers.get_mut(&id)), place) {
            driver.anchor = place;
        }
    }

    /// Nobody is off the streets here by more than is passed over.
    pub(super) fn is_near(&self, coord: Coord, place: Position) -> Checked {
        let away = self.network.projection().point(coord).distance_mm(self.network.point(place)) as f64;
        let most = self.settings.reanchor_across_mm as f64 + METRE_MM;
        ensure(away <= most, Promise::Holds(Invariant::Index), || {
            format!("who says that he is at {coord:?} is looked for at {place:?}")
        })
    }

    /// Whether who is at `coord` needs not be moved from his anchor: he is near its street, and has not gone far along it.
    fn stands(&self, anchor: Position, coord: Coord) -> bool {
        let (network, edge) = (&self.network, anchor.edge.0 as usize);
        let from = |from: Point, to: Point| (f64::from(to.x - from.x), f64::from(to.y - from.y));
        let [start, end] = [network.from()[edge], network.to()[edge]].map(|node| network.node_point(NodeId(node)));
        let (street, way) = (from(start, end), from(start, network.projection().point(coord)));
        let square = street.0 * street.0 + street.1 * street.1;
        let along = if square > 0.0 { ((way.0 * street.0 + way.1 * street.1) / square).clamp(0.0, 1.0) } else { 0.0 };
        let across = (way.0 - along * street.0).hypot(way.1 - along * street.1);
        let gone = if square > 0.0 { (along - f64::from(anchor.along) / 65_536.0).abs() } else { 0.0 };
        across <= self.settings.reanchor_across_mm as f64 + METRE_MM
            && gone * f64::from(network.length_mm(anchor.edge)) <= self.settings.reanchor_along_mm as f64 + METRE_MM
    }

    /// Who is free is looked for where he is, and nobody else is looked for.
    pub fn check_index(&self, fleet: &Fleet) -> Checked {
        let index = fleet.index();
        let mut free = 0;
        for (id, driver) in self.drivers.iter().filter(|(_, driver)| is_free(driver)) {
            let (here, found) = (self.network.point(driver.anchor), index.get(DriverId(*id).index() as u32));
            ensure(found == Some(here), Promise::Holds(Invariant::Index), || {
                format!("driver {id} is at {here:?}, and is looked for at {found:?}")
            })?;
            free += 1;
        }
        ensure(index.len() == free, Promise::Holds(Invariant::Index), || {
            format!("{free} drivers are free, {} are looked for", index.len())
        })
    }
}

fn is_free(driver: &Driver) -> bool {
    driver.shift == Shift::On && driver.comms != Comms::Dark && driver.offered.is_none() && driver.held.is_empty()
}
