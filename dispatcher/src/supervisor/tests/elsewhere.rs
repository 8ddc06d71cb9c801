//! Drivers who go on shift in several markets: they are in one at a time.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use hansom_market::ingest::Body;
use hansom_market::ingest::order::EndShift;

use super::*;

const MARKETS: [&str; 3] = ["east", "north", "west"];

/// Each of a few drivers has two devices, which know nothing of each other: they go on shift now here, now there, and end it. Now
/// and then a market breaks down and comes back. `apart`: each market has a process of its own, so that none knows of another.
/// Returns how often a driver was sent away since he was elsewhere.
fn come_and_go(data: &Path, apart: bool) -> usize {
    System::new().block_on(async {
        let dispatchers: Vec<Dispatcher> =
            (0..if apart { MARKETS.len() } else { 1 }).map(|_| Dispatcher::new()).collect();
        let of = |market: usize| &dispatchers[market % dispatchers.len()];
        let mut markets = Vec::new();
        for (number, name) in MARKETS.iter().enumerate() {
            let market = of(number).open(Spec { capacity: 64, ..spec(name, data) }).expect("a new name");
            assert!(market.ready().await.is_serving());
            markets.push(market);
        }
        let devices = (0..12).map(|device: u64| {
            let markets = markets.clone();
            actix_rt::spawn(async move {
                let (driver, mut elsewhere) = (device as u128 / 2, 0);
                for round in 0..60 {
                    let drawn = (device << 32 | round).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    let market = &markets[drawn as usize % markets.len()];
                    let number = u128::from(device) * 1_000 + 2 * u128::from(round) + 1;
                    match shift_of(market, number, driver).await {
                        Err(NotTaken::Elsewhere) => elsewhere += 1,
                        Err(NotTaken::Away(_) | NotTaken::Unknown) => {
                            actix_rt::time::sleep(Duration::from_millis(2)).await;
                        }
                        // It was taken, or the other device was there before.
                        other => drop(other.expect("there is room")),
                    }
                    if !drawn.is_multiple_of(16) {
                        let body = Body::EndShift(EndShift { driver: name_of(driver), session: 1 });
                        let end =
                            Order { key: key(number + 1), source: "/test".into(), market: None, time: None, body };
                        if let Ok(pending) = market.order(end) {
                            // It may be over, or never have begun.
                            let _ = pending.answer().await;
                        }
                    }
                }
                elsewhere
            })
        });
        let devices: Vec<_> = devices.collect();
        let breaks = async {
            for round in 0..6 {
                actix_rt::time::sleep(Duration::from_millis(7)).await;
                let number = round % MARKETS.len();
                let actor = of(number).lock()[MARKETS[number]].actor.clone();
                // It may be down already.
                let _ = actor.send(Break).await;
            }
        };
        let (told, ()) = futures_util::future::join(join_all(devices), breaks).await;
        for dispatcher in &dispatchers {
            dispatcher.close_all().await.expect("it closes");
        }
        told.into_iter().map(|told| told.expect("it runs")).sum()
    })
}

/// The first two shifts of one driver in two markets of which each began before the other ended, by what the logs say; and how many
/// shifts there were.
fn at_once(data: &Path) -> (Option<String>, usize) {
    let mut shifts: BTreeMap<Name, Vec<(Millis, Millis, &str)>> = BTreeMap::new();
    for market in MARKETS {
        let mut on = BTreeMap::new();
        for turn in turns(data, market) {
            for event in &turn.events {
                match event {
                    Event::ShiftStarted(started) => _ = on.insert(started.driver, (turn.at, started.name.clone())),
                    Event::ShiftEnded { driver } => {
                        let (began, name) = on.remove(driver).expect("it began");
                        shifts.entry(name).or_default().push((began, turn.at, market));
                    }
                    _ => {}
                }
            }
        }
        for (began, name) in on.into_values() {
            shifts.entry(name).or_default().push((began, Millis(i64::MAX), market));
        }
    }
    let count = shifts.values().map(Vec::len).sum();
    let pairs = shifts
        .iter()
        .flat_map(|(name, all)| all.iter().flat_map(move |one| all.iter().map(move |other| (name, one, other))));
    let mut twice = pairs.filter(|(_, one, other)| one.2 < other.2 && one.0 < other.1 && other.0 < one.1);
    (twice.next().map(|twice| format!("{twice:?}")), count)
}

#[test]
fn a_driver_is_in_one_market_at_a_time() {
    let data = tempfile::tempdir().expect("a folder");
    let elsewhere = come_and_go(data.path(), false);
    let (twice, shifts) = at_once(data.path());
    assert_eq!(twice, None);
    assert!(elsewhere > 20 && shifts > 100, "{elsewhere} were elsewhere, {shifts} shifts");
    // Where markets know nothing of each other, it would be seen.
    let data = tempfile::tempdir().expect("a folder");
    assert_eq!(come_and_go(data.path(), true), 0);
    assert!(at_once(data.path()).0.is_some(), "a driver in two markets is not seen");
}

#[test]
fn a_market_that_is_opened_again_ends_the_shifts_of_those_who_are_elsewhere() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let [east, west] = ["east", "west"].map(|name| dispatcher.open(spec(name, data.path())).expect("a new name"));
        assert!(east.ready().await.is_serving() && west.ready().await.is_serving());
        for number in [1, 2] {
            taken(shift(&east, number).await);
        }
        assert!(matches!(shift(&west, 1).await, Err(NotTaken::Elsewhere)));
        dispatcher.close("east").await.expect("it closes");
        taken(shift(&west, 1).await);
        let east = dispatcher.open(spec("east", data.path())).expect("the name is free");
        assert!(east.ready().await.is_serving());
        // The order by which the shift began is answered as it was, wherever he is now.
        assert!(taken(shift(&east, 1).await) < taken(shift_of(&east, 3, 3).await));
        assert!(matches!(shift_of(&east, 4, 1).await, Err(NotTaken::Elsewhere)));
        assert!(matches!(shift_of(&west, 5, 2).await, Err(NotTaken::Elsewhere)));
        dispatcher.close_all().await.expect("it closes");
    });
    let ended: Vec<_> = turns(data.path(), "east")
        .iter()
        .flat_map(|turn| turn.events.clone())
        .filter_map(|event| match event {
            Event::ShiftEnded { driver } => Some(driver),
            _ => None,
        })
        .collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
}
