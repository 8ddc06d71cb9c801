//! Travel times under one weights version.

use std::sync::Arc;

use super::cch::{Hierarchy, Label, Lazy, Metric, Sweep, meet};
use super::rows::Rows;
use super::trip::{choose, end, follow, part, start, staying};
use super::{Path, TravelTimes};
use crate::network::{EdgeId, Network, NodeId, Position, WeightsVersion};

/// Travel times of a network under one weights version. Share it freely: all answers come from `&self`.
#[derive(Debug)]
pub struct Times {
    network: Arc<Network>,
    hierarchy: Arc<Hierarchy>,
    version: WeightsVersion,
    streets: Box<[Street]>,
    store: Store,
    fastest_mm_per_s: u64,
}

/// What a look-up needs to know of an edge.
#[derive(Debug, Clone, Copy)]
struct Street {
    ms: u32,
    /// Travel time of the twin; 0 if there is none.
    twin_ms: u32,
    /// Rank of the start node.
    tail: u32,
    /// Rank of the end node.
    head: u32,
}

/// Where times between nodes come from.
#[derive(Debug)]
enum Store {
    /// Rows in units of so many ms.
    Short(Rows<u16>, u32),
    /// Rows in ms.
    Long(Rows<u32>),
    /// Too many nodes for rows: from the hierarchy, pair by pair.
    Pairs(Metric),
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
        let rank = |node: NodeId| hierarchy.rank[node.0 as usize];
        let streets = edges().map(|edge| Street {
            ms: times_ms[edge.0 as usize],
            twin_ms: network.twin(edge).map_or(0, |twin| times_ms[twin.0 as usize]),
            tail: rank(start(&network, edge)),
            head: rank(end(&network, edge)),
        });
        let streets = streets.collect();
        let speed = |edge: EdgeId| {
            let air_mm =
                network.node_point(start(&network, edge)).distance_mm(network.node_point(end(&network, edge))) + 1;
            (air_mm * 1000).div_ceil(u64::from(times_ms[edge.0 as usize]))
        };
        let fastest_mm_per_s = edges().map(speed).max().unwrap_or(1);
        let store = Store::new(&hierarchy, times_ms, room_bytes);
        Self { network, hierarchy, version, streets, store, fastest_mm_per_s }
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

    /// No edge covers more air line in a second, in mm.
    pub fn fastest_mm_per_s(&self) -> u64 {
        self.fastest_mm_per_s
    }

    /// Bytes of the rows kept.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.store {
            Store::Short(rows, _) => rows.held_bytes(),
            Store::Long(rows) => rows.held_bytes(),
            Store::Pairs(_) => 0,
        }
    }

    /// Prepares to answer from where `to` is how far: for many origins of one target.
    pub fn toward(&self, to: Position) -> Toward<'_> {
        let street = self.streets[to.edge.0 as usize];
        let own = (street.tail, part(street.ms, to.along));
        let turned = (street.head, part(street.twin_ms, u16::MAX - to.along));
        let ends = [own, if street.twin_ms == 0 { own } else { turned }];
        let hierarchy = &self.hierarchy;
        let lines = match &self.store {
            Store::Short(rows, unit) => Lines::Short(ends.map(|(rank, _)| rows.toward(hierarchy, rank)), *unit),
            Store::Long(rows) => Lines::Long(ends.map(|(rank, _)| rows.toward(hierarchy, rank))),
            Store::Pairs(metric) => Lines::Label(metric, Label::new(hierarchy, &metric.down, ends)),
        };
        Toward { times: self, to, street, rest_ms: ends.map(|(_, ms)| ms), lines }
    }

    /// Time in ms from any node to the node `target`, to be asked along a path.
    fn node_times(&self, target: NodeId) -> NodeTimes<'_> {
        let rank = self.hierarchy.rank[target.0 as usize];
        match &self.store {
            Store::Short(rows, unit) => NodeTimes::Short(rows.toward(&self.hierarchy, rank), *unit),
            Store::Long(rows) => NodeTimes::Long(rows.toward(&self.hierarchy, rank)),
            Store::Pairs(metric) => {
                let label = Label::new(&self.hierarchy, &metric.down, [(rank, 0); 2]);
                NodeTimes::Lazy(Lazy::new(&self.hierarchy, &metric.up, label))
            }
        }
    }
}

impl TravelTimes for Times {
    fn time(&self, from: Position, to: Position) -> u32 {
        self.toward(to).from(from)
    }

