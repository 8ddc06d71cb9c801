//! A market that gets more positions than it can take: what becomes of commands, one for a hundred positions, when twice as many
//! positions come as it takes without shedding any.
//!
//! 8,000 idle drivers on a procedural city, all of it in one process: positions and commands are handed to the market as the
//! HTTP edge would, its log is durable, its follower follows.

use actix_rt::System;
use hansom_dispatcher::{Dispatcher, MarketHandle, NotTaken, Pending, Spec, WallClock};
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{Header, StartShift};
use hansom_engine::{Command, Key, Name};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Millis, Network, NodeId};
use hansom_market::Streets;
use hansom_market::ingest::{Body, Location, Order, Position, Rating, order};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const DRIVERS: u32 = 8_000;
const PINGS_PER_COMMAND: u64 = 100;
/// Positions a second to try, until some are shed.
const RATES: [u64; 8] = [50_000, 100_000, 200_000, 300_000, 400_000, 600_000, 800_000, 1_000_000];
/// Positions are sent in slices of this long.
const SLICE: Duration = Duration::from_millis(5);

fn main() {
    let place = std::env::var_os("HANSOM_DISK").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let data = tempfile::tempdir_in(place).expect("a folder");
    let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("river-town is a city"));
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let market = dispatcher.open(spec(data.path(), &network)).expect("a name of its own");
        assert!(market.ready().await.is_serving());
        let mut load = Load { market, network, pings: 0, keys: 0 };
        load.start_shifts().await;
        let mut clean = RATES[0];
        for rate in RATES {
            let done = run(&dispatcher, &mut load, rate, Duration::from_secs(3)).await;
            println!("{done}");
            if done.shed > 0 {
                break;
            }
            clean = rate;
        }
        let done = run(&dispatcher, &mut load, 2 * clean, Duration::from_secs(10)).await;
        println!("twice {clean} positions a second: {done}");
        dispatcher.close_all().await.expect("its log is closed");
    });
}

fn spec(data: &Path, network: &Arc<Network>) -> Spec {
    let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
    let header = Header::new("town", network, Settings { policy, ..Settings::default() }, Millis(0));
    Spec::new(header, Streets::new(network.clone()), data)
}

/// What is sent.
struct Load {
    market: MarketHandle,
    network: Arc<Network>,
    pings: u64,
    keys: u64,
}

/// What became of it.
struct Done {
    rate: u64,
    pings: u64,
    shed: u64,
    commands: u64,
    turned_away: u64,
    /// From sending to the durable answer, of those answered, ascending, µs.
    waits_us: Vec<u64>,
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, pings, shed, commands, turned_away, waits_us } = self;
        let of = |per_mille: usize| waits_us.get(waits_us.len() * per_mille / 1000).copied().unwrap_or(0);
        let taken = 100.0 * (commands - turned_away) as f64 / *commands as f64;
        write!(
            f,
            "{rate} a second: {pings} positions, {:.1} % shed; {commands} commands, {taken:.2} % taken, durable after p50 {} µs, p99 {} µs",
            100.0 * *shed as f64 / *pings as f64,
            of(500),
            of(990)
        )
    }
}

impl Load {
    fn place(&self, driver: u64, step: u64) -> Coord {
        self.network.node_coord(NodeId(((driver * 7 + step % 3) % self.network.node_count() as u64) as u32))
    }

    fn key(&mut self) -> Key {
        self.keys += 1;
        let now = WallClock::Machine.now().0 as u128;
        Key(now << 80 | 7 << 76 | 0b10 << 62 | u128::from(self.keys))
    }

    async fn start_shifts(&mut self) {
        for driver in 0..DRIVERS {
            let order = StartShift {
                driver: name(u64::from(driver)),
                place: self.place(u64::from(driver), 0),
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 480,
            };
            let key = self.key();
            let pending = self.market.submit(Some(key), Command::StartShift(Box::new(order))).expect("there is room");
            if driver % 1_000 == 999 {
                pending.answer().await.expect("it is taken");
            }
        }
    }

