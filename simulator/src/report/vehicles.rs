//! `vehicles.csv`: a row per movement or stand of a vehicle, and what the rows add up to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use hansom_engine::RideId;
use hansom_geo_index::{Millis, Network, Position};

use super::field::{Stamps, coord, meters, whole};
use crate::scenario::{Period, Scenario};
use crate::supply::Driver;

/// What a vehicle does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Drives to a pickup.
    Empty,
    /// Drives with a rider.
    Loaded,
    /// Drives around.
    Cruise,
    /// Stands, idle or for a ride.
    Stand,
    /// Lets a rider in.
    Board,
    /// Lets a rider out.
    Alight,
}

impl Kind {
    /// As in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Loaded => "loaded",
            Self::Cruise => "cruise",
            Self::Stand => "stand",
            Self::Board => "board",
            Self::Alight => "alight",
        }
    }
}

/// One movement or stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stint {
    /// Number of the vehicle.
    pub vehicle: u32,
    /// For which ride; `None`: for none.
    pub ride: Option<RideId>,
    /// What.
    pub kind: Kind,
    /// From where …
    pub from: Position,
    /// … to where.
    pub to: Position,
    /// From when …
    pub start: Millis,
    /// … until when.
    pub end: Millis,
    /// How far.
    pub driven_mm: u64,
}

/// What the stints of a run add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Shift time inside the period.
    pub shift: Millis,
    /// Time of it for a ride: on the way to the pickup, waiting there, or with the rider.
    pub busy: Millis,
    /// Driven empty, for a ride or not.
    pub empty_mm: u64,
    /// Driven with a rider.
    pub loaded_mm: u64,
    /// Driven with riders, times their number.
    pub rider_mm: u64,
}

impl Totals {
    /// Adds a stint. `riders` is how many are on board if it is a loaded one.
    pub fn add(&mut self, period: Period, stint: &Stint, riders: u8) {
        let inside = stint.end.min(period.end) - stint.start.max(period.start);
        if inside > Millis::ZERO {
            self.shift += inside;
            if stint.ride.is_some() {
                self.busy += inside;
            }
        }
        match stint.kind {
            Kind::Loaded => {
                self.loaded_mm += stint.driven_mm;
                self.rider_mm += stint.driven_mm * u64::from(riders);
            }
            Kind::Empty | Kind::Cruise | Kind::Stand | Kind::Board | Kind::Alight => self.empty_mm += stint.driven_mm,
        }
    }
}

/// The columns of the file.
const HEADER: &str = "vehicle_id,driver_id,ride_id,kind,from_lat,from_lon,to_lat,to_lon,start_at,end_at,distance_m\n";

/// Stints that are handed over together.
const CHUNK: usize = 4096;

/// Chunks on their way to the writer, at most.
const CHUNKS: usize = 8;

/// Where stints go.
#[derive(Debug)]
pub enum Stints {
    /// Nowhere: the run leaves no files.
    Dropped,
    /// To the file, on the caller's thread.
    Here {
        /// What writes them.
        writer: StintWriter,
        /// Whether it has failed: then nothing more is written.
        written: io::Result<()>,
    },
    /// To the file, on a thread of its own.
    There {
        /// Those not handed over yet.
        chunk: Vec<Stint>,
        /// The way to the thread.
        sender: SyncSender<Vec<Stint>>,
        /// The thread.
        writer: JoinHandle<io::Result<()>>,
    },
}

impl Stints {
    /// A new file at `path`, written by a thread of its own if `apart`.
    pub fn create(
        path: &Path,
        scenario: &Scenario,
        network: Arc<Network>,
        drivers: &[Driver],
        apart: bool,
    ) -> io::Result<Self> {
        let mut writer = StintWriter::create(path, scenario, network, drivers)?;
        if !apart {
            return Ok(Self::Here { writer, written: Ok(()) });
        }
        let (sender, receiver) = mpsc::sync_channel::<Vec<Stint>>(CHUNKS);
        let body = move || {
            for chunk in receiver {
                chunk.iter().try_for_each(|stint| writer.write(stint))?;
            }
            writer.finish()
        };
        let writer = thread::Builder::new().name("vehicles.csv".into()).spawn(body)?;
        Ok(Self::There { chunk: Vec::with_capacity(CHUNK), sender, writer })
    }

    /// Takes a stint. Whether it could be written is what [`finish`](Self::finish) says.
    pub fn push(&mut self, stint: Stint) {
        match self {
            Self::Dropped => {}
            Self::Here { writer, written } => {
                if written.is_ok() {
                    *written = writer.write(&stint);
                }
            }
            Self::There { chunk, sender, .. } => {
                chunk.push(stint);
                if chunk.len() == CHUNK {
                    let full = std::mem::replace(chunk, Vec::with_capacity(CHUNK));
                    // A writer that is gone has failed: its error is what `finish` returns.
                    let _gone = sender.send(full);
                }
            }
        }
    }

    /// Waits until all is written.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Dropped => Ok(()),
            Self::Here { writer, written } => written.and_then(|()| writer.finish()),
            Self::There { chunk, sender, writer } => {
                let _gone = sender.send(chunk);
                drop(sender);
                writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer of vehicles.csv panicked")))
            }
        }
    }
}

/// Writes the file.
#[derive(Debug)]
pub struct StintWriter {
    file: BufWriter<File>,
    line: Vec<u8>,
    stamps: Stamps,
    network: Arc<Network>,
    /// `vehicle_id,driver_id,` of each vehicle.
    names: Vec<Box<[u8]>>,
}

impl StintWriter {
    fn create(path: &Path, scenario: &Scenario, network: Arc<Network>, drivers: &[Driver]) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        file.write_all(HEADER.as_bytes())?;
        let names = drivers.iter().map(|driver| format!("{},{},", driver.vehicle, driver.name).into_bytes().into());
        Ok(Self { file, line: Vec::new(), stamps: Stamps::new(scenario), network, names: names.collect() })
    }

    fn write(&mut self, stint: &Stint) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(&self.names[stint.vehicle as usize]);
        if let Some(ride) = stint.ride {
            whole(line, u64::from(ride.0));
        }
        line.push(b',');
        line.extend_from_slice(stint.kind.name().as_bytes());
        for place in [stint.from, stint.to] {
            line.push(b',');
            coord(line, self.network.coord(place));
        }
        for at in [stint.start, stint.end] {
            line.push(b',');
            self.stamps.write(line, at);
        }
        line.push(b',');
        meters(line, stint.driven_mm);
        line.push(b'\n');
        self.file.write_all(line)
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}
