//! Snapping: the position on the streets that is nearest to a place.
//!
//! A grid of square cells, each with the streets that touch it. A look-up starts in the cell of the place and goes
//! outwards ring by ring, until no street of the next ring could be nearer, or near enough: exact, and no place takes long.
//! Why not a tree, with figures: `docs/decisions/0002-snapping.md`.

use crate::coord::{Coord, Point};
use crate::network::{EdgeId, Network, NodeId, Position};

/// Where a place is on the streets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snap {
    /// The nearest position.
    pub position: Position,
    /// How far the place is from it, in mm, rounded down.
    pub distance_mm: i64,
}

/// Why a place is on no street.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the nearest street is at least {} m away, farther than {} m", at_least_mm / 1000, limit_mm / 1000)]
pub struct TooFar {
    /// The nearest street is no nearer than this, in mm: a search that has left the limit behind stops.
    pub at_least_mm: i64,
    /// How far it may be, in mm.
    pub limit_mm: i64,
}

/// The smallest cells are 2^16 mm wide, 66 m: in a city about as far as streets are apart.
const LEAST_SHIFT: u32 = 16;

/// Cells per street, at most: more cost memory and find nothing.
const CELLS_PER_STREET: u64 = 8;

/// Positions are whole millimetres and may lie beside their line by that much; cells list streets this near to them.
const MARGIN_MM: i64 = 2;

/// Finds the nearest street of the [`Network`] that it was made for.
///
/// A street that can be driven both ways is found as its edge of the lower id; so is one of several edges between the same
/// two nodes. Self-loops are found only where there is nothing else.
#[derive(Debug)]
pub struct SnapIndex {
    /// The south-west corner of the grid.
    corner: (i64, i64),
    /// Cells are 2^shift mm wide.
    shift: u32,
    columns: i64,
    rows: i64,
    /// Where the list of each cell starts in `streets`, row by row, and the end of the last.
    first: Vec<u32>,
    streets: Vec<u32>,
}

impl SnapIndex {
    /// The index of all streets of `network`.
    pub fn new(network: &Network) -> Self {
        let streets = streets(network);
        let nodes = || (0..network.node_count() as u32).map(|node| network.node_point(NodeId(node)));
        let bounds = |of: fn(Point) -> i32| {
            let ends = nodes().fold((i32::MAX, i32::MIN), |ends, p| (ends.0.min(of(p)), ends.1.max(of(p))));
            (i64::from(ends.0) - MARGIN_MM, i64::from(ends.1) + MARGIN_MM)
        };
        let (x, y) = (bounds(|p| p.x), bounds(|p| p.y));
        let cells = |shift: u32| (((x.1 - x.0) >> shift) + 1, ((y.1 - y.0) >> shift) + 1);
        let few =
            |&shift: &u32| (cells(shift).0 * cells(shift).1) as u64 <= CELLS_PER_STREET * streets.len() as u64 + 64;
        let shift = (LEAST_SHIFT..31).find(few).expect("cells of 1,000 km hold any network");
        let (columns, rows) = cells(shift);
        let mut index = Self { corner: (x.0, y.0), shift, columns, rows, first: Vec::new(), streets: Vec::new() };
        index.fill(network, &streets);
        index
    }

    /// The position nearest to `coord`, or how far it is if that is more than `limit_mm`.
    ///
    /// "Nearest" is by [`Network::project`]; of streets equally near the one of the lowest id.
    pub fn nearest(&self, network: &Network, coord: Coord, limit_mm: i64) -> Result<Snap, TooFar> {
        self.nearest_point(network, network.projection().point(coord), limit_mm)
    }

    /// [`nearest`](Self::nearest) of a place that is already on the map.
    pub fn nearest_point(&self, network: &Network, point: Point, limit_mm: i64) -> Result<Snap, TooFar> {
        let found = self.search(network, point, limit_mm);
        let Found { distance2, edge, along } = found.map_err(|at_least_mm| TooFar { at_least_mm, limit_mm })?;
        Ok(Snap { position: Position { edge: EdgeId(edge), along }, distance_mm: distance2.isqrt() as i64 })
    }

    /// The nearest street, or a distance beyond the limit that it has at least.
    fn search(&self, network: &Network, point: Point, limit_mm: i64) -> Result<Found, i64> {
        let (x, y) = (i64::from(point.x) - self.corner.0, i64::from(point.y) - self.corner.1);
        let off_grid = self.off_grid_mm(x, y);
        if off_grid > limit_mm {
            return Err(off_grid);
        }
        let (column, row) = (x >> self.shift, y >> self.shift);
        let outside = |at: i64, count: i64| (-at).max(at - (count - 1)).max(0);
        let mut ring = outside(column, self.columns).max(outside(row, self.rows));
        let mut best = Found { distance2: u64::MAX, edge: u32::MAX, along: 0 };
        loop {
            let (west, east, south, north) = (column - ring, column + ring, row - ring, row + ring);
            let mut visit = |column: i64, row: i64| {
                if self.distance2(column, row, x, y) <= best.distance2 {
                    best = self.nearest_in((row * self.columns + column) as usize, network, point, best);
                }
            };
            for row in south.max(0)..=north.min(self.rows - 1) {
                // The first and the last row of a ring are whole; of those between only the ends belong to it.
                if row == south || row == north {
                    (west.max(0)..=east.min(self.columns - 1)).for_each(|column| visit(column, row));
                } else {
                    let ends = [west, east].into_iter().filter(|end| (0..self.columns).contains(end));
                    ends.for_each(|column| visit(column, row));
                }
            }
            // Whatever lies beyond this ring is at least so far away.
            let beyond = (x - (west << self.shift)).min(((east + 1) << self.shift) - x);
            let beyond = beyond.min(y - (south << self.shift)).min(((north + 1) << self.shift) - y);
            let all = west <= 0 && south <= 0 && east >= self.columns - 1 && north >= self.rows - 1;
            let found_mm = best.distance2.isqrt() as i64;
            if best.distance2 < (beyond * beyond) as u64 || all {
                return if found_mm <= limit_mm { Ok(best) } else { Err(found_mm) };
            }
            if beyond > limit_mm && found_mm > limit_mm {
                return Err(found_mm.min(beyond).max(off_grid));
            }
            ring += 1;
        }
    }

