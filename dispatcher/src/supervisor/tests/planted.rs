//! Markets whose rules were tampered with.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use hansom_engine::decide::{Desk, Stamp, Step, decide};
use hansom_engine::record::Fix;
use hansom_engine::{DriverId, State};
use hansom_market::ingest::MOST_PINGS;

use super::*;

/// Decides that a vehicle is on no street, as soon as a rider asks.
fn off_the_map(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    if let Step::Command(_, Command::RequestRide(_)) = step {
        let fix = Fix::Anchored(Place { edge: EdgeId(u32::MAX), along: 0 });
        let coord = desk.network().node_coord(NodeId(3));
        out.push(Event::DriverMoved { driver: DriverId(0), seq: 1, age_ms: 0, clamped: false, coord, fix });
    }
    decide(desk, state, stamp, step, out);
}

/// What was decided is half in the state when that panics: nobody may go on from there.
#[test]
fn a_fault_that_leaves_the_state_half_changed_halts_its_market_alone() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let planted = Spec { rules: Some(off_the_map), ..spec("broken", data.path()) };
        let broken = dispatcher.open(planted).expect("a new name");
        let sound = dispatcher.open(spec("sound", data.path())).expect("a new name");
        assert!(broken.ready().await.is_serving() && sound.ready().await.is_serving());
        let first = taken(shift(&broken, 1).await);

        let asked = request(&broken, 2).await;
        assert!(matches!(asked, Err(NotTaken::Unknown | NotTaken::Away(_))), "{asked:?}");
        taken(shift(&sound, 3).await);
        assert!(dispatcher.figures().text().expect("text").contains("hansom_halts_total{market=\"broken\"} 1"));
        until(&broken, Standing::is_serving).await;
        assert_eq!(taken(shift(&broken, 1).await), first, "it knows what it knew");
        dispatcher.close_all().await.expect("it closes");
    });
    let asked = |event: &Event| matches!(event, Event::RideRequested(_));
    assert!(
        !turns(data.path(), "broken").iter().any(|turn| turn.events.iter().any(asked)),
        "nothing of it is in the log"
    );
}

/// Who holds a market up, and who lets it go on.
static GATE: Mutex<Option<(Sender<()>, Receiver<()>)>> = Mutex::new(None);

fn held_up(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    decide(desk, state, stamp, step, out);
    if let Step::Command(_, Command::StartShift(_)) = step
        && let Some((held, go_on)) = GATE.lock().unwrap_or_else(PoisonError::into_inner).take()
    {
        held.send(()).expect("it is waited for");
        go_on.recv().expect("it is let go on");
    }
}

/// While a market is held up more positions come than share a turn, and then an order: it waits for one bundle of them at
/// most. Of an idle driver the last position counts, and what was left out is counted.
#[test]
fn an_order_goes_before_positions_that_came_earlier() {
    const DRIVERS: u128 = MOST_PINGS as u128 + 1;
    let data = tempfile::tempdir().expect("a folder");
    let order = System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let planted = Spec { rules: Some(held_up), capacity: 2 * MOST_PINGS, ..spec("town", data.path()) };
        let town = dispatcher.open(planted).expect("a new name");
        assert!(town.ready().await.is_serving());
        join_all((0..DRIVERS).map(|driver| shift(&town, driver)))
            .await
            .into_iter()
            .for_each(|answer| _ = taken(answer));
        let ((held, is_held), (go_on, let_on)) = (channel(), channel());
        *GATE.lock().expect("nobody panics") = Some((held, let_on));
        let holds = town.clone();
        let holds = actix_rt::spawn(async move { shift(&holds, DRIVERS).await });
        actix_rt::task::spawn_blocking(move || is_held.recv()).await.expect("it runs").expect("it is held up");

        let reports = [1, 2].map(|seq| {
            let all: Vec<_> = (0..DRIVERS).map(|driver| position(driver, seq)).collect();
            let (taken, reported, report) = town.report_all(all.into_iter());
            reported.expect("there is room");
            assert_eq!(taken as u128, DRIVERS);
            report
        });
        let order = town.clone();
        let order = actix_rt::spawn(async move { shift(&order, DRIVERS + 1).await });
        while town.shared.lanes.depth() == 0 {
            actix_rt::task::yield_now().await;
        }
        go_on.send(()).expect("it waits");
        taken(holds.await.expect("it runs"));
        let order = taken(order.await.expect("it runs"));
        for report in reports {
            let Reported { offset, not_placed } = report.answer().await.expect("it is durable");
            assert!(offset > order && not_placed.is_empty(), "told before all were durable: {offset} {not_placed:?}");
        }
        dispatcher.close_all().await.expect("it closes");
        let shed = format!("hansom_shed_pings_total{{market=\"town\"}} {DRIVERS}\n");
        let figures = dispatcher.figures().text().expect("text");
        assert!(figures.contains(&shed), "{figures}");
        order
    });
    let turns = turns(data.path(), "town");
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for turn in &turns {
        let seen = if turn.offset < order { &mut before } else { &mut after };
        seen.extend(turn.events.iter().filter_map(|event| match event {
            Event::DriverMoved { seq, .. } => Some(*seq),
            _ => None,
        }));
    }
    assert_eq!((before, after), (vec![2; MOST_PINGS], vec![2]));
}
