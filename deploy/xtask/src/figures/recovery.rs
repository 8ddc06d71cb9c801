//! How long a large market is away when it is killed, and what becomes of it after an outage of ten minutes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::large::LargeCity;
use crate::shell::{Failure, Result};

/// When it is killed, counted from a snapshot: at any moment, and just before the next one.
const KILLS_S: [u64; 5] = [7, 41, 23, 33, 57];
const MINUTE: Duration = Duration::from_secs(60);
const OUTAGE: Duration = Duration::from_secs(600);

/// Prints the time from the start of the process to the first acknowledged order, after each of some kills.
pub fn run(target: &Path, hansom: &str) -> Result<()> {
    let mut city = LargeCity::build(target, hansom, "recovery")?;
    for seconds in KILLS_S {
        after_snapshot(&city)?;
        std::thread::sleep(Duration::from_secs(seconds));
        let (open, sent, shed) = (city.metric("open_requests")?, city.sent(), city.metric("shed_pings_total")?);
        city.kill()?;
        let took = city.start()?;
        println!(
            "killed {seconds} s after a snapshot, {open} rides open, {sent} positions sent, {shed} shed; from the start of \
             the process to the first acknowledged order: {:.3} s",
            took.as_secs_f64()
        );
        println!("  {}", last(&city, "recovered")?);
    }
    Ok(())
}

/// Prints what the market tells in the minute before an outage and in the one after it.
pub fn outage(target: &Path, hansom: &str) -> Result<()> {
    let mut city = LargeCity::build(target, hansom, "outage")?;
    // Those who thought when it began to work have answered.
    std::thread::sleep(MINUTE);
    let before = city.told();
    std::thread::sleep(MINUTE);
    let (at_kill, open) = (city.told(), city.metric("open_requests")?);
    city.kill()?;
    println!("killed with {open} rides open; away for {} s", OUTAGE.as_secs());
    std::thread::sleep(OUTAGE);
    let took = city.start()?;
    std::thread::sleep(MINUTE);
    let (after, open) = (city.told(), city.metric("open_requests")?);
    println!("first acknowledged order after {:.3} s; a minute later {open} rides open", took.as_secs_f64());
    println!("{:<44}{:>14}{:>14}", "told in a minute", "before", "after");
    for (kind, count) in &after {
        let of = |told: &std::collections::BTreeMap<String, u64>| told.get(kind).copied().unwrap_or_default();
        println!("{kind:<44}{:>14}{:>14}", of(&at_kill) - of(&before), count - of(&at_kill));
    }
    Ok(())
}

/// Returns when the next snapshot is there.
fn after_snapshot(city: &LargeCity) -> Result<()> {
    let folder = city.snapshots();
    let newest = || -> Option<std::path::PathBuf> {
        let entries = fs::read_dir(&folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        entries.filter(|path| path.extension().is_some_and(|it| it == "snap")).max()
    };
    let (before, began) = (newest(), Instant::now());
    while newest() == before {
        if began.elapsed() > 3 * MINUTE {
            return Err(Failure("there is no new snapshot".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The last line of the server that tells of this.
fn last(city: &LargeCity, what: &str) -> Result<String> {
    let said = city.said()?;
    Ok(said.lines().rfind(|line| line.contains(what)).unwrap_or_default().to_owned())
}
