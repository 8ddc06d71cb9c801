//! Travel times under one weights version.

use std::sync::Arc;

use super::cch::{Hierarchy, Labels, Metric, Sweep};
use super::rows::Rows;
use super::toward::{NodeTimes, Origins, Toward};
use super::trip::{choose, end, follow, part, sides, start};
use super::{Path, TravelTimes};
use crate::network::{EdgeId, Network, NodeId, Position, WeightsVersion};

/// Travel times of a network under one weights version. Share it freely: all answers come from `&self`.
#[derive(Debug)]
pub struct Times {
    pub(super) network: Arc<Network>,
    pub(super) hierarchy: Arc<Hierarchy>,
    version: WeightsVersion,
    pub(super) streets: Box<[Street]>,
    pub(super) store: Store,
    fastest_mm_per_s: u64,
    /// How much farther than driven two positions may seem, for their places on the map are rounded.
    slack_mm: u64,
}

/// What a look-up needs to know of an edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Street {
    ms: u32,
    /// Travel time of the twin; 0 if there is none.
    twin_ms: u32,
    /// Rank of the start node.
    tail: u32,
    /// Rank of the end node.
    head: u32,
}

impl Street {
    /// The two nodes, by rank, to which a place on the street can be left, and the time in ms to each; one of them twice
    /// if the street is one-way.
    #[inline]
    pub fn ahead(self, along: u16) -> [(u32, u32); 2] {
        let own = (self.head, self.ms - part(self.ms, along));
        let turned = (self.tail, self.twin_ms - part(self.twin_ms, u16::MAX - along));
        [own, if self.is_one_way() { own } else { turned }]
    }

    /// The two nodes from which a place on the street can be reached, as in [`ahead`](Self::ahead).
    #[inline]
    pub fn behind(self, along: u16) -> [(u32, u32); 2] {
        let own = (self.tail, part(self.ms, along));
        let turned = (self.head, part(self.twin_ms, u16::MAX - along));
        [own, if self.is_one_way() { own } else { turned }]
    }

    /// Whether it has no twin.
    #[inline]
    pub fn is_one_way(self) -> bool {
        self.twin_ms == 0
    }

    /// Whether both join the same two nodes, in whatever direction.
    #[inline]
    pub fn joins_as(self, other: Self) -> bool {
        (self.tail, self.head) == (other.tail, other.head) || (self.head, self.tail) == (other.tail, other.head)
    }
}

/// Where times between nodes come from.
#[derive(Debug)]
pub(super) enum Store {
    /// Rows in units of so many ms.
    Short(Rows<u16>, u32),
    /// Rows in ms.
    Long(Rows<u32>),
    /// Too many nodes for rows: pair by pair.
    Pairs(Labels),
}

impl Times {
    /// Travel times under `version`, by rows if all of them together take at most `room_bytes`.
    pub(super) fn new(
        network: Arc<Network>,
        hierarchy: Arc<Hierarchy>,
        version: WeightsVersion,
        room_bytes: usize,
    ) -> Self {
        let times_ms = network.times_ms(version);
        let edges = || (0..network.edge_count() as u32).map(EdgeId);
        let rank = |node: NodeId| hierarchy.rank(node.0);
        let streets = edges().map(|edge| Street {
            ms: times_ms[edge.0 as usize],
            twin_ms: network.twin(edge).map_or(0, |twin| times_ms[twin.0 as usize]),
            tail: rank(start(&network, edge)),
            head: rank(end(&network, edge)),
        });
        let streets = streets.collect();
        // Rounded up, as the distance between two nodes is rounded down.
        let air_mm =
            |edge| network.node_point(start(&network, edge)).distance_mm(network.node_point(end(&network, edge))) + 1;
        let speed = |edge: EdgeId| (air_mm(edge) * 1000).div_ceil(u64::from(times_ms[edge.0 as usize]));
        let fastest_mm_per_s = edges().map(speed).max().unwrap_or(1);
        // At each end 2 mm for whole millimetres, and 1/65,536 of an edge between a place and the same on the twin.
        let slack_mm = 2 * (2 + edges().map(air_mm).max().unwrap_or(0).div_ceil(1 << 16));
        let store = Store::new(&hierarchy, times_ms, room_bytes);
        Self { network, hierarchy, version, streets, store, fastest_mm_per_s, slack_mm }
    }

