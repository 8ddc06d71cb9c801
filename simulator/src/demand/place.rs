//! Places on streets, drawn by street length.

use hansom_geo_index::{Coord, EdgeId, Millimetres, Network, NodeId, Point, Position};

use crate::rng::Draw;

/// Streets to draw a place from: each millimetre is as likely as any other. A street driven both ways counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    pieces: Vec<Piece>,
    /// Length of all pieces up to and with each, in mm.
    ends_mm: Vec<u64>,
}

/// A part of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    edge: EdgeId,
    /// Its start and its end in 1/65,536 of the edge.
    from: u32,
    to: u32,
}

const WHOLE: u32 = 1 << 16;

impl Places {
    /// All streets of a network.
    pub fn everywhere(network: &Network) -> Self {
        Self::of(network, |_| Some((0, WHOLE)))
    }

    /// The parts of streets within `radius` of `center`, by air line on the map.
    pub fn within(network: &Network, center: Coord, radius: Millimetres) -> Self {
        let center = network.projection().point(center);
        Self::of(network, |edge| {
            let (a, b) = ends(network, edge);
            inside(a, b, center, radius)
        })
    }

    fn of(network: &Network, part: impl Fn(EdgeId) -> Option<(u32, u32)>) -> Self {
        let mut places = Self::default();
        let mut end = 0;
        for edge in (0..network.edge_count() as u32).map(EdgeId) {
            if network.twin(edge).is_some_and(|twin| twin < edge) {
                continue;
            }
            let Some((from, to)) = part(edge) else { continue };
            let length = (u64::from(network.length_mm(edge)) * u64::from(to - from)) >> 16;
            if length > 0 {
                end += length;
                places.pieces.push(Piece { edge, from, to });
                places.ends_mm.push(end);
            }
        }
        places
    }

    /// Length of the streets in mm.
    pub fn length_mm(&self) -> u64 {
        self.ends_mm.last().copied().unwrap_or(0)
    }

    /// The place that `draw` picks; `None`: there are no streets.
    pub fn pick(&self, draw: Draw) -> Option<Position> {
        let at = draw.below(self.length_mm());
        let n = self.ends_mm.partition_point(|&end| end <= at);
        let piece = self.pieces.get(n)?;
        let start = if n == 0 { 0 } else { self.ends_mm[n - 1] };
        let length = self.ends_mm[n] - start;
        // Below `piece.to`, as `at - start` is below `length`.
        let along = u64::from(piece.from) + (at - start) * u64::from(piece.to - piece.from) / length;
        Some(Position { edge: piece.edge, along: along as u16 })
    }
}

/// Whether a part of an edge lies within `radius` of `center`, by air line on the map.
pub(crate) fn reaches(network: &Network, edge: EdgeId, center: Coord, radius: Millimetres) -> bool {
    let (a, b) = ends(network, edge);
    inside(a, b, network.projection().point(center), radius).is_some()
}

/// Where an edge starts and ends on the map.
fn ends(network: &Network, edge: EdgeId) -> (Point, Point) {
    let point = |nodes: &[u32]| network.node_point(NodeId(nodes[edge.0 as usize]));
    (point(network.from()), point(network.to()))
}

/// The part of the straight line from `a` to `b` that lies in a disc, in 1/65,536 of it.
fn inside(a: Point, b: Point, center: Point, radius: Millimetres) -> Option<(u32, u32)> {
    let difference = |p: Point, q: Point| (f64::from(p.x) - f64::from(q.x), f64::from(p.y) - f64::from(q.y));
    let ((dx, dy), (cx, cy)) = (difference(b, a), difference(a, center));
    // |a + t (b - a) - center|² = radius², a quadratic in t: square t² + 2 half t + rest = 0.
    let (square, half, rest) =
        (dx * dx + dy * dy, dx * cx + dy * cy, cx * cx + cy * cy - radius.0 as f64 * radius.0 as f64);
    if square == 0.0 {
        return (rest <= 0.0).then_some((0, WHOLE));
    }
    let discriminant = half * half - square * rest;
    if discriminant < 0.0 {
        return None;
    }
    let root = libm::sqrt(discriminant);
    let along = |t: f64| (t.clamp(0.0, 1.0) * f64::from(WHOLE)) as u32;
    let (from, to) = (along((-half - root) / square), along((-half + root) / square));
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(x: i32, y: i32) -> Point {
        Point { x, y }
    }

    #[test]
    fn the_part_inside_a_disc() {
        let r = Millimetres(1000);
        assert_eq!(inside(p(-2000, 0), p(2000, 0), p(0, 0), r), Some((WHOLE / 4, WHOLE * 3 / 4)));
        assert_eq!(inside(p(0, 0), p(2000, 0), p(0, 0), r), Some((0, WHOLE / 2)));
        assert_eq!(inside(p(-500, 0), p(500, 0), p(0, 0), r), Some((0, WHOLE)));
        assert_eq!(inside(p(2000, 0), p(3000, 0), p(0, 0), r), None);
        assert_eq!(inside(p(-2000, 1001), p(2000, 1001), p(0, 0), r), None);
        assert_eq!(inside(p(5, 5), p(5, 5), p(0, 0), r), Some((0, WHOLE)));
        assert_eq!(inside(p(5000, 5), p(5000, 5), p(0, 0), r), None);
    }
}
