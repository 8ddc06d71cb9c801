//! The working graph, and shortest augmenting paths: the part that makes the answer exact.
//!
//! Inside the solver a cost is a *profit* `p = unserved − cost`: serving nobody is worth nothing, an arc that is worth
//! less is left out, and rows and columns become alike: each has a dual of at least zero and may stay unmatched at zero.
//! So one routine serves both sides: [`Search::augment`] matches the rows, and given the transposed graph, the columns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::instance::Instance;

/// Bits of a vertex number inside a packed word; the other 44 hold a sign and a profit, price or distance below 2^43.
pub(super) const VERTEX_BITS: u32 = 20;
const VERTEX_MASK: i64 = (1 << VERTEX_BITS) - 1;

/// No vertex.
pub(super) const NONE: u32 = u32::MAX;

/// An arc in one word, profit before far vertex, so that arcs order by profit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arc(i64);

impl Arc {
    /// To stay unmatched: above every arc that is worth nothing or less, below every other. No vertex has so high a number.
    pub(super) const NOTHING: Self = Self(VERTEX_MASK);

    fn new(to: u32, profit: i64) -> Self {
        Self(profit << VERTEX_BITS | i64::from(to))
    }

    /// The vertex on the other side.
    pub(super) fn to(self) -> u32 {
        (self.0 & VERTEX_MASK) as u32
    }

    /// What the pair is worth.
    pub(super) fn profit(self) -> i64 {
        self.0 >> VERTEX_BITS
    }

    /// The arc as it looks when its far vertex asks for a price.
    pub(super) fn at_price(self, price: i64) -> Self {
        Self(self.0 - (price << VERTEX_BITS))
    }
}

/// The arcs as one side sees them. A vertex's arcs are sorted, best first, when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Side {
    starts: Vec<u32>,
    arcs: Vec<Arc>,
    sorted: Vec<bool>,
}

impl Side {
    /// The rows of an instance with the arcs that are worth taking.
    pub(super) fn fill(&mut self, instance: &Instance) {
        self.arcs.clear();
        self.starts.clear();
        self.starts.push(0);
        for row in 0..instance.rows() {
            let unserved = instance.unserved(row);
            let worthwhile = instance.row(row).filter(|arc| arc.1 <= unserved);
            self.arcs.extend(worthwhile.map(|(column, cost)| Arc::new(column, unserved - cost)));
            self.starts.push(self.arcs.len() as u32);
        }
        self.sorted.clear();
        self.sorted.resize(instance.rows(), false);
    }

    /// The same arcs as the other side of `vertices` vertices sees them.
    pub(super) fn fill_transposed(&mut self, other: &Self, vertices: usize) {
        self.starts.clear();
        self.starts.resize(vertices + 1, 0);
        for arc in &other.arcs {
            self.starts[arc.to() as usize + 1] += 1;
        }
        for vertex in 0..vertices {
            self.starts[vertex + 1] += self.starts[vertex];
        }
        self.arcs.clear();
        self.arcs.resize(other.arcs.len(), Arc::NOTHING);
        // Each start serves as its vertex's write position and ends at the next one's start.
        for near in 0..other.len() {
            for arc in &other.arcs[other.range(near)] {
                let slot = &mut self.starts[arc.to() as usize];
                self.arcs[*slot as usize] = Arc::new(near as u32, arc.profit());
                *slot += 1;
            }
        }
        self.starts.copy_within(..vertices, 1);
        self.starts[0] = 0;
        self.sorted.clear();
        self.sorted.resize(vertices, false);
    }

    fn range(&self, vertex: usize) -> std::ops::Range<usize> {
        self.starts[vertex] as usize..self.starts[vertex + 1] as usize
    }

    /// The arcs of a vertex, best first.
    pub(super) fn best_first(&mut self, vertex: u32) -> &[Arc] {
        let range = self.range(vertex as usize);
        let arcs = &mut self.arcs[range];
        if !self.sorted[vertex as usize] {
            self.sorted[vertex as usize] = true;
            if !arcs.is_sorted_by(|a, b| a >= b) {
                arcs.sort_unstable_by_key(|&arc| Reverse(arc));
            }
        }
        arcs
    }

    /// The number of vertices.
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The number of arcs.
    pub(super) fn arcs(&self) -> usize {
        self.arcs.len()
    }
}

/// What the solver knows about the vertices of one side.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// The dual: what the vertex keeps (a row) or asks for (a column) of the profit; at least 0.
    pub(super) dual: Vec<i64>,
    /// The matched vertex of the other side, or [`NONE`].
    pub(super) mate: Vec<u32>,
}

impl Half {
    /// `vertices` unmatched vertices with duals of zero.
    pub(super) fn reset(&mut self, vertices: usize) {
        self.dual.clear();
        self.dual.resize(vertices, 0);
        self.mate.clear();
        self.mate.resize(vertices, NONE);
    }
}

