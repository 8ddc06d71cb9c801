//! Riders and drivers as clients, many at once, who send each order until it is answered, and never another in its place.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hansom_engine::{Key, Name};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Network, NodeId};
use hansom_market::ingest::order::{
    AcceptOffer, ArriveAtPickup, BoardRider, CancelRide, EndShift, EndTrip, RequestRide, StartShift,
};
use hansom_market::ingest::{Body, Fact, Location, Order, Position, Rating, RideRef, decode_event};
use serde_json::Value;

/// Riders at once, each with connections of its own.
const RIDERS: usize = 12;
/// Drivers' phones at once.
const PHONES: usize = 4;
/// Orders that wait are sent so many in a request, at most.
const MOST_LINES: usize = 16;
/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An order that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Acked {
    pub key: Key,
    pub offset: u64,
    /// A rule forbade it.
    pub refused: bool,
}

/// Numbers that look as if drawn: SplitMix64.
#[derive(Debug, Clone)]
pub struct Draws(pub u64);

impl Draws {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The clients of a market, whose server comes and goes.
pub struct Load {
    town: Arc<Town>,
    threads: Vec<JoinHandle<()>>,
}

/// What they share.
struct Town {
    network: Network,
    /// Where the server is, if there is one, and how often it came.
    server: Mutex<Option<SocketAddr>>,
    changed: Condvar,
    over: AtomicBool,
    acked: Mutex<Vec<Acked>>,
    more: Condvar,
    /// What drivers are to send next.
    duties: Mutex<VecDeque<Body>>,
    keys: AtomicU64,
    pings: AtomicU64,
    /// When the first answer came from this server.
    first: Mutex<Option<Instant>>,
}

impl Load {
    /// Clients who draw from `seed`, and wait for a server.
    pub fn start(seed: u64) -> Self {
        let town = Arc::new(Town {
            network: synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known"),
            server: Mutex::new(None),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
            acked: Mutex::default(),
            more: Condvar::new(),
            duties: Mutex::default(),
            keys: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            first: Mutex::default(),
        });
        let draws = |number: usize| Draws(seed.wrapping_mul(1000).wrapping_add(number as u64));
        let mut threads = Vec::new();
        for number in 0..RIDERS {
            let (town, draws) = (town.clone(), draws(number));
            threads.push(std::thread::spawn(move || town.ride(number, draws)));
        }
        for number in RIDERS..RIDERS + PHONES {
            let (town, draws) = (town.clone(), draws(number));
            threads.push(std::thread::spawn(move || town.drive(draws)));
        }
        let (pinger, listener) = (town.clone(), town.clone());
        let drawn = draws(RIDERS + PHONES);
        threads.push(std::thread::spawn(move || pinger.ping(drawn)));
        threads.push(std::thread::spawn(move || listener.listen()));
        Self { town, threads }
    }

    /// The server is there, or gone.
    pub fn serve(&self, server: Option<SocketAddr>) {
        *lock(&self.town.first) = None;
        *lock(&self.town.server) = server;
        self.town.changed.notify_all();
    }

    /// How many orders were answered.
    pub fn answered(&self) -> usize {
        lock(&self.town.acked).len()
    }

    /// Returns once so many orders were answered.
    pub fn wait_for(&self, count: usize) {
        let acked = lock(&self.town.acked);
        let few = |acked: &mut Vec<Acked>| acked.len() < count;
        let (acked, late) = self.town.more.wait_timeout_while(acked, 2 * PATIENCE, few).expect("nobody panicked");
        assert!(!late.timed_out(), "{} of {count} orders were answered in a minute", acked.len());
    }

    /// When the first answer of this server came.
    pub fn first_answer(&self) -> Option<Instant> {
        *lock(&self.town.first)
    }

    /// What was answered so far.
    pub fn acked(&self) -> Vec<Acked> {
        lock(&self.town.acked).clone()
    }

