//! How many questions about rides are answered in a second, one after another by each client: a throughput, not a latency under a
//! given load.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::recorder::{Latency, Recorder};
use super::scene::Scene;
use super::usage::THREAD;
use crate::interrupted;

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Queries {
    pub clients: u32,
    pub per_s: f64,
    /// From one answer to the next of a client.
    pub latency: Latency,
    /// Questions that were not answered with a ride.
    pub failed: u64,
}

/// Has so many clients ask for so long. `None`: there are none, or nobody to ask.
pub fn ask(scene: &Scene, clients: u32, length: Duration) -> Option<Queries> {
    let rides = scene.known();
    if clients == 0 || rides.is_empty() || interrupted() {
        return None;
    }
    let (recorder, began) = (Recorder::new(), Instant::now());
    let client = |first: usize| {
        let mut caller = scene.subject().caller();
        let (mut failed, mut asked) = (0_u64, 0_u64);
        for ride in rides.iter().cycle().skip(first * rides.len() / clients as usize) {
            if began.elapsed() >= length || interrupted() {
                break;
            }
            let from = Instant::now();
            failed += u64::from(!caller.ask(*ride)?);
            recorder.record(from, Instant::now());
            asked += 1;
        }
        Some((asked, failed))
    };
    let all: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let client = &client;
        let named =
            |first| std::thread::Builder::new().name(THREAD.to_owned()).spawn_scoped(scope, move || client(first));
        let threads: Vec<_> = (0..clients as usize).flat_map(named).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    });
    let (asked, failed) = all.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let per_s = asked as f64 / began.elapsed().as_secs_f64();
    (asked > 0).then(|| Queries { clients, per_s, latency: recorder.latency(), failed })
}
