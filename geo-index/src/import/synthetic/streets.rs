//! Lays the streets of a plan.

use super::plan::Plan;
use super::traffic::{Street, times_ms};
use super::{Purpose, draw};
use crate::coord::{Coord, Point, Projection};
use crate::network::Parts;

/// Where the middle of every city is.
const MIDDLE: Coord = Coord { lat: 480_000_000, lon: 110_000_000 };

/// How far a corner may be from where its two streets should cross, in mm: side streets, and arterials.
const WOBBLE_MM: [u32; 2] = [22_000, 6_000];

/// One side street in so many is missing.
const GAP: u32 = 12;

/// What the streets of a city are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Side,
    Arterial,
    Bridge,
}

/// A crossing: its column and row counted from the middle, its place in the plan and in the town in mm, its index.
#[derive(Debug, Clone, Copy)]
struct Corner {
    column: i64,
    row: i64,
    plan: (i64, i64),
    x: i64,
    y: i64,
    index: u32,
}

impl Corner {
    fn outward_mm(self) -> i64 {
        (self.x * self.x + self.y * self.y).isqrt()
    }
}

/// The streets of `plan` with the crossings and lengths that `seed` draws, edges in the order in which they are laid.
pub(super) fn lay(plan: &Plan, seed: u64) -> Parts {
    let mut town = Town { plan, seed, parts: Parts::default(), streets: Vec::new() };
    let rows = -plan.rows.middle..plan.rows.count - plan.rows.middle;
    let mut south: Vec<Option<Corner>> = Vec::new();
    for row in rows {
        let columns = -plan.columns.middle..plan.columns.count - plan.columns.middle;
        let corners: Vec<Option<Corner>> = columns.map(|column| town.corner(column, row)).collect();
        for pair in corners.windows(2) {
            if let [Some(west), Some(east)] = *pair {
                town.street(west, east);
            }
        }
        town.bridge(row, &corners);
        for pair in south.iter().zip(&corners) {
            if let (Some(south), Some(north)) = pair {
                town.street(*south, *north);
            }
        }
        south = corners;
    }
    let versions = (0..72).map(|version| times_ms(plan.centre_m, &town.streets, version));
    let times_ms = versions.flatten().collect();
    Parts { times_ms, ..town.parts }
}

struct Town<'a> {
    plan: &'a Plan,
    seed: u64,
    parts: Parts,
    streets: Vec<Street>,
}

impl Town<'_> {
    /// Makes the crossing of a column and a row, if there is land.
    fn corner(&mut self, column: i64, row: i64) -> Option<Corner> {
        let (x, y) = (self.plan.street_mm(column), self.plan.street_mm(row));
        let item = ((row + 128) << 8 | (column + 128)) as u64;
        let wobble = |purpose, steps| {
            let range = WOBBLE_MM[usize::from(self.plan.is_arterial(steps))];
            draw(self.seed, purpose, item, range) - i64::from(range / 2)
        };
        // A column wobbles east and west, a row north and south.
        let (x, y) = (x + wobble(Purpose::CornerEast, column), y + wobble(Purpose::CornerNorth, row));
        if !self.plan.is_land(x, y) {
            return None;
        }
        let plan = (x, y);
        let (x, y) = self.plan.bent(x, y);
        let index = self.parts.coords.len() as u32;
        self.parts.coords.push(Projection::about(MIDDLE).coord(Point { x: x as i32, y: y as i32 }));
        self.parts.node_source.push(u64::from(index) + 1);
        Some(Corner { column, row, plan, x, y, index })
    }

    /// Lays the street between two neighbours, unless the river or chance forbids it.
    fn street(&mut self, a: Corner, b: Corner) {
        let along_row = a.row == b.row;
        let street = if along_row { a.row } else { a.column };
        let class = if self.plan.is_arterial(street) { Class::Arterial } else { Class::Side };
        let item = u64::from(a.index) << 1 | u64::from(along_row);
        if self.plan.is_across(a.plan, b.plan)
            || (class == Class::Side && draw(self.seed, Purpose::Gap, item, GAP) == 0)
        {
            return;
        }
        let reach = self.plan.one_way_m * 1000;
        let central = [a, b].iter().all(|corner| corner.plan.0.abs().max(corner.plan.1.abs()) <= reach);
        match (class == Class::Side && central, street.rem_euclid(2) == 0) {
            (false, _) => self.both_ways(a, b, class),
            (true, true) => self.edge(a, b, class),
            (true, false) => self.edge(b, a, class),
        }
    }

    /// Lays the bridge of a row that has one, between the last corner before the river and the first behind it.
    fn bridge(&mut self, row: i64, corners: &[Option<Corner>]) {
        if !self.plan.has_bridge(row) {
            return;
        }
        let land: Vec<Corner> = corners.iter().copied().flatten().collect();
        for pair in land.windows(2) {
            if self.plan.is_across(pair[0].plan, pair[1].plan) {
                self.both_ways(pair[0], pair[1], Class::Bridge);
            }
        }
    }

    fn both_ways(&mut self, a: Corner, b: Corner, class: Class) {
        self.edge(a, b, class);
        self.edge(b, a, class);
    }

    fn edge(&mut self, from: Corner, to: Corner, class: Class) {
        let id = self.parts.to.len() as u64 + 1;
        let (x, y) = (to.x - from.x, to.y - from.y);
        // No street is shorter than its air line, on any map of this town.
        let winding = if class == Class::Side { 60 } else { 12 };
        let pair = u64::from(from.index.min(to.index)) << 32 | u64::from(from.index.max(to.index));
        let length = (x * x + y * y).isqrt() * (1_005 + draw(self.seed, Purpose::Detour, pair, winding)) / 1_000;
        self.parts.from.push(from.index);
        self.parts.to.push(to.index);
        self.parts.length_mm.push(length as u32);
        self.parts.edge_source.push(id);
        self.streets.push(Street {
            class,
            length_mm: length,
            start_mm: from.outward_mm(),
            end_mm: to.outward_mm(),
            pace: 900 + draw(self.seed, Purpose::Pace, id, 201),
        });
    }
}