    /// Positions that were received.
    pub fn pings(&self) -> u64 {
        self.town.pings.load(Ordering::Relaxed)
    }

    /// Sends the clients home; what was answered.
    pub fn end(self) -> Vec<Acked> {
        self.town.over.store(true, Ordering::Relaxed);
        self.town.changed.notify_all();
        for thread in self.threads {
            thread.join().expect("a client does not panic");
        }
        lock(&self.town.acked).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panicked")
}

impl Town {
    /// Where the server is; waits for it. `None`: it is over.
    fn server(&self) -> Option<SocketAddr> {
        let mut server = lock(&self.server);
        loop {
            if self.over.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(address) = *server {
                return Some(address);
            }
            server = self.changed.wait_timeout(server, Duration::from_millis(100)).expect("nobody panicked").0;
        }
    }

    fn order(&self, body: Body) -> Order {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let key = Key(now << 80 | 7 << 76 | 0b10 << 62 | u128::from(number));
        Order { key, source: "/kill".into(), market: None, time: None, body }
    }

    fn place(&self, draws: &mut Draws) -> Coord {
        self.network.node_coord(NodeId(draws.below(self.network.node_count() as u64) as u32))
    }

    /// Sends orders again and again until each has its answer; whether they all have.
    fn settle(&self, mut orders: Vec<Order>) -> bool {
        while !orders.is_empty() {
            let Some(server) = self.server() else { return false };
            let mut body = Vec::new();
            for order in &orders {
                order.write(&mut body);
                body.push(b'\n');
            }
            let answers = post(server, "/v1/commands", &body);
            let mut wait = answers.len() < orders.len();
            let mut left = Vec::new();
            let mut answers = answers.iter();
            for order in orders {
                let Some(answer) = answers.next() else {
                    left.push(order);
                    continue;
                };
                let (error, key) = (&answer["error"], order.key);
                assert!(answer["key"] == key.to_string(), "an answer to another order: {answer}");
                match (answer["offset"].as_u64(), error["offset"].as_u64()) {
                    (Some(offset), _) => self.ack(Acked { key, offset, refused: false }),
                    (None, Some(offset)) => self.ack(Acked { key, offset, refused: true }),
                    (None, None) => {
                        assert!(error["retryable"] == true, "it is read, and yet not taken: {answer}");
                        wait = true;
                        left.push(order);
                    }
                }
            }
            orders = left;
            if wait {
                // Until there is another server, or a little later.
                let server = lock(&self.server);
                drop(self.changed.wait_timeout(server, Duration::from_millis(20)));
            }
        }
        true
    }

    fn ack(&self, acked: Acked) {
        lock(&self.first).get_or_insert_with(Instant::now);
        lock(&self.acked).push(acked);
        self.more.notify_all();
    }

    /// Brings drivers on shift and asks for rides; some are cancelled.
    fn ride(&self, number: usize, mut draws: Draws) {
        for round in 0u32.. {
            let mut orders = Vec::new();
            if round % 8 == 0 {
                orders.push(self.order(Body::StartShift(StartShift {
                    driver: driver(number, round),
                    place: self.place(&mut draws),
                    seats: 4,
                    class: 0,
                    autonomous: false,
                    until: None,
                    home: None,
                    rating: Rating(500),
                })));
                if round >= 64 {
                    let driver = driver(number, round - 64);
                    orders.push(self.order(Body::EndShift(EndShift { driver, session: 1 })));
                }
            }
            for _ in 0..=draws.below(3) {
                let request = self.order(Body::RequestRide(RequestRide {
                    rider: Name::from(&*format!("r{number}")),
                    pickup: self.place(&mut draws),
                    dropoff: self.place(&mut draws),
                    seats: 1,
                    class: 0,
                    tier: 0,
                    blocked: Vec::new(),
                }));
                let ride = RideRef::Request(request.key);
                orders.push(request);
                if draws.below(4) == 0 {
                    orders.push(self.order(Body::CancelRide(CancelRide { ride })));
                }
            }
            if !self.settle(orders) {
                return;
            }
        }
    }