    /// The next position, of the next driver.
    fn report(&mut self) {
        let (driver, seq) = (self.pings % u64::from(DRIVERS), self.pings / u64::from(DRIVERS) + 1);
        self.pings += 1;
        let position = Position { driver: name(driver), session: 1, seq: seq as u32, place: self.place(driver, seq) };
        let location = Location { id: "p".into(), market: None, measured: None, position };
        // What is turned away is counted as shed.
        let _ = self.market.report(location);
    }

    /// Other drivers come and go, one at a time.
    fn command(&mut self) -> Result<Pending, NotTaken> {
        let key = self.key();
        let driver = name(u64::from(DRIVERS) + self.keys / 2 % 1_000);
        let body = if self.keys.is_multiple_of(2) {
            let (seats, class, autonomous, until, home) = (4, 0, false, None, None);
            let place = self.place(self.keys, 0);
            let rating = Rating(480);
            Body::StartShift(order::StartShift { driver, place, seats, class, autonomous, until, home, rating })
        } else {
            Body::EndShift(order::EndShift { driver, session: 1 })
        };
        self.market.order(Order { key, source: "bench".into(), market: None, time: None, body })
    }
}

fn name(number: u64) -> Name {
    Name(number.to_string().into())
}

/// Sends at a rate for a while, from a thread of its own.
async fn run(dispatcher: &Dispatcher, load: &mut Load, rate: u64, span: Duration) -> Done {
    let shed = || figure(dispatcher, "hansom_shed_pings_total");
    let (pings, before) = (load.pings, shed());
    let (sent, mut answers) = unbounded_channel::<(Instant, Pending)>();
    let waits = Rc::new(RefCell::new(Vec::new()));
    let waiting = actix_rt::spawn({
        let waits = waits.clone();
        async move {
            let mut all = Vec::new();
            while let Some((since, pending)) = answers.recv().await {
                let waits = waits.clone();
                all.push(actix_rt::spawn(async move {
                    if pending.answer().await.is_ok() {
                        waits.borrow_mut().push(since.elapsed().as_micros() as u64);
                    }
                }));
            }
            for answer in all {
                answer.await.expect("no panic");
            }
        }
    });
    let mut mine = Load { market: load.market.clone(), network: load.network.clone(), pings, keys: load.keys };
    let (mine, commands, turned_away) = actix_rt::task::spawn_blocking(move || {
        let (commands, turned_away) = send(&mut mine, rate, span, &sent);
        (mine, commands, turned_away)
    })
    .await
    .expect("no panic");
    *load = mine;
    waiting.await.expect("no panic");
    let mut waits_us = waits.take();
    waits_us.sort_unstable();
    Done { rate, pings: load.pings - pings, shed: shed() - before, commands, turned_away, waits_us }
}

fn send(load: &mut Load, rate: u64, span: Duration, sent: &UnboundedSender<(Instant, Pending)>) -> (u64, u64) {
    let (began, first) = (Instant::now(), load.pings);
    let (mut commands, mut turned_away) = (0, 0);
    while began.elapsed() < span {
        let due = first + (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while load.pings < due {
            load.report();
            if load.pings.is_multiple_of(PINGS_PER_COMMAND) {
                commands += 1;
                match load.command() {
                    Ok(pending) => sent.send((Instant::now(), pending)).expect("somebody waits"),
                    Err(_) => turned_away += 1,
                }
            }
        }
        std::thread::sleep(SLICE);
    }
    (commands, turned_away)
}

/// A figure of the market, as Prometheus would read it.
fn figure(dispatcher: &Dispatcher, name: &str) -> u64 {
    let text = dispatcher.figures().text().expect("text");
    let line = text.lines().find(|line| line.starts_with(name)).expect("it is measured");
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}