    /// Which weights.
    pub fn version(&self) -> WeightsVersion {
        self.version
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Travel time of a whole edge in ms.
    #[inline]
    pub fn edge_ms(&self, edge: EdgeId) -> u32 {
        self.streets[edge.0 as usize].ms
    }

    /// No trip that takes at most `ms` joins two positions whose points are farther apart by air line, in mm: no edge is faster
    /// than the fastest.
    pub fn reach_mm(&self, ms: i64) -> u32 {
        // One more, for the last part of an edge takes whole milliseconds, rounded down.
        let driven_mm = ms.max(0).unsigned_abs().saturating_add(1).saturating_mul(self.fastest_mm_per_s).div_ceil(1000);
        u32::try_from(driven_mm.saturating_add(self.slack_mm)).unwrap_or(u32::MAX)
    }

    /// If times come from rows: whether those are short, and their unit in ms.
    pub(super) fn row_unit_ms(&self) -> Option<(bool, u32)> {
        match &self.store {
            Store::Short(_, unit) => Some((true, *unit)),
            Store::Long(_) => Some((false, 1)),
            Store::Pairs(_) => None,
        }
    }

    /// Bytes of the rows or labels kept.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.store {
            Store::Short(rows, _) => rows.held_bytes(),
            Store::Long(rows) => rows.held_bytes(),
            Store::Pairs(labels) => labels.held_bytes(),
        }
    }

    /// Prepares to answer from where `to` is how far: for many origins of one target.
    pub fn toward(&self, to: Position) -> Toward<'_> {
        Toward::new(self, to)
    }
}

impl TravelTimes for Times {
    fn time(&self, from: Position, to: Position) -> u32 {
        self.toward(to).from(from)
    }

    fn one_to_many(&self, from: Position, to: &[Position], out: &mut Vec<u32>) {
        self.many_to_many(&[from], to, out);
    }

    fn many_to_many(&self, from: &[Position], to: &[Position], out: &mut Vec<u32>) {
        // A column of answers is gathered before it is strewn over the rows: 16 make a whole cache line of each.
        const COLUMNS: usize = 16;
        let origins = Origins::new(self, from);
        let mut columns = vec![0; COLUMNS.min(to.len()) * from.len()];
        out.clear();
        out.resize(from.len() * to.len(), 0);
        for (first, targets) in (0..).step_by(COLUMNS).zip(to.chunks(COLUMNS)) {
            for (&target, column) in targets.iter().zip(columns.chunks_mut(from.len().max(1))) {
                self.toward(target).fill(&origins, column);
            }
            for (i, row) in out.chunks_mut(to.len()).enumerate() {
                for (j, out) in row[first..][..targets.len()].iter_mut().enumerate() {
                    *out = columns[j * from.len() + i];
                }
            }
        }
    }

    fn path(&self, from: Position, to: Position, path: &mut Path) {
        let times_ms = self.network.times_ms(self.version);
        let rank = |node: NodeId| self.hierarchy.rank(node.0);
        let mut targets = sides(&self.network, to).map(|side| start(&self.network, side.edge));
        let first = targets.next().expect("a position is on an edge");
        let times =
            [Some((first, NodeTimes::new(self, first))), targets.next().map(|node| (node, NodeTimes::new(self, node)))];
        let toward = |node: NodeId, target: NodeId| {
            let times = times.iter().flatten().find(|(node, _)| *node == target);
            times.expect("a side of the target starts there").1.from(rank(node))
        };
        let (ms, way) = choose(&self.network, times_ms, from, to, toward);
        let target = way.reaches(&self.network);
        follow(&self.network, times_ms, (ms, way), path, |node| toward(node, target));
    }
}

impl Store {
    fn new(hierarchy: &Hierarchy, times_ms: &[u32], room_bytes: usize) -> Self {
        let metric = Metric::new(hierarchy, times_ms);
        let n = hierarchy.node_count();
        let unit = times_ms.iter().fold(0, |unit, &ms| greatest_common_divisor(unit, ms));
        let longest = metric.longest_ms(hierarchy);
        if n * n * size_of::<u16>() <= room_bytes
            && longest < (u64::from(unit) * u64::from(u16::MAX)).min(u32::MAX.into())
        {
            // What does not fit is longer than any shortest way, so it may as well be far.
            let narrow = |costs: &[u32]| costs.iter().map(|&ms| u16::try_from(ms / unit).unwrap_or(u16::MAX)).collect();
            let sweep = Sweep::new(narrow(&metric.up), narrow(&metric.down));
            Self::Short(Rows::new(hierarchy, sweep), unit)
        } else if n * n * size_of::<u32>() <= room_bytes {
            Self::Long(Rows::new(hierarchy, Sweep::new(metric.up, metric.down)))
        } else {
            Self::Pairs(Labels::new(hierarchy, metric, room_bytes))
        }
    }
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