    fn many_to_many(&self, from: &[Position], to: &[Position], out: &mut Vec<u32>) {
        out.clear();
        out.resize(from.len() * to.len(), 0);
        for (j, &target) in to.iter().enumerate() {
            let toward = self.toward(target);
            for (i, &origin) in from.iter().enumerate() {
                out[i * to.len() + j] = toward.from(origin);
            }
        }
    }

    fn path(&self, from: Position, to: Position, path: &mut Path) {
        let times_ms = self.network.times_ms(self.version);
        let rank = |node: NodeId| self.hierarchy.rank[node.0 as usize];
        let mut targets = super::trip::sides(&self.network, to).map(|side| start(&self.network, side.edge));
        let first = targets.next().expect("a position is on an edge");
        let mut times =
            [Some((first, self.node_times(first))), targets.next().map(|node| (node, self.node_times(node)))];
        let mut toward = |node: NodeId, target: NodeId| {
            let times = times.iter_mut().flatten().find(|(node, _)| *node == target);
            times.expect("a side of the target starts there").1.from(rank(node))
        };
        let (ms, way) = choose(&self.network, times_ms, from, to, &mut toward);
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
            let sweep = Sweep { up: narrow(&metric.up), down: narrow(&metric.down) };
            Self::Short(Rows::new(hierarchy, sweep), unit)
        } else if n * n * size_of::<u32>() <= room_bytes {
            Self::Long(Rows::new(hierarchy, Sweep { up: metric.up, down: metric.down }))
        } else {
            Self::Pairs(metric)
        }
    }
}

/// A target, prepared: how far is it from here, and here, and here?
#[derive(Debug)]
pub struct Toward<'a> {
    times: &'a Times,
    to: Position,
    street: Street,
    /// Time from the two ends of the target's street to the target; the same twice on a one-way street.
    rest_ms: [u32; 2],
    lines: Lines<'a>,
}

/// Times to the two ends of a street.
#[derive(Debug)]
enum Lines<'a> {
    Short([&'a [u16]; 2], u32),
    Long([&'a [u32]; 2]),
    Label(&'a Metric, Label),
}

impl Toward<'_> {
    /// Travel time in ms from `from` to the target.
    #[inline]
    pub fn from(&self, from: Position) -> u32 {
        let street = self.times.streets[from.edge.0 as usize];
        let own = (street.head, street.ms - part(street.ms, from.along));
        let turned = (street.tail, street.twin_ms - part(street.twin_ms, u16::MAX - from.along));
        let starts = [own, if street.twin_ms == 0 { own } else { turned }];
        let over = match &self.lines {
            Lines::Short(rows, unit) => self.least(starts, |end, rank| u32::from(rows[end][rank as usize]) * unit),
            Lines::Long(rows) => self.least(starts, |end, rank| rows[end][rank as usize]),
            Lines::Label(metric, label) => {
                let hierarchy = &self.times.hierarchy;
                meet(hierarchy, &Label::new(hierarchy, &metric.up, starts), label)
            }
        };
        let (mine, its) = ((street.tail, street.head), (self.street.tail, self.street.head));
        if mine == its || (mine.1, mine.0) == its { over.min(self.staying_ms(from)) } else { over }
    }

    #[inline]
    fn least(&self, starts: [(u32, u32); 2], between: impl Fn(usize, u32) -> u32) -> u32 {
        let one = |(rank, ms): (u32, u32), end: usize| {
            ms.saturating_add(between(end, rank)).saturating_add(self.rest_ms[end])
        };
        let [own, turned] = starts;
        one(own, 0).min(one(own, 1)).min(one(turned, 0)).min(one(turned, 1))
    }

    #[cold]
    fn staying_ms(&self, from: Position) -> u32 {
        let network = &self.times.network;
        staying(network, network.times_ms(self.times.version), from, self.to).map_or(u32::MAX, |(ms, _)| ms)
    }
}

/// Times from any node to one.
enum NodeTimes<'a> {
    Short(&'a [u16], u32),
    Long(&'a [u32]),
    Lazy(Lazy<'a>),
}

impl NodeTimes<'_> {
    fn from(&mut self, rank: u32) -> u32 {
        match self {
            Self::Short(row, unit) => u32::from(row[rank as usize]) * *unit,
            Self::Long(row) => row[rank as usize],
            Self::Lazy(lazy) => lazy.time(rank),
        }
    }
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
