//! From a folder to a network.

use std::path::Path;

use super::DAY_TYPES;
use super::rows::{Column, Rows};
use crate::coord::Coord;
use crate::import::{ImportError, ImportReport, clean};
use crate::network::{MAX_TIME_MS, Network, Parts};

/// What a travel time of 0 becomes, in ms.
const LEAST_TIME_MS: u32 = 500;

/// The longest edge in mm: 100 km, so that it takes at most [`MAX_TIME_MS`] at the slowest speed.
const MAX_LENGTH_MM: u32 = 100_000_000;

/// Reads the network in `folder` (see [the module](super) for its files), keeps the largest part in which all nodes reach
/// each other, and reports what else was there.
///
/// Where there are no travel times, they follow from the length at `speed_m_s`. Times of 0 become 0.5 s and are counted.
pub fn read(folder: &Path, speed_m_s: f64) -> Result<(Network, ImportReport), ImportError> {
    let mut streets = Streets::default();
    let nodes = streets.read_nodes(folder)?;
    let edges = streets.read_edges(folder, &nodes, speed_m_s)?;
    streets.read_profile(folder, &edges)?;
    let mut parts = streets.parts;
    // `.` and `..` have no name of their own.
    let named = if folder.file_name().is_some() { Some(folder.into()) } else { folder.canonicalize().ok() };
    let name = named.as_deref().and_then(Path::file_name).unwrap_or_default();
    parts.name = name.to_string_lossy().into_owned();
    let (network, report) =
        clean::network(parts).map_err(|source| ImportError::Network { folder: folder.into(), source })?;
    Ok((network, ImportReport { raised_times: streets.raised_times, ..report }))
}

/// Ids of the source, the index of each and the line where it stands, sorted by id.
struct Index(Vec<(u64, u32, u64)>);

impl Index {
    /// Of `(id, line)` pairs in the order of the file, where each id must occur once.
    fn new(ids: &[(u64, u64)], path: &Path, column: Column) -> Result<Self, ImportError> {
        let mut entries: Vec<_> = ids.iter().zip(0..).map(|(&(id, line), index)| (id, index, line)).collect();
        entries.sort_unstable();
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ImportError::Field {
                path: path.into(),
                line: pair[1].2,
                field: column.name(),
                value: pair[1].0.to_string(),
                remedy: format!("line {} has it too; give each its own", pair[0].2),
            });
        }
        Ok(Self(entries))
    }

    fn get(&self, id: u64) -> Option<u32> {
        let at = self.0.binary_search_by_key(&id, |entry| entry.0).ok()?;
        Some(self.0[at].1)
    }
}

/// What was read so far, edges in the order of the file.
#[derive(Default)]
struct Streets {
    parts: Parts,
    raised_times: usize,
}

impl Streets {
    fn read_nodes(&mut self, folder: &Path) -> Result<Index, ImportError> {
        const COLUMNS: &str = "node_id, lat, lon";
        let mut rows = Rows::open(folder.join("nodes.csv"))?;
        let [id, lat, lon] = ["node_id", "lat", "lon"].map(|name| rows.column(name, COLUMNS));
        let (id, lat, lon) = (id?, lat?, lon?);
        let mut ids = Vec::new();
        while rows.advance()? {
            ids.push((rows.id(id)?, rows.line()));
            let lat = rows.number(lat, 7, -850_000_000, 850_000_000)? as i32;
            let lon = rows.number(lon, 7, -1_800_000_000, 1_800_000_000)? as i32;
            self.parts.coords.push(Coord { lat, lon });
        }
        self.parts.node_source = ids.iter().map(|&(id, _)| id).collect();
        Index::new(&ids, rows.path(), id)
    }

