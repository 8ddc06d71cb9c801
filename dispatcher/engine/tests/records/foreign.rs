//! Pings as another reader of the schema sees them: these types are what a protobuf generator makes of the messages that
//! hold pings, and what is not declared here is skipped by it.

use hansom_engine::DriverId;
use hansom_engine::domain::Session;
use hansom_engine::record::{Event, Fix, Ping, PingRefusal};
use hansom_geo_index::{Coord, EdgeId, Position};
use prost::Message;

#[derive(Message)]
struct TurnMessage {
    #[prost(message, optional, tag = "4")]
    command: Option<CommandMessage>,
    #[prost(message, repeated, tag = "5")]
    events: Vec<EventMessage>,
}

#[derive(Message)]
struct CommandMessage {
    #[prost(message, optional, tag = "1")]
    report_positions: Option<ReportPositions>,
}

#[derive(Message)]
struct ReportPositions {
    #[prost(sint64, repeated, tag = "1")]
    driver_step: Vec<i64>,
    #[prost(sint64, repeated, tag = "2")]
    seq_step: Vec<i64>,
    #[prost(sint64, repeated, tag = "3")]
    age_ms_step: Vec<i64>,
    #[prost(sint64, repeated, tag = "4")]
    north: Vec<i64>,
    #[prost(sint64, repeated, tag = "5")]
    east: Vec<i64>,
    #[prost(uint32, repeated, tag = "6")]
    session: Vec<u32>,
}

#[derive(Message)]
struct EventMessage {
    #[prost(message, optional, tag = "1")]
    ping_run: Option<PingRun>,
    #[prost(message, optional, tag = "21")]
    driver_moved: Option<DriverMoved>,
    #[prost(message, optional, tag = "22")]
    ping_refused: Option<PingRefused>,
}

#[derive(Message)]
struct PingRun {
    #[prost(uint32, repeated, tag = "1")]
    what: Vec<u32>,
    #[prost(uint32, repeated, tag = "2")]
    edge: Vec<u32>,
    #[prost(bytes = "vec", tag = "3")]
    along: Vec<u8>,
    #[prost(uint32, repeated, tag = "4")]
    age_ms: Vec<u32>,
}

#[derive(Message)]
struct DriverMoved {
    #[prost(uint32, tag = "1")]
    driver: u32,
    #[prost(uint32, tag = "2")]
    seq: u32,
    #[prost(uint32, tag = "3")]
    age_ms: u32,
    #[prost(bool, tag = "4")]
    clamped: bool,
    #[prost(message, required, tag = "5")]
    coord: CoordMessage,
    #[prost(message, required, tag = "6")]
    fix: FixMessage,
}

#[derive(Message)]
struct PingRefused {
    #[prost(uint32, tag = "1")]
    driver: u32,
    #[prost(uint32, tag = "2")]
    seq: u32,
    #[prost(uint32, tag = "3")]
    reason: u32,
}

#[derive(Message)]
struct CoordMessage {
    #[prost(sint64, tag = "1")]
    north: i64,
    #[prost(sint64, tag = "2")]
    east: i64,
}

#[derive(Message)]
struct FixMessage {
    #[prost(message, optional, tag = "2")]
    anchored: Option<Place>,
    #[prost(message, optional, tag = "3")]
    on_route: Option<OnRoute>,
    #[prost(message, optional, tag = "4")]
    off_route: Option<Place>,
}

#[derive(Message)]
struct Place {
    #[prost(uint64, tag = "1")]
    place: u64,
}

#[derive(Message)]
struct OnRoute {
    #[prost(uint32, tag = "1")]
    cursor: u32,
    #[prost(uint64, tag = "2")]
    place: u64,
}

/// What the reader saw.
pub struct Read {
    pub pings: Vec<Ping>,
    /// Events of pings, in order.
    pub answers: Vec<Event>,
}

/// Reads a turn, and puts the columns together as the comments of the schema say.
pub fn read(bytes: &[u8], origin: Coord) -> Result<Read, prost::DecodeError> {
    let turn = TurnMessage::decode(bytes)?;
    let columns = turn.command.and_then(|command| command.report_positions).unwrap_or_default();
    let (mut driver, mut seq, mut age_ms) = (0, 0, 0);
    let pings: Vec<Ping> = (0..columns.driver_step.len())
        .map(|index| {
            driver += columns.driver_step[index];
            seq += columns.seq_step[index];
            age_ms += columns.age_ms_step[index];
            Ping {
                driver: DriverId(driver as u32),
                session: Session(columns.session.get(index).map_or(1, |later| later.wrapping_add(1))),
                seq: seq as u32,
                age_ms: age_ms as i32,
                coord: from(origin, columns.north[index], columns.east[index]),
            }
        })
        .collect();
    let mut unanswered = pings.iter();
    let mut answers = Vec::new();
    for event in turn.events {
        if let Some(run) = event.ping_run {
            let mut edges = run.edge.iter();
            let mut alongs = run.along.chunks(2);
            let mut ages = run.age_ms.iter();
            let mut place = || Position {
                edge: EdgeId(*edges.next().expect("an edge")),
                along: alongs.next().map(|two| u16::from_le_bytes([two[0], two[1]])).expect("an along"),
            };
            for what in run.what {
                let &Ping { driver, seq, age_ms, coord, .. } = unanswered.next().expect("a ping");
                answers.push(match (what & 3, what >> 3) {
                    (0, reason @ 1..) => Event::PingRefused { driver, seq, reason: refusal(reason) },
                    (kind, cursor) => {
                        let clamped = what & 4 != 0;
                        let age_ms = if clamped { *ages.next().expect("an age") } else { age_ms as u32 };
                        let fix = match kind {
                            0 => Fix::Kept,
                            1 => Fix::Anchored(place()),
                            2 => Fix::OnRoute { cursor: cursor as u16, place: place() },
                            _ => Fix::OffRoute(place()),
                        };
                        Event::DriverMoved { driver, seq, age_ms, clamped, coord, fix }
                    }
                });
            }
        }
        if let Some(DriverMoved { driver, seq, age_ms, clamped, coord, fix }) = event.driver_moved {
            let place = |place: u64| Position { edge: EdgeId((place >> 16) as u32), along: place as u16 };
            let fix = match (fix.anchored, fix.on_route, fix.off_route) {
                (Some(at), None, None) => Fix::Anchored(place(at.place)),
                (None, Some(on), None) => Fix::OnRoute { cursor: on.cursor as u16, place: place(on.place) },
                (None, None, Some(at)) => Fix::OffRoute(place(at.place)),
                _ => Fix::Kept,
            };
            let coord = from(origin, coord.north, coord.east);
            answers.push(Event::DriverMoved { driver: DriverId(driver), seq, age_ms, clamped, coord, fix });
        }
        if let Some(PingRefused { driver, seq, reason }) = event.ping_refused {
            answers.push(Event::PingRefused { driver: DriverId(driver), seq, reason: refusal(reason) });
        }
    }
    Ok(Read { pings, answers })
}

fn refusal(number: u32) -> PingRefusal {
    match number {
        1 => PingRefusal::UnknownDriver,
        2 => PingRefusal::OffShift,
        3 => PingRefusal::OutOfOrder,
        4 => PingRefusal::Teleport,
        5 => PingRefusal::OffStreet,
        6 => PingRefusal::Superseded,
        7 => PingRefusal::NotOpened,
        other => panic!("no such refusal: {other}"),
    }
}

fn from(origin: Coord, north: i64, east: i64) -> Coord {
    Coord { lat: (i64::from(origin.lat) + north) as i32, lon: (i64::from(origin.lon) + east) as i32 }
}
