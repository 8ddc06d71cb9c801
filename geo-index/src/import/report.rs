//! What an import did to what it was given.

use std::fmt;

/// What came of an import, for the person who ran it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Nodes of the network.
    pub nodes: usize,
    /// Edges of the network.
    pub edges: usize,
    /// Length of all its edges in mm.
    pub length_mm: u64,
    /// Weights versions: 1, or 72 with a profile.
    pub versions: usize,
    /// Nodes left out because they and the network do not reach each other both ways.
    pub dropped_nodes: usize,
    /// Edges left out with them.
    pub dropped_edges: usize,
    /// One of the dropped nodes by its id in the source, to look at.
    pub dropped_example: Option<u64>,
    /// Travel times of 0 that were raised to 0.5 s.
    pub raised_times: usize,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let km = self.length_mm / 1_000_000;
        write!(f, "{} nodes, {} edges, {km} km", self.nodes, self.edges)?;
        match self.versions {
            1 => write!(f, ", one set of travel times")?,
            _ => write!(f, ", travel times for 3 day types and 24 hours")?,
        }
        if let Some(example) = self.dropped_example {
            let (nodes, edges) = (counted(self.dropped_nodes, "node"), counted(self.dropped_edges, "edge"));
            write!(
                f,
                "\nleft out: {nodes} and {edges} outside of the largest part in which every node reaches every other"
            )?;
            write!(f, ", such as node {example}")?;
            if self.dropped_nodes > self.nodes / 9 {
                write!(f, "\nthat is more than a tenth of the nodes: is the network in one piece, one-ways included?")?;
            }
        }
        if self.raised_times > 0 {
            write!(f, "\nraised from 0 to 0.5 s: {}", counted(self.raised_times, "travel time"))?;
        }
        Ok(())
    }
}

/// A number of things, in words that fit it.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
