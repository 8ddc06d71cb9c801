//! The straight line of an edge, and the nearest place on it.

use crate::coord::Point;

/// The straight line between the ends of an edge, with what the nearest place on it needs: no division per look-up.
///
/// 32 bytes, two to a cache line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    start: Point,
    dx: i32,
    dy: i32,
    /// 2^62 / `len2`, rounded down.
    reciprocal: u64,
    /// Squared length, shifted right by `shift` so that it stays below 2^31; at least 1.
    len2: u32,
    shift: u32,
}

impl Segment {
    /// The line from `a` to `b`, both within [`MAX_EXTENT_MM`](super::graph::MAX_EXTENT_MM) of the origin.
    pub fn new(a: Point, b: Point) -> Self {
        let len2 = a.distance2(b);
        let shift = (64 - len2.leading_zeros()).saturating_sub(31);
        let len2 = (len2 >> shift).max(1);
        Self { start: a, dx: b.x - a.x, dy: b.y - a.y, reciprocal: (1 << 62) / len2, len2: len2 as u32, shift }
    }

    /// The place `along` / 65,536 of the way, rounded down to whole millimetres.
    pub fn at(&self, along: u16) -> Point {
        let part = |d: i32| ((i64::from(d) * i64::from(along)) >> 16) as i32;
        Point { x: self.start.x + part(self.dx), y: self.start.y + part(self.dy) }
    }

    /// The nearest of its 65,536 places to `p`, and the squared distance to [`at`](Self::at) of it, in mm².
    ///
    /// For lines of up to 65 m a place is less than 1 mm; the choice is exact to half a place.
    #[inline]
    pub fn nearest(&self, p: Point) -> (u16, u64) {
        let (px, py) = (i64::from(p.x) - i64::from(self.start.x), i64::from(p.y) - i64::from(self.start.y));
        let dot = px * i64::from(self.dx) + py * i64::from(self.dy);
        let part = (dot.max(0) as u64 >> self.shift).min(u64::from(self.len2));
        let along = ((part * self.reciprocal + (1 << 45)) >> 46).min(65_535);
        let (ex, ey) =
            (px - ((i64::from(self.dx) * along as i64) >> 16), py - ((i64::from(self.dy) * along as i64) >> 16));
        (along as u16, (ex * ex + ey * ey) as u64)
    }
}
