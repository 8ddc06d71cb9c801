//! Hidden traffic: how long streets really take. The dispatcher does not know it and vehicles drive it.
//!
//! The time of an edge is the network's time of the hour × slowdown × the day's factor × the edge's factor × the factors
//! of the incidents on it, rounded to whole ms. Knows streets, hours and chance; refuses to know vehicles.
//!
//! A vehicle on an edge is at a *mark*: ms driven of the edge's present time. The mark advances by 1 a ms; where the
//! edge's time changes (at an hour's or an incident's boundary) the mark keeps its share of the edge, rounded down. So
//! who enters later never leaves earlier, and a traversal within one hour takes the dispatcher's own figures if nothing
//! is hidden: `w` ms for an edge of `w` ms, `(w × p) >> 16` up to a position `p`, `w - ((w × p) >> 16)` from there on.

use hansom_geo_index::{EdgeId, Millis, Network};

use crate::demand::place;
use crate::rng::{Purpose, Stream};
use crate::scenario::{HourSpan, Incident, Scenario};

/// The end of an edge as a distance along it; see [`hansom_geo_index::Position::along`].
pub const EDGE_END: u32 = 1 << 16;

/// How long streets really take, over the time of a run.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// When each version is in force, in order.
    spans: Vec<Span>,
    /// The span in force at the start of each quarter of an hour from the first span's start.
    slots: Vec<u16>,
    /// Time of every edge in ms: one block for each version that occurs.
    times_ms: Vec<u32>,
    edges: usize,
    /// For each edge the incidents on it, from 1; 0: none. Empty if there are no incidents at all.
    incidents_of: Vec<u32>,
    incidents: Vec<Vec<Slowed>>,
}

/// A span of time in which one version is in force.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    until: i64,
    /// Where its block starts.
    block: usize,
}

/// An incident on an edge.
#[derive(Debug, Clone, Copy)]
struct Slowed {
    from: i64,
    until: i64,
    factor: f64,
}

/// What an edge takes until when.
#[derive(Debug, Clone, Copy)]
struct Phase {
    time_ms: u64,
    until: i64,
}

const SLOT_MS: i64 = 900_000;

impl Traffic {
    /// The traffic of a scenario on its network, from the period's start until after the run must be over.
    pub fn new(scenario: &Scenario, network: &Network) -> Self {
        let traffic = &scenario.traffic;
        let day = if traffic.hidden {
            Stream::new(scenario.seed, Purpose::DayTraffic).draw(0, 0).log_normal(traffic.day_sigma)
        } else {
            1.0
        };
        let edge_stream = Stream::new(scenario.seed, Purpose::EdgeTraffic);
        let factors: Vec<f64> = (0..network.edge_count() as u64)
            .map(|edge| {
                let noise = if traffic.hidden { edge_stream.draw(edge, 0).log_normal(traffic.edge_sigma) } else { 1.0 };
                traffic.slowdown * day * noise
            })
            .collect();
        let mut hidden = Self::timetable(&scenario.hours(network.version_count() > 1), network, &factors);
        if traffic.hidden {
            hidden.add_incidents(&traffic.incidents, network);
        }
        hidden
    }

    /// The traffic of a scenario on its network, with these factors on the times of edges and nothing else hidden.
    pub fn with_factors(scenario: &Scenario, network: &Network, factors: &[f64]) -> Self {
        Self::timetable(&scenario.hours(network.version_count() > 1), network, factors)
    }

    fn timetable(hours: &[HourSpan], network: &Network, factors: &[f64]) -> Self {
        let edges = network.edge_count();
        let mut versions = Vec::new();
        let mut times_ms = Vec::new();
        let mut spans = Vec::new();
        for (n, hour) in hours.iter().enumerate() {
            let block = versions.iter().position(|&version| version == hour.version).unwrap_or_else(|| {
                versions.push(hour.version);
                times_ms.extend(network.times_ms(hour.version).iter().zip(factors).map(|(&t, &f)| scaled(t, f)));
                versions.len() - 1
            });
            let until = hours.get(n + 1).map_or(i64::MAX, |next| next.from.0);
            spans.push(Span { from: hour.from.0, until, block: block * edges });
        }
        let (first, last) = (spans[0].from, spans[spans.len() - 1].from);
        let slots = (0..=(last - first) / SLOT_MS)
            .map(|slot| spans.partition_point(|span| span.from <= first + slot * SLOT_MS) as u16 - 1)
            .collect();
        Self { spans, slots, times_ms, edges, incidents_of: Vec::new(), incidents: Vec::new() }
    }

    fn add_incidents(&mut self, incidents: &[Incident], network: &Network) {
        if incidents.is_empty() {
            return;
        }
        self.incidents_of = vec![0; self.edges];
        for incident in incidents {
            let until = (incident.at + incident.duration).0;
            let slowed = Slowed { from: incident.at.0, until, factor: incident.factor };
            let edges = (0..self.edges as u32).map(EdgeId);
            for edge in edges.filter(|&edge| place::reaches(network, edge, incident.center, incident.radius)) {
                let of = &mut self.incidents_of[edge.0 as usize];
                if *of == 0 {
                    self.incidents.push(Vec::new());
                    *of = self.incidents.len() as u32;
                }
                self.incidents[*of as usize - 1].push(slowed);
            }
        }
    }