    /// How far a place is from the grid, in mm, rounded down.
    fn off_grid_mm(&self, x: i64, y: i64) -> i64 {
        let off = |at: i64, count: i64| (-at).max(at + 1 - (count << self.shift)).max(0);
        let (dx, dy) = (off(x, self.columns), off(y, self.rows));
        ((dx * dx + dy * dy) as u64).isqrt() as i64
    }

    /// Squared distance from a place to the nearest corner or side of a cell.
    #[inline]
    fn distance2(&self, column: i64, row: i64, x: i64, y: i64) -> u64 {
        let size = 1 << self.shift;
        let away = |at: i64, low: i64| (low - at).max(at - (low + size - 1)).max(0);
        let (dx, dy) = (away(x, column << self.shift), away(y, row << self.shift));
        (dx * dx + dy * dy) as u64
    }

    /// The nearest of the streets in a cell and of `best`.
    #[inline]
    fn nearest_in(&self, cell: usize, network: &Network, point: Point, mut best: Found) -> Found {
        for &edge in &self.streets[self.first[cell] as usize..self.first[cell + 1] as usize] {
            let (along, distance2) = network.project(EdgeId(edge), point);
            if (distance2, edge) < (best.distance2, best.edge) {
                best = Found { distance2, edge, along };
            }
        }
        best
    }

    /// Lists each of `streets` in every cell that it touches.
    fn fill(&mut self, network: &Network, streets: &[u32]) {
        let mut first = vec![0; (self.columns * self.rows) as usize + 1];
        for &street in streets {
            self.cells(network, street, |cell| first[cell + 1] += 1);
        }
        for cell in 1..first.len() {
            first[cell] += first[cell - 1];
        }
        let mut listed = vec![0; first[first.len() - 1] as usize];
        let mut next = first.clone();
        for &street in streets {
            self.cells(network, street, |cell| {
                listed[next[cell] as usize] = street;
                next[cell] += 1;
            });
        }
        (self.first, self.streets) = (first, listed);
    }

    /// Calls `visit` with every cell within [`MARGIN_MM`] of a street, row by row.
    fn cells(&self, network: &Network, street: u32, mut visit: impl FnMut(usize)) {
        let end = |nodes: &[u32]| {
            let point = network.node_point(NodeId(nodes[street as usize]));
            (i64::from(point.x) - self.corner.0, i64::from(point.y) - self.corner.1)
        };
        let (a, b) = (end(network.from()), end(network.to()));
        let (low, high) = if a.1 <= b.1 { (a, b) } else { (b, a) };
        let cell = |mm: i64, count: i64| (mm >> self.shift).clamp(0, count - 1);
        for row in cell(low.1 - MARGIN_MM, self.rows)..=cell(high.1 + MARGIN_MM, self.rows) {
            // Where the line enters and leaves this row, to the millimetre; a level one is in it all along.
            let at = |y: i64| match high.1 - low.1 {
                0 => [low.0, high.0],
                rise => [(high.0 - low.0) * (y.clamp(low.1, high.1) - low.1) / rise + low.0; 2],
            };
            let ([a, b], [c, d]) = (at((row << self.shift) - MARGIN_MM), at(((row + 1) << self.shift) + MARGIN_MM));
            let (west, east) = (a.min(b).min(c).min(d), a.max(b).max(c).max(d));
            for column in cell(west - MARGIN_MM, self.columns)..=cell(east + MARGIN_MM, self.columns) {
                visit((row * self.columns + column) as usize);
            }
        }
    }
}

/// The nearest street so far.
#[derive(Debug, Clone, Copy)]
struct Found {
    distance2: u64,
    edge: u32,
    along: u16,
}

/// One edge for each street: the first between its two nodes, in either direction. Loops only if there is nothing else.
fn streets(network: &Network) -> Vec<u32> {
    let (from, to) = (network.from(), network.to());
    let is_first = |&edge: &u32| {
        let e = edge as usize;
        let repeats = e > 0 && (from[e - 1], to[e - 1]) == (from[e], to[e]);
        let twin_is_first = network.twin(EdgeId(edge)).is_some_and(|twin| twin.0 < edge);
        from[e] != to[e] && !repeats && !twin_is_first
    };
    let streets: Vec<u32> = (0..network.edge_count() as u32).filter(is_first).collect();
    if streets.is_empty() { vec![0] } else { streets }
}