    /// Sends what drivers have to say to what the market told them.
    fn drive(&self, mut draws: Draws) {
        while self.server().is_some() {
            let some = |duties: &mut VecDeque<Body>| duties.drain(..duties.len().min(MOST_LINES)).collect::<Vec<_>>();
            let mut duties = some(&mut lock(&self.duties));
            if duties.is_empty() {
                std::thread::park_timeout(Duration::from_millis(1 + draws.below(5)));
                continue;
            }
            let orders = duties.drain(..).map(|body| self.order(body)).collect();
            if !self.settle(orders) {
                return;
            }
        }
    }

    /// Sends positions of drivers who may be on shift.
    fn ping(&self, mut draws: Draws) {
        for seq in 1u32.. {
            let Some(server) = self.server() else { return };
            let mut body = Vec::new();
            for _ in 0..64 {
                let driver = driver(draws.below(RIDERS as u64) as usize, 8 * draws.below(64) as u32);
                let position = Position { driver, session: 1, seq, place: self.place(&mut draws) };
                let location = Location { id: seq.to_string().into(), market: None, measured: None, position };
                location.write("/kill", &mut body);
                body.push(b'\n');
            }
            let received = post(server, "/v1/locations", &body).len() as u64;
            self.pings.fetch_add(received, Ordering::Relaxed);
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Hears what the market tells drivers.
    fn listen(&self) {
        while let Some(server) = self.server() {
            let Ok(mut stream) = connect(server) else { continue };
            // Short, to learn of the end.
            let asked = stream.set_read_timeout(Some(Duration::from_millis(500)));
            if asked.and_then(|()| stream.write_all(b"GET /v1/events HTTP/1.0\r\n\r\n")).is_err() {
                continue;
            }
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data: ") else { continue };
                let told = decode_event(data.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {data}"));
                let duty = duty(told.fact, &self.network);
                lock(&self.duties).extend(duty);
            }
        }
    }
}

fn driver(of: usize, round: u32) -> Name {
    Name::from(&*format!("d{of}-{round}"))
}

/// What a driver does about a fact.
fn duty(fact: Fact, network: &Network) -> Option<Body> {
    let session = 1;
    Some(match fact {
        Fact::OfferMade(offer) => {
            let ride = RideRef::Number(offer.ride);
            Body::AcceptOffer(AcceptOffer { driver: offer.driver, ride, epoch: offer.epoch, session })
        }
        Fact::OfferAccepted(taken) => {
            let ride = RideRef::Number(taken.ride);
            Body::ArriveAtPickup(ArriveAtPickup { driver: taken.driver, ride, session })
        }
        Fact::DriverArrived(there) => {
            let ride = RideRef::Number(there.ride);
            Body::BoardRider(BoardRider { driver: there.driver, ride, session })
        }
        Fact::RiderBoarded(boarded) => {
            let ride = RideRef::Number(boarded.ride);
            let place = network.node_coord(NodeId(boarded.ride.0 % network.node_count() as u32));
            Body::EndTrip(EndTrip { driver: boarded.driver, ride, place, session })
        }
        _ => return None,
    })
}

fn connect(server: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends lines; the answer lines that came whole. Fewer: the server went away in between.
pub fn post(server: SocketAddr, path: &str, body: &[u8]) -> Vec<Value> {
    let Ok(mut stream) = connect(server) else { return Vec::new() };
    let head = format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
        return Vec::new();
    }
    let mut answer = Vec::new();
    // What came before it broke off counts.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let Some((head, lines)) = answer.split_once("\r\n\r\n") else { return Vec::new() };
    if head.split_whitespace().nth(1) != Some("200") {
        return Vec::new();
    }
    let whole = lines.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}
