//! The peer: an R*-tree, which tests and benches hold the grid against.

use rstar::{AABB, PointDistance, RTree as Tree, RTreeObject};

use super::{Found, MovingIndex};
use crate::coord::Point;

/// Moving points in an R*-tree: the same answers as [`Grid`](super::Grid), at another price.
///
/// Exact for points at most 2,000 km apart, as those of one map are.
#[derive(Debug, Clone, Default)]
pub struct RTree {
    tree: Tree<Entry>,
    places: Vec<Option<Point>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    point: Point,
    id: u32,
}

fn array(point: Point) -> [i64; 2] {
    [i64::from(point.x), i64::from(point.y)]
}

impl RTreeObject for Entry {
    type Envelope = AABB<[i64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_point(array(self.point))
    }
}

impl PointDistance for Entry {
    fn distance_2(&self, point: &[i64; 2]) -> i64 {
        let (dx, dy) = (i64::from(self.point.x) - point[0], i64::from(self.point.y) - point[1]);
        dx * dx + dy * dy
    }
}

impl MovingIndex for RTree {
    fn update(&mut self, id: u32, point: Point) {
        self.remove(id);
        if id as usize >= self.places.len() {
            self.places.resize(id as usize + 1, None);
        }
        self.places[id as usize] = Some(point);
        self.tree.insert(Entry { point, id });
    }

    fn remove(&mut self, id: u32) -> bool {
        let Some(point) = self.places.get_mut(id as usize).and_then(Option::take) else { return false };
        self.tree.remove(&Entry { point, id });
        true
    }

    fn len(&self) -> usize {
        self.tree.size()
    }

    fn nearest(
        &self,
        point: Point,
        radius_mm: u32,
        k: usize,
        mut wanted: impl FnMut(u32) -> bool,
        out: &mut Vec<Found>,
    ) {
        out.clear();
        if k == 0 {
            return;
        }
        let limit = u64::from(radius_mm) * u64::from(radius_mm);
        for (entry, distance2) in self.tree.nearest_neighbor_iter_with_distance_2(array(point)) {
            // Beyond rank k only what is just as far as rank k can still matter: by its id.
            let distance2 = distance2 as u64;
            if distance2 > limit || (out.len() >= k && distance2 > out[k - 1].0) {
                break;
            }
            if wanted(entry.id) {
                out.push((distance2, entry.id));
            }
        }
        out.sort_unstable();
        out.truncate(k);
    }

    fn within(&self, point: Point, radius_mm: u32, out: &mut Vec<Found>) {
        out.clear();
        let limit = i64::from(radius_mm).saturating_mul(i64::from(radius_mm));
        let near = self.tree.locate_within_distance(array(point), limit);
        out.extend(near.map(|entry| (entry.point.distance2(point), entry.id)));
        out.sort_unstable();
    }
}
