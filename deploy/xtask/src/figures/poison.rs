//! What one bad line in a hundred does to the good ones: seconds with and without them by turns, in one run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::client::{self, Desk, order, post, settle};
use crate::shell::{Failure, Result};

const CLIENTS: u64 = 16;
/// Seconds of each kind, one of each by turns.
const SECONDS: u64 = 20;
/// Each client sends so often.
const EVERY: Duration = Duration::from_millis(20);

/// Prints the times of healthy orders when all are, and when one line in a hundred is not.
pub fn run(target: &Path, hansom: &str) -> Result<()> {
    let desk = Desk::new(client::folder(target, "poison"), hansom, r#"{ kind = "nearest" }"#)?;
    let server = desk.serve()?;
    let address = server.address;
    let shift = |driver: u64| {
        let place = desk.place(driver);
        order("start_shift", &format!(r#""driver":"d{driver}","place":{{{place}}}"#))
    };
    settle(address, (0..CLIENTS).map(shift).collect())?;
    let (poisons, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let client = |number: u64| {
        let (mut clean, mut mixed) = (Vec::new(), Vec::new());
        for round in 0u64.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let poisoned = poisons.load(Ordering::Relaxed);
            let began = Instant::now();
            if poisoned && (round * CLIENTS + number).is_multiple_of(100) {
                // By turns a line that cannot be read, and an order that no rule allows.
                let bad = if round.is_multiple_of(2) {
                    "{\"specversion\":\"1.0\",".to_owned()
                } else {
                    order("arrive_at_pickup", r#""driver":"nobody","ride":4000000000"#)
                };
                let _ = post(address, "/v1/commands", &bad);
            } else {
                let line = order("open_session", &format!(r#""driver":"d{number}""#));
                let answered = post(address, "/v1/commands", &line);
                if answered.is_ok_and(|answers| answers.concat().contains("\"offset\":")) {
                    if poisoned { &mut mixed } else { &mut clean }.push(began.elapsed());
                }
            }
            std::thread::sleep(EVERY.saturating_sub(began.elapsed()));
        }
        (clean, mixed)
    };
    let (mut clean, mut mixed) = std::thread::scope(|scope| {
        let client = &client;
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        for second in 0..2 * SECONDS {
            poisons.store(second % 2 == 1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_secs(1));
        }
        over.store(true, Ordering::Relaxed);
        let (mut clean, mut mixed) = (Vec::new(), Vec::new());
        for client in clients {
            let (c, m) = client.join().unwrap_or_default();
            clean.extend(c);
            mixed.extend(m);
        }
        (clean, mixed)
    });
    server.kill()?;
    if clean.is_empty() || mixed.is_empty() {
        return Err(Failure("no order was answered".to_owned()));
    }
    clean.sort_unstable();
    mixed.sort_unstable();
    let at = |times: &[Duration], per_mille: usize| times[(times.len() - 1) * per_mille / 1000].as_secs_f64() * 1e3;
    for (name, times) in [("all healthy", &clean), ("1 % poison", &mixed)] {
        println!("{name}: {} orders, p50 {:.2} ms, p99 {:.2} ms", times.len(), at(times, 500), at(times, 990));
    }
    println!("p99 of the healthy, with poison over without: {:.2}", at(&mixed, 990) / at(&clean, 990));
    Ok(())
}