/// Takes prices as they are, sets the near duals to the least that is feasible for them, and keeps or makes matched only
/// what is tight: what [`Search::augment`] wants. Answers how many arcs it looked at.
pub(super) fn tighten(graph: &mut Side, near: &mut Half, far: &mut Half) -> u64 {
    let mut looks = 0;
    for vertex in 0..near.dual.len() {
        let mate = near.mate[vertex];
        let (mut most, mut own) = (0, None);
        for &arc in graph.best_first(vertex as u32) {
            if arc.profit() <= most {
                break;
            }
            looks += 1;
            let worth = arc.profit() - far.dual[arc.to() as usize];
            most = most.max(worth);
            if arc.to() == mate {
                own = own.max(Some(worth));
            }
        }
        near.dual[vertex] = most;
        if mate != NONE && own != Some(most) {
            far.mate[mate as usize] = NONE;
            near.mate[vertex] = NONE;
        }
    }
    for vertex in 0..near.dual.len() {
        let kept = near.dual[vertex];
        if near.mate[vertex] != NONE || kept == 0 {
            continue;
        }
        let arcs = graph.best_first(vertex as u32).iter().take_while(|arc| arc.profit() >= kept);
        let tight = |arc: &&Arc| {
            looks += 1;
            far.mate[arc.to() as usize] == NONE && arc.profit() - far.dual[arc.to() as usize] == kept
        };
        if let Some(arc) = arcs.clone().find(tight) {
            near.mate[vertex] = arc.to();
            far.mate[arc.to() as usize] = vertex as u32;
        }
    }
    looks
}

/// Not reached. Above any distance, which is below 2^41.
const FAR: i64 = i64::MAX;

/// Where a shortest path ends.
#[derive(Clone, Copy)]
enum End {
    /// At an unmatched far vertex, which becomes matched.
    Free(u32),
    /// At a near vertex, which becomes unmatched.
    Released(u32),
}

/// Shortest augmenting paths, and the buffers of one search. Between searches every distance is [`FAR`].
#[derive(Debug, Default)]
pub(super) struct Search {
    distance: Vec<i64>,
    from: Vec<u32>,
    reached: Vec<u32>,
    /// Far vertices of final distance, all matched, in the order they were settled.
    settled: Vec<(u32, i64)>,
    /// Distance and far vertex in one word, nearest first, of equal ones the lower vertex.
    heap: BinaryHeap<Reverse<i64>>,
    /// Arcs looked at since the count was last taken.
    pub(super) looks: u64,
}

impl Search {
    /// Matches, or prices down to zero, every unmatched near vertex with a positive dual, each by a shortest path. Answers
    /// whether all are done; if not, the looks reached `limit`.
    ///
    /// Wants duals that are feasible (`near + far ≥ profit` on every arc) and tight on every matched pair, keeps them so,
    /// and keeps every far vertex matched that is. At most one search a vertex, each at most one look at each arc.
    pub(super) fn augment(&mut self, graph: &mut Side, near: &mut Half, far: &mut Half, limit: u64) -> bool {
        self.distance.clear();
        self.distance.resize(far.dual.len(), FAR);
        self.from.resize(far.dual.len(), NONE);
        for start in 0..near.dual.len() as u32 {
            if near.mate[start as usize] != NONE || near.dual[start as usize] == 0 {
                continue;
            }
            if self.looks >= limit {
                return false;
            }
            let (length, end) = self.shortest(graph, near, far, start);
            near.dual[start as usize] -= length;
            for &(vertex, distance) in &self.settled {
                far.dual[vertex as usize] += length - distance;
                near.dual[far.mate[vertex as usize] as usize] -= length - distance;
            }
            self.flip(near, far, end);
            for &vertex in &self.reached {
                self.distance[vertex as usize] = FAR;
            }
            self.reached.clear();
            self.settled.clear();
            self.heap.clear();
        }
        true
    }

    /// Dijkstra on reduced costs from an unmatched near vertex to the nearest place where a path may end.
    fn shortest(&mut self, graph: &mut Side, near: &Half, far: &Half, start: u32) -> (i64, End) {
        let (mut best, mut end) = (near.dual[start as usize], End::Released(start));
        let (mut vertex, mut base) = (start, 0);
        loop {
            let ahead = base + near.dual[vertex as usize];
            for &arc in graph.best_first(vertex) {
                self.looks += 1;
                // Arcs come best first, so no later one leads anywhere nearer than `best`.
                if ahead - arc.profit() >= best {
                    break;
                }
                let to = arc.to();
                let distance = ahead - arc.profit() + far.dual[to as usize];
                let known = self.distance[to as usize];
                if distance >= best || distance >= known {
                    continue;
                }
                if known == FAR {
                    self.reached.push(to);
                }
                self.distance[to as usize] = distance;
                self.from[to as usize] = vertex;
                if far.mate[to as usize] == NONE {
                    (best, end) = (distance, End::Free(to));
                } else {
                    self.heap.push(Reverse(distance << VERTEX_BITS | i64::from(to)));
                }
            }
            let Some((distance, settled)) = self.settle(best) else {
                return (best, end);
            };
            (vertex, base) = (far.mate[settled as usize], distance);
            if base + near.dual[vertex as usize] < best {
                (best, end) = (base + near.dual[vertex as usize], End::Released(vertex));
            }
        }
    }

    /// The nearest far vertex not settled yet, if it is nearer than `best`.
    fn settle(&mut self, best: i64) -> Option<(i64, u32)> {
        while let Some(Reverse(entry)) = self.heap.pop() {
            let (distance, vertex) = (entry >> VERTEX_BITS, (entry & VERTEX_MASK) as u32);
            if distance >= best {
                return None;
            }
            // An entry that a shorter path has overtaken is passed over.
            if distance == self.distance[vertex as usize] {
                self.settled.push((vertex, distance));
                return Some((distance, vertex));
            }
        }
        None
    }

    /// Changes mates along the path found.
    fn flip(&self, near: &mut Half, far: &mut Half, end: End) {
        let mut open = match end {
            End::Free(vertex) => vertex,
            End::Released(vertex) => std::mem::replace(&mut near.mate[vertex as usize], NONE),
        };
        // Released at once: the start itself, which has no mate to pass on.
        while open != NONE {
            let vertex = self.from[open as usize];
            far.mate[open as usize] = vertex;
            open = std::mem::replace(&mut near.mate[vertex as usize], open);
        }
    }
}