    /// When a vehicle leaves a part of an edge that it enters at `enter`: from `from` to `to`, both in 1/65,536 of the
    /// edge, `from` not beyond `to` and `to` at most [`EDGE_END`].
    #[inline]
    pub fn leave(&self, edge: EdgeId, from: u32, to: u32, enter: Millis) -> Millis {
        let span = self.span(enter.0);
        let time = u64::from(self.times_ms[span.block + edge.0 as usize]);
        let leave = enter.0 + (mark(time, to) - mark(time, from)) as i64;
        if leave <= span.until && self.incidents_on(edge).is_empty() {
            return Millis(leave);
        }
        self.leave_through_changes(edge, from, to, enter.0)
    }

    /// Where a vehicle is at `at` that entered an edge at `from` at `enter`, in 1/65,536 of the edge: at most 65,535,
    /// the last place on the edge.
    pub fn along(&self, edge: EdgeId, from: u32, enter: Millis, at: Millis) -> u16 {
        let mut phase = self.phase(edge, enter.0);
        let (mut now, mut driven) = (enter.0, mark(phase.time_ms, from));
        while phase.until < at.0 {
            driven = (driven + (phase.until - now) as u64).min(phase.time_ms);
            now = phase.until;
            let next = self.phase(edge, now);
            driven = driven * next.time_ms / phase.time_ms;
            phase = next;
        }
        driven += (at.0 - now).max(0) as u64;
        ((driven << 16) / phase.time_ms).max(u64::from(from)).min(u64::from(EDGE_END - 1)) as u16
    }

    /// Time of an edge in ms if it stayed as at `at`.
    pub fn time_ms(&self, edge: EdgeId, at: Millis) -> u64 {
        self.phase(edge, at.0).time_ms
    }

    /// The least time of an edge in ms at any time of the run: nothing drives it faster.
    pub fn fastest_ms(&self, edge: EdgeId) -> u64 {
        // Times change only where a span starts, or an incident starts or ends.
        let spans = self.spans.iter().map(|span| span.from);
        let changes = self.incidents_on(edge).iter().flat_map(|s| [s.from, s.until]);
        spans.chain(changes).map(|at| self.phase(edge, at).time_ms).min().unwrap_or(1)
    }

    #[cold]
    fn leave_through_changes(&self, edge: EdgeId, from: u32, to: u32, enter: i64) -> Millis {
        let mut phase = self.phase(edge, enter);
        let (mut now, mut driven) = (enter, mark(phase.time_ms, from));
        loop {
            let leave = now + (mark(phase.time_ms, to) - driven) as i64;
            if leave <= phase.until {
                return Millis(leave);
            }
            driven += (phase.until - now) as u64;
            now = phase.until;
            let next = self.phase(edge, now);
            // Rounded down, a mark before the end stays before it.
            driven = driven * next.time_ms / phase.time_ms;
            phase = next;
        }
    }

    #[inline]
    fn span(&self, at: i64) -> &Span {
        let slot = ((at - self.spans[0].from).max(0) / SLOT_MS) as usize;
        let mut n = usize::from(self.slots[slot.min(self.slots.len() - 1)]);
        while at >= self.spans[n].until {
            n += 1;
        }
        &self.spans[n]
    }

    #[inline]
    fn incidents_on(&self, edge: EdgeId) -> &[Slowed] {
        match self.incidents_of.get(edge.0 as usize) {
            None | Some(0) => &[],
            Some(&of) => &self.incidents[of as usize - 1],
        }
    }

    fn phase(&self, edge: EdgeId, at: i64) -> Phase {
        let span = self.span(at);
        let time = self.times_ms[span.block + edge.0 as usize];
        let slowed = self.incidents_on(edge);
        let change = slowed.iter().flat_map(|s| [s.from, s.until]).filter(|&change| change > at).min();
        Phase {
            time_ms: u64::from(scaled(time, factor(slowed, at))),
            until: span.until.min(change.unwrap_or(i64::MAX)),
        }
    }
}

/// ms driven of an edge of `time` ms at `along`.
#[inline]
fn mark(time: u64, along: u32) -> u64 {
    (time * u64::from(along)) >> 16
}

/// The factor of the incidents that are on at `at`.
fn factor(slowed: &[Slowed], at: i64) -> f64 {
    slowed.iter().filter(|s| s.from <= at && at < s.until).map(|s| s.factor).product()
}

/// A time in ms times a factor, rounded; at least 1.
fn scaled(time: u32, factor: f64) -> u32 {
    // The cast saturates.
    (libm::round(f64::from(time) * factor) as u32).max(1)
}