    fn read_edges(&mut self, folder: &Path, nodes: &Index, speed_m_s: f64) -> Result<Index, ImportError> {
        const COLUMNS: &str = "edge_id, from_node, to_node, length_m";
        if !(0.1..=100.0).contains(&speed_m_s) {
            return Err(ImportError::Speed { given: speed_m_s });
        }
        let speed_mm_s = libm::round(speed_m_s * 1000.0) as u64;
        let mut rows = Rows::open(folder.join("edges.csv"))?;
        let [id, from, to, length] =
            ["edge_id", "from_node", "to_node", "length_m"].map(|name| rows.column(name, COLUMNS));
        let (id, from, to, length) = (id?, from?, to?, length?);
        let time = rows.optional("travel_time_s");
        let mut ids = Vec::new();
        while rows.advance()? {
            ids.push((rows.id(id)?, rows.line()));
            let node = |column| -> Result<u32, ImportError> {
                let node = nodes.get(rows.id(column)?);
                node.ok_or_else(|| rows.fault(column, "no node of nodes.csv has this id".into()))
            };
            self.parts.from.push(node(from)?);
            self.parts.to.push(node(to)?);
            let length_mm = rows.number(length, 3, 0, i64::from(MAX_LENGTH_MM))? as u32;
            self.parts.length_mm.push(length_mm);
            let time_ms = match time {
                Some(time) => self.time(&rows, time)?,
                None => self.raised(((u64::from(length_mm) * 1000 + speed_mm_s / 2) / speed_mm_s) as u32),
            };
            self.parts.times_ms.push(time_ms);
        }
        self.parts.edge_source = ids.iter().map(|&(id, _)| id).collect();
        Index::new(&ids, rows.path(), id)
    }

    /// Replaces the times by those of the profile, if the folder has one.
    fn read_profile(&mut self, folder: &Path, edges: &Index) -> Result<(), ImportError> {
        const COLUMNS: &str = "edge_id, day_type, hour, travel_time_s";
        let (plain, packed) = (folder.join("travel_times.csv"), folder.join("travel_times.csv.xz"));
        let path = match (plain.exists(), packed.exists()) {
            (true, true) => return Err(ImportError::Ambiguous { one: plain, other: packed }),
            (true, false) => plain,
            (false, true) => packed,
            (false, false) => return Ok(()),
        };
        let mut rows = Rows::open(path)?;
        let [id, day, hour, time] =
            ["edge_id", "day_type", "hour", "travel_time_s"].map(|name| rows.column(name, COLUMNS));
        let (id, day, hour, time) = (id?, day?, hour?, time?);
        let count = self.parts.edge_source.len();
        self.raised_times = 0;
        // 0 is a time not seen yet; those that were read are at least 1.
        let mut times_ms = vec![0; 72 * count];
        while rows.advance()? {
            let edge = edges.get(rows.id(id)?);
            let edge = edge.ok_or_else(|| rows.fault(id, "no edge of edges.csv has this id".into()))?;
            let day_type = DAY_TYPES.iter().position(|name| rows.text(day) == name.as_bytes());
            let day_type = day_type.ok_or_else(|| rows.fault(day, "write weekday, saturday or sunday".into()))?;
            let version = day_type * 24 + rows.number(hour, 0, 0, 23)? as usize;
            let slot = &mut times_ms[version * count + edge as usize];
            if *slot != 0 {
                return Err(rows.fault(id, "this edge already has a time for this day type and hour".into()));
            }
            *slot = self.time(&rows, time)?;
        }
        if let Some(hole) = times_ms.iter().position(|&time| time == 0) {
            let (version, edge) = (hole / count, self.parts.edge_source[hole % count]);
            let (day_type, hour) = (DAY_TYPES[version / 24], version % 24);
            return Err(ImportError::MissingTime { path: rows.path().into(), edge, day_type, hour });
        }
        self.parts.times_ms = times_ms;
        Ok(())
    }

    fn time(&mut self, rows: &Rows, column: Column) -> Result<u32, ImportError> {
        Ok(self.raised(rows.number(column, 3, 0, i64::from(MAX_TIME_MS))? as u32))
    }

    fn raised(&mut self, time_ms: u32) -> u32 {
        if time_ms > 0 {
            return time_ms;
        }
        self.raised_times += 1;
        LEAST_TIME_MS
    }
}
