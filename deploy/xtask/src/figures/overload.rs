//! Twice as many positions as a market keeps up with, and one order for each hundred of them: positions are shed, orders are
//! not.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::client::{self, Desk, metric, order, position, post, settle};
use crate::shell::Result;

const DRIVERS: u64 = 20_000;
/// Positions in a request.
const PINGS: u64 = 1_000;
const CLIENTS: u64 = 4;
/// How long each rate is tried.
const TRY: Duration = Duration::from_secs(3);

/// Finds the highest rate, of some, at which nothing is shed, and prints what becomes of orders at twice that.
pub fn run(target: &Path, hansom: &str) -> Result<()> {
    let desk = Desk::new(client::folder(target, "overload"), hansom, r#"{ kind = "nearest" }"#)?;
    let server = desk.serve()?;
    let address = server.address;
    let shift = |driver: u64| {
        let place = desk.place(driver);
        order("start_shift", &format!(r#""driver":"d{driver}","place":{{{place}}}"#))
    };
    settle(address, (0..DRIVERS).map(shift).collect())?;
    let sent = AtomicU64::new(0);
    let mut rate = 12_500;
    loop {
        let tried = attempt(&desk, address, &sent, rate)?;
        println!("{tried}");
        if tried.shed > 0.0 || !tried.kept_up() {
            break;
        }
        rate = rate * 3 / 2;
    }
    println!(
        "at twice the rate before that, as fast as these clients can: {}",
        attempt(&desk, address, &sent, rate * 4 / 3)?
    );
    server.kill()
}

struct Tried {
    rate: u64,
    reached: f64,
    shed: f64,
    orders: u64,
    taken: u64,
}

impl Tried {
    fn kept_up(&self) -> bool {
        self.reached > 0.95 * self.rate as f64
    }
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, reached, shed, orders, taken } = self;
        let share = 100.0 * *taken as f64 / (*orders).max(1) as f64;
        write!(
            f,
            "{rate} positions a second wanted, {reached:.0} sent, {shed} shed; {taken} of {orders} orders taken, {share:.2} %"
        )
    }
}

/// Sends positions at a rate, and orders among them. An order that is not taken at once counts as not taken.
fn attempt(desk: &Desk, address: SocketAddr, sent: &AtomicU64, rate: u64) -> Result<Tried> {
    let (before, started) = (metric(address, "shed_pings_total")?, sent.load(Ordering::Relaxed));
    let (orders, taken, began) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while began.elapsed() < TRY {
                    let first = sent.fetch_add(PINGS, Ordering::Relaxed);
                    let due = Duration::from_micros((first - started) * 1_000_000 / rate);
                    std::thread::sleep(due.saturating_sub(began.elapsed()));
                    let line =
                        |number: u64| position(number % DRIVERS, 1 + number / DRIVERS, desk.place(number % DRIVERS));
                    let _ = post(address, "/v1/locations", &(first..first + PINGS).map(line).collect::<String>());
                    let some = |number: u64| order("open_session", &format!(r#""driver":"x{number}""#));
                    let body: String = (0..PINGS / 100).map(some).collect();
                    let answers = post(address, "/v1/commands", &body).unwrap_or_default();
                    orders.fetch_add(PINGS / 100, Ordering::Relaxed);
                    let turns = answers.iter().filter(|answer| answer.contains("\"offset\":")).count() as u64;
                    taken.fetch_add(turns, Ordering::Relaxed);
                }
            });
        }
    });
    let reached = (sent.load(Ordering::Relaxed) - started) as f64 / began.elapsed().as_secs_f64();
    let shed = metric(address, "shed_pings_total")? - before;
    Ok(Tried { rate, reached, shed, orders: orders.into_inner(), taken: taken.into_inner() })
}
