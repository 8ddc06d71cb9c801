//! A large city at work: 100,000 drivers, 20,000 rides under way, and clients who go on with them while the server comes and
//! goes.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{self, Desk, Server, order, position, settle};
use crate::shell::{Failure, Result};

pub const DRIVERS: u64 = 100_000;
pub const RIDES: u64 = 20_000;
pub const PINGS_A_SECOND: u64 = 25_000;
/// So many rides begin and end each second.
const RIDES_A_SECOND: u64 = 20;
/// Positions in a request.
const PINGS: u64 = 2_500;
/// So long a driver thinks about an offer.
const THINKS: Duration = Duration::from_secs(4);
/// Riders who want a vehicle that nobody has, and wait in line.
const IN_LINE: u64 = 5;
/// A position that is left, about 65 m away: a vehicle that moves all the time.
const STEP: f64 = 0.000_6;

/// The city. Its clients end with it.
pub struct LargeCity {
    shared: Arc<Shared>,
    server: Option<Server>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    desk: Desk,
    /// Where the server is, while there is one.
    address: Mutex<Option<SocketAddr>>,
    over: AtomicBool,
    /// Positions and new riders come.
    works: AtomicBool,
    /// What drivers send, and when.
    duties: Mutex<Vec<(Instant, String)>>,
    /// Rides on board: driver, ride, destination.
    aboard: Mutex<VecDeque<(u64, u64, String)>>,
    /// Where each driver is, who is not where he started.
    away: Mutex<BTreeMap<u64, String>>,
    /// What the market told, by type.
    told: Mutex<BTreeMap<String, u64>>,
    /// Positions so far.
    sent: AtomicU64,
    riders: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LargeCity {
    /// Serves a new city with nobody waiting for an answer, and lets its clients work.
    pub fn build(target: &Path, hansom: &str, name: &str) -> Result<Self> {
        let desk = Desk::new(client::folder(target, name), hansom, r#"{ kind = "nearest" }"#)?;
        let server = desk.serve()?;
        let shared = Arc::new(Shared {
            desk,
            address: Mutex::new(Some(server.address)),
            over: AtomicBool::new(false),
            works: AtomicBool::new(false),
            duties: Mutex::default(),
            aboard: Mutex::default(),
            away: Mutex::default(),
            told: Mutex::default(),
            sent: AtomicU64::new(0),
            riders: AtomicU64::new(0),
        });
        let mut threads = Vec::new();
        for work in [Shared::listen, Shared::drive, Shared::report, Shared::ride] {
            let shared = shared.clone();
            threads.push(std::thread::spawn(move || work(&shared)));
        }
        let city = Self { shared, server: Some(server), threads };
        city.fill()?;
        city.shared.works.store(true, Ordering::Relaxed);
        Ok(city)
    }

    /// Brings drivers on shift and rides under way: few at a time, as each request looks at all who are free.
    fn fill(&self) -> Result<()> {
        const FEW: u64 = 250;
        let (shared, began) = (&self.shared, Instant::now());
        let address = self.server.as_ref().map(|server| server.address).ok_or_else(gone)?;
        let shift = |driver| {
            let place = shared.desk.place(driver);
            order("start_shift", &format!(r#""driver":"d{driver}","place":{{{place}}}"#))
        };
        for first in (0..RIDES).step_by(FEW as usize) {
            settle(address, (first..first + FEW).map(shift).collect())?;
            settle(address, (0..FEW).map(|_| shared.request(0)).collect())?;
            while (lock(&shared.aboard).len() as u64) < first + FEW / 2 {
                if began.elapsed() > Duration::from_secs(300) {
                    return Err(Failure("rides do not get under way".to_owned()));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        settle(address, (RIDES..DRIVERS).map(shift).collect())?;
        settle(address, (0..IN_LINE).map(|_| shared.request(9)).collect())?;
        let open = client::metric(address, "open_requests")?;
        eprintln!("{DRIVERS} drivers on shift, {open} rides open after {:.0} s", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// The folder with the market's snapshots.
    pub fn snapshots(&self) -> std::path::PathBuf {
        self.shared.desk.folder.join("data/town/snapshots")
    }

    /// Kills the server. The clients wait.
    pub fn kill(&mut self) -> Result<()> {
        *lock(&self.shared.address) = None;
        self.server.take().ok_or_else(gone)?.kill()
    }

    /// Starts it again: how long from the start of the process to the first order that was acknowledged.
    pub fn start(&mut self) -> Result<Duration> {
        let began = Instant::now();
        let server = self.shared.desk.serve()?;
        let first = self.shared.request(0);
        while !client::post(server.address, "/v1/commands", &first)
            .is_ok_and(|answers| answers.concat().contains("\"offset\":"))
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        let took = began.elapsed();
        *lock(&self.shared.address) = Some(server.address);
        self.server = Some(server);
        Ok(took)
    }

    /// A figure of the server.
    pub fn metric(&self, name: &str) -> Result<f64> {
        client::metric(self.server.as_ref().ok_or_else(gone)?.address, name)
    }

    /// Positions that were sent so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// What the market told so far: how often each type of fact.
    pub fn told(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.told).clone()
    }

    /// What the server said of itself.
    pub fn said(&self) -> Result<String> {
        self.shared.desk.said()
    }
}

fn gone() -> Failure {
    Failure("the server is gone".to_owned())
}

impl Drop for LargeCity {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        *lock(&self.shared.address) = None;
        if let Some(server) = self.server.take() {
            // It ends with its clients in any case.
            let _ = server.kill();
        }
        for thread in self.threads.drain(..) {
            // A client that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// The server, once there is one. `None`: it is over.
    fn server(&self) -> Option<SocketAddr> {
        while !self.is_over() {
            if let Some(address) = *lock(&self.address) {
                return Some(address);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// The order of the next rider, for a vehicle of a class.
    fn request(&self, class: u64) -> String {
        let rider = self.riders.fetch_add(1, Ordering::Relaxed);
        let (from, to) = (self.desk.place(3 * rider + 1), self.desk.place(7 * rider + 2));
        order("request_ride", &format!(r#""rider":"r{rider}","pickup":{{{from}}},"dropoff":{{{to}}},"class":{class}"#))
    }

    /// Hears what the market tells, and puts down what drivers do about it.
    fn listen(&self) {
        let mut from = 0;
        while let Some(server) = self.server() {
            let Ok(mut stream) = TcpStream::connect(server) else { continue };
            let asked = stream
                .set_read_timeout(Some(Duration::from_millis(500)))
                .and_then(|()| write!(stream, "GET /v1/events?from={from} HTTP/1.0\r\n\r\n"));
            if asked.is_err() {
                continue;
            }
            let mut last = from;
            for line in BufReader::new(stream).lines().map_while(std::io::Result::ok) {
                if let Some(offset) = line.strip_prefix("id: ").and_then(|id| id.parse::<u64>().ok()) {
                    // All of the turns before have come.
                    from = if offset > last { offset } else { from };
                    last = offset;
                } else if let Some(data) = line.strip_prefix("data: ")
                    && let Ok(fact) = serde_json::from_str::<Value>(data)
                {
                    self.hear(&fact);
                }
            }
        }
    }

    fn hear(&self, fact: &Value) {
        let Some(kind) = fact["type"].as_str() else { return };
        *lock(&self.told).entry(kind.to_owned()).or_default() += 1;
        let data = &fact["data"];
        let driver = data["driver"].as_str().unwrap_or_default();
        let number = driver.trim_start_matches('d').parse().unwrap_or_default();
        let ride = &data["ride"];
        let who = format!(r#""driver":"{driver}","ride":{ride}"#);
        let now = Instant::now();
        let corner = |place: &Value| format!(r#""lat":{},"lon":{}"#, place["lat"], place["lon"]);
        let duty = match kind {
            "hansom.event.offer_made.v1" => {
                let thinks = if self.works.load(Ordering::Relaxed) { THINKS } else { Duration::ZERO };
                lock(&self.away).insert(number, corner(&data["pickup"]));
                (now + thinks, order("accept_offer", &format!(r#"{who},"epoch":{}"#, data["epoch"])))
            }
            "hansom.event.offer_accepted.v1" => (now, order("arrive_at_pickup", &who)),
            "hansom.event.driver_arrived.v1" => (now, order("board_rider", &who)),
            "hansom.event.rider_boarded.v1" => {
                let place = lock(&self.away).get(&number).cloned().unwrap_or_default();
                lock(&self.aboard).push_back((number, ride.as_u64().unwrap_or_default(), place));
                return;
            }
            _ => return,
        };
        lock(&self.duties).push(duty);
    }

    /// Sends what drivers do.
    fn drive(&self) {
        while let Some(server) = self.server() {
            let now = Instant::now();
            let due: Vec<(Instant, String)> = {
                let mut duties = lock(&self.duties);
                let (due, later) = std::mem::take(&mut *duties).into_iter().partition(|(at, _)| *at <= now);
                *duties = later;
                due
            };
            if due.is_empty() {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            let lines: String = due.iter().map(|(_, line)| line.as_str()).collect();
            let answers = client::post(server, "/v1/commands", &lines).unwrap_or_default();
            let mut again = Vec::new();
            for (index, duty) in due.into_iter().enumerate() {
                if answers.get(index).is_none_or(|answer| !answer.contains("\"offset\":")) {
                    again.push(duty);
                }
            }
            lock(&self.duties).extend(again);
        }
    }

    /// Sends positions, at their rate, in an order in which nobody comes twice before all have been there.
    fn report(&self) {
        let (mut began, mut of_these) = (Instant::now(), 0);
        while let Some(server) = self.server() {
            if !self.works.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            let due = Duration::from_micros(of_these * 1_000_000 / PINGS_A_SECOND);
            // After an outage nobody sends what he did not send.
            if of_these == 0 || began.elapsed() > due + Duration::from_secs(1) {
                (began, of_these) = (Instant::now(), 0);
            } else {
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
            let sent = self.sent.load(Ordering::Relaxed);
            let body: String = {
                let away = lock(&self.away);
                (sent..sent + PINGS).map(|number| self.position(&away, number)).collect()
            };
            if client::post(server, "/v1/locations", &body).is_ok() {
                self.sent.fetch_add(PINGS, Ordering::Relaxed);
                of_these += PINGS;
            }
        }
    }

    fn position(&self, away: &BTreeMap<u64, String>, number: u64) -> String {
        let (driver, round) = (number % DRIVERS, number / DRIVERS);
        let seq = 1 + round;
        if let Some(place) = away.get(&driver) {
            return position(driver, seq, place);
        }
        let place = self.desk.place(driver);
        let moved = place.strip_prefix("\"lat\":").and_then(|rest| rest.split_once(','));
        match moved.and_then(|(lat, rest)| Some((lat.parse::<f64>().ok()?, rest))) {
            Some((lat, rest)) if round % 2 == 1 => position(driver, seq, &format!("\"lat\":{:.7},{rest}", lat + STEP)),
            _ => position(driver, seq, place),
        }
    }

    /// Has rides begin and end.
    fn ride(&self) {
        while let Some(server) = self.server() {
            std::thread::sleep(Duration::from_millis(1000 / RIDES_A_SECOND));
            if !self.works.load(Ordering::Relaxed) {
                continue;
            }
            let mut lines = self.request(0);
            let over = lock(&self.aboard).pop_front();
            if let Some((driver, ride, place)) = over {
                let data = format!(r#""driver":"d{driver}","ride":{ride},"place":{{{place}}}"#);
                lines += &order("end_trip", &data);
            }
            // A rider whom the server did not hear gives up.
            let _ = client::post(server, "/v1/commands", &lines);
        }
    }
}
